/// \file trust_region.hpp
/// A box around the best trial, in which the next one is looked for: with many axes a model of few
/// trials is right nearby long before it is right everywhere.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <hass/search/gp/unit_columns.hpp>
#include <hass/search/stable_math.hpp>

namespace hass {

/// When a trust region is used, and how it breathes.
struct trust_region_options {
    std::size_t axes = 20;      ///< from so many searched axes on
    double first = 0.8;         ///< its side at first, in ranges
    double longest = 1.6;       ///< at most
    double shortest = 0.05;     ///< below this it begins again with the first side
    double gain = 1e-3;         ///< of |best| that makes a trial a success
    std::size_t successes = 3;  ///< in a row double the side
    std::size_t failures = 10;  ///< in a row halve it
};

/// Grows while trials in it improve on the best, shrinks while they do not, and begins again where
/// it has become too small (Eriksson, Pearce, Gardner, Turner, Poloczek 2019). What is known
/// outside it stays known, and it moves with the best trial.
class trust_region {
  public:
    /// As wide as its options say.
    explicit trust_region(trust_region_options options = {})
        : options_(options), side_(options.first) {}

    /// Whether there are so many axes that it helps.
    bool applies(const unit_columns& columns) const {
        return columns.axes().size() >= options_.axes;
    }

    /// Takes in what has become known since the last call.
    /// \param measured  number of trials with values so far
    /// \param best      the least of them
    void follow(std::size_t measured, double best) {
        if (measured <= measured_) return;
        measured_ = measured;
        if (best < best_ - options_.gain * std::fabs(best_)) {
            ++successes_;
            failures_ = 0;
        } else {
            ++failures_;
            successes_ = 0;
        }
        best_ = std::min(best_, best);
        if (successes_ >= options_.successes) {
            side_ = std::min(options_.longest, 2.0 * side_);
            successes_ = 0;
        }
        if (failures_ >= options_.failures) {
            side_ *= 0.5;
            failures_ = 0;
            if (side_ < options_.shortest) side_ = options_.first;
        }
    }

    /// Geometric mean of its sides, in ranges, before it is cut at those.
    double side() const { return side_; }

    /// Around a point, longer along axes where the function changes slowly; every choice of a
    /// categorical axis is in it.
    /// \param lengths  length scale of every column, or empty: all alike
    unit_box around(const unit_columns& columns, std::span<const double> centre,
                    std::span<const double> lengths) const {
        double mean = 0.0;
        std::size_t numeric = 0;
        for (const unit_columns::searched& s : columns.axes()) {
            if (s.choices > 0 || lengths.empty()) continue;
            mean += stable_log(lengths[s.column]);
            ++numeric;
        }
        if (numeric > 0) mean /= static_cast<double>(numeric);
        unit_box box(columns.size());
        for (const unit_columns::searched& s : columns.axes()) {
            if (s.choices > 0) continue;
            const std::size_t d = s.column;
            const double relative = lengths.empty() ? 1.0 : lengths[d] / stable_exp(mean);
            box.low[d] = std::max(0.0, centre[d] - 0.5 * side_ * relative);
            box.high[d] = std::min(1.0, centre[d] + 0.5 * side_ * relative);
        }
        return box;
    }

  private:
    trust_region_options options_;
    double side_;
    double best_ = std::numeric_limits<double>::max();
    std::size_t measured_ = 0;
    std::size_t successes_ = 0;
    std::size_t failures_ = 0;
};

}  // namespace hass
