// What newcomers guess is what they get.
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/workload/layers.hpp>

constexpr hass::shape map{8, 10, 10};
static_assert(hass::pool<2>::row(map) == hass::max_pool<2, hass::stride<2>>::row(map));
static_assert(hass::pool<3, hass::stride<2>>::row(map) ==
              hass::max_pool<3, hass::stride<2>>::row(map));

constexpr hass::layer_row row = hass::conv2d<8, 4, 3>::row(map);
static_assert(row.macs() == 8 * 4 * 9 * 64 && row.macs() == hass::mac_count(row));
static_assert(row.weights() == 8 * 4 * 9 && hass::pool<2>::row(map).weights() == 0);

constexpr hass::parallelism folding{.in = 2, .out = 4};
constexpr hass::row_option option = folding;
static_assert(option == hass::row_option{folding, hass::weight_memory::bram18, 0});
constexpr hass::sparse_dot<> spe;
constexpr hass::layer_statistics dense = hass::dense_statistics{}.at(0);
static_assert(spe.cycles(row, dense, folding) == spe.cycles(row, dense, option));
static_assert(spe.cost(row, folding) == spe.cost(row, option));

// 4 foldings of the inputs, 3 of the filters, 1 to 9 MACs, 2 memories
static_assert(spe.legal(row).size() == 4 * 3 * 9 * 2);
static_assert(hass::legal(hass::dense_dot<>{}, row).size() == 4 * 3 * 3 * 2);

using net = hass::sequential<hass::input<8, 10, 10>, hass::conv2d<8, 4, 3>, hass::relu>;
constexpr hass::row_option smallest[2]{};
constexpr hass::boards::zedboard board;
static_assert(
    hass::evaluate(net{}, hass::dense_statistics{}, spe, board).interval_cycles ==
    hass::evaluate(net{}, hass::uniform_sparsity(0), spe, board, smallest).interval_cycles);
