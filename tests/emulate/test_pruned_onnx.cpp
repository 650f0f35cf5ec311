// A pruned ONNX file, read again and run without thresholds, against the network it was made of, run
// with them.
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <hass/emulate/emulator.hpp>
#include <hass/files/half.hpp>
#include <hass/files/json.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/pruned_onnx.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "../workload/onnx_writer.hpp"

namespace pruned_onnx_tests {

using Catch::Contains;

/// Normal numbers for every value of some images.
hass::image_set noise(const hass::model& m, std::size_t count = 3) {
    const hass::shape each = hass::image_shape(m);
    std::mt19937 draw(5);
    std::normal_distribution<float> normal;
    std::vector<float> values(count * static_cast<std::size_t>(each.volume()));
    for (float& v : values) v = normal(draw);
    const auto extent = [](int e) { return static_cast<std::size_t>(e); };
    return hass::to_images(
        hass::make_npy({count, extent(each.channels), extent(each.height), extent(each.width)},
                       std::span<const float>(values)));
}

/// Thresholds that zero about `share` of what is not zero in every tensor.
hass::network_thresholds thresholds(const hass::emulator& network, const hass::image_set& images,
                                    double share) {
    const hass::network_magnitudes all = network.magnitudes(images, {});
    hass::network_thresholds tau(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!is_compute(network.model().net.rows[i])) continue;
        const auto at = [&](const auto& values) {
            return values.threshold(values.zeros() + share * (1.0 - values.zeros()));
        };
        tau[i] = {at(all[i].weights), at(all[i].activations)};
    }
    return tau;
}

/// The pruned file, once its answers are known to be those of the network with thresholds.
std::string checked(const std::string& file, const hass::network_thresholds& tau,
                    const hass::model& m, const hass::image_set& images) {
    const hass::emulator network{hass::model(m)};
    const hass::pruned_file made =
        hass::pruned_onnx(file, m, hass::clipped_weights(m, tau), tau, std::nullopt);
    const hass::emulator again(hass::parse_onnx(made.onnx, "pruned.onnx"));
    const std::vector<float> wanted = network.logits(images, tau);
    const std::vector<float> untouched = network.logits(images);
    const std::vector<float> found = again.logits(images);
    REQUIRE(found.size() == wanted.size());
    float range = 0.0F;
    for (const float v : wanted) range = std::max(range, std::abs(v));
    for (std::size_t k = 0; k < wanted.size(); ++k)
        CHECK(std::abs(found[k] - wanted[k]) <= 1e-6F * range);
    CHECK(wanted != untouched);  // thresholds do something
    return made.onnx;
}
std::string checked(const writer::graph& g, double share = 0.4) {
    const hass::model m = hass::parse_onnx(g.file(), "made.onnx");
    const hass::image_set images = noise(m);
    return checked(g.file(), thresholds(hass::emulator{hass::model(m)}, images, share), m, images);
}

/// Weights that differ in sign and size.
std::vector<float> mixed(std::size_t count, unsigned seed = 1) {
    std::mt19937 draw(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& v : values) v = normal(draw);
    return values;
}

std::multiset<std::string> operators(const std::string& file) {
    std::multiset<std::string> all;
    const auto m = hass::detail::onnx::read_model(file);
    for (const auto& n : m.graph.nodes) all.emplace(n.op_type);
    return all;
}

writer::graph normed(std::int64_t opset = 13) {
    writer::graph g(opset);
    g.weight("w", {4, 3, 3, 3}, mixed(108)).weight("b", {4}, mixed(4));
    g.node("Conv", "c", {"x", "w", "b"});
    g.weight("s", {4}, {2.0F, -0.5F, 0.25F, 1.0F}).weight("t", {4}, mixed(4, 2));
    g.weight("m", {4}, mixed(4, 3)).weight("v", {4}, {0.5F, 1.0F, 2.0F, 4.0F});
    g.node("BatchNormalization", "n", {"c", "s", "t", "m", "v"});
    return g;
}

TEST_CASE("pruned ONNX: weights under a batch norm, and a Relu that clips", "[pruned]") {
    writer::graph g = normed();
    g.node("Relu", "r", {"n"})
        .weight("u", {5, 4, 3, 3}, mixed(180, 4))
        .node("Conv", "d", {"r", "u"});
    const auto ops = operators(checked(g));
    CHECK(ops.count("Relu") == 0);
    CHECK(ops.count("ThresholdedRelu") == 1);  // in its place
    CHECK(ops.count("Shrink") == 1);           // of the image
    CHECK(ops.count("BatchNormalization") == 1);
    CHECK(ops.size() == 5);
}

TEST_CASE("pruned ONNX: a Relu that somebody else reads stays", "[pruned]") {
    writer::graph g = normed();
    g.node("Relu", "r", {"n"})
        .weight("u", {4, 4, 1, 1}, mixed(16, 4))
        .node("Conv", "d", {"r", "u"});
    g.node("Add", "a", {"d", "r"})
        .node("MaxPool", "p", {"r"}, {{"kernel_shape", writer::ints({2, 2})}});
    g.weight("q", {4, 4, 2, 2}, mixed(64, 5)).node("Conv", "e", {"p", "q"});
    g.node("GlobalAveragePool", "h", {"e"}).node("Mul", "y", {"a", "h"});
    const auto ops = operators(checked(g));
    CHECK(ops.count("Relu") == 1);
    CHECK(ops.count("ThresholdedRelu") == 2);  // maxima of what is not negative are not, either
}

TEST_CASE("pruned ONNX: matrices either way, transposed convolutions, groups", "[pruned]") {
    writer::graph g;
    g.weight("g", {6, 1, 3, 3}, mixed(54))
        .node("Conv", "c", {"x", "g"}, {{"group", std::int64_t{3}}});
    g.weight("t", {6, 2, 3, 3}, mixed(108, 2));
    g.node("ConvTranspose", "u", {"c", "t"}, {{"strides", writer::ints({2, 2})}});
    g.node("Flatten", "f", {"u"});
    const hass::model so_far = hass::parse_onnx(g.file(), "made.onnx");
    const std::int64_t inputs = so_far.net.rows.back().out.volume();
    g.weight("m", {inputs, 7}, mixed(static_cast<std::size_t>(inputs) * 7, 3))
        .node("MatMul", "l", {"f", "m"});
    g.weight("n", {5, 7}, mixed(35, 4)).weight("o", {5}, mixed(5));
    g.node("Gemm", "y", {"l", "n", "o"}, {{"transB", std::int64_t{1}}, {"alpha", 0.5F}});
    checked(g);
}

TEST_CASE("pruned ONNX: two layers of one weight are pruned apart", "[pruned]") {
    writer::graph g;
    g.weight("w", {3, 3, 1, 1}, mixed(9)).node("Conv", "c", {"x", "w"});
    g.weight("s", {3, 1, 1}, {3.0F, 0.2F, -1.0F}).node("Mul", "m", {"c", "s"});
    g.node("Conv", "d", {"m", "w"});
    checked(g);
}

TEST_CASE("pruned ONNX: float16, other fields than raw_data, computed weights", "[pruned]") {
    writer::graph g;
    g.weight("w", {4, 3, 3, 3}, mixed(108), true).node("Conv", "c", {"x", "w"});
    g.weight("v", {4, 5}, mixed(20, 2))
        .node("Transpose", "vt", {"v"}, {{"perm", writer::ints({1, 0})}});
    g.node("GlobalAveragePool", "p", {"c"}).node("Flatten", "f", {"p"});
    g.node("Gemm", "y", {"f", "vt"}, {{"transB", std::int64_t{1}}});
    CHECK(operators(checked(g)).count("Mul") == 1);

    writer::graph half;
    std::string bits;
    for (const float v : mixed(108)) {  // halves of few digits
        const auto h = static_cast<std::uint16_t>(
            (v < 0.0F ? 0x8000U : 0U) |
            (0x3000U + (static_cast<unsigned>(std::abs(v) * 64.0F) << 4U)));
        bits.append(reinterpret_cast<const char*>(&h), 2);
    }
    half.initializer(
        hass::detail::onnx::new_tensor("w", std::vector<std::int64_t>{4, 3, 3, 3}, 10, bits));
    half.input({0, 3, 8, 8}, "x", 10).node("Conv", "y", {"x", "w"});
    const auto ops = operators(checked(half));
    CHECK(ops.count("Shrink") == 1);
}

TEST_CASE("pruned ONNX: channels scaled by no layer's weights", "[pruned]") {
    writer::graph g;
    g.weight("s", {3, 1, 1}, {0.25F, -2.0F, 1.0F}).weight("t", {3, 1, 1}, {0.5F, 0.0F, -1.0F});
    g.node("Mul", "m", {"x", "s"}).node("Add", "a", {"m", "t"}).node("Relu", "r", {"a"});
    g.weight("w", {4, 3, 3, 3}, mixed(108)).node("Conv", "y", {"r", "w"});
    const auto ops = operators(checked(g));
    CHECK(ops.count("Mul") == 1);
    CHECK(ops.count("Add") == 1);
    CHECK(ops.size() == 5);  // and what clips

    // as a mask of attention is turned over: what follows folds into the row, but stays in the file
    writer::graph turned;
    turned.weight("one", {}, {1.0F}).weight("three", {}, {3.0F});
    const writer::attributes last{{"perm", writer::ints({0, 2, 3, 1})}};
    turned.node("Transpose", "v", {"x"}, last).node("Sub", "s", {"one", "v"});
    turned.node("Mul", "m", {"s", "three"});
    turned.node("Transpose", "b", {"m"}, {{"perm", writer::ints({0, 3, 1, 2})}});
    turned.weight("w", {4, 3, 3, 3}, mixed(108)).node("Conv", "y", {"b", "w"});
    checked(turned);
}

TEST_CASE("pruned ONNX: thresholds of channels, and opsets without Shrink", "[pruned]") {
    writer::graph g = normed();
    g.node("Relu", "r", {"n"})
        .weight("u", {5, 4, 3, 3}, mixed(180, 4))
        .node("Conv", "d", {"r", "u"});
    const hass::model m = hass::parse_onnx(g.file(), "made.onnx");
    const hass::image_set images = noise(m);
    hass::network_thresholds tau = thresholds(hass::emulator{hass::model(m)}, images, 0.4);
    for (std::size_t i = 0; i < tau.size(); ++i)
        for (int c = 0; is_compute(m.net.rows[i]) && c < m.net.rows[i].in.channels; ++c) {
            tau[i].weight_channels.push_back(tau[i].weight * (0.5 + c));
            tau[i].activation_channels.push_back(tau[i].activation * (1.5 - 0.5 * c));
            tau[i].activation_channels.back() = std::max(0.0, tau[i].activation_channels.back());
        }
    CHECK(operators(checked(g.file(), tau, m, images)).count("Less") == 2);
    writer::graph old = normed(7);
    CHECK(operators(checked(old)).count("Less") == 1);
}

TEST_CASE("pruned ONNX: QDQ keeps its integers; what computes in integers is refused", "[pruned]") {
    const auto bytes = [](const std::string& name, std::vector<std::int64_t> dims, int type,
                          const std::string& raw) {
        return hass::detail::onnx::new_tensor(name, dims, type, raw);
    };
    const auto constants = [&](writer::graph& g) {
        std::string w;
        for (const float v : mixed(36)) w += static_cast<char>(std::lround(v * 40.0F));
        g.initializer(bytes("w", {4, 3, 3, 1}, 3, w))
            .initializer(bytes("wz", {4}, 3, std::string(4, '\0')));
        g.weight("ws", {4}, {0.01F, 0.03F, 0.02F, 0.05F});
        g.weight("xs", {}, {0.02F}).initializer(bytes("xz", {}, 2, "\x80"));
    };
    writer::graph g;
    constants(g);
    g.node("QuantizeLinear", "xq", {"x", "xs", "xz"})
        .node("DequantizeLinear", "xd", {"xq", "xs", "xz"});
    g.node("DequantizeLinear", "wd", {"w", "ws", "wz"}, {{"axis", std::int64_t{0}}});
    g.node("Conv", "y", {"xd", "wd"});
    const std::string made = checked(g);
    CHECK(operators(made).count("DequantizeLinear") == 2);
    CHECK(hass::parse_onnx(made, "pruned").net.rows.back().weight_bits == 8);

    writer::graph fused;
    constants(fused);
    fused.weight("ys", {}, {0.1F}).node("QuantizeLinear", "xq", {"x", "xs", "xz"});
    fused.node("QLinearConv", "yq", {"xq", "xs", "xz", "w", "ws", "wz", "ys", "xz"});
    fused.node("DequantizeLinear", "y", {"yq", "ys", "xz"});
    const hass::model m = hass::parse_onnx(fused.file(), "fused.onnx");
    hass::network_thresholds tau(m.net.rows.size());
    const auto write = [&] {
        return hass::pruned_onnx(fused.file(), m, hass::clipped_weights(m, tau), tau, std::nullopt);
    };
    CHECK_NOTHROW(write());  // nothing to clip
    for (auto& t : tau) t = {0.3, 0.2};
    CHECK_THROWS_WITH(write(), Contains("fused.onnx: ") && Contains("'yq'"));
}

TEST_CASE("pruned ONNX: weights of other files, metadata, and all else as it was", "[pruned]") {
    namespace fs = std::filesystem;
    const fs::path folder =
        fs::temp_directory_path() / ("hass_pruned_" + std::to_string(::getpid()));
    fs::create_directories(folder);
    const std::vector<float> values = mixed(108);
    hass::write_whole(folder / "weights.bin",
                      "head" + std::string(reinterpret_cast<const char*>(values.data()), 432));
    std::string t;
    {
        protozero::pbf_writer w(t);
        for (const std::int64_t d : {4, 3, 3, 3}) w.add_int64(1, d);
        w.add_int32(2, 1);
        w.add_string(8, "w");
        w.add_string(12, "a note that stays");
        for (const auto& [key, text] :
             {std::pair{"location", "weights.bin"}, {"offset", "4"}, {"length", "432"}}) {
            protozero::pbf_writer e(w, 13);
            e.add_string(1, key);
            e.add_string(2, text);
        }
        w.add_int32(14, 1);
    }
    writer::graph g;
    g.initializer(t).node("Conv", "y", {"x", "w"});
    g.metadata("hass.scale", "1").metadata("hass.mean", "0").metadata("hass.std", "1");
    g.metadata("author", "somebody");
    hass::write_whole(folder / "net.onnx", g.file());
    const hass::model m = hass::load_onnx(folder / "net.onnx");
    const hass::network_thresholds tau{{0.5, 0.25}};
    hass::write_pruned_onnx(folder / "net.onnx", m, hass::clipped_weights(m, tau), tau,
                            hass::preprocessing{0.1F, {0.3F}, {1.7F}}, folder / "out.onnx");
    const hass::model again = hass::load_onnx(folder / "out.onnx");
    CHECK(again.parameters.back().weights == hass::clipped_weights(m, tau)[0]);
    REQUIRE(again.input);
    CHECK(again.input->scale == 0.1F);
    CHECK(again.input->mean == std::vector{0.3F});
    CHECK(again.input->std == std::vector{1.7F});
    const std::string bytes = hass::read_whole(folder / "out.onnx");
    CHECK_THAT(bytes, Contains("out.onnx.data") && Contains("a note that stays") &&
                          Contains("somebody") && !Contains("weights.bin"));
    const auto file = hass::detail::onnx::read_model(bytes);
    for (const auto& [key, value] : file.metadata)
        if (key == "hass.thresholds")
            CHECK(hass::ordered_json::parse(value)["y"]["activation"] == 0.25);
    CHECK(file.metadata.size() == 5);
    fs::remove_all(folder);
}

TEST_CASE("pruned ONNX: the shipped network, top-1 to the image", "[pruned]") {
    const std::string path = std::string(HASS_EXAMPLES_DATA) + "/fashion.onnx";
    const hass::emulator network(hass::load_onnx(path));
    hass::image_set images =
        hass::read_images(std::string(HASS_EXAMPLES_DATA) + "/fashion_images.npy");
    images.count = 200;
    const hass::network_thresholds tau = thresholds(network, images, 0.35);
    const hass::model& m = network.model();
    const std::string file = hass::read_whole(path);
    const hass::emulator again(hass::parse_onnx(
        hass::pruned_onnx(file, m, hass::clipped_weights(m, tau), tau, m.input).onnx, "p"));
    const auto a = network.logits(images, tau), b = again.logits(images);
    const std::size_t classes = network.classes();
    for (std::size_t n = 0; n < images.count; ++n) {
        const auto best = [&](const std::vector<float>& v) {
            const auto first = v.begin() + static_cast<std::ptrdiff_t>(n * classes);
            return std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first;
        };
        CHECK(best(a) == best(b));
    }
    for (std::size_t k = 0; k < a.size(); ++k) CHECK(std::abs(a[k] - b[k]) <= 1e-4F);
}

}  // namespace pruned_onnx_tests
