/// \file hypervolume_improvement.hpp
/// By how much a point of uncertain objectives is expected to enlarge the region that a front of
/// two or three objectives dominates.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <hass/search/gp/acquisition.hpp>
#include <hass/search/gp/posterior.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/stable_math.hpp>

namespace hass {

/// The region below a reference point that a front does not dominate, as disjoint boxes; all
/// objectives minimised. Two objectives: one box more than points; three: at most two a point more
/// (a sweep along the third; Lacour, Klamroth, Fonseca 2017).
class open_region {
  public:
    /// A part of the region.
    struct box {
        std::array<double, 3> low;   ///< may be -infinity
        std::array<double, 3> high;  ///< upper corner
    };

    /// \param front  points of two or three objectives; those not below the reference are left out
    open_region(std::span<const std::vector<double>> front, std::span<const double> reference)
        : objectives_(reference.size()) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        std::vector<std::array<double, 3>> points;
        for (const std::vector<double>& p : front) {
            std::array<double, 3> padded{};
            bool below = true;
            for (std::size_t j = 0; j < objectives_; ++j) {
                padded[j] = p[j];
                below = below && p[j] < reference[j];
            }
            if (below) points.push_back(padded);
        }
        std::sort(points.begin(), points.end(),
                  [](const auto& a, const auto& b) { return a[2] != b[2] ? a[2] < b[2] : a < b; });
        // Open boxes side by side along the first objective, their height falling.
        const double last = objectives_ == 3 ? reference[2] : infinity;
        std::vector<box> open{
            {{-infinity, -infinity, -infinity}, {reference[0], reference[1], last}}};
        for (const auto& p : points) {
            std::size_t first = 0;
            while (first < open.size() && open[first].high[0] <= p[0]) ++first;
            if (first == open.size() || open[first].high[1] <= p[1]) continue;  // dominated
            std::size_t end = first;
            while (end < open.size() && open[end].high[1] > p[1]) ++end;
            const box left = open[first];
            const double right = open[end - 1].high[0];
            if (objectives_ == 3)
                for (std::size_t k = first; k < end; ++k)
                    if (open[k].low[2] < p[2]) close(open[k], p[2]);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(first),
                       open.begin() + static_cast<std::ptrdiff_t>(end));
            const double from = objectives_ == 3 ? p[2] : -infinity;
            std::vector<box> made;
            if (left.low[0] < p[0])
                made.push_back({{left.low[0], -infinity, from}, {p[0], left.high[1], last}});
            made.push_back({{p[0], -infinity, from}, {right, p[1], last}});
            open.insert(open.begin() + static_cast<std::ptrdiff_t>(first), made.begin(),
                        made.end());
        }
        for (const box& b : open) boxes_.push_back(b);
    }

    /// Two or three.
    std::size_t objectives() const { return objectives_; }
    /// Disjoint.
    const std::vector<box>& boxes() const { return boxes_; }

  private:
    void close(box b, double at) {
        b.high[2] = at;
        boxes_.push_back(b);
    }

    std::size_t objectives_;
    std::vector<box> boxes_;
};

/// ln of the expected hypervolume improvement of independent normals, and its derivatives.
struct log_hypervolume_improvement {
    double value = -std::numeric_limits<double>::infinity();  ///< ln of the expectation
    std::array<double, 3> by_mean{};                          ///< derivatives by each mean
    std::array<double, 3> by_deviation{};                     ///< derivatives by each deviation
};

/// The sum over boxes of the products over objectives of E[(high - max(low, Y))+], in logarithms
/// (exact; Emmerich 2005).
inline log_hypervolume_improvement expected_improvement_of(const open_region& region,
                                                           std::span<const double> means,
                                                           std::span<const double> deviations) {
    const std::size_t m = region.objectives();
    log_hypervolume_improvement sum;
    double total = 0.0;  // relative to exp(sum.value)
    for (const open_region::box& b : region.boxes()) {
        double value = 0.0;
        std::array<double, 3> by_mean{}, by_deviation{};
        for (std::size_t j = 0; j < m; ++j) {
            const double sigma = deviations[j];
            const log_improvement up = log_improvement_at((b.high[j] - means[j]) / sigma);
            double share = 0.0;
            log_improvement down{0.0, 0.0, 0.0};
            if (b.low[j] > -std::numeric_limits<double>::infinity()) {
                down = log_improvement_at((b.low[j] - means[j]) / sigma);
                share = stable_exp(down.value - up.value);
            }
            if (!(share < 1.0)) {
                value = -std::numeric_limits<double>::infinity();
                break;
            }
            value += stable_log(sigma) + up.value + stable_log1p(-share);
            by_mean[j] = -(up.distribution - share * down.distribution) / (1.0 - share) / sigma;
            by_deviation[j] = (up.density - share * down.density) / (1.0 - share) / sigma;
        }
        if (!(value > -1e300)) continue;
        if (value > sum.value) {  // the largest term is the unit of the sum
            const double shrink = stable_exp(sum.value - value);
            total *= shrink;
            for (std::size_t j = 0; j < m; ++j) {
                sum.by_mean[j] *= shrink;
                sum.by_deviation[j] *= shrink;
            }
            sum.value = value;
        }
        const double weight = stable_exp(value - sum.value);
        total += weight;
        for (std::size_t j = 0; j < m; ++j) {
            sum.by_mean[j] += weight * by_mean[j];
            sum.by_deviation[j] += weight * by_deviation[j];
        }
    }
    if (total > 0.0) {
        sum.value += stable_log(total);
        for (std::size_t j = 0; j < m; ++j) {
            sum.by_mean[j] /= total;
            sum.by_deviation[j] /= total;
        }
    }
    return sum;
}

}  // namespace hass
