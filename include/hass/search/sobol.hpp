/// \file sobol.hpp
/// Scrambled Sobol points: random search that leaves no holes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/random_stream.hpp>

namespace hass {

/// The Sobol sequence with nested uniform (Owen) scrambling, in any number of dimensions.
///
/// Dimension 0 is van der Corput's sequence, dimension k the k-th primitive polynomial over GF(2)
/// by degree. The initial direction numbers of the first ten dimensions are Joe and Kuo's (2008),
/// those of the others odd numbers of a fixed stream (Jaeckel 2002): every single axis is
/// stratified perfectly, pairs of high dimensions only on average.
class sobol_sequence {
  public:
    /// Of a coordinate.
    static constexpr unsigned bits = 32;

    /// Scrambled by the seed. \param dimensions  1 or more.
    explicit sobol_sequence(std::size_t dimensions, std::uint64_t seed = 0) : seed_(seed) {
        std::uint32_t polynomial = 1;  // the next candidate; bit k is the coefficient of x^k
        random_stream random(0x50b01);
        for (std::size_t d = 0; d < dimensions; ++d) {
            std::array<std::uint32_t, bits> v{};
            if (d == 0) {
                for (unsigned i = 0; i < bits; ++i) v[i] = 1U << (bits - 1 - i);
                directions_.push_back(v);
                continue;
            }
            do polynomial += 2;
            while (!primitive(polynomial));
            const auto degree = static_cast<unsigned>(std::bit_width(polynomial)) - 1;
            for (unsigned i = 0; i < bits; ++i) {
                if (i < degree) {
                    const std::uint32_t m =
                        d < joe_kuo.size() && joe_kuo[d][i] != 0
                            ? joe_kuo[d][i]
                            : static_cast<std::uint32_t>(random.below(1ULL << i)) * 2U + 1U;
                    v[i] = m << (bits - 1 - i);
                    continue;
                }
                v[i] = v[i - degree] ^ (v[i - degree] >> degree);
                for (unsigned k = 1; k < degree; ++k)
                    if ((polynomial >> (degree - k) & 1U) != 0) v[i] ^= v[i - k];
            }
            directions_.push_back(v);
        }
    }

    /// Coordinates of a point.
    std::size_t dimensions() const { return directions_.size(); }

    /// Coordinate of point `index` < 2^32 in one dimension, in [0, 1); random below 2^-32.
    double operator()(std::uint64_t index, std::size_t dimension) const {
        std::uint32_t x = 0;
        for (unsigned i = 0; i < bits; ++i)
            if ((index >> i & 1U) != 0) x ^= directions_[dimension][i];
        // A bit is flipped by a hash of the bits before it: one random swap per subinterval.
        std::uint32_t scrambled = 0;
        for (unsigned i = 0; i < bits; ++i) {
            const unsigned shift = bits - 1 - i;
            const std::uint64_t prefix =
                (std::uint64_t{1} << i) | (std::uint64_t{x} >> (shift + 1));
            scrambled |= ((x >> shift ^ static_cast<std::uint32_t>(hash(dimension, prefix))) & 1U)
                         << shift;
        }
        const double below =
            static_cast<double>(hash(dimension, (index << 32U) ^ 0x5851f42d4c957f2dULL) >> 11U) *
            0x1.0p-53;
        return (static_cast<double>(scrambled) + below) * 0x1.0p-32;
    }

  private:
    /// m_1, m_2, ... of dimensions 1 to 9 (0: chosen here).
    static constexpr std::array<std::array<std::uint32_t, 5>, 10> joe_kuo{{{0, 0, 0, 0, 0},
                                                                           {1, 0, 0, 0, 0},
                                                                           {1, 3, 0, 0, 0},
                                                                           {1, 3, 1, 0, 0},
                                                                           {1, 1, 1, 0, 0},
                                                                           {1, 1, 3, 3, 0},
                                                                           {1, 3, 5, 13, 0},
                                                                           {1, 1, 5, 5, 17},
                                                                           {1, 1, 5, 5, 5},
                                                                           {1, 1, 7, 11, 19}}};

    /// Does x generate every non-zero residue modulo the polynomial?
    static bool primitive(std::uint32_t polynomial) {
        const auto degree = static_cast<unsigned>(std::bit_width(polynomial)) - 1;
        const std::uint32_t period = (1U << degree) - 1;
        std::uint32_t residue = 1;
        for (std::uint32_t k = 1; k <= period; ++k) {
            residue <<= 1U;
            if ((residue >> degree & 1U) != 0) residue ^= polynomial;
            if (residue == 1) return k == period;
        }
        return false;
    }

    std::uint64_t hash(std::uint64_t dimension, std::uint64_t key) const {
        std::uint64_t state = seed_ ^ (dimension * 0x9e6c63d0876a9a47ULL);
        state = split_mix(state) ^ key;
        return split_mix(state);
    }

    std::uint64_t seed_;
    std::vector<std::array<std::uint32_t, bits>> directions_;
};

/// Sobol search: the points of a scrambled Sobol sequence, one after another. Every power of two of
/// trials covers each axis evenly. Never exhausted (it starts over after 2^32); learns nothing.
class sobol_search {
  public:
    explicit sobol_search(space where, std::uint64_t seed = 0)
        : where_(std::move(where)), sequence_(where_.size(), seed) {}

    std::optional<trial> ask() {
        std::vector<double> point(where_.size());
        for (std::size_t i = 0; i < where_.size(); ++i)
            point[i] = where_[i].settled() ? where_[i].settled_value()
                                           : where_[i].at(sequence_(asked_ & 0xffffffffULL, i));
        return trial{asked_++, std::move(point)};
    }
    void tell(const trial&, const outcome&) {}
    const space& where() const { return where_; }

  private:
    space where_;
    sobol_sequence sequence_;
    std::uint64_t asked_ = 0;
};

static_assert(Optimizer<sobol_search>);

}  // namespace hass
