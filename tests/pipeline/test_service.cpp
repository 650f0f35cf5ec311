// Services of pixels from masks: against the engine's cycles for the statistics of the same masks,
// against counting tap by tap, and on the shipped network.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <numeric>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/recorded_service.hpp>
#include <hass/pipeline/simulate.hpp>
#include <hass/statistics/dot_counts.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/workload/onnx.hpp>

#include "../engine/rows.hpp"

using namespace hass;

namespace {

// Random maps and weights of a row, zeros in runs.
struct tensors {
    std::vector<float> maps;  // in.channels x images x height x width
    std::vector<float> planes;
    std::vector<float> weights;
    std::size_t images;

    tensors(const layer_row& row, std::size_t n, draw::source& from) : images(n) {
        const auto pixels = static_cast<std::size_t>(row.in.pixels());
        double tilt = 0.5;
        for (std::size_t k = 0; k < static_cast<std::size_t>(row.in.channels) * n * pixels; ++k) {
            if (k % 7 == 0) tilt = from.unit();
            maps.push_back(from.unit() < tilt ? 0.0F : static_cast<float>(from.unit() - 0.5));
        }
        for (std::int64_t k = 0; k < weight_count(row); ++k) {
            if (k % 11 == 0) tilt = from.unit();
            weights.push_back(from.unit() < tilt ? 0.0F : static_cast<float>(from.unit() - 0.5));
        }
        const plane_layout layout(row);
        const std::size_t count = static_cast<std::size_t>(row.in.channels) * n;
        planes.resize(count * layout.size());
        for (std::size_t k = 0; k < count; ++k)
            fill_plane(row, layout, maps.data() + k * pixels, 0.0F, 0.0F,
                       planes.data() + k * layout.size());
    }
    layer_statistics statistics(const layer_row& row) const {
        activation_windows activations(row);
        activations.add(planes.data(), images);
        return joint_statistics(activations, weight_windows(row, weights, 0.0));
    }
    service_trace trace(const layer_row& row, const row_option& c, filter_share share,
                        const sparse_dot<>& engine = {}) const {
        window_service service(window_table(engine, row, c), row, c.folding, statistics(row),
                               weights, share);
        service.add(planes.data(), images, std::numeric_limits<float>::denorm_min());
        return std::move(service.trace());
    }
};

// Cycles of an image that comes again and again, mean over images: the row by itself, pixel by pixel.
double by_itself(const layer_row& row, service_trace t, std::size_t images) {
    network net;
    net.rows.push_back(row), net.edges.push_back({-1, 0});
    const std::vector<float> all = std::move(t.cycles);
    const std::size_t size = all.size() / images;
    double sum = 0.0;
    for (std::size_t n = 0; n < images; ++n) {
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(n * size);
        t.cycles.assign(from, from + static_cast<std::ptrdiff_t>(size));
        sum += simulate(net, std::vector{t}, fifo_depths::all(net, 0), {8}).interval(4);
    }
    return sum / static_cast<double>(images);
}

double sum(const service_trace& t) {
    return std::accumulate(t.cycles.begin(), t.cycles.end(), 0.0);
}

}  // namespace

TEST_CASE("pixels take in the mean what the engine says for the same masks", "[service]") {
    draw::source from(61);
    std::size_t options = 0;
    for (const layer_row& row : draw::rows()) {
        const tensors t(row, 3, from);
        const layer_statistics s = t.statistics(row);
        const sparse_dot<> as_dealt, as_rtl{{.in_order = true}};
        const std::array prepared{as_dealt.prepare(row, s), as_rtl.prepare(row, s)};
        const std::vector<row_option> all = legal(as_dealt, row);
        for (std::size_t k = 0; k < 40; ++k) {
            const row_option& c = all[static_cast<std::size_t>(from.below(int(all.size())))];
            const sparse_dot<>& asked = k % 2 == 0 ? as_dealt : as_rtl;
            const auto& engine = prepared[k % 2];
            const service_trace averaged = t.trace(row, c, filter_share::averaged, asked);
            const service_trace own = t.trace(row, c, filter_share::own, asked);
            INFO(detail::text(c.folding));
            REQUIRE(averaged.mean(row) == Approx(engine.cycles(c)).epsilon(1e-6));
            REQUIRE(own.lanes == averaged.lanes * static_cast<std::size_t>(c.folding.out));
            // the same work, on engines that have filters of their own
            REQUIRE(sum(own) == Approx(sum(averaged) * c.folding.out).epsilon(1e-6));
            if (c.folding.out == 1)
                REQUIRE(own.cycles == averaged.cycles);
            else
                REQUIRE(own.mean(row) >= (1 - 1e-6) * engine.cycles(c));
            ++options;
        }
    }
    CHECK(options == 40 * draw::rows().size());
}

TEST_CASE("on lanes and lists pixels take in the mean what the engine says", "[service]") {
    draw::source from(63);
    const float keep = std::numeric_limits<float>::denorm_min();
    std::size_t lanes = 0, lists = 0;
    std::vector<double> off_rows, off_means;  // where strides skip rows
    for (const layer_row& row : draw::rows()) {
        const tensors t(row, 3, from);
        layer_statistics s = t.statistics(row);
        dot_counts counts(row, std::make_shared<const lane_plan>(row, t.weights), true);
        counts.add(t.planes.data(), t.images, keep);
        counts.write_to(s);
        const auto check = [&](const auto& engine, const auto& service_of, std::size_t& checked) {
            const std::vector<row_option> all = legal(engine, row);
            if (all.empty()) return;
            layer_statistics alike = s;
            alike.rows.clear();
            const auto prepared = engine.prepare(row, alike), rows = engine.prepare(row, s);
            for (std::size_t k = 0; k < 12; ++k) {
                const row_option& c = all[static_cast<std::size_t>(from.below(int(all.size())))];
                auto service = service_of(c.folding);
                service.add(t.planes.data(), t.images, keep);
                INFO(detail::text(c.folding));
                REQUIRE(service.trace().mean(row) == Approx(prepared.cycles(c)).epsilon(1e-5));
                ++checked;
                if (!skips_rows(row)) continue;
                const double exact = by_itself(row, service.trace(), t.images);
                off_rows.push_back(std::abs(rows.cycles(c) / exact - 1.0));
                off_means.push_back(std::abs(prepared.cycles(c) / exact - 1.0));
            }
        };
        check(
            lane_dot<>{}, [&](const parallelism& p) { return lane_service(row, p, t.weights); },
            lanes);
        check(
            list_dot<>{}, [&](const parallelism& p) { return list_service(row, p); }, lists);
    }
    CHECK(lanes >= 24);
    CHECK(lists >= 24);
    const auto mean = [](const std::vector<double>& x) {
        return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
    };
    REQUIRE(off_rows.size() >= 24);
    CHECK(mean(off_rows) < 0.0015);  // 0.0011, and 0.0017 by means alone, of random zeros
    CHECK(mean(off_rows) < 0.7 * mean(off_means));
}

TEST_CASE("a pixel takes what its windows take, counted tap by tap", "[service]") {
    draw::source from(62);
    for (const layer_row& row : draw::rows()) {
        const tensors t(row, 2, from);
        const int of_group = channels_per_group(row), filters = filters_per_group(row);
        // one stream and all filters on one engine: blocks of one channel
        const row_option c{{1, 1, 1, 2, 1}};
        const service_trace trace = t.trace(row, c, filter_share::own);
        REQUIRE(trace.lanes == 1);
        // as in the RTL: channel c goes to stream c mod streams, filter f to engine f mod engines
        const int streams = of_group % 2 == 0 ? 2 : 1, engines = filters % 2 == 0 ? 2 : 1;
        const service_trace in_order =
            t.trace(row, {{streams, engines, 1, 2, 1}}, filter_share::own, {{.in_order = true}});
        REQUIRE(in_order.lanes == static_cast<std::size_t>(streams * engines));
        std::size_t k = 0;
        for (std::size_t n = 0; n < t.images; ++n)
            for (int y = 0; y < row.out.height; ++y)
                for (int x = 0; x < row.out.width; ++x, ++k) {
                    double cycles = 0.0;
                    std::array<double, 4> each{};
                    for (int f = 0; f < row.out.channels; ++f)
                        for (int ch = 0; ch < of_group; ++ch) {
                            const int channel = f / filters * of_group + ch;
                            int pairs = 0;
                            for (int i = 0; i < row.kernel_h; ++i)
                                for (int j = 0; j < row.kernel_w; ++j) {
                                    const int v =
                                        y * row.stride_h + i * row.dilation_h - row.pad_top;
                                    const int u =
                                        x * row.stride_w + j * row.dilation_w - row.pad_left;
                                    if (v < 0 || u < 0 || v >= row.in.height || u >= row.in.width)
                                        continue;
                                    const auto at =
                                        ((static_cast<std::size_t>(channel) * t.images + n) *
                                             static_cast<std::size_t>(row.in.height) +
                                         static_cast<std::size_t>(v)) *
                                            static_cast<std::size_t>(row.in.width) +
                                        static_cast<std::size_t>(u);
                                    const auto w = static_cast<std::size_t>(
                                        ((f * of_group + ch) * row.kernel_h + i) * row.kernel_w +
                                        j);
                                    pairs += t.maps[at] != 0.0F && t.weights[w] != 0.0F ? 1 : 0;
                                }
                            cycles += std::max(1, (pairs + 1) / 2);
                            each[static_cast<std::size_t>(channel % streams * engines +
                                                          f % filters % engines)] +=
                                std::max(1, (pairs + 1) / 2);
                        }
                    REQUIRE(static_cast<double>(trace.cycles[k]) == cycles);
                    for (std::size_t l = 0; l < in_order.lanes; ++l)
                        REQUIRE(static_cast<double>(in_order.cycles[k * in_order.lanes + l]) ==
                                each[l]);
                }
        CHECK(k == trace.cycles.size());
    }
}

TEST_CASE("engines of a list, steady ones and what cannot be traced", "[service]") {
    const layer_row row = conv2d<4, 8, 9, pad<4>>::row({4, 9, 9});
    const engine_list<dense_dot<>, sparse_dot<>, sparse_dot<paper_interval>> engines;
    const parallelism p{2, 4, 1, 3, 1};
    CHECK(window_table(engines, row, {p, {}, 0}).cycles.empty());
    CHECK(window_table(engines, row, {p, {}, 2}).cycles.empty());
    CHECK(dots_of(engines, row, {p, {}, 1}) == dot_products{});
    CHECK(dots_of(engine_list<dense_dot<>, list_dot<>>{}, row, {p, {}, 1}).lists);
    const window_times table = window_table(engines, row, {p, {}, 1});
    REQUIRE(table.cycles.size() == 82);
    CHECK(table.cycles[0] == 1.0);
    CHECK(table.cycles[7] == 3.0);
    CHECK(!table.in_order);
    CHECK(window_table(sparse_dot<>{{.in_order = true}}, row, {p, {}, 0}).in_order);
    const std::vector<float> weights(static_cast<std::size_t>(weight_count(row)));
    CHECK_THROWS_WITH(window_service(table, row, p, {}, weights),
                      "service: windows of 81 pairs; at most 64 are traced");
    const layer_row small = conv2d<4, 8, 3>::row({4, 9, 9});
    CHECK_THROWS_WITH(window_service(table, small, p, {}, weights),
                      Catch::Contains("82 kinds of windows of 9 pairs"));
    CHECK_THROWS_WITH(window_service({std::vector<double>(10)}, small, p, {}, weights),
                      Catch::Contains("2592 weights for a layer of 288"));
}

TEST_CASE("the shipped network's stages take in the mean what the model says", "[service]") {
    const std::filesystem::path data = HASS_EXAMPLES_DATA;
    const emulator network(load_onnx(data / "fashion.onnx"), {1.0F / 255.0F, {0.286F}, {0.353F}});
    image_set images = read_images(data / "fashion_images.npy");
    std::vector<int> labels = read_labels(data / "fashion_labels.npy");
    images.count = 20, labels.resize(20);
    const network_view net = network.network();
    network_thresholds tau = uniform_thresholds(net, {0.02, 0.1});
    for (std::size_t i = 0; i < net.size(); i += 2)  // some with a threshold a channel
        if (is_compute(net[i]))
            tau[i].activation_channels.assign(static_cast<std::size_t>(net[i].in.channels), 0.2);
    const network_statistics s = network.run(images, labels, tau).statistics;
    const sparse_dot<> engine;
    const design chosen = allocate(net, s, engine, boards::zcu104{}).design;
    const auto services =
        recorded_services(network, images, tau, s, engine, chosen, filter_share::averaged);
    for (std::size_t i = 0; i < net.size(); ++i) {
        const double cycles =
            row_cycles(engine, net[i], is_compute(net[i]) ? s[i] : layer_statistics{}, chosen[i]);
        INFO(name_of(net, i));
        CHECK(services[i].mean(net[i]) == Approx(cycles).epsilon(1e-6));
        CHECK((services[i].lanes > 0) == is_compute(net[i]));
    }
    const auto endless = fifo_depths::all(net, unlimited, unlimited);
    const double interval = simulate(net, services, endless, {60, 0.0}).interval(40);
    const estimate e = evaluate(net, s, engine, boards::zcu104{}, chosen);
    CHECK(interval == Approx(e.interval_cycles).epsilon(1e-6));
}
