/// \file window_collector.hpp
/// Joint statistics of a run, gathered while it goes on.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <hass/emulate/program.hpp>
#include <hass/emulate/workers.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass::detail {

/// Activation masks of all compute rows, counted by each worker apart.
class window_collector {
  public:
    window_collector(const program& p, std::size_t workers) : program_(p), rows_(workers) {
        for (auto& worker : rows_) worker.resize(p.rows().size());
    }

    void add(std::size_t worker, std::size_t i, const float* planes, std::size_t images,
             const layer_thresholds& tau) {
        std::unique_ptr<activation_windows>& windows = rows_[worker][i];
        if (!windows) windows = std::make_unique<activation_windows>(program_.rows()[i]);
        // With thresholds of channels the planes come clipped.
        windows->add(planes, images,
                     keep_from(tau.activation_channels.empty() ? tau.activation : 0.0));
    }

    /// Statistics of the rows that were seen; gives the masks away.
    network_statistics finish(const network_thresholds& thresholds, int threads) {
        const std::size_t n = program_.rows().size();
        network_statistics statistics(n);
        in_parallel(threads, n, [&](std::size_t, std::size_t i) {
            std::unique_ptr<activation_windows> all;
            for (auto& worker : rows_) {
                std::unique_ptr<activation_windows> part = std::exchange(worker[i], nullptr);
                if (all && part)
                    all->merge(*part);
                else if (part)
                    all = std::move(part);
            }
            if (!all) return;
            const layer_row& row = program_.rows()[i];
            const std::vector<float> weights =
                clipped_weights(row, program_.model.parameters[i].weights, thresholds[i]);
            statistics[i] = joint_statistics(*all, weight_windows(row, weights, 0.0));
        });
        return statistics;
    }

  private:
    const program& program_;
    std::vector<std::vector<std::unique_ptr<activation_windows>>> rows_;  ///< a worker and row each
};

}  // namespace hass::detail
