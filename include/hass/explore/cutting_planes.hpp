/// \file cutting_planes.hpp
/// Maximises a concave function of few variables p >= 0 of which only values and slopes are known:
/// the Lagrangian bound of the allocator as a function of the prices of resources.
///
/// Every point at which the function was computed gives a plane that lies nowhere below it
/// (Kelley's cutting planes). The point at which the lowest of all planes is highest is a linear
/// program,
///
///     max t :  t <= height_j + slope_j . p  for all planes j,   0 <= p <= most
///
/// solved in its dual form, whose basis has as many rows as there are variables, plus one: adding a
/// plane is a pivot or a few.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace hass::detail {

/// \tparam Most  number of variables at most
template <std::size_t Most>
class cutting_planes {
  public:
    using vector = std::array<double, Most>;

    /// Forgets all planes. \param variables  <= Most  \param most  bound of each of them
    void reset(std::size_t variables, double most) {
        n_ = variables;
        most_ = most;
        planes_.clear();
    }

    /// Adds the plane height + slope . p, and moves `top()`.
    void add(double height, const vector& slope) {
        planes_.push_back({height, slope});
        if (planes_.size() == 1)
            begin();
        else
            pivot_while_better();
    }

    /// Where the lowest plane is highest, and how high: nothing is above that within the bounds.
    const vector& top() const { return p_; }
    double height() const { return height_; }
    /// Calls visit(plane, weight) for the planes that meet there, as many as variables and one at
    /// most; weights sum to 1, and the weighted slope of them is <= 0 where p is below its bound.
    template <class Visit>
    void supporting(Visit visit) const {
        for (std::size_t i = 0; i <= n_; ++i)
            if (basis_[i].what == part::plane) visit(basis_[i].index, value_[i]);
    }

  private:
    struct plane {
        double height;
        vector slope;
    };
    enum class part : unsigned char { plane, zero, bound };
    /// A column of the dual: the weight of a plane, or how far a constraint of p >= 0, p <= most
    /// pulls.
    struct column {
        part what = part::plane;
        std::size_t index = 0;
    };
    static constexpr double epsilon = 1e-11;

    void begin() {
        const plane& first = planes_.front();
        basis_[0] = {part::plane, 0};
        for (std::size_t i = 0; i <= n_; ++i) inverse_[i].fill(0.0);
        inverse_[0][0] = value_[0] = 1.0;
        for (std::size_t k = 0; k < n_; ++k) {
            const bool rises = first.slope[k] > 0.0;
            basis_[k + 1] = {rises ? part::bound : part::zero, k};
            inverse_[k + 1][k + 1] = rises ? -1.0 : 1.0;
            inverse_[k + 1][0] = value_[k + 1] = rises ? first.slope[k] : -first.slope[k];
        }
        price();
    }

    double cost(const column& c) const {
        if (c.what == part::plane) return planes_[c.index].height;
        return c.what == part::bound ? most_ : 0.0;
    }

    /// p and t from the basis.
    void price() {
        std::array<double, Most + 1> y{};
        for (std::size_t i = 0; i <= n_; ++i) {
            const double c = cost(basis_[i]);
            if (c == 0.0) continue;
            for (std::size_t k = 0; k <= n_; ++k) y[k] += c * inverse_[i][k];
        }
        height_ = y[0];
        for (std::size_t k = 0; k < n_; ++k) p_[k] = -y[k + 1];
    }

    /// By how much a column would lower t; < 0: it would.
    double gain(const column& c) const {
        if (c.what == part::zero) return p_[c.index];
        if (c.what == part::bound) return most_ - p_[c.index];
        const plane& a = planes_[c.index];
        double v = a.height - height_;
        for (std::size_t k = 0; k < n_; ++k) v += p_[k] * a.slope[k];
        return v;
    }

    void pivot_while_better() {
        constexpr int enough = 40;  // what is left then is a weaker bound, not a wrong one
        for (int turn = 0; turn < enough; ++turn) {
            column in;
            const double scale = 1.0 + (height_ < 0.0 ? -height_ : height_);
            double best = -epsilon * scale;
            const auto look = [&](const column& c) {
                if (const double g = gain(c); g < best) best = g, in = c;
            };
            for (std::size_t k = 0; k < n_; ++k) look({part::zero, k}), look({part::bound, k});
            for (std::size_t j = planes_.size(); j-- > 0;) look({part::plane, j});
            if (best == -epsilon * scale || !pivot(in)) break;
            price();
        }
        for (std::size_t k = 0; k < n_; ++k)
            p_[k] = p_[k] < 0.0 ? 0.0 : p_[k] > most_ ? most_ : p_[k];
    }

    bool pivot(const column& in) {
        std::array<double, Most + 1> along{};
        for (std::size_t i = 0; i <= n_; ++i) {
            const auto& row = inverse_[i];
            if (in.what == part::plane) {
                along[i] = row[0];
                for (std::size_t k = 0; k < n_; ++k)
                    along[i] += row[k + 1] * planes_[in.index].slope[k];
            } else {
                along[i] = in.what == part::zero ? row[in.index + 1] : -row[in.index + 1];
            }
        }
        std::size_t out = n_ + 1;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i <= n_; ++i)
            if (along[i] > epsilon && value_[i] / along[i] < least)
                least = value_[i] / along[i], out = i;
        if (out > n_) return false;
        auto& row = inverse_[out];
        for (std::size_t k = 0; k <= n_; ++k) row[k] /= along[out];
        value_[out] = least;
        for (std::size_t i = 0; i <= n_; ++i) {
            if (i == out || along[i] == 0.0) continue;
            for (std::size_t k = 0; k <= n_; ++k) inverse_[i][k] -= along[i] * row[k];
            value_[i] = value_[i] - along[i] * least;
            if (value_[i] < 0.0) value_[i] = 0.0;
        }
        basis_[out] = in;
        return true;
    }

    std::size_t n_ = 0;
    double most_ = 0.0;
    std::vector<plane> planes_;
    std::array<column, Most + 1> basis_{};
    std::array<std::array<double, Most + 1>, Most + 1> inverse_{};
    std::array<double, Most + 1> value_{};
    vector p_{};
    double height_ = 0.0;
};

}  // namespace hass::detail
