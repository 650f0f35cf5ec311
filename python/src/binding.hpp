// What the units of the module share: how Python's objects are read, and errors that name them.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hass_python {

namespace py = pybind11;

/// Statistics and magnitudes of a network, behind one pointer, so that they cross the border between
/// the languages without a copy.
struct statistics_handle {
    hass::network_statistics held;
};
struct magnitudes_handle {
    hass::network_magnitudes held;
};

/// \throws py::type_error naming the value and what it is
[[noreturn]] inline void refuse(const std::string& what, const char* wanted, py::handle value) {
    throw py::type_error(what + " must be " + wanted + ", not " + Py_TYPE(value.ptr())->tp_name);
}

inline double number(py::handle value, const std::string& what) {
    if (PyFloat_Check(value.ptr())) return PyFloat_AS_DOUBLE(value.ptr());
    if (PyNumber_Check(value.ptr()) == 0 || PyBool_Check(value.ptr()))
        refuse(what, "a number", value);
    const double read = PyFloat_AsDouble(value.ptr());
    if (read == -1.0 && PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        refuse(what, "a number", value);
    }
    return read;
}

/// \throws hass::error also where the number does not fit
inline std::int64_t whole(py::handle value, const std::string& what) {
    if (PyIndex_Check(value.ptr()) == 0 || PyBool_Check(value.ptr()))
        refuse(what, "a whole number", value);
    const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    if (!index) {
        PyErr_Clear();
        refuse(what, "a whole number", value);
    }
    int overflow = 0;
    const long long read = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
    if (overflow != 0) throw hass::error(what + " is out of range");
    return read;
}

inline int small(py::handle value, const std::string& what) {
    const std::int64_t read = whole(value, what);
    if (read < INT32_MIN || read > INT32_MAX) throw hass::error(what + " is out of range");
    return static_cast<int>(read);
}

inline std::string text(py::handle value, const std::string& what) {
    if (PyUnicode_Check(value.ptr()) == 0) refuse(what, "a str", value);
    return py::reinterpret_borrow<py::str>(value);
}

inline bool flag(py::handle value, const std::string& what) {
    if (!PyBool_Check(value.ptr())) refuse(what, "a bool", value);
    return value.ptr() == Py_True;
}

/// The items of a list, a tuple or an array.
inline std::vector<py::object> items(py::handle value, const std::string& what) {
    if (PySequence_Check(value.ptr()) == 0 || PyUnicode_Check(value.ptr()))
        refuse(what, "a sequence", value);
    const auto all = py::reinterpret_steal<py::object>(PySequence_Fast(value.ptr(), ""));
    if (!all) {
        PyErr_Clear();
        refuse(what, "a sequence", value);
    }
    std::vector<py::object> copied;
    const auto n = PySequence_Fast_GET_SIZE(all.ptr());
    for (Py_ssize_t i = 0; i < n; ++i)
        copied.push_back(
            py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(all.ptr(), i)));
    return copied;
}

inline std::vector<double> numbers(py::handle value, const std::string& what) {
    std::vector<double> read;
    for (const py::object& x : items(value, what))
        read.push_back(number(x, what + "[" + std::to_string(read.size()) + "]"));
    return read;
}

/// An attribute of one of the module's dataclasses.
inline py::object field(py::handle of, const char* name, const std::string& what) {
    PyObject* found = PyObject_GetAttrString(of.ptr(), name);
    if (found == nullptr) {
        PyErr_Clear();
        throw py::type_error(what + " has no '" + name + "': a " + Py_TYPE(of.ptr())->tp_name +
                             " was given");
    }
    return py::reinterpret_steal<py::object>(found);
}

/// The place of a name among the names of an enumeration. \throws hass::error with the nearest one
template <class Enum, class Names>
Enum named(py::handle value, const Names& names, const std::string& what) {
    const std::string given = text(value, what);
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == given) return static_cast<Enum>(i);
    throw hass::unknown_name(what, given, names);
}

/// (DSP, LUT, FF, BRAM18, URAM, Gbit/s), as `hass.Usage` takes it.
inline py::tuple to_python(const hass::usage& u) {
    return py::make_tuple(u.dsp, u.lut, u.ff, u.bram18, u.uram, u.bandwidth);
}

/// One entry a row of the network, each a `hass.Thresholds`.
inline hass::network_thresholds thresholds_of(py::handle value) {
    hass::network_thresholds all;
    for (const py::object& t : items(value, "thresholds")) {
        const std::string what = "thresholds[" + std::to_string(all.size()) + "]";
        all.push_back(
            {number(field(t, "weight", what), what + ".weight"),
             number(field(t, "activation", what), what + ".activation"),
             numbers(field(t, "weight_channels", what), what + ".weight_channels"),
             numbers(field(t, "activation_channels", what), what + ".activation_channels")});
    }
    return all;
}
/// As arguments of `hass.Thresholds`.
inline py::list to_python(const hass::network_thresholds& all) {
    py::list list;
    for (const hass::layer_thresholds& t : all)
        list.append(py::make_tuple(t.weight, t.activation, py::tuple(py::cast(t.weight_channels)),
                                   py::tuple(py::cast(t.activation_channels))));
    return list;
}

/// Runs `f` without the interpreter's lock.
template <class F>
auto unlocked(F&& f) {
    const py::gil_scoped_release released;
    return std::forward<F>(f)();
}

void bind_network(py::module_& m);
void bind_statistics(py::module_& m);
void bind_hardware(py::module_& m);
void bind_study(py::module_& m);
void bind_emulator(py::module_& m);
void bind_foldings(py::module_& m);

}  // namespace hass_python
