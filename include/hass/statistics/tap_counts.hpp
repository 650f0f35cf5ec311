/// \file tap_counts.hpp
/// Joint zeros without windows. Within a group every filter meets every position, so that surviving pairs
/// are, summed over channels and taps, filters whose weight is not zero times positions whose activation
/// is not: exact, and all that engines need which take in no windows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/pack_width.hpp>
#include <hass/statistics/channel_flags.hpp>
#include <hass/statistics/flag_planes.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/pair_counts.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {
inline namespace HASS_PACKS {

/// Surviving pairs of a compute row, over images. Mergeable.
class tap_counts {
  public:
    /// \param weights  out.channels x in.channels/groups x kernel_h x kernel_w, clipped
    tap_counts(const layer_row& row, std::span<const float> weights)
        : row_(row),
          planes_(row),
          filters_(static_cast<std::size_t>(row.in.channels) *
                   static_cast<std::size_t>(taps(row))) {
        const auto of_filter =
            static_cast<std::size_t>(channels_per_group(row)) * static_cast<std::size_t>(taps(row));
        const auto of_group = static_cast<std::size_t>(filters_per_group(row)) * of_filter;
        for (std::size_t i = 0; i < weights.size(); ++i)
            if (std::abs(weights[i]) > 0.0F) {
                ++filters_[i / of_group * of_filter + i % of_filter];
                ++nonzero_weights_;
            }
    }

    /// Adds images; values below their channel's threshold count as zero, clipped or not.
    /// \throws hass::error where they have 2^27 output positions or more; nothing is added then
    void add(const map_batch& maps, std::size_t images, const layer_thresholds& tau) {
        const std::vector<std::uint32_t> least = detail::least_magnitudes(row_, tau);
        for (std::size_t c = 0; c < least.size(); c += detail::flag_channels) {
            const auto some =
                std::span(least).subspan(c, std::min(detail::flag_channels, least.size() - c));
            nonzero_inputs_ += planes_.take(maps, images, c, some);
            for (int tap = 0; tap < taps(row_); ++tap) count(c, some.size(), tap);
        }
        images_ += images;
    }

    /// Adds what the other has counted.
    void merge(const tap_counts& other) {
        images_ += other.images_;
        pairs_ += other.pairs_;
        nonzero_inputs_ += other.nonzero_inputs_;
    }

    /// Pairs of which neither is zero.
    std::uint64_t pairs() const { return pairs_; }
    /// Values of the input that are not zero.
    std::uint64_t nonzero_inputs() const { return nonzero_inputs_; }
    /// Weights that are not zero.
    std::uint64_t nonzero_weights() const { return nonzero_weights_; }

    /// What an engine may know of the row: sparsities alone.
    layer_statistics statistics() const {
        return statistics_of(row_, {pairs_, {}}, images_, nonzero_inputs_,
                             static_cast<double>(nonzero_weights_));
    }

  private:
    void count(std::size_t first, std::size_t channels, int tap) {
        const std::size_t offset = planes_.offset(tap);
        counter_.clear();
        for (std::size_t i = 0; i < planes_.packs(); i += detail::bit_counter::together)
            counter_.add([&](std::size_t k) {
                return planes_.at(i + k, offset) & planes_.positions(i + k);
            });
        const auto positions = counter_.counts();
        const auto k = static_cast<std::size_t>(taps(row_));
        for (std::size_t c = 0; c < channels; ++c)
            pairs_ += filters_[(first + c) * k + static_cast<std::size_t>(tap)] * positions[c];
    }

    layer_row row_;
    detail::flag_planes planes_;
    detail::bit_counter counter_;
    std::vector<std::uint64_t> filters_;  ///< whose weight is not zero, by channel and tap
    std::size_t images_ = 0;
    std::uint64_t pairs_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::uint64_t nonzero_weights_ = 0;
};

}  // namespace HASS_PACKS
}  // namespace hass
