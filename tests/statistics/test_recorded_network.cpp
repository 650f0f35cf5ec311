// A measured network: what it predicts and how measurements add up.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/recorded_network.hpp>

#include "random_recorded.hpp"

namespace {

using hass::recorded_network;

hass::network_thresholds thresholds_of(const recorded_network& m, std::mt19937& bits) {
    hass::network_thresholds tau(m.net.rows.size());
    for (hass::layer_thresholds& t : tau) t = {2.0 * test::unit(bits), 2.0 * test::unit(bits)};
    return tau;
}

/// The same network measured on other images.
recorded_network on_others(const recorded_network& m, std::mt19937& bits) {
    recorded_network other = m;
    other.sources = {m.sources.back() + 1 + bits()};
    other.images = 1 + test::draw(bits, 1000);
    other.untouched = test::random_answers(bits, other.images);
    for (hass::recorded_layer& l : other.layers) {
        for (auto* curve : {&l.weight_curve, &l.activation_curve})
            for (hass::answers& a : curve->answered) a = test::random_answers(bits, other.images);
        for (auto* shares : {&l.activations.whole, &l.activations.channels})
            for (std::uint16_t& x : *shares) x = static_cast<std::uint16_t>(x - bits() % (x + 1U));
        for (std::size_t i = 1; i < l.activations.whole.size(); ++i)
            l.activations.whole[i] = std::max(l.activations.whole[i], l.activations.whole[i - 1]);
        const hass::layer_statistics s = test::random_statistics(bits, m.net.rows[l.place]);
        l.natural = s;
    }
    return other;
}

}  // namespace

TEST_CASE("shares of windows are rounded to steps that sum to one") {
    std::mt19937 bits(32);
    for (int round = 0; round < 200; ++round) {
        hass::window_histogram h{1, 1 + static_cast<int>(bits() % 40), {}};
        const std::size_t width = static_cast<std::size_t>(h.length) + 1;
        for (int block = 0; block < 3; ++block) {
            std::vector<double> share(width);
            for (double& x : share) x = std::pow(test::unit(bits), 6.0);
            share[bits() % width] += 0.1;
            const double sum = std::accumulate(share.begin(), share.end(), 0.0);
            for (const double x : share) h.share.push_back(x / sum);
        }
        hass::window_histogram rounded = h;
        hass::detail::round_to_steps(rounded);
        const std::vector<std::uint16_t> steps = hass::detail::window_steps(rounded);
        for (std::size_t b = 0; b < 3; ++b)
            CHECK(std::accumulate(steps.begin() + static_cast<long>(b * width),
                                  steps.begin() + static_cast<long>((b + 1) * width), 0) == 65535);
        for (std::size_t i = 0; i < h.share.size(); ++i)
            CHECK(std::abs(rounded.share[i] - h.share[i]) < 1.0 / 65535);
        hass::window_histogram again = rounded;
        hass::detail::round_to_steps(again);
        CHECK(again == rounded);
    }
}

TEST_CASE("statistics are the measured ones where nothing is clipped") {
    std::mt19937 bits(33);
    for (int round = 0; round < 30; ++round) {
        const recorded_network m = test::random_measured(bits);
        const auto s = m.statistics(hass::network_thresholds(m.net.rows.size()));
        for (const hass::recorded_layer& l : m.layers) CHECK(s[l.place] == l.natural);
        CHECK_THROWS_AS(m.statistics({}), hass::error);
    }
}

TEST_CASE("statistics stay consistent at any thresholds, and fall with them") {
    std::mt19937 bits(34);
    for (int round = 0; round < 60; ++round) {
        const recorded_network m = test::random_measured(bits);
        const hass::network_thresholds tau = thresholds_of(m, bits);
        hass::network_thresholds more = tau;
        for (hass::layer_thresholds& t : more) t.weight *= 1.0 + test::unit(bits);
        const auto s = m.statistics(tau);
        const auto after = m.statistics(more);
        for (const hass::recorded_layer& l : m.layers) {
            const hass::layer_statistics& here = s[l.place];
            CHECK(here.pair_sparsity_padded <= after[l.place].pair_sparsity_padded + 1e-12);
            CHECK(here.pair_sparsity <= after[l.place].pair_sparsity + 1e-12);
            CHECK(here.pair_sparsity >= l.natural.pair_sparsity - 1e-12);
            REQUIRE(here.lanes.size() == l.natural.lanes.size());
            for (std::size_t k = 0; k < here.lanes.size(); ++k) {
                CHECK(here.lanes[k].layout == l.natural.lanes[k].layout);
                CHECK(here.lanes[k].cycles <= l.natural.lanes[k].cycles);
                // lanes differ by more where half of the pairs are left: they may get a little slower
                CHECK(after[l.place].lanes[k].cycles <= 1.05 * here.lanes[k].cycles);
            }
            REQUIRE(here.lists.size() == l.natural.lists.size());
            const auto mean = [](const hass::list_lengths& lists) {
                double sum = 0.0;
                for (std::size_t z = 0; z < lists.share.size(); ++z)
                    sum += static_cast<double>(z) * lists.share[z];
                return sum;
            };
            for (std::size_t k = 0; k < here.lists.size(); ++k) {
                const std::vector<double>& share = here.lists[k].share;
                CHECK(std::accumulate(share.begin(), share.end(), 0.0) == Approx(1.0));
                CHECK(mean(here.lists[k]) <= mean(l.natural.lists[k]) + 1e-9);
            }
            if (here.lists.size() > 0) {  // of one list its mean falls as values do
                const double left =
                    (1.0 - here.pair_sparsity_padded) / (1.0 - here.weight_sparsity);
                const double was =
                    (1.0 - l.natural.pair_sparsity_padded) / (1.0 - l.natural.weight_sparsity);
                if (was > 0.0 && left < was && was < 1.0)
                    CHECK(mean(here.lists[0]) ==
                          Approx(mean(l.natural.lists[0]) * left / was).epsilon(1e-6));
            }
            REQUIRE(here.windows.size() == l.natural.windows.size());
            for (const hass::window_histogram& h : here.windows) {
                const auto width = static_cast<std::size_t>(h.length) + 1;
                for (std::size_t b = 0; b < h.blocks(); ++b)
                    CHECK(std::accumulate(h.share.begin() + static_cast<long>(b * width),
                                          h.share.begin() + static_cast<long>((b + 1) * width),
                                          0.0) == Approx(1.0));
            }
        }
    }
}

TEST_CASE("resampled magnitudes have the sampled sparsities") {
    std::mt19937 bits(35);
    for (int round = 0; round < 30; ++round) {
        const recorded_network m = test::random_measured(bits);
        const hass::network_magnitudes values = m.magnitudes();
        for (const hass::recorded_layer& l : m.layers)
            for (std::size_t i = 0; i < l.weights.thresholds.size(); ++i)
                CHECK(values[l.place].weights.sparsity(l.weights.thresholds[i]) ==
                      Approx(l.weights.whole[i] / 65535.0).margin(1e-4));
    }
}

TEST_CASE("losses add up and become answers by the relation that was measured") {
    hass::layer_row row;
    row.in = {1, 1, 1}, row.out = {1, 1, 1};
    recorded_network m;
    m.images = 100, m.untouched = {90, 95, 1.0};
    m.net = {{row, row}, {{-1, 0}, {-1, 1}}, {"a", "b"}};
    const hass::sampled_magnitudes none{{0.0F}, {0}, {0}};
    const hass::sensitivity_curve a{{1.0F, 2.0F}, {{80, 95, 1.5}, {60, 90, 2.0}}};
    const hass::sensitivity_curve b{{4.0F}, {{40, 85, 3.0}}};
    m.layers = {{0, none, none, a, {}, {}}, {1, none, none, {}, b, {}}};
    const hass::additive_accuracy model(m);
    const auto loss = [&](double first, double second) {
        return model.added_loss({{first, 0.0}, {0.0, second}});
    };
    CHECK(loss(0.0, 0.0) == 0.0);
    CHECK(loss(1.0, 0.0) == Approx(0.5));
    CHECK(loss(1.5, 0.0) == Approx(0.75));
    CHECK(loss(0.5, 0.0) == Approx(0.5 / 8));  // the cube below the first threshold
    CHECK(loss(4.0, 0.0) == Approx(2.0));      // in proportion beyond the last one
    CHECK(loss(2.0, 4.0) == Approx(1.0 + 2.0));
    CHECK(loss(2.0, 2.0) == Approx(1.0 + 0.25));
    const auto top1 = [&](double first, double second) {
        return model.accuracy({{first, 0.0}, {0.0, second}});
    };
    CHECK(top1(0.0, 0.0) == 0.9);
    CHECK(top1(1.0, 0.0) == Approx(0.8));
    CHECK(top1(2.0, 0.0) == Approx(0.6));
    CHECK(top1(0.0, 4.0) == Approx(0.4));
    CHECK(top1(1.0, 4.0) == Approx(0.4 * 2.0 / 2.5));
    CHECK(model.top5_accuracy({{2.0, 0.0}, {}}) == Approx(0.90));
    CHECK_THROWS_AS(model.accuracy({}), hass::error);
    CHECK_THROWS_AS(model.accuracy({{-1.0, 0.0}, {}}), hass::error);
}

TEST_CASE("predicted answers never rise with a threshold when no measured loss falls") {
    std::mt19937 bits(36);
    for (int round = 0; round < 60; ++round) {
        recorded_network m = test::random_measured(bits);
        m.untouched.loss = 0.1 * test::unit(bits);
        for (hass::recorded_layer& l : m.layers)
            for (auto* curve : {&l.weight_curve, &l.activation_curve}) {
                double loss = m.untouched.loss;
                for (hass::answers& a : curve->answered) loss = a.loss = loss + test::unit(bits);
            }
        const hass::additive_accuracy model(m);
        hass::network_thresholds tau(m.net.rows.size());
        double before = model.accuracy(tau);
        CHECK(before == m.top1());
        for (int step = 0; step < 40; ++step) {
            tau[m.layers[bits() % m.layers.size()].place].weight += 0.1 * test::unit(bits);
            const double now = model.accuracy(tau);
            CHECK((now >= 0.0 && now <= before + 1e-12));
            before = now;
        }
    }
}

TEST_CASE("measurements on several sets of images add up in any order") {
    std::mt19937 bits(37);
    for (int round = 0; round < 40; ++round) {
        const recorded_network a = test::random_measured(bits);
        const recorded_network b = on_others(a, bits);
        const recorded_network c = on_others(b, bits);
        const recorded_network ab = hass::merged(a, b);
        CHECK(hass::merged(b, a).untouched.top1 == ab.untouched.top1);
        CHECK(ab.images == a.images + b.images);
        const recorded_network one = hass::merged(ab, c);
        const recorded_network two = hass::merged(a, hass::merged(c, b));
        CHECK(one.sources == two.sources);
        CHECK(one.untouched.top5 == two.untouched.top5);
        CHECK(one.untouched.loss == Approx(two.untouched.loss));
        const std::array<double, 3> n{double(a.images), double(b.images), double(c.images)};
        for (std::size_t j = 0; j < a.layers.size(); ++j) {
            const hass::recorded_layer& x = one.layers[j];
            for (std::size_t i = 0; i < x.activation_curve.answered.size(); ++i)
                CHECK(x.activation_curve.answered[i].top1 ==
                      two.layers[j].activation_curve.answered[i].top1);
            // half a step a merge, in units of a step
            for (std::size_t i = 0; i < x.activations.channels.size(); ++i) {
                const double exact = (n[0] * a.layers[j].activations.channels[i] +
                                      n[1] * b.layers[j].activations.channels[i] +
                                      n[2] * c.layers[j].activations.channels[i]) /
                                     (n[0] + n[1] + n[2]);
                CHECK(std::abs(x.activations.channels[i] - exact) <= 1.0 + 1e-9);
            }
            for (std::size_t k = 0; k < x.natural.lanes.size(); ++k) {
                const auto cycles = [&](const recorded_network& m) {
                    return m.layers[j].natural.lanes[k].cycles;
                };
                CHECK(cycles(one) ==
                      Approx((n[0] * cycles(a) + n[1] * cycles(b) + n[2] * cycles(c)) /
                             (n[0] + n[1] + n[2])));
            }
            for (std::size_t w = 0; w < x.natural.windows.size(); ++w)
                for (std::size_t i = 0; i < x.natural.windows[w].share.size(); ++i) {
                    const auto share = [&](const recorded_network& m) {
                        return m.layers[j].natural.windows[w].share[i];
                    };
                    const double exact = (n[0] * share(a) + n[1] * share(b) + n[2] * share(c)) /
                                         (n[0] + n[1] + n[2]);
                    CHECK(std::abs(share(one) - exact) < 2.0 / 65535);
                }
        }
    }
}

TEST_CASE("measurements that do not fit each other are not merged") {
    std::mt19937 bits(38);
    recorded_network a = test::random_measured(bits);
    while (a.layers.front().weight_curve.thresholds.empty()) a = test::random_measured(bits);
    const recorded_network b = on_others(a, bits);
    CHECK_NOTHROW(hass::merged(a, b));
    const auto refused = [&](const auto& change, const std::string& why) {
        recorded_network other = b;
        change(other);
        CHECK_THROWS_WITH(hass::merged(a, other), Catch::Contains(why));
    };
    refused([](auto& m) { m.weights ^= 1; }, "other weights");
    refused([&](auto& m) { m.sources = a.sources; }, "they share a set of images");
    refused([](auto& m) { m.images = ~0U; }, "more than 2^32 - 1 images");
    refused([](auto& m) { m.layers[0].weight_curve.thresholds[0] += 1e-3F; }, "other thresholds");
    refused([](auto& m) { m.layers[0].natural.lanes.push_back({}); }, "was not measured of both");
    refused([](auto& m) { m.layers[0].natural.lists.push_back({}); }, "was not measured of both");
    refused([](auto& m) { m.layers[0].natural.rows.push_back(1.0); }, "was not measured of both");
    refused([](auto& m) { m.layers[0].natural.windows.clear(); }, "windows were not measured");
    refused([](auto& m) { m.layers[0].weights.whole[0] ^= 1; }, "other distributions of weights");
    refused([](auto& m) { m.net.rows.back().bias = !m.net.rows.back().bias; },
            "is not what was measured");
    refused([](auto& m) { m.net.rows.pop_back(); }, "rows, the network has");
}
