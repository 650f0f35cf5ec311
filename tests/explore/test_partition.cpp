// Cuts of a network: against every possible set of cuts, and on whole networks.
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/explore/partition.hpp>
#include <hass/workload/zoo.hpp>

namespace {

using residual_net = hass::sequential<
    hass::input<3, 32, 32>, hass::conv2d<3, 16, 3, hass::pad<1>>, hass::relu,
    hass::residual<hass::sequential<hass::conv2d<16, 16, 3, hass::pad<1>>, hass::relu,
                                    hass::conv2d<16, 16, 3, hass::pad<1>>>>,
    hass::conv2d<16, 32, 3, hass::stride<2>, hass::pad<1>>, hass::relu, hass::pointwise<32, 64>,
    hass::global_average_pool, hass::flatten, hass::linear<64, 10>>;

hass::device board(double share, double reconfiguration_s) {
    hass::device d = hass::boards::zedboard::value;
    d.budget = share * d.budget;
    d.reconfiguration_s = reconfiguration_s;
    return d;
}

/// Seconds an image of rows first .. last - 1 alone, by the public allocator, whatever is carried;
/// infinite: do not fit.
double seconds(const hass::network_view& view, std::size_t first, std::size_t last,
               hass::device d) {
    d.budget.bandwidth = std::numeric_limits<double>::infinity();
    const hass::network_view part{view.rows.subspan(first, last - first), {}, {}};
    const hass::allocation a =
        hass::allocate(part, hass::uniform_sparsity(0.5), hass::dense_dot<>{}, d);
    return a.fits ? 1.0 / a.estimate.images_per_second : std::numeric_limits<double>::infinity();
}

/// Values of the image and of the answers that these rows take and give.
double image_words(const hass::network_view& view, std::size_t first, std::size_t last) {
    return (first == 0 ? 3 * 32 * 32.0 : 0.0) + (last == view.size() ? 10.0 : 0.0);
}

const std::vector<std::size_t> cuts{0, 2, 4, 6, 8, 11, 12};  // in front of compute rows

}  // namespace

TEST_CASE("words across a cut count every value once", "[partition]") {
    const hass::network_view view = residual_net{};
    CHECK(hass::detail::cut_positions(view) == cuts);
    CHECK(hass::detail::words_across(view, 0) == 0.0);
    CHECK(hass::detail::words_across(view, 2) == 16 * 32 * 32);      // read by body and shortcut
    CHECK(hass::detail::words_across(view, 4) == 2 * 16 * 32 * 32);  // body and shortcut
    CHECK(hass::detail::words_across(view, 6) == 16 * 32 * 32);
    CHECK(hass::detail::words_across(view, 12) == 0.0);
}

TEST_CASE("partition equals the best of all cuts", "[partition]") {
    const hass::network_view view = residual_net{};
    REQUIRE(view.size() == cuts.back());
    bool several = false;
    bool carrying = false;
    for (const double gbit_s : {34.1, 0.1})
        for (const double share : {0.12, 0.2, 0.4, 1.0}) {
            for (const double reload : {0.0, 1e-4, 0.05}) {
                hass::device d = board(share, reload);
                d.budget.bandwidth = share * gbit_s;
                hass::partition_settings settings;
                settings.batch = 64;
                double best = std::numeric_limits<double>::infinity();
                for (unsigned mask = 0; mask < 1U << (cuts.size() - 2); ++mask) {
                    std::vector<std::size_t> at{0};
                    for (std::size_t k = 1; k + 1 < cuts.size(); ++k)
                        if (mask >> (k - 1) & 1U) at.push_back(cuts[k]);
                    at.push_back(view.size());
                    double total = 0.0;
                    for (std::size_t k = 0; k + 1 < at.size(); ++k) {
                        const double link = 16.0 *
                                            (hass::detail::words_across(view, at[k]) +
                                             hass::detail::words_across(view, at[k + 1]) +
                                             image_words(view, at[k], at[k + 1])) /
                                            (d.budget.bandwidth * 1e9);
                        total +=
                            settings.batch * std::max(seconds(view, at[k], at[k + 1], d), link);
                        if (at.size() > 2) total += reload;
                    }
                    best = std::min(best, total);
                }
                const hass::partitioning p = hass::partition(view, hass::uniform_sparsity(0.5),
                                                             hass::dense_dot<>{}, d, settings);
                INFO("share " << share << ", reload " << reload << ": " << p.reason);
                REQUIRE(p.fits == (best < std::numeric_limits<double>::infinity()));
                if (!p.fits) continue;
                REQUIRE(p.proved);
                REQUIRE(p.seconds_per_batch == Approx(best).epsilon(1e-9));
                REQUIRE(p.parts.front().first == 0);
                REQUIRE(p.parts.back().last == view.size());
                double sum =
                    p.parts.size() > 1 ? reload * static_cast<double>(p.parts.size()) : 0.0;
                for (const hass::network_part& part : p.parts) {
                    REQUIRE(part.best.fits);
                    REQUIRE(part.interval_cycles == part.best.estimate.interval_cycles);
                    carrying = carrying || part.best.estimate.link_binds();
                    sum += settings.batch * part.interval_cycles / (d.mhz * 1e6);
                }
                REQUIRE(p.seconds_per_batch == Approx(sum).epsilon(1e-9));
                several = several || p.parts.size() > 1;
            }
        }
    CHECK(several);
    CHECK(carrying);
}

TEST_CASE("chain equals the best of all cuts", "[partition]") {
    const hass::network_view view = residual_net{};
    const std::array boards{board(0.2, 0.0), board(0.3, 0.0)};
    double best = std::numeric_limits<double>::infinity();
    for (const std::size_t cut : cuts) {
        const double first = cut == 0 ? 0.0 : seconds(view, 0, cut, boards[0]);
        const double second = cut == view.size() ? 0.0 : seconds(view, cut, view.size(), boards[1]);
        const double link = 16.0 * hass::detail::words_across(view, cut) / 10e9;
        const auto carried = [&](std::size_t from, std::size_t to, const hass::device& d) {
            return 16.0 * image_words(view, from, to) / (d.budget.bandwidth * 1e9);
        };
        best = std::min(best, std::max({first, second, link, carried(0, cut, boards[0]),
                                        carried(cut, view.size(), boards[1])}));
    }
    const hass::partitioning p =
        hass::chain(view, hass::uniform_sparsity(0.5), hass::dense_dot<>{}, boards, 10.0);
    REQUIRE(p.fits);
    REQUIRE(p.proved);
    REQUIRE(p.parts.size() == 2);
    CHECK(p.parts[0].last == p.parts[1].first);
    CHECK(1.0 / p.images_per_second == Approx(best).epsilon(1e-9));
    // a second board never hurts
    CHECK(p.images_per_second >= hass::chain(view, hass::uniform_sparsity(0.5), hass::dense_dot<>{},
                                             std::span(boards).first(1), 10.0)
                                     .images_per_second);
}

TEST_CASE("a chain's boards carry the image, the answers, and nothing in between", "[partition]") {
    const hass::network_view view = residual_net{};
    auto boards = std::array{board(1.0, 0.0), board(1.0, 0.0)};
    const auto run = [&] {
        return hass::chain(view, hass::uniform_sparsity(0.5), hass::dense_dot<>{}, boards, 1000.0);
    };
    // one that is last carries ten answers
    boards[1].budget.bandwidth = 1e-3;
    boards[0].budget.bandwidth = 1e3;
    const auto fast = run();
    boards[0].budget.bandwidth = 1e-3;
    const auto slow = run();
    CHECK(slow.images_per_second == Approx(1e6 / (16.0 * 3 * 32 * 32)).epsilon(0.004));
    CHECK(fast.images_per_second > 40.0 * slow.images_per_second);
    CHECK(fast.images_per_second <= 1e6 / (16.0 * 10) * (1.0 + 1e-9));
}

TEST_CASE("one part is the special case", "[partition]") {
    const auto small = hass::zoo::mobilenet_v3_small;
    const hass::boards::u250 u250;
    const auto p = hass::partition(small, hass::uniform_sparsity(0.5), hass::dense_dot<>{}, u250);
    const auto a = hass::allocate(small, hass::uniform_sparsity(0.5), hass::dense_dot<>{}, u250);
    REQUIRE(p.fits);
    REQUIRE(p.parts.size() == 1);
    CHECK(p.images_per_second == Approx(a.estimate.images_per_second));
    CHECK(p.parts[0].best.design == a.design);
}

TEST_CASE("a network too large for the board runs in parts", "[partition]") {
    const auto large = hass::zoo::resnet18;
    const hass::boards::vc709 vc709;
    const hass::uniform_sparsity half(0.5);
    REQUIRE(!hass::allocate(large, half, hass::dense_dot<>{}, vc709).fits);
    const auto p = hass::partition(large, half, hass::dense_dot<>{}, vc709);
    INFO(p.reason);
    REQUIRE(p.fits);
    CHECK(p.parts.size() > 1);
    CHECK(p.images_per_second > 0.0);
}

TEST_CASE("bad settings are named", "[partition]") {
    hass::partition_settings settings;
    settings.batch = 0.0;
    CHECK_THROWS_AS(hass::partition(residual_net{}, hass::uniform_sparsity(0.5),
                                    hass::dense_dot<>{}, hass::boards::u250{}, settings),
                    hass::error);
    CHECK_THROWS_AS(
        hass::chain(residual_net{}, hass::uniform_sparsity(0.5), hass::dense_dot<>{}, {}, 10.0),
        hass::error);
    const auto p = hass::partition(residual_net{}, hass::uniform_sparsity(0.5), hass::dense_dot<>{},
                                   board(0.001, 0.0));
    CHECK(!p.fits);
    CHECK(p.reason.find("does not fit device 'zedboard' on its own") != std::string::npos);
}
