/// \file parallel.hpp
/// Evaluating several trials at a time in one process.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <hass/search/study.hpp>

namespace hass {

/// Runs a study in batches: asks `batch` trials, evaluates them on `threads` threads, tells them in
/// order of number, until nothing is left.
///
/// The result depends on the batch size, not on the number of threads or their timing. An objective
/// that throws a std::exception fails its trial only.
/// \param objective  called from several threads at once
/// \throws hass::error when `batch` or `threads` is 0
template <Optimizer O, Objective F>
void run_batches(study<O>& study, F&& objective, std::size_t batch, std::size_t threads) {
    if (batch == 0 || threads == 0) throw error("run_batches: batch and threads must be above 0");
    while (true) {
        const std::vector<trial> trials = study.ask_batch(batch);
        if (trials.empty()) return;
        std::vector<std::optional<outcome>> results(trials.size());
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (std::size_t i = next++; i < trials.size(); i = next++)
                results[i] = outcome_at(objective, trials[i].point);
        };
        std::vector<std::thread> workers;
        for (std::size_t t = 1; t < threads && t < trials.size(); ++t) workers.emplace_back(work);
        work();
        for (std::thread& worker : workers) worker.join();
        for (std::size_t i = 0; i < trials.size(); ++i) study.tell(trials[i], *results[i]);
    }
}

}  // namespace hass
