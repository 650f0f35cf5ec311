// Joint zeros of trained networks on a real image, against every pair counted one by one.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <hass/emulate/emulator.hpp>

#include "../statistics/random_layers.hpp"
#include "shared_models.hpp"

namespace {

/// What row `i` takes in on one image, before it is clipped: the answer of the network that ends
/// in front of it.
std::vector<float> input_of(const hass::emulator& whole, const hass::preprocessing& scaling,
                            std::size_t i, const hass::image_set& image,
                            const hass::network_thresholds& thresholds) {
    const hass::model& m = whole.model();
    int from = hass::network_input;
    for (const hass::edge& e : m.net.edges)
        if (e.to == static_cast<int>(i)) from = e.from;
    if (from == hass::network_input) {
        std::vector<float> x(static_cast<std::size_t>(image.each.volume()));
        image.copy(0, 1, x);
        const auto pixels = static_cast<std::size_t>(image.each.pixels());
        for (std::size_t k = 0; k < x.size(); ++k) {
            const auto at = [&](const std::vector<float>& values) {
                return values[values.size() == 1 ? 0 : k / pixels];
            };
            x[k] = (x[k] * scaling.scale - at(scaling.mean)) / at(scaling.std);
        }
        return x;
    }
    const auto count = static_cast<std::size_t>(from) + 1;
    hass::model front;
    front.source = m.source;
    front.net.rows.assign(m.net.rows.begin(), m.net.rows.begin() + from + 1);
    front.net.names.assign(m.net.names.begin(), m.net.names.begin() + from + 1);
    front.parameters.assign(m.parameters.begin(), m.parameters.begin() + from + 1);
    for (const hass::edge& e : m.net.edges)
        if (e.to <= from) front.net.edges.push_back(e);
    return hass::emulator(front, scaling)
        .logits(image,
                {thresholds.begin(), thresholds.begin() + static_cast<std::ptrdiff_t>(count)});
}

struct pair_count {
    std::uint64_t alive = 0;
    std::uint64_t inside = 0;
    std::uint64_t all = 0;
};

/// Every multiply-accumulate of a row for one image, pair by pair.
pair_count count_pairs(const hass::layer_row& r, const std::vector<float>& weights,
                       const std::vector<float>& input, const hass::layer_thresholds& tau) {
    const auto flags = [](const std::vector<float>& values, double threshold) {
        std::vector<std::uint32_t> f(values.size());
        for (std::size_t i = 0; i < f.size(); ++i)
            f[i] = test::survives(values[i], static_cast<float>(threshold)) ? 1U : 0U;
        return f;
    };
    const auto w = flags(weights, tau.weight);
    const auto a = flags(input, tau.activation);
    const int per_group = r.in.channels / r.groups;
    const int filters = r.out.channels / r.groups;
    pair_count n;
    std::size_t at = 0;
    for (int f = 0; f < r.out.channels; ++f)
        for (int c = 0; c < per_group; ++c)
            for (int ky = 0; ky < r.kernel_h; ++ky)
                for (int kx = 0; kx < r.kernel_w; ++kx, ++at)
                    for (int y = 0; y < r.out.height; ++y) {
                        n.all += static_cast<std::uint64_t>(r.out.width);
                        const int iy = y * r.stride_h + ky * r.dilation_h - r.pad_top;
                        if (iy < 0 || iy >= r.in.height) continue;
                        const int channel = f / filters * per_group + c;
                        const std::uint32_t* line =
                            &a[static_cast<std::size_t>((channel * r.in.height + iy) * r.in.width)];
                        const int shift = kx * r.dilation_w - r.pad_left;
                        int first = 0;
                        while (first * r.stride_w + shift < 0) ++first;
                        int end = r.out.width;
                        while (end > first && (end - 1) * r.stride_w + shift >= r.in.width) --end;
                        std::uint32_t alive = 0;
                        for (int x = first; x < end; ++x)
                            alive += w[at] & line[x * r.stride_w + shift];
                        n.alive += alive;
                        n.inside += static_cast<std::uint64_t>(end - first);
                    }
    return n;
}

}  // namespace

TEST_CASE("joint statistics of trained networks equal a count pair by pair", "[imagenet]") {
    const auto folder = test::shared_models();
    if (!folder) return;
    const test::json manifest = test::read_json(*folder / "manifest.json");
    std::map<std::string, std::string> images_of;
    for (const auto& [name, d] : manifest.at("datasets").items()) images_of[name] = d.at("images");
    for (const test::json& network : manifest.at("models")) {
        INFO(network.at("name"));
        const test::json& p = network.at("preprocessing");
        const hass::preprocessing scaling{test::scale_of(p), p.at("mean").get<std::vector<float>>(),
                                          p.at("std").get<std::vector<float>>()};
        const hass::emulator emulator = test::emulator_of(*folder, network);
        const std::string dataset = network.at("reference_logits").at("dataset");
        hass::image_set image = hass::read_images(*folder / images_of.at(dataset));
        test::keep_first(image, 1);
        const hass::network_view net = emulator.network();
        const auto thresholds = hass::uniform_thresholds(net, {0.01, 0.05});
        const std::vector<int> label{0};
        const auto statistics = emulator.run(image, label, thresholds).statistics;

        // One layer with all its windows: the one nearest to ten million multiply-accumulates.
        std::size_t chosen = net.size();
        const auto distance = [&](std::size_t i) {
            return std::abs(std::log(static_cast<double>(hass::mac_count(net[i])) / 1e7));
        };
        pair_count sum;
        double alive = 0.0;
        for (std::size_t i = 0; i < net.size(); ++i) {
            if (!hass::is_compute(net[i])) continue;
            if (chosen == net.size() || distance(i) < distance(chosen)) chosen = i;
            const pair_count n =
                count_pairs(net[i], emulator.model().parameters[i].weights,
                            input_of(emulator, scaling, i, image, thresholds), thresholds[i]);
            INFO(hass::name_of(net, i));
            const auto zeros = [&](std::uint64_t of) {
                return 1.0 - static_cast<double>(n.alive) / static_cast<double>(of);
            };
            CHECK(statistics[i].pair_sparsity == Approx(zeros(n.inside)).margin(1e-12));
            CHECK(statistics[i].pair_sparsity_padded == Approx(zeros(n.all)).margin(1e-12));
            sum.alive += n.alive, sum.all += n.all;
            alive += (1.0 - statistics[i].pair_sparsity_padded) * static_cast<double>(n.all);
        }
        CHECK(alive / static_cast<double>(sum.all) ==
              Approx(static_cast<double>(sum.alive) / static_cast<double>(sum.all)).margin(1e-6));

        INFO("windows of " << hass::name_of(net, chosen));
        const hass::layer_row& row = net[chosen];
        const auto input = input_of(emulator, scaling, chosen, image, thresholds);
        for (const hass::window_histogram& h : statistics[chosen].windows) {
            const test::brute_force counts = test::count_one_by_one(
                row, emulator.model().parameters[chosen].weights, input, 0.01F, 0.05F, h.channels);
            const double windows =
                static_cast<double>(row.out.pixels()) * hass::filters_per_group(row);
            REQUIRE(h.share.size() == counts.windows.size());
            std::size_t wrong = 0;
            for (std::size_t k = 0; k < h.share.size(); ++k)
                wrong += h.share[k] != static_cast<double>(counts.windows[k]) / windows ? 1U : 0U;
            CHECK(wrong == 0);
        }
    }
}
