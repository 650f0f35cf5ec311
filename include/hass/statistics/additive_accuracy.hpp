/// \file additive_accuracy.hpp
/// The accuracy of a recorded network at any thresholds, from its tensors measured one at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/sampled_magnitudes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Predicts accuracy from tensors measured one at a time. Losses (cross-entropy) of the tensors are
/// added, and the sum is turned into right answers by the relation between the two that all
/// measurements together show (a monotone regression). Adding up right answers instead is far off
/// as soon as many tensors are clipped: they saturate, losses hardly do.
///
/// Between thresholds a tensor's loss is linear. Below the first one it grows with the cube, as the
/// energy of the clipped values does where their density is flat; beyond the last one in
/// proportion. With nothing clipped the answer is exact.
class additive_accuracy {
  public:
    /// \param network must outlive this object
    explicit additive_accuracy(const recorded_network& network)
        : network_(&network), top1_(network, &answers::top1), top5_(network, &answers::top5) {}

    /// Share of right answers, in [0, 1]. \throws hass::error for thresholds of another network
    double accuracy(const network_thresholds& thresholds) const {
        return top1_.at(added_loss(thresholds));
    }
    /// Share of images whose label is among the first five, [0, 1].
    double top5_accuracy(const network_thresholds& thresholds) const {
        return top5_.at(added_loss(thresholds));
    }

    /// Mean cross-entropy above that of the untouched network, nats.
    /// \throws hass::error also for thresholds of single channels, which were not measured
    double added_loss(const network_thresholds& thresholds) const {
        check_thresholds(*network_, thresholds);
        double sum = 0.0;
        for (const recorded_layer& layer : network_->layers) {
            const layer_thresholds& tau = thresholds[layer.place];
            if (!tau.weight_channels.empty() || !tau.activation_channels.empty())
                throw error("layer '" + name_of(*network_, layer.place) +
                            "': the loss at thresholds of single channels was not measured");
            sum += added_loss(layer.weight_curve, thresholds[layer.place].weight);
            sum += added_loss(layer.activation_curve, thresholds[layer.place].activation);
        }
        return sum;
    }

  private:
    /// Share of right answers as a falling function of the added loss: piecewise linear through the
    /// blocks of a monotone regression (pool adjacent violators) of all measurements.
    class relation {
      public:
        relation(const recorded_network& network, std::uint32_t answers::*count) {
            std::vector<std::pair<double, double>> points;  // added loss, right answers
            for (const recorded_layer& layer : network.layers)
                for (const sensitivity_curve* curve :
                     {&layer.weight_curve, &layer.activation_curve})
                    for (const answers& a : curve->answered)
                        points.emplace_back(a.loss - network.untouched.loss,
                                            network.share(a.*count));
            std::sort(points.begin(), points.end());
            struct block {
                double loss;
                double share;
                double weight;
            };
            // What was measured at no loss is the untouched network itself, better ones included.
            std::vector<block> blocks{{0.0, network.share(network.untouched.*count), 1e9}};
            for (const auto& [loss, share] : points) {
                if (!(loss > 0.0)) continue;
                blocks.push_back({loss, share, 1.0});
                while (blocks.size() > 1 &&
                       blocks[blocks.size() - 2].share <= blocks.back().share) {
                    const block last = blocks.back();
                    blocks.pop_back();
                    block& into = blocks.back();
                    const double weight = into.weight + last.weight;
                    into.loss = (into.loss * into.weight + last.loss * last.weight) / weight;
                    into.share = (into.share * into.weight + last.share * last.weight) / weight;
                    into.weight = weight;
                }
            }
            for (const block& b : blocks) losses_.push_back(b.loss), shares_.push_back(b.share);
            shares_.front() = network.share(network.untouched.*count);
            losses_.front() = 0.0;
        }

        double at(double loss) const {
            if (!(loss > 0.0)) return shares_.front();
            const auto next = std::upper_bound(losses_.begin(), losses_.end(), loss);
            const auto i = static_cast<std::size_t>(next - losses_.begin());
            if (next != losses_.end()) {
                const double part = (loss - losses_[i - 1]) / (losses_[i] - losses_[i - 1]);
                return shares_[i - 1] + part * (shares_[i] - shares_[i - 1]);
            }
            // Beyond every measurement the share falls in proportion to the loss.
            return losses_.back() > 0.0 ? shares_.back() * losses_.back() / loss : shares_.back();
        }

      private:
        std::vector<double> losses_;  ///< ascending, the first of them 0
        std::vector<double> shares_;
    };

    double added_loss(const sensitivity_curve& curve, double tau) const {
        if (curve.thresholds.empty() || tau == 0.0) return 0.0;
        const auto added = [&](std::size_t i) {
            return curve.answered[i].loss - network_->untouched.loss;
        };
        const auto [i, part] = detail::place(curve.thresholds, tau);
        if (tau < curve.thresholds.front())
            return added(0) * std::pow(tau / curve.thresholds.front(), 3);
        if (tau > curve.thresholds.back()) return added(i) * tau / curve.thresholds.back();
        return part > 0.0 ? added(i) + part * (added(i + 1) - added(i)) : added(i);
    }

    const recorded_network* network_;
    relation top1_;
    relation top5_;
};

}  // namespace hass
