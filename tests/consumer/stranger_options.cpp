// A newcomer takes the cost model apart: which foldings exist for a layer, and what each takes.
#include <algorithm>
#include <cstdio>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/workload/layers.hpp>
#include <vector>

int main() {
    const hass::layer_row row = hass::conv2d<64, 128, 3, hass::pad<1>>::row({64, 28, 28});
    const hass::sparse_dot<> engine;
    const hass::layer_statistics stats = hass::uniform_sparsity(0.6).at(0);

    double least = 1e300;
    for (const hass::row_option& option : engine.legal(row))
        if (engine.cost(row, option).dsp <= 64)
            least = std::min(least, engine.cycles(row, stats, option));
    const hass::parallelism one;
    const double most = engine.cycles(row, stats, one);
    const double four = engine.cycles(row, stats, hass::parallelism{.in = 2, .out = 2});
    std::printf("%zu options; at most 64 DSPs: %.0f cycles, four engines %.0f, one %.0f\n",
                hass::legal(engine, row).size(), least, four, most);

    const hass::engine_list<hass::dense_dot<>, hass::sparse_dot<>> either;
    const bool both =
        either.legal(row).size() == hass::dense_dot{}.legal(row).size() + engine.legal(row).size();
    try {
        engine.cycles(hass::relu::row(row.out), stats, one);
        return 1;
    } catch (const hass::error& wrong) {
        std::printf("%s\n", wrong.what());
    }
    return both && least < four && four < most ? 0 : 1;
}
