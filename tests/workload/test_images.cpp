// Images and labels: what is taken of an array, and what is refused by name.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <hass/workload/images.hpp>
#include <limits>
#include <span>
#include <string>
#include <vector>

using Catch::Matchers::Contains;

TEST_CASE("images are numbers of any type, N x C x H x W, N x H x W or N x features", "[npy]") {
    std::vector<std::uint8_t> bytes(24);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(10 * i);
    const std::span<const std::uint8_t> pixels(bytes);
    const hass::image_set colour = hass::to_images(hass::make_npy({2, 3, 2, 2}, pixels));
    CHECK(colour.count == 2);
    CHECK(colour.each == hass::shape{3, 2, 2});
    std::vector<float> second(12);
    colour.copy(1, 1, second);
    CHECK(second.front() == 120.0F);
    CHECK(second.back() == 230.0F);
    CHECK_THROWS_WITH(colour.copy(1, 2, second), Contains("images 1 to 3 of 2"));
    CHECK_THROWS_AS(colour.copy(0, 2, second), hass::error);
    CHECK(hass::to_images(hass::make_npy({6, 2, 2}, pixels)).each == hass::shape{1, 2, 2});
    CHECK_THROWS_WITH(hass::to_images(hass::make_npy({24}, pixels)), Contains("N x C x H x W"));
    CHECK_THROWS_WITH(hass::to_images(hass::make_npy({0, 3, 2, 2}, pixels.first(0))),
                      Contains("holds no image"));
    CHECK_THROWS_WITH(hass::to_images(hass::make_npy({2, 0, 2, 2}, pixels.first(0))),
                      Contains("every extent"));
    std::vector<float> values(8, 0.5F);
    CHECK(hass::to_images(hass::make_npy({2, 1, 2, 2}, std::span<const float>(values))).count == 2);
    values[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH(hass::to_images(hass::make_npy({2, 1, 2, 2}, std::span<const float>(values))),
                      Contains("image 1") && Contains("not finite"));
    const std::vector<int> whole{-3, 0, 7, 300};  // integers of any width are values, too
    std::vector<float> taken(2);
    const hass::image_set features =
        hass::to_images(hass::make_npy({2, 2}, std::span<const int>(whole)));
    features.copy(1, 1, taken);
    CHECK(features.each == hass::shape{2, 1, 1});
    CHECK(taken == std::vector<float>{7, 300});
    CHECK(hass::to_images(hass::make_npy({2, 3, 2, 2}, pixels)).seen_as({12, 1, 1}).each ==
          hass::shape{12, 1, 1});
    CHECK_THROWS_WITH(hass::to_images(hass::make_npy({2, 3, 2, 2}, pixels)).seen_as({13, 1, 1}),
                      Contains("12 values are not images of 13"));
    // what numpy makes of pixels / 255.0
    std::vector<double> wide(8, 1.0 / 3.0);
    const hass::image_set rounded =
        hass::to_images(hass::make_npy({2, 1, 2, 2}, std::span<const double>(wide)));
    std::vector<float> last(4);
    rounded.copy(1, 1, last);
    CHECK(last == std::vector<float>(4, 1.0F / 3.0F));
    for (const double bad : {1e300, -HUGE_VAL, std::nan("")}) {
        wide[7] = bad;
        CHECK_THROWS_AS(
            hass::to_images(hass::make_npy({2, 1, 2, 2}, std::span<const double>(wide))),
            hass::error);
    }
}

TEST_CASE("labels are whole numbers, not negative, one an image", "[npy]") {
    const std::vector<std::int64_t> wide{0, 9, 999};
    const std::vector<std::uint8_t> narrow{0, 9, 255};
    CHECK(hass::to_labels(hass::make_npy({3}, std::span<const std::int64_t>(wide))) ==
          std::vector<int>{0, 9, 999});
    CHECK(hass::to_labels(hass::make_npy({3, 1}, std::span<const std::uint8_t>(narrow))) ==
          std::vector<int>{0, 9, 255});
    const std::vector<std::int64_t> negative{1, -1};
    CHECK_THROWS_WITH(hass::to_labels(hass::make_npy({2}, std::span<const std::int64_t>(negative))),
                      Contains("label 1 is -1"));
    const std::vector<std::int64_t> huge{1, 1LL << 40};
    CHECK_THROWS_AS(hass::to_labels(hass::make_npy({2}, std::span<const std::int64_t>(huge))),
                    hass::error);
    const auto real = [](std::vector<float> x) {
        return hass::to_labels(hass::make_npy({x.size()}, std::span<const float>(x)));
    };
    CHECK(real({1.0F, 0.0F, 7.0F}) == std::vector<int>{1, 0, 7});
    CHECK_THROWS_WITH(real({1.0F, 0.5F}), Contains("label 1 is 0.5") && Contains("not a whole"));
    CHECK_THROWS_WITH(real({std::nanf("")}), Contains("not a whole number"));
    CHECK_THROWS_AS(real({HUGE_VALF}), hass::error);
    CHECK_THROWS_WITH(real({-1.0F}), Contains("label 0 is -1"));
    CHECK_THROWS_WITH(hass::to_labels(hass::make_npy({1}, std::span<const bool>(std::array{true}))),
                      Contains("not of type 'b1'"));
    CHECK_THROWS_WITH(
        hass::to_labels(hass::make_npy({1, 3}, std::span<const std::uint8_t>(narrow))),
        Contains("one number an image"));
}
