// A newcomer asks which boards hold a small network in block RAM, and what zeros buy ResNet-18.
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>
#include <string>

int main() {
    for (const hass::device& board : hass::boards::catalogue) {
        const hass::estimate smallest = hass::evaluate(
            hass::zoo::mobilenet_v3_small, hass::dense_statistics{}, hass::dense_dot<>{}, board);
        std::printf("%-9s %s\n", std::string(board.name).c_str(), smallest.fits ? "yes" : "no");
    }
    const hass::boards::u250 board;
    const auto dense =
        hass::allocate(hass::zoo::resnet18, hass::dense_statistics{}, hass::dense_dot{}, board);
    const auto sparse =
        hass::allocate(hass::zoo::resnet18, hass::uniform_sparsity(0.8), hass::sparse_dot{}, board);
    std::printf("ResNet-18: dense %.0f images/s with %.0f DSPs, sparse %.0f with %.0f\n",
                dense.estimate.images_per_second, dense.estimate.total.dsp,
                sparse.estimate.images_per_second, sparse.estimate.total.dsp);
    return dense.fits && sparse.fits && dense.estimate.images_per_second > 0 &&
                   sparse.estimate.efficiency() > dense.estimate.efficiency()
               ? 0
               : 1;
}
