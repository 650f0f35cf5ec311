// A search loop of one's own, on tensors of one's own: measure, allocate, ask, tell.
#include <Eigen/Core>
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/search/study.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/tpe.hpp>
#include <hass/statistics/tensor_statistics.hpp>
#include <hass/workload/layers.hpp>
#include <vector>

using net = hass::sequential<hass::input<8, 16, 16>, hass::conv2d<8, 16, 3, hass::pad<1>>,
                             hass::relu, hass::pointwise<16, 32>>;

int main() {
    //! [loop]
    // Tensors from anywhere: weights and inputs of each convolution, here Eigen's random ones.
    std::srand(1);
    const std::vector<Eigen::VectorXf> weights{Eigen::VectorXf::Random(16 * 8 * 9),
                                               Eigen::VectorXf::Random(32 * 16)};
    const std::vector<Eigen::VectorXf> activations{
        Eigen::VectorXf::Random(8 * 16 * 16), Eigen::VectorXf::Random(16 * 16 * 16).cwiseMax(0.0F)};
    const hass::tensor_statistics stats = hass::measure_tensors(net{}, weights, activations);
    const hass::network_magnitudes magnitudes = stats.magnitudes();
    const hass::threshold_axes axes(net{}, magnitudes);

    hass::allocator allocator(net{}, hass::sparse_dot<>{}, hass::boards::zedboard{});
    hass::study<hass::tpe<>> study(axes.where(), /*seed*/ 1,
                                   {.directions = {hass::direction::maximise}, .trials = 40});
    while (auto trial = study.ask()) {
        const hass::network_statistics at = stats.at(axes.at(*trial));
        const hass::allocation best = allocator.solve(at);
        // Stands in for a measured accuracy: what is zeroed is paid for.
        const double kept = 1.0 - hass::average(net{}, at).weight;
        study.tell(*trial, hass::outcome::ok(kept + best.estimate.images_per_second / 1e5));
    }
    //! [loop]
    std::printf("%s\n", study.conclusion().c_str());
}
