/// \file winograd.hpp
/// Winograd's minimal filtering F(m x m, 3 x 3) for dense 3x3 convolutions of stride 1 (Lavin and Gray
/// 2015, arXiv 1509.09308, section 4): an output tile of m x m takes (m + 2)^2 products a pair of channels
/// in place of 9 m^2. The products over channels are a matrix product for each of the (m + 2)^2 places of a
/// transformed tile.
///
/// Every step treats a tile alike wherever it lies, on whole packets; an image therefore gives the same
/// bits at any place of any batch. They are not the bits of the direct product.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/emulate/gemm.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// Outputs along a side of a row's tiles: 4 or 2, or 0 where filtering in tiles does not pay or does
/// not exist. Of the row alone, so that no batch changes a bit. Measured with two images, as many channels
/// in as out, AVX-512 and AVX2, the time of the direct product over that in tiles: of 4 on maps of 28, 16
/// channels 1.3 and 32 channels 1.8; on 14, 16 channels 0.9 and 24 channels 1.1; of 2 on 7, 32 channels 0.9
/// to 1.0, 48 channels 1.1 to 1.2; on maps of 10 and less tiles of 4 are slower than those of 2, on 5 and
/// less tiles of 2 no faster than none for up to 48 channels.
/// \param exact_zeros  what sees nothing but zeros has to come out as zero: tiles of 4 leave some 1e-7 of the tile's
///                     largest value there, which would count as a value; those of 2 do not
constexpr std::size_t winograd_tile(const layer_row& row, bool exact_zeros) {
    const bool exists = row.kind == layer_kind::convolution && row.groups == 1 &&
                        row.kernel_h == 3 && row.kernel_w == 3 && row.stride_h == 1 &&
                        row.stride_w == 1 && row.dilation_h == 1 && row.dilation_w == 1;
    if (!exists) return 0;
    const int side = std::min(row.out.height, row.out.width);
    const int channels = std::min(row.in.channels, row.out.channels);
    if (!exact_zeros && side >= 12 && channels >= (side >= 24 ? 16 : 24)) return 4;
    return side >= 7 && channels >= 48 ? 2 : 0;
}

/// The transforms of F(M, 3) along one side: d data, g taps, m products.
template <std::size_t M>
struct winograd_side;

/// Points 0, 1, -1 and infinity.
template <>
struct winograd_side<2> {
    static constexpr std::size_t size = 4;
    using packet = gemm_tile::packet;

    static std::array<double, size> taps(double g0, double g1, double g2) {
        return {g0, (g0 + g1 + g2) / 2.0, (g0 - g1 + g2) / 2.0, g2};
    }
    static void data(const packet* d, packet* to, std::size_t step) {
        using namespace Eigen::internal;
        to[0] = psub(d[0], d[2]);
        to[step] = padd(d[1], d[2]);
        to[2 * step] = psub(d[2], d[1]);
        to[3 * step] = psub(d[1], d[3]);
    }
    static void outputs(const packet* m, packet* to, std::size_t step) {
        using namespace Eigen::internal;
        to[0] = padd(padd(m[0], m[1]), m[2]);
        to[step] = psub(psub(m[1], m[2]), m[3]);
    }
};

/// Points 0, 2/3, -2/3, 3/2, -3/2 and infinity: a quarter of the largest error that the usual 1 and 2 in
/// place of 2/3 and 3/2 give, for three multiplications more.
template <>
struct winograd_side<4> {
    static constexpr std::size_t size = 6;
    using packet = gemm_tile::packet;
    static constexpr double p = 2.0 / 3.0, q = 3.0 / 2.0;  // p q = 1

    static std::array<double, size> taps(double g0, double g1, double g2) {
        constexpr double of_p = 1.0 / (2.0 * p * p * (p * p - q * q));
        constexpr double of_q = 1.0 / (2.0 * q * q * (q * q - p * p));
        return {g0,
                (g0 + p * g1 + p * p * g2) * of_p,
                (g0 - p * g1 + p * p * g2) * of_p,
                (g0 + q * g1 + q * q * g2) * of_q,
                (g0 - q * g1 + q * q * g2) * of_q,
                g2};
    }
    static void data(const packet* d, packet* to, std::size_t step) {
        using namespace Eigen::internal;
        const packet less_p2 = all(-p * p), less_q2 = all(-q * q), less_both = all(-p * p - q * q);
        const packet even_p = pmadd(less_q2, d[2], d[4]), odd_p = pmadd(less_q2, d[1], d[3]);
        const packet even_q = pmadd(less_p2, d[2], d[4]), odd_q = pmadd(less_p2, d[1], d[3]);
        to[0] = pmadd(less_both, d[2], padd(d[0], d[4]));
        to[step] = pmadd(all(p), odd_p, even_p);
        to[2 * step] = pmadd(all(-p), odd_p, even_p);
        to[3 * step] = pmadd(all(q), odd_q, even_q);
        to[4 * step] = pmadd(all(-q), odd_q, even_q);
        to[5 * step] = pmadd(less_both, d[3], padd(d[1], d[5]));
    }
    static void outputs(const packet* m, packet* to, std::size_t step) {
        using namespace Eigen::internal;
        const packet sum_p = padd(m[1], m[2]), sum_q = padd(m[3], m[4]);
        const packet odd_p = psub(m[1], m[2]), odd_q = psub(m[3], m[4]);
        to[0] = padd(m[0], padd(sum_p, sum_q));
        to[step] = pmadd(all(p), odd_p, pmul(all(q), odd_q));
        to[2 * step] = pmadd(all(p * p), sum_p, pmul(all(q * q), sum_q));
        to[3 * step] = pmadd(all(p * p * p), odd_p, pmadd(all(q * q * q), odd_q, m[5]));
    }

  private:
    static packet all(double x) { return Eigen::internal::pset1<packet>(static_cast<float>(x)); }
};

/// The filters of each place of a transformed tile, row by row of the tile.
/// \param weights filters x channels x 3 x 3
template <std::size_t M>
std::vector<packed_filters> winograd_filters(std::span<const float> weights, std::size_t filters) {
    using side = winograd_side<M>;
    constexpr std::size_t n = side::size;
    constexpr std::size_t together = 64;  // places of one pair lie far apart: written in runs
    const std::size_t pairs = weights.size() / 9;
    std::vector<float> places(n * n * pairs);
    std::array<float, n * n * together> run;
    for (std::size_t first = 0; first < pairs; first += together) {
        const std::size_t count = std::min(together, pairs - first);
        for (std::size_t k = 0; k < count; ++k) {
            const float* const tap = weights.data() + 9 * (first + k);
            std::array<std::array<double, n>, 3> columns;
            for (std::size_t x = 0; x < 3; ++x)
                columns[x] =
                    side::taps(static_cast<double>(tap[x]), static_cast<double>(tap[3 + x]),
                               static_cast<double>(tap[6 + x]));
            for (std::size_t y = 0; y < n; ++y) {
                const auto line = side::taps(columns[0][y], columns[1][y], columns[2][y]);
                for (std::size_t x = 0; x < n; ++x)
                    run[(n * y + x) * together + k] = static_cast<float>(line[x]);
            }
        }
        for (std::size_t p = 0; p < n * n; ++p)
            std::copy_n(run.data() + p * together, count, places.data() + p * pairs + first);
    }
    std::vector<packed_filters> packed;
    for (std::size_t p = 0; p < n * n; ++p)
        packed.emplace_back(std::span<const float>(places).subspan(p * pairs, pairs), filters);
    return packed;
}

/// Scratch of one thread.
struct winograd_scratch {
    using floats = std::vector<float, Eigen::aligned_allocator<float>>;
    floats lines;     ///< padded lines of one channel, then those of one filter's tiles
    floats phases;    ///< the same, each column and line of tiles by itself
    floats values;    ///< channels x places x tiles: transformed inputs
    floats products;  ///< places x filters x tiles
};

/// One row on a batch of images.
template <std::size_t M>
class winograd {
    using side = winograd_side<M>;
    using packet = gemm_tile::packet;
    using floats = winograd_scratch::floats;
    static constexpr std::size_t n = side::size;
    static constexpr std::size_t lanes = gemm_tile::lanes;

  public:
    winograd(const layer_row& row, std::size_t images) : row_(row), images_(images) {
        across_ = (size(row.out.width) + M - 1) / M;
        down_ = (size(row.out.height) + M - 1) / M;
    }

    /// out = clamp(bias + row(in)), where inputs below keep_of(channel) count as 0.
    template <class KeepOf>
    void run(std::span<const packed_filters> filters, const float* in, KeepOf keep_of,
             const std::vector<float>& bias, const clamp& bounds, float* out, winograd_scratch& s,
             gemm_scratch& gemm) const {
        const std::size_t lines = images_ * down_;
        const std::size_t step = lines_together();
        for (std::size_t first = 0; first < lines; first += step) {
            const block b = make_block(first, std::min(step, lines - first));
            transform_inputs(b, in, keep_of, s);
            multiply_channels(b, filters, s, gemm);
            transform_outputs(b, bias, bounds, out, s);
        }
    }

  private:
    /// Lines of tiles, [first, first + count) of all images. Inputs have one more line of tiles at the
    /// end of each image, and one more tile at the end of each line, for what reaches beyond a tile.
    struct block {
        std::size_t first, count;
        std::size_t inputs;   ///< lines of input tiles
        std::size_t pitch;    ///< floats a channel and place of the transformed tile
        std::size_t columns;  ///< of the products: tiles in whole packets
    };

    static constexpr std::size_t size(int x) { return static_cast<std::size_t>(x); }
    static constexpr std::size_t whole_packets(std::size_t x) {
        return (x + lanes - 1) / lanes * lanes;
    }
    std::size_t input_line(std::size_t line) const { return line + line / down_; }

    block make_block(std::size_t first, std::size_t count) const {
        const std::size_t inputs = input_line(first + count - 1) - input_line(first) + 2;
        return {first, count, inputs, whole_packets((inputs - 1) * (across_ + 1)),
                whole_packets(count * across_)};
    }

    /// Lines of tiles that stay in the second cache between transforms and products, but enough to use
    /// filters more than once; of that many to twice as many those that fill packets best.
    std::size_t lines_together() const {
        constexpr std::size_t cached_floats = std::size_t{192} << 10, least_tiles = 48;
        const std::size_t tile = n * n * size(row_.in.channels + row_.out.channels);
        const std::size_t tiles = std::max(least_tiles, cached_floats / tile);
        const std::size_t least = (tiles + across_ - 1) / across_;
        std::size_t best = least;
        for (std::size_t lines = least; lines <= 2 * least; ++lines)
            if (whole_packets(lines * across_) * best < whole_packets(best * across_) * lines)
                best = lines;
        return best;
    }

    static void enlarge(floats& to, std::size_t count) {
        if (to.size() < count + packet_slack) to.resize(count + packet_slack);
    }

    template <class KeepOf>
    void transform_inputs(const block& b, const float* in, KeepOf keep_of,
                          winograd_scratch& s) const {
        const std::size_t columns = across_ + 1;
        const std::size_t line = columns * M;  // floats
        const std::size_t phase = whole_packets(b.inputs * columns) + 2 * lanes;
        enlarge(s.lines, M * phase * M);
        enlarge(s.phases, M * M * phase);
        const std::size_t channels = size(row_.in.channels);
        enlarge(s.values, channels * n * n * b.pitch);
        for (std::size_t c = 0; c < channels; ++c) {
            const std::uint32_t keep = magnitude_bits(keep_of(c));
            for (std::size_t k = 0; k < b.inputs; ++k)
                for (std::size_t y = 0; y < M; ++y)
                    input_line_of(b, c, k, y, in, keep, s.lines.data() + y * phase * M + k * line);
            for (std::size_t y = 0; y < M; ++y)
                for (std::size_t at = 0; at < b.inputs * columns; at += lanes) {
                    const float* from = s.lines.data() + (y * phase + at) * M;
                    float* to = s.phases.data() + y * M * phase + at;
                    for (std::size_t x = 0; x < M; ++x)
                        for (std::size_t i = 0; i < lanes; ++i) to[x * phase + i] = from[i * M + x];
                }
            float* to = s.values.data() + c * n * n * b.pitch;
            for (std::size_t at = 0; at < b.pitch; at += lanes)
                transform_tiles(s.phases.data() + at, phase, columns, to + at, b.pitch);
        }
    }

    /// Line y of line k of input tiles, with zeros outside of the map.
    void input_line_of(const block& b, std::size_t c, std::size_t k, std::size_t y, const float* in,
                       std::uint32_t keep, float* to) const {
        const std::size_t begin = input_line(b.first) + k;
        const std::size_t image = begin / (down_ + 1);
        const std::size_t padded = begin % (down_ + 1) * M + y;
        const std::size_t top = size(row_.pad_top), left = size(row_.pad_left);
        const std::size_t width = size(row_.in.width), line = (across_ + 1) * M;
        if (image >= images_ || padded < top || padded >= top + size(row_.in.height) ||
            left >= line) {
            std::fill_n(to, line, 0.0F);
            return;
        }
        const float* from =
            in + ((c * images_ + image) * size(row_.in.height) + padded - top) * width;
        const std::size_t count = std::min(width, line - left);
        for (std::size_t x = 0; x < left; ++x) to[x] = 0.0F;
        for (std::size_t x = 0; x < count; ++x) to[left + x] = clip(from[x], keep);
        for (std::size_t x = left + count; x < line; ++x) to[x] = 0.0F;
    }

    /// A packet of tiles: n x n places from M x M phases.
    static void transform_tiles(const float* phases, std::size_t phase, std::size_t columns,
                                float* to, std::size_t pitch) {
        using namespace Eigen::internal;
        packet half[n * n];  // [y][x], transformed along y
        for (std::size_t x = 0; x < n; ++x) {
            packet d[n];
            for (std::size_t y = 0; y < n; ++y)
                d[y] =
                    ploadu<packet>(phases + (y % M * M + x % M) * phase + y / M * columns + x / M);
            side::data(d, half + x, n);
        }
        for (std::size_t y = 0; y < n; ++y) {
            packet v[n];
            side::data(half + y * n, v, 1);
            for (std::size_t x = 0; x < n; ++x) pstoreu(to + (y * n + x) * pitch, v[x]);
        }
    }

    void multiply_channels(const block& b, std::span<const packed_filters> filters,
                           winograd_scratch& s, gemm_scratch& gemm) const {
        enlarge(s.products, n * n * product_pitch(b));
        gemm.offsets.clear();
        for (std::size_t c = 0; c < size(row_.in.channels); ++c)
            gemm.offsets.push_back(c * n * n * b.pitch);
        const std::size_t begin = input_line(b.first);
        const auto run_of = [&](std::size_t tile) -> column_run {
            const std::size_t line = tile / across_;
            if (line >= b.count) return {0, lanes};  // fills the last packet
            const std::size_t x = tile - line * across_;
            return {(input_line(b.first + line) - begin) * (across_ + 1) + x, across_ - x};
        };
        for (std::size_t p = 0; p < n * n; ++p)
            multiply(filters[p], nullptr, b.columns, s.values.data() + p * b.pitch, gemm.offsets,
                     0.0F, {}, s.products.data() + p * product_pitch(b), gemm, run_of);
    }

    /// Floats a place. The slack keeps the places of one tile apart in the first cache.
    std::size_t product_pitch(const block& b) const {
        return size(row_.out.channels) * b.columns + packet_slack;
    }

    void transform_outputs(const block& b, const std::vector<float>& bias, const clamp& bounds,
                           float* out, winograd_scratch& s) const {
        const std::size_t width = size(row_.out.width), height = size(row_.out.height);
        enlarge(s.lines, M * M * b.columns);
        for (std::size_t f = 0; f < size(row_.out.channels); ++f) {
            const float* from = s.products.data() + f * b.columns;
            for (std::size_t at = 0; at < b.columns; at += lanes)
                outputs_of_tiles(from + at, product_pitch(b), bias.empty() ? 0.0F : bias[f], bounds,
                                 s.lines.data() + at * M, b.columns * M);
            for (std::size_t k = 0; k < b.count; ++k) {
                const std::size_t image = (b.first + k) / down_;
                const std::size_t top = (b.first + k) % down_ * M;
                for (std::size_t y = 0; y < std::min(M, height - top); ++y)
                    std::copy_n(s.lines.data() + (y * b.columns + k * across_) * M, width,
                                out + ((f * images_ + image) * height + top + y) * width);
            }
        }
    }

    /// A packet of tiles: M lines of its outputs.
    static void outputs_of_tiles(const float* products, std::size_t pitch, float bias,
                                 const clamp& bounds, float* to, std::size_t line) {
        using namespace Eigen::internal;
        const packet start = pset1<packet>(bias);
        const packet lower = pset1<packet>(bounds.lower), upper = pset1<packet>(bounds.upper);
        packet half[M * n];  // [y][x], transformed along y
        for (std::size_t x = 0; x < n; ++x) {
            packet m[n];
            for (std::size_t y = 0; y < n; ++y)
                m[y] = ploadu<packet>(products + (y * n + x) * pitch);
            side::outputs(m, half + x, n);
        }
        for (std::size_t y = 0; y < M; ++y) {
            packet v[M];
            side::outputs(half + y * n, v, 1);
            alignas(64) std::array<float, M * lanes> phases;
            for (std::size_t x = 0; x < M; ++x)
                pstoreu(phases.data() + x * lanes, pmin(pmax(padd(v[x], start), lower), upper));
            for (std::size_t i = 0; i < lanes; ++i)
                for (std::size_t x = 0; x < M; ++x)
                    to[y * line + i * M + x] = phases[x * lanes + i];
        }
    }

    layer_row row_;
    std::size_t images_;
    std::size_t across_;  ///< tiles a line
    std::size_t down_;    ///< lines of tiles an image
};

}  // namespace hass::detail
