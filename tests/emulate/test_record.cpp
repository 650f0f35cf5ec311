// A measured small network against its emulator.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include <hass/emulate/record.hpp>
#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/store.hpp>

#include "networks.hpp"

static_assert(hass::AccuracyModel<hass::additive_accuracy>);

namespace {

struct subject {
    std::mt19937 bits{73};
    hass::emulator emulator{test::small_network(bits)};
    hass::network_view net = emulator.network();
    hass::image_set images = test::float_images(bits, {3, 11, 12}, 24);
    std::vector<int> labels = own_answers(images);

    /// The network's own answers as labels, so that clipping costs accuracy.
    std::vector<int> own_answers(const hass::image_set& set) const {
        const std::vector<float> logits = emulator.logits(set);
        std::vector<int> best;
        for (std::size_t n = 0; n < set.count; ++n) {
            const auto first = logits.begin() + static_cast<std::ptrdiff_t>(7 * n);
            best.push_back(static_cast<int>(std::max_element(first, first + 7) - first));
        }
        return best;
    }
};

double mean(const hass::list_lengths& lists) {
    double sum = 0.0;
    for (std::size_t z = 0; z < lists.share.size(); ++z)
        sum += static_cast<double>(z) * lists.share[z];
    return sum;
}

}  // namespace

TEST_CASE("cross-entropy and right answers are the definition's") {
    std::mt19937 bits(74);
    const hass::emulator emulator(test::make_model(bits, {test::linear(5, 9)}));
    const hass::image_set images = test::float_images(bits, {5, 1, 1}, 6);
    const std::vector<float> logits = emulator.logits(images);
    const std::vector<int> labels{0, 3, 8, 4, 4, 1};
    long double loss = 0;
    std::uint32_t top1 = 0;
    std::uint32_t top5 = 0;
    for (std::size_t n = 0; n < 6; ++n) {
        const auto* x = &logits[9 * n];
        const auto label = static_cast<std::size_t>(labels[n]);
        long double sum = 0;
        for (std::size_t c = 0; c < 9; ++c) sum += std::exp(static_cast<long double>(x[c]));
        loss -= std::log(std::exp(static_cast<long double>(x[label])) / sum) / 6;
        std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6, 7, 8};
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return x[a] > x[b]; });
        top1 += order[0] == label ? 1U : 0U;
        top5 += std::find(order.begin(), order.begin() + 5, label) != order.begin() + 5 ? 1U : 0U;
    }
    const hass::emulation a = emulator.run(images, labels, hass::network_thresholds(1));
    CHECK(a.mean_loss() == Approx(static_cast<double>(loss)).epsilon(1e-12));
    CHECK(a.top1 == top1);
    CHECK(a.top5 == top5);
}

TEST_CASE("a measured network agrees with the emulator wherever one tensor alone is clipped") {
    const subject s;
    hass::recording_options options;
    options.steps = 3;
    options.run.products = {true, true};
    std::size_t last = 0;
    options.progress = [&](std::size_t done, std::size_t total) {
        CHECK((done >= last && done <= total));
        CHECK(total == 2 * 6 * 3);
        last = done;
    };
    const hass::recorded_network m = hass::record_network(s.emulator, s.images, s.labels, options);
    CHECK(last == 2 * 6 * 3);
    CHECK(m.top1() == 1.0);
    CHECK(m.images == 24);
    CHECK_NOTHROW(m.check(s.net));
    REQUIRE(m.layers.size() == 6);
    CHECK(hass::parse_statistics(hass::format_statistics(m), "again") == m);

    CHECK((m.products() == hass::dot_products{true, true}));

    const hass::network_thresholds zero(s.net.size());
    const auto natural = s.emulator.run(s.images, s.labels, zero, options.run).statistics;
    // lanes and lists of clipped tensors, predicted against counted
    double lane_off = 0.0, list_off = 0.0, lanes = 0.0, lists = 0.0;
    const auto same = m.statistics(zero);
    const hass::additive_accuracy model(m);
    for (const hass::recorded_layer& layer : m.layers) {
        const std::size_t i = layer.place;
        INFO(hass::name_of(s.net, i));
        CHECK(same[i].pair_sparsity == natural[i].pair_sparsity);
        CHECK(same[i].lanes == natural[i].lanes);
        CHECK(same[i].lists.size() == natural[i].lists.size());
        REQUIRE(same[i].windows.size() == natural[i].windows.size());
        for (std::size_t w = 0; w < natural[i].windows.size(); ++w)
            for (std::size_t k = 0; k < natural[i].windows[w].share.size(); ++k)
                CHECK(std::abs(same[i].windows[w].share[k] - natural[i].windows[w].share[k]) <
                      1.0 / hass::share_steps);
        for (const bool weights : {true, false}) {
            const hass::sensitivity_curve& curve =
                weights ? layer.weight_curve : layer.activation_curve;
            REQUIRE_FALSE(curve.thresholds.empty());
            CHECK(curve.thresholds.size() == curve.answered.size());
            for (std::size_t k = 0; k < curve.thresholds.size(); ++k) {
                hass::network_thresholds tau = zero;
                (weights ? tau[i].weight : tau[i].activation) = curve.thresholds[k];
                const hass::emulation run = s.emulator.run(s.images, s.labels, tau, options.run);
                CHECK(curve.answered[k].top1 == run.top1);
                CHECK(curve.answered[k].top5 == run.top5);
                CHECK(model.added_loss(tau) ==
                      Approx(curve.answered[k].loss - m.untouched.loss).margin(1e-12));
                const hass::layer_statistics predicted = m.statistics(tau)[i];
                const hass::layer_statistics& counted = run.statistics[i];
                CHECK(predicted.weight_sparsity == Approx(counted.weight_sparsity).margin(1e-4));
                CHECK(predicted.activation_sparsity ==
                      Approx(counted.activation_sparsity).margin(0.01));
                CHECK(predicted.pair_sparsity == Approx(counted.pair_sparsity).margin(0.05));
                for (std::size_t l = 0; l < counted.lanes.size(); ++l, lanes += 1.0)
                    lane_off += std::abs(predicted.lanes[l].cycles / counted.lanes[l].cycles - 1.0);
                for (std::size_t l = 0; l < counted.lists.size(); ++l, lists += 1.0)
                    list_off += std::abs(mean(predicted.lists[l]) / mean(counted.lists[l]) - 1.0);
            }
        }
    }
    INFO("mean errors: lanes " << lane_off / lanes << ", lists " << list_off / lists);
    CHECK(lane_off / lanes < 0.10);
    CHECK(list_off / lists < 0.03);
    options.steps = 0;
    CHECK_THROWS_AS(hass::record_network(s.emulator, s.images, s.labels, options), hass::error);
}

TEST_CASE("measuring goes on from what there is, and ends with the same") {
    const subject s;
    hass::recording_options options;
    options.steps = 2;
    std::vector<hass::recorded_network> stations;
    options.checkpoint = [&](const hass::recorded_network& m) { stations.push_back(m); };
    const hass::recorded_network whole =
        hass::record_network(s.emulator, s.images, s.labels, options);
    CHECK(stations.size() == 12);
    CHECK(stations.back() == whole);
    CHECK_FALSE(stations[4] == whole);
    const hass::recorded_network half =
        hass::parse_statistics(hass::format_statistics(stations[4]), "half");  // as if interrupted
    stations.clear();
    options.known = &half;
    CHECK(hass::record_network(s.emulator, s.images, s.labels, options) == whole);
    CHECK(stations.size() == 12 - 5);

    options.run.threads = 3;
    options.run.products.windows = false;  // as trials of lanes and lists have them
    options.known = nullptr;
    CHECK(hass::record_network(s.emulator, s.images, s.labels, options) == whole);

    // other labels are another measurement, the same images answered otherwise an error
    hass::recorded_network other = whole;
    other.untouched.loss += 0.1;
    options.known = &other;
    CHECK_THROWS_WITH(hass::record_network(s.emulator, s.images, s.labels, options),
                      Catch::Contains("another preprocessing?"));
    other = whole;
    other.weights ^= 1;
    CHECK_THROWS_WITH(hass::record_network(s.emulator, s.images, s.labels, options),
                      Catch::Contains("other weights"));
}

TEST_CASE("two halves of the images, measured apart and merged, are the whole") {
    subject s;
    hass::recording_options options;
    options.steps = 2;
    const hass::recorded_network whole =
        hass::record_network(s.emulator, s.images, s.labels, options);
    options.known = &whole;  // for its thresholds
    std::vector<hass::recorded_network> halves;
    for (const std::size_t first : {0U, 12U}) {
        std::vector<float> pixels(12 * 3 * 11 * 12);
        s.images.copy(first, 12, pixels);
        const hass::image_set half =
            hass::to_images(hass::make_npy<float>({12, 3, 11, 12}, pixels));
        const std::span<const int> labels = std::span<const int>(s.labels).subspan(first, 12);
        halves.push_back(hass::record_network(s.emulator, half, labels, options));
    }
    const hass::recorded_network sum = hass::merged(halves[0], halves[1]);
    CHECK(sum.images == whole.images);
    CHECK(sum.untouched.top1 == whole.untouched.top1);
    CHECK(sum.untouched.loss == Approx(whole.untouched.loss).margin(2e-6));
    for (std::size_t j = 0; j < whole.layers.size(); ++j) {
        const hass::recorded_layer& a = sum.layers[j];
        const hass::recorded_layer& b = whole.layers[j];
        CHECK(a.weights == b.weights);
        CHECK(a.natural.pair_sparsity == Approx(b.natural.pair_sparsity));
        for (std::size_t i = 0; i < a.activation_curve.answered.size(); ++i) {
            CHECK(a.activation_curve.answered[i].top1 == b.activation_curve.answered[i].top1);
            CHECK(a.activation_curve.answered[i].loss ==
                  Approx(b.activation_curve.answered[i].loss).margin(2e-6));
        }
        // Distributions are interpolated within a bin of each half, and rounded.
        for (std::size_t i = 0; i < a.activations.channels.size(); ++i)
            CHECK(std::abs(a.activations.channels[i] - b.activations.channels[i]) <= 2);
        for (std::size_t w = 0; w < a.natural.windows.size(); ++w)
            for (std::size_t i = 0; i < a.natural.windows[w].share.size(); ++i)
                CHECK(std::abs(a.natural.windows[w].share[i] - b.natural.windows[w].share[i]) <
                      3.0 / hass::share_steps);
    }
    CHECK_THROWS_AS(hass::merged(whole, whole), hass::error);
}
