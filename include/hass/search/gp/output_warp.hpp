/// \file output_warp.hpp
/// Values as a Gaussian process likes them: the bad ones pressed together, mean 0, deviation 1.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/search/stable_math.hpp>

namespace hass {

/// w = (ln(1 + strength t) - mean) / deviation with t = (y - least) / (median - least); strength 0:
/// linear. Increasing, so that what is best stays best; one large strength makes it a logarithm.
/// Snelson, Rasmussen, Ghahramani (2003) chose among such curves by the likelihood, and so does the
/// optimizer.
class output_warp {
  public:
    /// The strengths that are tried.
    static constexpr std::array<double, 5> strengths{0.0, 1.0, 10.0, 100.0, 1000.0};

    output_warp() = default;

    /// Fitted to values. \param strength  see the class.
    output_warp(std::span<const double> values, double strength) : strength_(strength) {
        if (values.empty()) return;
        std::vector<double> sorted(values.begin(), values.end());
        std::sort(sorted.begin(), sorted.end());
        least_ = sorted.front();
        const double middle = sorted[sorted.size() / 2];
        unit_ = middle > least_ ? middle - least_ : sorted.back() - least_;
        if (!(unit_ > 0.0)) unit_ = 1.0;
        double sum = 0.0;
        for (const double y : values) sum += bent(y);
        mean_ = sum / static_cast<double>(values.size());
        double square = 0.0;
        for (const double y : values) square += (bent(y) - mean_) * (bent(y) - mean_);
        const double variance = square / static_cast<double>(values.size());
        deviation_ = variance > 0.0 ? std::sqrt(variance) : 1.0;
    }

    /// Warped.
    double operator()(double value) const { return (bent(value) - mean_) / deviation_; }

    /// The value that is warped to w.
    double inverse(double w) const {
        const double b = w * deviation_ + mean_;
        if (strength_ == 0.0) return least_ + unit_ * b;
        if (b < 0.0) return least_ + unit_ * b / strength_;
        return least_ + unit_ * ((stable_exp(b) - 1.0) / strength_);
    }

    /// Sum of ln(dw / dy) over values: what a likelihood of warped values lacks to one of values.
    double log_slopes(std::span<const double> values) const {
        double sum = 0.0;
        for (const double y : values) {
            const double t = (y - least_) / unit_;
            sum -= stable_log(deviation_ * unit_);
            if (strength_ != 0.0)
                sum += stable_log(strength_ / (1.0 + strength_ * std::max(t, 0.0)));
        }
        return sum;
    }

    /// As it was given.
    double strength() const { return strength_; }

  private:
    double bent(double value) const {
        const double t = (value - least_) / unit_;
        if (strength_ == 0.0) return t;
        // linear below the least value seen, e.g. at a value that was only believed
        return t < 0.0 ? strength_ * t : stable_log1p(strength_ * t);
    }

    double strength_ = 0.0;
    double least_ = 0.0;
    double unit_ = 1.0;
    double mean_ = 0.0;
    double deviation_ = 1.0;
};

}  // namespace hass
