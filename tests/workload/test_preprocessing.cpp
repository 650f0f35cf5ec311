// What a network's input is made of: presets, files that state it, numbers that are refused.
#include <catch2/catch.hpp>
#include <hass/workload/onnx.hpp>
#include <hass/workload/preprocessing.hpp>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onnx_writer.hpp"

namespace {

using Catch::Contains;
using entries = std::vector<std::pair<std::string_view, std::string_view>>;

writer::graph small_network() {
    writer::graph g;
    g.weight("w", {2, 3, 1, 1}).node("Conv", "conv", {"x", "w"});
    return g;
}

}  // namespace

TEST_CASE("a file's metadata states the preprocessing", "[preprocessing]") {
    const entries imagenet{{"author", "somebody"},
                           {"hass.std", "0.229,0.224,0.225"},
                           {"hass.mean", " 0.485, 0.456 ,0.406"},
                           {"hass.scale", "0.003921569"}};
    CHECK(hass::preprocessing_from(imagenet) == hass::preprocessing_named("imagenet"));
    CHECK(!hass::preprocessing_from(entries{{"mean", "1"}, {"hass", "2"}}));

    writer::graph g = small_network();
    CHECK(!hass::parse_onnx(g.file(), "plain.onnx").input);
    for (const auto& [key, value] : imagenet) g.metadata(key, value);
    CHECK(hass::parse_onnx(g.file(), "stated.onnx").input == hass::preprocessing_named("imagenet"));
}

TEST_CASE("metadata that states half, twice or nonsense is refused by its key", "[preprocessing]") {
    const auto refused = [](const entries& metadata) {
        writer::graph g = small_network();
        for (const auto& [key, value] : metadata) g.metadata(key, value);
        try {
            hass::parse_onnx(g.file(), "odd.onnx");
        } catch (const hass::error& e) {
            return std::string(e.what());
        }
        return std::string("accepted");
    };
    const std::pair<std::string_view, std::string_view> scale{"hass.scale", "1"},
        mean{"hass.mean", "0"}, std{"hass.std", "1"};
    CHECK_THAT(refused({scale, std}), Contains("odd.onnx: metadata 'hass.mean' is missing"));
    CHECK_THAT(refused({mean}), Contains("'hass.scale' is missing"));
    CHECK_THAT(refused({scale, mean, std, mean}), Contains("'hass.mean': stands twice"));
    for (const std::string_view bad : {"", "one", "0.5;0.4", "0.5,", ",0.5", "0.5 0.4", "1e99"})
        CHECK_THAT(refused({scale, {"hass.mean", bad}, std}),
                   Contains("'hass.mean': numbers separated by commas"));
    CHECK_THAT(refused({{"hass.scale", "1,1"}, mean, std}), Contains("one number is expected"));
    CHECK_THAT(refused({{"hass.scale", "0"}, mean, std}), Contains("scale must be finite"));
    CHECK_THAT(refused({scale, mean, {"hass.std", "1,0"}}), Contains("std must be finite"));
    CHECK_THAT(refused({scale, {"hass.mean", "nan"}, std}), Contains("mean must be finite"));
}

TEST_CASE("presets have names, others are refused with the nearest one", "[preprocessing]") {
    const hass::preprocessing none = hass::preprocessing_named("none");
    CHECK(none == hass::preprocessing{1.0F, {0.0F}, {1.0F}});
    const hass::preprocessing symmetric = hass::preprocessing_named("symmetric");
    CHECK((255.0F * symmetric.scale - symmetric.mean.at(0)) / symmetric.std.at(0) == 1.0F);
    CHECK((0.0F * symmetric.scale - symmetric.mean.at(0)) / symmetric.std.at(0) == -1.0F);
    CHECK(hass::preprocessing_named("unit").scale == 1.0F / 255.0F);
    CHECK_THROWS_WITH(hass::preprocessing_named("imagnet"), Contains("did you mean 'imagenet'"));
    for (const hass::preprocessing_preset& p : hass::preprocessing_presets)
        CHECK_NOTHROW(hass::validate(hass::preprocessing_named(p.name)));
}

TEST_CASE("numbers that make no input of a pixel are refused", "[preprocessing]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    for (const float scale : {nan, inf, -inf, 0.0F})
        CHECK_THROWS_WITH(hass::validate({scale, {}, {}}),
                          Contains("scale must be finite and not 0"));
    for (const float mean : {nan, inf, -inf})
        CHECK_THROWS_WITH(hass::validate({1.0F, {0.0F, mean}, {}}),
                          Contains("mean must be finite"));
    for (const float std : {nan, 0.0F, -0.0F, 1e-45F})
        CHECK_THROWS_WITH(hass::validate({1.0F, {}, {1.0F, std}}), Contains("std must be finite"));
    CHECK_THROWS_WITH(hass::validate({1.0F, {}, {inf}}), Contains("std must be finite"));
    CHECK_NOTHROW(hass::validate({-1.0F, {-5.0F}, {-0.5F}}));
}
