// The shipped network as hardware: the best dense design for a board, in SystemVerilog, with images to
// simulate it on and the answers to expect; `make run` there. `hass_search --rtl` writes pruned designs.
//     18_rtl [folder] [bits] [images]
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <hass/device/boards.hpp>
#include <hass/emulate/integer_emulator.hpp>
#include <hass/emulate/make_integer_network.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/rtl/expectations.hpp>
#include <hass/rtl/write_rtl.hpp>
#include <hass/workload/onnx.hpp>
#include <string>

int main(int argc, char** argv) try {
    const std::filesystem::path folder = argc > 1
                                             ? std::filesystem::path(argv[1])
                                             : std::filesystem::temp_directory_path() / "hass_rtl";
    const int bits = argc > 2 ? std::atoi(argv[2]) : 16;
    const auto count = static_cast<std::size_t>(argc > 3 ? std::atoi(argv[3]) : 20);

    // In integers, of the scales of 50 images.
    const std::string data = HASS_EXAMPLES_DATA;
    const hass::emulator emulator(hass::load_onnx(data + "/fashion.onnx"));
    hass::image_set images = hass::read_images(data + "/fashion_images.npy");
    images.count = 50;
    const auto dense = hass::uniform_thresholds(emulator.network(), {});
    const hass::integer_emulator hardware(hass::make_integer_network(
        emulator, images, dense, {.weight_bits = bits, .data_bits = bits}));
    const hass::integer_network& integers = hardware.network();

    // The fastest design on the board, written.
    const hass::device board = hass::boards::zedboard{}.limits();
    const hass::dense_dot<> engine{hass::as_rtl({.slice = board.dsp_slice}), {bits, bits, 32}};
    const hass::network_view net = integers.net;
    const hass::allocation best = hass::allocate(net, hass::dense_statistics{}, engine, board);
    hass::write_rtl(folder, integers, best.design,
                    {.name = "fashion", .part = "xc7z020clg484-1", .mhz = board.mhz});

    // What to feed it with, and what it has to say.
    hass::expected_cycles cycles{best.estimate.interval_cycles, best.estimate.fill_cycles, {}};
    for (const hass::stage_estimate& stage : best.stages) cycles.rows.push_back(stage.cycles);
    hass::write_expectations(folder, hardware, images, count, best.design, cycles);
    std::printf("%s: %.0f images/s, %.0f DSPs; %zu images to check it with\n",
                folder.string().c_str(), best.estimate.images_per_second, best.estimate.total.dsp,
                count);
    return 0;
} catch (const hass::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 2;
}
