/// \file integer_kernels.hpp
/// Dot products of integers, on floating-point units: sums below 2^24 are exact in float32, those
/// below 2^53 in float64, whatever the order of their terms. Maps lie pixel by pixel, as the
/// hardware streams them: images x height x width x channels.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/emulate/integer_arithmetic.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// Integers up to this, exclusive, are exact in T, and so is every sum of them that stays below.
template <class T>
inline constexpr std::int64_t exact_below = std::int64_t{1} << (sizeof(T) == 4 ? 24 : 53);

/// y rounded to the nearest integer of the range, halves to even. The range is of int16.
struct rounder {
    double low = 0.0;
    double high = 0.0;

    explicit rounder(const integer_range& r)
        : low(static_cast<double>(r.low)), high(static_cast<double>(r.high)) {}
    std::int16_t operator()(double y) const {
        // Adding 1.5 2^52 leaves no place for a fraction: rounds to even, and vectorises.
        constexpr double no_fraction = 6755399441055744.0;
        const double bounded = std::min(std::max(y, low), high);
        return static_cast<std::int16_t>((bounded + no_fraction) - no_fraction);
    }
};

/// `requantise` for sums of T, channel by channel.
///
/// In float64, where that is exact: products below 2^53 are, and any larger one is, shifted by 37 or
/// less, above 2^16 and saturates, rounded or not.
class requantiser {
  public:
    requantiser() = default;
    /// \param by           one a channel, of one shift; outlives this
    /// \param largest_sum  bound of the magnitude of the sums
    requantiser(std::span<const requantisation> by, const integer_range& to,
                std::int64_t largest_sum)
        : by_(by), to_(to), bias_(by.size() + slack), factor_(by.size() + slack) {
        for (std::size_t f = 0; f < by.size(); ++f) {
            const requantisation& q = by[f];
            bias_[f] = static_cast<double>(q.bias);
            // A power of two scales exactly.
            factor_[f] = std::ldexp(static_cast<double>(q.multiplier), -q.shift);
            const std::int64_t product = (largest_sum + std::abs(q.bias)) * std::abs(q.multiplier);
            exact_ = exact_ && (product < exact_below<double> || q.shift <= 37);
        }
    }

    /// out[f] = requantised(sums[f]) for channels [first, first + count).
    template <class T>
    void operator()(const T* sums, std::size_t first, std::size_t count, std::int16_t* out) const {
        if (!exact_) return in_integers(sums, first, count, out);
        constexpr std::size_t piece = 8;
        std::size_t f = 0;
        for (; f + piece <= count; f += piece) in_floats<piece>(sums + f, first + f, out + f);
        for (; f < count; ++f) in_floats<1>(sums + f, first + f, out + f);
    }
    /// The same for a register tile: Width sums, of which `count` are meant.
    template <std::size_t Width, class T>
    void tile(const T* sums, std::size_t first, std::size_t count, std::int16_t* out) const {
        static_assert(Width <= slack);
        if (!exact_) return in_integers(sums, first, count, out);
        if (count == Width) return in_floats<Width>(sums, first, out);
        std::array<std::int16_t, Width> all;
        in_floats<Width>(sums, first, all.data());
        std::copy_n(all.data(), count, out);
    }

  private:
    static constexpr std::size_t slack = 64;

    /// A constant number of values: unrolled, and vectorised.
    template <std::size_t Count, class T>
    void in_floats(const T* sums, std::size_t first, std::int16_t* out) const {
        const double* bias = bias_.data() + first;
        const double* factor = factor_.data() + first;
        const rounder round(to_);
        for (std::size_t f = 0; f < Count; ++f)
            out[f] = round((static_cast<double>(sums[f]) + bias[f]) * factor[f]);
    }
    template <class T>
    void in_integers(const T* sums, std::size_t first, std::size_t count, std::int16_t* out) const {
        for (std::size_t f = 0; f < count; ++f)
            out[f] = static_cast<std::int16_t>(
                requantised(static_cast<std::int64_t>(sums[f]), by_[first + f], to_));
    }

    std::span<const requantisation> by_;
    integer_range to_{};
    std::vector<double> bias_;
    std::vector<double> factor_;
    bool exact_ = true;  ///< in float64
};

/// A map with its padding, in T, and where windows stand in it.
template <class T>
struct padded_map {
    std::vector<T> values;
    std::size_t line = 0;   ///< values of one row of pixels
    std::size_t image = 0;  ///< of one image

    /// \param in  images x height x width x channels; those of magnitude `threshold` or less count
    ///            as 0
    void fill(const layer_row& row, const std::int16_t* in, std::size_t images,
              std::int64_t threshold) {
        const auto size = [](int x) { return static_cast<std::size_t>(x); };
        const std::size_t channels = size(row.in.channels);
        const std::size_t width = size(row.in.width) * channels;
        const int below = window_end(row.out.height, row.stride_h, row.kernel_h, row.dilation_h);
        const int right = window_end(row.out.width, row.stride_w, row.kernel_w, row.dilation_w);
        line = size(std::max(row.pad_left + row.in.width, right)) * channels;
        image = size(std::max(row.pad_top + row.in.height, below)) * line;
        values.assign(images * image + 64, T{});  // packets read beyond the end
        const auto bound = static_cast<int>(threshold);
        for (std::size_t n = 0; n < images; ++n)
            for (std::size_t y = 0; y < size(row.in.height); ++y, in += width) {
                T* to = values.data() + n * image + (size(row.pad_top) + y) * line +
                        size(row.pad_left) * channels;
                for (std::size_t x = 0; x < width; ++x) {  // without a branch: vectorises
                    const int value = in[x];
                    const int kept =
                        static_cast<int>(value > bound) | static_cast<int>(value < -bound);
                    to[x] = static_cast<T>(value * kept);
                }
            }
    }
    /// Where the window of output pixel p of all images begins.
    const T* window(const layer_row& row, std::size_t p) const {
        const auto width = static_cast<std::size_t>(row.out.width);
        const auto pixels = static_cast<std::size_t>(row.out.pixels());
        const std::size_t y = p % pixels / width * static_cast<std::size_t>(row.stride_h);
        const std::size_t x = p % width * static_cast<std::size_t>(row.stride_w);
        return values.data() + p / pixels * image + y * line +
               x * static_cast<std::size_t>(row.in.channels);
    }

  private:
    static int window_end(int out, int stride, int kernel, int dilation) {
        return (out - 1) * stride + (kernel - 1) * dilation + 1;
    }
};

/// Adjacent values of a window.
struct value_run {
    std::size_t from = 0;
    std::size_t length = 0;
};

/// The values of a window that group 0 reads, in the order of `packed_integers`: tap by tap.
template <class T>
std::vector<value_run> window_runs(const layer_row& row, const padded_map<T>& map) {
    const auto size = [](int x) { return static_cast<std::size_t>(x); };
    std::vector<value_run> runs;
    for (int ky = 0; ky < row.kernel_h; ++ky)
        for (int kx = 0; kx < row.kernel_w; ++kx) {
            const value_run tap{size(ky * row.dilation_h) * map.line +
                                    size(kx * row.dilation_w) * size(row.in.channels),
                                size(channels_per_group(row))};
            if (!runs.empty() && runs.back().from + runs.back().length == tap.from)
                runs.back().length += tap.length;
            else
                runs.push_back(tap);
        }
    return runs;
}

/// A register tile: columns (windows) by packets of filters.
template <class T>
struct integer_tile {
    using packet = typename Eigen::internal::packet_traits<T>::type;
    static constexpr std::size_t lanes =
        static_cast<std::size_t>(Eigen::internal::packet_traits<T>::size);
    static constexpr std::size_t columns = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 6;
    static constexpr std::size_t vectors = 2;
    static constexpr std::size_t filters = vectors * lanes;
    /// One packet; arrays of packets themselves would lose their attributes in a template.
    struct part {
        packet value;
    };
};

/// Weights of one group: blocks of `integer_tile::filters` filters, each tap by tap, channel by
/// channel; filters beyond the last one are 0.
template <class T>
std::vector<T> packed_integers(const layer_row& row, std::span<const std::int16_t> weights) {
    constexpr std::size_t width = integer_tile<T>::filters;
    const auto filters = static_cast<std::size_t>(filters_per_group(row));
    const auto channels = static_cast<std::size_t>(channels_per_group(row));
    const auto k = static_cast<std::size_t>(taps(row));
    std::vector<T> packed((filters + width - 1) / width * width * channels * k);
    T* to = packed.data();
    for (std::size_t block = 0; block < filters; block += width)
        for (std::size_t tap = 0; tap < k; ++tap)
            for (std::size_t c = 0; c < channels; ++c, to += width)
                for (std::size_t f = 0; f < std::min(width, filters - block); ++f)
                    to[f] = static_cast<T>(weights[((block + f) * channels + c) * k + tap]);
    return packed;
}

/// Sums of a tile: columns x integer_tile::filters. A function of its own: inlined, the registers
/// would go to addresses. Fold expressions instead of loops: the tile must stay in registers at any
/// level of optimisation.
template <class T, std::size_t Vectors, std::size_t... I>
EIGEN_DONT_INLINE void sum_tile(const T* const* windows, std::span<const value_run> runs,
                                const T* weights, T* sums, std::index_sequence<I...>) {
    using namespace Eigen::internal;
    using tile = integer_tile<T>;
    using packet = typename tile::packet;
    typename tile::part sum[sizeof...(I)];
    ((sum[I].value = pset1<packet>(T{})), ...);
    for (const value_run& run : runs)
        for (std::size_t k = run.from; k < run.from + run.length; ++k, weights += tile::filters) {
            typename tile::part w[Vectors];
            for (std::size_t v = 0; v < Vectors; ++v)
                w[v].value = ploadu<packet>(weights + v * tile::lanes);
            ((sum[I].value = pmadd(pset1<packet>(windows[I / Vectors][k]), w[I % Vectors].value,
                                   sum[I].value)),
             ...);
        }
    (pstoreu(sums + I / Vectors * tile::filters + I % Vectors * tile::lanes, sum[I].value), ...);
}

template <std::size_t Vectors, class T>
void sum_tile(const T* const* windows, std::span<const value_run> runs, const T* weights, T* sums) {
    sum_tile<T, Vectors>(windows, runs, weights, sums,
                         std::make_index_sequence<integer_tile<T>::columns * Vectors>());
}

/// A convolution or linear layer of several images.
/// \param weights  `packed_integers`, group behind group
template <class T>
void dense_integers(const layer_row& row, std::span<const T> weights, const padded_map<T>& map,
                    const requantiser& to, std::size_t images, std::int16_t* out) {
    using tile = integer_tile<T>;
    const auto filters = static_cast<std::size_t>(filters_per_group(row));
    const auto channels = static_cast<std::size_t>(channels_per_group(row));
    const auto groups = static_cast<std::size_t>(row.groups);
    const std::size_t each = weights.size() / groups;
    const std::size_t block = tile::filters * channels * static_cast<std::size_t>(taps(row));
    const std::vector<value_run> runs = window_runs(row, map);
    const std::size_t pixels = images * static_cast<std::size_t>(row.out.pixels());
    T sums[tile::columns * tile::filters];
    for (std::size_t p = 0; p < pixels; p += tile::columns) {
        const std::size_t columns = std::min(tile::columns, pixels - p);
        for (std::size_t g = 0; g < groups; ++g) {
            const T* windows[tile::columns];
            for (std::size_t c = 0; c < tile::columns; ++c)  // beyond the end: the last one again
                windows[c] = map.window(row, p + std::min(c, columns - 1)) + g * channels;
            for (std::size_t f = 0; f < filters; f += tile::filters) {
                const T* w = weights.data() + g * each + f / tile::filters * block;
                const std::size_t here = std::min(tile::filters, filters - f);
                const std::size_t first = g * filters + f;
                std::int16_t* here_out = out + p * filters * groups + first;
                const auto finish = [&](auto width) {
                    for (std::size_t c = 0; c < columns; ++c, here_out += filters * groups)
                        to.tile<decltype(width)::value>(sums + c * tile::filters, first, here,
                                                        here_out);
                };
                if (here <= tile::lanes) {
                    sum_tile<1>(windows, runs, w, sums);
                    finish(std::integral_constant<std::size_t, tile::lanes>());
                } else {
                    sum_tile<tile::vectors>(windows, runs, w, sums);
                    finish(std::integral_constant<std::size_t, tile::filters>());
                }
            }
        }
    }
}

/// A convolution of one filter a channel.
/// \param weights  taps x channels, and a packet behind them
template <class T>
void depthwise_integers(const layer_row& row, std::span<const T> weights, const padded_map<T>& map,
                        const requantiser& to, std::size_t images, std::int16_t* out) {
    using namespace Eigen::internal;
    using packet = typename integer_tile<T>::packet;
    constexpr std::size_t lanes = integer_tile<T>::lanes;
    const auto channels = static_cast<std::size_t>(row.in.channels);
    std::vector<std::size_t> offsets;
    for (int ky = 0; ky < row.kernel_h; ++ky)
        for (int kx = 0; kx < row.kernel_w; ++kx)
            offsets.push_back(static_cast<std::size_t>(ky * row.dilation_h) * map.line +
                              static_cast<std::size_t>(kx * row.dilation_w) * channels);
    std::vector<T> sums(channels + lanes);
    const std::size_t pixels = images * static_cast<std::size_t>(row.out.pixels());
    for (std::size_t p = 0; p < pixels; ++p, out += channels) {
        const T* window = map.window(row, p);
        for (std::size_t c = 0; c < channels; c += lanes) {
            packet sum = pset1<packet>(T{});
            const T* w = weights.data() + c;
            for (const std::size_t offset : offsets) {
                sum = pmadd(ploadu<packet>(w), ploadu<packet>(window + offset + c), sum);
                w += channels;
            }
            pstoreu(sums.data() + c, sum);
        }
        to(sums.data(), 0, channels, out);
    }
}

}  // namespace hass::detail
