/// \file space.hpp
/// What can be chosen: named axes, each a range of reals or integers or a list of names.
///
/// A point is one double per axis, in the order of the axes: the value itself for real and integer
/// axes, the index of the choice for categorical ones. Optimizers, journals and objectives all
/// speak points; only people speak names.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/stable_math.hpp>
#include <hass/text.hpp>

namespace hass {

/// What values an axis has.
enum class axis_kind { real, integer, categorical };

namespace detail {

/// A double for people: six significant digits, "nan", "inf", "-inf".
inline std::string number_text(double value) {
    if (value != value) return "nan";
    if (value - value != 0.0) return value > 0.0 ? "inf" : "-inf";
    if (value == std::floor(value) && std::fabs(value) < 1e15)
        return text_of({static_cast<long long>(value)});
    char text[32];
    std::snprintf(text, sizeof(text), "%.6g", value);
    return text;
}

}  // namespace detail

/// One thing to choose. Make axes with real_axis (or as {name, low, high}), log_axis, stepped_axis,
/// integer_axis and categorical_axis; `space` checks them.
struct axis {
    std::string name;                  ///< unique in its space
    axis_kind kind = axis_kind::real;  ///< what values it has
    double low = 0.0;                  ///< smallest value
    double high = 1.0;                 ///< largest value, included
    double step = 0.0;                 ///< distance of neighbouring values; 0: continuous
    bool log = false;                  ///< searched on a logarithmic scale
    std::vector<std::string> choices;  ///< categorical: the names, index = value
    std::optional<double> fixed;       ///< set: not searched, always this value

    axis() = default;
    /// Any real in [lowest, highest].
    axis(std::string called, double lowest, double highest)
        : name(std::move(called)), low(lowest), high(highest) {}

    /// True when there is only one value: fixed, or low == high.
    bool settled() const { return fixed.has_value() || !(low < high); }
    /// The one value of a settled axis.
    double settled_value() const { return fixed ? *fixed : low; }

    /// Number of values of a discrete axis, the largest value where it overflows; 0 for a
    /// continuous one.
    std::uint64_t cardinality() const {
        if (settled()) return 1;
        if (kind == axis_kind::categorical) return choices.size();
        if (step <= 0.0) return 0;
        const double steps = std::floor((high - low) / step + 1e-9);
        return steps < 0x1p63 ? static_cast<std::uint64_t>(steps) + 1 : ~std::uint64_t{0};
    }

    /// The nearest value that the axis has. Halves go upwards; the ends win over the step.
    double snap(double value) const {
        if (fixed) return *fixed;
        if (!(value > low)) return low;  // also catches NaN
        if (step > 0.0) {
            const double index = std::floor((value - low) / step + 0.5);
            const double last = std::floor((high - low) / step + 1e-9);
            return low + step * (index < last ? index : last);
        }
        return value < high ? value : high;
    }

    /// Maps u in [0, 1) onto the axis: uniformly, on a log scale for log axes, every step alike.
    double at(double u) const {
        if (settled()) return settled_value();
        if (const std::uint64_t count = cardinality(); count != 0 && !log) {
            const auto index = static_cast<std::uint64_t>(u * static_cast<double>(count));
            return low + step * static_cast<double>(index < count ? index : count - 1);
        }
        const auto [l, h] = model_range();
        return from_model(l + (h - l) * u);
    }

    /// Coordinate in which optimizers work: ln(value) on log axes, the value elsewhere.
    double to_model(double value) const { return log ? stable_log(value) : value; }
    /// Back from to_model, snapped to a legal value.
    double from_model(double coordinate) const {
        return snap(log ? stable_exp(coordinate) : coordinate);
    }
    /// Range of the model coordinate; stepped axes reach half a step beyond both ends, so that the
    /// end values own a cell as wide as the others.
    std::pair<double, double> model_range() const {
        const double half = kind == axis_kind::categorical ? 0.0 : 0.5 * step;
        const double below = low - half;
        const double above = high + half;
        return log ? std::pair{stable_log(below), stable_log(above)} : std::pair{below, above};
    }

    /// Value for people: the choice's name on categorical axes.
    std::string text(double value) const {
        if (kind != axis_kind::categorical) return detail::number_text(value);
        const auto index = static_cast<std::size_t>(value);
        return index < choices.size() ? choices[index] : detail::number_text(value);
    }

    /// The value that a text means: a choice's name, or a number in range.
    /// \throws hass::error with the nearest choice, or the range
    double parse(std::string_view given) const {
        if (kind == axis_kind::categorical) {
            for (std::size_t i = 0; i < choices.size(); ++i)
                if (choices[i] == given) return static_cast<double>(i);
            throw unknown_name("choice of axis '" + name + "'", given, choices);
        }
        const std::string copy(given);
        std::size_t used = 0;
        double value = 0.0;
        try {
            value = std::stod(copy, &used);
        } catch (const std::exception&) {
            used = 0;
        }
        if (used == 0 || used != copy.size())
            throw error("axis '" + name + "': '" + copy + "' is not a number");
        check(value);
        return value;
    }

    /// \throws hass::error unless `value` is one the axis has (fixed axes accept their range)
    void check(double value) const {
        if (!(value >= low && value <= high))
            throw error("axis '" + name + "': " + detail::number_text(value) + " is outside [" +
                        detail::number_text(low) + ", " + detail::number_text(high) + "]");
        if (step > 0.0) {
            const double index = (value - low) / step;
            if (std::fabs(index - std::floor(index + 0.5)) > 1e-6)
                throw error("axis '" + name + "': " + detail::number_text(value) +
                            " is not a multiple of the step " + detail::number_text(step) +
                            " above " + detail::number_text(low));
        }
    }
};

/// Any real in [low, high].
inline axis real_axis(std::string name, double low, double high) {
    return {std::move(name), low, high};
}
/// Any real in [low, high], low > 0, searched on a log scale.
inline axis log_axis(std::string name, double low, double high) {
    axis made(std::move(name), low, high);
    made.log = true;
    return made;
}
/// low, low + step, ... up to high.
inline axis stepped_axis(std::string name, double low, double high, double step) {
    axis made(std::move(name), low, high);
    made.step = step;
    if (step > 0.0 && high > low) made.high = low + step * std::floor((high - low) / step + 1e-9);
    return made;
}
/// Integers low, low + step, ... up to high; on a log scale when `log` (low >= 1, step 1).
inline axis integer_axis(std::string name, std::int64_t low, std::int64_t high,
                         std::int64_t step = 1, bool log = false) {
    axis made = stepped_axis(std::move(name), static_cast<double>(low), static_cast<double>(high),
                             static_cast<double>(step));
    made.kind = axis_kind::integer;
    made.log = log;
    return made;
}
/// One of the named choices; a point holds the index.
inline axis categorical_axis(std::string name, std::vector<std::string> choices) {
    const double last = choices.empty() ? -1.0 : static_cast<double>(choices.size() - 1);
    axis made(std::move(name), 0.0, last);
    made.kind = axis_kind::categorical;
    made.step = 1.0;
    made.choices = std::move(choices);
    return made;
}

/// The axes of a search, checked once:
///
///     hass::space where{{"weight", 0, 1}, hass::integer_axis("streams", 1, 8)};
class space {
  public:
    space() = default;

    /// \throws hass::error naming the axis: no or repeated name, empty or unordered range, range
    ///         not finite, integers beyond 2^53, log scale reaching 0, negative step, no or
    ///         repeated choices, a fixed value outside
    explicit space(std::vector<axis> axes) : axes_(std::move(axes)) {
        for (std::size_t i = 0; i < axes_.size(); ++i) {
            const axis& a = axes_[i];
            const auto refuse = [&a](const std::string& why) {
                throw error("axis '" + a.name + "': " + why);
            };
            if (a.name.empty()) throw error(text_of({"axis ", i, " has no name"}));
            for (std::size_t j = 0; j < i; ++j)
                if (axes_[j].name == a.name) refuse("the name is used twice");
            if (a.kind == axis_kind::categorical) {
                if (a.choices.empty()) refuse("no choices");
                for (std::size_t j = 0; j < a.choices.size(); ++j)
                    for (std::size_t k = 0; k < j; ++k)
                        if (a.choices[j] == a.choices[k])
                            refuse("the choice '" + a.choices[j] + "' is given twice");
            }
            if (!(a.high - a.low < 1e308 && a.low - a.low == 0.0 && a.high - a.high == 0.0))
                refuse("the range is not finite");
            if (a.low > a.high)
                refuse("low " + detail::number_text(a.low) + " is above high " +
                       detail::number_text(a.high));
            if (!(a.step >= 0.0 && a.step - a.step == 0.0)) refuse("the step is negative");
            if (a.kind == axis_kind::integer && a.step < 1.0) refuse("an integer step is below 1");
            if (a.kind == axis_kind::integer && !(a.low >= -0x1p53 && a.high <= 0x1p53))
                refuse("an integer range reaches beyond 2^53");
            if (a.log && !(a.low - 0.5 * a.step > 0.0))
                refuse("a log scale needs low above " + detail::number_text(0.5 * a.step));
            if (a.fixed) a.check(*a.fixed);
        }
    }

    /// The same, from a list. \throws hass::error as above
    space(std::initializer_list<axis> axes) : space(std::vector<axis>(axes)) {}

    std::size_t size() const { return axes_.size(); }
    /// In the order that they were given.
    const axis& operator[](std::size_t i) const { return axes_[i]; }
    /// In order.
    const std::vector<axis>& axes() const { return axes_; }

    /// Position of the axis `name`. \throws hass::error with the nearest valid name
    std::size_t index(std::string_view name) const {
        std::vector<std::string_view> names;
        for (std::size_t i = 0; i < axes_.size(); ++i) {
            if (axes_[i].name == name) return i;
            names.push_back(axes_[i].name);
        }
        throw unknown_name("axis", name, names);
    }

    /// Holds the axis `name` at `value`. \throws hass::error on a wrong name or value
    void fix(std::string_view name, double value) {
        axis& a = axes_[index(name)];
        a.check(value);
        a.fixed = value;
    }
    /// Searches the axis `name` again. \throws hass::error on a wrong name
    void release(std::string_view name) { axes_[index(name)].fixed.reset(); }

    /// \throws hass::error unless `point` has one legal value per axis; fixed axes hold theirs
    void check(std::span<const double> point) const {
        if (point.size() != size())
            throw error(
                text_of({"a point of ", point.size(), " values for a space of ", size(), " axes"}));
        for (std::size_t i = 0; i < size(); ++i) {
            axes_[i].check(point[i]);
            if (axes_[i].fixed && point[i] != *axes_[i].fixed)
                throw error("axis '" + axes_[i].name + "' is fixed at " +
                            axes_[i].text(*axes_[i].fixed) + ", not " + axes_[i].text(point[i]));
        }
    }

    /// The point nearest to `point` that check() accepts. \throws hass::error on a wrong length
    std::vector<double> snap(std::span<const double> point) const {
        if (point.size() != size())
            throw error(
                text_of({"a point of ", point.size(), " values for a space of ", size(), " axes"}));
        std::vector<double> snapped(size());
        for (std::size_t i = 0; i < size(); ++i) snapped[i] = axes_[i].snap(point[i]);
        return snapped;
    }

    /// Number of points; 0 where an axis is continuous, the largest value where it overflows.
    std::uint64_t cardinality() const {
        std::uint64_t product = 1;
        for (const axis& a : axes_) {
            const std::uint64_t count = a.cardinality();
            if (count == 0) return 0;
            if (product > ~std::uint64_t{0} / count) {
                product = ~std::uint64_t{0};
            } else {
                product *= count;
            }
        }
        return product;
    }

  private:
    std::vector<axis> axes_;
};

/// What a pruning threshold on an axis means.
enum class threshold_unit {
    sparsity_quantile,  ///< fraction of the values to clip, in [0, 1]
    magnitude           ///< the threshold itself, in [0, largest useful magnitude]
};

/// One axis per layer and tensor, "NAME.weight" then "NAME.activation", as HASS searches them.
/// \param layers   names of the prunable layers
/// \param limits   upper end per axis, 2 per layer in the order of the axes; for quantiles within
///                 (0, 1], for magnitudes the largest one worth trying
/// \throws hass::error unless there are two limits per layer, or on a quantile above 1
inline space threshold_space(std::span<const std::string> layers, std::span<const double> limits,
                             threshold_unit unit = threshold_unit::sparsity_quantile) {
    if (limits.size() != 2 * layers.size())
        throw error(text_of({"threshold_space: ", layers.size(), " layers need ", 2 * layers.size(),
                             " limits, not ", limits.size()}));
    std::vector<axis> axes;
    for (std::size_t i = 0; i < limits.size(); ++i) {
        if (unit == threshold_unit::sparsity_quantile && limits[i] > 1.0)
            throw error("threshold_space: layer '" + layers[i / 2] + "': quantile limit " +
                        detail::number_text(limits[i]) + " is above 1");
        axes.push_back(
            real_axis(layers[i / 2] + (i % 2 == 0 ? ".weight" : ".activation"), 0.0, limits[i]));
    }
    return space(std::move(axes));
}

}  // namespace hass
