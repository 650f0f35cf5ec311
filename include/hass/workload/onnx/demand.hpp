/// \file demand.hpp
/// What a file asks of whoever loads and runs it, against what its size entitles it to. A few bytes
/// can state a padding of 10,000 or a window of 32,768 x 32,768: such a file is refused at the node
/// that asks for it, before anybody makes room for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail::onnx {

/// Floats that a row needs for one image beside its inputs and outputs: the padded map that its
/// windows slide over, and where each tap stands in it. In double, since whatever a file states
/// must not overflow.
inline double scratch_floats(const layer_row& r) {
    const bool compute = is_compute(r);
    if (moves(r.kind)) return 2.0 * static_cast<double>(r.out.volume());  // where each comes from
    if (!compute && r.kind != layer_kind::max_pool && r.kind != layer_kind::average_pool) return 0;
    const auto extent = [](int in, int before, int out, int stride, int dilation, int kernel) {
        const double reach = double(out - 1) * stride + double(dilation) * double(kernel - 1) + 1.0;
        return std::max(double(before) + in, reach);
    };
    const double height =
        extent(r.in.height, r.pad_top, r.out.height, r.stride_h, r.dilation_h, r.kernel_h);
    const double width =
        extent(r.in.width, r.pad_left, r.out.width, r.stride_w, r.dilation_w, r.kernel_w);
    const double plane = height * std::ceil(width / r.stride_w) * r.stride_w;
    const bool one_map = !compute || (r.groups > 1 && channels_per_group(r) == 1);
    constexpr double floats_an_offset = 2;
    const double window_taps = double(r.kernel_h) * r.kernel_w;
    const double offsets = (compute ? channels_per_group(r) : 0) * window_taps;
    return (one_map ? 1 : r.in.channels) * plane + floats_an_offset * (window_taps + offsets);
}

/// Operations of one image, roughly in units of a multiply-add in a vector of 16: products and
/// windows are counted in whole vectors, values that need an exponential as 40.
inline double operations(const layer_row& r) {
    constexpr double lanes = 16;
    constexpr double touch = 8;
    constexpr double exponential = 40;
    const auto out = static_cast<double>(r.out.volume());
    const auto in = static_cast<double>(r.in.volume());
    const double window_taps = double(r.kernel_h) * r.kernel_w;
    const double padded_row = std::ceil(r.out.width / lanes) * lanes * r.out.height;
    switch (r.kind) {
        case layer_kind::convolution:
        case layer_kind::matmul:
        case layer_kind::linear: {
            constexpr double filters_at_once = 8;
            const bool alone = channels_per_group(r) == 1 && r.groups > 1;
            const double filters = alone ? r.out.channels
                                         : r.groups * filters_at_once *
                                               std::ceil(filters_per_group(r) / filters_at_once);
            return filters * channels_per_group(r) * window_taps * padded_row + touch * in;
        }
        case layer_kind::max_pool:
        case layer_kind::average_pool:
            return r.out.channels * window_taps * padded_row + touch * in;
        case layer_kind::resize:
            return out * double(r.stride_h) * r.stride_w + touch * (in + out);
        case layer_kind::grid_sample:
            return out * (touch + window_taps) + exponential * static_cast<double>(r.out.pixels());
        case layer_kind::lrn:
            return out * (exponential + r.kernel_h);
        case layer_kind::function:
        case layer_kind::sigmoid:
        case layer_kind::swish:
        case layer_kind::softmax:
        case layer_kind::log_softmax:
            return exponential * out;
        default:
            return touch * (in + out);
    }
}

/// The two allowances of one file: what it may hold at a time, and compute, for one image. Small
/// files get what small networks need (32 MiB, 10^9 operations), each byte 4 KiB and 2^20
/// operations more: a super-resolution network of 240 KB may still run on 1920 x 1080 pixels.
class demand {
  public:
    explicit demand(std::size_t file_bytes)
        : bytes_(file_bytes),
          floats_(0x1p23 + 0x1p10 * static_cast<double>(file_bytes)),
          operations_(0x1p30 + 0x1p20 * static_cast<double>(file_bytes)) {}

    /// Counts a row.
    /// \throws hass::error when it alone holds too much, or all so far compute too much
    void add(const layer_row& r) {
        hold(static_cast<double>(r.in.volume()) + static_cast<double>(r.out.volume()) +
             scratch_floats(r));
        asked_ += operations(r);
        if (asked_ > operations_)
            throw error(text_of({"with it the network takes more than ", text(operations_ / 1e9),
                                 "e9 operations an image, too many for a file of ", bytes_,
                                 " bytes (window, padding or map too large)"}));
    }

    /// \throws hass::error for more floats at a time than the file may hold
    void hold(double floats) const {
        if (floats <= floats_) return;
        throw error(text_of({"it takes ", text(floats * 0x1p-18), " MiB an image, where a file of ",
                             bytes_, " bytes may take ", text(floats_ * 0x1p-18),
                             " (map, padding, dilation or window too large)"}));
    }

  private:
    static std::string text(double x) {
        return x < 1e15 ? text_of({static_cast<std::int64_t>(std::ceil(x))}) : "over 1e15";
    }

    std::size_t bytes_;
    double floats_;
    double operations_;
    double asked_ = 0.0;
};

}  // namespace hass::detail::onnx
