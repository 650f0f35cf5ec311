// The main job: from a trained network and real images to thresholds and an accelerator.
//
//     hass_search --model net.onnx --images images.npy --labels labels.npy --device u250 --out DIR
//
// Measures the dense network and the network with nothing clipped (natural zeros only), searches
// thresholds once by software metrics alone and once with the hardware in the objective, prints the
// four side by side, and writes DIR/solution.json, DIR/trials.csv and DIR/report.html.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <hass/device/device_file.hpp>
#include <hass/files/whole_file.hpp>

#include "evaluate.hpp"
#include "foldings.hpp"
#include "job.hpp"
#include "settings.hpp"
#include "workbench.hpp"

namespace hass_search {
namespace {

/// The first interrupt ends the search after the trial under way, the second one ends the program.
void stop(int signal) {
    interrupted = 1;
    std::signal(signal, SIG_DFL);
}

int start(const settings& s) {
    if (!s.evaluate.empty()) {
        evaluate_file(s);
        return 0;
    }
    const hass::owned_device board = hass::device_by_name(s.device);
    if (!s.write_statistics.empty()) {
        s.merge_statistics.empty() ? write_statistics(s) : merge_statistics(s);
        return 0;
    }
    hass::prepare_folder(s.out);
    if (s.folds()) return fold(s, board.limits());
    workbench bench = s.statistics.empty() ? on_images(s) : on_statistics(s);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (std::signal(signal, stop) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup
    return run(s, bench, board.limits());
}

}  // namespace
}  // namespace hass_search

int main(int argc, char** argv) try {
    hass_search::settings s;
    return hass_search::parse(argc, argv, s) ? hass_search::start(s) : 0;
} catch (const std::exception& wrong) {
    fmt::print(stderr, "hass_search: {}\n", wrong.what());
    return 2;
}
