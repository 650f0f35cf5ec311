// Trained networks: the one that ships, and the ImageNet ones where their folder is present.

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>
#include <hass/workload/zoo.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

using hass::layer_kind;

namespace {

/// Folder of the shared networks; empty where there is none.
std::filesystem::path models_folder() {
    const char* given = std::getenv("HASS_MODELS_DIR");
    std::filesystem::path folder = given != nullptr ? given : HASS_SHARED_MODELS;
    if (std::filesystem::exists(folder / "manifest.json")) return folder;
    WARN("skipped: no manifest.json in " << folder.string() << " (set HASS_MODELS_DIR)");
    return {};
}

nlohmann::json read_json(const std::filesystem::path& path) {
    std::ifstream in(path);
    return nlohmann::json::parse(in);
}

/// What every loaded network has to fulfil.
void check_model(const hass::model& m) {
    REQUIRE_NOTHROW(hass::validate(m.net));
    REQUIRE(m.parameters.size() == m.net.rows.size());
    CHECK(std::set<std::string>(m.net.names.begin(), m.net.names.end()).size() ==
          m.net.rows.size());
    for (std::size_t i = 0; i < m.net.rows.size(); ++i) {
        const hass::layer_row& row = m.net.rows[i];
        INFO(m.net.names[i]);
        CHECK(static_cast<std::int64_t>(m.parameters[i].weights.size()) == weight_count(row));
        CHECK(m.parameters[i].bias.size() ==
              (row.bias ? static_cast<std::size_t>(row.out.channels) : 0U));
    }
}

/// Rows of a network of the zoo, branch for branch as the file has them: compared as multisets,
/// because a block's shortcut may stand before or after its body.
void check_same_rows(hass::network_view zoo, hass::network_view file) {
    REQUIRE(zoo.size() == file.size());
    CHECK(zoo.edges.size() == file.edges.size());
    CHECK(hass::mac_count(zoo) == hass::mac_count(file));
    CHECK(hass::weight_count(zoo) == hass::weight_count(file));
    const auto count = [](hass::network_view net) {
        std::map<std::string, int> seen;
        for (const hass::layer_row& r : net.rows)
            ++seen[std::string(hass::name(r.kind)) + " " + hass::detail::text(r.in) + " " +
                   hass::detail::text(r.out) + " k" + std::to_string(r.kernel_h) + "x" +
                   std::to_string(r.kernel_w) + " s" + std::to_string(r.stride_h) + " g" +
                   std::to_string(r.groups) + " p" + std::to_string(r.pad_top + r.pad_bottom) +
                   (r.bias ? " bias" : "")];
        return seen;
    };
    CHECK(count(zoo) == count(file));
}

}  // namespace

TEST_CASE("the network and images that ship load", "[models]") {
    const std::filesystem::path folder = HASS_EXAMPLES_DATA;
    const hass::model m = hass::load_onnx(folder / "fashion.onnx");
    check_model(m);
    CHECK(hass::input_shape(m.net) == hass::shape{1, 28, 28});
    CHECK(m.net.rows.back().out.channels == 10);
    bool depthwise = false;
    bool pointwise = false;
    bool residual = false;
    for (const hass::layer_row& row : m.net.rows) {
        depthwise = depthwise || (row.groups > 1 && row.groups == row.in.channels);
        pointwise = pointwise || (row.kind == layer_kind::convolution && taps(row) == 1);
        residual = residual || row.kind == layer_kind::add;
    }
    CHECK(depthwise);
    CHECK(pointwise);
    CHECK(residual);
    const hass::image_set images = hass::read_images(folder / "fashion_images.npy");
    const std::vector<int> labels = hass::read_labels(folder / "fashion_labels.npy");
    CHECK(images.count == labels.size());
    CHECK(images.each == hass::input_shape(m.net));
    CHECK(images.pixels.type == hass::npy_type::u1);
    for (const int label : labels) CHECK(label < 10);
}

TEST_CASE("every shared network loads and fits its images", "[imagenet]") {
    const std::filesystem::path folder = models_folder();
    if (folder.empty()) return;
    const nlohmann::json manifest = read_json(folder / "manifest.json");
    for (const auto& entry : manifest.at("models")) {
        const std::string file = entry.at("file");
        INFO(file);
        const hass::model m = hass::load_onnx(folder / file);
        check_model(m);
        CHECK(m.net.rows.back().out.channels == entry.at("classes").get<int>());
        std::map<std::string, int> ops;
        for (const hass::layer_row& row : m.net.rows) ++ops[std::string(hass::name(row.kind))];
        const auto expected = [&](const char* op) { return entry.at("ops").value(op, 0); };
        CHECK(ops["convolution"] == expected("Conv"));
        CHECK(ops["linear"] == expected("Gemm"));
        CHECK(ops["relu"] == expected("Relu"));
        CHECK(ops["relu6"] == expected("Clip"));
        CHECK(ops["add"] == expected("Add"));
        CHECK(ops["concat"] == expected("Concat"));
        CHECK(ops["max_pool"] == expected("MaxPool"));
        const hass::npy_array logits =
            hass::read_npy(folder / entry.at("reference_logits").at("file").get<std::string>());
        CHECK(logits.shape == std::vector<std::size_t>{
                                  8, static_cast<std::size_t>(entry.at("classes").get<int>())});
    }
    for (const auto& [name, set] : manifest.at("datasets").items()) {
        INFO(name);
        const auto labels = hass::read_labels(folder / set.at("labels").get<std::string>());
        CHECK(labels.size() == set.at("shape").at(0).get<std::size_t>());
    }
    const auto& mnist = manifest.at("datasets").at("mnist");
    const hass::image_set images =
        hass::read_images(folder / mnist.at("images").get<std::string>());
    CHECK(images.each == hass::shape{1, 28, 28});
}

TEST_CASE("loaded networks equal those of the zoo", "[imagenet]") {
    const std::filesystem::path folder = models_folder();
    if (folder.empty()) return;
    const hass::model resnet = hass::load_onnx(folder / "models/resnet18.onnx");
    check_same_rows(hass::zoo::resnet18, resnet.net);
    const hass::model mobilenet = hass::load_onnx(folder / "models/mobilenet_v2.onnx");
    // Keras pads strided convolutions at the far edge only: one zero in all instead of two
    hass::network same = mobilenet.net;
    for (hass::layer_row& row : same.rows)
        if (row.kind == layer_kind::convolution && row.stride_h == 2)
            row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    check_same_rows(hass::zoo::mobilenet_v2, same);
}

TEST_CASE("multiply-accumulates, names and zeros equal the reference", "[imagenet]") {
    const std::filesystem::path folder = models_folder();
    if (folder.empty()) return;
    const nlohmann::json reference = read_json(folder / "reference_prune.json");
    for (const auto& study : reference.at("studies")) {
        const std::string file = study.at("model");
        INFO(file);
        const hass::model m = hass::load_onnx(folder / file);
        std::map<std::string, std::size_t> place;
        std::size_t compute_rows = 0;
        for (std::size_t i = 0; i < m.net.rows.size(); ++i) {
            place[m.net.names[i]] = i;
            compute_rows += is_compute(m.net.rows[i]) ? 1U : 0U;
        }
        for (const auto& result : study.at("results")) {
            const float threshold = result.at("tau_w");
            CHECK(result.at("layers").size() == compute_rows);
            for (const auto& layer : result.at("layers")) {
                const std::string name = layer.at("name");
                INFO(name);
                REQUIRE(place.count(name) == 1);
                const std::size_t i = place[name];
                CHECK(mac_count(m.net.rows[i]) == layer.at("macs_per_image").get<std::int64_t>());
                std::int64_t zeros = 0;
                for (const float w : m.parameters[i].weights)
                    zeros += w == 0.0F || std::abs(w) < threshold ? 1 : 0;
                CHECK(zeros == layer.at("weight_zeros").get<std::int64_t>());
            }
        }
    }
}
