/// \file version.hpp
/// The one place of the version: CMake reads it from here.
#pragma once

/// Changes when interfaces break.
#define HASS_VERSION_MAJOR 0
/// Changes when something is added (before 1.0 also when interfaces break).
#define HASS_VERSION_MINOR 1
/// Changes otherwise.
#define HASS_VERSION_PATCH 0
/// As a text.
#define HASS_VERSION "0.1.0"
