// The limit on the accuracy drop, whatever the optimizer: what is returned keeps to it, and a study
// without a usable trial says so.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <hass/search/composite.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/study.hpp>

using Catch::Matchers::Contains;
using hass::outcome;

namespace {

constexpr std::size_t constrained_layers = 6;

hass::space constrained_thresholds() {
    std::vector<hass::axis> axes;
    for (std::size_t i = 0; i < constrained_layers; ++i)
        axes.push_back(hass::real_axis(std::string("t").append(std::to_string(i)), 0.0, 1.0));
    return hass::space(axes);
}

/// Accuracy falls, speed rises with every threshold.
hass::measured_terms measured(std::span<const double> p) {
    hass::measured_terms terms{0.9, 0.0, 100.0, 50.0};
    for (std::size_t i = 0; i < constrained_layers; ++i) {
        terms.accuracy -= 0.02 * static_cast<double>(i + 1) * p[i] * p[i];
        terms.sparsity += p[i] / constrained_layers;
        terms.images_per_second += 40.0 * p[i];
    }
    return terms;
}

const hass::hass_objective objective(measured(std::vector<double>(constrained_layers, 0.0)), 100.0,
                                     {5.0, 5.0, 5.0}, hass::accuracy_floor(0.9 - 0.01));

/// Every optimizer of the library, by name.
std::vector<std::string> names() {
    std::vector<std::string> all{"composite"};
    for (const hass::optimizer_entry& o : hass::built_in_optimizers) all.emplace_back(o.name);
    return all;
}

hass::any_optimizer make(const std::string& name, std::uint64_t seed) {
    if (name != "composite") return hass::make_optimizer(name, constrained_thresholds(), seed);
    const auto known = [](std::span<const double> p) {
        hass::measured_terms terms = measured(p);
        terms.accuracy = 0.0;
        return -objective.value(terms);
    };
    hass::composite_options options;
    options.evaluations = 200;
    return hass::composite(constrained_thresholds(), seed, known, options);
}

using study = hass::study<hass::any_optimizer>;
const hass::study_options sixty{{hass::direction::maximise}, 60};

}  // namespace

TEST_CASE("what a study returns keeps to the accuracy drop, whatever the optimizer",
          "[constraints]") {
    for (const std::string& name : names())
        for (std::uint64_t seed = 0; seed < 4; ++seed) {
            INFO(name << ", seed " << seed);
            study s(make(name, seed), sixty);
            // Half of the runs start where nothing is lost, half where far too much is.
            s.enqueue(std::vector<double>(constrained_layers, seed % 2 == 0 ? 0.0 : 1.0));
            s.run([](std::span<const double> p) { return objective(measured(p)); });
            double most = -1e300;
            bool feasible = false;
            for (const hass::trial_record& r : s.history()) {
                if (measured(r.point).accuracy < 0.9 - 0.01) continue;
                feasible = true;
                most = std::max(most, objective.value(measured(r.point)));
            }
            REQUIRE(s.best().has_value() == feasible);
            if (seed % 2 == 0) CHECK(feasible);
            if (feasible) {
                CHECK(measured(s.best()->point).accuracy >= 0.9 - 0.01);
                CHECK(s.best()->result->values()[0] == most);
                CHECK_THAT(s.conclusion(), Contains("best of 60 trials"));
            } else {
                CHECK_THAT(s.conclusion(), Contains("no feasible result in 60 trials") &&
                                               Contains("is below 89.00 %"));
            }
        }
}

TEST_CASE("a study in which nothing holds, or nothing works, ends with a clear statement",
          "[constraints]") {
    for (const std::string& name : names()) {
        INFO(name);
        study never(make(name, 1), sixty);
        never.run([](std::span<const double> p) {
            hass::measured_terms terms = measured(p);
            terms.accuracy -= 0.05;  // the network itself is not good enough
            return objective(terms);
        });
        CHECK(!never.best());
        CHECK_THAT(never.conclusion(), Contains("no feasible result in 60 trials") &&
                                           Contains("nearest is trial") &&
                                           Contains("is below 89.00 %"));
        study unfit(make(name, 1), sixty);
        unfit.run([](std::span<const double>) {
            return outcome::infeasible({}, "the smallest design needs 300 DSP");
        });
        CHECK(!unfit.best());
        CHECK_THAT(unfit.conclusion(), Contains("no feasible result in 60 trials") &&
                                           Contains("the smallest design needs 300 DSP"));
        study broken(make(name, 1), sixty);
        broken.run([](std::span<const double>) { return outcome::failed("no such device"); });
        CHECK(!broken.best());
        CHECK_THAT(broken.conclusion(),
                   Contains("no result in 60 trials") && Contains("no such device"));
    }
}
