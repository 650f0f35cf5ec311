/// \file inputs.hpp
/// Networks of several inputs: their arrays put together as the one image that the network takes.
///
///     const hass::model model = hass::load_onnx("bert.onnx");
///     const hass::image_set images = hass::read_inputs(model, "ids.npy,mask.npy");
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/npy.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/model.hpp>

namespace hass {

/// Arrays of a network's inputs, in the file's order, side by side sample by sample.
/// \throws hass::error for another number of arrays than inputs, of samples than in the first array,
///         or of values than the input takes
inline image_set stacked_inputs(const model& m, std::span<const image_set> arrays) {
    if (arrays.size() != m.inputs.size())
        throw error(text_of({m.source, ": takes ", m.inputs.size(), " inputs, but ", arrays.size(),
                             " arrays are given"}));
    image_set all;
    all.count = arrays[0].count, all.each = image_shape(m);
    for (std::size_t k = 0; k < arrays.size(); ++k) {
        const std::string& source = arrays[k].pixels.source;
        if (arrays[k].count != all.count)
            throw error(text_of({source, ": ", arrays[k].count, " samples beside the ", all.count,
                                 " of ", arrays[0].pixels.source}));
        if (arrays[k].each.volume() != m.inputs[k].each.volume())
            throw error(
                text_of({source, ": samples of ", arrays[k].each.volume(), " values, but input '",
                         m.inputs[k].name, "' takes ", m.inputs[k].each.volume()}));
        all.pixels.source += (k > 0 ? "," : "") + source;
    }
    const auto volume = static_cast<std::size_t>(all.each.volume());
    std::vector<float> values(all.count * volume);
    for (std::size_t k = 0; k < arrays.size(); ++k) {
        const auto part = static_cast<std::size_t>(arrays[k].each.volume());
        for (std::size_t n = 0; n < all.count; ++n)
            arrays[k].copy(n, 1,
                           std::span(values).subspan(
                               n * volume + static_cast<std::size_t>(m.inputs[k].first), part));
    }
    const std::span<const std::byte> bytes = std::as_bytes(std::span(values));
    all.pixels.bytes.assign(bytes.begin(), bytes.end());
    all.pixels.type = npy_type::f4;
    all.pixels.shape = {all.count, static_cast<std::size_t>(all.each.channels),
                        static_cast<std::size_t>(all.each.height),
                        static_cast<std::size_t>(all.each.width)};
    return all;
}

/// Reads the images of a network: one array or, of a network of several inputs, one for each,
/// separated by commas, in the file's order.
/// \throws hass::error as `read_images` and `stacked_inputs`
inline image_set read_inputs(const model& m, std::string_view files) {
    std::vector<image_set> arrays;
    if (m.inputs.empty()) return read_images(std::string(files));
    for (std::size_t first = 0; first <= files.size();) {
        const std::size_t end = std::min(files.find(',', first), files.size());
        arrays.push_back(read_images(std::string(files.substr(first, end - first))));
        first = end + 1;
    }
    return stacked_inputs(m, arrays);
}

}  // namespace hass
