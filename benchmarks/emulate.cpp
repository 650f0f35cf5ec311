// Images per second of the emulator, HASS_THREADS of them (two), by backend: answers alone, at
// thresholds, and with statistics, those of windows and those that single engines ask for; and what
// two threads reach in multiply-adds that wait for nothing.
// HASS_MODELS_DIR, where set, adds the trained networks of that folder.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <hass/emulate/emulator.hpp>
#include <hass/emulate/onednn.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>

namespace {

namespace fs = std::filesystem;

struct setting {
    fs::path model;
    fs::path images;
    fs::path labels;  ///< none: answers are computed all the same
    hass::preprocessing preprocessing;
    std::size_t first_images;
};

/// Multiply-adds on registers alone: the roof of every convolution.
void peak(benchmark::State& state) {
    using namespace Eigen::internal;
    using packet = hass::detail::gemm_tile::packet;
    constexpr std::size_t lanes = hass::detail::gemm_tile::lanes;
    constexpr int rounds = 1000;
    const packet factor = pset1<packet>(0.999F);
    const packet summand = pset1<packet>(0.001F);
    // Chains that differ, or the compiler would compute one of them; enough to hide the latency.
    const auto start = [](int k) { return pset1<packet>(static_cast<float>(k)); };
    packet x0 = start(0), x1 = start(1), x2 = start(2), x3 = start(3), x4 = start(4);
    packet x5 = start(5), x6 = start(6), x7 = start(7), x8 = start(8), x9 = start(9);
    packet x10 = start(10), x11 = start(11);
    for (auto _ : state) {
        for (int i = 0; i < rounds; ++i) {
            const auto step = [&](auto&... x) { ((x = pmadd(x, factor, summand)), ...); };
            step(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11);
        }
        benchmark::ClobberMemory();
    }
    std::array<float, 12 * lanes> kept;
    float* to = kept.data();
    const auto keep = [&](const auto&... x) { ((pstoreu(to, x), to += lanes), ...); };
    keep(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11);
    benchmark::DoNotOptimize(kept);
    state.counters["GMAC/s"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * 1e-9 * 12 * rounds * lanes,
                           benchmark::Counter::kIsRate);
}

int thread_count() {
    const char* count = std::getenv("HASS_THREADS");
    return count != nullptr ? std::atoi(count) : 2;
}

/// Per iteration all images once.
/// \param statistics  none: answers alone
template <class Backend>
void emulate(benchmark::State& state, const setting& s,
             std::optional<hass::dot_products> statistics, double tau) {
    const hass::basic_emulator<Backend> emulator(hass::load_onnx(s.model), s.preprocessing);
    hass::image_set images = hass::read_images(s.images);
    images.count = std::min(images.count, s.first_images);
    std::vector<int> labels = s.labels.empty() ? std::vector<int>() : hass::read_labels(s.labels);
    labels.resize(images.count);
    hass::emulation_options options;
    options.threads = thread_count();
    options.statistics_images = statistics ? hass::all_images : 0;
    options.products = statistics.value_or(hass::dot_products());
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
    const auto run = [&](const std::string& what, auto function,
                         std::optional<hass::dot_products> statistics, double tau) {
        benchmark::RegisterBenchmark((name + "/" + what).c_str(), function, s, statistics, tau)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime()
            ->MeasureProcessCPUTime();
    };
    const auto all = [&](const std::string& backend, auto function) {
        const hass::dot_products windows, sparsities{.windows = false};
        run(backend + "/answers", function, {}, 0.0);
        run(backend + "/answers at 0.01", function, {}, 0.01);
        run(backend + "/statistics", function, windows, 0.0);
        run(backend + "/statistics at 0.01", function, windows, 0.01);
        run(backend + "/sparsities at 0.01", function, sparsities, 0.01);
        run(backend + "/lists at 0.01", function, hass::dot_products{false, true, false}, 0.01);
    };
    all("eigen", emulate<hass::eigen_backend>);
#ifdef HASS_WITH_ONEDNN
    all("onednn", emulate<hass::onednn_backend>);
#endif
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
             large ? 128U : 500U});
    }
}

/// A network of the folder's more/, with the images that its meta.json names.
void add_one(const fs::path& folder, const std::string& name, std::size_t images) {
    std::ifstream in(folder / "meta.json");
    if (!in) return;
    const nlohmann::json input = nlohmann::json::parse(in).at("check").at("inputs").at(0);
    add(name, {folder / "model.onnx",
               folder / input.at("file").get<std::string>(),
               {},
               {input.at("scale").get<float>(), input.at("mean").get<std::vector<float>>(),
                input.at("std").get<std::vector<float>>()},
               images});
}

[[maybe_unused]] const bool registered = [] {
#ifdef __GLIBC__  // as hass_search: what was freed is kept for the next run
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
    benchmark::RegisterBenchmark("peak", peak)->Threads(2)->UseRealTime();
    const fs::path data = HASS_EXAMPLES_DATA;
    add("fashion", {data / "fashion.onnx",
                    data / "fashion_images.npy",
                    data / "fashion_labels.npy",
                    {1.0F / 255.0F, {0.286041F}, {0.353024F}},
                    2000});
    if (const char* folder = std::getenv("HASS_MODELS_DIR")) {
        add_folder(folder);
        add_one(fs::path(folder) / "more/yolox_nano_coco", "yolox_nano", 64);
        add_one(fs::path(folder) / "more/vit_cifar10", "vit", 250);
    }
    return true;
}();

}  // namespace
