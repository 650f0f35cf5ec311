// Storage formats: published sizes, round trips, expected sizes against all tensors.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/engine/patterns/periodic.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/storage/formats.hpp>
#include <hass/workload/zoo.hpp>

#include "draw.hpp"

namespace f = hass::formats;

namespace {

static_assert(f::Format<f::uncompressed> && f::Format<f::bitmask> && f::Format<f::run_length> &&
              f::Format<f::coordinate> && f::Format<f::csr> && f::Format<f::csc> &&
              f::Format<f::csf> && f::Format<f::gh_offsets> && f::Format<f::hierarchical_offsets> &&
              f::Format<f::periodic_index>);

using words = std::vector<std::uint32_t>;
using extents = std::vector<int>;

words random_words(const extents& e, double density, int bits, std::uint64_t& state) {
    std::int64_t n = 1;
    for (const int x : e) n *= x;
    words w(static_cast<std::size_t>(n), 0);
    for (std::uint32_t& x : w)
        if (test::uniform(state) < density)
            x = 1 +
                static_cast<std::uint32_t>(test::draw(state) % ((std::uint64_t{1} << bits) - 1));
    return w;
}

template <f::Format F>
void check_round_trip(const F& format, const words& w, const extents& e, int bits) {
    const f::tensor_view t{w, e, bits};
    const f::encoded c = format.encode(t);
    CHECK(c.stream.size() == format.bits(t));
    CHECK(format.decode(c) == w);
}

// Mean over every zero pattern of the tensor, weighted with its probability.
template <f::Format F>
double mean_bits(const F& format, const extents& e, double density, int bits) {
    std::size_t n = 1;
    for (const int x : e) n *= static_cast<std::size_t>(x);
    double mean = 0.0;
    words w(n);
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << n; ++mask) {
        for (std::size_t i = 0; i < n; ++i) w[i] = mask >> i & 1U;
        const int ones = std::popcount(mask);
        mean += std::pow(density, ones) * std::pow(1.0 - density, static_cast<int>(n) - ones) *
                static_cast<double>(format.bits({w, e, bits}));
    }
    return mean;
}

}  // namespace

TEST_CASE("sizes of a vector of 16 words of 8 bits are the published ones", "[formats]") {
    const extents e{16};
    const std::array<std::int64_t, 3> nonzeros{1, 8, 16};
    const std::array<std::int64_t, 3> mask{24, 80, 144};
    const std::array<std::int64_t, 3> indexed{12, 96, 192};
    for (std::size_t k = 0; k < 3; ++k) {
        // The last place is non-zero first, so that even the longest run fits 4 bits.
        words w(16, 0);
        for (std::int64_t i = 0; i < nonzeros[k]; ++i) w[static_cast<std::size_t>(15 - i)] = 7;
        const f::tensor_view t{w, e, 8};
        CHECK(f::uncompressed::bits(t) == 128);
        CHECK(f::bitmask::bits(t) == mask[k]);
        CHECK(f::coordinate::bits(t) == indexed[k]);
        CHECK(f::run_length{4}.bits(t) == indexed[k]);
    }
}

TEST_CASE("formats round-trip on random tensors, and are as long as they say", "[formats]") {
    std::uint64_t state = 1;
    for (const extents& e : {extents{37}, extents{5, 7}, extents{1, 9}, extents{3, 4, 5},
                             extents{2, 3, 3, 3}, extents{1}})
        for (const double density : {0.0, 0.03, 0.3, 0.8, 1.0})
            for (const int bits : {1, 8, 32}) {
                const words w = random_words(e, density, bits, state);
                check_round_trip(f::uncompressed{}, w, e, bits);
                check_round_trip(f::bitmask{}, w, e, bits);
                check_round_trip(f::run_length{2}, w, e, bits);
                check_round_trip(f::run_length{5}, w, e, bits);
                check_round_trip(f::coordinate{}, w, e, bits);
                check_round_trip(f::csr{}, w, e, bits);
                check_round_trip(f::csc{}, w, e, bits);
                check_round_trip(f::csf{}, w, e, bits);
            }
}

TEST_CASE("structured formats round-trip what their pattern allows and refuse the rest",
          "[formats]") {
    namespace p = hass::patterns;
    std::uint64_t state = 2;
    const auto projected = [&](auto pattern, p::weight_extents e, double density) {
        std::vector<float> w(static_cast<std::size_t>(e.size()));
        for (float& x : w)
            x = test::uniform(state) < density ? static_cast<float>(1 + test::draw(state) % 255)
                                               : 0.0F;
        pattern.project(e, w);
        return words(w.begin(), w.end());
    };
    for (const double density : {0.1, 0.5, 1.0})
        for (const int length : {12, 13, 24, 5}) {
            check_round_trip(f::gh_offsets{2, 4}, projected(p::gh<2, 4>{}, {3, length, 1}, density),
                             {3, length}, 8);
            check_round_trip(f::gh_offsets{4, 4}, projected(p::gh<4, 4>{}, {3, length, 1}, density),
                             {3, length}, 8);
            check_round_trip(f::hierarchical_offsets{{2, 3}, {1, 4}},
                             projected(p::hss<p::gh<2, 3>, p::gh<1, 4>>{}, {2, length, 1}, density),
                             {2, length}, 8);
            check_round_trip(f::hierarchical_offsets{{3, 3}, {2, 2}},
                             projected(p::hss<p::gh<3, 3>, p::gh<2, 2>>{}, {2, length, 1}, density),
                             {2, length}, 8);
        }
    for (const int channels : {1, 3, 8})
        check_round_trip(f::periodic_index{4, 3},
                         projected(p::periodic<9, 4, 3>{}, {2, channels, 9}, 0.7), {2, channels, 9},
                         8);

    const extents four{4};
    CHECK_THROWS_WITH(f::gh_offsets{}.bits({words{1, 1, 1, 0}, four, 8}),
                      Catch::Contains("more non-zeros"));
    const extents kernel{1, 4};
    CHECK_THROWS_WITH((f::periodic_index{2, 1}.bits({words{1, 1, 1, 0}, kernel, 8})),
                      Catch::Contains("a pattern of 3 taps"));
    CHECK_THROWS_WITH((f::bitmask::bits({words{1, 1}, four, 8})),
                      Catch::Contains("2 words for extents of 4"));
}

TEST_CASE("a pattern and its format agree on the bits", "[formats]") {
    namespace p = hass::patterns;
    using deep = p::hss<p::gh<4, 6>, p::gh<2, 4>>;
    const f::hierarchical_offsets format{deep::ranks[0], deep::ranks[1]};
    for (const int channels : {24, 30, 72}) {
        const extents e{5, channels};
        CHECK(format.expected_bits(e, 0.0, 16) ==
              static_cast<double>(p::storage_bits(deep{}, {5, channels, 1}, 16)));
    }
    const extents kernels{16, 32, 9};
    CHECK(f::periodic_index{4, 8}.expected_bits(kernels, 0.0, 8) ==
          static_cast<double>(p::storage_bits(p::periodic<9, 4, 8>{}, {16, 32, 9}, 8)));
}

TEST_CASE("expected sizes are the means over all tensors", "[formats]") {
    for (const extents& e : {extents{11}, extents{3, 4}, extents{2, 2, 3}})
        for (const double d : {0.0, 0.1, 0.45, 0.9, 1.0}) {
            CAPTURE(d, e.size());
            const auto agrees = [&](const auto& format) {
                CHECK(format.expected_bits(e, d, 8) ==
                      Approx(mean_bits(format, e, d, 8)).epsilon(1e-12).margin(1e-12));
            };
            agrees(f::uncompressed{});
            agrees(f::bitmask{});
            agrees(f::run_length{1});
            agrees(f::run_length{2});
            agrees(f::coordinate{});
            agrees(f::csr{});
            agrees(f::csc{});
        }
    // csf takes pointer widths at the mean: close, not equal, but for a vector without pointers
    CHECK(f::csf::expected_bits(extents{11}, 0.3, 8) ==
          Approx(mean_bits(f::csf{}, {11}, 0.3, 8)).epsilon(1e-12));
    for (const double d : {0.2, 0.6})
        CHECK(f::csf::expected_bits(extents{2, 3, 2}, d, 8) ==
              Approx(mean_bits(f::csf{}, {2, 3, 2}, d, 8)).epsilon(0.03));
}

TEST_CASE("pointers of large matrices keep their expected width", "[formats]") {
    // 10^6 words at 0.3: 300,000 +- 460, always 19 bits; at 2^18 / 10^6 half of the time one more
    const extents e{1000, 1000};
    CHECK(f::csr::expected_bits(e, 0.3, 8) == Approx(300000.0 * 18 + 1001 * 19).epsilon(1e-12));
    const double edge = 262143.5 / 1e6;
    CHECK(f::csr::expected_bits(e, edge, 8) ==
          Approx(262143.5 * 18 + 1001 * 18.5).margin(1001 * 0.01));
}

TEST_CASE("storage of periodic patterns beside coordinate lists", "[formats]") {
    // SPS publishes 3.67x without naming the other format or the widths: no reproduction. Under the
    // assumption of 8-bit words and coordinates of least width over all 3x3 kernels:
    struct kernels {
        int filters, channels;
    };
    const std::vector<kernels> vgg16{{64, 3},    {64, 64},   {128, 64},  {128, 128}, {256, 128},
                                     {256, 256}, {256, 256}, {512, 256}, {512, 512}, {512, 512},
                                     {512, 512}, {512, 512}, {512, 512}};
    const auto ratio = [](const std::vector<kernels>& layers) {
        double listed = 0.0;
        double periodic = 0.0;
        for (const kernels& k : layers) {
            listed +=
                f::coordinate::expected_bits(extents{k.filters, k.channels, 3, 3}, 4.0 / 9, 8);
            periodic += f::periodic_index{4, 8}.expected_bits(extents{k.filters, k.channels, 9},
                                                              4.0 / 9, 8);
        }
        return listed / periodic;
    };
    CHECK(ratio(vgg16) == Approx(3.70).margin(0.005));
    std::vector<kernels> resnet18;
    for (const hass::layer_row& row : hass::network_view(hass::zoo::resnet18).rows)
        if (hass::is_compute(row) && row.kernel_h == 3)
            resnet18.push_back({row.out.channels, row.in.channels});
    REQUIRE(resnet18.size() == 16);
    CHECK(ratio(resnet18) == Approx(3.65).margin(0.005));
}
