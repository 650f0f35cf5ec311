// A board of one's own, as a value, as a type, and from a file.
#include <cstdio>
#include <hass/device/device_file.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/workload/zoo.hpp>

int main() {
    const hass::network_view net = hass::zoo::mobilenet_v3_small;
    const hass::uniform_sparsity half(0.5);
    const auto report = [&](const hass::device& board) {
        const auto best = hass::allocate(net, half, hass::sparse_dot<>{}, board);
        if (best.fits)
            std::printf("%-10s %7.0f images/s\n", std::string(board.name).c_str(),
                        best.estimate.images_per_second);
        else
            std::printf("%-10s %s\n", std::string(board.name).c_str(),
                        best.certificate.reason.c_str());
    };

    //! [board]
    // as a value: half of a board that somebody else uses too
    hass::device shared = hass::boards::u250::value;
    shared.name = "half u250";
    shared.budget = 0.5 * shared.budget;
    report(shared);

    // from a file, or rather its text; a wrong field is named together with the nearest right one
    const auto own = hass::parse_device(
        R"({"name": "myboard", "dsp": 3000, "lut": 500000, "ff": 1000000, "bram18": 2000,
            "uram": 200, "bandwidth_gbps": 100, "mhz": 300})",
        "myboard.json");
    report(own.limits());
    //! [board]
    try {
        hass::parse_device(R"({"name": "myboard", "dps": 3000})", "myboard.json");
    } catch (const hass::error& wrong) {
        std::printf("%s\n", wrong.what());
    }
}
