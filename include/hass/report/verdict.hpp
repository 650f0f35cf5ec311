/// \file verdict.hpp
/// What sparsity bought: a design beside the dense one, and why dense is better where it is.
#pragma once

#include <fmt/format.h>

#include <string>

#include <hass/report/solution.hpp>
#include <hass/report/table.hpp>

namespace hass {

/// One design beside the dense one on the same board.
struct against_dense {
    double speed = 1.0;            ///< images/s over those of the dense design
    double efficiency = 1.0;       ///< images/cycle/DSP over that of the dense design
    bool dense_is_better = false;  ///< in one of the two, or it answers better and loses in none
    std::string verdict;           ///< one sentence, why included
};

/// \param dense  the design with dense engines, nothing clipped
inline against_dense compare_with_dense(const solution_report& dense, const solution_report& d) {
    // Differences below this are those of rounding.
    constexpr double rounding = 1e-9;
    against_dense a;
    a.speed = d.hardware.images_per_second / dense.hardware.images_per_second;
    if (dense.hardware.efficiency() > 0.0)
        a.efficiency = d.hardware.efficiency() / dense.hardware.efficiency();
    const bool slower = a.speed < 1.0 - rounding;
    const bool less_efficient = a.efficiency < 1.0 - rounding;
    const bool no_gain = a.speed < 1.0 + rounding && a.efficiency < 1.0 + rounding;
    const bool worse_answers = d.score < dense.score;
    a.dense_is_better = slower || less_efficient || (no_gain && worse_answers);
    const std::string facts = fmt::format(
        "{:.2f} x the images/s of dense, {:.2f} x its images/cycle/DSP", a.speed, a.efficiency);
    if (!a.dense_is_better) {
        a.verdict = facts;
        return a;
    }
    const auto luts_a_dsp = [](const solution_report& r) {
        return r.hardware.total.dsp > 0.0 ? r.hardware.total.lut / r.hardware.total.dsp : 0.0;
    };
    std::string where = "here";
    if (!slower && less_efficient) where = "here where DSPs count";
    if (slower && !less_efficient) where = "here where images/s count";
    a.verdict = fmt::format("dense is the better design {}: {}", where, facts);
    if (slower || less_efficient)
        a.verdict += fmt::format(
            ", because {} and a DSP comes with {:.0f} LUTs (dense: {:.0f})",
            d.binding.empty() ? "its slowest layer cannot be split further" : d.binding + " binds",
            luts_a_dsp(d), luts_a_dsp(dense));
    if (worse_answers)
        a.verdict += fmt::format(", and {} {} instead of {}", d.metric.title,
                                 d.metric.text(d.score), d.metric.text(dense.score));
    return a;
}

}  // namespace hass
