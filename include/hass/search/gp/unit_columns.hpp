/// \file unit_columns.hpp
/// Points of a space as columns of numbers in [0, 1]: one per numeric axis, one per choice of a
/// categorical axis.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/search/space.hpp>

namespace hass {

/// A box of columns: the whole space, unless its ends are moved.
struct unit_box {
    /// From 0 to 1 in every column.
    explicit unit_box(std::size_t columns) : low(columns, 0.0), high(columns, 1.0) {}

    std::vector<double> low;   ///< one a column
    std::vector<double> high;  ///< one a column
};

/// The searched axes of a space as columns. A numeric axis is one column, linear in its model
/// coordinate (the logarithm on log axes); a categorical one has a column a choice, sqrt(1/2) for
/// the one that is chosen and 0 for the others, so that two choices are 1 apart.
class unit_columns {
  public:
    /// One axis.
    struct searched {
        std::size_t axis;     ///< its place in the space
        std::size_t column;   ///< the first
        std::size_t choices;  ///< 0: numeric
        bool continuous;      ///< numeric and without steps
    };

    /// Of all axes with a choice left.
    explicit unit_columns(const space& where) {
        for (std::size_t i = 0; i < where.size(); ++i) {
            const axis& a = where[i];
            if (a.settled()) continue;
            const std::size_t choices = a.kind == axis_kind::categorical ? a.choices.size() : 0;
            axes_.push_back({i, columns_, choices, choices == 0 && !(a.step > 0.0)});
            columns_ += choices == 0 ? 1 : choices;
        }
    }

    std::size_t size() const { return columns_; }
    /// Those with a choice left.
    const std::vector<searched>& axes() const { return axes_; }

    /// Writes the columns of one axis at a legal value of it.
    void write(const space& where, const searched& s, double value, double* columns) const {
        const axis& a = where[s.axis];
        if (s.choices > 0) {
            for (std::size_t c = 0; c < s.choices; ++c)
                columns[s.column + c] = static_cast<std::size_t>(value) == c ? std::sqrt(0.5) : 0.0;
            return;
        }
        const auto [low, high] = a.model_range();
        columns[s.column] = (a.to_model(value) - low) / (high - low);
    }

    /// The columns of a point.
    std::vector<double> of(const space& where, std::span<const double> point) const {
        std::vector<double> columns(columns_);
        for (const searched& s : axes_) write(where, s, point[s.axis], columns.data());
        return columns;
    }

    /// The legal value of a numeric axis nearest to its column.
    static double value(const space& where, const searched& s, const double* columns) {
        const axis& a = where[s.axis];
        const auto [low, high] = a.model_range();
        return a.from_model(low + (high - low) * columns[s.column]);
    }

  private:
    std::vector<searched> axes_;
    std::size_t columns_ = 0;
};

}  // namespace hass
