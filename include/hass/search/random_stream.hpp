/// \file random_stream.hpp
/// The library's own random numbers: the standard's distributions differ between standard
/// libraries, these do not.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <hass/search/truncated_normal.hpp>

namespace hass {

/// SplitMix64 (Steele, Lea, Flood 2014): one step; used to spread seeds and as a keyed hash.
constexpr std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
}

/// A stream of random numbers: xoshiro256++ (Blackman, Vigna 2019).
///
/// Optimizers take a fresh stream for every suggestion, keyed by seed and the suggestion's index.
/// So a study that is resumed needs no saved generator state, and what one suggestion consumes does
/// not shift the next.
class random_stream {
  public:
    /// \param seed   the user's seed
    /// \param index  which of the seed's streams, e.g. the index of a suggestion
    constexpr explicit random_stream(std::uint64_t seed, std::uint64_t index = 0) {
        std::uint64_t key = seed;
        std::uint64_t mixed = split_mix(key) ^ (index * 0xd1342543de82ef95ULL);
        for (auto& word : state_) word = split_mix(mixed);
    }

    /// 64 random bits.
    constexpr std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t t = state_[1] << 17U;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    /// Uniform in [0, 1), 53 bits.
    constexpr double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

    /// Uniform in (0, 1), never an end point.
    constexpr double uniform_open() {
        return (static_cast<double>(next() >> 12U) + 0.5) * 0x1.0p-52;
    }

    /// Uniform in [low, high).
    constexpr double uniform(double low, double high) { return low + (high - low) * uniform(); }

    /// Uniform integer in [0, bound), without bias; 0 for bound 0.
    constexpr std::uint64_t below(std::uint64_t bound) {
        if (bound < 2) return 0;
        const std::uint64_t limit = (0 - bound) % bound;  // 2^64 mod bound
        std::uint64_t draw = next();
        while (draw < limit) draw = next();
        return draw % bound;
    }

    /// Standard normal, by inversion: one uniform a draw.
    double normal() {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return truncated_normal_quantile(-infinity, infinity, uniform_open());
    }

    /// Random order in place (Fisher, Yates).
    template <class T>
    constexpr void shuffle(std::vector<T>& items) {
        for (std::size_t i = items.size(); i > 1; --i)
            std::swap(items[i - 1], items[static_cast<std::size_t>(below(i))]);
    }

  private:
    std::array<std::uint64_t, 4> state_{};
};

/// Standard normals from a stream by Marsaglia's polar method: two at a time, several times faster
/// than inversion. How many numbers of the stream a draw takes varies.
class normal_draws {
  public:
    /// \param random  outlives it.
    explicit normal_draws(random_stream& random) : random_(random) {}

    /// Where draws come from.
    random_stream& stream() { return random_; }

    /// The next draw of a standard normal.
    double operator()() {
        if (have_spare_) {
            have_spare_ = false;
            return spare_;
        }
        double x = 0.0;
        double y = 0.0;
        double square = 0.0;
        do {
            x = 2.0 * random_.uniform() - 1.0;
            y = 2.0 * random_.uniform() - 1.0;
            square = x * x + y * y;
        } while (square >= 1.0 || square == 0.0);
        const double stretch = std::sqrt(-2.0 * stable_log(square) / square);
        spare_ = y * stretch;
        have_spare_ = true;
        return x * stretch;
    }

    /// A normal around `mean` truncated to [low, high], low < high.
    double truncated(double mean, double sigma, double low, double high) {
        // With the mean inside and the range not narrow, at least a third of the draws are kept.
        if (mean >= low && mean <= high && high - low >= sigma) {
            for (int attempt = 0; attempt < 100; ++attempt) {
                const double x = mean + sigma * (*this)();
                if (x >= low && x <= high) return x;
            }
        }
        const double z = truncated_normal_quantile((low - mean) / sigma, (high - mean) / sigma,
                                                   random_.uniform());
        const double x = mean + sigma * z;
        return x < low ? low : x > high ? high : x;
    }

  private:
    random_stream& random_;
    double spare_ = 0.0;
    bool have_spare_ = false;
};

}  // namespace hass
