// HASS's Figure 4: the sixteen 3x3 layers of ResNet-18's blocks on a u250. MACs per SPE fall with
// sparsity, and deeper layers get more SPEs side by side.
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>
#include <vector>

int main() {
    const hass::network_view net = hass::zoo::resnet18;
    hass::allocator allocator(net, hass::sparse_dot<>{}, hass::boards::u250{});
    const std::vector<double> sparsities{0.2, 0.5, 0.8};
    std::vector<hass::allocation> designs;
    for (const double s : sparsities) designs.push_back(allocator.solve(hass::uniform_sparsity(s)));

    std::printf("zero pairs            ");
    for (const double s : sparsities) std::printf("%14.0f %%", 100 * s);
    std::printf("\nimages/s              ");
    for (const hass::allocation& d : designs) std::printf("%16.0f", d.estimate.images_per_second);
    std::printf("\n3x3 layer              SPEs x MACs each\n");
    int layer = 0;
    for (std::size_t i = 0; i < net.size(); ++i) {
        const hass::layer_row& row = net.rows[i];
        if (row.kind != hass::layer_kind::convolution || row.kernel_h != 3) continue;
        std::printf("%2d  %4dx%-3dx%-3d -> %-4d ", ++layer, row.in.channels, row.in.height,
                    row.in.width, row.out.channels);
        for (const hass::allocation& d : designs) {
            const hass::parallelism& p = d.design[i].folding;
            std::printf("%11d x %2d", hass::engine_count(p), p.macs);
        }
        std::printf("\n");
    }
}
