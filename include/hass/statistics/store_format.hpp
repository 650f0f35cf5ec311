/// \file store_format.hpp
/// The file of a recorded network, version 1. Numbers are little endian:
///
///     bytes  content
///     8      "HASSSTAT"
///     4      version, u32
///     4      length of the header, u32
///     4      CRC-32 of the header, u32
///     4      CRC-32 of the body, u32
///     ...    header: JSON; network, what was measured on, and each layer's number of thresholds
///     ...    body: the layers in order, each
///              f64 x 4   natural sparsity of weights, of activations, of pairs, of pairs padded
///              u16 ...   natural windows, by channels in a window: blocks x (length + 1) shares
///              then twice, for weights and for activations, with G thresholds and S measured ones
///              f32 x G   thresholds
///              u16 x G   share of zeros of the tensor
///              u16 x G x in.channels  ... of each input channel
///              S times   f32 threshold, u32 top-1, u32 top-5, f64 loss
///              and, where the header has them, work of whole dot products with nothing clipped:
///              each layout of lanes   u32 x 6 (in, group, macs, vector, shared, engines), f64 cycles
///              each number of lists   u16 x (K in.channels / lists + 1) shares of the longest one
///              f64 x 32  work of rows of windows, where strides skip rows
///
/// Shares are u16 in steps of 1/65535. The header gives every size, so that a file of another
/// length is refused before anything is allocated for it.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// First bytes of a file.
inline constexpr std::string_view statistics_magic = "HASSSTAT";
/// Of the format; others are refused.
inline constexpr std::uint32_t statistics_version = 1;

namespace detail {

inline constexpr std::size_t statistics_prelude = 24;
inline constexpr int most_thresholds = 4096;  ///< of one tensor
inline constexpr int most_taps = 1024;        ///< along one axis; products stay within an int

inline std::uint32_t crc(std::string_view bytes) {
    boost::crc_32_type sum;
    sum.process_bytes(bytes.data(), bytes.size());
    return sum.checksum();
}

/// Appends the bytes of an integer or an IEEE number, lowest first.
template <class T>
void put(std::string& out, T value) {
    if constexpr (std::is_same_v<T, float>) {
        put(out, std::bit_cast<std::uint32_t>(value));
    } else if constexpr (std::is_same_v<T, double>) {
        put(out, std::bit_cast<std::uint64_t>(value));
    } else {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            out.push_back(static_cast<char>((std::uint64_t{value} >> (8 * i)) & 0xffU));
    }
}

/// Takes what `put` appended from the front of `in`, which holds enough.
template <class T>
T take(std::string_view& in) {
    if constexpr (std::is_same_v<T, float>) {
        return std::bit_cast<float>(take<std::uint32_t>(in));
    } else if constexpr (std::is_same_v<T, double>) {
        return std::bit_cast<double>(take<std::uint64_t>(in));
    } else {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i)
            value |= std::uint64_t{static_cast<unsigned char>(in[i])} << (8 * i);
        in.remove_prefix(sizeof(T));
        return static_cast<T>(value);
    }
}

/// Shape fields of a row as they stand in the header; those that have their default are left out.
struct row_field {
    std::string_view name;
    std::vector<int> (*get)(const layer_row&);
    void (*set)(layer_row&, const std::vector<int>&);
    int least = 1;
    int most = 1 << 20;
};

inline const std::array<row_field, 12> row_fields{{
    {"in",
     [](const layer_row& r) {
         return std::vector{r.in.channels, r.in.height, r.in.width};
     },
     [](layer_row& r, const std::vector<int>& v) {
         r.in = {v[0], v[1], v[2]};
     }},
    {"out",
     [](const layer_row& r) {
         return std::vector{r.out.channels, r.out.height, r.out.width};
     },
     [](layer_row& r, const std::vector<int>& v) {
         r.out = {v[0], v[1], v[2]};
     }},
    {"kernel",
     [](const layer_row& r) {
         return std::vector{r.kernel_h, r.kernel_w};
     },
     [](layer_row& r, const std::vector<int>& v) { r.kernel_h = v[0], r.kernel_w = v[1]; }, 1,
     most_taps},
    {"stride",
     [](const layer_row& r) {
         return std::vector{r.stride_h, r.stride_w};
     },
     [](layer_row& r, const std::vector<int>& v) { r.stride_h = v[0], r.stride_w = v[1]; }, 1,
     most_taps},
    {"pad",
     [](const layer_row& r) {
         return std::vector{r.pad_top, r.pad_left, r.pad_bottom, r.pad_right};
     },
     [](layer_row& r, const std::vector<int>& v) {
         r.pad_top = v[0], r.pad_left = v[1], r.pad_bottom = v[2], r.pad_right = v[3];
     },
     0},
    {"dilation",
     [](const layer_row& r) {
         return std::vector{r.dilation_h, r.dilation_w};
     },
     [](layer_row& r, const std::vector<int>& v) { r.dilation_h = v[0], r.dilation_w = v[1]; }, 1,
     most_taps},
    {"groups", [](const layer_row& r) { return std::vector{r.groups}; },
     [](layer_row& r, const std::vector<int>& v) { r.groups = v[0]; }},
    {"flags",  // bias, ceil mode
     [](const layer_row& r) {
         return std::vector{r.bias ? 1 : 0, r.ceil_mode ? 1 : 0};
     },
     [](layer_row& r, const std::vector<int>& v) { r.bias = v[0] > 0, r.ceil_mode = v[1] > 0; }, 0,
     1},
    {"bits",  // of a weight, of data
     [](const layer_row& r) {
         return std::vector{r.weight_bits, r.data_bits};
     },
     [](layer_row& r, const std::vector<int>& v) { r.weight_bits = v[0], r.data_bits = v[1]; }, 0,
     64},
    {"form",  // place in function_form
     [](const layer_row& r) { return std::vector{static_cast<int>(r.form)}; },
     [](layer_row& r, const std::vector<int>& v) { r.form = static_cast<function_form>(v[0]); }, 0,
     static_cast<int>(function_form::wire)},
    {"transposed", [](const layer_row& r) { return std::vector{r.transposed ? 1 : 0}; },
     [](layer_row& r, const std::vector<int>& v) { r.transposed = v[0] > 0; }, 0, 1},
    {"widens", [](const layer_row& r) { return std::vector{r.widens ? 1 : 0}; },
     [](layer_row& r, const std::vector<int>& v) { r.widens = v[0] > 0; }, 0, 1},
}};

inline std::string hexadecimal(std::uint64_t x) {
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; x >>= 4) text[i] = "0123456789abcdef"[x & 15U];
    return text;
}

/// Empty histograms of the windows that are counted in a row.
inline std::vector<window_histogram> empty_windows(const layer_row& row) {
    const window_shape shape(row);
    std::vector<window_histogram> all;
    if (shape.parts == 1)
        for (int channels = 1; channels <= shape.channels; channels *= 2)
            all.push_back({channels, channels * taps(row), {}});
    return all;
}

inline std::size_t shares_of(const window_histogram& h, const layer_row& row) {
    return static_cast<std::size_t>(row.in.channels / h.channels) *
           (static_cast<std::size_t>(h.length) + 1);
}

/// Whether a file can hold the windows of a row: all that are counted in it, whole.
inline bool counted(const std::vector<window_histogram>& windows, const layer_row& row) {
    const std::vector<window_histogram> all = empty_windows(row);
    return std::equal(windows.begin(), windows.end(), all.begin(), all.end(),
                      [&](const window_histogram& a, const window_histogram& b) {
                          return a.channels == b.channels && a.length == b.length &&
                                 a.share.size() == shares_of(b, row);
                      });
}

}  // namespace detail

}  // namespace hass
