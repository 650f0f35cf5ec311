/// \file read_boxes.hpp
/// Labels of a detector: a JSON file with a list of images, each with its boxes and their classes.
///
///     [{"boxes": [[x1, y1, x2, y2], ...], "classes": [c, ...]}, ...]
///
/// "width", "height" and "scale" beside them say that the picture had width x height pixels and was
/// scaled into the top left corner of the input: found boxes end where the picture does.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/detection.hpp>
#include <hass/error.hpp>
#include <hass/files/json.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/text.hpp>

namespace hass {

/// Reads true boxes, in pixels of the network's input, of each image. Other keys are the user's own.
/// \throws hass::error naming file, image and field
inline std::vector<labelled_picture> read_boxes(const std::filesystem::path& path) {
    const std::string source = path.string();
    const ordered_json file = ordered_json::parse(read_whole(path), nullptr, false);
    if (!file.is_array()) throw error(source + ": is no JSON list of images");
    std::vector<labelled_picture> all;
    for (const ordered_json& image : file) {
        const auto fail = [&](const std::string& what) {
            return error(text_of({source, ": image ", all.size(), ": ", what}));
        };
        if (!image.is_object() || !image.contains("boxes") || !image.contains("classes") ||
            !image["boxes"].is_array() || !image["classes"].is_array())
            throw fail("has no lists 'boxes' and 'classes'");
        const ordered_json& boxes = image["boxes"];
        const ordered_json& classes = image["classes"];
        if (boxes.size() != classes.size())
            throw fail(text_of({boxes.size(), " boxes, but ", classes.size(), " classes"}));
        labelled_picture picture;
        if (image.contains("width") && image.contains("height") && image.contains("scale")) {
            for (const char* key : {"width", "height", "scale"})
                if (!image[key].is_number() || !(image[key].get<double>() > 0.0))
                    throw fail(text_of({"'", key, "' is no number above 0"}));
            const auto scale = image["scale"].get<float>();
            picture.width = image["width"].get<float>() * scale;
            picture.height = image["height"].get<float>() * scale;
        }
        std::vector<detection>& found = picture.boxes;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            std::vector<float> corners;
            if (boxes[i].is_array() && boxes[i].size() == 4)
                for (const ordered_json& x : boxes[i])
                    if (x.is_number()) corners.push_back(x.get<float>());
            if (corners.size() != 4) throw fail(text_of({"box ", i, " is not [x1, y1, x2, y2]"}));
            for (const float x : corners)
                if (!std::isfinite(x)) throw fail(text_of({"box ", i, " is not finite"}));
            constexpr std::int64_t most_classes = 1 << 20;
            if (!classes[i].is_number_integer() || classes[i].get<std::int64_t>() < 0 ||
                classes[i].get<std::int64_t>() > most_classes)
                throw fail(text_of({"class of box ", i, " is no number from 0"}));
            found.push_back(
                {corners[0], corners[1], corners[2], corners[3], classes[i].get<int>(), 1.0F});
        }
        all.push_back(std::move(picture));
    }
    if (all.empty()) throw error(source + ": holds no image");
    return all;
}

}  // namespace hass
