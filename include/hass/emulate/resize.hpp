/// \file resize.hpp
/// Images of another size brought to the network's: as the networks of ImageNet are fed, the
/// shorter side is scaled to 8/7 of the target (256 for 224), bilinear with antialiasing, and the
/// middle is cut out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

namespace detail {

/// Weights of the input positions that one output position averages: a triangle as wide as the
/// reduction, at least 1 (Pillow, Resample.c).
struct resampling {
    std::size_t first = 0;
    std::vector<double> weights;
};

inline std::vector<resampling> bilinear(int in, int out) {
    const double scale = static_cast<double>(in) / out;
    const double support = std::max(scale, 1.0);
    std::vector<resampling> all;
    for (int o = 0; o < out; ++o) {
        const double center = (o + 0.5) * scale;
        const int first = std::max(0, static_cast<int>(center - support + 0.5));
        const int end = std::min(in, static_cast<int>(center + support + 0.5));
        resampling r{static_cast<std::size_t>(first), {}};
        double sum = 0.0;
        for (int i = first; i < end; ++i) {
            r.weights.push_back(std::max(0.0, 1.0 - std::abs((i - center + 0.5) / support)));
            sum += r.weights.back();
        }
        for (double& w : r.weights) w /= sum;
        all.push_back(std::move(r));
    }
    return all;
}

/// One output value; bytes in Pillow's fixed point, to the bit.
template <class Pixel>
Pixel resampled(const Pixel* from, std::size_t stride, const resampling& r) {
    if constexpr (std::is_same_v<Pixel, std::uint8_t>) {
        constexpr int fraction = 22;
        std::int64_t sum = std::int64_t{1} << (fraction - 1);
        for (std::size_t k = 0; k < r.weights.size(); ++k)
            sum += static_cast<std::int64_t>(0.5 + r.weights[k] * (1 << fraction)) *
                   from[(r.first + k) * stride];
        return static_cast<std::uint8_t>(
            std::clamp<std::int64_t>(sum >> fraction, std::int64_t{0}, std::int64_t{255}));
    } else {
        double sum = 0.0;
        for (std::size_t k = 0; k < r.weights.size(); ++k)
            sum += r.weights[k] * static_cast<double>(from[(r.first + k) * stride]);
        return static_cast<Pixel>(sum);
    }
}

/// Scales one map along x and then along y, computing only the part that is cut out.
template <class Pixel>
void resize_map(const Pixel* from, const shape& in, std::span<const resampling> rows,
                std::span<const resampling> columns, std::vector<Pixel>& lines, Pixel* to) {
    const auto width = static_cast<std::size_t>(in.width);
    const auto height = static_cast<std::size_t>(in.height);
    lines.resize(height * columns.size());
    for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < columns.size(); ++x)
            lines[y * columns.size() + x] = resampled(from + y * width, 1, columns[x]);
    for (const resampling& row : rows)
        for (std::size_t x = 0; x < columns.size(); ++x)
            *to++ = resampled(lines.data() + x, columns.size(), row);
}

}  // namespace detail

/// The images at another height and width, their type unchanged.
/// \throws hass::error naming the file when the number of channels differs
inline image_set resized(const image_set& images, const shape& to) {
    const shape& in = images.each;
    if (in.channels != to.channels)
        throw error(text_of({images.pixels.source, ": images of ", in.channels,
                             " channels cannot be resized to ", to.channels}));
    if (in == to) return images;
    // Both sides at least 8/7 of the target; the one that decides exactly, rounded.
    const auto enough = [](int side) { return (16 * side + 7) / 14; };
    int height = enough(to.height);
    int width = enough(to.width);
    if (std::int64_t{in.height} * width >= std::int64_t{in.width} * height)
        height = static_cast<int>(std::int64_t{in.height} * width / in.width);
    else
        width = static_cast<int>(std::int64_t{in.width} * height / in.height);
    const auto middle = [](int whole, int part) {
        return static_cast<std::size_t>(std::nearbyint((whole - part) / 2.0));
    };
    const std::vector<detail::resampling> all_rows = detail::bilinear(in.height, height);
    const std::vector<detail::resampling> all_columns = detail::bilinear(in.width, width);
    const auto rows =
        std::span(all_rows).subspan(middle(height, to.height), static_cast<std::size_t>(to.height));
    const auto columns =
        std::span(all_columns).subspan(middle(width, to.width), static_cast<std::size_t>(to.width));
    const auto scale = [&]<class Pixel>(Pixel) {
        const auto from_size = static_cast<std::size_t>(in.pixels());
        const auto to_size = static_cast<std::size_t>(to.pixels());
        const std::size_t maps = images.count * static_cast<std::size_t>(in.channels);
        std::vector<Pixel> out(maps * to_size);
        std::vector<Pixel> lines;
        std::vector<Pixel> map(from_size);
        for (std::size_t m = 0; m < maps; ++m) {
            std::memcpy(map.data(), images.pixels.bytes.data() + m * from_size * sizeof(Pixel),
                        from_size * sizeof(Pixel));
            detail::resize_map<Pixel>(map.data(), in, rows, columns, lines,
                                      out.data() + m * to_size);
        }
        npy_array array = make_npy<Pixel>(
            {images.count, static_cast<std::size_t>(to.channels),
             static_cast<std::size_t>(to.height), static_cast<std::size_t>(to.width)},
            out);
        array.source = images.pixels.source;
        return to_images(std::move(array));
    };
    return images.pixels.type == npy_type::u1 ? scale(std::uint8_t{}) : scale(float{});
}

}  // namespace hass
