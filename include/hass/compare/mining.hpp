/// \file mining.hpp
/// Accelerator mining (the idea of WHAM, arXiv 2404.14632): every stage of a pipeline has a list of
/// designs; keep some of each stage and combine them, one a stage, so that the pipeline, which runs
/// at its slowest stage, is best within a shared area and power budget.
///
/// Unlike `allocate`, which balances one engine's foldings over FPGA resources, a design here is
/// any accelerator with a time, an area and a power, and the objective may be throughput per watt.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/explore/dominance.hpp>
#include <hass/text.hpp>

namespace hass {

/// One way to build a stage. All >= 0 and finite; units are the user's, the same everywhere.
struct stage_design {
    double cycles = 0.0;  ///< for one image, > 0
    double area = 0.0;    ///< >= 0, in the user's unit
    double power = 0.0;   ///< >= 0, in the user's unit

    constexpr bool operator==(const stage_design&) const = default;
};

/// What all stages share.
struct mining_budget {
    double area = std::numeric_limits<double>::infinity();   ///< of all stages
    double power = std::numeric_limits<double>::infinity();  ///< of all stages
};

/// What a pipeline is mined for.
enum class mining_objective : std::uint8_t {
    throughput,            ///< smallest interval; then least power, then least area
    throughput_per_power,  ///< smallest interval x power; then smallest interval
};

/// One design a stage.
struct mined_pipeline {
    bool found = false;               ///< false: no combination is within the budget
    std::vector<std::size_t> choice;  ///< index into the stage's list
    double interval = 0.0;            ///< cycles of the slowest stage
    double area = 0.0;                ///< sums over stages
    double power = 0.0;               ///< sum over stages
};

namespace detail {

constexpr bool dominates(const stage_design& a, const stage_design& b) {
    return a.cycles <= b.cycles && a.area <= b.area && a.power <= b.power;
}

/// Sums of one design a stage that no other sum beats in area and power.
struct partial_sum {
    double area = 0.0;
    double power = 0.0;
    std::vector<std::uint32_t> choice{};
};

inline void keep_undominated(std::vector<partial_sum>& sums) {
    std::sort(sums.begin(), sums.end(), [](const partial_sum& a, const partial_sum& b) {
        if (a.area != b.area) return a.area < b.area;
        if (a.power != b.power) return a.power < b.power;
        return a.choice < b.choice;
    });
    double least = std::numeric_limits<double>::infinity();
    std::erase_if(sums, [&](const partial_sum& s) {
        if (s.power >= least) return true;
        least = s.power;
        return false;
    });
}

/// The undominated sums of designs that take at most `interval`, within the budget, by area
/// ascending and so by power descending.
inline std::vector<partial_sum> sums_within(std::span<const std::vector<stage_design>> stages,
                                            double interval, const mining_budget& budget) {
    std::vector<partial_sum> sums(1);
    for (const auto& designs : stages) {
        std::vector<partial_sum> longer;
        for (const partial_sum& s : sums)
            for (std::size_t d = 0; d < designs.size(); ++d) {
                if (designs[d].cycles > interval) continue;
                partial_sum next{s.area + designs[d].area, s.power + designs[d].power, s.choice};
                if (next.area > budget.area || next.power > budget.power) continue;
                next.choice.push_back(static_cast<std::uint32_t>(d));
                longer.push_back(std::move(next));
            }
        keep_undominated(longer);
        sums = std::move(longer);
    }
    return sums;
}

inline mined_pipeline pipeline_of(std::span<const std::vector<stage_design>> stages,
                                  const partial_sum& s) {
    mined_pipeline p{true, {s.choice.begin(), s.choice.end()}, 0.0, s.area, s.power};
    for (std::size_t i = 0; i < stages.size(); ++i)
        p.interval = std::max(p.interval, stages[i][p.choice[i]].cycles);
    return p;
}

}  // namespace detail

/// At most `k` designs of a stage: those that no other beats in cycles, area and power at once,
/// and, when these are more than `k`, as many of them evenly spread from the fastest to the
/// slowest. The k fastest alone would leave nothing that fits beside the other stages.
/// \return indices into `designs`, by cycles ascending
inline std::vector<std::size_t> best_designs(std::span<const stage_design> designs, std::size_t k) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < designs.size(); ++i) {
        const auto beats = [&](const stage_design& other) {
            return detail::dominates(other, designs[i]) &&
                   (other != designs[i] || &other < &designs[i]);
        };
        if (!detail::is_beaten<detail::look::oldest_first>(designs, detail::at_all, beats))
            kept.push_back(i);
    }
    std::sort(kept.begin(), kept.end(), [&](std::size_t a, std::size_t b) {
        return designs[a].cycles != designs[b].cycles ? designs[a].cycles < designs[b].cycles
                                                      : a < b;
    });
    if (kept.size() <= k) return kept;
    std::vector<std::size_t> spread;
    for (std::size_t i = 0; i < k; ++i)
        spread.push_back(kept[k == 1 ? 0 : i * (kept.size() - 1) / (k - 1)]);
    return spread;
}

/// The best pipeline of the designs given; exact. Intervals that occur are tried (by bisection for
/// throughput, all that can still win otherwise), and for each the undominated sums of area and
/// power are carried from stage to stage; with integer areas or powers there are at most as many as
/// the budget counts.
/// \throws hass::error for no stages, a stage without designs, numbers that are negative or not
///     finite
inline mined_pipeline mine_pipeline(std::span<const std::vector<stage_design>> stages,
                                    const mining_budget& budget,
                                    mining_objective objective = mining_objective::throughput) {
    if (stages.empty()) throw error("mine_pipeline: no stages");
    std::vector<double> intervals;
    double floor = 0.0;  // the slowest stage's fastest design
    for (std::size_t i = 0; i < stages.size(); ++i) {
        if (stages[i].empty()) throw error(text_of({"mine_pipeline: stage ", i, " has no design"}));
        double fastest = std::numeric_limits<double>::infinity();
        for (const stage_design& d : stages[i]) {
            constexpr double most = std::numeric_limits<double>::max();
            if (!(d.cycles > 0.0 && d.cycles <= most && d.area >= 0.0 && d.area <= most &&
                  d.power >= 0.0 && d.power <= most))
                throw error(text_of({"mine_pipeline: stage ", i, " has a design of ", d.cycles,
                                     " cycles, area ", d.area, ", power ", d.power}));
            intervals.push_back(d.cycles);
            fastest = std::min(fastest, d.cycles);
        }
        floor = std::max(floor, fastest);
    }
    std::sort(intervals.begin(), intervals.end());
    intervals.erase(std::unique(intervals.begin(), intervals.end()), intervals.end());
    intervals.erase(intervals.begin(), std::lower_bound(intervals.begin(), intervals.end(), floor));

    const auto sums = [&](double t) { return detail::sums_within(stages, t, budget); };
    if (objective == mining_objective::throughput) {
        const auto fits = std::partition_point(intervals.begin(), intervals.end(),
                                               [&](double t) { return sums(t).empty(); });
        if (fits == intervals.end()) return {};
        return detail::pipeline_of(stages, sums(*fits).back());  // least power
    }
    mined_pipeline best;
    double least_power = 0.0;  // no pipeline needs less
    if (const auto all = sums(intervals.back()); !all.empty()) least_power = all.back().power;
    for (const double t : intervals) {
        if (best.found && t * least_power >= best.interval * best.power) break;
        const auto found = sums(t);
        if (found.empty()) continue;
        const mined_pipeline p = detail::pipeline_of(stages, found.back());
        if (!best.found || p.interval * p.power < best.interval * best.power) best = p;
    }
    return best;
}

/// The same after `best_designs(k)` of every stage; `choice` refers to the full lists. What is lost
/// against all designs is what the other designs were worth.
inline mined_pipeline mine_pipeline_of_best(
    std::span<const std::vector<stage_design>> stages, std::size_t k, const mining_budget& budget,
    mining_objective objective = mining_objective::throughput) {
    if (k == 0) throw error("mine_pipeline_of_best: keep at least one design a stage");
    std::vector<std::vector<stage_design>> kept;
    std::vector<std::vector<std::size_t>> origin;
    for (const auto& designs : stages) {
        origin.push_back(best_designs(designs, k));
        kept.emplace_back();
        for (const std::size_t i : origin.back()) kept.back().push_back(designs[i]);
    }
    mined_pipeline p = mine_pipeline(kept, budget, objective);
    for (std::size_t i = 0; i < p.choice.size(); ++i) p.choice[i] = origin[i][p.choice[i]];
    return p;
}

}  // namespace hass
