/// \file metric_unit.hpp
/// What a metric is called and measured in. Up is better in all of them.
#pragma once

#include <cstdio>
#include <string>

#include <hass/text.hpp>

namespace hass {

/// Name and unit of a metric.
struct metric_unit {
    std::string name = "top1";    ///< key in files and flags
    std::string title = "top-1";  ///< in tables and sentences
    /// Empty: a share in [0, 1], written as percent, of which losses are stated in points (0.01).
    std::string unit{};

    /// Whether it is a share in [0, 1], shown in %.
    bool is_share() const { return unit.empty(); }
    /// What one step of a stated loss (`--max-drop`) is worth.
    double step() const { return is_share() ? 0.01 : 1.0; }
    /// What losses are stated in.
    std::string steps() const { return is_share() ? "points" : unit; }

    /// "89.00 %", "27.40 dB".
    std::string text(double score) const {
        if (is_share()) return percent(score, 2);
        char digits[64];
        std::snprintf(digits, sizeof digits, "%.2f ", score);
        return digits + unit;
    }

    bool operator==(const metric_unit&) const = default;
};

}  // namespace hass
