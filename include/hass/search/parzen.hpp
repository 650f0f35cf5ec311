/// \file parzen.hpp
/// The density estimate inside TPE: a mixture of one truncated normal per observation and axis,
/// plus a wide prior kernel. All coordinates here are model coordinates (axis::to_model).
///
/// Rules and constants are those of Optuna's TPESampler (5.0, and 4.9 where they differ), itself
/// after Bergstra et al., "Algorithms for hyper-parameter optimization" (2011) and Watanabe,
/// "Tree-structured Parzen estimator" (2023).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "hass/search/random_stream.hpp"
#include "hass/search/space.hpp"
#include "hass/search/stable_math.hpp"
#include "hass/search/truncated_normal.hpp"

namespace hass {

/// One axis as the mixture sees it.
struct parzen_axis {
    double low = 0.0;  ///< range, half a step beyond the end values on stepped axes
    double high = 1.0;
    double step = 0.0;        ///< 0: continuous; otherwise probability of the cell around a value
    std::size_t choices = 0;  ///< > 0: categorical, coordinates are indices

    explicit parzen_axis(const axis& a)
        : step(a.log || a.kind == axis_kind::categorical ? 0.0 : a.step),
          choices(a.kind == axis_kind::categorical ? a.choices.size() : 0) {
        const auto range = a.model_range();
        low = range.first;
        high = range.second;
    }
    double width() const { return high - low; }
};

/// Where an observation lies among the others of its set, on one axis.
struct parzen_neighbours {
    double left;             ///< distance to the next smaller observation, or to the low end
    double right;            ///< distance to the next larger observation, or to the high end
    bool first;              ///< no smaller observation
    bool last;               ///< no larger observation
    std::size_t count;       ///< observations in the set
    std::size_t dimensions;  ///< axes sampled together
    double range;            ///< width of the axis
};

/// Bandwidth = the larger gap to a neighbour; the outermost observations look inwards only.
/// Optuna 5.0; univariate also 4.9.
struct neighbour_gap_bandwidth {
    constexpr double operator()(const parzen_neighbours& n) const {
        if (n.count > 1 && n.first) return n.right;
        if (n.count > 1 && n.last) return n.left;
        return n.left > n.right ? n.left : n.right;
    }
};

/// Bandwidth = range / 5 * count^(-1 / (dimensions + 4)), Scott's rule: the same for every
/// observation. Optuna 4.9 and before, multivariate.
struct scott_bandwidth {
    constexpr double operator()(const parzen_neighbours& n) const {
        const double count = n.count > 0 ? static_cast<double>(n.count) : 1.0;
        return 0.2 * n.range *
               stable_exp(-stable_log(count) / static_cast<double>(n.dimensions + 4));
    }
};

/// Weights of `count` observations in time order: 1 for the newest 25, older ones on a ramp from
/// 1/count to 1. The prior kernel weighs 1.
struct recency_weights {
    void operator()(std::span<double> weights) const {
        const std::size_t count = weights.size();
        std::fill(weights.begin(), weights.end(), 1.0);
        if (count <= 25) return;
        const std::size_t ramp = count - 25;
        const double first = 1.0 / static_cast<double>(count);
        const double slope = ramp > 1 ? (1.0 - first) / static_cast<double>(ramp - 1) : 0.0;
        for (std::size_t i = 0; i < ramp; ++i) weights[i] = first + slope * static_cast<double>(i);
        if (ramp > 1) weights[ramp - 1] = 1.0;
    }
};

/// All observations weigh the same.
struct equal_weights {
    void operator()(std::span<double> weights) const {
        std::fill(weights.begin(), weights.end(), 1.0);
    }
};

/// A mixture over several axes: kernel k = one observation, the last kernel = the prior.
///
/// Joint density: sum_k w_k prod_axis f. Marginal of one axis: sum_k w_k f. Log-densities are per
/// unit of the model coordinate; on stepped and categorical axes they are log-probabilities.
class parzen_mixture {
  public:
    parzen_mixture() = default;

    /// Makes room for `weights.size()` observations and the prior (weight 1), normalises the
    /// weights and sets the prior kernel: centre of the range, one range wide.
    void reset(std::span<const parzen_axis> axes, std::span<const double> weights) {
        axes_.assign(axes.begin(), axes.end());
        kernels_ = weights.size() + 1;
        double sum = 1.0;
        for (const double w : weights) sum += w;
        weights_.resize(kernels_);
        for (std::size_t k = 0; k + 1 < kernels_; ++k) weights_[k] = weights[k] / sum;
        weights_[kernels_ - 1] = 1.0 / sum;
        blocks_ = (kernels_ + lanes - 1) / lanes;
        cells_.assign(blocks_ * axes_.size() * lanes, cell{});
        log_norm_.assign(blocks_ * lanes * axes_.size(), 0.0);
        for (std::size_t d = 0; d < axes_.size(); ++d)
            set(d, kernels_ - 1, 0.5 * (axes_[d].low + axes_[d].high), axes_[d].width(),
                prior_log_norm(axes_[d]));
    }

    /// Sets one observation on one axis.
    /// \param log_norm  ln of the kernel's normaliser, see log_normaliser
    void set(std::size_t axis, std::size_t kernel, double mean, double sigma, double log_norm) {
        cells_[slot(axis, kernel)] = {mean, 1.0 / (sigma * sqrt_two), sigma};
        log_norm_[slot(axis, kernel)] = axes_[axis].choices > 0 ? 0.0 : log_norm;
    }

    /// To be called when every kernel is set.
    void finish() {
        offset_.assign(blocks_ * lanes, ruled_out);
        for (std::size_t k = 0; k < kernels_; ++k) {
            double sum = stable_log(weights_[k]);
            for (std::size_t d = 0; d < axes_.size(); ++d) sum -= log_norm_[slot(d, k)];
            offset_[k] = sum;
        }
        cumulative_.resize(kernels_);
        double sum = 0.0;
        for (std::size_t k = 0; k < kernels_; ++k) cumulative_[k] = sum += weights_[k];
    }

    /// ln of what a kernel exp(-(x - mean)^2 / (2 sigma^2)) integrates to over the axis; on stepped
    /// axes ln of the normal mass of the axis.
    static double log_normaliser(const parzen_axis& a, double mean, double sigma) {
        if (a.choices > 0) return 0.0;
        const double mass = log_normal_mass((a.low - mean) / sigma, (a.high - mean) / sigma);
        return a.step > 0.0 ? mass : mass + stable_log(sigma) + search_detail::half_log_two_pi;
    }

    std::size_t size() const { return kernels_; }
    std::span<const double> weights() const { return weights_; }
    double mean(std::size_t axis, std::size_t kernel) const {
        return cells_[slot(axis, kernel)].mean;
    }
    double sigma(std::size_t axis, std::size_t kernel) const {
        return cells_[slot(axis, kernel)].sigma;
    }

    /// ln of the joint density at x, one coordinate per axis.
    double log_density(std::span<const double> x) const {
        double result = 0.0;
        log_densities(x, 1, std::span<double>(&result, 1));
        return result;
    }

    /// ln of the joint density of `count` candidates, x[candidate * axes + axis].
    void log_densities(std::span<const double> x, std::size_t count, std::span<double> out) const {
        std::vector<double> terms(blocks_ * lanes);
        for (std::size_t c = 0; c < count; ++c) {
            const double* point = x.data() + c * axes_.size();
            for (std::size_t b = 0; b < blocks_; ++b) {
                std::array<double, lanes> sum{};
                const cell* cells = cells_.data() + b * axes_.size() * lanes;
                for (std::size_t d = 0; d < axes_.size(); ++d, cells += lanes) {
                    if (discrete(axes_[d])) continue;
                    for (std::size_t i = 0; i < lanes; ++i) {
                        const double z = (point[d] - cells[i].mean) * cells[i].scale;
                        sum[i] += z * z;
                    }
                }
                for (std::size_t i = 0; i < lanes; ++i)
                    terms[b * lanes + i] = offset_[b * lanes + i] - sum[i];
            }
            for (std::size_t d = 0; d < axes_.size(); ++d)
                if (discrete(axes_[d]))
                    for (std::size_t k = 0; k < kernels_; ++k)
                        terms[k] += log_probability(d, k, point[d]);
            out[c] = log_sum_exp(terms);
        }
    }

    /// ln of the marginal density of one axis at x.
    double log_density(std::size_t axis, double x) const {
        std::vector<double> terms(blocks_ * lanes, ruled_out);
        for (std::size_t k = 0; k < kernels_; ++k) {
            const cell& c = cells_[slot(axis, k)];
            const double z = (x - c.mean) * c.scale;
            const double kernel = discrete(axes_[axis]) ? log_probability(axis, k, x) : -(z * z);
            terms[k] = stable_log(weights_[k]) - log_norm_[slot(axis, k)] + kernel;
        }
        return log_sum_exp(terms);
    }

    /// A kernel drawn by weight.
    std::size_t draw_kernel(random_stream& random) const {
        const double u = random.uniform() * cumulative_.back();
        const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
        const auto k = static_cast<std::size_t>(at - cumulative_.begin());
        return k < kernels_ ? k : kernels_ - 1;
    }

    /// A draw from one kernel on one axis; on stepped axes before rounding to a step.
    double draw(std::size_t axis, std::size_t kernel, random_stream& random) const {
        const parzen_axis& a = axes_[axis];
        const cell& c = cells_[slot(axis, kernel)];
        if (a.choices > 0) {
            // A kernel puts the share 1 / (1 + choices / kernels) on its own choice.
            const double n = static_cast<double>(kernels_);
            const double all = static_cast<double>(a.choices);
            double u = random.uniform();
            if (kernel + 1 < kernels_) {
                const double own = n / (n + all);
                if (u < own) return c.mean;
                u = (u - own) / (1.0 - own);
            }
            return std::min(std::floor(u * all), all - 1.0);
        }
        const double z = truncated_normal_quantile((a.low - c.mean) / c.sigma,
                                                   (a.high - c.mean) / c.sigma, random.uniform());
        return std::clamp(c.mean + z * c.sigma, a.low, a.high);
    }

  private:
    static constexpr std::size_t lanes = 8;
    static constexpr double sqrt_two = 1.4142135623730951;
    static constexpr double ruled_out = -1e300;  // log weight of the padding

    struct cell {
        double mean = 0.0;
        double scale = 0.0;  // 1 / (sqrt(2) sigma)
        double sigma = 1.0;
    };

    static bool discrete(const parzen_axis& a) { return a.choices > 0 || a.step > 0.0; }

    static double prior_log_norm(const parzen_axis& a) {
        return log_normaliser(a, 0.5 * (a.low + a.high), a.width());
    }

    std::size_t slot(std::size_t axis, std::size_t kernel) const {
        return (kernel / lanes * axes_.size() + axis) * lanes + kernel % lanes;
    }

    /// ln of a kernel's probability of one value of a stepped or categorical axis, before the
    /// normaliser (which is in the kernel's offset).
    double log_probability(std::size_t d, std::size_t kernel, double x) const {
        const parzen_axis& a = axes_[d];
        const cell& c = cells_[slot(d, kernel)];
        if (a.choices > 0) {
            const double n = static_cast<double>(kernels_);
            const double all = static_cast<double>(a.choices);
            if (kernel + 1 == kernels_) return -stable_log(all);
            return stable_log((x == c.mean ? n + 1.0 : 1.0) / (n + all));
        }
        return log_normal_mass((x - 0.5 * a.step - c.mean) / c.sigma,
                               (x + 0.5 * a.step - c.mean) / c.sigma);
    }

    static double log_sum_exp(std::span<const double> terms) {
        double most = ruled_out;
        for (const double t : terms) most = t > most ? t : most;
        std::array<double, lanes> sum{};
        for (std::size_t b = 0; b < terms.size(); b += lanes)
            for (std::size_t i = 0; i < lanes; ++i)
                sum[i] += search_detail::exp_flushed(terms[b + i] - most);
        double total = 0.0;
        for (const double s : sum) total += s;
        return most + stable_log(total);
    }

    std::vector<parzen_axis> axes_;
    std::size_t kernels_ = 0;
    std::size_t blocks_ = 0;
    std::vector<double> weights_;     // normalised, the prior last
    std::vector<double> cumulative_;  // of the weights
    std::vector<double> offset_;      // ln weight - sum of ln normalisers; padded
    std::vector<cell> cells_;         // [block of kernels][axis][lane]
    std::vector<double> log_norm_;    // same layout
};

}  // namespace hass
