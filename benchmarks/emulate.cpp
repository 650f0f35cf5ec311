// Images per second of the emulator: answers alone, with all statistics, and at thresholds.
// HASS_MODELS_DIR, where set, adds the trained networks of that folder.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/workload/npy.hpp>
#include <hass/workload/onnx.hpp>

namespace {

namespace fs = std::filesystem;

struct setting {
    fs::path model;
    fs::path images;
    fs::path labels;
    hass::preprocessing preprocessing;
    std::size_t first_images;
};

/// Two threads; per iteration all images once.
void emulate(benchmark::State& state, const setting& s, bool statistics, double tau) {
    const hass::emulator emulator(hass::load_onnx(s.model), s.preprocessing);
    hass::image_set images = hass::read_images(s.images);
    std::vector<int> labels = hass::read_labels(s.labels);
    images.count = std::min(images.count, s.first_images);
    labels.resize(images.count);
    hass::emulation_options options;
    options.threads = 2;
    options.statistics_images = statistics ? hass::all_images : 0;
    const hass::network_thresholds thresholds =
        hass::uniform_thresholds(emulator.network(), {tau, tau});
    for (auto _ : state)
        benchmark::DoNotOptimize(emulator.run(images, labels, thresholds, options));
    const auto done = static_cast<double>(state.iterations()) * static_cast<double>(images.count);
    state.counters["images/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
    state.counters["GMAC/s"] =
        benchmark::Counter(done * 1e-9 * static_cast<double>(hass::mac_count(emulator.network())),
                           benchmark::Counter::kIsRate);
}

void add(const std::string& name, const setting& s) {
    const auto run = [&](const std::string& what, bool statistics, double tau) {
        benchmark::RegisterBenchmark((name + "/" + what).c_str(), emulate, s, statistics, tau)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime()
            ->MeasureProcessCPUTime();
    };
    run("answers", false, 0.0);
    run("statistics", true, 0.0);
    run("statistics at 0.01", true, 0.01);
}

/// The networks of a folder's manifest.json, as many images of each as take about as long.
void add_folder(const fs::path& folder) {
    std::ifstream in(folder / "manifest.json");
    const nlohmann::json manifest = nlohmann::json::parse(in);
    for (const auto& network : manifest.at("models")) {
        const auto& p = network.at("preprocessing");
        const auto& dataset = manifest.at("datasets").at(network.at("torch_float32").begin().key());
        const bool large = network.at("input_shape").back() == 224;
        add(network.at("name"),
            {folder / network.at("file").get<std::string>(),
             folder / dataset.at("images").get<std::string>(),
             folder / dataset.at("labels").get<std::string>(),
             {p.at("scale").is_string() ? 1.0F / 255.0F : p.at("scale").get<float>(),
              p.at("mean").get<std::vector<float>>(), p.at("std").get<std::vector<float>>()},
             large ? 64U : 500U});
    }
}

[[maybe_unused]] const bool registered = [] {
    const fs::path data = HASS_EXAMPLES_DATA;
    add("fashion", {data / "fashion.onnx",
                    data / "fashion_images.npy",
                    data / "fashion_labels.npy",
                    {1.0F / 255.0F, {0.286041F}, {0.353024F}},
                    2000});
    if (const char* folder = std::getenv("HASS_MODELS_DIR")) add_folder(folder);
    return true;
}();

}  // namespace
