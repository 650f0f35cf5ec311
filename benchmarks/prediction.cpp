// How far statistics are off that were not measured on all images: predicted from a file, at random
// thresholds in all tensors at once, and measured on the first 16, 32 or 64 images only.
//
//     HASS_MODELS_DIR=<folder of models> bench_prediction [points lost] [draws]
//
// For each file of examples/data/statistics: root mean square and largest error of top-1 in points,
// of a layer's pair sparsity, and of the best throughput on a u250, sparse engines everywhere.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <hass/device/boards.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/search/random.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/typical_reach.hpp>
#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/store.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Root mean square and largest magnitude of what was added.
struct error_sum {
    double squares = 0.0;
    double most = 0.0;
    double count = 0.0;

    void add(double error) {
        squares += error * error;
        most = std::max(most, std::abs(error));
        count += 1.0;
    }
    double rms() const { return std::sqrt(squares / count); }
};

/// Errors of statistics against those of all images.
struct statistics_error {
    error_sum pairs;
    error_sum speed;

    void add(const hass::network_statistics& guess, const hass::network_statistics& truth,
             hass::allocator<hass::sparse_dot<>>& hardware, const hass::network_view& net) {
        for (std::size_t i = 0; i < net.size(); ++i)
            if (hass::is_compute(net[i]))
                pairs.add(guess[i].pair_sparsity_padded - truth[i].pair_sparsity_padded);
        speed.add(hardware.solve(guess).estimate.images_per_second /
                      hardware.solve(truth).estimate.images_per_second -
                  1.0);
    }
    void print() const {
        std::printf("   %6.4f %6.4f   %5.1f %5.1f\n", pairs.rms(), pairs.most, 100.0 * speed.rms(),
                    100.0 * speed.most);
        std::fflush(stdout);
    }
};

void compare(const fs::path& folder, const json& network, const std::string& images_file,
             const std::string& labels_file, const hass::recorded_network& m, double points,
             int draws) {
    const json& p = network.at("preprocessing");
    const json& scale = p.at("scale");
    const hass::emulator emulator(
        hass::load_onnx(folder / network.at("file").get<std::string>()),
        {scale.is_string() ? 1.0F / 255.0F : scale.get<float>(),
         p.at("mean").get<std::vector<float>>(), p.at("std").get<std::vector<float>>()});
    m.check(emulator.network());
    hass::image_set images = hass::read_images(folder / images_file);
    std::vector<int> labels = hass::read_labels(folder / labels_file);
    images.count = m.images;
    labels.resize(images.count);

    const hass::additive_accuracy model(m);
    const hass::network_magnitudes magnitudes = m.magnitudes();
    const auto predict = [&](const hass::network_thresholds& t) { return model.accuracy(t); };
    hass::threshold_axes axes(m, magnitudes);
    axes =
        axes.shortened(hass::typical_reach(axes, predict, m.top1() - points / 100.0, 1, draws, 10));
    hass::allocator hardware(m, hass::sparse_dot<>{}, hass::boards::u250{});
    hass::random_stream random(2);
    hass::image_set first = images;
    error_sum top1;
    statistics_error predicted;
    constexpr std::array<std::size_t, 3> few{16, 32, 64};
    std::array<statistics_error, few.size()> of_few;
    double lost = 0.0;
    for (int k = 0; k < draws; ++k) {
        const hass::network_thresholds tau = axes.at(hass::uniform_point(axes.where(), random));
        const hass::emulation run = emulator.run(images, labels, tau);
        top1.add(100.0 * (model.accuracy(tau) - run.top1_accuracy()));
        lost += 100.0 * (m.top1() - run.top1_accuracy()) / draws;
        predicted.add(m.statistics(tau), run.statistics, hardware, m);
        for (std::size_t f = 0; f < few.size(); ++f) {
            first.count = few[f];
            of_few[f].add(emulator.run(first, std::span(labels).first(few[f]), tau).statistics,
                          run.statistics, hardware, m);
        }
    }
    std::printf("%-22s %4u %6.1f %6.1f   %5.1f %5.1f", m.name.c_str(),
                static_cast<unsigned>(m.images), 100.0 * m.top1(), lost, top1.rms(), top1.most);
    predicted.print();
    for (std::size_t f = 0; f < few.size(); ++f) {
        std::printf("  statistics of the first %-3u%27s", static_cast<unsigned>(few[f]), "");
        of_few[f].print();
    }
}

}  // namespace

int main(int argc, char** argv) try {
    const char* variable = std::getenv("HASS_MODELS_DIR");
    const fs::path folder = variable != nullptr ? variable : "";
    std::ifstream in(folder / "manifest.json");
    if (!in) throw hass::error("HASS_MODELS_DIR: no manifest.json in '" + folder.string() + "'");
    const json manifest = json::parse(in);
    const double points = argc > 1 ? std::atof(argv[1]) : 1.0;
    const int draws = argc > 2 ? std::max(1, std::atoi(argv[2])) : 20;
    std::printf(
        "%-22s %4s %6s %6s   %-11s   %-13s   %s\n%-41s   rms   max   rms    max      rms"
        "   max\n",
        "network", "img.", "top-1", "lost", "top-1, pts", "pair sparsity", "images/s, %", "");
    const json& dataset = manifest.at("datasets").at("imagenet_eli");
    for (const json& network : manifest.at("models")) {
        const fs::path file = fs::path(HASS_EXAMPLES_DATA) / "statistics" /
                              (network.at("name").get<std::string>() + ".statistics");
        if (fs::exists(file))
            compare(folder, network, dataset.at("images"), dataset.at("labels"),
                    hass::read_statistics(file), points, draws);
    }
    return 0;
} catch (const std::exception& wrong) {
    std::fprintf(stderr, "bench_prediction: %s\n", wrong.what());
    return 2;
}
