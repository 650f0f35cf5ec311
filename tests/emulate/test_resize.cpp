// Images of another size: bytes as Pillow 9.4 gives them, floats against a direct sum.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <hass/emulate/resize.hpp>

#include "networks.hpp"

namespace {

hass::image_set bytes(int height, int width) {
    std::vector<std::uint8_t> pixels;
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                pixels.push_back(
                    static_cast<std::uint8_t>((37 * y * y + 91 * x + 53 * c * x * y) % 256));
    return hass::to_images(hass::make_npy<std::uint8_t>(
        {1, 3, static_cast<std::size_t>(height), static_cast<std::size_t>(width)}, pixels));
}

}  // namespace

TEST_CASE("bytes are resized and cut out as Pillow does it, to the bit") {
    struct recorded {
        int height, width, side;
        std::uint64_t sum;  // sum = sum * 131 + value, modulo 1e9 + 7
        std::vector<int> first;
    };
    for (const recorded& r :
         {recorded{9, 13, 7, 512667441, {111, 78, 181, 70, 155, 156, 106}},
          recorded{40, 31, 14, 458169697, {142, 139, 127, 119, 141, 140, 104}},
          recorded{5, 4, 14, 116689110, {14, 25, 48, 71, 94, 116, 139}},
          recorded{64, 64, 28, 715828029, {107, 121, 119, 129, 151, 141, 115}}}) {
        const hass::image_set out = hass::resized(bytes(r.height, r.width), {3, r.side, r.side});
        REQUIRE(out.each == hass::shape{3, r.side, r.side});
        REQUIRE(out.pixels.type == hass::npy_type::u1);
        const std::vector<int> values = out.pixels.as<int>();
        CHECK(std::vector<int>(values.begin(), values.begin() + 7) == r.first);
        std::uint64_t sum = 0;
        for (const int v : values)
            sum = (sum * 131 + static_cast<std::uint64_t>(v)) % 1'000'000'007;
        CHECK(sum == r.sum);
    }
}

TEST_CASE(
    "floats agree with the sum over the whole image; constants and ramps stay what they are") {
    std::mt19937 bits(7);
    const hass::image_set in = test::float_images(bits, {2, 11, 17}, 2);
    const hass::image_set out = hass::resized(in, {2, 7, 7});
    const std::vector<float> from = in.pixels.as<float>();
    const std::vector<float> to = out.pixels.as<float>();
    REQUIRE(to.size() == 2 * 2 * 49);
    // 11 x 17 becomes 8 x 12 (the shorter side 8/7 of 7); rows 0.. and columns 2.. are cut out.
    const auto weight = [](int o, int i, long double scale) {
        const long double support = std::max(scale, 1.0L);
        return std::max(0.0L, 1.0L - std::abs((i + 0.5L - (o + 0.5L) * scale) / support));
    };
    for (int map = 0; map < 4; ++map)
        for (int y = 0; y < 7; ++y)
            for (int x = 0; x < 7; ++x) {
                long double sum = 0, total = 0;
                for (int iy = 0; iy < 11; ++iy)
                    for (int ix = 0; ix < 17; ++ix) {
                        const long double w =
                            weight(y, iy, 11.0L / 8) * weight(x + 2, ix, 17.0L / 12);
                        sum += w * static_cast<long double>(
                                       from[static_cast<std::size_t>((map * 11 + iy) * 17 + ix)]);
                        total += w;
                    }
                REQUIRE(to[static_cast<std::size_t>((map * 7 + y) * 7 + x)] ==
                        Approx(static_cast<double>(sum / total)).margin(1e-6));
            }
    std::vector<float> flat(3 * 50 * 40, 0.25F);
    const hass::image_set constant =
        hass::to_images(hass::make_npy<float>({1, 3, 50, 40}, std::span<const float>(flat)));
    for (const float v : hass::resized(constant, {3, 28, 21}).pixels.as<float>())
        REQUIRE(v == Approx(0.25F));
}

TEST_CASE("images of the right size are left alone, other channels are refused") {
    const hass::image_set in = bytes(8, 8);
    CHECK(hass::resized(in, {3, 8, 8}).pixels.bytes == in.pixels.bytes);
    CHECK_THROWS_WITH(hass::resized(in, {1, 8, 8}),
                      "array: images of 3 channels cannot be resized to 1");
}
