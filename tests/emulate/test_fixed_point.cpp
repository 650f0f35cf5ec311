// Fixed point against integers and long doubles.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <hass/emulate/fixed_point.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>

#include "../statistics/random_layers.hpp"
#include "naive.hpp"
#include "networks.hpp"

namespace {

using hass::scale_of;

/// The integer that stands for x: to the nearest, ties to even, in long double.
std::int64_t level(float x, float largest, int bits) {
    const auto levels = static_cast<long double>((1 << (bits - 1)) - 1);
    const auto step = static_cast<long double>(largest / static_cast<float>(levels));
    if (step == 0.0L) return 0;
    // the quotient is a float32 in the emulator as well
    const auto q = static_cast<long double>(static_cast<float>(static_cast<long double>(x) / step));
    return static_cast<std::int64_t>(std::clamp(std::nearbyint(q), -levels, levels));
}
float step_of(float largest, int bits) {
    return largest / static_cast<float>((1 << (bits - 1)) - 1);
}

/// One compute row: integers multiplied and added up, scaled at the end.
std::vector<long double> integer_row(const hass::layer_row& r, const hass::layer_parameters& p,
                                     const std::vector<float>& image,
                                     const std::vector<float>& largest, const hass::fixed_point& f,
                                     const hass::layer_thresholds& tau) {
    const auto filters = static_cast<std::size_t>(r.out.channels);
    const std::size_t per_filter = p.weights.size() / filters;
    const int channels = r.in.channels / r.groups;
    const auto most = [](auto begin, auto end) {
        float m = 0.0F;
        for (auto i = begin; i != end; ++i) m = std::max(m, std::abs(*i));
        return m;
    };
    const float all_weights = most(p.weights.begin(), p.weights.end());
    const float all_inputs = most(largest.begin(), largest.end());
    const auto survives = [](std::int64_t q, float step, double threshold) {
        return std::abs(static_cast<float>(q) * step) >= static_cast<float>(threshold);
    };
    std::vector<long double> out;
    for (int o = 0; o < r.out.channels; ++o) {
        const auto begin = p.weights.begin() + static_cast<std::ptrdiff_t>(per_filter) * o;
        const float weight_end = f.weights == scale_of::tensor
                                     ? all_weights
                                     : most(begin, begin + static_cast<std::ptrdiff_t>(per_filter));
        const float weight_step = step_of(weight_end, f.weight_bits);
        for (int y = 0; y < r.out.height; ++y)
            for (int x = 0; x < r.out.width; ++x) {
                long double sum = p.bias.empty() ? 0.0L : p.bias[static_cast<std::size_t>(o)];
                for (int c = 0; c < channels; ++c) {
                    const int in = o / (r.out.channels / r.groups) * channels + c;
                    const float end = f.data == scale_of::tensor
                                          ? all_inputs
                                          : largest[static_cast<std::size_t>(in)];
                    const float data_step = step_of(end, f.data_bits);
                    std::int64_t integer = 0;
                    test::for_each_tap(r, y, x, [&](int ky, int kx, int iy, int ix) {
                        const std::int64_t w = level(begin[(c * r.kernel_h + ky) * r.kernel_w + kx],
                                                     weight_end, f.weight_bits);
                        const std::int64_t a =
                            level(image[static_cast<std::size_t>(
                                      (in * r.in.height + iy) * r.in.width + ix)],
                                  end, f.data_bits);
                        if (survives(w, weight_step, tau.weight) &&
                            survives(a, data_step, tau.activation))
                            integer += w * a;
                    });
                    sum += static_cast<long double>(integer) *
                           static_cast<long double>(weight_step) *
                           static_cast<long double>(data_step);
                }
                out.push_back(sum);
            }
    }
    return out;
}

}  // namespace

TEST_CASE("quantizers round to the nearest, of two to the even one, and saturate") {
    const hass::quantizer g = hass::quantizer::of(127.0F * 0.25F, 8);
    CHECK(g.step == 0.25F);
    CHECK(g.round(0.125F) == 0.0F);    // 0.5 -> 0
    CHECK(g.round(0.375F) == 0.5F);    // 1.5 -> 2
    CHECK(g.round(-0.625F) == -0.5F);  // -2.5 -> -2
    CHECK(g.round(0.3F) == 0.25F);
    CHECK(g.round(1000.0F) == 31.75F);
    CHECK(g.round(-1000.0F) == -31.75F);
    CHECK(hass::quantizer::of(0.0F, 8).round(3.0F) == 0.0F);
    std::mt19937 bits(5);
    for (int trial = 0; trial < 20000; ++trial) {
        const int width = 2 + static_cast<int>(bits() % 15);
        const float largest = test::uniform(bits, 0.01F, 9.0F);
        const float x = test::uniform(bits, -10.0F, 10.0F);
        const auto expected =
            static_cast<float>(level(x, largest, width)) * step_of(largest, width);
        REQUIRE(hass::quantizer::of(largest, width).round(x) == expected);
    }
}

TEST_CASE("compute rows in fixed point agree with integers") {
    std::mt19937 bits(29);
    for (int trial = 0; trial < 60; ++trial) {
        hass::layer_row row = test::random_row(bits);
        row.bias = trial % 2 == 0;
        const hass::model m = test::make_model(bits, {row});
        hass::fixed_point f;
        f.weight_bits = trial % 3 == 0 ? 8 : 16, f.data_bits = trial % 5 == 0 ? 16 : 8;
        f.weights = trial % 4 < 2 ? scale_of::tensor : scale_of::channel;
        f.data = trial % 2 == 0 ? scale_of::tensor : scale_of::channel;
        const hass::network_thresholds tau{trial % 3 == 0 ? hass::layer_thresholds{}
                                                          : hass::layer_thresholds{0.1, 0.4}};
        const hass::emulator exact(m);
        const hass::image_set images = test::float_images(bits, row.in, 3);
        const hass::emulator rounded = hass::in_fixed_point(exact, images, f);
        const std::vector<float> answers = rounded.logits(images, tau);
        const std::vector<float> largest = exact.largest_inputs(images).front();
        std::vector<float> image(static_cast<std::size_t>(row.in.volume()));
        for (std::size_t n = 0; n < 3; ++n) {
            images.copy(n, 1, image);
            const auto expected = integer_row(row, m.parameters[0], image, largest, f, tau.front());
            for (std::size_t i = 0; i < expected.size(); ++i)
                REQUIRE(answers[n * expected.size() + i] ==
                        Approx(static_cast<double>(expected[i])).margin(2e-5));
        }
    }
}

TEST_CASE("values that round to zero are zeros of the statistics") {
    std::mt19937 bits(31);
    const hass::model m = test::make_model(bits, {test::conv({4, 6, 6}, 5, 3, 1, 1)});
    const hass::emulator exact(m);
    const hass::image_set images = test::float_images(bits, {4, 6, 6}, 7);
    const std::vector<int> labels(7, 0);
    const hass::network_thresholds zero(1);
    const hass::emulator coarse =
        hass::in_fixed_point(exact, images, {3, 3, scale_of::tensor, scale_of::tensor});
    const hass::layer_statistics s = coarse.run(images, labels, zero).statistics.front();
    std::size_t zeros = 0;
    std::vector<float> pixels(7 * 144);
    images.copy(0, 7, pixels);
    const std::vector<float> inputs = exact.largest_inputs(images).front();
    const float largest = *std::max_element(inputs.begin(), inputs.end());
    for (const float x : pixels) zeros += level(x, largest, 3) == 0 ? 1U : 0U;
    CHECK(s.activation_sparsity == Approx(static_cast<double>(zeros) / (7 * 144)));
    CHECK(s.activation_sparsity > 0.1);
    CHECK(s.weight_sparsity > 0.1);
    CHECK_THROWS_WITH(hass::in_fixed_point(exact, images, {17, 8}),
                      "fixed point: 17 bits, must be within 2 and 16");
    CHECK_THROWS_AS(hass::in_fixed_point(exact, images, {8, 1}), hass::error);
}

TEST_CASE("bits that are asked for hold for rows of a quantised file, too", "[fixed]") {
    const std::string folder = std::string(HASS_TEST_DATA) + "/exported/more/quantised/";
    const hass::emulator as_is(hass::load_onnx(folder + "model.onnx"),
                               {1.0F / 64.0F, {2.0F, 2.0F, 2.0F}, {1.0F, 1.0F, 1.0F}});
    hass::image_set images = hass::read_images(folder + "images.npy");
    images.count = 2;
    const std::vector<float> file = as_is.logits(images);
    const std::vector<float> few = in_fixed_point(as_is, images, {8, 4}).logits(images);
    CHECK(few != file);
    CHECK(few != in_fixed_point(as_is, images, {8, 8}).logits(images));
}
