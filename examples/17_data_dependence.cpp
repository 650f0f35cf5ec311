// What it costs that a sparse engine's cycles depend on data: the interval of the model, which takes
// the mean of each stage, beside that of a simulation of the whole pipeline with finite FIFOs, fed
// with the masks of real images; and the FIFOs that make them alike.
//
//     17_data_dependence                                20 images of the shipped network
//     17_data_dependence 100                            ... 100 of them
//     17_data_dependence 100 8 ../shared/models         ... and 8 of ResNet-18 and MobileNetV2
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/fifo_room.hpp>
#include <hass/pipeline/fifos.hpp>
#include <hass/pipeline/recorded_service.hpp>
#include <hass/workload/onnx.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct job {
    std::string name;
    fs::path model, images, labels;
    hass::preprocessing preprocessing;
    std::size_t count;
    double place;  // of every threshold on its axis, `hass::threshold_axis`
};

// Every layer's thresholds at the same place between its natural sparsity and 95 %.
hass::network_thresholds thresholds_at(double place, const hass::emulator& network,
                                       const hass::image_set& images) {
    const hass::network_magnitudes values = network.magnitudes(images);
    hass::network_thresholds tau(values.size());
    const hass::threshold_axis axis;
    for (std::size_t i = 0; i < tau.size(); ++i)
        if (hass::is_compute(network.network()[i]))
            tau[i] = {axis.threshold(values[i].weights, place),
                      axis.threshold(values[i].activations, place)};
    return tau;
}

void run(const job& j) {
    const hass::emulator network(hass::load_onnx(j.model), j.preprocessing);
    hass::image_set images = hass::read_images(j.images);
    std::vector<int> labels = hass::read_labels(j.labels);
    images.count = std::min(images.count, j.count);
    labels.resize(images.count);

    // statistics of the very images that are simulated: the model is to have the same means
    const hass::network_view net = network.network();
    const hass::network_thresholds tau = thresholds_at(j.place, network, images);
    const hass::emulation e = network.run(images, labels, tau);
    const hass::sparse_dot<> engine;
    const hass::boards::u250 board;
    const auto best = hass::allocate(net, e.statistics, engine, board);
    const double model = best.estimate.interval_cycles;
    const hass::usage& total = best.estimate.total;
    std::printf(
        "\n%s, %zu images (top-1 %zu), every threshold at %.2f of its axis\n"
        "one partition on u250: %.0f cycles, %.0f DSP, %.0f LUT, %.0f BRAM18, %.0f URAM\n",
        j.name.c_str(), e.images, e.top1, j.place, model, total.dsp, total.lut, total.bram18,
        total.uram);

    // the images again and again, and the last time measured: until then the FIFOs fill
    const std::size_t passes = std::max<std::size_t>(2, 64 / images.count);
    const hass::fifo_options options{0.975, passes * images.count, (passes - 1) * images.count};
    const auto row = [&](const char* what, double cycles, const hass::usage& u) {
        std::printf("| %-30s | %9.0f | %6.1f %% | %6.0f | %6.0f | %5.0f |\n", what, cycles,
                    100.0 * (cycles / model - 1.0), u.lut, u.ff, u.bram18);
    };
    for (const hass::filter_share share : {hass::filter_share::averaged, hass::filter_share::own}) {
        const auto services =
            hass::recorded_services(network, images, tau, e.statistics, engine, best.design, share);
        const auto bound = hass::enough_depths(net, services, options);
        const hass::fifo_plan plan = hass::plan_fifos(net, services, engine, best.design, options);
        const auto begin = std::chrono::steady_clock::now();
        const hass::simulation s = hass::simulate(net, services, plan.depths, {options.images});
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        std::printf(
            "\n| %-30s | interval  | to model | LUT    | FF     | BRAM18 |\n"
            "|---|---|---|---|---|---|\n",
            share == hass::filter_share::own ? "engines with filters of their own"
                                             : "filters alike, as the model");
        row("slowest stage's mean", hass::best_interval(net, services), {});
        row("FIFOs without end", plan.best_cycles, {});
        row("a pixel on each edge", plan.without_cycles, {});
        row("planned FIFOs", plan.interval_cycles,
            hass::fifo_cost(engine, net, best.design, plan.depths));
        row("FIFOs by one simulation",
            hass::simulate(net, services, bound, {options.images}).interval(options.warm_up),
            hass::fifo_cost(engine, net, best.design, bound));
        if (share == hass::filter_share::averaged) {
            const auto with = hass::allocate_with_fifos(
                net, e.statistics, engine, board.limits(),
                [&](const hass::allocation& a) {
                    return hass::recorded_services(network, images, tau, e.statistics, engine,
                                                   a.design, share);
                },
                options);
            row(with.hardware.fits ? "a design that fits with them" : "no design fits with them",
                with.fifos.interval_cycles, with.fifos.cost);
        }
        std::printf("%zu simulations; the last one: %.1f million stage-words a second\n",
                    plan.rounds, static_cast<double>(s.words) / took.count() * 1e-6);
    }
}

std::vector<job> jobs(int argc, char** argv) {
    const auto count = [&](int i, int otherwise) {
        return static_cast<std::size_t>(argc > i ? std::max(1, std::atoi(argv[i])) : otherwise);
    };
    const fs::path data = HASS_EXAMPLES_DATA;
    std::vector<job> all{{"fashion",
                          data / "fashion.onnx",
                          data / "fashion_images.npy",
                          data / "fashion_labels.npy",
                          {1.0F / 255.0F, {0.286041F}, {0.353024F}},
                          count(1, 20),
                          0.3}};
    if (argc < 4) return all;
    const fs::path folder = argv[3];
    std::ifstream in(folder / "manifest.json");
    const nlohmann::json manifest = nlohmann::json::parse(in);
    for (const auto& m : manifest.at("models")) {
        const std::string name = m.at("name");
        if (name != "resnet18" && name != "mobilenet_v2") continue;
        const auto& p = m.at("preprocessing");
        const auto& set = manifest.at("datasets").at(m.at("torch_float32").begin().key());
        all.push_back(
            {name,
             folder / m.at("file").get<std::string>(),
             folder / set.at("images").get<std::string>(),
             folder / set.at("labels").get<std::string>(),
             {p.at("scale").is_string() ? 1.0F / 255.0F : p.at("scale").get<float>(),
              p.at("mean").get<std::vector<float>>(), p.at("std").get<std::vector<float>>()},
             count(2, 8),
             name == "resnet18" ? 0.2 : 0.1});
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        for (const job& j : jobs(argc, argv)) run(j);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
}
