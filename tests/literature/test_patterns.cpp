// Sparsity patterns: degree tables, projections against every conforming mask, bits.
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/engine/patterns/coarse.hpp>
#include <hass/engine/patterns/pattern.hpp>
#include <hass/engine/patterns/periodic.hpp>
#include <hass/engine/patterns/structured.hpp>

#include "draw.hpp"

namespace p = hass::patterns;

namespace {

static_assert(p::Pattern<p::unstructured> && p::Pattern<p::block<2, 2>> && p::Pattern<p::channel> &&
              p::Pattern<p::filter> && p::Pattern<p::gh<2, 4>> &&
              p::Pattern<p::hss<p::gh<4, 6>, p::gh<2, 4>>> && p::Pattern<p::periodic<9, 4, 8>>);

std::vector<float> random_weights(std::size_t n, std::uint64_t& state) {
    std::vector<float> w(n);
    for (float& x : w)
        x = static_cast<float>(static_cast<double>(test::draw(state) >> 11) * 0x1p-53 * 2.0 - 1.0);
    return w;
}

double squares(const std::vector<float>& w) {
    double sum = 0.0;
    for (const float x : w) sum += static_cast<double>(x) * static_cast<double>(x);
    return sum;
}

// Tries every mask: the projection conforms, keeps only original values, and keeps the most.
template <class P>
void check_projection(const P& pattern, p::weight_extents e, std::uint64_t seed) {
    std::uint64_t state = seed;
    const auto original = random_weights(static_cast<std::size_t>(e.size()), state);
    auto projected = original;
    pattern.project(e, projected);
    REQUIRE(pattern.conforms(e, projected));
    for (std::size_t i = 0; i < original.size(); ++i)
        REQUIRE((projected[i] == 0.0F || projected[i] == original[i]));
    auto again = projected;
    pattern.project(e, again);
    CHECK(again == projected);

    double best = 0.0;
    bool full_conforms = false;
    std::vector<float> masked(original.size());
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << original.size(); ++mask) {
        for (std::size_t i = 0; i < original.size(); ++i)
            masked[i] = (mask >> i & 1U) != 0 ? original[i] : 0.0F;
        if (!pattern.conforms(e, masked)) continue;
        best = std::max(best, squares(masked));
        full_conforms = full_conforms || masked == original;
    }
    CHECK(squares(projected) == Approx(best).epsilon(1e-12));
    CHECK((full_conforms == (projected == original)));
}

}  // namespace

TEST_CASE("the degrees of HighLight's slides: 12, exact", "[patterns]") {
    using t = p::highlight_slides;
    STATIC_REQUIRE(t::rows * t::columns == 12);
    const std::vector<p::fraction> expected{{0, 1}, {1, 5}, {1, 3}, {3, 7}, {1, 2}, {3, 5},
                                            {2, 3}, {5, 7}, {3, 4}, {4, 5}, {5, 6}, {6, 7}};
    CHECK(t::degrees() == expected);
}

TEST_CASE("the degrees of HighLight's hardware: 15 combinations, exact", "[patterns]") {
    using t = p::highlight_hardware;
    // rows H1 = 4..8, columns H0 = 2, 3, 4; in percent 0/33.3/50, 20/46.7/60, 33.3/55.6/66.7, ...
    const std::array<std::array<p::fraction, 3>, 5> expected{{{{{0, 1}, {1, 3}, {1, 2}}},
                                                              {{{1, 5}, {7, 15}, {3, 5}}},
                                                              {{{1, 3}, {5, 9}, {2, 3}}},
                                                              {{{3, 7}, {13, 21}, {5, 7}}},
                                                              {{{1, 2}, {2, 3}, {3, 4}}}}};
    CHECK((t::table == expected));
    CHECK(t::degrees().size() == 12);
}

TEST_CASE("densities multiply over ranks", "[patterns]") {
    using example = p::hss<p::gh<3, 4>, p::gh<2, 4>>;
    STATIC_REQUIRE(example::exact_sparsity() == p::fraction(5, 8));
    STATIC_REQUIRE(p::hss<p::gh<4, 6>, p::gh<2, 4>>::exact_density() == p::fraction(1, 3));
    STATIC_REQUIRE(p::hss<p::gh<1, 2>, p::gh<1, 2>, p::gh<1, 2>>::density() == 0.125);
    STATIC_REQUIRE(p::periodic<9, 4, 8>::exact_density() == p::fraction(4, 9));
}

TEST_CASE("projections keep the most of all conforming tensors", "[patterns]") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        check_projection(p::gh<2, 4>{}, {1, 12, 1}, seed);
        check_projection(p::gh<1, 3>{}, {2, 5, 1}, seed);  // short last block
        check_projection(p::gh<2, 4>{}, {1, 6, 2}, seed);
        check_projection(p::hss<p::gh<2, 3>, p::gh<1, 2>>{}, {1, 12, 1}, seed);
        check_projection(p::hss<p::gh<1, 2>, p::gh<2, 3>>{}, {2, 6, 1}, seed);
        check_projection(p::hss<p::gh<2, 3>, p::gh<1, 2>>{}, {1, 13, 1}, seed);
        check_projection(p::hss<p::gh<1, 2>, p::gh<1, 2>, p::gh<2, 3>>{}, {1, 13, 1}, seed);
        check_projection(p::periodic<4, 2, 2>{}, {1, 3, 4}, seed);
        check_projection(p::periodic<3, 1, 2>{}, {2, 2, 3}, seed);
        check_projection(p::periodic<9, 4, 1>{}, {1, 6, 2}, seed);  // does not apply
        check_projection(p::unstructured{0.4}, {2, 3, 2}, seed);
        check_projection(p::block<2, 2>{0.5}, {3, 4, 1}, seed);
        check_projection(p::channel{0.5}, {2, 3, 2}, seed);
        check_projection(p::filter{0.67}, {3, 2, 2}, seed);
    }
}

TEST_CASE("a weight that a pattern forbids is seen", "[patterns]") {
    CHECK(p::gh<2, 4>::conforms({1, 4, 1}, std::vector<float>{1, 0, 2, 0}));
    CHECK_FALSE(p::gh<2, 4>::conforms({1, 4, 1}, std::vector<float>{1, 3, 2, 0}));
    using deep = p::hss<p::gh<1, 2>, p::gh<1, 2>>;
    CHECK(deep::conforms({1, 4, 1}, std::vector<float>{0, 0, 0, 1}));
    CHECK_FALSE(deep::conforms({1, 4, 1}, std::vector<float>{0, 1, 0, 1}));
    // The same tap of two channels one period apart is one pattern, of neighbours it is two.
    CHECK(p::periodic<2, 1, 2>::conforms({1, 2, 2}, std::vector<float>{1, 0, 0, 1}));
    CHECK_FALSE(p::periodic<2, 1, 1>::conforms({1, 2, 2}, std::vector<float>{1, 0, 0, 1}));
}

TEST_CASE("bits of patterns", "[patterns]") {
    STATIC_REQUIRE(p::minimal_code_bits({2, 4}) == 3);
    STATIC_REQUIRE(p::minimal_code_bits({1, 4}) == 2);
    STATIC_REQUIRE(p::minimal_code_bits({4, 8}) == 7);  // 70 codes
    // 2:4 of 64 values: 32 stored, 2 bits each
    STATIC_REQUIRE(p::gh<2, 4>::stored_values({1, 64, 1}) == 32);
    STATIC_REQUIRE(p::gh<2, 4>::metadata_bits({1, 64, 1}) == 64);
    STATIC_REQUIRE(p::gh<4, 4>::metadata_bits({1, 64, 1}) == 0);
    // w + ceil(log2 H0) + ceil(log2 H1) / G0 bits a stored value
    using deep = p::hss<p::gh<4, 6>, p::gh<2, 4>>;
    STATIC_REQUIRE(p::storage_bits(deep{}, {1, 24, 1}, 8) == 8 * 8 + 8 * 2 + 4 * 3);
    // values F C k w, index P k ceil(log2 K)
    STATIC_REQUIRE(p::storage_bits(p::periodic<9, 4, 8>{}, {16, 32, 9}, 8) ==
                   16 * 32 * 4 * 8 + 8 * 4 * 4);
    STATIC_REQUIRE(p::storage_bits(p::periodic<9, 4, 8>{}, {16, 32, 1}, 8) == 16 * 32 * 8);
    STATIC_REQUIRE(p::storage_bits(p::unstructured{0.25}, {4, 4, 4}, 8) == 16 * 8 + 64);
    STATIC_REQUIRE(p::storage_bits(p::filter{0.5}, {4, 4, 4}, 8) == 32 * 8 + 4);
    STATIC_REQUIRE(p::unstructured::degrees({2, 3, 1}) == 7);
    STATIC_REQUIRE(p::block<2, 2>::degrees({4, 4, 1}) == 5);
}

TEST_CASE("patterns refuse what does not fit", "[patterns]") {
    std::vector<float> w(7);
    CHECK_THROWS_WITH((p::gh<2, 4>::project({1, 8, 1}, w)),
                      Catch::Contains("7 weights for 1 filters x 8 channels"));
    CHECK_THROWS_AS(p::unstructured{1.5}, hass::error);
}
