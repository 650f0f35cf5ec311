// Before buying a board: throughput of one network on every board of the catalogue, with dense
// engines, sparse ones, and the better of the two in each layer, under three resource models.
#include <cstdio>
#include <cstdlib>
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>
#include <string>

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

}  // namespace

int main(int argc, char** argv) {
    const double sparsity = argc > 1 ? std::atof(argv[1]) : 0.6;
    std::printf("ResNet-18, %.0f %% zero pairs everywhere: images/s, and what stops it\n",
                100 * sparsity);
    const hass::network_view net = hass::zoo::resnet18;
    table<hass::calibrated>("calibrated", net, sparsity);
    table<hass::fpgaconvnet::repaired>("repaired", net, sparsity);
    table<hass::fpgaconvnet::published>("published", net, sparsity);
}
