/// \file reflect.hpp
/// One declaration of a struct of knobs gives the axes of a search (Boost.Hana).
///
///     struct knobs {
///         hass::real_knob threshold{.low = 0.0, .high = 1.0};
///         hass::integer_knob macs{.low = 1, .high = 16};
///         hass::choice_knob engine{.choices = {"spe", "dense"}};
///     };
///     BOOST_HANA_ADAPT_STRUCT(knobs, threshold, macs, engine);
///
///     hass::space where = hass::space_of(knobs{});
///     knobs at = hass::with_point(knobs{}, trial.point);       // at.macs.value, ...
#pragma once

#include <boost/hana/accessors.hpp>
#include <boost/hana/adapt_struct.hpp>
#include <boost/hana/core/to.hpp>
#include <boost/hana/define_struct.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/space.hpp>

namespace hass {

/// A real number to choose; stepped when step > 0.
struct real_knob {
    double low = 0.0;    ///< least value
    double high = 1.0;   ///< largest value
    double step = 0.0;   ///< 0: continuous
    bool log = false;    ///< searched in the logarithm
    double value = low;  ///< as it is now

    axis as_axis(std::string name) const {
        axis made = step > 0.0 ? stepped_axis(std::move(name), low, high, step)
                               : real_axis(std::move(name), low, high);
        made.log = log;
        return made;
    }
    void set(double coordinate) { value = coordinate; }
    double get() const { return value; }
};

/// An integer to choose.
struct integer_knob {
    std::int64_t low = 0;      ///< least value
    std::int64_t high = 1;     ///< largest value
    std::int64_t step = 1;     ///< between values
    bool log = false;          ///< searched in the logarithm
    std::int64_t value = low;  ///< as it is now

    axis as_axis(std::string name) const {
        return integer_axis(std::move(name), low, high, step, log);
    }
    void set(double coordinate) { value = static_cast<std::int64_t>(coordinate); }
    double get() const { return static_cast<double>(value); }
};

/// A name to choose; `value` is its index.
struct choice_knob {
    std::vector<std::string> choices;  ///< names
    std::size_t value = 0;             ///< index of the one taken

    axis as_axis(std::string name) const { return categorical_axis(std::move(name), choices); }
    void set(double coordinate) { value = static_cast<std::size_t>(coordinate); }
    double get() const { return static_cast<double>(value); }
};

/// Off or on.
struct switch_knob {
    bool value = false;  ///< as it is now

    axis as_axis(std::string name) const {
        return categorical_axis(std::move(name), {"off", "on"});
    }
    void set(double coordinate) { value = coordinate != 0.0; }
    double get() const { return value ? 1.0 : 0.0; }
};

/// The axes of an adapted struct whose members are knobs, in their order, named after them.
/// \throws hass::error as the constructor of space
template <class Knobs>
space space_of(const Knobs& knobs) {
    std::vector<axis> axes;
    boost::hana::for_each(boost::hana::accessors<Knobs>(), [&](auto member) {
        axes.push_back(boost::hana::second(member)(knobs).as_axis(
            boost::hana::to<char const*>(boost::hana::first(member))));
    });
    return space(std::move(axes));
}

/// The struct with its knobs set to a point of space_of(knobs).
/// \throws hass::error when the point is not one of that space
template <class Knobs>
Knobs with_point(Knobs knobs, std::span<const double> point) {
    space_of(knobs).check(point);
    std::size_t i = 0;
    boost::hana::for_each(boost::hana::accessors<Knobs>(),
                          [&](auto member) { boost::hana::second(member)(knobs).set(point[i++]); });
    return knobs;
}

/// The point that the knobs' present values make.
template <class Knobs>
std::vector<double> point_of(const Knobs& knobs) {
    std::vector<double> point;
    boost::hana::for_each(boost::hana::accessors<Knobs>(), [&](auto member) {
        point.push_back(boost::hana::second(member)(knobs).get());
    });
    return point;
}

}  // namespace hass
