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
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <memory>
#include <string>
#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "evaluate.hpp"
#include "findings.hpp"
#include "foldings.hpp"
#include "job.hpp"
#include "ranks.hpp"
#include "settings.hpp"
#include "workbench.hpp"

namespace hass_search {
namespace {

/// The first interrupt ends the search after the trial under way, the second one ends the program.
void stop(int signal) {
    interrupted = 1;
    std::signal(signal, SIG_DFL);
}

/// The network of a search, on its board.
struct bench_and_board {
    workbench bench;
    hass::owned_device board;

    explicit bench_and_board(const settings& s)
        : bench(s.statistics.empty() ? on_images(s) : on_statistics(s)),
          board(hass::device_by_name(s.device)) {}
};

/// Trials need the same memory again and again: what glibc would give back after each one is kept,
/// since to get it again, page by page, takes up to a tenth of a run with statistics.
void keep_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int start(const settings& s, std::unique_ptr<workers> hands = nullptr) {
    if (!s.evaluate.empty()) {
        evaluate_file(s);
        return 0;
    }
    const hass::owned_device board = hass::device_by_name(s.device);
    if (!s.write_statistics.empty()) {
        s.merge_statistics.empty() ? write_statistics(s) : merge_statistics(s);
        return 0;
    }
    const hass::output_folder out(s.out);
    if (s.folds()) return fold(s, board.limits());
    bench_and_board job(s);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        if (std::signal(signal, stop) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup
    return run(s, job.bench, job.board.limits(), std::move(hands));
}

/// What is printed is the leader's.
void quiet_stdout() {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) std::fclose(stdout);
}

/// What a worker answers; what keeps it from its work is its answer.
answering as_worker(const settings& s) try {
    const auto job = std::make_shared<bench_and_board>(s);
    const answering answer = judging(s, job->bench, job->board.limits());
    return [job, answer](const std::string& task) { return answer(task); };
} catch (const std::exception& wrong) {
    const std::string why = wrong.what();
    return [why](const std::string&) { return error_text(why); };
}

int complain(const std::exception& wrong) {
    fmt::print(stderr, "hass_search: {}\n", wrong.what());
    return 2;
}

int lead(int argc, char** argv, std::unique_ptr<workers> hands) try {
    settings s;
    if (!parse(argc, argv, s)) return 0;
    if (s.worker < 0) return start(s, std::move(hands));
    quiet_stdout();
    return serve_leader(s.worker, as_worker(s));
} catch (const std::exception& wrong) {
    return complain(wrong);
}

/// Of a rank but the first; what is wrong with the flags the first one says.
answering as_rank(int argc, char** argv) try {
    settings s;
    quiet_stdout();
    if (!parse(argc, argv, s)) throw hass::error("--help");
    const auto kept = std::make_shared<const settings>(std::move(s));
    const answering answer = as_worker(*kept);
    return [kept, answer](const std::string& task) { return answer(task); };
} catch (const std::exception& wrong) {
    const std::string why = wrong.what();
    return [why](const std::string&) { return error_text(why); };
}

int over_mpi(int argc, char** argv) try {
    return over_ranks(
        argc, argv,
        [&](std::unique_ptr<workers> hands) { return lead(argc, argv, std::move(hands)); },
        [&] { return as_rank(argc, argv); });
} catch (const std::exception& wrong) {
    return complain(wrong);
}

}  // namespace
}  // namespace hass_search

int main(int argc, char** argv) {
    hass_search::keep_memory();
    return hass_search::started_by_mpi() ? hass_search::over_mpi(argc, argv)
                                         : hass_search::lead(argc, argv, nullptr);
}
