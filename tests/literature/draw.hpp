// Random numbers of the literature's tests: splitmix64.
#pragma once

#include <cstdint>

namespace test {

inline std::uint64_t draw(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// In [0, 1).
inline double uniform(std::uint64_t& state) {
    return static_cast<double>(draw(state) >> 11) * 0x1p-53;
}

}  // namespace test
