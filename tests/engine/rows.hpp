// Rows and statistics for property tests: reproducible draws, no <random>.
#pragma once

#include <cstdint>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/layers.hpp>

namespace draw {

// xorshift64*: any good enough sequence will do, as long as it is the same everywhere.
class source {
  public:
    explicit source(std::uint64_t seed) : state_(seed) {}
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    int below(int n) { return static_cast<int>(next() % static_cast<std::uint64_t>(n)); }

  private:
    std::uint64_t next() {
        state_ ^= state_ >> 12, state_ ^= state_ << 25, state_ ^= state_ >> 27;
        return state_ * 2685821657736338717ULL;
    }
    std::uint64_t state_;
};

inline std::vector<hass::layer_row> rows() {
    using namespace hass;
    return {conv2d<16, 24, 3, pad<1>>::row({16, 14, 10}),
            conv2d<3, 8, 7, stride<2>, pad<3>>::row({3, 32, 32}),
            depthwise<24, 3, stride<2>, pad<1>>::row({24, 9, 9}),
            conv2d<12, 18, 5, groups<3>, no_bias>::row({12, 11, 7}),
            pointwise<32, 12>::row({32, 7, 5}),
            linear<48, 10>::row({48, 1, 1}),
            conv2d<4, 6, 3, dilation<2>, pad<2>>::row({4, 8, 8})};
}

/// The options that an engine enumerates.
template <class E>
std::vector<hass::row_option> options(const E& engine, const hass::layer_row& row) {
    std::vector<hass::row_option> found;
    engine.for_each(row, [&](const hass::row_option& c) { found.push_back(c); });
    return found;
}

// Windows of `channels` channels whose blocks differ, with clustered zeros.
inline hass::window_histogram windows(const hass::layer_row& row, int channels, source& from) {
    const int length = channels * hass::taps(row);
    hass::window_histogram h{channels, length, {}};
    for (int b = 0; b < row.in.channels / channels; ++b) {
        std::vector<double> share;
        double sum = 0.0;
        const double tilt = from.unit();
        for (int z = 0; z <= length; ++z) {
            const double x = from.unit() * (tilt < 0.5 ? length - z + 1 : z + 1);
            share.push_back(x * x), sum += x * x;
        }
        for (const double x : share) h.share.push_back(x / sum);
    }
    return h;
}

inline hass::layer_statistics statistics(const hass::layer_row& row, source& from) {
    hass::layer_statistics s;
    s.weight_sparsity = s.activation_sparsity = 0.3;
    s.pair_sparsity = s.pair_sparsity_padded = from.unit();
    for (const int channels : {1, 2, 4})
        if (hass::channels_per_group(row) % channels == 0 &&
            (channels == 1 || hass::taps(row) == 1))
            s.windows.push_back(windows(row, channels, from));
    return s;
}

}  // namespace draw
