// A study over ranks that do as they are told, and over ranks that do not: ranks <mode>. Started by
// run.sh; prints what does not hold, and ends with the number of failures.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <hass/search/mpi.hpp>
#include <hass/search/parallel.hpp>
#include <hass/search/tpe.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

int failures = 0;

void check(bool holds, const char* what) {
    if (holds) return;
    std::printf("FAILED: %s\n", what);
    ++failures;
}
#define CHECK(...) check((__VA_ARGS__), #__VA_ARGS__)

hass::space square() {
    return hass::space({hass::real_axis("x", -1.0, 2.0), hass::real_axis("y", -2.0, 1.0)});
}

// Every kind of outcome that can be sent, depending on the point alone.
hass::outcome every_kind(std::span<const double> p) {
    const double value = p[0] * p[0] + p[1] * p[1];
    if (p[0] > 1.8) throw std::runtime_error("too far out");
    if (p[0] > 1.6) return hass::outcome::failed("far out");
    if (p[0] > 1.4) return hass::outcome::infeasible({}, "by an unknown amount");
    if (p[0] > 1.2) return hass::outcome::infeasible({p[0]}, "refused");
    if (p[0] > 1.0) return hass::outcome::pruned(3, value, "hopeless");
    return hass::outcome::constrained({value}, {-1.0, p[1]});
}

bool same(const hass::outcome& a, const hass::outcome& b) {
    return a.state() == b.state() && a.values() == b.values() &&
           a.constraints() == b.constraints() && a.reason() == b.reason() && a.step() == b.step();
}

using study = hass::study<hass::tpe<>>;

std::size_t count(const study& s, hass::trial_state state) {
    return s.count(state);
}

}  // namespace

int main(int argc, char** argv) {
    hass::mpi_world world(argc, argv);
    const std::string mode = argc > 1 ? argv[1] : "";
    std::atomic<int> calls{0};
    // What goes wrong happens at the first trial that a rank gets.
    const auto objective = [&](std::span<const double> p) {
        const bool first = calls++ == 0;
        const auto forever = [] { std::this_thread::sleep_for(24h); };
        if (mode == "one hangs" && world.rank() == 2 && first) forever();
        if (mode == "all hang") forever();
        if (mode == "one dies" && world.rank() == 2 && first) std::_Exit(3);
        if (mode == "one is slow")
            std::this_thread::sleep_for(world.rank() == 2 && first ? 4s : 200ms);
        if (mode == "batches" || mode == "as they come") return every_kind(p);
        return hass::outcome::ok(p[0] * p[0] + p[1] * p[1]);
    };
    if (!world.leads()) return hass::serve(world, objective);

    if (mode == "batches") {
        study here(square(), 3, {.trials = 45});
        hass::run_batches(here, every_kind, 6, 1);
        study there(square(), 3, {.trials = 45});
        const hass::mpi_report report = hass::lead(world, there, {.batch = 6});
        CHECK(report.complete && report.lost.empty() && report.late_trials == 0);
        const auto a = here.history();
        const auto b = there.history();
        CHECK(a.size() == 45 && b.size() == 45);
        for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
            CHECK(a[i].point == b[i].point && same(*a[i].result, *b[i].result));
        CHECK(here.conclusion() == there.conclusion());
        for (const auto state : {hass::trial_state::ok, hass::trial_state::infeasible,
                                 hass::trial_state::failed, hass::trial_state::pruned})
            CHECK(count(there, state) > 0);
    } else if (mode == "as they come") {
        for (const std::uint64_t seed : {1U, 2U}) {  // one world leads several studies
            study s(square(), seed, {.trials = 60});
            CHECK(hass::lead(world, s).complete);
            CHECK(s.history().size() == 60);
            for (const auto& r : s.history()) {
                auto objective_here = every_kind;
                CHECK(r.result && same(*r.result, hass::outcome_at(objective_here, r.point)));
            }
        }
        study none(square(), 1, {.trials = 0});
        CHECK(hass::lead(world, none).complete);
        try {
            hass::lead(world, none, {.patience = 0ms});
            CHECK(false);
        } catch (const hass::error&) {
        }
    } else if (mode == "one hangs" || mode == "one dies") {
        study s(square(), 1, {.trials = 40});
        const hass::mpi_report report = hass::lead(world, s, {.patience = 3s});
        CHECK(report.complete && report.late_trials == 1);
        CHECK(report.lost == std::vector<int>{2});
        CHECK(count(s, hass::trial_state::ok) == 39 && count(s, hass::trial_state::failed) == 1);
        for (const auto& r : s.history())
            if (!r.result->is_ok())
                CHECK(r.result->reason() == "rank 2 did not answer within 3000 ms");
        // Not given another trial in the next study either.
        study next(square(), 2, {.trials = 10});
        CHECK(hass::lead(world, next, {.patience = 3s, .batch = 4}).complete);
        CHECK(count(next, hass::trial_state::ok) == 10);
    } else if (mode == "one is slow") {
        study s(square(), 1, {.trials = 60});
        const hass::mpi_report report = hass::lead(world, s, {.patience = 2s});
        CHECK(report.complete && report.late_trials == 1 && report.lost.empty());
        CHECK(count(s, hass::trial_state::ok) == 59 && count(s, hass::trial_state::failed) == 1);
    } else if (mode == "all hang") {
        for (const std::size_t batch : {0U, 7U}) {
            study s(square(), 1, {.trials = 20});
            const hass::mpi_report report =
                hass::lead(world, s, {.patience = 500ms, .batch = batch});
            CHECK(!report.complete && report.lost.size() == 3);
            CHECK(count(s, hass::trial_state::running) == 0 &&
                  count(s, hass::trial_state::ok) == 0);
            CHECK(s.conclusion().starts_with("no result in "));
        }
    } else {
        const bool known_mode = false;
        CHECK(known_mode);
    }
    std::printf("%s: %d failures\n", mode.c_str(), failures);
    return world.leave(failures);
}
