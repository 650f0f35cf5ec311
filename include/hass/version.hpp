/// \file version.hpp
/// The one place of the version: CMake reads it from here.
#pragma once

#define HASS_VERSION_MAJOR 0
#define HASS_VERSION_MINOR 1
#define HASS_VERSION_PATCH 0
#define HASS_VERSION "0.1.0"
