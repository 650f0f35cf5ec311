// An engine of one's own: cycles, cost and options of a row are all the library asks for.
#include <cmath>
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>

//! [engine]
/// Skips zero activations, one at a time, and multiplies the others with the weights of `out`
/// filters at once (an outer-product engine). Its figures are made up for this example.
struct outer_product {
    double cycles(const hass::layer_row& row, const hass::layer_statistics& s,
                  const hass::row_option& c) const {
        const double inputs = static_cast<double>(row.in.volume()) * (1.0 - s.activation_sparsity);
        const double filters = std::ceil(double(hass::filters_per_group(row)) / c.folding.out);
        return std::ceil(inputs / c.folding.in) * filters * hass::taps(row);
    }
    hass::usage cost(const hass::layer_row& row, const hass::row_option& c) const {
        const double macs = double(c.folding.in) * c.folding.out;
        hass::usage u{.dsp = macs, .lut = 60 * macs + 300, .ff = 90 * macs + 200};
        u.bram18 = std::ceil(double(hass::weight_count(row)) * 16 / 18432);
        return u;
    }
    void for_each(const hass::layer_row& row, const auto& visit) const {
        for (int in = 1; in <= hass::channels_per_group(row); in *= 2)
            for (int out = 1; out <= hass::filters_per_group(row); out *= 2)
                visit(hass::row_option{{.in = in, .out = out}});
    }
};
static_assert(hass::Engine<outer_product>);
//! [engine]

int main() {
    // Alone, and beside the library's dense engine with the better of both in each layer.
    const hass::network_view net = hass::zoo::mobilenet_v2;
    const hass::uniform_sparsity half(0.5);
    //! [choose]
    const hass::engine_list<hass::dense_dot<>, outer_product> either;
    const auto dense = hass::allocate(net, half, hass::dense_dot<>{}, hass::boards::u250{});
    const auto mixed = hass::allocate(net, half, either, hass::boards::u250{});
    //! [choose]
    std::printf("MobileNetV2 on u250: dense %.0f images/s, with a choice of engines %.0f\n",
                dense.estimate.images_per_second, mixed.estimate.images_per_second);
}
