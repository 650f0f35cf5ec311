/// \file fit.hpp
/// Resource models from measurements: what was measured as a sum of features, each with a
/// coefficient that is not negative. One regression makes the committed models
/// (`fpgaconvnet/measured.hpp`) and a user's own (`calibrate.hpp`).
///
///     minimise  sum_i ((x_i . c - y_i) / s_i)^2  +  sum_j pull_j (c_j - prior_j)^2,   c_j >= 0
///
/// s_i is what was measured, so that errors are relative and small layers count as much as large
/// ones. A feature that is a model's own estimate has the prior 1: little data leave it at what the
/// model says. Solved exactly (active set of Lawson and Hanson, Solving Least Squares Problems,
/// 1974, chapter 23, on normal equations); same data, same result.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// One measured thing.
struct observation {
    std::vector<double> features;  ///< x, each >= 0
    double measured = 0.0;         ///< y >= 0
    double scale = 1.0;            ///< s > 0: what an error is relative to
};

/// Where a coefficient is drawn to, and how hard. `pull` is the square of (relative error that a
/// model is expected to have) / (how far the coefficient may be from its prior); 0: not at all.
struct coefficient_prior {
    double value = 0.0;  ///< drawn to
    double pull = 0.0;   ///< >= 0
};

namespace detail {

/// Solves a symmetric positive definite system of the rows and columns in `use` (Cholesky). False
/// when it is singular to within rounding.
inline bool solve_within(const std::vector<double>& matrix, const std::vector<double>& right,
                         std::span<const std::size_t> use, std::vector<double>& solution) {
    const std::size_t n = right.size(), m = use.size();
    std::vector<double> factor(m * m, 0.0), y(m);
    for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            double sum = matrix[use[i] * n + use[j]];
            for (std::size_t k = 0; k < j; ++k) sum -= factor[i * m + k] * factor[j * m + k];
            if (i != j) {
                factor[i * m + j] = sum / factor[j * m + j];
            } else {
                if (!(sum > 1e-12 * matrix[use[i] * n + use[i]])) return false;
                factor[i * m + i] = std::sqrt(sum);
            }
        }
        y[i] = right[use[i]];
        for (std::size_t k = 0; k < i; ++k) y[i] -= factor[i * m + k] * y[k];
        y[i] /= factor[i * m + i];
    }
    std::fill(solution.begin(), solution.end(), 0.0);
    for (std::size_t i = m; i-- > 0;) {
        double sum = y[i];
        for (std::size_t k = i + 1; k < m; ++k) sum -= factor[k * m + i] * solution[use[k]];
        solution[use[i]] = sum / factor[i * m + i];
    }
    return true;
}

/// min c' A c / 2 - b' c over c >= 0 for a symmetric positive semidefinite A of unit diagonal (or 0
/// where a feature never occurs).
inline std::vector<double> not_negative(const std::vector<double>& matrix,
                                        const std::vector<double>& right) {
    const std::size_t n = right.size();
    std::vector<double> c(n, 0.0), trial(n);
    std::vector<std::size_t> use;
    std::vector<bool> barred(n, false);  // would make the system singular
    for (std::size_t round = 0; round < 10 * n + 10; ++round) {
        std::size_t best = n;
        double most = 1e-10;
        for (std::size_t j = 0; j < n; ++j) {
            if (barred[j] || std::find(use.begin(), use.end(), j) != use.end()) continue;
            double gradient = right[j];
            for (std::size_t k = 0; k < n; ++k) gradient -= matrix[j * n + k] * c[k];
            if (gradient > most) most = gradient, best = j;
        }
        if (best == n) break;
        use.push_back(best);
        while (!use.empty()) {
            if (!solve_within(matrix, right, use, trial)) {
                barred[best] = true;
                use.erase(std::find(use.begin(), use.end(), best));
                break;
            }
            double step = 1.0;
            for (const std::size_t j : use)
                if (trial[j] <= 0.0) step = std::min(step, c[j] / (c[j] - trial[j]));
            for (std::size_t j = 0; j < n; ++j) c[j] += step * (trial[j] - c[j]);
            if (step >= 1.0) break;
            std::erase_if(use, [&](std::size_t j) {
                if (trial[j] > 0.0 || c[j] > 1e-15) return false;
                c[j] = 0.0;
                return true;
            });
        }
    }
    return c;
}

}  // namespace detail

/// Coefficients for `data`, one a feature.
/// \param priors  one a feature
/// \param use     whether observation i takes part: use(i)
/// \throws hass::error when an observation does not have the features, is not finite, or has no
///         scale
template <class Use>
std::vector<double> fit(std::span<const observation> data,
                        std::span<const coefficient_prior> priors, const Use& use) {
    const std::size_t n = priors.size();
    std::vector<double> matrix(n * n, 0.0), right(n, 0.0);
    for (std::size_t i = 0; i < data.size(); ++i) {
        const observation& o = data[i];
        bool sound = o.features.size() == n && std::isfinite(o.measured) && o.scale > 0.0;
        for (const double x : o.features) sound = sound && std::isfinite(x);
        if (!sound)
            throw error(
                text_of({"fit: observation ", i, " has ", o.features.size(), " features for ", n,
                         " coefficients, or a value that is not ", "finite, or no scale"}));
        if (!use(i)) continue;
        for (std::size_t j = 0; j < n; ++j) {
            const double x = o.features[j] / o.scale;
            for (std::size_t k = 0; k < n; ++k) matrix[j * n + k] += x * o.features[k] / o.scale;
            right[j] += x * o.measured / o.scale;
        }
    }
    for (std::size_t j = 0; j < n; ++j) {
        matrix[j * n + j] += priors[j].pull;
        right[j] += priors[j].pull * priors[j].value;
    }
    std::vector<double> size(n, 1.0);  // unit diagonal: features differ by orders of magnitude
    for (std::size_t j = 0; j < n; ++j)
        if (matrix[j * n + j] > 0.0) size[j] = std::sqrt(matrix[j * n + j]);
    for (std::size_t j = 0; j < n; ++j) {
        right[j] /= size[j];
        for (std::size_t k = 0; k < n; ++k) matrix[j * n + k] /= size[j] * size[k];
    }
    std::vector<double> c = detail::not_negative(matrix, right);
    for (std::size_t j = 0; j < n; ++j) c[j] /= size[j];
    return c;
}

/// The same of all `data`.
inline std::vector<double> fit(std::span<const observation> data,
                               std::span<const coefficient_prior> priors) {
    return fit(data, priors, [](std::size_t) { return true; });
}

/// What the coefficients say of one observation.
inline double predicted(const observation& o, std::span<const double> coefficients) {
    double sum = 0.0;
    for (std::size_t j = 0; j < coefficients.size(); ++j) sum += coefficients[j] * o.features[j];
    return sum;
}

/// (said - measured) / scale.
inline double relative_error(const observation& o, std::span<const double> coefficients) {
    return (predicted(o, coefficients) - o.measured) / o.scale;
}

/// Relative error of each observation under coefficients that were fitted without its group.
/// \param group  one an observation, any numbers: what is alike must be left out together
inline std::vector<double> cross_validated(std::span<const observation> data,
                                           std::span<const coefficient_prior> priors,
                                           std::span<const std::size_t> group) {
    std::vector<double> errors(data.size());
    std::vector<bool> done(data.size(), false);
    for (std::size_t i = 0; i < data.size(); ++i) {
        if (done[i]) continue;
        const auto others = [&](std::size_t k) { return group[k] != group[i]; };
        const std::vector<double> c = fit(data, priors, others);
        for (std::size_t k = i; k < data.size(); ++k)
            if (group[k] == group[i]) errors[k] = relative_error(data[k], c), done[k] = true;
    }
    return errors;
}

/// The same with each observation left out alone.
inline std::vector<double> leave_one_out(std::span<const observation> data,
                                         std::span<const coefficient_prior> priors) {
    std::vector<std::size_t> each(data.size());
    std::iota(each.begin(), each.end(), std::size_t{0});
    return cross_validated(data, priors, each);
}

/// Mean and largest magnitude of relative errors.
struct error_summary {
    double mean = 0.0;   ///< magnitude of a relative error
    double worst = 0.0;  ///< magnitude of a relative error

    bool operator==(const error_summary&) const = default;
};
/// Of relative errors, none for none.
inline error_summary summary(std::span<const double> errors) {
    error_summary s;
    for (const double e : errors) s.mean += std::abs(e), s.worst = std::max(s.worst, std::abs(e));
    if (!errors.empty()) s.mean /= static_cast<double>(errors.size());
    return s;
}

}  // namespace hass
