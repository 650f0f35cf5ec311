/// \file pack_width.hpp
/// How much one register of the target holds, for headers that compute on packs of numbers.
#pragma once

#include <cstddef>

/// \def HASS_PACKS
/// The inline namespace of all that has a pack in it, so that units of one program which are
/// compiled for different targets share no function on packs of different widths. Which width it is
/// changes the speed, never a result.
#if defined(__GNUC__) && defined(__AVX512F__)
#define HASS_PACKS packs_of_64_bytes
#elif defined(__GNUC__) && defined(__AVX2__)
#define HASS_PACKS packs_of_32_bytes
#elif defined(__GNUC__)
#define HASS_PACKS packs_of_16_bytes
#else
#define HASS_PACKS packs_of_one
#endif

namespace hass::detail {
inline namespace HASS_PACKS {

/// Of a pack; where the compiler has no vectors a pack is one number.
#if defined(__GNUC__) && defined(__AVX512F__)
inline constexpr std::size_t pack_bytes = 64;
#elif defined(__GNUC__) && defined(__AVX2__)
inline constexpr std::size_t pack_bytes = 32;
#elif defined(__GNUC__)
inline constexpr std::size_t pack_bytes = 16;
#endif

}  // namespace HASS_PACKS
}  // namespace hass::detail
