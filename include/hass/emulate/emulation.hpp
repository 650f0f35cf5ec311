/// \file emulation.hpp
/// How to run a network on images, and what comes of it.
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>

#include <hass/emulate/accuracy_limit.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass {

/// What answers how accurate the network still is: share of right answers in [0, 1].
template <class A>
concept AccuracyModel = requires(const A& a, const network_thresholds& thresholds) {
    { a.accuracy(thresholds) } -> std::convertible_to<double>;
};

/// Of a run on as many images as there are.
inline constexpr std::size_t all_images = std::numeric_limits<std::size_t>::max();

/// How to run; none of it changes any result except for what statistics are taken.
struct emulation_options {
    int threads = 0;  ///< 0: as many as the machine has
    int batch = 0;    ///< images that go through the network together, 0: chosen by size
    /// Statistics are taken from the first so many images; 0: none are taken.
    std::size_t statistics_images = all_images;
    /// What is counted beside sparsities, for engines that ask for it: windows, and work of whole dot
    /// products, which takes several times as long.
    dot_products products{};
    /// Statistics of whole dot products are counted on so many images.
    std::size_t product_images = all_images;
};

/// Result of one run.
struct emulation {
    std::size_t images = 0;         ///< that were run
    std::size_t top1 = 0;           ///< images whose label has the highest logit
    std::size_t top5 = 0;           ///< ... is among the five highest
    double loss = 0.0;              ///< cross-entropy of the labels, nats, sum over the images
    network_statistics statistics;  ///< one entry a row; empty when none were asked for
    limit_verdict verdict = limit_verdict::open;  ///< on an `accuracy_limit`, where there is one
    std::optional<double> judged;  ///< by the metric, where one was given in place of labels
    std::optional<double>
        estimate;  ///< of the score of all images, where the run ended before them

    /// What a search looks at: the metric that was given, or top-1. Up is better.
    double score() const { return estimate.value_or(judged.value_or(share(top1))); }
    /// Share of images answered right, [0, 1]; an estimate where a run ended early.
    double top1_accuracy() const { return estimate.value_or(share(top1)); }
    /// Share of images whose label is among the first five, [0, 1].
    double top5_accuracy() const { return share(top5); }
    /// Mean cross-entropy of the labels, nats.
    double mean_loss() const { return images == 0 ? 0.0 : loss / static_cast<double>(images); }

  private:
    double share(std::size_t count) const {
        return images == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(images);
    }
};

}  // namespace hass
