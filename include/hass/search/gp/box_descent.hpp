/// \file box_descent.hpp
/// Goes downhill in a box along gradients: L-BFGS on the coordinates that no bound holds.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/gp/cholesky.hpp>

namespace hass {

/// A smooth function: its value at x; writes the gradient.
template <class F>
concept SmoothFunction = requires(F& f, std::span<const double> x, std::span<double> gradient) {
    { f(x, gradient) } -> std::convertible_to<double>;
};

/// When a descent ends.
struct descent_options {
    std::size_t evaluations = 60;  ///< of the function at most
    double tolerance = 1e-9;       ///< ends when a step gains less than this, relative to |f| + 1
    double first_step = 0.1;       ///< length of the first step, in units of x
};

/// Lowers f from x within [low, high], in place.
///
/// L-BFGS (Nocedal 1980) of eight pairs with the projected steps of Bertsekas (1982): coordinates at
/// a bound whose gradient points outwards stand still, the others step by the quasi-Newton
/// direction, cut at the box. A step is halved until it gains a share of what its slope promises.
/// \returns f at the end; not finite when it is so at the start
template <SmoothFunction F>
double descend_in_box(F&& f, std::span<double> x, std::span<const double> low,
                      std::span<const double> high, descent_options options = {}) {
    const std::size_t n = x.size();
    struct pair {
        std::vector<double> step, change;
        double product;
    };
    std::deque<pair> pairs;
    std::vector<double> gradient(n), direction(n), next(n), next_gradient(n);
    double value = f(std::span<const double>(x), std::span<double>(gradient));
    if (!std::isfinite(value)) return value;
    const auto held = [&](std::size_t d) {
        return !(low[d] < high[d]) || (x[d] <= low[d] && gradient[d] > 0.0) ||
               (x[d] >= high[d] && gradient[d] < 0.0);
    };
    for (std::size_t used = 1; used < options.evaluations;) {
        const auto free_only = [&](std::vector<double>& v) {
            for (std::size_t d = 0; d < n; ++d)
                if (held(d)) v[d] = 0.0;
        };
        direction = gradient;
        free_only(direction);
        const double length = std::sqrt(detail::dot(direction.data(), direction.data(), n));
        if (!(length > 0.0)) break;
        std::vector<double> shares(pairs.size());
        for (std::size_t k = pairs.size(); k-- > 0;) {
            shares[k] = detail::dot(pairs[k].step.data(), direction.data(), n) / pairs[k].product;
            detail::add_scaled(direction.data(), pairs[k].change.data(), -shares[k], n);
        }
        double size = options.first_step / length;
        if (!pairs.empty()) {
            const auto& last = pairs.back();
            size = last.product / detail::dot(last.change.data(), last.change.data(), n);
        }
        for (double& d : direction) d *= size;
        for (std::size_t k = 0; k < pairs.size(); ++k) {
            const double back =
                detail::dot(pairs[k].change.data(), direction.data(), n) / pairs[k].product;
            detail::add_scaled(direction.data(), pairs[k].step.data(), shares[k] - back, n);
        }
        free_only(direction);
        if (!(detail::dot(direction.data(), gradient.data(), n) > 0.0)) {
            if (pairs.empty()) break;
            pairs.clear();  // the pairs mislead: begin again with the gradient
            continue;
        }
        double next_value = value;
        double slope = 0.0;
        bool moved = false;
        for (double reach = 1.0; used < options.evaluations && reach > 1e-6; reach *= 0.4) {
            slope = 0.0;
            for (std::size_t d = 0; d < n; ++d) {
                next[d] = std::clamp(x[d] - reach * direction[d], low[d], high[d]);
                slope += gradient[d] * (next[d] - x[d]);
            }
            next_value = f(std::span<const double>(next), std::span<double>(next_gradient));
            ++used;
            if (next_value <= value + 1e-4 * slope && slope < 0.0) {
                moved = true;
                break;
            }
        }
        if (!moved) {
            if (pairs.empty()) break;
            pairs.clear();
            continue;
        }
        pair p{std::vector<double>(n), std::vector<double>(n), 0.0};
        for (std::size_t d = 0; d < n; ++d) {
            p.step[d] = next[d] - x[d];
            p.change[d] = next_gradient[d] - gradient[d];
        }
        p.product = detail::dot(p.step.data(), p.change.data(), n);
        if (p.product > 1e-12 * detail::dot(p.change.data(), p.change.data(), n)) {
            pairs.push_back(std::move(p));
            if (pairs.size() > 8) pairs.pop_front();
        }
        const double gained = value - next_value;
        std::copy(next.begin(), next.end(), x.begin());
        std::swap(gradient, next_gradient);
        value = next_value;
        if (gained < options.tolerance * (1.0 + std::fabs(value))) break;
    }
    return value;
}

}  // namespace hass
