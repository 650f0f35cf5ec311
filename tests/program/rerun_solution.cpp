// Runs the network of a solution.json at the thresholds of each design, by a single run of all
// images, and compares answers and sparsities with what the file says:
//
//     rerun_solution <solution.json> <net.onnx> <images.npy> <labels.npy> <scale> <mean> <std>
//
// mean and std: one value, or as many as channels, with commas.
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <hass/emulate/emulator.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

std::vector<float> numbers(const std::string& list) {
    std::vector<float> all;
    std::istringstream in(list);
    for (std::string one; std::getline(in, one, ',');) all.push_back(std::stof(one));
    return all;
}

hass::network_thresholds thresholds_of(const json& layers) {
    hass::network_thresholds thresholds;
    for (const json& layer : layers)
        thresholds.push_back({layer.at("tau_w"), layer.at("tau_a"),
                              layer.value("tau_w_channels", std::vector<double>{}),
                              layer.value("tau_a_channels", std::vector<double>{})});
    return thresholds;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 8) throw hass::error("see the comment on top of rerun_solution.cpp");
    const json solution = json::parse(std::ifstream(argv[1]));
    const hass::emulator emulator(hass::load_onnx(argv[2]),
                                  {std::stof(argv[5]), numbers(argv[6]), numbers(argv[7])});
    hass::image_set images = hass::read_images(argv[3]);
    std::vector<int> labels = hass::read_labels(argv[4]);
    images.count = solution.at("images");
    labels.resize(images.count);
    int failures = 0;
    const auto check = [&](const std::string& what, double said, double found) {
        if (std::abs(said - found) <= 1e-12) return;
        std::printf("%s is %.17g, by a run of its own %.17g\n", what.c_str(), said, found);
        ++failures;
    };
    for (const std::string design :
         {"dense", "activation_only", "software_only", "hardware_aware"}) {
        const json& d = solution.at(design);
        if (d.is_null()) continue;
        const hass::network_thresholds thresholds = thresholds_of(d.at("layers"));
        const hass::emulation run = emulator.run(images, labels, thresholds);
        check(design + " top1", d.at("top1"), run.top1_accuracy());
        check(design + " top5", d.at("top5"), run.top5_accuracy());
        // Trials end early only where they miss the limit, so the best one was counted out.
        if (d.contains("search"))
            check(design + " top1 in the search", d.at("search").at("top1"), run.top1_accuracy());
        for (std::size_t i = 0; i < thresholds.size(); ++i) {
            if (!hass::is_compute(emulator.network()[i])) continue;
            const json& layer = d.at("layers").at(i);
            const std::string where = design + " " + layer.at("name").get<std::string>();
            const hass::layer_statistics& s = run.statistics[i];
            check(where + " weight_sparsity", layer.at("weight_sparsity"), s.weight_sparsity);
            check(where + " activation_sparsity", layer.at("activation_sparsity"),
                  s.activation_sparsity);
            check(where + " pair_sparsity", layer.at("pair_sparsity"), s.pair_sparsity_padded);
        }
        std::printf("%s: top-1 %.4f by a run of its own\n", design.c_str(), run.top1_accuracy());
    }
    return failures == 0 ? 0 : 1;
} catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
}
