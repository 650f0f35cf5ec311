// Before buying a board: throughput of one network on every board of the catalogue, with dense
// engines, sparse ones, and the better of the two in each layer, under three resource models.
//     10_which_board [zero pairs]
// And before anything is measured: networks of the zoo on a u250, if so many activations behind
// every ReLU, and so many weights, were zero, independently of each other.
//     10_which_board <zero activations> <zero weights>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>
#include <string>
#include <vector>

namespace {

template <hass::Engine E>
void cell(const hass::network_view& net, double sparsity, const E& engine,
          const hass::device& board) {
    const auto best = hass::allocate(net, hass::uniform_sparsity(sparsity), engine, board);
    const auto& binding = best.certificate.binding;
    const std::string resource = binding ? std::string(hass::resources[*binding].name) : "rate";
    if (best.fits)
        std::printf("  %8.0f %-6s", best.estimate.images_per_second, resource.c_str());
    else
        std::printf("  %8s %-6s", "-", resource.c_str());
}

template <class Resources>
void table(const char* model, const hass::network_view& net, double sparsity) {
    using dense = hass::dense_dot<Resources>;
    using sparse = hass::sparse_dot<hass::histogram_interval, Resources>;
    std::printf("\nresource model '%s'%*s%17s%17s%17s\n", model,
                int(14 - std::string(model).size()), "", "dense", "sparse", "mixed");
    for (const hass::device& board : hass::boards::catalogue) {
        std::printf("%-32s", std::string(board.name).c_str());
        cell(net, sparsity, dense{}, board);
        cell(net, sparsity, sparse{}, board);
        cell(net, sparsity, hass::engine_list<dense, sparse>{}, board);
        std::printf("\n");
    }
}

/// Zeros of every compute row, assumed: activations only where a ReLU stands in front of it, maybe
/// with a max pool between.
hass::network_statistics assumed(const hass::network_view& net, double activations,
                                 double weights) {
    std::vector<double> zeros(net.size(), 0.0);  // of what a row gives
    hass::network_statistics all(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        double in = 1.0;
        for (const hass::edge& e : net.edges)
            if (e.to == static_cast<int>(i))
                in = std::min(in, e.from < 0 ? 0.0 : zeros[static_cast<std::size_t>(e.from)]);
        const hass::layer_kind kind = net.rows[i].kind;
        if (kind == hass::layer_kind::relu || kind == hass::layer_kind::relu6)
            zeros[i] = activations;
        if (kind == hass::layer_kind::max_pool || kind == hass::layer_kind::flatten) zeros[i] = in;
        const double pairs = 1.0 - (1.0 - in) * (1.0 - weights);
        if (hass::is_compute(net.rows[i])) all[i] = {weights, in, pairs, pairs};
    }
    return all;
}

struct built {
    double images_per_second = 0.0;
    double per_dsp = 0.0;  ///< images a cycle and DSP, in 1e-9
};

template <hass::Engine E>
built row(const char* name, const hass::network_view& net, const hass::network_statistics& zeros,
          const E& engine, const built& dense) {
    const hass::allocation a = hass::allocate(net, zeros, engine, hass::boards::u250{});
    const hass::usage& u = a.estimate.total;
    const built b{a.estimate.images_per_second, 1e9 / a.estimate.interval_cycles / u.dsp};
    const auto& binding = a.certificate.binding;
    std::printf(
        "  %-6s %8.0f images/s %7.2f e-9/DSP %5.1f %6.0f DSP %5.0f kLUT %5.0f BRAM18 "
        "%5.0f URAM  gap %.3f  %s\n",
        name, b.images_per_second, b.per_dsp, dense.per_dsp > 0.0 ? b.per_dsp / dense.per_dsp : 1.0,
        u.dsp, u.lut / 1e3, u.bram18, u.uram, a.certificate.gap,
        binding ? std::string(hass::resources[*binding].name).c_str() : "rate");
    return b;
}

void before_measuring(double activations, double weights) {
    std::printf(
        "assumed, not measured: %.0f %% of activations behind a ReLU and %.0f %% of weights "
        "zero\n",
        100 * activations, 100 * weights);
    hass::calibrated cascade;
    cascade.cascade = true;
    const hass::engine_list<hass::dense_dot<>, hass::sparse_dot<>, hass::lane_dot<>,
                            hass::list_dot<>, hass::dense_dot<>>
        mixed{{{}, {}, {}, {}, {cascade}}};
    const auto of = [&](const char* name, const hass::network_view& net) {
        std::printf("%s\n", name);
        const hass::network_statistics zeros = assumed(net, activations, weights);
        const built dense = row("dense", net, zeros, hass::dense_dot<>{}, {});
        row("SPE", net, zeros, hass::sparse_dot<>{}, dense);
        row("mixed", net, zeros, mixed, dense);
    };
    of("ResNet-18", hass::zoo::resnet18);
    of("ResNet-50", hass::zoo::resnet50);
    of("MobileNetV2", hass::zoo::mobilenet_v2);
    of("MobileNetV3-Large", hass::zoo::mobilenet_v3_large);
    of("MobileNetV3-Small", hass::zoo::mobilenet_v3_small);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 2) {
        before_measuring(std::atof(argv[1]), std::atof(argv[2]));
        return 0;
    }
    const double sparsity = argc > 1 ? std::atof(argv[1]) : 0.6;
    std::printf("ResNet-18, %.0f %% zero pairs everywhere: images/s, and what stops it\n",
                100 * sparsity);
    const hass::network_view net = hass::zoo::resnet18;
    table<hass::calibrated>("calibrated", net, sparsity);
    table<hass::fpgaconvnet::repaired>("repaired", net, sparsity);
    table<hass::fpgaconvnet::published>("published", net, sparsity);
}
