/// \file depthwise_windows.hpp
/// Joint zeros of a row whose filters see one channel each: as `pairs.hpp`, but with so few filters
/// a channel that surviving pairs are summed up at once, and no masks are kept.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/nonzero_flags.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Surviving pairs of a depthwise row, over images. Mergeable.
class depthwise_windows {
  public:
    /// Whether a row is one: of more filters a channel, masks are less work.
    static constexpr bool fits(const layer_row& row) {
        return is_compute(row) && channels_per_group(row) == 1 && row.groups > 1 &&
               filters_per_group(row) <= 4 && taps(row) <= 64;
    }

    /// \param weights  out.channels x kernel_h x kernel_w, clipped
    depthwise_windows(const layer_row& row, std::span<const float> weights)
        : row_(row), layout_(row) {
        const auto k = static_cast<std::size_t>(taps(row));
        counts_.histograms.push_back(
            {1, taps(row),
             std::vector<std::uint64_t>(static_cast<std::size_t>(row.groups) * (k + 1))});
        offsets_.resize(static_cast<std::size_t>(row.out.channels));
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (!(std::abs(weights[i]) > 0.0F)) continue;
            const int tap = static_cast<int>(i % k);
            offsets_[i / k].push_back(layout_.at(row, 0, tap / row.kernel_w, tap % row.kernel_w));
            ++nonzero_weights_;
        }
    }

    /// Adds images: maps, in.channels x images x pixels; values below their channel's threshold
    /// count as zero, clipped or not.
    void add(const float* maps, std::size_t images, const layer_thresholds& tau) {
        const std::size_t size = images * static_cast<std::size_t>(row_.in.pixels());
        images_ += images;
        reserve(images);
        for (int c = 0; c < row_.in.channels; ++c, maps += size) {
            const auto channel = static_cast<std::size_t>(c);
            const float keep = detail::keep_from(tau.activation_of(channel));
            nonzero_inputs_ +=
                detail::flag_nonzero(maps, size, detail::magnitude_bits(keep), map_flags_.data());
            for (std::size_t n = 0; n < images; ++n) spread(n);
            for (int f = 0; f < filters_per_group(row_); ++f) count(channel, f, images);
        }
    }

    /// Adds what the other has counted.
    void merge(const depthwise_windows& other) {
        counts_.merge(other.counts_);
        images_ += other.images_;
        nonzero_inputs_ += other.nonzero_inputs_;
    }

    /// What an engine may know of the row.
    layer_statistics statistics() const {
        return statistics_of(row_, counts_, images_, nonzero_inputs_,
                             static_cast<double>(nonzero_weights_));
    }

  private:
    static constexpr std::uint8_t no_output = 0x80;  ///< more than pairs can be
    static constexpr std::size_t lanes = 64;         ///< counted side by side

    /// Buffers of whole vectors: `outputs_` is 0 where a place of the planes is an output position
    /// and `no_output` elsewhere.
    void reserve(std::size_t images) {
        const std::size_t values = images * static_cast<std::size_t>(row_.in.pixels());
        if (map_flags_.size() == values) return;  // as many images as before
        const std::size_t size = (images * layout_.size() + lanes - 1) / lanes * lanes;
        outputs_.assign(size, no_output);
        for (std::size_t n = 0; n < images; ++n)
            for (int y = 0; y < row_.out.height; ++y)
                std::fill_n(outputs_.data() + n * layout_.size() + layout_.at(row_, y, 0, 0),
                            row_.out.width, std::uint8_t{0});
        flags_.assign(size + layout_.size(), 0);
        map_flags_.resize(values);
    }

    /// Flags of the n-th map as a plane; what is outside of the map stays 0.
    void spread(std::size_t n) {
        const std::uint8_t* from =
            map_flags_.data() + n * static_cast<std::size_t>(row_.in.pixels());
        std::uint8_t* to = flags_.data() + n * layout_.size() +
                           static_cast<std::size_t>(row_.pad_top) * layout_.row_size;
        if (row_.stride_w == 1)
            spread_rows(from, std::integral_constant<std::size_t, 1>(), to);
        else if (row_.stride_w == 2)
            spread_rows(from, std::integral_constant<std::size_t, 2>(), to);
        else
            spread_rows(from, static_cast<std::size_t>(row_.stride_w), to);
    }

    /// \param stride  a constant where that is worth a function of its own
    template <class Stride>
    void spread_rows(const std::uint8_t* from, Stride stride, std::uint8_t* to) const {
        const auto width = static_cast<std::size_t>(row_.in.width);
        const auto left = static_cast<std::size_t>(row_.pad_left);
        for (int y = row_.in.height; y > 0; --y, from += width)
            for (std::size_t phase = 0; phase < stride; ++phase, to += layout_.columns) {
                const std::size_t first = (phase + stride - left % stride) % stride;
                const std::size_t count = first < width ? (width - first + stride - 1) / stride : 0;
                std::uint8_t* const at = to + (left + first) / stride;
                for (std::size_t x = 0; x < count; ++x) at[x] = from[first + x * stride];
            }
    }

    void count(std::size_t channel, int filter, std::size_t images) {
        const std::size_t f = channel * static_cast<std::size_t>(filters_per_group(row_)) +
                              static_cast<std::size_t>(filter);
        pairs_ = outputs_;
        std::uint8_t* const pairs = pairs_.data();
        const std::size_t size = pairs_.size();
        for (const std::size_t offset : offsets_[f]) {
            const std::uint8_t* flags = flags_.data() + offset;
            for (std::size_t i = 0; i < size; ++i)
                pairs[i] = static_cast<std::uint8_t>(pairs[i] - flags[i]);
        }
        const auto bins = static_cast<std::size_t>(taps(row_)) + 1;
        std::uint64_t* windows = counts_.histograms[0].windows.data() + channel * bins;
        std::uint64_t rest = images * static_cast<std::uint64_t>(row_.out.pixels());
        std::array<std::uint64_t, together> such;
        for (std::size_t first = 1; first <= offsets_[f].size(); first += together) {
            count_equal(static_cast<std::uint8_t>(first), such);
            for (std::size_t k = 0; k < together && first + k < bins; ++k) {
                windows[first + k] += such[k], rest -= such[k];
                counts_.pairs += (first + k) * such[k];
            }
        }
        windows[0] += rest;
    }

    /// Places with `first` pairs, one more, ... In narrow integers, which are vectors, and several
    /// numbers together, so that a sum does not wait for itself.
    static constexpr std::size_t together = 3;
    void count_equal(std::uint8_t first, std::array<std::uint64_t, together>& all) const {
        constexpr std::size_t rounds = 255;
        all.fill(0);
        const std::uint8_t* at = pairs_.data();
        for (std::size_t left = pairs_.size() / lanes; left > 0;) {
            std::array<std::array<std::uint8_t, lanes>, together> sums{};
            const std::size_t now = std::min(left, rounds);
            left -= now;
            for (const std::uint8_t* end = at + now * lanes; at != end; at += lanes)
                for (std::size_t z = 0; z < together; ++z) {
                    const auto number = static_cast<std::uint8_t>(first + z);
                    for (std::size_t k = 0; k < lanes; ++k)
                        sums[z][k] =
                            static_cast<std::uint8_t>(sums[z][k] + (at[k] == number ? 1U : 0U));
                }
            for (std::size_t z = 0; z < together; ++z)
                for (const std::uint8_t n : sums[z]) all[z] += n;
        }
    }

    layer_row row_;
    plane_layout layout_;
    pair_counts counts_;
    std::size_t images_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::uint64_t nonzero_weights_ = 0;
    std::vector<std::vector<std::size_t>> offsets_;  ///< of each filter's weights, in the plane
    std::vector<std::uint8_t> outputs_;              ///< `no_output` where a place is none
    std::vector<std::uint8_t> map_flags_;            ///< of one channel's maps
    std::vector<std::uint8_t> flags_;                ///< ... as planes
    std::vector<std::uint8_t> pairs_;  ///< at every place of one channel, beside `outputs_`
};

}  // namespace hass
