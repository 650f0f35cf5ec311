// The reference: one image, one output value at a time, in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/model.hpp>

namespace test {

using values = std::vector<double>;

inline double clipped(double x, double tau) {
    return std::abs(static_cast<float>(x)) < static_cast<float>(tau) ? 0.0 : x;
}

/// Visits the taps of output (y, x) that lie inside of the map: visit(ky, kx, iy, ix).
template <class Visit>
void for_each_tap(const hass::layer_row& r, int y, int x, Visit visit) {
    for (int ky = 0; ky < r.kernel_h; ++ky)
        for (int kx = 0; kx < r.kernel_w; ++kx) {
            const int iy = y * r.stride_h + ky * r.dilation_h - r.pad_top;
            const int ix = x * r.stride_w + kx * r.dilation_w - r.pad_left;
            if (iy >= 0 && ix >= 0 && iy < r.in.height && ix < r.in.width) visit(ky, kx, iy, ix);
        }
}

inline values naive_row(const hass::layer_row& r, const hass::layer_parameters& p,
                        const std::vector<values>& in, const hass::layer_thresholds& tau) {
    using hass::layer_kind;
    values out(static_cast<std::size_t>(r.out.volume()));
    const auto at = [](const hass::shape& s, int c, int y, int x) {
        return static_cast<std::size_t>((c * s.height + y) * s.width + x);
    };
    const auto each = [&](auto f) {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(in[0][i]);
    };
    const auto hardsigmoid = [](double x) { return std::clamp(x / 6.0 + 0.5, 0.0, 1.0); };
    const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
    const auto windowed = [&](auto value) {
        for (int c = 0; c < r.out.channels; ++c)
            for (int y = 0; y < r.out.height; ++y)
                for (int x = 0; x < r.out.width; ++x) out[at(r.out, c, y, x)] = value(c, y, x);
    };
    switch (r.kind) {
        case layer_kind::convolution:
        case layer_kind::linear: {
            const int per_group = r.in.channels / r.groups;
            windowed([&](int f, int y, int x) {
                double sum =
                    p.bias.empty() ? 0.0 : static_cast<double>(p.bias[static_cast<std::size_t>(f)]);
                const int group = f / (r.out.channels / r.groups);
                for (int c = 0; c < per_group; ++c)
                    for_each_tap(r, y, x, [&](int ky, int kx, int iy, int ix) {
                        const double w = static_cast<double>(p.weights[static_cast<std::size_t>(
                            ((f * per_group + c) * r.kernel_h + ky) * r.kernel_w + kx)]);
                        const double a = in[0][at(r.in, group * per_group + c, iy, ix)];
                        const auto in_channel = static_cast<std::size_t>(group * per_group + c);
                        sum += clipped(w, tau.weight_of(in_channel)) *
                               clipped(a, tau.activation_of(in_channel));
                    });
                return sum;
            });
            break;
        }
        case layer_kind::max_pool:
            windowed([&](int c, int y, int x) {
                double best = -std::numeric_limits<double>::infinity();
                for_each_tap(r, y, x, [&](int, int, int iy, int ix) {
                    best = std::max(best, in[0][at(r.in, c, iy, ix)]);
                });
                return best;
            });
            break;
        case layer_kind::average_pool:
            windowed([&](int c, int y, int x) {
                double sum = 0.0;
                int count = 0;
                for_each_tap(r, y, x, [&](int, int, int iy, int ix) {
                    sum += in[0][at(r.in, c, iy, ix)];
                    ++count;
                });
                if (p.count_include_pad) {  // PyTorch: what lies inside of the padded map
                    const int y0 = y * r.stride_h - r.pad_top;
                    const int x0 = x * r.stride_w - r.pad_left;
                    count = (std::min(y0 + r.kernel_h, r.in.height + r.pad_bottom) - y0) *
                            (std::min(x0 + r.kernel_w, r.in.width + r.pad_right) - x0);
                }
                return sum / count;
            });
            break;
        case layer_kind::global_average_pool:
            for (int c = 0; c < r.in.channels; ++c) {
                double sum = 0.0;
                for (int i = 0; i < r.in.height * r.in.width; ++i)
                    sum += in[0][at(r.in, c, 0, 0) + static_cast<std::size_t>(i)];
                out[static_cast<std::size_t>(c)] = sum / static_cast<double>(r.in.pixels());
            }
            break;
        case layer_kind::add:
            for (const values& v : in)
                for (std::size_t i = 0; i < out.size(); ++i) out[i] += v[i];
            break;
        case layer_kind::multiply: {
            const auto pixels = static_cast<std::size_t>(r.out.pixels());
            for (std::size_t i = 0; i < out.size(); ++i) {
                out[i] = 1.0;
                for (const values& v : in) out[i] *= v.size() == out.size() ? v[i] : v[i / pixels];
            }
            break;
        }
        case layer_kind::concat:
            out.clear();
            for (const values& v : in) out.insert(out.end(), v.begin(), v.end());
            break;
        case layer_kind::relu:
        case layer_kind::relu6: {
            double upper = static_cast<double>(p.upper);
            if (r.kind == layer_kind::relu6 && std::isinf(upper)) upper = 6.0;
            each([&](double x) { return std::clamp(x, static_cast<double>(p.lower), upper); });
            break;
        }
        case layer_kind::hardswish:
            each([&](double x) { return x * hardsigmoid(x); });
            break;
        case layer_kind::hardsigmoid:
            each(hardsigmoid);
            break;
        case layer_kind::sigmoid:
            each(sigmoid);
            break;
        case layer_kind::swish:
            each([&](double x) { return x * sigmoid(x); });
            break;
        case layer_kind::flatten:
            out = in[0];
            break;
        case layer_kind::softmax: {
            const auto channels = static_cast<std::size_t>(r.out.channels);
            const std::size_t pixels = out.size() / channels;
            for (std::size_t i = 0; i < pixels; ++i) {
                double sum = 0.0;
                for (std::size_t c = 0; c < channels; ++c) sum += std::exp(in[0][c * pixels + i]);
                for (std::size_t c = 0; c < channels; ++c)
                    out[c * pixels + i] = std::exp(in[0][c * pixels + i]) / sum;
            }
            break;
        }
        default:
            throw hass::error("naive_row: no rule for this kind of row");
    }
    return out;
}

/// Results of all rows for one image.
inline std::vector<values> naive_run(const hass::model& m, const values& image,
                                     const hass::network_thresholds& thresholds) {
    std::vector<values> results;
    for (std::size_t i = 0; i < m.net.rows.size(); ++i) {
        std::vector<values> inputs;
        for (const hass::edge& e : m.net.edges)
            if (static_cast<std::size_t>(e.to) == i)
                inputs.push_back(e.from == hass::network_input
                                     ? image
                                     : results[static_cast<std::size_t>(e.from)]);
        results.push_back(naive_row(m.net.rows[i], m.parameters[i], inputs, thresholds[i]));
    }
    return results;
}

}  // namespace test
