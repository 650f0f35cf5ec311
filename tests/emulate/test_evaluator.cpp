// The evaluator answers as the emulator does, whatever it remembers, and keeps within its budget.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <random>
#include <vector>

#include <hass/emulate/evaluator.hpp>

#include "networks.hpp"

namespace {

constexpr std::size_t rows = 15;  // of test::small_network
const std::vector<std::size_t> compute_rows{0, 2, 4, 7, 10, 14};

struct setting {
    std::mt19937 bits{101};
    hass::emulator network{test::small_network(bits)};
    hass::image_set images = test::float_images(bits, {3, 11, 12}, 23);
    std::vector<int> labels;
    hass::emulation_options options;

    /// One of `count` values from 0 on.
    double pick(unsigned count, double step) { return step * static_cast<double>(bits() % count); }

    setting() {
        for (std::size_t n = 0; n < images.count; ++n)
            labels.push_back(static_cast<int>(bits() % 7));
        options.threads = 2, options.batch = 4;
    }
};

void require_equal(const hass::emulation& a, const hass::emulation& b) {
    REQUIRE(a.images == b.images);
    REQUIRE(a.top1 == b.top1);
    REQUIRE(a.top5 == b.top5);
    REQUIRE(a.statistics.size() == b.statistics.size());
    for (std::size_t i = 0; i < a.statistics.size(); ++i) {
        const hass::layer_statistics& x = a.statistics[i];
        const hass::layer_statistics& y = b.statistics[i];
        REQUIRE(x.weight_sparsity == y.weight_sparsity);
        REQUIRE(x.activation_sparsity == y.activation_sparsity);
        REQUIRE(x.pair_sparsity == y.pair_sparsity);
        REQUIRE(x.pair_sparsity_padded == y.pair_sparsity_padded);
        REQUIRE(x.windows.size() == y.windows.size());
        for (std::size_t w = 0; w < x.windows.size(); ++w)
            REQUIRE(x.windows[w].share == y.windows[w].share);
    }
}

}  // namespace

TEST_CASE("remembered or not, the same bits, and never more bytes than the budget") {
    setting s;
    const std::size_t budget = GENERATE(0U, 1000U, 30'000U, 200'000U, 100'000'000U);
    s.options.statistics_images = GENERATE(hass::all_images, 9U, 0U);
    const hass::evaluator evaluator(s.network, s.images, s.labels, s.options, budget);
    hass::emulation_options answers_only = s.options;
    answers_only.statistics_images = 0;
    hass::network_thresholds now(rows);
    std::vector<hass::network_thresholds> before{now};
    for (int trial = 0; trial < 60; ++trial) {
        switch (s.bits() % 4) {
            case 0:  // one layer of these
                now[compute_rows[s.bits() % 6]] = {s.pick(4, 0.05), s.pick(4, 0.2)};
                break;
            case 1:  // one layer of earlier ones
                now = before[s.bits() % before.size()];
                now[compute_rows[s.bits() % 6]].activation = s.pick(5, 0.1);
                break;
            case 2:  // earlier ones again, a layer of them with a threshold a channel
                now = before[s.bits() % before.size()];
                if (s.bits() % 2 == 0) now[10].weight_channels.assign(12, s.pick(3, 0.1));
                if (s.bits() % 2 == 0) now[10].activation_channels.assign(12, s.pick(3, 0.1));
                break;
            default:  // everything, and entries that nobody reads
                for (hass::layer_thresholds& t : now) t = {s.pick(4, 0.05), s.pick(4, 0.2)};
        }
        before.push_back(now);
        if (s.bits() % 3 == 0)
            REQUIRE(evaluator.accuracy(now) ==
                    s.network.run(s.images, s.labels, now, answers_only).top1_accuracy());
        else
            require_equal(evaluator.run(now), s.network.run(s.images, s.labels, now, s.options));
        REQUIRE(evaluator.cached_bytes() <= budget);
    }
    if (budget == 0) CHECK(evaluator.rows_run() == evaluator.rows_asked());
    if (budget > 1'000'000) CHECK(evaluator.rows_run() < evaluator.rows_asked() * 8 / 10);
}

TEST_CASE("a sweep over one layer runs the layers behind it only") {
    setting s;
    const hass::evaluator evaluator(s.network, s.images, s.labels, s.options, 100'000'000);
    evaluator.accuracy(hass::network_thresholds(rows));
    CHECK(evaluator.rows_run() == 6);
    for (std::size_t k = 0; k < 6; ++k)
        for (int step = 1; step <= 3; ++step) {
            const std::size_t before = evaluator.rows_run();
            hass::network_thresholds tau(rows);
            tau[compute_rows[k]].weight = 0.05 * step;
            evaluator.accuracy(tau);
            // Its first step still comes from the layer before.
            const std::size_t skipped = step == 1 && k > 0 ? k - 1 : k;
            CHECK(evaluator.rows_run() - before == 6 - skipped);
            const std::size_t once = evaluator.rows_run();
            evaluator.accuracy(tau);
            CHECK(evaluator.rows_run() == once);
        }
}

TEST_CASE("activations in front of a row take what the formula says") {
    setting s;
    const hass::program& p = s.network.program();
    // In front of the second pointwise layer (row 4): its own input, and the map that row 5 adds.
    CHECK(p.schedule.live_floats(4) == 2 * 12 * 36);
    CHECK(p.schedule.live_floats(0) == 3 * 11 * 12);
    CHECK(p.schedule.live_floats(14) == 20);
    CHECK(p.schedule.live_floats(15) == 7);
    const hass::evaluator evaluator(s.network, s.images, s.labels, s.options, 100'000'000);
    evaluator.accuracy(hass::network_thresholds(rows));
    const std::size_t without = evaluator.cached_bytes();
    hass::network_thresholds tau(rows);
    tau[4].weight = 0.1;
    evaluator.accuracy(tau);
    CHECK(evaluator.cached_bytes() == 3 * without + 4 * 23 * 2 * 12 * 36);
}

TEST_CASE("the evaluator is an accuracy model and refuses what the emulator refuses") {
    setting s;
    static_assert(hass::AccuracyModel<hass::evaluator>);
    s.labels[3] = 7;
    CHECK_THROWS_WITH(hass::evaluator(s.network, s.images, s.labels),
                      "labels: number 3 is 7, outside of the network's 7 classes");
    s.labels[3] = 0;
    const hass::evaluator evaluator(s.network, s.images, s.labels, s.options, 1000);
    CHECK_THROWS_AS(evaluator.run({}), hass::error);
    CHECK_THROWS_AS(evaluator.run(hass::network_thresholds(rows, {0.1, -1.0})), hass::error);
}

TEST_CASE("a limit on accuracy ends runs early, with the verdict of all images when certain") {
    setting s;
    s.images = test::float_images(s.bits, {3, 11, 12}, 120);
    const std::vector<float> logits = s.network.logits(s.images);
    s.labels.clear();
    for (std::size_t n = 0; n < 120; ++n) {  // nine of ten labels are what the network answers
        const auto answer = logits.begin() + static_cast<std::ptrdiff_t>(7 * n);
        const auto best = static_cast<int>(std::max_element(answer, answer + 7) - answer);
        s.labels.push_back(n % 10 == 0 ? (best + 1) % 7 : best);
    }
    s.options.statistics_images = 0;
    hass::accuracy_limit limit;
    limit.floor = 0.85, limit.interval = 10;
    limit.error = GENERATE(0.0, 0.05);
    limit.end_when_met = GENERATE(true, false);
    hass::evaluator evaluator(s.network, s.images, s.labels, s.options, 1'000'000);
    evaluator.limit(limit);
    s.options.threads = 1;
    hass::evaluator alone(s.network, s.images, s.labels, s.options, 0);
    alone.limit(limit);
    bool some_missed_early = false;
    for (int trial = 0; trial < 25; ++trial) {
        const hass::network_thresholds tau(rows, {s.pick(5, 0.03), s.pick(5, 0.1)});
        const hass::emulation all = s.network.run(s.images, s.labels, tau, s.options);
        const hass::emulation run = evaluator.run(tau);
        const bool meets = all.top1_accuracy() >= limit.floor;
        if (limit.error == 0.0)
            REQUIRE(run.verdict ==
                    (meets ? hass::limit_verdict::met : hass::limit_verdict::missed));
        if (run.verdict == hass::limit_verdict::met && !limit.end_when_met)
            REQUIRE(run.images == 120);
        if (run.images == 120) {
            REQUIRE(run.top1 == all.top1);
            REQUIRE(run.top5 == all.top5);
            REQUIRE_FALSE(run.estimate.has_value());
        } else {
            REQUIRE(run.images % 2 == 0);
            REQUIRE(run.estimate.has_value());
            some_missed_early |= run.verdict == hass::limit_verdict::missed;
        }
        const hass::emulation same = alone.run(tau);  // by one thread, nothing remembered
        REQUIRE(same.images == run.images);
        REQUIRE(same.top1 == run.top1);
        REQUIRE(same.verdict == run.verdict);
        REQUIRE(same.estimate == run.estimate);
    }
    CHECK(some_missed_early);
    CHECK(evaluator.images_run() < alone.images_run());
}
