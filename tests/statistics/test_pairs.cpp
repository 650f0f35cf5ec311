// Joint zeros by masks against every multiply-accumulate counted one by one.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <hass/statistics/depthwise_windows.hpp>
#include <hass/statistics/product_windows.hpp>
#include <hass/statistics/tap_counts.hpp>
#include <hass/statistics/tensor_statistics.hpp>

#include "random_layers.hpp"

namespace {

hass::network alone(const hass::layer_row& row) {
    return {{row}, {{-1, 0}}, {"layer"}};
}

void compare(const hass::layer_row& row, const std::vector<float>& weights,
             const std::vector<float>& activations, double tau_w, double tau_a) {
    INFO(test::describe(row) << "tau " << tau_w << " " << tau_a);
    const hass::network net = alone(row);
    const auto measured = hass::measure_tensors(net, std::array{std::span(weights)},
                                                std::array{std::span(activations)});
    const hass::layer_statistics s = measured.at({{tau_w, tau_a}}).front();
    const auto images = static_cast<double>(measured.images());
    const int per_group = hass::channels_per_group(row);
    std::size_t histograms = 0;
    for (int channels = 1; channels <= 16; channels *= 2) {
        const hass::window_histogram* h = s.windows_of(channels);
        const bool expected = (channels == 1 || hass::taps(row) == 1) && per_group % channels == 0;
        REQUIRE((h != nullptr) == expected);
        if (!expected) continue;
        ++histograms;
        const test::brute_force counts =
            test::count_one_by_one(row, weights, activations, static_cast<float>(tau_w),
                                   static_cast<float>(tau_a), channels);
        REQUIRE(h->length == channels * hass::taps(row));
        REQUIRE(h->share.size() == counts.windows.size());
        REQUIRE(h->blocks() == static_cast<std::size_t>(row.in.channels / channels));
        const double windows =
            images * static_cast<double>(row.out.pixels()) * hass::filters_per_group(row);
        for (std::size_t i = 0; i < counts.windows.size(); ++i)
            REQUIRE(h->share[i] == static_cast<double>(counts.windows[i]) / windows);
        const auto zeros = [&](std::uint64_t of) {
            return of == 0 ? 0.0
                           : 1.0 - static_cast<double>(counts.pairs) / static_cast<double>(of);
        };
        REQUIRE(s.pair_sparsity == zeros(counts.inside));
        REQUIRE(s.pair_sparsity_padded == zeros(counts.all));
    }
    REQUIRE(histograms == s.windows.size());
    const auto share = [](const std::vector<float>& values, double tau) {
        std::size_t zeros = 0;
        for (const float x : values) zeros += test::survives(x, static_cast<float>(tau)) ? 0U : 1U;
        return static_cast<double>(zeros) / static_cast<double>(values.size());
    };
    REQUIRE(s.weight_sparsity == Approx(share(weights, tau_w)).margin(1e-15));
    REQUIRE(s.activation_sparsity == Approx(share(activations, tau_a)).margin(1e-15));
    hass::layer_statistics without = s;  // what is left where nobody asks for windows
    without.windows.clear();
    REQUIRE(measured.at({{tau_w, tau_a}}, {.windows = false}).front() == without);
}

}  // namespace

TEST_CASE("window histograms and pair sparsities equal a count one by one") {
    std::mt19937 bits(7);
    for (int i = 0; i < 150; ++i) {
        const hass::layer_row row = test::random_row(bits);
        const auto weights =
            test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        const auto activations =
            test::random_values(bits, 3 * static_cast<std::size_t>(row.in.volume()));
        const double tau_w = i % 3 == 0 ? 0.0 : 0.4;
        const double tau_a = i % 2 == 0 ? 0.0 : 0.3;
        compare(row, weights, activations, tau_w, tau_a);
    }
}

TEST_CASE("pointwise and linear layers have windows of up to 16 channels") {
    std::mt19937 bits(11);
    for (const int channels : {16, 24, 32, 48, 6}) {
        hass::layer_row row;
        row.kind = channels == 24 ? hass::layer_kind::linear : hass::layer_kind::convolution;
        row.in = {channels, channels == 24 ? 1 : 6, channels == 24 ? 1 : 5};
        row.out = {19, row.in.height, row.in.width};
        compare(row, test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row))),
                test::random_values(bits, 40 * static_cast<std::size_t>(row.in.volume())), 0.2,
                0.2);
    }
}

TEST_CASE("kernels of 25 and 49 taps are counted by their unique masks") {
    std::mt19937 bits(5);
    for (const int kernel : {5, 7}) {
        hass::layer_row row;
        row.in = {2, 12, 11};
        row.kernel_h = row.kernel_w = kernel;
        row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = kernel / 2;
        row.stride_h = row.stride_w = kernel == 7 ? 2 : 1;
        row.out = {5, kernel == 7 ? 6 : 12, kernel == 7 ? 6 : 11};
        compare(row, test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row))),
                test::random_values(bits, 2 * static_cast<std::size_t>(row.in.volume())), 0.1, 0.1);
    }
}

TEST_CASE("kernels of more than 64 taps have exact pair counts and no histogram") {
    std::mt19937 bits(3);
    hass::layer_row row;
    row.in = {3, 13, 12};
    row.kernel_h = row.kernel_w = 9;
    row.pad_top = row.pad_left = 2;
    row.out = {4, 7, 6};
    const auto weights =
        test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
    const auto activations =
        test::random_values(bits, 2 * static_cast<std::size_t>(row.in.volume()));
    const auto s = hass::measure_tensors(alone(row), std::array{std::span(weights)},
                                         std::array{std::span(activations)})
                       .at({{0.2, 0.1}})
                       .front();
    const auto counts = test::count_one_by_one(row, weights, activations, 0.2F, 0.1F, 1);
    CHECK(s.windows.empty());
    CHECK(s.pair_sparsity ==
          1.0 - static_cast<double>(counts.pairs) / static_cast<double>(counts.inside));
}

TEST_CASE("pairs of a channel and tap are non-zero weights times non-zero activations") {
    std::mt19937 bits(13);
    for (int i = 0; i < 20; ++i) {
        const hass::layer_row row = test::random_row(bits);
        INFO(test::describe(row));
        const auto weights =
            test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        const auto image = test::random_values(bits, static_cast<std::size_t>(row.in.volume()));
        const hass::plane_layout layout(row);
        std::vector<float> planes(static_cast<std::size_t>(row.in.channels) * layout.size());
        for (int c = 0; c < row.in.channels; ++c)
            hass::fill_plane(row, layout, image.data() + c * row.in.pixels(), 0.0F, 0.0F,
                             planes.data() + static_cast<std::size_t>(c) * layout.size());
        hass::activation_windows a(row);
        a.add(planes.data(), 1);
        const hass::weight_windows w(row, weights, 0.0);
        std::uint64_t pairs = 0;
        for (int c = 0; c < row.in.channels; ++c)
            for (int ky = 0; ky < row.kernel_h; ++ky)
                for (int kx = 0; kx < row.kernel_w; ++kx)
                    pairs += a.nonzero(c, ky, kx) * w.nonzero(c, ky, kx);
        CHECK(pairs == test::count_one_by_one(row, weights, image, 0.0F, 0.0F, 1).pairs);
        CHECK(pairs == hass::count_pairs(a, w).pairs);
    }
}

TEST_CASE("mask counts are the same as a table, as a hash table, merged or not") {
    std::mt19937 bits(17);
    for (const int length : {9, 13, 16, 25, 64}) {
        hass::mask_counts one(length);
        hass::mask_counts left(length);
        hass::mask_counts right(length);
        const std::uint64_t keep = ~std::uint64_t{0} >> (64 - length);
        for (int i = 0; i < 30000; ++i) {
            const std::uint64_t mask = (bits() % 5000 * 0x9e3779b97f4a7c15ULL >> 20) & keep;
            one.add(mask);
            (i % 3 == 0 ? left : right).add(mask);
        }
        left.merge(right);
        auto a = one.list();
        auto b = left.list();
        std::sort(a.begin(), a.end());
        std::sort(b.begin(), b.end());
        CHECK(a == b);
        CHECK(one.total() == 30000);
    }
}

TEST_CASE("masks that are counted one by one, in runs, or waiting for others are the same") {
    std::mt19937 bits(23);
    for (const int length : {5, 12, 13, 16, 20}) {
        hass::mask_counts one(length), runs(length), merged(length);
        const std::uint64_t keep = (std::uint64_t{1} << length) - 1;
        for (int i = 0; i < 60; ++i) {
            std::vector<std::uint64_t> masks(1 + bits() % (i % 7 == 0 ? 20000 : 700));
            const std::uint64_t few = i % 3 == 0 ? 0 : keep;
            for (auto& mask : masks) mask = bits() & few;
            for (const auto mask : masks) one.add(mask);
            hass::mask_counts part(length);
            part.add(std::span<const std::uint64_t>(masks));
            runs.add(std::span<const std::uint64_t>(masks));
            merged.merge(part);
        }
        auto a = one.list(), b = runs.list(), c = merged.list();
        for (auto* list : {&a, &b, &c}) std::sort(list->begin(), list->end());
        CHECK(a == b);
        CHECK(a == c);
        std::vector<std::uint32_t> table;
        auto d = runs.list(table);
        CHECK(std::count(table.begin(), table.end(), 0U) == static_cast<long>(table.size()));
        std::sort(d.begin(), d.end());
        CHECK(a == d);
        CHECK(runs.total() == one.total());
        CHECK(merged.total() == one.total());
    }
}

TEST_CASE("depthwise rows are counted filter by filter as by their masks") {
    std::mt19937 bits(29);
    for (int i = 0, rows = 0; rows < 60; ++i) {
        const hass::layer_row row = test::random_row(bits);
        if (!hass::depthwise_windows::fits(row)) continue;
        ++rows;
        INFO(test::describe(row));
        const std::size_t images = 1 + bits() % 5;
        auto weights = test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        if (i % 5 == 0) std::fill(weights.begin(), weights.begin() + hass::taps(row), 0.0F);
        const auto maps =
            test::random_values(bits, images * static_cast<std::size_t>(row.in.volume()));
        hass::layer_thresholds tau{0.0, i % 3 == 0 ? 0.0 : 0.3};
        const bool each = i % 4 == 1;  // thresholds of channels: planes come clipped
        if (each)
            for (int c = 0; c < row.in.channels; ++c)
                tau.activation_channels.push_back(0.1 * static_cast<double>(c % 4));
        const hass::plane_layout layout(row);
        const auto pixels = static_cast<std::size_t>(row.in.pixels());
        const std::size_t count = images * static_cast<std::size_t>(row.in.channels);
        std::vector<float> planes(count * layout.size());
        for (std::size_t m = 0; m < count; ++m)
            hass::fill_plane(row, layout, maps.data() + m * pixels,
                             each ? static_cast<float>(tau.activation_of(m / images)) : 0.0F, 0.0F,
                             planes.data() + m * layout.size());
        hass::activation_windows masks(row);
        masks.add(planes.data(), images, hass::detail::keep_from(each ? 0.0 : tau.activation));
        hass::depthwise_windows first(row, weights), all(row, weights);
        all.add(maps.data(), images, tau);
        first = all;
        all.add(maps.data(), images, tau);
        first.merge(hass::depthwise_windows(row, weights));
        const auto expected = hass::joint_statistics(masks, hass::weight_windows(row, weights, 0));
        CHECK(first.statistics() == expected);
        masks.add(planes.data(), images, hass::detail::keep_from(each ? 0.0 : tau.activation));
        CHECK(all.statistics() ==
              hass::joint_statistics(masks, hass::weight_windows(row, weights, 0)));
        first.merge(first);
        CHECK(first.statistics() == all.statistics());
    }
}

TEST_CASE("depthwise rows of many channels and taps are counted as by their masks") {
    std::mt19937 bits(37);
    for (const int kernel : {1, 3, 4, 5, 7, 8})
        for (const int channels : {31, 70}) {
            hass::layer_row row;
            row.in = {channels, 9, 21};
            row.groups = channels;
            row.kernel_h = row.kernel_w = kernel;
            row.stride_w = 1 + kernel % 3;
            row.pad_top = row.pad_left = kernel / 2;
            row.out = {2 * channels, 9 + 2 * (kernel / 2) - kernel + 1,
                       (21 + kernel / 2 - kernel) / row.stride_w + 1};
            INFO(test::describe(row));
            REQUIRE(hass::depthwise_windows::fits(row));
            auto weights =
                test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
            for (float& w : weights) w = std::abs(w) < 0.1F ? 0.0F : w;
            const std::size_t images = 3;
            auto maps =
                test::random_values(bits, images * static_cast<std::size_t>(row.in.volume()));
            if (kernel == 8) std::fill(maps.begin(), maps.end(), 1.0F);  // sums of all 64 taps
            const hass::plane_layout layout(row);
            std::vector<float> planes(images * static_cast<std::size_t>(channels) * layout.size());
            const auto pixels = static_cast<std::size_t>(row.in.pixels());
            for (std::size_t m = 0; m * pixels < maps.size(); ++m)
                hass::fill_plane(row, layout, maps.data() + m * pixels, 0.0F, 0.0F,
                                 planes.data() + m * layout.size());
            hass::activation_windows masks(row);
            masks.add(planes.data(), images, hass::detail::keep_from(0.2));
            hass::depthwise_windows counted(row, weights);
            counted.add(maps.data(), images, {0.0, 0.2});
            CHECK(counted.statistics() ==
                  hass::joint_statistics(masks, hass::weight_windows(row, weights, 0)));
        }
}

TEST_CASE("depthwise rows are counted alike however images are grouped") {
    hass::layer_row row;
    row.in = row.out = {3, 2, 2};
    row.groups = 3;
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    REQUIRE(hass::depthwise_windows::fits(row));
    std::mt19937 bits(31);
    const auto weights = test::random_values(bits, 27);
    hass::depthwise_windows together(row, weights), one_by_one(row, weights);
    for (const std::size_t images : {15U, 16U, 13U, 16U, 1U}) {
        const auto maps = test::random_values(bits, images * 12);
        together.add(maps.data(), images, {0.0, 0.3});
        for (std::size_t n = 0; n < images; ++n) {
            std::vector<float> image;
            for (std::size_t c = 0; c < 3; ++c)
                for (std::size_t x = 0; x < 4; ++x) image.push_back(maps[(c * images + n) * 4 + x]);
            one_by_one.add(image.data(), 1, {0.0, 0.3});
        }
        CHECK(together.statistics() == one_by_one.statistics());
    }
    // Counts of one batch have 32 bits: none is looked at that could be too large for them.
    const std::size_t too_many = (std::size_t{1} << 27) / 4;
    const auto of_a_batch = Catch::Contains("2^27 or more output positions");
    const auto before = together.statistics();
    CHECK_THROWS_WITH(together.add(nullptr, too_many, {}), of_a_batch);
    CHECK_THROWS_WITH(hass::tap_counts(row, weights).add(nullptr, too_many, {}), of_a_batch);
    CHECK(together.statistics() == before);
}

TEST_CASE("maps are counted alike channel by channel, pixel by pixel and as planes") {
    std::mt19937 bits(43);
    for (const int channels : {1, 3, 6, 8, 16, 24, 32, 40, 70, 96})
        for (const int kernel : {1, 3})
            for (const int stride : {1, 2})
                for (const bool each : {false, true}) {
                    hass::layer_row row;
                    row.in = {channels, 5, 37};
                    row.kernel_h = row.kernel_w = kernel;
                    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = kernel / 2;
                    row.stride_h = row.stride_w = stride;
                    row.groups = kernel == 3 ? channels : 1;
                    row.out = {kernel == 3 ? channels : 5, (5 - 1) / stride + 1,
                               (37 - 1) / stride + 1};
                    INFO(test::describe(row) << each);
                    const std::size_t images = 3, pixels = 5 * 37;
                    const auto c = static_cast<std::size_t>(channels);
                    const auto weights = test::random_values(
                        bits, static_cast<std::size_t>(hass::weight_count(row)));
                    const auto maps = test::random_values(bits, images * c * pixels);
                    std::vector<float> turned(maps.size());
                    for (std::size_t k = 0; k < c; ++k)
                        for (std::size_t i = 0; i < images * pixels; ++i)
                            turned[i * c + k] = maps[k * images * pixels + i];
                    hass::layer_thresholds tau{0.0, 0.3};
                    for (int k = 0; each && k < channels; ++k)
                        tau.activation_channels.push_back(0.1 * static_cast<double>(k % 4));
                    const hass::plane_layout layout(row);
                    std::vector<float> planes(images * c * layout.size());
                    for (std::size_t m = 0; m < images * c; ++m)
                        hass::fill_plane(row, layout, maps.data() + m * pixels,
                                         hass::detail::keep_from(tau.activation_of(m / images)),
                                         0.0F, planes.data() + m * layout.size());
                    hass::activation_windows windows(row);
                    windows.add(planes.data(), images);
                    auto expected =
                        hass::joint_statistics(windows, hass::weight_windows(row, weights, 0.0));
                    const auto check = [&](auto counted, auto statistics) {
                        auto last = counted;
                        counted.add(maps.data(), images, tau);
                        last.add(hass::map_batch(turned.data(), true), images, tau);
                        CHECK(statistics(counted) == expected);
                        CHECK(statistics(last) == expected);
                    };
                    const auto own = [](const auto& counted) { return counted.statistics(); };
                    if (kernel == 1)
                        check(hass::activation_windows(row), [&](const auto& counted) {
                            return hass::joint_statistics(counted,
                                                          hass::weight_windows(row, weights, 0.0));
                        });
                    if (hass::depthwise_windows::fits(row))
                        check(hass::depthwise_windows(row, weights), own);
                    expected.windows.clear();
                    check(hass::tap_counts(row, weights), own);
                }
}

TEST_CASE("sparsities of products and of merged images are the same without windows") {
    std::mt19937 bits(41);
    hass::layer_row row;
    row.kind = hass::layer_kind::matmul;
    row.in = {40, 3, 5};
    row.out = {12, 3, 5};
    row.groups = 2;
    const auto sparse = [&](std::size_t size) {
        auto values = test::random_values(bits, size);
        for (float& x : values) x = std::abs(x) < 0.3F ? 0.0F : x;
        return values;
    };
    const auto first = sparse(3 * 40 * 15), second = sparse(3 * 12 * 20);
    hass::product_windows all(row), sparsities(row, false);
    all.add(first.data(), second, 3);
    sparsities.add(first.data(), second, 3);
    auto expected = all.statistics();
    CHECK(expected.pair_sparsity > 0.1);
    CHECK_FALSE(expected.windows.empty());
    expected.windows.clear();
    CHECK(sparsities.statistics() == expected);

    row.kind = hass::layer_kind::convolution;
    const auto weights = sparse(12 * 20);
    hass::tap_counts together(row, weights), one(row, weights), two(row, weights);
    together.add(first.data(), 3, {0.0, 0.2});
    for (std::size_t n = 0; n < 3; ++n) {
        std::vector<float> image;
        for (std::size_t c = 0; c < 40; ++c)
            for (std::size_t x = 0; x < 15; ++x) image.push_back(first[(c * 3 + n) * 15 + x]);
        (n == 1 ? one : two).add(image.data(), 1, {0.0, 0.2});
    }
    two.merge(one);
    CHECK(two.statistics() == together.statistics());
}

TEST_CASE("both ways of letting masks meet agree") {
    std::mt19937 bits(19);
    for (const int length : {1, 4, 9, 12, 15, 16}) {
        hass::mask_counts a(length);
        hass::mask_counts w(length);
        const std::uint64_t keep = ~std::uint64_t{0} >> (64 - length);
        for (int i = 0; i < 700; ++i) a.add(bits() & keep, static_cast<unsigned>(i % 7) + 1U);
        for (int i = 0; i < 100; ++i) w.add(bits() & keep);
        std::vector<std::uint64_t> direct(static_cast<std::size_t>(length) + 1);
        std::vector<std::uint64_t> transformed(direct.size());
        for (const auto& [x, n] : a.list())
            for (const auto& [y, m] : w.list())
                direct[static_cast<std::size_t>(std::popcount(x & y))] += std::uint64_t{n} * m;
        hass::detail::add_joint_counts_transformed(a.list(), w.list(),
                                                   static_cast<std::size_t>(length), transformed);
        CHECK(direct == transformed);
        std::fill(transformed.begin(), transformed.end(), 0);
        hass::detail::add_joint_counts_directly(a.list(), w.list(), transformed);
        CHECK(direct == transformed);
    }
}

TEST_CASE("measure refuses tensors that do not fit, naming the layer") {
    hass::layer_row row;
    row.in = {4, 3, 3};
    row.out = {2, 3, 3};
    const hass::network net = alone(row);
    const std::vector<float> weights(8);
    const std::vector<float> activations(36);
    using tensors = std::vector<std::vector<float>>;
    const tensors w{weights};
    const tensors a{activations};
    const tensors none;
    const tensors empty{{}};
    CHECK_NOTHROW(hass::measure_tensors(net, w, a));
    CHECK_THROWS_WITH(hass::measure_tensors(net, none, a),
                      "measure: 0 weight tensors for 1 convolution and linear layers");
    CHECK_THROWS_WITH(hass::measure_tensors(net, a, a),
                      "measure: layer 'layer': 36 weights, expected 8");
    CHECK_THROWS_AS(hass::measure_tensors(net, w, w), hass::error);
    CHECK_THROWS_AS(hass::measure_tensors(net, w, empty), hass::error);
    const auto measured = hass::measure_tensors(net, w, a);
    CHECK_THROWS_AS(measured.at({}), hass::error);
    CHECK_THROWS_WITH(measured.at({{-1.0, 0.0}}), Catch::Contains("'layer'"));
    CHECK_THROWS_AS(measured.at({{0.0, std::nan("")}}), hass::error);
}
