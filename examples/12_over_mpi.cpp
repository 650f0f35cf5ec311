// One search over many processes: mpirun -n 4 12_over_mpi. Rank 0 asks and tells, the others
// evaluate; a rank that hangs or dies costs one trial.
#include <chrono>
#include <cstdio>
#include <hass/device/boards.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/search/mpi.hpp>
#include <hass/search/tpe.hpp>
#include <hass/workload/zoo.hpp>

int main(int argc, char** argv) {
    hass::mpi_world world(argc, argv);

    // Stands in for a long run: how sparse should MobileNetV2 be, if sparsity costs accuracy?
    const hass::space where({hass::real_axis("pair sparsity", 0.0, 0.9)});
    hass::allocator allocator(hass::zoo::mobilenet_v2, hass::sparse_dot<>{}, hass::boards::u250{});
    const auto objective = [&](std::span<const double> point) {
        const hass::allocation best = allocator.solve(hass::uniform_sparsity(point[0]));
        const double spent = 0.5 * point[0] * point[0];
        return hass::outcome::ok(best.estimate.images_per_second / 1e4 - spent);
    };
    if (!world.leads()) return hass::serve(world, objective);

    hass::study<hass::tpe<>> study(where, /*seed*/ 1,
                                   {.directions = {hass::direction::maximise}, .trials = 40});
    // Batches of 8: the same result whatever the number of ranks.
    const hass::mpi_report report =
        hass::lead(world, study, {.patience = std::chrono::seconds(60), .batch = 8});
    std::printf("%s; %zu trials were late\n", study.conclusion().c_str(), report.late_trials);
    return world.leave(report.complete ? 0 : 1);
}
