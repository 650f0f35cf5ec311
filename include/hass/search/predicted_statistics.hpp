/// \file predicted_statistics.hpp
/// The statistics of any search point, predicted from those with nothing clipped.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/threshold_axes.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/prediction.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>

namespace hass {

/// The statistics of any point without a run of the network, see prediction.hpp: what makes
/// the hardware of a candidate known before its accuracy is (predicted_objective.hpp).
///
/// Axes are rounded to `steps` values, so that a layer is predicted once for each pair of them.
class predicted_statistics {
  public:
    /// One entry a row (concept NetworkStatistics); points into the object it came from.
    class view {
      public:
        /// Of a row. \throws std::out_of_range.
        const layer_statistics& at(std::size_t row) const { return *rows_.at(row); }

      private:
        friend predicted_statistics;
        std::vector<const layer_statistics*> rows_;
    };

    /// \param magnitudes  those of the axes; must outlive this object
    /// \param natural     measured with nothing clipped, one entry a row of the network
    /// \throws hass::error when statistics and magnitudes are not of one length, or steps < 1
    predicted_statistics(threshold_axes axes, const network_magnitudes& magnitudes,
                         network_statistics natural, int steps = 64)
        : axes_(std::move(axes)),
          magnitudes_(&magnitudes),
          natural_(std::move(natural)),
          steps_(steps) {
        if (natural_.size() != magnitudes.size())
            throw error(text_of({"predicted statistics: ", natural_.size(),
                                 " entries for the magnitudes of ", magnitudes.size(), " rows"}));
        if (steps < 1) throw error(text_of({"predicted statistics: steps = ", steps}));
    }

    /// What is predicted for.
    const network_view& net() const { return axes_.net(); }

    /// \param point in the axes' space \throws hass::error on a wrong length
    view at(std::span<const double> point) {
        std::vector<double> rounded(point.begin(), point.end());
        for (double& x : rounded)
            x = x > 0.0 ? std::min(std::round(x * steps_) / steps_, 1.0) : 0.0;
        const network_thresholds thresholds = axes_.at(rounded);
        view all;
        for (const layer_statistics& s : natural_) all.rows_.push_back(&s);
        for (std::size_t k = 0; k < axes_.rows().size(); ++k) {
            const std::size_t i = axes_.rows()[k];
            const double w = rounded[2 * k];
            const double a = rounded[2 * k + 1];
            const auto [place, missing] = known_.try_emplace({i, w, a});
            if (missing)
                place->second =
                    predicted_layer(natural_[i], {weight(i, 0.0, {}), activation(i, 0.0, {})},
                                    {weight(i, w, thresholds[i]), activation(i, a, thresholds[i])});
            all.rows_[i] = &place->second;
        }
        return all;
    }

  private:
    const tensor_density& weight(std::size_t row, double x, const layer_thresholds& tau) {
        const auto [place, missing] = weights_.try_emplace({row, x});
        const layer_magnitudes& m = (*magnitudes_)[row];
        if (missing)
            place->second = density(m.weights, m.weight_channels, tau.weight, tau.weight_channels);
        return place->second;
    }
    const tensor_density& activation(std::size_t row, double x, const layer_thresholds& tau) {
        const auto [place, missing] = activations_.try_emplace({row, x});
        const layer_magnitudes& m = (*magnitudes_)[row];
        if (missing)
            place->second = density(m.activations, m.activation_channels, tau.activation,
                                    tau.activation_channels);
        return place->second;
    }

    threshold_axes axes_;
    const network_magnitudes* magnitudes_;
    network_statistics natural_;
    int steps_;
    // by row and position on its axis, which is 0 where nothing is clipped
    std::map<std::pair<std::size_t, double>, tensor_density> weights_;
    std::map<std::pair<std::size_t, double>, tensor_density> activations_;
    std::map<std::tuple<std::size_t, double, double>, layer_statistics> known_;
};

}  // namespace hass
