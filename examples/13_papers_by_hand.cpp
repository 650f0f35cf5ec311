// What papers say, by hand: named instances of their engines, closed forms, and sizes that decide
// buffers and storage.
#include <cstdio>
#include <hass/engine/arrays/dual_side.hpp>
#include <hass/engine/arrays/energy.hpp>
#include <hass/engine/arrays/hash_accumulate.hpp>
#include <hass/engine/arrays/tensor_core.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/storage/sparse_matrix.hpp>
#include <hass/statistics/stream_drift.hpp>
#include <vector>

int main() {
    // A matrix product on two arrays that papers name: half of the weights and activations zero.
    const hass::layer_row product = hass::as_row(512, 256, 1024);
    const hass::layer_statistics half = hass::independent_statistics(0.5, 0.5);
    const hass::array_run wide = hass::dual_side_cores::four_wide.run(product, half);
    const hass::array_run runs = hass::tensor_cores::flexible_run_length.run(product, half);
    std::printf("dual side, wide tiles %.0f cycles; flexible tensor core %.0f cycles\n",
                wide.cycles, runs.cycles);
    // One SPE, three generations of papers: the mean rounded, every window rounded, nothing rounded.
    const hass::parallelism eight{.in = 1, .out = 1, .group = 1, .macs = 8, .vector = 16};
    const hass::row_option spe{eight};
    std::printf("SPE: %.0f, %.0f and %.0f cycles\n",
                hass::sparse_dot<hass::paper_interval>{}.cycles(product, half, spe),
                hass::sparse_dot<hass::histogram_interval>{}.cycles(product, half, spe),
                hass::sparse_dot<hass::mean_interval>{}.cycles(product, half, spe));
    // Energy-delay products weigh delay once or twice (2 uJ, 3 us).
    std::printf("EDP %.0f uJ us, ED2P %.0f uJ us^2\n", hass::edp(2e6, 3.0), hass::ed2p(2e6, 3.0));

    // Degrees of sparsity of HighLight, on its slides and in its hardware; bits of a 2:4 block.
    namespace patterns = hass::patterns;
    std::printf("HighLight: %zu degrees on slides, %zu in hardware; 2:4 needs %d bits of offsets\n",
                patterns::highlight_slides::degrees().size(),
                patterns::highlight_hardware::degrees().size(),
                patterns::minimal_code_bits({2, 4}));

    // A hash pad half full: slots passed on the way to a line that is there, and to a free one.
    std::printf("half full: %.2f slots passed on a hit, %.2f on a miss\n",
                hass::expected_passed_hit(0.5), hass::expected_passed_miss(0.5));
    const hass::sparse_matrix ring = hass::make_sparse_matrix(3, 3, {{0, 1}, {1, 2}, {2, 0}});
    const hass::product_size squared = hass::size_of_product(ring, ring);
    std::printf("a ring squared: %lld multiplications, %lld non-zeros, bloat %.1f\n",
                static_cast<long long>(squared.multiplications),
                static_cast<long long>(squared.nonzeros), squared.bloat());

    // How deep the buffers in front of two streams must be, so that they drift by one zero at most.
    hass::layer_row row;
    row.in = {2, 1, 8}, row.out = {1, 1, 8};
    const std::vector<float> image{0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0};
    const std::vector<double> zeros = hass::window_zeros(row, image);
    std::printf("drift %.2f, buffers of %zu\n", hass::stream_drift(zeros, 2, 1),
                hass::buffer_depth(zeros, 2, 0.5));
}
