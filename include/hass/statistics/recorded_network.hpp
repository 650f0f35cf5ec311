/// \file recorded_network.hpp
/// A network as it was measured, without its weights and without images: how its tensors are
/// distributed, which pairs of its windows survive, and how accurate it is when one tensor alone is
/// clipped. A search can ask it for statistics and accuracy at any thresholds; both answers are
/// approximations, and say which.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/prediction.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Shares are kept as integers, in steps of 1 / share_steps: what is read back is what was written,
/// and a share is off by at most half a step (7.7e-6).
inline constexpr int share_steps = 65535;

namespace detail {

inline std::uint16_t to_steps(double share) {
    return static_cast<std::uint16_t>(std::lround(std::clamp(share, 0.0, 1.0) * share_steps));
}
constexpr double from_steps(std::uint16_t steps) {
    return static_cast<double>(steps) / share_steps;
}

/// The last of `grid` (ascending) that is not above `x`, and how far x is on the way to the next;
/// the first or last one outside of the grid.
inline std::pair<std::size_t, double> place(std::span<const float> grid, double x) {
    const auto next = std::upper_bound(grid.begin(), grid.end(), x);
    if (next == grid.begin()) return {0, 0.0};
    const auto i = static_cast<std::size_t>(next - grid.begin()) - 1;
    if (next == grid.end()) return {i, 0.0};
    return {i, (x - grid[i]) / (double{grid[i + 1]} - double{grid[i]})};
}

/// Shares of a window's blocks in steps, each block's sum exactly `share_steps`: rounded down, and
/// what is missing is given to the largest remainders. Off by less than one step.
inline std::vector<std::uint16_t> window_steps(const window_histogram& windows) {
    const auto width = static_cast<std::size_t>(windows.length) + 1;
    std::vector<std::uint16_t> steps(windows.share.size());
    std::vector<std::size_t> order(width);
    std::vector<double> rest(width);
    for (std::size_t first = 0; first < steps.size(); first += width) {
        int missing = share_steps;
        for (std::size_t z = 0; z < width; ++z) {
            // a share that was in steps before must not fall by a rounding error
            const double exact = std::max(0.0, windows.share[first + z]) * share_steps;
            const double down = std::floor(exact + 1e-6);
            rest[z] = exact - down;
            steps[first + z] = static_cast<std::uint16_t>(down);
            missing -= static_cast<int>(down);
        }
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
        for (std::size_t i = 0; missing > 0; i = (i + 1) % width, --missing)
            ++steps[first + order[i]];
    }
    return steps;
}

inline void round_to_steps(window_histogram& windows) {
    const std::vector<std::uint16_t> steps = window_steps(windows);
    for (std::size_t i = 0; i < steps.size(); ++i) windows.share[i] = from_steps(steps[i]);
}

}  // namespace detail

/// |x| of one tensor: shares of zeros at ascending thresholds, the first of them 0.
struct sampled_magnitudes {
    std::vector<float> thresholds;
    std::vector<std::uint16_t> whole;     ///< of the tensor, in steps, one a threshold
    std::vector<std::uint16_t> channels;  ///< of each input channel: thresholds x in.channels

    /// Samples distributions of a layer and its channels at these thresholds.
    template <MagnitudeDistribution Whole, MagnitudeDistribution Channel>
    static sampled_magnitudes of(const Whole& whole, std::span<const Channel> channels,
                                 std::vector<float> thresholds) {
        sampled_magnitudes s;
        s.thresholds = std::move(thresholds);
        for (const float tau : s.thresholds) {
            s.whole.push_back(detail::to_steps(whole.sparsity(tau)));
            for (const Channel& c : channels)
                s.channels.push_back(detail::to_steps(c.sparsity(tau)));
        }
        return s;
    }

    /// Share of zeros under threshold `tau`: linear between thresholds, the last one beyond.
    double sparsity(double tau) const {
        return interpolated(whole, 0, 1, detail::place(thresholds, tau));
    }
    /// The same of input channel `c`.
    double channel_sparsity(std::size_t c, double tau) const {
        return interpolated(channels, c, channels.size() / thresholds.size(),
                            detail::place(thresholds, tau));
    }

    /// Values whose shares below each threshold are the sampled ones; what is never zeroed is
    /// spread above the last threshold, up to twice its value.
    std::vector<float> resampled() const {
        constexpr int count = 16384;
        std::vector<float> values;
        for (int i = 0; i < count; ++i) {
            const double share = (i + 0.5) / count;
            const auto above = std::upper_bound(whole.begin(), whole.end(), share * share_steps);
            const auto k = static_cast<std::size_t>(above - whole.begin());
            if (k == 0) {
                values.push_back(0.0F);
                continue;
            }
            const bool last = k == whole.size();
            const double low = thresholds[k - 1];
            const double high = last ? 2.0 * low + 1e-6 : double{thresholds[k]};
            const double from = detail::from_steps(whole[k - 1]);
            const double to = last ? 1.0 : detail::from_steps(whole[k]);
            values.push_back(static_cast<float>(low + (share - from) / (to - from) * (high - low)));
        }
        return values;
    }

    bool operator==(const sampled_magnitudes&) const = default;

  private:
    static double interpolated(std::span<const std::uint16_t> samples, std::size_t column,
                               std::size_t columns, std::pair<std::size_t, double> at) {
        const double here = detail::from_steps(samples[at.first * columns + column]);
        if (at.second == 0.0) return here;
        return here +
               at.second * (detail::from_steps(samples[(at.first + 1) * columns + column]) - here);
    }
};

/// How a network answers a set of images.
struct answers {
    std::uint32_t top1 = 0;  ///< images whose label comes first
    std::uint32_t top5 = 0;  ///< ... is among the first five
    double loss = 0.0;       ///< mean cross-entropy of the label, nats

    bool operator==(const answers&) const = default;
};

/// The network's answers with one tensor alone clipped, at ascending thresholds above 0; none
/// where the tensor was not measured.
struct sensitivity_curve {
    std::vector<float> thresholds;
    std::vector<answers> answered;

    bool operator==(const sensitivity_curve&) const = default;
};

/// One compute row as it was measured.
struct recorded_layer {
    std::size_t place = 0;  ///< index among the network's rows
    sampled_magnitudes weights;
    sampled_magnitudes activations;
    sensitivity_curve weight_curve;
    sensitivity_curve activation_curve;
    /// Exact joint statistics with nothing clipped, window shares rounded to steps.
    layer_statistics natural;

    bool operator==(const recorded_layer&) const = default;
};

/// Everything that was measured of a network. Plain data; `statistics`, `magnitudes` and
/// `additive_accuracy` answer from it.
struct recorded_network {
    std::string name;  ///< of the network, for people
    hass::network net;
    std::uint64_t weights = 0;           ///< fingerprint of the parameters
    std::vector<std::uint64_t> sources;  ///< fingerprint of each set of images, ascending
    std::uint32_t images = 0;            ///< in all of them
    answers untouched;                   ///< with nothing clipped
    std::vector<recorded_layer> layers;  ///< one a compute row

    operator network_view() const { return net; }
    bool operator==(const recorded_network&) const = default;

    double top1() const { return share(untouched.top1); }
    double top5() const { return share(untouched.top5); }
    double share(double count) const { return count / static_cast<double>(images); }

    /// \throws hass::error naming the first row in which `other` differs from the measured network
    void check(const network_view& other) const {
        const auto fail = [&](const std::string& what) {
            return error("statistics of '" + name + "' are of another network: " + what);
        };
        if (net.rows.size() != other.size())
            throw fail(std::to_string(net.rows.size()) + " rows, the network has " +
                       std::to_string(other.size()));
        for (std::size_t i = 0; i < other.size(); ++i)
            if (net.rows[i] != other[i])
                throw fail("row '" + name_of(other, i) + "' is not what was measured");
        if (!std::equal(net.edges.begin(), net.edges.end(), other.edges.begin(), other.edges.end()))
            throw fail("its rows are joined differently");
    }

    /// Joint statistics at any thresholds, one entry a row: those with nothing clipped, `thinned`
    /// by what the channels' distributions lose. Exact where all thresholds are 0. \throws
    /// hass::error for thresholds that do not fit
    network_statistics statistics(const network_thresholds& thresholds) const {
        check_thresholds(net, thresholds);
        network_statistics all(net.rows.size());
        for (const recorded_layer& layer : layers)
            all[layer.place] = clipped(layer, thresholds[layer.place]);
        return all;
    }

    /// Distributions of |x| of whole layers as far as they were sampled, for the mapping of search
    /// axes to thresholds.
    network_magnitudes magnitudes() const {
        network_magnitudes all(net.rows.size());
        for (const recorded_layer& layer : layers) {
            all[layer.place].weights = exact_magnitudes(layer.weights.resampled());
            all[layer.place].activations.add(layer.activations.resampled());
        }
        return all;
    }

  private:
    static layer_statistics clipped(const recorded_layer& layer, const layer_thresholds& tau) {
        const auto zeroes = [](const std::vector<double>& channels, double all) {
            return std::any_of(channels.begin(), channels.end(),
                               [](double t) { return t > 0.0; }) ||
                   (channels.empty() && all > 0.0);
        };
        if (!zeroes(tau.weight_channels, tau.weight) &&
            !zeroes(tau.activation_channels, tau.activation))
            return layer.natural;
        const auto density = [](const sampled_magnitudes& values, const auto& threshold_of) {
            tensor_density d;
            const std::size_t channels = values.channels.size() / values.thresholds.size();
            double sum = 0.0;
            for (std::size_t c = 0; c < channels; ++c) {
                d.channels.push_back(1.0 - values.channel_sparsity(c, threshold_of(c)));
                sum += d.channels.back();  // channels hold equally many values
            }
            d.whole = sum / static_cast<double>(channels);
            return d;
        };
        const auto untouched = [](std::size_t) { return 0.0; };
        return thinned(
            layer.natural,
            {density(layer.weights, untouched), density(layer.activations, untouched)},
            {density(layer.weights, [&](std::size_t c) { return tau.weight_of(c); }),
             density(layer.activations, [&](std::size_t c) { return tau.activation_of(c); })});
    }
};

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

/// What was measured on two sets of images as if it had been measured on both at once. Answers add
/// up exactly; shares are averaged, and each merge moves a share by at most half a step more (one
/// step in a window).
/// \throws hass::error for another network, other weights, other thresholds, or the same images
inline recorded_network merged(const recorded_network& a, const recorded_network& b) {
    const auto fail = [&](const std::string& what) {
        return error("statistics of '" + a.name + "' and '" + b.name + "': " + what);
    };
    a.check(b);
    if (a.weights != b.weights) throw fail("the networks have other weights");
    recorded_network sum = a;
    sum.images = a.images + b.images;
    if (sum.images < a.images) throw fail("more than 2^32 - 1 images");
    sum.sources.clear();
    std::merge(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end(),
               std::back_inserter(sum.sources));
    if (std::adjacent_find(sum.sources.begin(), sum.sources.end()) != sum.sources.end())
        throw fail("they share a set of images");
    const double part = static_cast<double>(b.images) / static_cast<double>(sum.images);
    const auto mix = [part](double x, double y) { return x + part * (y - x); };
    const auto add = [&](answers& to, const answers& more) {
        to.top1 += more.top1, to.top5 += more.top5;
        to.loss = mix(to.loss, more.loss);
    };
    add(sum.untouched, b.untouched);
    for (std::size_t j = 0; j < sum.layers.size(); ++j) {
        recorded_layer& to = sum.layers[j];
        const recorded_layer& from = b.layers[j];
        const std::string where = "layer '" + name_of(sum, to.place) + "': ";
        if (to.weights.thresholds != from.weights.thresholds ||
            to.activations.thresholds != from.activations.thresholds ||
            to.weight_curve.thresholds != from.weight_curve.thresholds ||
            to.activation_curve.thresholds != from.activation_curve.thresholds)
            throw fail(where + "measured at other thresholds");
        if (to.weights != from.weights) throw fail(where + "other distributions of weights");
        const auto average = [&](std::vector<std::uint16_t>& x,
                                 const std::vector<std::uint16_t>& y) {
            for (std::size_t i = 0; i < x.size(); ++i)
                x[i] = detail::to_steps(mix(detail::from_steps(x[i]), detail::from_steps(y[i])));
        };
        average(to.activations.whole, from.activations.whole);
        average(to.activations.channels, from.activations.channels);
        for (const auto curve : {&recorded_layer::weight_curve, &recorded_layer::activation_curve})
            for (std::size_t i = 0; i < (to.*curve).answered.size(); ++i)
                add((to.*curve).answered[i], (from.*curve).answered[i]);
        layer_statistics& s = to.natural;
        for (const auto field :
             {&layer_statistics::activation_sparsity, &layer_statistics::pair_sparsity,
              &layer_statistics::pair_sparsity_padded})
            s.*field = mix(s.*field, from.natural.*field);
        for (std::size_t w = 0; w < s.windows.size(); ++w) {
            for (std::size_t i = 0; i < s.windows[w].share.size(); ++i)
                s.windows[w].share[i] =
                    mix(s.windows[w].share[i], from.natural.windows[w].share[i]);
            detail::round_to_steps(s.windows[w]);
        }
    }
    return sum;
}

}  // namespace hass
