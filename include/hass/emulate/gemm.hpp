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
    /// Values of k in a panel of columns, at most: 30 KiB that stay in the first cache.
    static constexpr std::size_t depth = 7680 / columns;
    /// Values of k for which filters are fetched ahead.
    static constexpr std::size_t ahead = 48;
};

/// Floats that any buffer read or written by packets must have behind its end.
inline constexpr std::size_t packet_slack = 64;

/// A matrix of filters (rows) by window values (k), for tiles: cut into blocks of k, each block
/// into panels of gemm_tile::rows filters, each panel k by k; rows beyond the last one are 0.
class packed_filters {
  public:
    packed_filters() = default;
    /// \param weights filters x depth
    packed_filters(std::span<const float> weights, std::size_t filters)
        : filters_(filters), depth_(weights.size() / filters) {
        constexpr std::size_t rows = gemm_tile::rows;
        const std::size_t blocks = (depth_ + gemm_tile::depth - 1) / gemm_tile::depth;
        block_ = (depth_ + blocks - 1) / blocks;
        values_.resize(panels() * rows * depth_ + gemm_tile::ahead * rows);
        float* to = values_.data();
        for (std::size_t k0 = 0; k0 < depth_; k0 += block_)
            for (std::size_t f = 0; f < filters_; f += rows)
                for (std::size_t k = k0; k < std::min(k0 + block_, depth_); ++k, to += rows)
                    for (std::size_t r = 0; r < std::min(rows, filters_ - f); ++r)
                        to[r] = weights[(f + r) * depth_ + k];
    }

    std::size_t filters() const { return filters_; }
    std::size_t depth() const { return depth_; }
    /// Values of k in a block; the last one may have fewer.
    std::size_t block() const { return block_; }
    std::size_t panels() const { return (filters_ + gemm_tile::rows - 1) / gemm_tile::rows; }
    /// Panel p of the block that begins at k0. Behind the last one there is room to look ahead.
    const float* panel(std::size_t k0, std::size_t p) const {
        const std::size_t depth = std::min(block_, depth_ - k0);
        return values_.data() + gemm_tile::rows * (panels() * k0 + p * depth);
    }

  private:
    std::size_t filters_ = 0;
    std::size_t depth_ = 0;
    std::size_t block_ = 0;
    std::vector<float> values_;
};

/// Bounds applied to a layer's result: an activation folded into it.
struct clamp {
    float lower = -std::numeric_limits<float>::infinity();
    float upper = std::numeric_limits<float>::infinity();
};

/// c[rows x columns] += a[depth x rows] b[depth x columns], tile by tile; `bias` (null after the
/// first block of k) starts the chains, `last` bounds the result. A function of its own: inlined,
/// the registers would go to addresses.
template <std::size_t Vectors>
EIGEN_DONT_INLINE void multiply_tile(std::size_t depth, const float* a, const float* b,
                                     const float* bias, float* c, std::size_t c_row,
                                     const clamp* last) {
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
            prefetch(a + gemm_tile::ahead * rows);
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

/// Panels of columns against all filters: columns [first, first + count) of `out`, which has
/// `columns` of them, and the block of k that begins at k0.
inline void multiply_panels(const packed_filters& filters, std::size_t k0, const float* panels,
                            const float* bias, const clamp& bounds, std::size_t first,
                            std::size_t count, std::size_t columns, float* out) {
    constexpr std::size_t lanes = gemm_tile::lanes;
    constexpr std::size_t width = gemm_tile::columns;
    const std::size_t depth = std::min(filters.block(), filters.depth() - k0);
    const clamp* last = k0 + depth == filters.depth() ? &bounds : nullptr;
    std::array<float, gemm_tile::rows * width> edge{};
    for (std::size_t f = 0; f < filters.filters(); f += gemm_tile::rows) {
        const std::size_t rows = std::min(gemm_tile::rows, filters.filters() - f);
        const float* a = filters.panel(k0, f / gemm_tile::rows);
        const float* start = k0 == 0 ? bias + f : nullptr;
        for (std::size_t j = 0; j < count; j += width) {
            const float* b = panels + j * depth;
            const std::size_t here = std::min(width, count - j);
            const std::size_t vectors = (here + lanes - 1) / lanes;
            float* to = out + f * columns + first + j;
            const bool whole = rows == gemm_tile::rows && here == vectors * lanes;
            float* c = whole ? to : edge.data();
            const std::size_t c_row = whole ? columns : width;
            if (!whole && start == nullptr)
                for (std::size_t r = 0; r < rows; ++r)
                    std::copy_n(to + r * columns, here, c + r * c_row);
            if (vectors == 1)
                multiply_tile<1>(depth, a, b, start, c, c_row, last);
            else if (vectors == 2)
                multiply_tile<2>(depth, a, b, start, c, c_row, last);
            else
                multiply_tile<3>(depth, a, b, start, c, c_row, last);
            if (!whole)
                for (std::size_t r = 0; r < rows; ++r)
                    std::copy_n(c + r * c_row, here, to + r * columns);
        }
    }
}

/// Adjacent columns whose values are adjacent floats.
struct column_run {
    std::size_t from = 0;    ///< where the first one's values stand, before the offset of their k
    std::size_t length = 0;  ///< columns
};

/// One packet of columns on its way into a panel.
struct packet_copy {
    std::size_t to = 0;    ///< column of the panel
    std::size_t from = 0;  ///< as in column_run
};

/// Scratch of one thread.
struct gemm_scratch {
    std::vector<float, Eigen::aligned_allocator<float>> panels;
    std::vector<packet_copy> copies;
    std::vector<float> bias;
    std::vector<std::size_t> offsets;
};

/// What fills a panel with columns [first, first + count).
template <class RunOf>
void list_copies(std::size_t first, std::size_t count, RunOf run_of,
                 std::vector<packet_copy>& copies) {
    copies.clear();
    for (std::size_t j = 0; j < count;) {
        const column_run run = run_of(first + j);
        const std::size_t end = std::min(j + run.length, count);
        for (std::size_t from = run.from; j < end; j += gemm_tile::lanes, from += gemm_tile::lanes)
            copies.push_back({j, from});
        j = end;
    }
}

/// A panel of columns, offsets.size() x gemm_tile::columns: the values for k stand offsets[k]
/// behind a column's own place; those of a magnitude below `keep` become 0. A packet may write
/// beyond its run: into columns that are written later, or behind the panel's end.
inline void pack_panel(const float* source, std::span<const std::size_t> offsets,
                       std::span<const packet_copy> copies, float keep, float* panel) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    const packet least = pset1<packet>(keep);
    for (const std::size_t offset : offsets) {
        for (const packet_copy& copy : copies) {
            const packet x = ploadu<packet>(source + offset + copy.from);
            pstoreu(panel + copy.to, pandnot(x, pcmp_lt(pabs(x), least)));
        }
        panel += gemm_tile::columns;
    }
}

/// out[f][j] = clamp(bias[f] + sum_k filters[f][k] column_j[k]), where column_j[k] stands at
/// source + offsets[k] + run_of(j).from and counts as 0 when its magnitude is below `keep`.
/// \param run_of  run_of(j) -> column_run that begins with column j
template <class RunOf>
void multiply(const packed_filters& filters, const float* bias, std::size_t columns,
              const float* source, std::span<const std::size_t> offsets, float keep,
              const clamp& bounds, float* out, gemm_scratch& scratch, RunOf run_of) {
    constexpr std::size_t width = gemm_tile::columns;
    // Columns that meet a block of filters while it is in the second cache,
    constexpr std::size_t block_columns = 384 / width * width;
    // and a panel of filters while the first cache holds them: as many panels as fit.
    const std::size_t panel_columns = gemm_tile::depth / filters.block() * width;
    scratch.panels.resize(panel_columns * filters.block() + packet_slack);
    scratch.bias.assign(filters.panels() * gemm_tile::rows, 0.0F);
    if (bias != nullptr) std::copy_n(bias, filters.filters(), scratch.bias.begin());
    for (std::size_t begin = 0; begin < columns; begin += block_columns) {
        const std::size_t end = std::min(columns, begin + block_columns);
        for (std::size_t k0 = 0; k0 < filters.depth(); k0 += filters.block()) {
            const auto block = offsets.subspan(k0, std::min(filters.block(), filters.depth() - k0));
            for (std::size_t first = begin; first < end; first += panel_columns) {
                const std::size_t count = std::min(panel_columns, end - first);
                for (std::size_t j = 0; j < count; j += width) {
                    list_copies(first + j, std::min(width, count - j), run_of, scratch.copies);
                    pack_panel(source, block, scratch.copies, keep,
                               scratch.panels.data() + j * block.size());
                }
                multiply_panels(filters, k0, scratch.panels.data(), scratch.bias.data(), bounds,
                                first, count, columns, out);
            }
        }
    }
}

}  // namespace hass::detail
