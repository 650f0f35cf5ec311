// TPE beyond the recorded densities: determinism, axes of every kind, parallel asks, sampling.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

using hass::outcome;

namespace {

hass::space all_kinds() {
    return hass::space({hass::real_axis("x", -3.0, 3.0), hass::log_axis("y", 1e-4, 1.0),
                        hass::stepped_axis("s", 0.0, 1.0, 0.125), hass::integer_axis("n", 1, 12),
                        hass::integer_axis("m", 1, 1000, 1, true),
                        hass::categorical_axis("c", {"a", "b", "c"}),
                        hass::real_axis("fixed", 2.0, 2.0)});
}

outcome mixed_objective(std::span<const double> p) {
    return outcome::ok((p[0] - 1.0) * (p[0] - 1.0) + std::fabs(p[1] - 0.01) +
                       (p[2] - 0.5) * (p[2] - 0.5) + std::fabs(p[3] - 5.0) +
                       std::fabs(p[4] - 30.0) / 100.0 + (p[5] == 1.0 ? 0.0 : 2.0));
}

template <class Tpe>
std::vector<std::vector<double>> suggestions(Tpe tpe, int count,
                                             outcome (*f)(std::span<const double>)) {
    std::vector<std::vector<double>> points;
    for (int i = 0; i < count; ++i) {
        const auto trial = tpe.ask();
        points.push_back(trial->point);
        tpe.tell(*trial, f(*trial));
    }
    return points;
}

}  // namespace

TEST_CASE("the same seed and tells give the same suggestions", "[tpe]") {
    for (const auto model : {hass::tpe_model::univariate, hass::tpe_model::multivariate}) {
        hass::tpe_options options;
        options.model = model;
        const auto one = suggestions(hass::tpe<>(all_kinds(), 11, options), 60, mixed_objective);
        const auto two = suggestions(hass::tpe<>(all_kinds(), 11, options), 60, mixed_objective);
        const auto other = suggestions(hass::tpe<>(all_kinds(), 12, options), 60, mixed_objective);
        CHECK(one == two);
        CHECK(one != other);
        for (const auto& p : one) CHECK_NOTHROW(all_kinds().check(p));
    }
}

TEST_CASE("suggestions are these very doubles on every compiler", "[tpe]") {
    // Recorded from this library. They change only when the algorithm does; never with the
    // compiler, its options short of -ffast-math and contraction, or the C library.
    hass::tpe_options options;
    options.model = hass::tpe_model::multivariate;
    const auto joint =
        suggestions(hass::tpe<>(all_kinds(), 7, options), 80, mixed_objective).back();
    CHECK(joint ==
          std::vector<double>{1.1419755616253062, 0.0026089746651012597, 0.875, 4, 1, 1, 2});
    options.model = hass::tpe_model::univariate;
    const auto single =
        suggestions(hass::tpe<>(all_kinds(), 7, options), 80, mixed_objective).back();
    CHECK(single == std::vector<double>{1.5258803176462004, 0.0028455325051126622, 1, 5, 42, 1, 2});
}

TEST_CASE("TPE learns axes of every kind", "[tpe]") {
    for (const auto model : {hass::tpe_model::univariate, hass::tpe_model::multivariate}) {
        hass::tpe_options options;
        options.model = model;
        double best = 1e9;
        for (const auto& p :
             suggestions(hass::tpe<>(all_kinds(), 3, options), 150, mixed_objective))
            best = std::min(best, mixed_objective(p).values()[0]);
        CHECK(best < 0.5);  // random search: about 2
    }
}

TEST_CASE("densities integrate to one", "[tpe]") {
    hass::tpe_options options;
    options.model = hass::tpe_model::univariate;
    hass::tpe<> tpe(all_kinds(), 5, options);
    for (int i = 0; i < 40; ++i) {
        const auto trial = tpe.ask();
        tpe.tell(*trial, mixed_objective(*trial));
    }
    const auto where = all_kinds();
    for (const auto* mixture : {&tpe.good(), &tpe.bad()}) {
        CHECK(std::accumulate(mixture->weights().begin(), mixture->weights().end(), 0.0) ==
              Approx(1.0));
        for (const std::size_t d : {0U, 1U, 4U}) {  // continuous densities
            const auto [low, high] = where[d].model_range();
            const int cells = 20000;
            double sum = 0.0;
            for (int i = 0; i < cells; ++i)
                sum += std::exp(mixture->log_density(d, low + (high - low) * (i + 0.5) / cells));
            CHECK(sum * (high - low) / cells == Approx(1.0).epsilon(1e-6));
        }
        for (const std::size_t d : {2U, 3U, 5U}) {  // probabilities of the values
            double sum = 0.0;
            for (std::uint64_t i = 0; i < where[d].cardinality(); ++i)
                sum += std::exp(
                    mixture->log_density(d, where[d].low + where[d].step * static_cast<double>(i)));
            CHECK(sum == Approx(1.0).epsilon(1e-12));
        }
    }
}

TEST_CASE("draws follow their mixture", "[tpe]") {
    hass::tpe_options options;
    options.model = hass::tpe_model::univariate;
    hass::tpe<> tpe(all_kinds(), 5, options);
    for (int i = 0; i < 40; ++i) {
        const auto trial = tpe.ask();
        tpe.tell(*trial, mixed_objective(*trial));
    }
    const auto& mixture = tpe.good();
    hass::random_stream random(1);
    hass::normal_draws normal(random);
    const int draws = 40000;
    std::vector<double> share(12, 0.0);
    std::vector<double> choice(3, 0.0);
    for (int i = 0; i < draws; ++i) {
        const double x = mixture.draw(0, mixture.draw_kernel(random), normal);
        share[static_cast<std::size_t>(std::min(11.0, (x + 3.0) * 2.0))] += 1.0 / draws;
        choice[static_cast<std::size_t>(mixture.draw(5, mixture.draw_kernel(random), normal))] +=
            1.0 / draws;
    }
    for (std::size_t b = 0; b < share.size(); ++b) {
        double mass = 0.0;
        for (int i = 0; i < 200; ++i)
            mass += std::exp(mixture.log_density(
                        0, -3.0 + 0.5 * (static_cast<double>(b) + (i + 0.5) / 200.0))) *
                    0.5 / 200.0;
        CHECK(std::fabs(share[b] - mass) < 0.012);
    }
    for (std::size_t c = 0; c < 3; ++c)
        CHECK(std::fabs(choice[c] - std::exp(mixture.log_density(5, static_cast<double>(c)))) <
              0.012);
}

TEST_CASE("running trials join the bad set unless told otherwise", "[tpe]") {
    const hass::space where({hass::real_axis("x", 0.0, 1.0)});
    for (const bool liar : {true, false}) {
        hass::tpe_options options;
        options.constant_liar = liar;
        hass::tpe<> tpe(where, 1, options);
        for (int i = 0; i < 20; ++i) {
            const auto t = tpe.ask();
            tpe.tell(*t, outcome::ok(t->point[0]));
        }
        const auto a = tpe.ask();
        const auto b = tpe.ask();
        CHECK(tpe.finished() == 20);
        CHECK(tpe.split().bad.size() == (liar ? 20U : 18U));
        tpe.tell(*b, outcome::failed("lost worker"));
        CHECK(tpe.split().bad.size() == (liar ? 19U : 18U));
        tpe.tell(*a, outcome::ok(-1.0));
        CHECK(tpe.finished() == 21);
        CHECK(tpe.split().good.front() <= 20);
    }
}

TEST_CASE("pruned trials rank behind measured, before infeasible ones", "[tpe]") {
    const hass::space where({hass::real_axis("x", 0.0, 1.0)});
    hass::tpe<hass::gamma_tenth_capped> tpe(where, 1);
    std::vector<outcome> results{outcome::infeasible({3.0}, "no"), outcome::pruned(2, 0.5),
                                 outcome::pruned(5, 0.9),          outcome::infeasible({1.0}, "no"),
                                 outcome::pruned(5, 0.1),          outcome::ok(7.0)};
    for (int i = 0; i < 60; ++i) results.push_back(outcome::infeasible({4.0 + i}, "no"));
    for (const auto& r : results) tpe.tell(tpe.adopt({0.5}), r);
    // ceil(66 / 10) = 7 good ones: the measured, pruned by step and value, infeasible by amount.
    CHECK(tpe.split().good == std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("TPE refuses a changing number of objectives and illegal points", "[tpe]") {
    const hass::space where({hass::real_axis("x", 0.0, 1.0)});
    hass::tpe<> tpe(where, 1);
    tpe.tell(tpe.adopt({0.5}), outcome::ok(1.0));
    CHECK_THROWS_AS(tpe.tell(tpe.adopt({0.5}), outcome::ok({1.0, 2.0})), hass::error);
    CHECK_THROWS_AS(tpe.adopt({1.5}), hass::error);
    CHECK_THROWS_AS(tpe.tell(hass::trial{}, outcome::ok(1.0)), hass::error);
}

TEST_CASE("a space without a choice has one suggestion", "[tpe]") {
    hass::space where({hass::real_axis("x", 0.0, 1.0)});
    where.fix("x", 0.25);
    hass::study<hass::tpe<>> study(where, 1, {.trials = 15});
    study.run([](std::span<const double> p) { return outcome::ok(p[0]); });
    CHECK(study.best()->point == std::vector<double>{0.25});
}

namespace {

using point_set = std::vector<std::vector<double>>;

bool beats(const std::vector<double>& a, const std::vector<double>& b) {
    bool better = false;
    for (std::size_t j = 0; j < a.size(); ++j) {
        if (a[j] > b[j]) return false;
        better = better || a[j] < b[j];
    }
    return better;
}

/// Volume below `reference` that `all` dominate, by cells between their coordinates.
double volume_by_cells(const point_set& all, const std::vector<double>& reference) {
    point_set edges;
    for (std::size_t j = 0; j < reference.size(); ++j) {
        edges.push_back({reference[j]});
        for (const auto& p : all) edges[j].push_back(std::min(p[j], reference[j]));
        std::sort(edges[j].begin(), edges[j].end());
    }
    double sum = 0.0;
    std::vector<std::size_t> cell(reference.size(), 0);
    while (true) {
        double size = 1.0;
        std::vector<double> low;
        for (std::size_t j = 0; j < cell.size(); ++j) {
            low.push_back(edges[j][cell[j]]);
            size *= edges[j][cell[j] + 1] - low[j];
        }
        const auto covers = [&](const std::vector<double>& p) {
            for (std::size_t j = 0; j < p.size(); ++j)
                if (p[j] > low[j]) return false;
            return true;
        };
        if (size > 0.0 && std::any_of(all.begin(), all.end(), covers)) sum += size;
        std::size_t j = 0;
        while (j < cell.size() && ++cell[j] + 1 == edges[j].size()) cell[j++] = 0;
        if (j == cell.size()) return sum;
    }
}

/// Weights of good trials with these values (empty: infeasible), straight from the rule: of the
/// point_set that no other one dominates, the volume that is lost when one of them is missing, over
/// the largest; reference 1.1 or 0.9 times the worst value, 1e-12 for 0; 1e-12 at least.
std::vector<double> weights_by_rule(const point_set& values) {
    std::vector<double> weights;
    point_set feasible;
    for (const auto& v : values) {
        weights.push_back(v.empty() ? 1e-12 : 1.0);
        if (!v.empty()) feasible.push_back(v);
    }
    if (feasible.size() <= 1) return weights;
    std::vector<double> reference = feasible[0];
    for (std::size_t j = 0; j < reference.size(); ++j) {
        for (const auto& p : feasible) reference[j] = std::max(reference[j], p[j]);
        reference[j] = std::max(1.1 * reference[j], 0.9 * reference[j]);
        if (reference[j] == 0.0) reference[j] = 1e-12;
    }
    const auto on_front = [&](const std::vector<double>& p) {
        return std::none_of(feasible.begin(), feasible.end(),
                            [&](const auto& other) { return beats(other, p); });
    };
    point_set front;
    for (const auto& p : feasible)
        if (on_front(p)) front.push_back(p);
    std::vector<double> gains(values.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i].empty() || !on_front(values[i])) continue;
        point_set others = front;
        others.erase(std::find(others.begin(), others.end(), values[i]));
        gains[i] = volume_by_cells(front, reference) - volume_by_cells(others, reference);
    }
    const double most = std::max(*std::max_element(gains.begin(), gains.end()), 1e-12);
    for (std::size_t i = 0; i < values.size(); ++i)
        weights[i] = values[i].empty() ? 1e-12 : std::max(gains[i] / most, 1e-12);
    return weights;
}

}  // namespace

TEST_CASE("front weights are contributions among the point_set of the front", "[tpe]") {
    const hass::space where({hass::real_axis("x", 0.0, 1.0), hass::real_axis("y", 0.0, 1.0)});
    for (const std::size_t objectives : {2U, 3U}) {
        // share of trials that are infeasible: none, some, nearly all, all but one
        for (const double infeasible : {0.0, 0.3, 0.96, 1.0}) {
            hass::tpe_options options;
            options.front_weights = hass::tpe_front_weights::contribution;
            options.model = hass::tpe_model::multivariate;
            hass::tpe_optuna_4 tpe(where, 0, options);
            hass::random_stream random(7, objectives);
            point_set told;
            for (int n = 0; n < 300; ++n) {
                const std::vector<double> x{random.uniform(), random.uniform()};
                // much in common, so that the front has few point_set and the good set several ranks
                const double common = random.uniform();
                std::vector<double> values;
                for (std::size_t j = 0; j < objectives; ++j)
                    values.push_back(2.0 * common + 0.4 * random.uniform() - 0.7);
                if (n % 50 == 49) values = told[static_cast<std::size_t>(n) - 40];  // repeated
                const bool bad = n % 50 != 9 && random.uniform() < infeasible;
                const bool out = bad || (infeasible == 1.0 && n != 9);
                if (values.empty()) values.assign(objectives, 0.5);
                tpe.tell(*tpe.ask(), outcome::constrained(values, {out ? 0.1 + x[0] : -1.0}));
                told.push_back(out ? std::vector<double>{} : values);
            }
            point_set good;
            for (const std::size_t row : tpe.split().good) good.push_back(told[row]);
            REQUIRE(good.size() == 25);
            std::vector<double> expected = weights_by_rule(good);
            const auto dominated = std::count_if(good.begin(), good.end(), [&](const auto& p) {
                return !p.empty() && std::any_of(good.begin(), good.end(), [&](const auto& q) {
                    return !q.empty() && beats(q, p);
                });
            });
            INFO(objectives << " objectives, " << infeasible << " infeasible, " << dominated
                            << " dominated good trials");
            if (infeasible < 0.5) CHECK(dominated >= 5);
            expected.push_back(1.0);  // the prior's
            double sum = 0.0;
            for (const double w : expected) sum += w;
            const auto weights = tpe.good().weights();
            REQUIRE(weights.size() == expected.size());
            for (std::size_t k = 0; k < expected.size(); ++k)
                CHECK(weights[k] == Approx(expected[k] / sum).epsilon(1e-9).margin(1e-14));
        }
    }
}
