/// \file fit.hpp
/// The hyperparameters of a Gaussian process: their posterior density given data, and its maximum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <hass/search/gp/box_descent.hpp>
#include <hass/search/gp/cholesky.hpp>
#include <hass/search/gp/kernel.hpp>
#include <hass/search/stable_math.hpp>

namespace hass {

/// Prior of the noise's variance relative to that of the data: normal in its logarithm.
struct noise_prior {
    double start = -11.5;  ///< ln of the median
    double spread = 3.0;   ///< deviation
    double rough = -2.0;   ///< where a second fit begins
    double low = -18.4;    ///< ln of the least, about 1e-8: keeps matrices regular
    double high = 0.0;     ///< ln of the largest
};

/// Points, one row after another, and a value for each.
struct gp_data {
    std::size_t columns = 0;     ///< numbers a point
    std::vector<double> points;  ///< row after row
    std::vector<double> values;  ///< one a point

    std::size_t size() const { return values.size(); }
    /// Point `i`.
    const double* row(std::size_t i) const { return points.data() + i * columns; }
};

/// The factor of K + noise I over the data's points; of fewer rows where it became singular.
template <Covariance C>
cholesky_factor factorised(const C& covariance, double noise, const gp_data& data) {
    cholesky_factor factor;
    std::vector<double> row;
    for (std::size_t i = 0; i < data.size(); ++i) {
        row.resize(i + 1);
        for (std::size_t j = 0; j <= i; ++j) row[j] = covariance(data.row(i), data.row(j));
        row[i] += noise;
        if (!factor.append(row)) break;
    }
    return factor;
}

/// ln p(values | points, parameters) + ln p(parameters) up to a constant, and its gradient
/// (Rasmussen, Williams 2006, equations 2.30 and 5.9).
/// \param parameters  those of the kernel, then ln of the noise's variance; values have mean 0
/// \returns -infinity where the covariance is singular
template <Kernel K>
double log_posterior(const K& kernel, const noise_prior& noise, const gp_data& data,
                     std::span<const double> parameters, std::span<double> gradient) {
    std::fill(gradient.begin(), gradient.end(), 0.0);
    const std::size_t n = data.size();
    const std::size_t last = parameters.size() - 1;
    const auto covariance = kernel.at(parameters.first(last));
    const double variance = stable_exp(parameters[last]);
    const cholesky_factor factor = factorised(covariance, variance, data);
    if (factor.size() < n) return -std::numeric_limits<double>::infinity();
    std::vector<double> weights = data.values;
    factor.solve_lower(weights);
    const double misfit = detail::dot(weights.data(), weights.data(), n);
    factor.solve_upper(weights);
    const std::vector<double> inverse = factor.inverse();
    double trace = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < i; ++j)  // twice, for (j, i)
            covariance.add_parameter_slopes(data.row(i), data.row(j),
                                            weights[i] * weights[j] - inverse[i * n + j],
                                            gradient.data());
        const double own = weights[i] * weights[i] - inverse[i * n + i];
        covariance.add_parameter_slopes(data.row(i), data.row(i), 0.5 * own, gradient.data());
        trace += own;
    }
    gradient[last] += 0.5 * variance * trace;
    double density = -0.5 * (misfit + factor.log_determinant());
    density += kernel.log_prior(parameters.first(last), gradient.first(last));
    density += normal_log_prior(parameters[last], noise.start, noise.spread, gradient[last]);
    return density;
}

/// Hyperparameters of a kernel and the noise, and how probable they are.
struct fitted_parameters {
    std::vector<double> parameters;  ///< of the kernel, then ln of the noise's variance
    double log_density = -std::numeric_limits<double>::infinity();  ///< up to a constant
};

/// The most probable of what descents from `starts` find.
/// \param starts  where to begin; parameters outside their bounds are moved to them
template <Kernel K>
fitted_parameters fit(const K& kernel, const noise_prior& noise, const gp_data& data,
                      std::span<const std::vector<double>> starts, std::size_t evaluations) {
    std::vector<double> low, high;
    for (const parameter_range& range : kernel.parameters(data.columns)) {
        low.push_back(range.low);
        high.push_back(range.high);
    }
    low.push_back(noise.low);
    high.push_back(noise.high);
    const auto cost = [&](std::span<const double> x, std::span<double> gradient) {
        const double density = log_posterior(kernel, noise, data, x, gradient);
        for (double& g : gradient) g = -g;
        return -density;
    };
    fitted_parameters best;
    for (const std::vector<double>& start : starts) {
        std::vector<double> x = start;
        for (std::size_t p = 0; p < x.size(); ++p) x[p] = std::clamp(x[p], low[p], high[p]);
        const double density = -descend_in_box(cost, x, low, high, {evaluations, 1e-5, 1.0});
        if (best.parameters.empty() || density > best.log_density) best = {std::move(x), density};
    }
    return best;
}

/// Where a fit begins that knows nothing.
template <Kernel K>
std::vector<double> first_parameters(const K& kernel, const noise_prior& noise,
                                     std::size_t columns) {
    std::vector<double> parameters;
    for (const parameter_range& range : kernel.parameters(columns))
        parameters.push_back(range.start);
    parameters.push_back(noise.start);
    return parameters;
}

}  // namespace hass
