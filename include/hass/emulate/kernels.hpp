/// \file kernels.hpp
/// The layers of the emulator other than dense products. Feature maps of a batch lie channel by
/// channel: channels x images x height x width, so that a 1x1 convolution of the whole batch is one
/// product and joining channels is one copy.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include <hass/emulate/exponential.hpp>
#include <hass/emulate/gemm.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// A row's windows over planes: their layout and where each tap stands in it.
struct sliding_window {
    layer_row row;
    plane_layout layout;
    std::vector<std::size_t> taps;  ///< offset of each tap in output row 0

    explicit sliding_window(const layer_row& r) : row(r), layout(r) {
        for (int ky = 0; ky < r.kernel_h; ++ky)
            for (int kx = 0; kx < r.kernel_w; ++kx) taps.push_back(layout.at(r, 0, ky, kx));
    }
    /// Offset of output row y.
    std::size_t at(std::size_t y) const {
        return y * static_cast<std::size_t>(row.stride_h) * layout.row_size;
    }
};

/// Slides a window over one plane, a packet of output columns at a time, beginning with `start`.
/// `step` combines the running packet with the values of one tap, `finish` ends the packet of
/// output row y at column x. A packet may write beyond its row: over rows that are written later,
/// or the slack behind the buffer.
template <class Step, class Finish>
void slide(const sliding_window& window, const float* plane, float* out, gemm_tile::packet start,
           Step step, Finish finish) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    constexpr std::size_t lanes = gemm_tile::lanes;
    const auto width = static_cast<std::size_t>(window.row.out.width);
    const auto height = static_cast<std::size_t>(window.row.out.height);
    const std::size_t* offsets = window.taps.data();
    // With a constant number of taps they are unrolled.
    const auto all_rows = [&](auto taps) {
        for (std::size_t y = 0; y < height; ++y, out += width) {
            const float* line = plane + window.at(y);
            for (std::size_t x = 0; x < width; x += lanes) {
                packet sum = start;
                for (std::size_t tap = 0; tap < taps; ++tap)
                    sum = step(sum, tap, ploadu<packet>(line + offsets[tap] + x));
                pstoreu(out + x, finish(sum, y, x));
            }
        }
    };
    if (window.taps.size() == 9)
        all_rows(std::integral_constant<std::size_t, 9>());
    else
        all_rows(window.taps.size());
}

/// One filter on one plane: a depthwise convolution's whole work for a channel and image.
inline void depthwise(const sliding_window& window, const float* plane, const float* weights,
                      float bias, const clamp& bounds, float* out) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    const packet lower = pset1<packet>(bounds.lower);
    const packet upper = pset1<packet>(bounds.upper);
    slide(
        window, plane, out, pset1<packet>(bias),
        [weights](packet sum, std::size_t tap, packet x) {
            return pmadd(pset1<packet>(weights[tap]), x, sum);
        },
        [&](packet sum, std::size_t, std::size_t) { return pmin(pmax(sum, lower), upper); });
}

/// Max pool of one plane whose outside is -infinity. What is not a number wins: it must not be
/// lost.
inline void max_pool(const sliding_window& window, const float* plane, float* out) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    slide(
        window, plane, out, pset1<packet>(-std::numeric_limits<float>::infinity()),
        [](packet best, std::size_t, packet x) { return pmax<Eigen::PropagateNaN>(best, x); },
        [](packet best, std::size_t, std::size_t) { return best; });
}

/// Values that each window along one axis averages: those inside the map, or, with padding counted,
/// those inside the padded map (a partial window of ceil mode counts no further).
inline std::vector<float> window_counts(int out, int in, int kernel, int stride, int dilation,
                                        int pad_before, int pad_after, bool count_padding) {
    std::vector<float> counts(static_cast<std::size_t>(out) + packet_slack, 1.0F);
    const int low = count_padding ? -pad_before : 0;
    const int high = count_padding ? in + pad_after : in;
    for (int o = 0; o < out; ++o) {
        int inside = 0;
        for (int k = 0; k < kernel; ++k) {
            const int i = o * stride - pad_before + k * dilation;
            inside += i >= low && i < high ? 1 : 0;
        }
        counts[static_cast<std::size_t>(o)] = static_cast<float>(std::max(inside, 1));
    }
    return counts;
}

/// Average pool of one plane whose outside is 0.
/// \param rows, columns  values that a window averages along each axis (`window_counts`)
inline void average_pool(const sliding_window& window, const float* plane,
                         std::span<const float> rows, std::span<const float> columns, float* out) {
    using namespace Eigen::internal;
    using packet = gemm_tile::packet;
    slide(
        window, plane, out, pset1<packet>(0.0F),
        [](packet sum, std::size_t, packet x) { return padd(sum, x); },
        [&](packet sum, std::size_t y, std::size_t x) {
            return pdiv(sum, pmul(pset1<packet>(rows[y]), ploadu<packet>(columns.data() + x)));
        });
}

/// Whether no value is infinite or not a number.
inline bool all_finite(std::span<const float> values) {
    std::uint32_t most = 0;
    for (const float x : values) most = std::max(most, magnitude_bits(x));
    return most < magnitude_bits(std::numeric_limits<float>::infinity());
}

/// Maps every value: out[i] = f(in[i]); `out` may be `in`.
template <class F>
void map(const float* in, float* out, std::size_t size, F f) {
    for (std::size_t i = 0; i < size; ++i) out[i] = f(in[i]);
}

/// Softmax over the channels of each image and pixel: `values` is channels x positions, in place.
inline void softmax(std::size_t channels, std::size_t positions, float* values) {
    if (positions == 1) {
        const float most = *std::max_element(values, values + channels);
        map(values, values, channels, [most](float x) { return exponential(x - most); });
        double sum = 0.0;
        for (std::size_t c = 0; c < channels; ++c) sum += static_cast<double>(values[c]);
        map(values, values, channels,
            [sum](float x) { return static_cast<float>(static_cast<double>(x) / sum); });
        return;
    }
    constexpr std::size_t together = 16;  // positions: what is next to each other in memory
    for (std::size_t first = 0; first < positions; first += together, values += together) {
        const std::size_t size = std::min(together, positions - first);
        std::array<float, together> most;
        std::array<double, together> sum{};
        std::copy_n(values, size, most.begin());
        for (std::size_t c = 1; c < channels; ++c)
            for (std::size_t p = 0; p < size; ++p)
                most[p] = std::max(most[p], values[c * positions + p]);
        for (std::size_t c = 0; c < channels; ++c) {
            float* const x = values + c * positions;
            for (std::size_t p = 0; p < size; ++p) x[p] = exponential(x[p] - most[p]);
            for (std::size_t p = 0; p < size; ++p) sum[p] += static_cast<double>(x[p]);
        }
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t p = 0; p < size; ++p) {
                float& x = values[c * positions + p];
                x = static_cast<float>(static_cast<double>(x) / sum[p]);
            }
    }
}

/// A convolution that sees one channel a filter; it has a kernel of its own.
inline bool is_depthwise(const layer_row& row) {
    return row.groups > 1 && channels_per_group(row) == 1;
}

inline float hardsigmoid(float x) {
    return std::clamp(x / 6.0F + 0.5F, 0.0F, 1.0F);
}
inline float sigmoid(float x) {
    return 1.0F / (1.0F + exponential(-x));
}

}  // namespace hass::detail
