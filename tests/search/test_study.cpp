// Studies: bookkeeping, outcomes, failures, constraints, threads.

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <hass/search/any_optimizer.hpp>
#include <hass/search/objective.hpp>
#include <hass/search/optimizers.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

using Catch::Matchers::Contains;
using hass::outcome;
using hass::trial_state;

namespace {

const double nan_value = std::numeric_limits<double>::quiet_NaN();

hass::space square() {
    return hass::space({hass::real_axis("x", -1.0, 1.0), hass::real_axis("y", -1.0, 1.0)});
}

outcome bowl(std::span<const double> p) {
    return outcome::ok((p[0] - 0.3) * (p[0] - 0.3) + (p[1] + 0.2) * (p[1] + 0.2));
}

// An optimizer with the three members and nothing else.
class bare_search {
  public:
    explicit bare_search(hass::space where) : where_(std::move(where)) {}
    std::optional<hass::trial> ask() {
        if (asked_ == 5) return std::nullopt;
        return hass::trial{asked_++, std::vector<double>(where_.size(), 0.1)};
    }
    void tell(const hass::trial& told, const outcome&) { numbers.push_back(told.number); }
    const hass::space& where() const { return where_; }
    std::vector<std::uint64_t> numbers;

  private:
    hass::space where_;
    std::uint64_t asked_ = 0;
};

static_assert(hass::Optimizer<bare_search>);
static_assert(!hass::AdoptingOptimizer<bare_search>);
static_assert(hass::Objective<decltype(bowl)>);
static_assert(!hass::Objective<int>);

}  // namespace

TEST_CASE("an outcome never holds a NaN or an infinity", "[outcome]") {
    CHECK(outcome::ok(1.0).is_ok());
    const outcome bad = outcome::ok({1.0, nan_value});
    CHECK(bad.state() == trial_state::failed);
    CHECK(bad.values().empty());
    CHECK(bad.reason() == "objective value 1 is nan");
    CHECK(outcome::ok(INFINITY).reason() == "objective value 0 is inf");
    CHECK(outcome::constrained({1.0}, {-INFINITY}).reason() == "constraint 0 is -inf");
    CHECK(outcome::pruned(3, nan_value).state() == trial_state::failed);
    CHECK(outcome::ok(std::vector<double>{}).state() == trial_state::failed);
    CHECK(outcome::infeasible({nan_value}, "too big").state() == trial_state::failed);
    const outcome violated = outcome::constrained({1.0}, {-2.0, 0.5, 0.25});
    CHECK(violated.state() == trial_state::infeasible);
    CHECK(violated.violation() == 0.75);
    CHECK(violated.reason() == "constraint 1 is violated by 0.5");
    CHECK(outcome::constrained({1.0}, {-2.0, 0.0}).is_ok());
    const outcome unknown = outcome::infeasible({}, "out of DSPs");
    CHECK(unknown.state() == trial_state::infeasible);
    CHECK(std::isinf(unknown.violation()));
    CHECK(unknown.reason() == "out of DSPs");
    const outcome known = outcome::infeasible({12.0}, "12 DSPs too many");
    CHECK(known.violation() == 12.0);
    CHECK(known.reason() == "12 DSPs too many");
}

TEST_CASE("a study counts, finds the best, and ends", "[study]") {
    hass::study<hass::tpe<>> study(square(), 1, {.trials = 40});
    study.enqueue({0.0, 0.0});
    CHECK_THROWS_WITH(study.enqueue({0.0, 2.0}), Contains("axis 'y'"));
    CHECK(study.conclusion() == "no result: no trial has finished");
    std::size_t asked = 0;
    while (auto trial = study.ask()) {
        if (asked == 0) CHECK(trial->point == std::vector<double>{0.0, 0.0});
        CHECK(trial->number == asked++);
        study.tell(*trial, bowl(*trial));
    }
    CHECK(asked == 40);
    REQUIRE(study.best());
    double least = 1e9;
    for (const auto& r : study.history()) least = std::min(least, r.result->values()[0]);
    CHECK(study.best()->result->values()[0] == least);
    CHECK(least < 0.01);
    CHECK(study.history()[0].enqueued);
    CHECK_THAT(study.conclusion(), Contains("best of 40 trials (40 ok"));
    CHECK_THROWS_WITH(study.tell(0, outcome::ok(1.0)), Contains("told before"));
    CHECK_THROWS_WITH(study.tell(99, outcome::ok(1.0)), Contains("never asked"));
}

TEST_CASE("maximising is minimising the negative", "[study]") {
    hass::study<hass::tpe<>> down(square(), 9, {.trials = 30});
    hass::study<hass::tpe<>> up(square(), 9,
                                {.directions = {hass::direction::maximise}, .trials = 30});
    down.run(bowl);
    up.run([](std::span<const double> p) { return outcome::ok(-bowl(p).values()[0]); });
    CHECK(up.best()->point == down.best()->point);
    CHECK(up.best()->result->values()[0] == -down.best()->result->values()[0]);
}

TEST_CASE("any optimizer with ask, tell and where will do", "[study]") {
    hass::study<bare_search> study(bare_search(square()), {.trials = std::nullopt});
    study.enqueue({0.5, 0.5});
    study.run(bowl);
    CHECK(study.history().size() == 6);
    CHECK(study.optimizer().numbers ==
          std::vector<std::uint64_t>{hass::trial::foreign, 0, 1, 2, 3, 4});
    hass::study<hass::any_optimizer> erased(hass::make_optimizer("tpe", square(), 4));
    hass::study<hass::tpe<>> plain(square(), 4);
    erased.run(bowl);
    plain.run(bowl);
    CHECK(erased.history().size() == 96);
    CHECK(erased.best()->point == plain.best()->point);
    for (const auto& entry : hass::built_in_optimizers) {
        hass::study<hass::any_optimizer> one(hass::make_optimizer(entry.name, square(), 4),
                                             {.trials = 20});
        one.enqueue({0.5, 0.5});
        one.run(bowl);
        CHECK(one.count(trial_state::ok) == 20);
    }
    CHECK_THROWS_WITH(hass::make_optimizer("tpr", square(), 1),
                      Contains("unknown optimizer 'tpr'; did you mean 'tpe'?"));
}

TEST_CASE("a point that failed is not suggested again", "[study]") {
    const hass::space where({hass::integer_axis("n", 0, 3)});
    hass::study<hass::tpe<>> study(where, 1, {.trials = 50});
    std::set<double> failed;
    study.run([&](std::span<const double> p) {
        CHECK(failed.count(p[0]) == 0);
        if (p[0] < 2.0) {
            failed.insert(p[0]);
            return outcome::failed("no");
        }
        return outcome::ok(p[0]);
    });
    CHECK(study.count(trial_state::failed) == 2);
    CHECK(study.count(trial_state::ok) == 48);
    // When every point fails the study ends by itself.
    hass::study<hass::tpe<>> hopeless(where, 1, {.trials = 50});
    hopeless.run([](std::span<const double>) { return outcome::failed("broken bench"); });
    CHECK(hopeless.history().size() == 4);
    CHECK(!hopeless.best());
    CHECK_THAT(hopeless.conclusion(),
               Contains("no result in 4 trials") && Contains("broken bench"));
}

TEST_CASE("an objective that throws or returns NaN fails its trial only", "[study]") {
    hass::study<hass::tpe<>> study(square(), 1, {.trials = 30});
    study.run([](std::span<const double> p) -> outcome {
        if (p[0] < -0.5) throw std::runtime_error("simulator crashed");
        if (p[0] < 0.0) return outcome::ok(nan_value);
        return bowl(p);
    });
    CHECK(study.history().size() == 30);
    CHECK(study.count(trial_state::failed) > 0);
    CHECK(study.count(trial_state::ok) > 0);
    CHECK(study.best()->point[0] >= 0.0);
    std::set<std::string> reasons;
    for (const auto& r : study.history())
        if (r.state() == trial_state::failed) reasons.insert(r.result->reason());
    CHECK(reasons == std::set<std::string>{"objective value 0 is nan", "simulator crashed"});
}

TEST_CASE("feasible trials come first, and infeasible studies say so", "[study]") {
    // The unconstrained optimum (0.3, -0.2) violates x >= 0.6.
    const auto constrained = [](std::span<const double> p) {
        return outcome::constrained(bowl(p).values(), {0.6 - p[0]});
    };
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        hass::study<hass::tpe<>> study(square(), seed, {.trials = 60});
        study.run(constrained);
        REQUIRE(study.best());
        CHECK(study.best()->point[0] >= 0.6);
        CHECK(study.best()->result->values()[0] < 0.15);
    }
    hass::study<hass::tpe<>> never(square(), 1, {.trials = 40});
    never.run([](std::span<const double> p) {
        return outcome::constrained(bowl(p).values(), {2.0 - p[0]}, "drops too far");
    });
    CHECK(!never.best());
    CHECK(never.front().empty());
    CHECK_THAT(never.conclusion(), Contains("no feasible result in 40 trials") &&
                                       Contains("violation 1.") && Contains("drops too far"));
    // Infeasible with no numbers at all: nothing to learn, still a clear end.
    hass::study<hass::tpe<>> blind(square(), 1, {.trials = 40});
    blind.run([](std::span<const double>) { return outcome::infeasible({}, "does not fit"); });
    CHECK_THAT(blind.conclusion(), Contains("no feasible result") && Contains("does not fit"));
}

TEST_CASE("several objectives give a front", "[study]") {
    hass::study<hass::tpe<>> study(
        square(), 2,
        {.directions = {hass::direction::minimise, hass::direction::maximise}, .trials = 60});
    study.run([](std::span<const double> p) { return outcome::ok({p[0] * p[0], 1.0 - p[1]}); });
    const auto front = study.front();
    REQUIRE(!front.empty());
    for (const auto& a : front)
        for (const auto& b : study.history()) {
            const auto& u = a.result->values();
            const auto& v = b.result->values();
            CHECK(!(v[0] <= u[0] && v[1] >= u[1] && v != u));
        }
    CHECK_THROWS_WITH(study.best(), Contains("front()"));
    CHECK_THAT(study.conclusion(), Contains("non-dominated of 60 trials"));
    CHECK_THROWS_WITH(
        [&] {
            hass::study<hass::tpe<>> one(square(), 1);
            one.tell(*one.ask(), outcome::ok({1.0, 2.0}));
        }(),
        Contains("2 values for 1 objectives"));
}

TEST_CASE("trials may be outstanding and told in any order", "[study]") {
    hass::study<hass::tpe<>> study(square(), 3, {.trials = 90});
    for (int round = 0; round < 9; ++round) {
        const auto batch = study.ask_batch(10);
        REQUIRE(batch.size() == 10);
        std::set<std::vector<double>> distinct;
        for (const auto& t : batch) distinct.insert(t.point);
        CHECK(distinct.size() == 10);
        for (std::size_t i = batch.size(); i-- > 0;) study.tell(batch[i], bowl(batch[i]));
    }
    CHECK(study.ask_batch(3).empty());
    CHECK(study.best()->result->values()[0] < 0.05);
    CHECK(study.count(trial_state::running) == 0);
}

TEST_CASE("asking and telling from several threads loses nothing", "[study][threads]") {
    hass::study<hass::tpe<>> study(square(), 3, {.trials = 200});
    std::vector<std::thread> workers;
    for (int w = 0; w < 4; ++w)
        workers.emplace_back([&study] {
            while (auto trial = study.ask()) study.tell(*trial, bowl(*trial));
        });
    for (auto& w : workers) w.join();
    const auto history = study.history();
    CHECK(history.size() == 200);
    CHECK(study.count(trial_state::ok) == 200);
    for (std::size_t i = 0; i < history.size(); ++i) CHECK(history[i].number == i);
}

TEST_CASE("the objective of HASS rises with accuracy and speed, falls with DSPs", "[objective]") {
    const hass::measured_terms dense{0.9, 0.0, 1000.0, 200.0};
    const hass::hass_objective f(dense, 220.0, {.sparsity = 0.1, .throughput = 0.2, .dsp = 0.3},
                                 hass::accuracy_floor(0.89));
    CHECK(f.value(dense) == Approx(1.0 + 0.2 - 0.3 * 200.0 / 220.0));
    const auto at = [&](double accuracy, double sparsity, double speed, double dsp) {
        return f.value(hass::measured_terms{accuracy, sparsity, speed, dsp});
    };
    const double base = at(0.89, 0.5, 2000.0, 150.0);
    CHECK(at(0.90, 0.5, 2000.0, 150.0) > base);
    CHECK(at(0.89, 0.6, 2000.0, 150.0) > base);
    CHECK(at(0.89, 0.5, 2100.0, 150.0) > base);
    CHECK(at(0.89, 0.5, 2000.0, 160.0) < base);
    CHECK(f(hass::measured_terms{0.895, 0.5, 2000.0, 150.0}).is_ok());
    const auto dropped = f(hass::measured_terms{0.85, 0.5, 2000.0, 150.0});
    CHECK(dropped.state() == trial_state::infeasible);
    CHECK(dropped.violation() == Approx(0.04));
    CHECK_THAT(dropped.reason(), Contains("top-1 85.00 % is below 89.00 %"));
    const auto soft = hass::hass_objective(dense, 220.0, hass::objective_weights::software_only());
    CHECK(soft.value(hass::measured_terms{0.9, 0.5, 1.0, 1.0}) ==
          soft.value(hass::measured_terms{0.9, 0.5, 9.0, 9.0}));
    CHECK_THROWS_AS(hass::hass_objective(hass::measured_terms{}, 220.0), hass::error);
    CHECK_THROWS_AS(hass::hass_objective(dense, 0.0), hass::error);
    CHECK_THROWS_AS(hass::hass_objective(dense, 1.0, {-1.0, 0.0, 0.0}), hass::error);
}

TEST_CASE("apart, the terms are the values that each search is about", "[objective]") {
    const hass::measured_terms dense{0.9, 0.25, 1000.0, 200.0};
    const hass::hass_objective f(dense, 220.0, {0.1, 0.2, 0.3}, hass::accuracy_floor(0.89));
    const hass::pareto_objective apart(f);
    CHECK(apart(dense).values() == std::vector<double>{0.9, 1000.0, 200.0});
    CHECK(apart.directions() == std::vector{hass::direction::maximise, hass::direction::maximise,
                                            hass::direction::minimise});
    CHECK(apart.value(dense) == f.value(dense));
    hass::measured_terms worse = dense;
    worse.accuracy = 0.85;
    CHECK(apart(worse).state() == trial_state::infeasible);
    CHECK(apart(worse).constraints() == f(worse).constraints());
    const hass::pareto_objective software(
        hass::hass_objective(dense, 220.0, hass::objective_weights::software_only()));
    CHECK(software(dense).values() == std::vector<double>{0.9, 0.25});
    CHECK(software.directions() == std::vector(2, hass::direction::maximise));

    // sparsity is no reason to stay, and of equal designs both do
    const std::vector<hass::measured_terms> designs{dense,
                                                    {0.9, 0.9, 1000.0, 201.0},
                                                    {0.8, 0.0, 1000.0, 199.0},
                                                    {0.9, 0.0, 1000.0, 200.0},
                                                    {0.8, 0.5, 900.0, 199.0}};
    CHECK(hass::pareto_set(designs) == std::vector<std::size_t>{0, 2, 3});
}
