/// \file images.hpp
/// Images and labels as they lie in .npy files.
///
///     const hass::image_set images = hass::read_images("images.npy");
///     const std::vector<int> labels = hass::read_labels("labels.npy");
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/npy.hpp>
#include <hass/files/npz.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Images as they lie in a file: `count` of `each`, N x C x H x W, uint8 or float32.
struct image_set {
    std::size_t count = 0;  ///< N >= 1
    hass::shape each{};     ///< channels x height x width of one image
    npy_array pixels;       ///< type u1 or f4

    /// The same values taken as images of another shape (N x 1 x 28 x 28 as N x 784).
    /// \throws hass::error where the number of values differs
    image_set seen_as(const hass::shape& other) && {
        if (other.volume() != each.volume())
            throw error(text_of({pixels.source, ": images of ", each.volume(),
                                 " values are not images of ", other.volume()}));
        each = other;
        return std::move(*this);
    }

    /// Images `first` to `first + n` as raw float values (uint8 as 0..255), N x C x H x W.
    /// \throws hass::error where the range leaves the set or `out` has another size
    void copy(std::size_t first, std::size_t n, std::span<float> out) const {
        const auto volume = static_cast<std::size_t>(each.volume());
        if (first > count || n > count - first)
            throw error(
                text_of({pixels.source, ": images ", first, " to ", first + n, " of ", count}));
        if (out.size() != n * volume)
            throw error(text_of({pixels.source, ": room for ", out.size(), " values, but ", n,
                                 " images have ", n * volume}));
        if (out.empty()) return;
        const std::byte* from = pixels.bytes.data() + first * volume * size_of(pixels.type);
        if (pixels.type == npy_type::f4) {
            std::memcpy(out.data(), from, out.size_bytes());
        } else {
            for (std::size_t i = 0; i < out.size(); ++i)
                out[i] = static_cast<float>(std::to_integer<int>(from[i]));
        }
    }
};

namespace detail {

/// The same numbers as float32; one that is rounded out of range stays infinite.
inline void round_to_f4(npy_array& array) {
    const std::vector<float> rounded = array.as<float>();
    const std::span bytes = std::as_bytes(std::span(rounded));
    array.bytes.assign(bytes.begin(), bytes.end());
    array.type = npy_type::f4;
}

}  // namespace detail

/// Takes an array as images: integers or floats of any width (other than uint8 rounded to float32),
/// N x C x H x W; N x H x W for one channel; N x features.
/// \throws hass::error naming the file and the field: type, shape, no image, a pixel not finite
inline image_set to_images(npy_array array) {
    const auto fail = [&](const std::string& what) { return error(array.source + ": " + what); };
    if (array.type == npy_type::b1) throw fail("images must be numbers, not of type 'b1'");
    const std::size_t axes = array.shape.size();
    if (axes < 2 || axes > 4)
        throw fail("images must be N x C x H x W, N x H x W or N x features, not " +
                   detail::extents_text(array.shape));
    if (array.shape[0] == 0) throw fail("holds no image");
    for (std::size_t i = 1; i < axes; ++i)
        if (array.shape[i] == 0 || array.shape[i] > (std::size_t{1} << 20))
            throw fail("images of " + detail::extents_text(array.shape) +
                       ": every extent must lie in 1..1048576");
    const auto extent = [&](std::size_t i) { return static_cast<int>(array.shape[i]); };
    image_set images;
    images.count = array.shape[0];
    images.each = axes == 4   ? hass::shape{extent(1), extent(2), extent(3)}
                  : axes == 3 ? hass::shape{1, extent(1), extent(2)}
                              : hass::shape{extent(1), 1, 1};
    if (array.type != npy_type::u1 && array.type != npy_type::f4) detail::round_to_f4(array);
    if (array.type == npy_type::f4) {
        for (std::size_t i = 0; i < array.size(); ++i)
            if (!std::isfinite(detail::load_element<float>(array.bytes.data() + 4 * i)))
                throw fail(text_of({"image ", i / (array.size() / images.count),
                                    " holds a pixel that is not finite"}));
    }
    images.pixels = std::move(array);
    return images;
}

/// Reads images from .npy or .npz (`read_array`); see `to_images`.
inline image_set read_images(const std::filesystem::path& path) {
    return to_images(read_array(path.string()));
}

/// Takes an array as class labels: whole numbers of any type, N or N x 1, each >= 0.
/// \throws hass::error naming the file, the field and the label
inline std::vector<int> to_labels(const npy_array& array) {
    if (array.type == npy_type::b1)
        throw error(array.source + ": labels must be whole numbers, not of type 'b1'");
    if (array.shape.empty() || array.shape.size() > 2 ||
        (array.shape.size() == 2 && array.shape[1] != 1))
        throw error(array.source + ": labels must be one number an image, not " +
                    detail::extents_text(array.shape));
    if (array.type == npy_type::f2 || array.type == npy_type::f4 || array.type == npy_type::f8)
        for (std::size_t i = 0; i < array.size(); ++i)
            if (const auto x = array.at<double>(i); std::trunc(x) != x)
                throw error(
                    text_of({array.source, ": label ", i, " is ", x, ", not a whole number"}));
    std::vector<int> labels = array.as<int>();
    for (std::size_t i = 0; i < labels.size(); ++i)
        if (labels[i] < 0)
            throw error(text_of({array.source, ": label ", i, " is ", labels[i], ", below 0"}));
    return labels;
}

/// Reads class labels from .npy or .npz (`read_array`); see `to_labels`.
inline std::vector<int> read_labels(const std::filesystem::path& path) {
    return to_labels(read_array(path.string()));
}

}  // namespace hass
