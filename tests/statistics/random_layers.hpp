// Small layers of every structure with random tensors, and their pairs counted one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <hass/workload/layer.hpp>

namespace test {

/// A convolution that fits, every field drawn.
inline hass::layer_row random_row(std::mt19937& bits) {
    const auto draw = [&](int low, int high) {
        return low + static_cast<int>(bits() % static_cast<unsigned>(high - low + 1));
    };
    for (;;) {
        hass::layer_row r;
        r.kernel_h = draw(1, 4), r.kernel_w = draw(1, 4);
        if (draw(0, 2) == 0) r.kernel_h = r.kernel_w = 1;
        r.stride_h = draw(1, 3), r.stride_w = draw(1, 3);
        r.dilation_h = draw(1, 2), r.dilation_w = draw(1, 2);
        r.pad_top = draw(0, 2), r.pad_left = draw(0, 2);
        r.pad_bottom = draw(0, 2), r.pad_right = draw(0, 2);
        r.groups = draw(1, 3);
        const int channels = draw(0, 3) == 0 ? 8 : draw(1, 6);
        r.in = {channels * r.groups, draw(3, 9), draw(3, 9)};
        r.out.channels = draw(1, 5) * r.groups;
        if (draw(0, 3) == 0) {  // depthwise
            r.groups = r.in.channels;
            r.out.channels = r.groups * draw(1, 2);
        }
        r.out.height = hass::window_extent(r.in.height, r.kernel_h, r.stride_h, r.pad_top,
                                           r.pad_bottom, r.dilation_h);
        r.out.width = hass::window_extent(r.in.width, r.kernel_w, r.stride_w, r.pad_left,
                                          r.pad_right, r.dilation_w);
        if (r.out.height >= 1 && r.out.width >= 1) return r;
    }
}

inline std::string describe(const hass::layer_row& r) {
    const auto t = [](int x) { return std::to_string(x) + " "; };
    return "in " + t(r.in.channels) + t(r.in.height) + t(r.in.width) + "out " + t(r.out.channels) +
           t(r.out.height) + t(r.out.width) + "kernel " + t(r.kernel_h) + t(r.kernel_w) +
           "stride " + t(r.stride_h) + t(r.stride_w) + "dilation " + t(r.dilation_h) +
           t(r.dilation_w) + "pad " + t(r.pad_top) + t(r.pad_left) + t(r.pad_bottom) +
           t(r.pad_right) + "groups " + t(r.groups);
}

/// Values in [-1, 1], about a third of them zero.
inline std::vector<float> random_values(std::mt19937& bits, std::size_t count) {
    std::vector<float> values(count);
    for (float& x : values) {
        x = static_cast<float>(static_cast<double>(bits() % 20001U) / 10000.0 - 1.0);
        if (bits() % 3 == 0) x = 0.0F;
    }
    return values;
}

/// Whether the value is still there when thresholds have been applied.
inline bool survives(float x, float tau) {
    return x != 0.0F && !(std::abs(x) < tau);
}

/// The input that output (y, x) meets at tap (ky, kx) of channel c; null in the padding.
inline const float* input_at(const hass::layer_row& r, const float* image, int c, int y, int x,
                             int ky, int kx) {
    const int iy = y * r.stride_h + ky * r.dilation_h - r.pad_top;
    const int ix = x * r.stride_w + kx * r.dilation_w - r.pad_left;
    if (iy < 0 || ix < 0 || iy >= r.in.height || ix >= r.in.width) return nullptr;
    return image + (c * r.in.height + iy) * r.in.width + ix;
}

struct brute_force {
    std::vector<std::uint64_t> windows;  ///< blocks x (M + 1)
    std::uint64_t pairs = 0;
    std::uint64_t inside = 0;
    std::uint64_t all = 0;
};

/// Every multiply-accumulate of every image, in windows of `channels` channels.
inline brute_force count_one_by_one(const hass::layer_row& r, const std::vector<float>& weights,
                                    const std::vector<float>& activations, float tau_w, float tau_a,
                                    int channels) {
    const int k = r.kernel_h * r.kernel_w;
    const int per_group = r.in.channels / r.groups;
    const int filters = r.out.channels / r.groups;
    const std::size_t bins = static_cast<std::size_t>(channels * k + 1);
    brute_force counts;
    counts.windows.resize(static_cast<std::size_t>(r.in.channels / channels) * bins);
    const auto volume = static_cast<std::size_t>(r.in.volume());
    for (std::size_t n = 0; n < activations.size() / volume; ++n)
        for (int f = 0; f < r.out.channels; ++f)
            for (int y = 0; y < r.out.height; ++y)
                for (int x = 0; x < r.out.width; ++x)
                    for (int b = 0; b < per_group / channels; ++b) {
                        std::size_t alive = 0;
                        for (int c = b * channels; c < (b + 1) * channels; ++c)
                            for (int t = 0; t < k; ++t) {
                                const float* a = input_at(r, activations.data() + n * volume,
                                                          f / filters * per_group + c, y, x,
                                                          t / r.kernel_w, t % r.kernel_w);
                                const float w =
                                    weights[static_cast<std::size_t>((f * per_group + c) * k + t)];
                                ++counts.all;
                                if (a == nullptr) continue;
                                ++counts.inside;
                                alive += survives(w, tau_w) && survives(*a, tau_a) ? 1U : 0U;
                            }
                        counts.pairs += alive;
                        const int block = f / filters * (per_group / channels) + b;
                        ++counts.windows[static_cast<std::size_t>(block) * bins + alive];
                    }
    return counts;
}

}  // namespace test
