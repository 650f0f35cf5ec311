// Composite search, its additive model, and batches on threads.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <hass/search/composite.hpp>
#include <hass/search/importance.hpp>
#include <hass/search/parallel.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

using Catch::Matchers::Contains;
using hass::outcome;

namespace {

constexpr std::size_t layers = 10;

hass::space thresholds() {
    std::vector<hass::axis> axes;
    for (std::size_t i = 0; i < layers; ++i)
        axes.push_back(hass::real_axis(std::string("t").append(std::to_string(i)), 0.0, 1.0));
    return hass::space(axes);
}

// Accuracy falls with every threshold, layer i by its own sensitivity, and flattens out when little
// is left: not of the model's own kind.
double accuracy(std::span<const double> p) {
    double lost = 0.0;
    for (std::size_t i = 0; i < layers; ++i)
        lost += (0.02 + 0.03 * static_cast<double>(i)) * std::pow(p[i], 2.5);
    return std::exp(-lost);
}

// The slowest layer bounds the throughput; a threshold makes its layer faster.
double throughput(std::span<const double> p) {
    double slowest = 0.0;
    for (std::size_t i = 0; i < layers; ++i)
        slowest =
            std::max(slowest, (0.4 + 0.06 * static_cast<double>(layers - i)) * (1.0 - 0.8 * p[i]));
    return 1.0 / slowest;
}

double known(std::span<const double> p) {
    return -0.3 * throughput(p);
}

outcome whole(std::span<const double> p) {
    return outcome::ok(-accuracy(p) + known(p));
}

using search = hass::composite<double (*)(std::span<const double>)>;

search make(std::uint64_t seed) {
    hass::composite_options options;
    options.evaluations = 800;
    return search(thresholds(), seed, known, options);
}

}  // namespace

TEST_CASE("an additive model finds weights and powers", "[composite]") {
    hass::additive_model model(6);
    hass::random_stream random(4);
    const auto f = [](const std::vector<double>& u) {
        double sum = 2.0;
        for (std::size_t d = 0; d < u.size(); ++d)
            sum -= 0.1 * static_cast<double>(d + 1) * u[d] * u[d];
        return sum;
    };
    for (int i = 0; i < 40; ++i) {
        std::vector<double> u(6);
        for (double& x : u) x = random.uniform();
        model.add(u, f(u) + 1e-3 * random.normal());
    }
    const auto mean = model.mean();
    CHECK(std::vector<int>(model.powers().begin(), model.powers().end()) == std::vector<int>{2});
    double worst = 0.0;
    double spread = 0.0;
    for (int i = 0; i < 50; ++i) {
        std::vector<double> u(6);
        for (double& x : u) x = random.uniform();
        worst = std::max(worst, std::fabs(mean(u) - f(u)));
        spread = std::max(spread, std::fabs(model.draw(random)(u) - mean(u)));
    }
    CHECK(worst < 0.01);
    CHECK(spread < 0.02);
    CHECK(spread > 1e-5);
}

TEST_CASE("composite search needs a fraction of the trials of TPE", "[composite]") {
    // The best value, from a long search of the whole function.
    hass::cma_es_options long_run;
    long_run.population = 40;
    hass::study<hass::cma_es> full(hass::cma_es(thresholds(), 1, long_run), {.trials = 12000});
    full.run(whole);
    const double best = full.best()->result->values()[0];
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        hass::study<search> quick(make(seed), {.trials = 32});
        hass::study<hass::tpe<>> slow(thresholds(), seed, {.trials = 96});
        for (auto* enqueue_to : {&quick}) enqueue_to->enqueue(std::vector<double>(layers, 0.0));
        slow.enqueue(std::vector<double>(layers, 0.0));
        quick.run(whole);
        slow.run(whole);
        CHECK(quick.best()->result->values()[0] < slow.best()->result->values()[0]);
        CHECK(quick.best()->result->values()[0] < best + 0.01);
    }
}

TEST_CASE("composite search copes with an accuracy that levels off, and with noise",
          "[composite]") {
    const auto collapsing = [](std::span<const double> p) {
        double lost = 0.0;
        for (std::size_t i = 0; i < layers; ++i)
            lost += (0.2 + 0.1 * static_cast<double>(i)) * std::pow(p[i], 6.0);
        return 0.1 + 0.82 * std::exp(-4.0 * lost * lost);  // down to chance
    };
    const auto gentle = [](std::span<const double> p) { return -0.1 * throughput(p); };
    hass::composite_options options;
    options.evaluations = 800;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        hass::random_stream noise(seed);
        hass::composite quick(thresholds(), seed, gentle, options);
        hass::tpe<> slow(thresholds(), seed);
        double best[2] = {0.0, 0.0};
        const auto step = [&](auto& optimizer, double& least) {
            const auto t = optimizer.ask();
            const double value = -collapsing(t->point) + gentle(t->point);
            least = std::min(least, value);
            optimizer.tell(*t, outcome::ok(value + 0.002 * noise.normal()));
        };
        for (int i = 0; i < 32; ++i) step(quick, best[0]);
        for (int i = 0; i < 96; ++i) step(slow, best[1]);
        CHECK(best[0] < best[1]);
    }
}

TEST_CASE("composite search keeps to a learnt constraint", "[composite]") {
    const auto constrained = [](std::span<const double> p) {
        return outcome::constrained({-accuracy(p) + known(p)}, {0.9 - accuracy(p)});
    };
    hass::study<search> study(make(5), {.trials = 36});
    study.enqueue(std::vector<double>(layers, 0.0));
    study.run(constrained);
    REQUIRE(study.best());
    CHECK(accuracy(study.best()->point) >= 0.9);
    CHECK(accuracy(study.best()->point) < 0.93);  // and uses what it may
    CHECK(throughput(study.best()->point) > 1.2 * throughput(std::vector<double>(layers, 0.0)));
    std::size_t feasible = 0;
    for (const auto& r : study.history()) feasible += r.state() == hass::trial_state::ok ? 1U : 0U;
    CHECK(feasible > 12);
}

TEST_CASE("composite search repeats with its seed and refuses what it cannot do", "[composite]") {
    hass::study<search> one(make(3), {.trials = 14});
    hass::study<search> two(make(3), {.trials = 14});
    one.run(whole);
    two.run(whole);
    for (std::size_t i = 0; i < 14; ++i) CHECK(one.history()[i].point == two.history()[i].point);
    CHECK_THROWS_WITH(search(hass::space({hass::categorical_axis("c", {"a", "b"})}), 1, known),
                      Contains("axis 'c' is categorical"));
    search several = make(1);
    CHECK_THROWS_WITH(several.tell(*several.ask(), outcome::ok({1.0, 2.0})),
                      Contains("one objective"));
    // Points that the known part rules out are never suggested once the model is in use.
    const auto bounded = [](std::span<const double> p) { return p[0] > 0.5 ? NAN : -p[0]; };
    hass::composite_options options;
    options.evaluations = 300;
    hass::composite picky(hass::space({hass::real_axis("x", 0.0, 1.0)}), 2, bounded, options);
    for (int i = 0; i < 20; ++i) {
        const auto t = picky.ask();
        if (i >= 10) CHECK(t->point[0] <= 0.5);
        picky.tell(*t, outcome::ok(0.1 * t->point[0] + bounded(t->point)));
    }
}

TEST_CASE("a batch on threads gives the same trials whatever their number", "[parallel]") {
    std::vector<std::vector<hass::trial_record>> histories;
    for (const std::size_t threads : {1U, 2U, 5U}) {
        hass::study<hass::tpe<>> study(thresholds(), 8, {.trials = 50});
        hass::run_batches(study, whole, 6, threads);
        histories.push_back(study.history());
    }
    for (const auto& h : histories) {
        REQUIRE(h.size() == 50);
        for (std::size_t i = 0; i < h.size(); ++i) CHECK(h[i].point == histories[0][i].point);
    }
    hass::study<hass::tpe<>> study(thresholds(), 8);
    CHECK_THROWS_AS(hass::run_batches(study, whole, 0, 1), hass::error);
}

TEST_CASE("importance ranks the axes that matter", "[importance]") {
    hass::space where({hass::real_axis("idle", 0.0, 1.0), hass::real_axis("strong", 0.0, 2.0),
                       hass::log_axis("weak", 0.01, 1.0), hass::categorical_axis("c", {"a", "b"})});
    hass::study<hass::random_search> study(where, 4, {.trials = 80});
    study.run([](std::span<const double> p) {
        if (p[3] == 1.0 && p[0] > 0.9) return outcome::failed("no");
        return outcome::ok(3.0 * p[1] * p[1] + 0.5 * std::log(p[2]));
    });
    const auto history = study.history();
    const auto result = hass::importance(where, history);
    REQUIRE(result.shares.size() == 3);
    CHECK(result.shares[0].axis == "strong");
    CHECK(result.shares[1].axis == "weak");
    // Var(3 x^2 over [0, 2]) = 12.8, Var(0.5 ln y) = 0.44.
    CHECK(result.shares[0].variance == Approx(12.8 / 13.24).margin(0.01));
    CHECK(result.shares[2].variance < 0.001);
    CHECK(result.explained > 0.99);
    CHECK_THROWS_WITH(hass::importance(where, history, 1), Contains("no objective 1"));
    CHECK_THROWS_WITH(hass::importance(where, {}), Contains("fewer than three"));
}
