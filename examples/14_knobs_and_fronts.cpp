// Knobs of a struct as search axes, TPE by the rules of other libraries, and what a front is worth.
#include <cstdio>
#include <hass/search/pareto.hpp>
#include <hass/search/reflect.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>
#include <span>
#include <string>
#include <vector>

struct knobs {
    hass::real_knob threshold{.low = 0.001, .high = 1.0, .log = true};
    hass::integer_knob macs{.low = 1, .high = 16};
    hass::choice_knob engine{.choices = {"sparse", "dense"}};
    hass::switch_knob channels{};
};
BOOST_HANA_ADAPT_STRUCT(knobs, threshold, macs, engine, channels);

namespace {

/// What is lost and what is spent, both as small as possible: a toy.
std::vector<double> judge(const knobs& at) {
    const bool sparse = at.engine.value == 0;
    const double kept = 1.0 - at.threshold.value * (at.channels.value ? 0.9 : 1.0);
    return {at.threshold.value, sparse ? 30.0 * kept + static_cast<double>(at.macs.value) : 40.0};
}

/// The front that 60 trials find, under whatever rules.
template <class Optimizer>
std::vector<std::vector<double>> front_of() {
    hass::study_options options;
    options.trials = 60;
    options.directions = {hass::direction::minimise, hass::direction::minimise};
    const knobs start;
    const hass::space where = hass::space_of(start);
    hass::study<Optimizer> study(Optimizer(where, /*seed*/ 1), options);
    study.enqueue(hass::point_of(start));
    const auto objective = [&](std::span<const double> x) {
        return hass::outcome::ok(judge(hass::with_point(start, x)));
    };
    study.run(objective);
    std::vector<std::vector<double>> front;
    for (const hass::trial_record& t : study.front()) front.push_back(t.result->values());
    return front;
}

}  // namespace

int main() {
    using hyperopt = hass::tpe<hass::gamma_root, hass::fixed_candidates<24>>;
    const auto newest = front_of<hass::tpe<>>();
    const auto optuna_4 = front_of<hass::tpe_optuna_4>();
    const auto root = front_of<hyperopt>();
    for (const auto& [name, front] :
         {std::pair{"Optuna 5", newest}, std::pair{"Optuna 4", optuna_4},
          std::pair{"hyperopt", root}}) {
        const auto knee = hass::knee_point(front);
        std::printf("%s: %zu points, knee at (%.3f, %.1f); off the first by %.3f, IGD+ %.3f\n",
                    name, front.size(), front[*knee][0], front[*knee][1],
                    hass::additive_epsilon(front, newest),
                    hass::inverted_generational_distance_plus(front, newest));
    }
}
