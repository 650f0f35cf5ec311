/// \file gemm.hpp
/// Matrix product of the emulator, on Eigen's SIMD packets: weights packed once a run, windows
/// packed on the fly from planes, bias and activation in the same pass.
///
/// Every element of the result is one chain of multiply-adds in the order of k, wherever it lies in
/// the matrix; an image therefore gives the same bits at any place of any batch.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace hass::detail {

/// The register tile that fits this machine: `rows` filters x `vectors` packets of columns.
struct gemm_tile {
    using packet = Eigen::internal::packet_traits<float>::type;
    static constexpr std::size_t lanes =
        static_cast<std::size_t>(Eigen::internal::packet_traits<float>::size);
    static constexpr std::size_t rows = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 4;
    static constexpr std::size_t vectors = 3;
    static constexpr std::size_t columns = vectors * lanes;
};

/// Floats that any buffer read by packets must have behind its end.
inline constexpr std::size_t packet_slack = 64;

/// A matrix of filters (rows) by window values (k), cut into panels of gemm_tile::rows filters,
/// each panel k by k; rows beyond the last one are 0.
class packed_filters {
  public:
    packed_filters() = default;
    /// \param weights filters x depth
    packed_filters(std::span<const float> weights, std::size_t filters)
        : filters_(filters), depth_(weights.size() / filters) {
        values_.assign(panels() * gemm_tile::rows * depth_, 0.0F);
        for (std::size_t f = 0; f < filters_; ++f) {
            float* to = values_.data() + f / gemm_tile::rows * gemm_tile::rows * depth_ +
                        f % gemm_tile::rows;
            for (std::size_t k = 0; k < depth_; ++k)
                to[k * gemm_tile::rows] = weights[f * depth_ + k];
        }
    }

    std::size_t filters() const { return filters_; }
    std::size_t depth() const { return depth_; }
    std::size_t panels() const { return (filters_ + gemm_tile::rows - 1) / gemm_tile::rows; }
    const float* panel(std::size_t p) const {
        return values_.data() + p * gemm_tile::rows * depth_;
    }

  private:
    std::size_t filters_ = 0;
    std::size_t depth_ = 0;
    std::vector<float> values_;
};

/// Bounds applied to a layer's result: an activation folded into it.
struct clamp {
    float lower = -std::numeric_limits<float>::infinity();
    float upper = std::numeric_limits<float>::infinity();
};

/// c[rows x columns] += a[depth x rows] b[depth x columns], tile by tile; `bias` (null after the
/// first block of k) starts the chains, `last` bounds the result.
template <std::size_t Vectors>
void multiply_tile(std::size_t depth, const float* a, const float* b, const float* bias, float* c,
                   std::size_t c_row, const clamp* last) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    constexpr std::size_t rows = gemm_tile::rows;
    constexpr std::size_t lanes = gemm_tile::lanes;
    // Fold expressions instead of loops: the tile must stay in registers at any level of
    // optimisation.
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        packet sum[rows * Vectors];  // std::array would drop the packet's attributes
        if (bias != nullptr)
            ((sum[I] = pset1<packet>(bias[I / Vectors])), ...);
        else
            ((sum[I] = ploadu<packet>(c + I / Vectors * c_row + I % Vectors * lanes)), ...);
        for (std::size_t k = 0; k < depth; ++k, a += rows, b += gemm_tile::columns) {
            packet column[Vectors];
            [&]<std::size_t... V>(std::index_sequence<V...>) {
                ((column[V] = ploadu<packet>(b + V * lanes)), ...);
            }
            (std::make_index_sequence<Vectors>{});
            ((sum[I] = pmadd(pset1<packet>(a[I / Vectors]), column[I % Vectors], sum[I])), ...);
        }
        if (last != nullptr) {
            const packet lower = pset1<packet>(last->lower);
            const packet upper = pset1<packet>(last->upper);
            ((sum[I] = pmin(pmax(sum[I], lower), upper)), ...);
        }
        (pstoreu(c + I / Vectors * c_row + I % Vectors * lanes, sum[I]), ...);
    }
    (std::make_index_sequence<rows * Vectors>{});
}

/// Where the columns of a product come from: runs of adjacent floats in the planes.
struct column_run {
    std::size_t to = 0;    ///< first column of the block that the run fills
    std::size_t from = 0;  ///< offset in a channel's planes, before the tap's own offset
    std::size_t length = 0;
};

/// Scratch of one thread.
struct gemm_scratch {
    std::vector<float> packed;
    std::vector<column_run> runs;
    std::vector<float> bias;
};

/// out[f][j] = clamp(bias[f] + sum_k filters[f][k] column_j[k]) where column j's k-th value stands
/// at tap(k) + its run's place, and counts as 0 when its magnitude is below `keep`.
/// \param runs_of  runs_of(first, last, runs) lists the runs of columns [first, last), `to` counted
///                 from first
/// \param tap      tap(k) -> const float*: row k of the matrix of columns
template <class RunsOf, class Tap>
void multiply(const packed_filters& filters, const float* bias, std::size_t columns, float keep,
              float* out, const clamp& bounds, gemm_scratch& scratch, RunsOf runs_of, Tap tap) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    constexpr std::size_t width = gemm_tile::columns;
    constexpr std::size_t block_columns = 384 / width * width;
    constexpr std::size_t most_depth = 256;
    constexpr std::size_t panel_size = most_depth * width + packet_slack;
    const std::size_t depth_blocks = (filters.depth() + most_depth - 1) / most_depth;
    const std::size_t block_depth = (filters.depth() + depth_blocks - 1) / depth_blocks;
    scratch.packed.resize(block_columns / width * panel_size);
    scratch.bias.assign(filters.panels() * gemm_tile::rows, 0.0F);
    if (bias != nullptr) std::copy_n(bias, filters.filters(), scratch.bias.begin());
    std::array<float, gemm_tile::rows * width> edge;
    const packet least = pset1<packet>(keep);
    const packet zero = pset1<packet>(0.0F);

    for (std::size_t first = 0; first < columns; first += block_columns) {
        const std::size_t count = std::min(block_columns, columns - first);
        scratch.runs.clear();
        runs_of(first, first + count, scratch.runs);
        for (std::size_t k0 = 0; k0 < filters.depth(); k0 += block_depth) {
            const std::size_t depth = std::min(block_depth, filters.depth() - k0);
            for (std::size_t k = 0; k < depth; ++k) {
                const float* source = tap(k0 + k);
                // A packet may write beyond its run: into columns that follow and are written
                // later, or into the slack of the panel.
                for (const column_run& run : scratch.runs) {
                    float* to = scratch.packed.data() + run.to / width * panel_size + k * width +
                                run.to % width;
                    const float* from = source + run.from;
                    for (std::size_t i = 0; i < run.length; i += gemm_tile::lanes) {
                        const packet x = ploadu<packet>(from + i);
                        pstoreu(to + i, pselect(pcmp_lt(pabs(x), least), zero, x));
                    }
                }
            }
            const bool is_first = k0 == 0;
            const bool is_last = k0 + depth == filters.depth();
            for (std::size_t j = 0; j < count; j += width) {
                const float* b = scratch.packed.data() + j / width * panel_size;
                const std::size_t here = std::min(width, count - j);
                const std::size_t vectors = (here + gemm_tile::lanes - 1) / gemm_tile::lanes;
                for (std::size_t p = 0; p < filters.panels(); ++p) {
                    const std::size_t f = p * gemm_tile::rows;
                    const std::size_t rows = std::min(gemm_tile::rows, filters.filters() - f);
                    const bool whole =
                        rows == gemm_tile::rows && here == vectors * gemm_tile::lanes;
                    float* to = out + f * columns + first + j;
                    float* c = whole ? to : edge.data();
                    const std::size_t c_row = whole ? columns : width;
                    if (!whole && !is_first)
                        for (std::size_t r = 0; r < rows; ++r)
                            std::copy_n(to + r * columns, here, c + r * c_row);
                    const float* a = filters.panel(p) + k0 * gemm_tile::rows;
                    const float* start = is_first ? scratch.bias.data() + f : nullptr;
                    const clamp* end = is_last ? &bounds : nullptr;
                    if (vectors == 1)
                        multiply_tile<1>(depth, a, b, start, c, c_row, end);
                    else if (vectors == 2)
                        multiply_tile<2>(depth, a, b, start, c, c_row, end);
                    else
                        multiply_tile<3>(depth, a, b, start, c, c_row, end);
                    if (!whole)
                        for (std::size_t r = 0; r < rows; ++r)
                            std::copy_n(c + r * c_row, here, to + r * columns);
                }
            }
        }
    }
}

}  // namespace hass::detail
