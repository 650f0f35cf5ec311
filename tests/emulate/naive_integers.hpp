// The reference of integer networks: one image, one value at a time, in 64 bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <hass/emulate/integer_network.hpp>

#include "naive.hpp"

namespace test {

using integers = std::vector<std::int64_t>;  // channels x height x width

inline integers naive_integers(const hass::integer_network& n, std::size_t i,
                               const std::vector<integers>& in) {
    using hass::layer_kind;
    const hass::layer_row& r = n.net.rows[i];
    const hass::integer_row& q = n.rows[i];
    integers out;
    const auto at = [&](int c, int y, int x) {
        return in[0][static_cast<std::size_t>((c * r.in.height + y) * r.in.width + x)];
    };
    const auto windowed = [&](auto value) {
        for (int c = 0; c < r.out.channels; ++c)
            for (int y = 0; y < r.out.height; ++y)
                for (int x = 0; x < r.out.width; ++x) out.push_back(value(c, y, x));
    };
    const auto each = [&](auto f) {
        for (std::size_t k = 0; k < static_cast<std::size_t>(r.out.volume()); ++k)
            out.push_back(f(k));
    };
    // A gate's single pixel holds for its whole channel.
    const auto spread = [&](const integers& v, std::size_t k) {
        return v.size() == static_cast<std::size_t>(r.out.volume())
                   ? v[k]
                   : v[k / static_cast<std::size_t>(r.out.pixels())];
    };
    const auto requantised = [&](std::int64_t sum, int c) {
        return hass::requantised(sum, q.by[static_cast<std::size_t>(c)], q.range);
    };
    switch (r.kind) {
        case layer_kind::convolution:
        case layer_kind::linear: {
            const int per_group = r.in.channels / r.groups;
            windowed([&](int f, int y, int x) {
                std::int64_t sum = 0;
                for (int c = 0; c < per_group; ++c)
                    for_each_tap(r, y, x, [&](int ky, int kx, int iy, int ix) {
                        const int from = f / (r.out.channels / r.groups) * per_group + c;
                        const int w = ((f * per_group + c) * r.kernel_h + ky) * r.kernel_w + kx;
                        sum += q.weights[static_cast<std::size_t>(w)] *
                               hass::clip(at(from, iy, ix), q.threshold);
                    });
                return requantised(sum, f);
            });
            break;
        }
        case layer_kind::max_pool:
            windowed([&](int c, int y, int x) {
                std::int64_t best = hass::integer_range::of(q.bits).low;
                for_each_tap(r, y, x, [&](int, int, int iy, int ix) {
                    best = std::max(best, at(c, iy, ix));
                });
                return best;
            });
            break;
        case layer_kind::average_pool:
            windowed([&](int c, int y, int x) {
                std::int64_t sum = 0;
                for_each_tap(r, y, x, [&](int, int, int iy, int ix) { sum += at(c, iy, ix); });
                return requantised(sum, c);
            });
            break;
        case layer_kind::global_average_pool:
            windowed([&](int c, int, int) {
                std::int64_t sum = 0;
                for (int p = 0; p < r.in.height * r.in.width; ++p) sum += at(c, 0, p);
                return requantised(sum, c);
            });
            break;
        case layer_kind::add:
            each([&](std::size_t k) {
                return hass::scaled_sum(in[0][k], q.multipliers[0], in[1][k], q.multipliers[1],
                                        q.shift, q.range);
            });
            break;
        case layer_kind::multiply:
            each([&](std::size_t k) {
                const std::int64_t product = spread(in[0], k) * spread(in[1], k);
                return hass::requantised(product, {0, q.multipliers[0], q.shift}, q.range);
            });
            break;
        case layer_kind::concat:
            for (const integers& v : in) out.insert(out.end(), v.begin(), v.end());
            break;
        case layer_kind::flatten:
            out = in[0];
            break;
        case layer_kind::relu:
        case layer_kind::relu6:
            each([&](std::size_t k) { return hass::saturate(in[0][k], q.range); });
            break;
        default:
            each([&](std::size_t k) {
                const auto lines = static_cast<std::int64_t>(q.table.size());
                const std::int64_t line = in[0][k] < 0 ? in[0][k] + lines : in[0][k];
                return std::int64_t{q.table[static_cast<std::size_t>(line)]};
            });
    }
    return out;
}

/// All streams of one image: [0] the image, [i + 1] what leaves row i.
inline std::vector<integers> naive_integers(const hass::integer_network& n, integers image) {
    std::vector<integers> streams{std::move(image)};
    for (std::size_t i = 0; i < n.net.rows.size(); ++i) {
        std::vector<integers> in;
        for (const int from : hass::inputs_of(n.net, i))
            in.push_back(streams[static_cast<std::size_t>(from + 1)]);
        streams.push_back(naive_integers(n, i, in));
    }
    return streams;
}

}  // namespace test
