/// \file preprocessing.hpp
/// What a network's input is made of: x = (pixel * scale - mean) / std, in float32. It belongs to
/// the trained network: other numbers than those of its training give other answers, and nothing
/// else shows it. An ONNX file carries it in its `metadata_props`:
///
///     hass.scale   one number                     0.00392156886
///     hass.mean    one a channel, or one for all  0.485,0.456,0.406
///     hass.std     likewise                       0.229,0.224,0.225
///
/// all three or none, as text, separated by commas.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hass/error.hpp>

namespace hass {

/// From pixels to the network's input: x = (pixel * scale - mean) / std. `mean` and `std` hold one
/// value a channel, or one for all, or none (0 and 1).
struct preprocessing {
    float scale = 1.0F;       ///< pixels are multiplied by it first
    std::vector<float> mean;  ///< then taken off, one a channel
    std::vector<float> std;   ///< then divided by, one a channel

    bool operator==(const preprocessing&) const = default;
};

/// What networks are commonly trained with; pixels are 0..255.
struct preprocessing_preset {
    std::string_view name;      ///< as `--preprocessing` takes it
    std::string_view summary;   ///< for people
    float scale;                ///< see `preprocessing`
    std::array<float, 3> mean;  ///< of R, G, B
    std::array<float, 3> std;   ///< of R, G, B
    std::size_t channels;       ///< 1: mean and std are the same for every channel
};

/// All that have a name.
inline constexpr std::array<preprocessing_preset, 4> preprocessing_presets{{
    {"none", "pixels as they are", 1.0F, {0.0F}, {1.0F}, 1},
    {"unit", "0..255 to 0..1", 1.0F / 255.0F, {0.0F}, {1.0F}, 1},
    {"symmetric", "0..255 to -1..1 (TensorFlow)", 1.0F, {127.5F}, {127.5F}, 1},
    {"imagenet",
     "0..255 to 0..1, then ImageNet's mean and deviation (torchvision)",
     1.0F / 255.0F,
     {0.485F, 0.456F, 0.406F},
     {0.229F, 0.224F, 0.225F},
     3},
}};

/// The preset of that name. \throws hass::error with the nearest one
inline preprocessing preprocessing_named(std::string_view name) {
    std::vector<std::string_view> names;
    for (const preprocessing_preset& p : preprocessing_presets) {
        if (p.name == name)
            return {p.scale,
                    {p.mean.begin(), p.mean.begin() + static_cast<std::ptrdiff_t>(p.channels)},
                    {p.std.begin(), p.std.begin() + static_cast<std::ptrdiff_t>(p.channels)}};
        names.push_back(p.name);
    }
    throw unknown_name("preprocessing", name, names);
}

/// Refuses what cannot make an input of a pixel.
/// \throws hass::error for a scale that is not finite, 0 or so small that it takes every pixel to
/// 0,
///         a mean that is not finite, a deviation that is 0, not finite or so small that it takes a
///         pixel to infinity
inline void validate(const preprocessing& p) {
    const auto require = [](bool holds, const char* what, float value) {
        if (holds) return;
        std::array<char, 32> text{};
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
        throw error("preprocessing: " + std::string(what) + ", but is " +
                    std::string(text.data(), end));
    };
    require(std::isnormal(p.scale), "scale must be finite and not 0", p.scale);
    constexpr float brightest = 255.0F;
    float largest = brightest * std::abs(p.scale);
    for (const float m : p.mean) {
        require(std::isfinite(m), "mean must be finite", m);
        largest = std::max(largest, brightest * std::abs(p.scale) + std::abs(m));
    }
    require(std::isfinite(largest), "scale must keep pixels finite", p.scale);
    for (const float s : p.std)
        require(std::isfinite(s) && std::isfinite(1.0F / s) && std::isfinite(largest / s),
                "std must be finite and not 0, nor too small to divide by", s);
}

namespace detail {

/// The numbers of a metadata entry, separated by commas. \throws hass::error naming the key
inline std::vector<float> comma_separated(std::string_view key, std::string_view text) {
    std::vector<float> numbers;
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto skip_blanks = [&] {
        while (at != end && *at == ' ') ++at;
    };
    for (bool more = true; more;) {
        skip_blanks();
        const auto [read, wrong] = std::from_chars(at, end, numbers.emplace_back());
        at = read;
        skip_blanks();
        more = wrong == std::errc{} && at != end && *at == ',';
        if (wrong != std::errc{} || (!more && at != end))
            throw error("metadata '" + std::string(key) +
                        "': numbers separated by commas are expected");
        if (more) ++at;
    }
    return numbers;
}

}  // namespace detail

/// The preprocessing that a file's metadata states, if it does.
/// \param metadata  keys and values; others than `hass.scale`, `hass.mean`, `hass.std` are ignored
/// \throws hass::error naming the key: a value that is no number, one of the three without the
///         others, a key twice, numbers that `validate` refuses
inline std::optional<preprocessing> preprocessing_from(
    std::span<const std::pair<std::string_view, std::string_view>> metadata) {
    constexpr std::array<std::string_view, 3> keys{"hass.scale", "hass.mean", "hass.std"};
    std::array<std::vector<float>, 3> numbers;
    bool stated = false;
    for (const auto& entry : metadata) {
        const auto k = static_cast<std::size_t>(std::find(keys.begin(), keys.end(), entry.first) -
                                                keys.begin());
        if (k == keys.size()) continue;
        if (!numbers[k].empty())
            throw error("metadata '" + std::string(keys[k]) + "': stands twice");
        numbers[k] = detail::comma_separated(keys[k], entry.second);
        stated = true;
    }
    if (!stated) return std::nullopt;
    for (std::size_t k = 0; k < keys.size(); ++k)
        if (numbers[k].empty())
            throw error("metadata '" + std::string(keys[k]) +
                        "' is missing; it goes with hass.scale, hass.mean and hass.std");
    if (numbers[0].size() != 1) throw error("metadata 'hass.scale': one number is expected");
    preprocessing p{numbers[0][0], std::move(numbers[1]), std::move(numbers[2])};
    validate(p);
    return p;
}

}  // namespace hass
