/// \file parzen_blocks.hpp
/// Sums over kernels of a Parzen mixture, which lie in blocks of eight: every compiler vectorises
/// them, and what changes no sum in double precision is skipped block by block.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include <hass/pack_width.hpp>
#include <hass/search/packed_exp.hpp>
#include <hass/search/stable_math.hpp>

namespace hass::detail {
inline namespace HASS_PACKS {

/// Kernels in a block.
inline constexpr std::size_t kernel_lanes = 8;
inline constexpr double negligible = 50.0;   ///< exp(-50): thousands of them change no double
inline constexpr double ruled_out = -1e300;  ///< log weight of an empty slot

/// offset - sum over axes of ((x - mean) * scale)^2 for one block and `Candidates` candidates.
///
/// The lanes are written out as fixed packs: left to themselves compilers vectorise over axes, or
/// keep the sums in memory. Lane by lane the operations are the same whatever the width.
/// Where every term has already fallen below its candidate's `hopeless` the rest is left out.
template <std::size_t Candidates>
inline void block_terms(const double* block, const double* offset, const double* x,
                        std::size_t dimensions, const double* hopeless, double* terms,
                        std::size_t stride) {
    constexpr std::size_t width = sizeof(pack) / sizeof(double);
    constexpr std::size_t packs = kernel_lanes / width;
    constexpr std::size_t stretch = 16;  // axes between two looks
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        pack sum[packs * Candidates] = {};
        const auto to_term = [&](pack& total, std::size_t p) {
            pack first;
            std::memcpy(&first, offset + p * width, sizeof(pack));
            total = first - total;
        };
        for (std::size_t d = 0; d < dimensions;) {
            const std::size_t end = std::min(dimensions, d + stretch);
            for (; d < end; ++d, block += 2 * kernel_lanes) {
                const auto add = [&](pack& total, std::size_t c, std::size_t p) {
                    pack mean;
                    pack scale;
                    std::memcpy(&mean, block + p * width, sizeof(pack));
                    std::memcpy(&scale, block + kernel_lanes + p * width, sizeof(pack));
                    const pack z = (x[c * dimensions + d] - mean) * scale;
                    total += z * z;
                };
                (add(sum[I], I / packs, I % packs), ...);
            }
            const auto alive = [&](const pack& sums, std::size_t c, std::size_t p) {
                pack total = sums;
                to_term(total, p);
                const auto above = total > hopeless[c];
                std::int64_t lane[width] = {};
                std::memcpy(lane, &above, sizeof(above));
                std::int64_t any = 0;
                for (const std::int64_t l : lane) any |= l;
                return any != 0;
            };
            if (!(alive(sum[I], I / packs, I % packs) || ...)) break;
        }
        const auto store = [&](pack& total, std::size_t c, std::size_t p) {
            to_term(total, p);
            std::memcpy(terms + c * stride + p * width, &total, sizeof(pack));
        };
        (store(sum[I], I / packs, I % packs), ...);
    }
    (std::make_index_sequence<packs * Candidates>());
}

/// Adds weight * height * exp(-((x - mean) * scale)^2) of one block to eight sums.
inline void add_heights(const double* means, const double* scales, const double* heights,
                        const double* weights, double x, double* sums) {
    for (std::size_t p = 0; p < kernel_lanes; p += sizeof(pack) / sizeof(double)) {
        pack mean;
        pack scale;
        pack height;
        pack weight;
        pack sum;
        std::memcpy(&mean, means + p, sizeof(pack));
        std::memcpy(&scale, scales + p, sizeof(pack));
        std::memcpy(&height, heights + p, sizeof(pack));
        std::memcpy(&weight, weights + p, sizeof(pack));
        std::memcpy(&sum, sums + p, sizeof(pack));
        const pack z = (x - mean) * scale;
        pack kernel = -(z * z);
        exp_flushed(kernel);
        sum += weight * height * kernel;
        std::memcpy(sums + p, &sum, sizeof(pack));
    }
}

inline double sum_of_lanes(const std::array<double, kernel_lanes>& sum) {
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/// ln of the sum of exp(term), over whole blocks.
inline double log_sum_exp(std::span<const double> terms) {
    std::array<double, kernel_lanes> most;
    most.fill(ruled_out);
    for (std::size_t b = 0; b < terms.size(); b += kernel_lanes)
        for (std::size_t i = 0; i < kernel_lanes; ++i)
            most[i] = terms[b + i] > most[i] ? terms[b + i] : most[i];
    double peak = most[0];
    for (const double m : most) peak = m > peak ? m : peak;
    std::array<double, kernel_lanes> sum{};
    for (std::size_t b = 0; b < terms.size(); b += kernel_lanes) {
        bool counts = false;
        for (std::size_t i = 0; i < kernel_lanes; ++i) counts |= terms[b + i] > peak - negligible;
        if (!counts) continue;
        for (std::size_t i = 0; i < kernel_lanes; i += sizeof(pack) / sizeof(double)) {
            pack term;
            pack part;
            std::memcpy(&term, terms.data() + b + i, sizeof(term));
            std::memcpy(&part, sum.data() + i, sizeof(part));
            term -= peak;
            exp_flushed(term);
            part += term;
            std::memcpy(sum.data() + i, &part, sizeof(part));
        }
    }
    return peak + stable_log(sum_of_lanes(sum));
}

}  // namespace HASS_PACKS
}  // namespace hass::detail
