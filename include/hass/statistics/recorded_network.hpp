/// \file recorded_network.hpp
/// A network as it was measured, without its weights and without images: how its tensors are
/// distributed, which pairs of its windows survive, and how accurate it is when one tensor alone is
/// clipped. A search can ask it for statistics at any thresholds, and `additive_accuracy` for the
/// accuracy; both answers are approximations, and say which.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/lane_layouts.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/list_counts.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/prediction.hpp>
#include <hass/statistics/sampled_magnitudes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

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
    std::vector<float> thresholds;  ///< ascending, above 0
    std::vector<answers> answered;  ///< one a threshold

    bool operator==(const sensitivity_curve&) const = default;
};

/// One compute row as it was measured.
struct recorded_layer {
    std::size_t place = 0;               ///< index among the network's rows
    sampled_magnitudes weights;          ///< distribution of |w|
    sampled_magnitudes activations;      ///< distribution of |x| of its input
    sensitivity_curve weight_curve;      ///< answers with its weights alone clipped
    sensitivity_curve activation_curve;  ///< answers with its input alone clipped
    /// Exact joint statistics with nothing clipped, shares of windows and of lists rounded to steps.
    layer_statistics natural;

    bool operator==(const recorded_layer&) const = default;
};

/// Everything that was measured of a network. Plain data; `statistics`, `magnitudes` and
/// `additive_accuracy` answer from it.
struct recorded_network {
    std::string name;                    ///< of the network, for people
    hass::network net;                   ///< rows, edges and names
    std::uint64_t weights = 0;           ///< fingerprint of the parameters
    std::vector<std::uint64_t> sources;  ///< fingerprint of each set of images, ascending
    std::uint32_t images = 0;            ///< in all of them
    answers untouched;                   ///< with nothing clipped
    std::vector<recorded_layer> layers;  ///< one a compute row

    operator network_view() const { return net; }
    bool operator==(const recorded_network&) const = default;

    /// Share of images, with nothing clipped.
    double top1() const { return share(untouched.top1); }
    /// Share of images, with nothing clipped.
    double top5() const { return share(untouched.top5); }
    /// Of all images.
    double share(double count) const { return count / static_cast<double>(images); }
    /// Whether work of whole dot products was measured in every convolution and linear layer.
    dot_products products() const {
        dot_products all{true, true};
        for (const recorded_layer& l : layers) {
            if (!has_weights(net.rows[l.place])) continue;
            bool lanes = false, lists = false;  // any that exist
            for_each_lane_window(net.rows[l.place], [&](int, int) { lanes = true; });
            for_each_list_count(net.rows[l.place], [&](int) { lists = true; });
            all.lanes = all.lanes && (!lanes || !l.natural.lanes.empty());
            all.lists = all.lists && (!lists || !l.natural.lists.empty());
        }
        return all;
    }

    /// \throws hass::error naming the first row in which `other` differs from the measured network
    void check(const network_view& other) const {
        const auto fail = [&](const std::string& what) {
            return error("statistics of '" + name + "' are of another network: " + what);
        };
        if (net.rows.size() != other.size())
            throw fail(text_of({net.rows.size(), " rows, the network has ", other.size()}));
        for (std::size_t i = 0; i < other.size(); ++i)
            if (net.rows[i] != other[i])
                throw fail("row '" + name_of(other, i) + "' is not what was measured");
        if (!std::equal(net.edges.begin(), net.edges.end(), other.edges.begin(), other.edges.end()))
            throw fail("its rows are joined differently");
    }

    /// Joint statistics at any thresholds, one entry a row: those with nothing clipped, less what
    /// the channels' distributions lose (`predicted_layer`). Exact where all thresholds are 0.
    /// \throws hass::error for thresholds that do not fit
    network_statistics statistics(const network_thresholds& thresholds) const {
        check_thresholds(net, thresholds);
        network_statistics all(net.rows.size());
        for (const recorded_layer& layer : layers)
            all[layer.place] = clipped(net.rows[layer.place], layer, thresholds[layer.place]);
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
    static layer_statistics clipped(const layer_row& row, const recorded_layer& layer,
                                    const layer_thresholds& tau) {
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
        layer_statistics s = predicted_layer(
            layer.natural,
            {density(layer.weights, untouched), density(layer.activations, untouched)},
            {density(layer.weights, [&](std::size_t c) { return tau.weight_of(c); }),
             density(layer.activations, [&](std::size_t c) { return tau.activation_of(c); })});
        predict_dots(row, layer.natural, s);
        return s;
    }
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
        const auto same = [](const auto& x, const auto& y, auto field) {
            return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                              [&](const auto& p, const auto& q) { return p.*field == q.*field; });
        };
        if (!same(s.lanes, from.natural.lanes, &lane_work::layout) ||
            !same(s.lists, from.natural.lists, &list_lengths::lanes))
            throw fail(where + "work of lanes and lists was not measured of both");
        if (!same(s.windows, from.natural.windows, &window_histogram::channels) ||
            !same(s.windows, from.natural.windows, &window_histogram::length))
            throw fail(where + "windows were not measured of both");
        if (s.rows.size() != from.natural.rows.size())
            throw fail(where + "work of rows of windows was not measured of both");
        for (std::size_t r = 0; r < s.rows.size(); ++r)
            s.rows[r] = mix(s.rows[r], from.natural.rows[r]);
        for (std::size_t l = 0; l < s.lanes.size(); ++l)
            s.lanes[l].cycles = mix(s.lanes[l].cycles, from.natural.lanes[l].cycles);
        for (std::size_t l = 0; l < s.lists.size(); ++l) {
            for (std::size_t z = 0; z < s.lists[l].share.size(); ++z)
                s.lists[l].share[z] = mix(s.lists[l].share[z], from.natural.lists[l].share[z]);
            detail::round_to_steps(s.lists[l]);
        }
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
