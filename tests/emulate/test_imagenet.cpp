// Trained networks: logits, accuracies and pruned accuracies against the recorded references.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>

#include "shared_models.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::emulator_of;
using test::keep_first;
using test::read_json;
using test::shared_models;

float largest_difference(const std::vector<float>& answers, const std::vector<float>& expected) {
    REQUIRE(answers.size() == expected.size());
    float most = 0.0F;
    for (std::size_t i = 0; i < answers.size(); ++i)
        most = std::max(most, std::abs(answers[i] - expected[i]));
    const auto [low, high] = std::minmax_element(expected.begin(), expected.end());
    return most / (*high - *low);
}

}  // namespace

TEST_CASE("trained networks give the reference logits and accuracies", "[imagenet]") {
    const auto folder = shared_models();
    if (!folder) return;
    const json manifest = read_json(*folder / "manifest.json");
    hass::emulation_options options;
    options.statistics_images = 0;
    for (const json& network : manifest.at("models")) {
        INFO(network.at("name"));
        const hass::emulator emulator = emulator_of(*folder, network);
        for (const auto& [name, reference] : network.at("torch_float32").items()) {
            const json& dataset = manifest.at("datasets").at(name);
            hass::image_set images =
                hass::read_images(*folder / dataset.at("images").get<std::string>());
            const std::vector<int> labels =
                hass::read_labels(*folder / dataset.at("labels").get<std::string>());
            const hass::emulation run = emulator.run(
                images, labels, hass::network_thresholds(emulator.network().size()), options);
            REQUIRE(run.images == reference.at("n").get<std::size_t>());
            // One image of 500: 0.2 points.
            const double allowed = std::max(1.0, 0.002 * static_cast<double>(run.images));
            CHECK(std::abs(static_cast<double>(run.top1) - reference.at("correct").get<double>()) <=
                  allowed);
            CHECK(run.top5_accuracy() == Approx(reference.at("top5").get<double>()).margin(0.0021));
            const json& logits = network.at("reference_logits");
            if (logits.at("dataset") != name) continue;
            const hass::npy_array expected =
                hass::read_npy(*folder / logits.at("file").get<std::string>());
            keep_first(images, expected.shape.at(0));
            CHECK(largest_difference(emulator.logits(images), expected.as<float>()) < 1e-3F);
        }
    }
}

TEST_CASE("16 bits cost no accuracy", "[imagenet]") {
    const auto folder = shared_models();
    if (!folder) return;
    const json manifest = read_json(*folder / "manifest.json");
    for (const json& network : manifest.at("models")) {
        INFO(network.at("name"));
        const hass::emulator emulator = emulator_of(*folder, network);
        const std::string name = network.at("torch_float32").begin().key();
        const json& dataset = manifest.at("datasets").at(name);
        hass::image_set images =
            hass::read_images(*folder / dataset.at("images").get<std::string>());
        std::vector<int> labels =
            hass::read_labels(*folder / dataset.at("labels").get<std::string>());
        keep_first(images, 500);
        labels.resize(images.count);
        hass::emulation_options options;
        options.statistics_images = 0;
        const hass::network_thresholds zero(emulator.network().size());
        const hass::emulation exact = emulator.run(images, labels, zero, options);
        hass::emulation_options calibration;
        calibration.statistics_images = 100;
        const hass::emulation rounded =
            hass::in_fixed_point(emulator, images, {16, 16}, calibration)
                .run(images, labels, zero, options);
        CHECK(std::abs(rounded.top1_accuracy() - exact.top1_accuracy()) <= 0.002 + 1e-12);
    }
}

TEST_CASE("pruned networks have the reference accuracy and sparsities", "[imagenet]") {
    const auto folder = shared_models();
    if (!folder) return;
    const json manifest = read_json(*folder / "manifest.json");
    std::map<std::string, json> networks;
    std::map<std::string, json> datasets;
    for (const json& network : manifest.at("models")) networks[network.at("file")] = network;
    for (const json& dataset : manifest.at("datasets")) datasets[dataset.at("images")] = dataset;
    const json references = read_json(*folder / "reference_prune.json");
    for (const json& study : references.at("studies")) {
        const hass::emulator emulator = emulator_of(*folder, networks.at(study.at("model")));
        const json& dataset = datasets.at(study.at("images"));
        hass::image_set images =
            hass::read_images(*folder / dataset.at("images").get<std::string>());
        std::vector<int> labels =
            hass::read_labels(*folder / dataset.at("labels").get<std::string>());
        keep_first(images, study.at("use_first"));
        labels.resize(images.count);
        const hass::network_view net = emulator.network();
        for (const json& result : study.at("results")) {
            const hass::layer_thresholds tau{result.at("tau_w"), result.at("tau_a")};
            INFO(study.at("model") << " " << tau.weight << " " << tau.activation);
            const hass::emulation run =
                emulator.run(images, labels, hass::uniform_thresholds(net, tau));
            CHECK(std::abs(static_cast<double>(run.top1) - result.at("correct").get<double>()) <=
                  1.0);
            std::size_t next = 0;
            for (const json& layer : result.at("layers")) {
                while (!hass::is_compute(net[next])) ++next;
                INFO("layer " << layer.at("name") << " is " << hass::name_of(net, next));
                const hass::layer_statistics& s = run.statistics[next];
                const auto weights = static_cast<double>(hass::weight_count(net[next]));
                REQUIRE(layer.at("weight_numel").get<double>() == weights);
                CHECK(std::lround(s.weight_sparsity * weights) ==
                      layer.at("weight_zeros").get<long>());
                CHECK(s.activation_sparsity ==
                      Approx(layer.at("act_sparsity").get<double>()).margin(0.001));
                CHECK(s.pair_sparsity ==
                      Approx(layer.at("pair_sparsity").get<double>()).margin(0.001));
                CHECK(s.pair_sparsity_padded ==
                      Approx(layer.at("pair_sparsity_incl_padding").get<double>()).margin(0.001));
                ++next;
            }
        }
    }
}

TEST_CASE("the shipped network gives its reference logits and accuracy") {
    const fs::path folder = HASS_EXAMPLES_DATA;
    const json manifest = read_json(folder / "fashion_manifest.json");
    const json& p = manifest.at("preprocessing");
    const hass::emulator emulator(hass::load_onnx(folder / "fashion.onnx"),
                                  {1.0F / p.at("scale").get<float>(),
                                   {p.at("mean").get<float>()},
                                   {p.at("std").get<float>()}});
    hass::image_set images = hass::read_images(folder / "fashion_images.npy");
    const std::vector<int> labels = hass::read_labels(folder / "fashion_labels.npy");
    hass::emulation_options options;
    options.statistics_images = 0;
    const hass::emulation run =
        emulator.run(images, labels, hass::network_thresholds(emulator.network().size()), options);
    CHECK(std::abs(run.top1_accuracy() - manifest.at("accuracy").at("shipped_2000").get<double>()) <
          0.0011);
    keep_first(images, 8);
    CHECK(largest_difference(emulator.logits(images),
                             hass::read_npy(folder / "fashion_logits_first8.npy").as<float>()) <
          1e-3F);
}
