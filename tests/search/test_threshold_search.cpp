// The loop of HASS as a library function: the same trials as a loop written by hand, and the best
// of all that was judged.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/grid.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/predicted_objective.hpp>
#include <hass/search/study.hpp>
#include <hass/search/threshold_search.hpp>
#include <hass/search/tpe.hpp>
#include <hass/statistics/tensor_statistics.hpp>
#include <hass/workload/layers.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using Catch::Matchers::Contains;

namespace {

using wide_net = hass::sequential<hass::input<4, 8, 8>, hass::conv2d<4, 8, 3, hass::pad<1>>,
                                  hass::relu, hass::pointwise<8, 8>>;
constexpr double floor_of_accuracy = 0.85;

/// Numbers in -1..1 that no library draws differently.
std::vector<float> noise(std::size_t n, std::uint64_t seed) {
    hass::random_stream random(seed);
    std::vector<float> values(n);
    for (float& x : values) x = static_cast<float>(2.0 * random.uniform() - 1.0);
    return values;
}

/// A network with tensors of its own; its accuracy falls with what is zeroed.
struct synthetic {
    std::vector<std::vector<float>> weights{noise(8 * 4 * 9, 1), noise(8 * 8, 2)};
    std::vector<std::vector<float>> activations{noise(4 * 64, 3), noise(8 * 64, 4)};
    hass::tensor_statistics tensors = hass::measure_tensors(wide_net{}, weights, activations);
    hass::network_magnitudes magnitudes = tensors.magnitudes();
    hass::threshold_axes axes{wide_net{}, magnitudes};
    hass::allocator<hass::sparse_dot<>> hardware{wide_net{}, {}, hass::boards::zedboard{}};
    std::size_t measured = 0;

    synthetic() = default;
    synthetic(const synthetic&) = delete;  // its parts look at each other

    hass::measurement operator()(const hass::network_thresholds& t) {
        ++measured;
        hass::measurement m{0.0, 1.0, tensors.at(t)};
        const hass::average_sparsity s = hass::average(wide_net{}, m.statistics);
        m.score = 0.9 - 0.1 * s.weight * s.weight - 0.2 * s.activation * s.activation;
        return m;
    }
    hass::hass_objective objective(hass::objective_weights lambda = {1.0, 0.5, 0.5}) {
        const hass::network_thresholds zero(3);
        const hass::candidate dense =
            hass::make_candidate(wide_net{}, zero, (*this)(zero), hardware);
        return {dense.terms(), hass::boards::zedboard::value.budget.dsp, lambda,
                hass::accuracy_floor(floor_of_accuracy)};
    }
};

/// The loop in its steps: ask, thresholds, measure, solve, values, tell.
template <hass::Optimizer O>
std::vector<hass::trial_record> by_hand(synthetic& s, O optimizer, const hass::hass_objective& f,
                                        bool apart, std::size_t trials) {
    hass::study_options options;
    options.trials = trials;
    options.directions = {hass::direction::maximise};
    if (apart)
        options.directions = {hass::direction::maximise, hass::direction::maximise,
                              hass::direction::minimise};
    hass::study<O> judged(std::move(optimizer), options);
    judged.enqueue(std::vector<double>(4, 0.0));
    while (const auto trial = judged.ask()) {
        const hass::network_thresholds thresholds = s.axes.at(trial->point);
        const hass::measurement measured = s(thresholds);
        const hass::allocation built = s.hardware.solve(measured.statistics);
        const double sparsity = hass::average(wide_net{}, measured.statistics).pair_of_layers;
        const double speed = built.estimate.images_per_second;
        const double dsp = built.estimate.total.dsp;
        std::vector<double> values{
            f.value(hass::measured_terms{measured.score, sparsity, speed, dsp})};
        if (apart) values = {measured.score, speed, dsp};
        judged.tell(*trial, hass::outcome::constrained(std::move(values),
                                                       {floor_of_accuracy - measured.score}));
    }
    return judged.history();
}

void check_same(const hass::threshold_search_result& found,
                const std::vector<hass::trial_record>& expected) {
    REQUIRE(found.trials.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        INFO("trial " << i);
        CHECK(found.trials[i].number == expected[i].number);
        CHECK(found.trials[i].point == expected[i].point);
        CHECK(found.trials[i].result.values() == expected[i].result->values());
        CHECK(found.trials[i].result.constraints() == expected[i].result->constraints());
        CHECK(found.trials[i].feasible() == expected[i].result->is_ok());
    }
}

}  // namespace

TEST_CASE("the search judges the trials of a loop written by hand", "[threshold_search]") {
    synthetic s;
    const hass::hass_objective f = s.objective();
    for (const char* name : {"tpe", "cma-es", "random"}) {
        INFO(name);
        const auto optimizer = [&] { return hass::make_optimizer(name, s.axes.where(), 3); };
        const auto expected = by_hand(s, optimizer(), f, false, 30);
        check_same(hass::search_thresholds(s.axes, s, s.hardware, optimizer(), f, {.trials = 30}),
                   expected);
    }
    for (const char* name : {"nsga2", "tpe"}) {
        INFO(name << ", values apart");
        const auto optimizer = [&] { return hass::make_optimizer(name, s.axes.where(), 3); };
        const auto expected = by_hand(s, optimizer(), f, true, 40);
        const auto found = hass::search_thresholds(s.axes, s, s.hardware, optimizer(),
                                                   hass::pareto_objective(f), {.trials = 40});
        check_same(found, expected);
        CHECK_THAT(found.conclusion, Contains("non-dominated of 40 trials"));
    }
}

TEST_CASE("its best is the best of all, and nothing is measured twice", "[threshold_search]") {
    synthetic s;
    const hass::hass_objective f = s.objective();
    s.measured = 0;
    const auto found = hass::search_thresholds(
        s.axes, s, s.hardware, hass::grid_search(s.axes.where(), 1, 4), f, {.trials = 1000});
    REQUIRE(found.trials.size() == 1 + 256);  // nothing clipped, then every point of the grid
    CHECK(s.measured == 257);
    // every point again, apart from the search
    double most = -std::numeric_limits<double>::infinity();
    std::vector<double> where;
    for (int k = 0; k < 256; ++k) {
        const std::vector<double> point{(k % 4) / 3.0, (k / 4 % 4) / 3.0, (k / 16 % 4) / 3.0,
                                        (k / 64) / 3.0};
        const hass::network_thresholds t = s.axes.at(point);
        const hass::measurement m = s(t);
        const hass::candidate c = hass::make_candidate(wide_net{}, t, m, s.hardware);
        if (m.score < floor_of_accuracy || f.value(c.terms()) <= most) continue;
        most = f.value(c.terms());
        where = point;
    }
    REQUIRE(found.best() != nullptr);
    CHECK(found.best()->objective == most);
    for (std::size_t i = 0; i < 4; ++i) CHECK(found.best()->point[i] == Approx(where[i]));
    CHECK(found.best()->candidate.measured.score >= floor_of_accuracy);
    CHECK_THAT(found.conclusion, Contains("best of 257 trials"));
    bool infeasible = false;
    for (const hass::judged_trial& t : found.trials) {
        CHECK(t.feasible() == (t.candidate.measured.score >= floor_of_accuracy));
        CHECK((!t.feasible() || t.objective <= most));
        infeasible = infeasible || t.objective > most;
    }
    CHECK(infeasible);  // the limit decides which one it is
}

TEST_CASE("a search reports after every trial, and ends when told to", "[threshold_search]") {
    synthetic s;
    const hass::hass_objective f = s.objective();
    std::size_t calls = 0;
    hass::threshold_search_options options;
    options.after_trial = [&](const hass::threshold_search_result& so_far) {
        CHECK(so_far.trials.size() == ++calls);
        CHECK(so_far.trials.back().number + 1 == calls);
        double most = -std::numeric_limits<double>::infinity();
        for (const hass::judged_trial& t : so_far.trials)
            if (t.feasible()) most = std::max(most, t.objective);
        CHECK(so_far.best()->objective == most);  // the first trial loses nothing
        return calls < 7;
    };
    const auto found =
        hass::search_thresholds(s.axes, s, s.hardware, hass::tpe<>(s.axes.where(), 1), f, options);
    CHECK(found.trials.size() == 7);
    CHECK_THAT(found.conclusion, Contains("best of 7 trials"));

    options.trials = 0;
    const auto none =
        hass::search_thresholds(s.axes, s, s.hardware, hass::tpe<>(s.axes.where(), 1), f, options);
    CHECK(none.best() == nullptr);
    CHECK_THAT(none.conclusion, Contains("no trial has finished"));
}

TEST_CASE("thresholds without hardware are infeasible, and say why", "[threshold_search]") {
    synthetic s;
    const hass::hass_objective f = s.objective();
    struct nothing_fits {
        hass::allocation solve(const hass::network_statistics&) const {
            hass::allocation a;
            a.certificate.reason = "a board of no DSPs";
            return a;
        }
    } hardware;
    const auto found = hass::search_thresholds(
        s.axes, s, hardware, hass::random_search(s.axes.where(), 1), f, {.trials = 5});
    CHECK(found.best() == nullptr);
    CHECK_THAT(found.conclusion, Contains("no feasible result") && Contains("a board of no DSPs"));
}

TEST_CASE("what is known of an objective is the objective without accuracy", "[threshold_search]") {
    synthetic s;
    const hass::network_thresholds zero(3);
    const hass::measurement natural = s(zero);
    const hass::predicted_statistics predicted(s.axes, s.magnitudes, natural.statistics);
    for (const hass::objective_weights weights :
         {hass::objective_weights{1.0, 0.5, 0.5}, hass::objective_weights{1.0, 0.0, 0.0}}) {
        const hass::hass_objective f = s.objective(weights);
        const hass::predicted_objective known(predicted, s.hardware, f);
        static_assert(hass::KnownPart<decltype(known)>);
        // with nothing clipped the prediction is exact
        hass::measured_terms terms =
            hass::make_candidate(wide_net{}, zero, natural, s.hardware).terms();
        terms.accuracy = 0.0;
        CHECK(known(s.axes.diagonal(0.0)) == Approx(-f.value(terms)).epsilon(1e-9));
        const auto found = hass::search_thresholds(
            s.axes, s, s.hardware,
            hass::composite(s.axes.where(), 1, known, {.evaluations = 200, .start = {}}), f,
            {.trials = 12});
        CHECK(found.trials.size() == 12);
        CHECK(found.best() != nullptr);
    }
}

TEST_CASE("trials judged several at a time do not depend on who is quicker", "[threshold_search]") {
    synthetic s;
    const hass::hass_objective f = s.objective();
    const auto run = [&](std::size_t at_a_time, std::uint64_t order) {
        hass::threshold_search_options options{.trials = 25};
        options.at_a_time = at_a_time;
        options.known = {{0.25, 0.5, 0.75, 1.0}};
        hass::threshold_search loop(s.axes, hass::tpe<>(s.axes.where(), 5), f, options);
        std::vector<hass::trial> out;
        hass::random_stream random(order);
        std::size_t most = 0;
        while (true) {
            while (auto next = loop.ask()) out.push_back(*std::move(next));
            if (out.empty()) break;
            most = std::max(most, out.size());
            const auto at = out.begin() + static_cast<std::ptrdiff_t>(random.below(out.size()));
            CHECK(loop.record(at->number).told_before ==
                  (at->number < at_a_time ? 0 : at->number - at_a_time + 1));
            loop.take(hass::judge(*at, s.axes, s, s.hardware, f));
            out.erase(at);
        }
        CHECK(most == at_a_time);
        return loop.finish();
    };
    const auto alone = run(1, 0);
    const auto plain =
        hass::search_thresholds(s.axes, s, s.hardware, hass::tpe<>(s.axes.where(), 5), f,
                                {.trials = 25, .known = {{0.25, 0.5, 0.75, 1.0}}});
    const auto same = [](const auto& a, const auto& b) {
        REQUIRE(a.trials.size() == b.trials.size());
        CHECK(a.conclusion == b.conclusion);
        CHECK(a.best_index == b.best_index);
        for (std::size_t i = 0; i < a.trials.size(); ++i) {
            CHECK(a.trials[i].number == i);
            CHECK(a.trials[i].point == b.trials[i].point);
            CHECK(a.trials[i].result.values() == b.trials[i].result.values());
        }
    };
    same(alone, plain);
    CHECK(plain.trials[1].point == std::vector<double>{0.25, 0.5, 0.75, 1.0});
    const auto four = run(4, 1);
    for (const std::uint64_t order : {2U, 3U, 4U}) same(four, run(4, order));
    CHECK(four.trials.back().point != alone.trials.back().point);
    // A trial that could not be judged is told as failed and is none of the result's.
    hass::threshold_search loop(s.axes, hass::tpe<>(s.axes.where(), 5), f, {.trials = 3});
    while (const auto next = loop.ask()) {
        if (next->number == 1)
            loop.take({1, next->point, {}, 0.0, hass::outcome::failed("lost")});
        else
            loop.take(hass::judge(*next, s.axes, s, s.hardware, f));
    }
    const auto found = loop.finish();
    CHECK(found.trials.size() == 2);
    CHECK_THAT(found.conclusion, Contains("1 failed"));
}
