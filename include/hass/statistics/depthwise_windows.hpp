/// \file depthwise_windows.hpp
/// Joint zeros of a row whose filters see one channel each: as `pairs.hpp`, but with so few filters
/// a channel that surviving pairs are summed up at once, a bit a channel, and no masks are kept.
///
/// Flags of a tap, 32 channels a word, are added to sums of a few binary digits. Places whose sum has
/// all digits of z (and maybe more) are counted for every z; inclusion and exclusion leaves those of
/// exactly z pairs.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
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
        : row_(row), planes_(row) {
        const auto k = static_cast<std::size_t>(taps(row));
        const auto filters = static_cast<std::size_t>(filters_per_group(row));
        counts_.histograms.push_back(
            {1, taps(row),
             std::vector<std::uint64_t>(static_cast<std::size_t>(row.groups) * (k + 1))});
        for (int tap = 0; tap < taps(row); ++tap) offsets_.push_back(planes_.offset(tap));
        while (offsets_.size() % taps_together != 1) offsets_.push_back(0);
        const std::size_t channels = static_cast<std::size_t>(row.groups);
        weights_.resize((channels + word - 1) / word * filters * offsets_.size());
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (!(std::abs(weights[i]) > 0.0F)) continue;
            const std::size_t channel = i / k / filters, filter = i / k % filters;
            weights_[(channel / word * filters + filter) * offsets_.size() + i % k] |=
                std::uint32_t{1} << channel % word;
            ++nonzero_weights_;
        }
    }

    /// Adds images; values below their channel's threshold count as zero, clipped or not.
    /// \throws hass::error where they have 2^27 output positions or more; nothing is added then
    void add(const map_batch& maps, std::size_t images, const layer_thresholds& tau) {
        const std::vector<std::uint32_t> least = detail::least_magnitudes(row_, tau);
        for (std::size_t c = 0; c < least.size(); c += word) {
            const auto some = std::span(least).subspan(c, std::min(word, least.size() - c));
            nonzero_inputs_ += planes_.take(maps, images, c, some);
            for (int f = 0; f < filters_per_group(row_); ++f) count(c, f, images);
        }
        images_ += images;
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
    using pack = detail::flag_pack;
    static constexpr std::size_t word = detail::flag_channels;
    static constexpr std::size_t taps_together = 8;  ///< beside the first one
    static constexpr std::size_t most_digits = 7;    ///< of a sum of up to 64
    static constexpr std::size_t step = 64;          ///< packs whose sums stay in the first cache

    /// Windows of the channels from `first` on, one filter of each.
    void count(std::size_t first, int filter, std::size_t images) {
        const auto k = static_cast<std::size_t>(taps(row_));
        const std::size_t filters = static_cast<std::size_t>(filters_per_group(row_));
        const std::uint32_t* weights =
            weights_.data() +
            (first / word * filters + static_cast<std::size_t>(filter)) * offsets_.size();
        counters_.resize(k);
        for (detail::bit_counter& counter : counters_) counter.clear();
        for (std::size_t begin = 0; begin < planes_.packs(); begin += step) {
            const std::size_t size = std::min(step, planes_.packs() - begin);
            for (std::size_t i = 0; i < size; ++i) add_taps(weights, begin + i, i);
            for (std::size_t z = 1; z <= k; ++z) count_common(z, size, counters_[z - 1]);
        }
        const std::size_t channels = static_cast<std::size_t>(row_.groups);
        std::array<std::array<std::uint32_t, word>, 65> with;  // at least the digits of z
        with[0].fill(static_cast<std::uint32_t>(images) *
                     static_cast<std::uint32_t>(row_.out.pixels()));
        for (std::size_t z = 1; z <= k; ++z) with[z] = counters_[z - 1].counts();
        for (std::size_t digit = 1; digit <= k; digit *= 2)
            for (std::size_t z = 0; z + digit <= k; ++z)
                for (std::size_t c = 0; (z & digit) == 0 && c < word; ++c)
                    with[z][c] -= with[z + digit][c];
        for (std::size_t c = 0; c < std::min(word, channels - first); ++c) {
            std::uint64_t* windows = counts_.histograms[0].windows.data() + (first + c) * (k + 1);
            for (std::size_t z = 0; z <= k; ++z) {
                windows[z] += with[z][c];
                counts_.pairs += z * with[z][c];
            }
        }
    }

    /// Pairs at the places of one pack, as digits that stand at `to`.
    void add_taps(const std::uint32_t* weights, std::size_t place, std::size_t to) {
        const auto take = [&](std::size_t tap) {
            return planes_.at(place, offsets_[tap]) & weights[tap];
        };
        using detail::add_flags;
        pack ones = take(0), twos{}, fours{}, eights{};
        std::array<pack, most_digits - 4> more{};
        for (std::size_t t = 1; t < offsets_.size(); t += taps_together) {
            const pack a = add_flags(ones, take(t), take(t + 1));
            const pack b = add_flags(ones, take(t + 2), take(t + 3));
            const pack c = add_flags(ones, take(t + 4), take(t + 5));
            const pack d = add_flags(ones, take(t + 6), take(t + 7));
            const pack e = add_flags(twos, a, b);
            const pack f = add_flags(twos, c, d);
            pack carry = add_flags(fours, e, f);
            const pack sixteens = eights & carry;
            eights ^= carry;
            carry = sixteens;
            for (std::size_t k = 0; t > 1 && k < more.size(); ++k) {
                const pack next = more[k] & carry;
                more[k] ^= carry;
                carry = next;
            }
        }
        const pack positions = planes_.positions(place);
        digits_[0][to] = ones & positions;
        digits_[1][to] = twos & positions;
        digits_[2][to] = fours & positions;
        digits_[3][to] = eights & positions;
        for (std::size_t k = 0; offsets_.size() > 1 + taps_together && k < more.size(); ++k)
            digits_[4 + k][to] = more[k] & positions;
    }

    /// Counts places whose sums have at least the digits of z.
    void count_common(std::size_t z, std::size_t size, detail::bit_counter& counter) const {
        std::array<const pack*, most_digits> of{};
        std::size_t n = 0;
        for (std::size_t k = 0; k < most_digits; ++k)
            if ((z >> k & 1U) != 0) of[n++] = digits_[k].data();
        const auto all = [&](auto digits) {
            for (std::size_t i = 0; i < size; i += detail::bit_counter::together)
                counter.add([&](std::size_t k) {
                    pack x = of[0][i + k];
                    for (std::size_t d = 1; d < digits; ++d) x &= of[d][i + k];
                    return x;
                });
        };
        if (n == 1)
            all(std::integral_constant<std::size_t, 1>());
        else if (n == 2)
            all(std::integral_constant<std::size_t, 2>());
        else if (n == 3)
            all(std::integral_constant<std::size_t, 3>());
        else
            all(n);
    }

    layer_row row_;
    detail::flag_planes planes_;
    pair_counts counts_;
    std::size_t images_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::uint64_t nonzero_weights_ = 0;
    std::vector<std::size_t> offsets_;    ///< of taps, in the plane; more than there are
    std::vector<std::uint32_t> weights_;  ///< words of channels x filters x taps: not zero
    std::array<std::array<pack, step>, most_digits> digits_;  ///< of sums
    std::vector<detail::bit_counter> counters_;               ///< of z = 1 .. taps
};

}  // namespace HASS_PACKS
}  // namespace hass
