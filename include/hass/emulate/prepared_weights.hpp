/// \file prepared_weights.hpp
/// Weights clipped and in the form that a backend takes, kept from run to run.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/program.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass::detail {

/// Of every row those of the thresholds that were asked for last: runs with the same ones, and steps
/// of a search that move some rows alone, find them ready. Any number of threads may ask.
template <EmulationBackend Backend>
class prepared_weights {
  public:
    using pointer = std::shared_ptr<const typename Backend::weights>;

    explicit prepared_weights(std::size_t rows) : rows_(rows) {}

    /// Of row i, which has weights.
    pointer of(const program& p, const Backend& backend, std::size_t i,
               const layer_thresholds& tau) {
        entry& last = rows_[i];
        const std::pair key(tau.weight, tau.weight_channels);
        {
            const std::scoped_lock lock(guard_);
            if (last.weights && last.key == key) return last.weights;
            last.weights = nullptr;  // two at once are not needed
        }
        auto made = std::make_shared<const typename Backend::weights>(
            backend.prepare(i, clipped_weights(p.rows()[i], p.model.parameters[i].weights, tau)));
        const std::scoped_lock lock(guard_);
        last = {key, made};
        return made;
    }

  private:
    struct entry {
        std::pair<double, std::vector<double>> key;  ///< of all channels alike, or one a channel
        pointer weights;
    };

    std::mutex guard_;
    std::vector<entry> rows_;
};

}  // namespace hass::detail
