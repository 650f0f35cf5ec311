// Small networks of random integers, and what they compute, in a few lines.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/integer_arithmetic.hpp>
#include <hass/emulate/integer_network.hpp>
#include <hass/workload/layer.hpp>

namespace rtl_test {

using values = std::vector<std::int64_t>;  // of a map: channel by channel

/// A network under way: every row is told what it reads, and gives its index.
class network_builder {
  public:
    network_builder(hass::shape image, int bits, unsigned seed) : image_(image), random_(seed) {
        n_.data_bits = n_.weight_bits = bits;
        n_.input_range = hass::integer_range::of(bits);
    }

    int convolution(int from, int filters, int kernel, int stride = 1, int pad = 0, int groups = 1,
                    bool relu = false, double zeros = 0.2) {
        hass::layer_row row{.kind = hass::layer_kind::convolution, .in = shape_of(from)};
        window(row, kernel, stride, pad);
        row.out.channels = filters;
        row.groups = groups, row.bias = true;
        return compute(row, from, relu, zeros);
    }
    int linear(int from, int classes) {
        hass::layer_row row{.kind = hass::layer_kind::linear, .in = shape_of(from)};
        row.out.channels = classes, row.bias = true;
        return compute(row, from, false, 0.2);
    }
    int pool(hass::layer_kind kind, int from, int kernel, int stride, int pad = 0) {
        hass::layer_row row{.kind = kind, .in = shape_of(from)};
        window(row, kernel, stride, pad);
        row.out.channels = row.in.channels;
        hass::integer_row r;
        if (kind == hass::layer_kind::average_pool) mean(r, row, kernel * kernel);
        return add_row(row, r, {from});
    }
    int global_pool(int from) {
        hass::layer_row row{.kind = hass::layer_kind::global_average_pool, .in = shape_of(from)};
        row.out = {row.in.channels, 1, 1};
        hass::integer_row r;
        mean(r, row, row.in.pixels());
        return add_row(row, r, {from});
    }
    int flatten(int from) {
        hass::layer_row row{.kind = hass::layer_kind::flatten, .in = shape_of(from)};
        row.out = {static_cast<int>(row.in.volume()), 1, 1};
        hass::integer_row r;
        r.passes = true;
        return add_row(row, r, {from});
    }
    int relu(int from) {
        hass::integer_row r;
        r.range.low = 0;
        return same_shape(hass::layer_kind::relu, {from}, r);
    }
    int table(int from) {
        hass::integer_row r;
        for (int x = 0; x < 1 << n_.data_bits; ++x)
            r.table.push_back(static_cast<std::int16_t>(integer(n_.data_bits)));
        return same_shape(hass::layer_kind::hardswish, {from}, r);
    }
    int add(int a, int b) {
        hass::integer_row r;
        r.multipliers = {40000 + integer(14), 50000 + integer(14)}, r.shift = 17;
        return same_shape(hass::layer_kind::add, {a, b}, r);
    }
    int multiply(int a, int b) {
        hass::integer_row r;
        r.multipliers = {30000 + integer(13), 1}, r.shift = 15 + n_.data_bits / 2;
        return same_shape(hass::layer_kind::multiply, {a, b}, r);
    }
    int concat(const std::vector<int>& from) {
        hass::layer_row row{.kind = hass::layer_kind::concat, .in = shape_of(from[0])};
        row.out = row.in;
        row.out.channels = 0;
        for (const int f : from) row.out.channels += shape_of(f).channels;
        return add_row(row, {}, from);
    }

    const hass::integer_network& network() const { return n_; }

    std::vector<std::int64_t> image(double zeros = 0.1) {
        std::vector<std::int64_t> x(static_cast<std::size_t>(image_.volume()));
        for (std::int64_t& v : x)
            v = static_cast<double>(random_()) < zeros * 4294967296.0 ? 0 : integer(n_.data_bits);
        return x;
    }

  private:
    std::int64_t integer(int bits) {
        const std::int64_t half = std::int64_t{1} << (bits - 1);
        return static_cast<std::int64_t>(random_() % static_cast<std::uint32_t>(2 * half - 1)) -
               (half - 1);
    }
    hass::shape shape_of(int row) const {
        return row < 0 ? image_ : n_.net.rows[static_cast<std::size_t>(row)].out;
    }
    static void window(hass::layer_row& row, int kernel, int stride, int pad) {
        row.kernel_h = row.kernel_w = kernel, row.stride_h = row.stride_w = stride;
        row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = pad;
        row.out.height = hass::window_extent(row.in.height, kernel, stride, pad, pad);
        row.out.width = hass::window_extent(row.in.width, kernel, stride, pad, pad);
    }
    /// Scales under which sums of `terms` products of random values fill the range of the data.
    void scale(hass::integer_row& r, const hass::layer_row& row, double largest,
               std::int64_t bias) {
        r.shift = 16;
        while (std::ldexp(largest, -r.shift) * 60000.0 > std::ldexp(1.0, n_.data_bits)) ++r.shift;
        for (int c = 0; c < row.out.channels; ++c)
            r.by.push_back(
                {bias == 0 ? 0 : integer(hass::signed_bits(bias)), 60000 + integer(14), r.shift});
    }
    void mean(hass::integer_row& r, const hass::layer_row& row, std::int64_t count) {
        r.shift = 16;
        for (int c = 0; c < row.out.channels; ++c) r.by.push_back({0, 65536 / count, r.shift});
    }
    int compute(hass::layer_row row, int from, bool relu, double zeros) {
        hass::integer_row r;
        for (std::int64_t w = 0; w < row.weights(); ++w)
            r.weights.push_back(static_cast<double>(random_()) < zeros * 4294967296.0
                                    ? std::int16_t{0}
                                    : static_cast<std::int16_t>(integer(n_.weight_bits)));
        const double terms = static_cast<double>(row.weights() / row.out.channels);
        const double each = std::ldexp(1.0, n_.data_bits + n_.weight_bits - 2);
        scale(r, row, 1.5 * each * std::sqrt(terms), static_cast<std::int64_t>(each));
        if (relu) r.range.low = 0;
        return add_row(row, r, {from}, relu);
    }
    int same_shape(hass::layer_kind kind, const std::vector<int>& from, hass::integer_row r) {
        hass::layer_row row{.kind = kind, .in = shape_of(from[0])};
        row.out = row.in;
        const bool relu = kind == hass::layer_kind::relu;
        return add_row(row, std::move(r), from, relu);
    }
    int add_row(const hass::layer_row& row, hass::integer_row r, const std::vector<int>& from,
                bool relu = false) {
        const int i = static_cast<int>(n_.net.rows.size());
        r.bits = n_.data_bits;
        r.range = hass::integer_range::of(r.bits);
        if (relu) r.range.low = 0;
        n_.net.rows.push_back(row);
        n_.rows.push_back(std::move(r));
        n_.net.names.push_back(std::string(hass::name(row.kind)) + "/" + std::to_string(i));
        for (const int f : from) n_.net.edges.push_back({f, i});
        return i;
    }

    hass::shape image_;
    std::mt19937 random_;
    hass::integer_network n_;
};

/// Every row's map for an image, by the definitions of `integer_row`.
inline std::vector<values> reference(const hass::integer_network& n, const values& image) {
    std::vector<values> maps;
    const auto size = [](std::int64_t x) { return static_cast<std::size_t>(x); };
    for (std::size_t i = 0; i < n.rows.size(); ++i) {
        const hass::layer_row& row = n.net.rows[i];
        const hass::integer_row& r = n.rows[i];
        std::vector<const values*> in;
        for (const int f : hass::inputs_of(n.net, i)) in.push_back(f < 0 ? &image : &maps[size(f)]);
        values out(size(row.out.volume()));
        const auto at = [&](int c, int y, int x, std::int64_t outside) {
            const bool inside = y >= 0 && y < row.in.height && x >= 0 && x < row.in.width;
            return inside ? (*in[0])[size((std::int64_t{c} * row.in.height + y) * row.in.width + x)]
                          : outside;
        };
        for (std::int64_t o = 0; o < row.out.volume(); ++o) {
            const int c = static_cast<int>(o / row.out.pixels());
            const int y = static_cast<int>(o % row.out.pixels()) / row.out.width;
            const int x = static_cast<int>(o % row.out.pixels()) % row.out.width;
            std::int64_t& result = out[size(o)];
            std::int64_t sum = 0, most = -1000000;
            const int first = hass::is_compute(row)
                                  ? c / hass::filters_per_group(row) * hass::channels_per_group(row)
                                  : c;
            const int channels = hass::is_compute(row) ? hass::channels_per_group(row) : 1;
            const bool window = hass::is_compute(row) || row.kind == hass::layer_kind::max_pool ||
                                row.kind == hass::layer_kind::average_pool;
            for (int k = 0; window && k < channels; ++k)
                for (int t = 0; t < hass::taps(row); ++t) {
                    const int ty = y * row.stride_h - row.pad_top + t / row.kernel_w;
                    const int tx = x * row.stride_w - row.pad_left + t % row.kernel_w;
                    const std::int64_t v = at(first + k, ty, tx, 0);
                    most = std::max(most, at(first + k, ty, tx, most));
                    sum += hass::is_compute(row)
                               ? hass::clip(v, r.threshold) *
                                     r.weights[size(
                                         (std::int64_t{c} * channels + k) * hass::taps(row) + t)]
                               : v;
                }
            const auto same = [&](std::size_t k) {
                return (*in[k])[in[k]->size() == out.size() ? size(o) : size(c)];
            };
            switch (row.kind) {
                case hass::layer_kind::convolution:
                case hass::layer_kind::linear:
                case hass::layer_kind::average_pool:
                    result = hass::requantised(sum, r.by[size(c)], r.range);
                    break;
                case hass::layer_kind::global_average_pool:
                    for (std::int64_t p = 0; p < row.in.pixels(); ++p)
                        sum += (*in[0])[size(c * row.in.pixels() + p)];
                    result = hass::requantised(sum, r.by[size(c)], r.range);
                    break;
                case hass::layer_kind::max_pool:
                    result = most;
                    break;
                case hass::layer_kind::add:
                    result = hass::scaled_sum(same(0), r.multipliers[0], same(1), r.multipliers[1],
                                              r.shift, r.range);
                    break;
                case hass::layer_kind::multiply:
                    result = hass::saturate(
                        hass::shift_half_even(same(0) * same(1) * r.multipliers[0], r.shift),
                        r.range);
                    break;
                case hass::layer_kind::concat: {
                    std::int64_t before = o;
                    std::size_t k = 0;
                    while (size(before) >= in[k]->size())
                        before -= static_cast<std::int64_t>(in[k++]->size());
                    result = (*in[k])[size(before)];
                    break;
                }
                case hass::layer_kind::relu:
                    result = hass::saturate(same(0), r.range);
                    break;
                case hass::layer_kind::flatten:
                    result = same(0);
                    break;
                default:
                    result = r.table[size(same(0) & ((1 << n.data_bits) - 1))];
            }
        }
        maps.push_back(std::move(out));
    }
    return maps;
}

}  // namespace rtl_test
