// The module `hass._native`: what `python/hass` stands on. Types and defaults are the business of that
// package; here objects are read, calls are made without the interpreter's lock, and answers go back.
#include <hass/version.hpp>

#include "binding.hpp"

PYBIND11_MODULE(_native, m) {
    namespace hp = hass_python;
    m.attr("__version__") = HASS_VERSION;
    pybind11::register_exception<hass::error>(m, "Error", PyExc_ValueError);
    hp::bind_network(m);
    hp::bind_statistics(m);
    hp::bind_hardware(m);
    hp::bind_study(m);
    hp::bind_emulator(m);
    hp::bind_foldings(m);
}
