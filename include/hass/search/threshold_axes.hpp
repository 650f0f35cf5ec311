/// \file threshold_axes.hpp
/// What a search point means: axes in [0, 1], two a layer, become thresholds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/space.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Which tensors the axes of a network move, and how finely.
struct threshold_scope {
    bool channels = false;  ///< a threshold a channel, at the sparsity that the axis says
    /// Compute rows left as they are, by name. `first` is the first one that sums products, and the
    /// scalings in front of it (a normaliser that was exported into the graph); `last` the last
    /// one.
    std::vector<std::string> exempt{};
};

/// Whether each row of `net` is exempt. \throws hass::error for a name that no compute row has
inline std::vector<bool> exempt_rows(const network_view& net, std::span<const std::string> exempt) {
    std::vector<bool> found(net.size(), false);
    std::vector<std::size_t> compute;
    std::vector<std::string> known{"first", "last"};
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!is_compute(net.rows[i])) continue;
        compute.push_back(i);
        known.push_back(name_of(net, i));
    }
    for (const std::string& layer : exempt) {
        if (std::find(known.begin(), known.end(), layer) == known.end())
            throw unknown_name("exempt layer", layer, known);
        for (const std::size_t i : compute)
            if (name_of(net, i) == layer || (layer == "last" && i == compute.back()))
                found[i] = true;
        if (layer != "first") continue;
        for (const std::size_t i : compute) {
            found[i] = true;
            if (channels_per_group(net.rows[i]) * taps(net.rows[i]) > 1) break;
        }
    }
    return found;
}

/// The search axes of a network: two a compute row that is not exempt, "NAME.weight" and
/// "NAME.activation", in [0, 1]. 0 leaves the tensor as it is, 1 brings its sparsity to the highest
/// one worth trying, and the target sparsity moves linearly in between. A network bears far less
/// than that in all its tensors at once; `reach` shortens every axis alike so that a search does
/// not spend itself on ruins.
class threshold_axes {
  public:
    /// \param net         the network; must outlive this object
    /// \param magnitudes  one entry a row; must outlive this object
    /// \param highest     sparsity reached at the end of an axis, in (0, 1]
    /// \throws hass::error for a highest sparsity out of range, an exempt layer that is not there,
    ///         when no row is left to move, or for thresholds of channels without their magnitudes
    threshold_axes(const network_view& net, const network_magnitudes& magnitudes,
                   layer_thresholds highest = {0.9, 0.9}, const threshold_scope& scope = {})
        : net_(net),
          magnitudes_(&magnitudes),
          weight_{highest.weight},
          activation_{highest.activation},
          channels_(scope.channels) {
        if (magnitudes.size() != net.size())
            throw error(text_of({"threshold axes: magnitudes of ", magnitudes.size(),
                                 " rows for a network of ", net.size()}));
        if (!(highest.weight > 0 && highest.weight <= 1 && highest.activation > 0 &&
              highest.activation <= 1))
            throw error("threshold axes: the highest sparsity must be within (0, 1]");
        const std::vector<bool> exempt = exempt_rows(net, scope.exempt);
        for (std::size_t i = 0; i < net.size(); ++i)
            if (is_compute(net.rows[i]) && !exempt[i]) rows_.push_back(i);
        if (rows_.empty())
            throw error("threshold axes: the network has no layer that is not exempt");
        for (const std::size_t i : rows_)
            if (const auto channels = static_cast<std::size_t>(net.rows[i].in.channels);
                channels_ && (magnitudes[i].weight_channels.size() != channels ||
                              magnitudes[i].activation_channels.size() != channels))
                throw error("threshold axes: layer '" + name_of(net, i) +
                            "' has no magnitudes of single channels");
    }

    /// The same axes, ending at this share of their length.
    /// \param reach  in (0, 1]
    threshold_axes shortened(double reach) const {
        if (!(reach > 0.0 && reach <= 1.0))
            throw error(text_of({"threshold axes: reach ", reach, " is not in (0, 1]"}));
        threshold_axes shorter = *this;
        shorter.reach_ = reach_ * reach;
        return shorter;
    }

    /// The space to search.
    space where() const {
        std::vector<std::string> layers;
        for (const std::size_t i : rows_) layers.push_back(name_of(net_, i));
        return threshold_space(layers, std::vector<double>(2 * layers.size(), 1.0));
    }

    /// Thresholds of a point of `where()`. \throws hass::error on a wrong length
    network_thresholds at(std::span<const double> point) const {
        if (point.size() != 2 * rows_.size())
            throw error(text_of({"threshold axes: a point of ", point.size(), " values for ",
                                 2 * rows_.size(), " axes"}));
        network_thresholds thresholds(net_.size());
        for (std::size_t k = 0; k < rows_.size(); ++k) {
            const layer_magnitudes& m = (*magnitudes_)[rows_[k]];
            const double w = reach_ * point[2 * k];
            const double a = reach_ * point[2 * k + 1];
            layer_thresholds& tau = thresholds[rows_[k]];
            tau.weight = weight_.threshold(m.weights, w);
            tau.activation = activation_.threshold(m.activations, a);
            if (!channels_) continue;
            if (tau.weight > 0.0)
                for (const exact_magnitudes& c : m.weight_channels)
                    tau.weight_channels.push_back(weight_.threshold(c, w));
            if (tau.activation > 0.0)
                for (const magnitude_histogram& c : m.activation_channels)
                    tau.activation_channels.push_back(activation_.threshold(c, a));
        }
        return thresholds;
    }

    /// The network whose rows these are.
    const network_view& net() const { return net_; }

    /// Indices of the compute rows; axes 2 k and 2 k + 1 are those of rows()[k].
    const std::vector<std::size_t>& rows() const { return rows_; }

    /// The point with every axis at `x`; all thresholds are zero at 0.
    std::vector<double> diagonal(double x) const {
        return std::vector<double>(2 * rows_.size(), x);
    }

  private:
    network_view net_;
    const network_magnitudes* magnitudes_;
    threshold_axis weight_;
    threshold_axis activation_;
    bool channels_;
    std::vector<std::size_t> rows_;  // compute rows that are not exempt
    double reach_ = 1.0;
};

}  // namespace hass
