/// \file pairs.hpp
/// Joint zeros of weights and activations, exactly: how many pairs of each window survive.
///
/// Multiplying every patch by every filter is not needed. Within one group every filter meets every
/// position, so a window of M pairs is described by two histograms of M-bit masks, one over the
/// positions and images (activations), one over the filters (weights); a pair of masks has
/// popcount(a & w) surviving pairs. All counts are integers and add up in any order, so results do
/// not depend on the number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/pack_width.hpp>
#include <hass/statistics/channel_flags.hpp>
#include <hass/statistics/flag_planes.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/mask_counts.hpp>
#include <hass/statistics/mask_meetings.hpp>
#include <hass/statistics/nonzero_flags.hpp>
#include <hass/statistics/pair_counts.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// The windows that one row is counted in: `channels` adjacent input channels x K taps, bit
/// c * K + tap of the mask. For K > 1 a window is one channel; for K = 1 it is the largest of 16,
/// 8, 4, 2, 1 channels that divides C / groups, and smaller windows follow from it. Windows of more
/// than 64 taps are cut into parts of at most 64 (no histogram then, but exact pair counts).
struct window_shape {
    int channels = 1;  ///< adjacent channels
    int length = 1;    ///< pairs, M = channels * K
    int blocks = 1;    ///< windows of one filter and position, over all groups
    int parts = 1;     ///< masks a window

    /// The widest window that a mask can hold.
    explicit window_shape(const layer_row& row) {
        if (taps(row) == 1)
            while (channels < 16 && channels_per_group(row) % (2 * channels) == 0) channels *= 2;
        length = channels * taps(row);
        blocks = row.in.channels / channels;
        parts = (length + 63) / 64;
    }
    /// Bits of one part of a window that several masks hold.
    int part_bits(int part) const {
        const int rest = length - 64 * part;
        return rest < 64 ? rest : 64;
    }
    /// Empty, one a block and part.
    std::vector<mask_counts> counters() const {
        std::vector<mask_counts> all;
        for (int b = 0; b < blocks; ++b)
            for (int p = 0; p < parts; ++p) all.emplace_back(part_bits(p));
        return all;
    }
};

inline namespace HASS_PACKS {

/// Activation masks of one compute row, over positions and images. Mergeable.
class activation_windows {
  public:
    /// Nothing counted yet.
    explicit activation_windows(const layer_row& row)
        : row_(row), layout_(row), shape_(row), counts_(shape_.counters()) {}

    /// Whether a row's maps will do, so that nobody has to make planes of them.
    static constexpr bool takes_maps(const layer_row& row) {
        return taps(row) == 1 && row.pad_top == 0 && row.pad_left == 0 && row.pad_bottom == 0 &&
               row.pad_right == 0;
    }

    /// Adds images of a row that `takes_maps`; values below their channel's threshold count as zero,
    /// clipped or not.
    void add(const map_batch& maps, std::size_t images, const layer_thresholds& tau) {
        images_ += images;
        const auto width = static_cast<std::size_t>(row_.in.width);
        count_pixels(
            maps, images, static_cast<std::size_t>(row_.in.pixels()),
            detail::least_magnitudes(row_, tau),
            [&](int y) { return static_cast<std::size_t>(y * row_.stride_h) * width; },
            static_cast<std::size_t>(row_.stride_w));
    }

    /// Adds images given as planes (`fill_plane`, 0 outside), in.channels x images x
    /// plane_layout(row).size(); values with |x| < keep count as zero, clipped or not.
    void add(const float* planes, std::size_t images,
             float keep = std::numeric_limits<float>::denorm_min()) {
        images_ += images;
        const std::size_t size = images * layout_.size();  // of a channel
        const std::uint32_t least = detail::magnitude_bits(keep);
        if (taps(row_) == 1) {
            count_pixels(
                planes, images, layout_.size(),
                std::vector<std::uint32_t>(static_cast<std::size_t>(row_.in.channels), least),
                [&](int y) { return layout_.at(row_, y, 0, 0); }, 1);
            return;
        }
        for (int b = 0; b < shape_.blocks; ++b) {
            const float* values = planes + static_cast<std::size_t>(b * shape_.channels) * size;
            if (shape_.length <= 16)
                count(b, values, images, least, narrow_);
            else
                count(b, values, images, least, wide_);
        }
    }

    void merge(const activation_windows& other) {
        images_ += other.images_;
        nonzero_inputs_ += other.nonzero_inputs_;
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i].merge(other.counts_[i]);
    }

    const layer_row& row() const { return row_; }
    /// How windows are cut into masks.
    const window_shape& shape() const { return shape_; }
    /// That were added.
    std::size_t images() const { return images_; }
    /// Values of the input that are not zero.
    std::uint64_t nonzero_inputs() const { return nonzero_inputs_; }
    /// Of one block of channels.
    const mask_counts& masks(int block, int part = 0) const {
        return counts_[static_cast<std::size_t>(block * shape_.parts + part)];
    }

    /// nnz_a: positions and images at which input channel `c` meets tap (ky, kx) with a value that
    /// is not zero.
    std::uint64_t nonzero(int c, int ky, int kx) const {
        const int bit = c % shape_.channels * taps(row_) + ky * row_.kernel_w + kx;
        std::uint64_t sum = 0;
        masks(c / shape_.channels, bit / 64).for_each([&](std::uint64_t mask, std::uint32_t times) {
            sum += (mask >> (bit % 64) & 1U) * times;
        });
        return sum;
    }

  private:
    /// Masks of a row of one tap: bits of a word of channels, right from the values. These hold every
    /// input once, and maybe zeros beside, so that words also count the non-zero inputs.
    /// \param each   places of an image
    /// \param least  one a channel
    /// \param start  start(y): the place of the first position of output row y, in its image;
    ///               others follow every `step` places
    template <class Start>
    void count_pixels(const map_batch& values, std::size_t images, std::size_t each,
                      const std::vector<std::uint32_t>& least, Start start, std::size_t step) {
        const std::size_t places = images * each;
        const auto width = static_cast<std::size_t>(row_.out.width);
        const auto positions = images * static_cast<std::size_t>(row_.out.pixels());
        const bool all = positions == places;           // in their order
        const std::size_t piece = all ? 2048 : places;  // stays in the first cache
        words_.resize(std::min(piece, places));
        narrow_.resize(all ? words_.size() : positions);
        for (std::size_t c = 0; c < least.size(); c += detail::flag_channels) {
            const auto some =
                std::span(least).subspan(c, std::min(detail::flag_channels, least.size() - c));
            for (std::size_t first = 0; first < places; first += piece) {
                const auto words = std::span(words_).first(std::min(piece, places - first));
                detail::pack_maps(values, least.size(), places, c, some, first, words);
                nonzero_inputs_ += detail::count_bits(words);
                const auto masks = std::span(narrow_).first(all ? words.size() : positions);
                for (int bit = 0; bit < static_cast<int>(some.size()); bit += shape_.channels) {
                    const std::uint32_t mask = (1U << shape_.channels) - 1;
                    const auto part = [&](std::uint32_t word) {
                        return static_cast<std::uint16_t>(word >> bit & mask);
                    };
                    if (all)
                        std::transform(words.begin(), words.end(), masks.begin(), part);
                    else
                        for (std::size_t n = 0, i = 0; n < images; ++n)
                            for (int y = 0; y < row_.out.height; ++y) {
                                const std::uint32_t* from = words.data() + n * each + start(y);
                                for (std::size_t x = 0; x < width; ++x, from += step)
                                    masks[i++] = part(*from);
                            }
                    counts_[(c + static_cast<std::size_t>(bit)) /
                            static_cast<std::size_t>(shape_.channels)]
                        .add(std::span<const std::uint16_t>(masks));
                }
            }
        }
    }

    /// Masks of one block, a bit a tap, at every place of its planes; the places that are output
    /// positions are counted.
    template <class Mask>
    void count(int block, const float* values, std::size_t images, std::uint32_t least,
               std::vector<Mask>& masks) {
        masks.resize(images * layout_.size());
        flags_.resize(static_cast<std::size_t>(shape_.channels) * masks.size());
        nonzero_inputs_ += detail::flag_nonzero(values, flags_.size(), least, flags_.data());
        for (int part = 0; part < shape_.parts; ++part) {
            gather_taps(part, masks);
            mask_counts& counter = counts_[static_cast<std::size_t>(block * shape_.parts + part)];
            const std::span<const Mask> all(masks);
            for (std::size_t n = 0; n < images; ++n)
                for (int y = 0; y < row_.out.height; ++y)
                    counter.add(all.subspan(n * layout_.size() + layout_.at(row_, y, 0, 0),
                                            static_cast<std::size_t>(row_.out.width)));
        }
    }

    /// A bit a tap, eight at a time. A tap is a fixed distance in the plane, so that one pass over
    /// all images serves each bit.
    template <class Mask>
    void gather_taps(int part, std::vector<Mask>& masks) {
        const std::size_t channel_size = masks.size();
        const int bits = shape_.part_bits(part);
        eight_.resize(channel_size);
        std::fill(masks.begin(), masks.end(), Mask{0});
        for (int first = 0; first < bits; first += 8) {
            std::uint8_t* const to = eight_.data();
            std::fill(eight_.begin(), eight_.end(), std::uint8_t{0});
            for (int bit = first; bit < bits && bit < first + 8; ++bit) {
                const int pair = 64 * part + bit;
                const int tap = pair % taps(row_);
                const std::size_t offset =
                    layout_.at(row_, 0, tap / row_.kernel_w, tap % row_.kernel_w);
                const std::uint8_t* flags =
                    flags_.data() + static_cast<std::size_t>(pair / taps(row_)) * channel_size +
                    offset;
                const auto select = static_cast<std::uint8_t>(1U << (bit - first));
                const std::size_t size = channel_size - offset;
                for (std::size_t i = 0; i < size; ++i)
                    to[i] = static_cast<std::uint8_t>(to[i] | (flags[i] & select));
            }
            for (std::size_t i = 0; i < channel_size; ++i)
                masks[i] = static_cast<Mask>(masks[i] | Mask{eight_[i]} << first);
        }
    }

    layer_row row_;
    plane_layout layout_;
    window_shape shape_;
    std::size_t images_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::vector<mask_counts> counts_;    ///< blocks x parts
    std::vector<std::uint8_t> flags_;    ///< of one block: channels x images x plane
    std::vector<std::uint8_t> eight_;    ///< eight bits of the masks of one block
    std::vector<std::uint32_t> words_;   ///< of up to 32 channels of a row of one tap
    std::vector<std::uint16_t> narrow_;  ///< masks of one block, of up to 16 bits
    std::vector<std::uint64_t> wide_;    ///< ... of more
};

}  // namespace HASS_PACKS

/// Weight masks of one compute row, over the filters of each block's group.
class weight_windows {
  public:
    /// \param weights out.channels x in.channels/groups x kernel_h x kernel_w
    weight_windows(const layer_row& row, std::span<const float> weights, double tau)
        : row_(row), shape_(row), counts_(shape_.counters()) {
        const float keep = detail::keep_from(tau);
        const int blocks_per_group = shape_.blocks / row.groups;
        const auto per_filter =
            static_cast<std::size_t>(channels_per_group(row)) * static_cast<std::size_t>(taps(row));
        for (int f = 0; f < row.out.channels; ++f) {
            const int group = f / filters_per_group(row);
            const float* at = weights.data() + static_cast<std::size_t>(f) * per_filter;
            for (int b = group * blocks_per_group; b < (group + 1) * blocks_per_group; ++b)
                for (int p = 0; p < shape_.parts; ++p) {
                    std::uint64_t mask = 0;
                    const int bits = shape_.part_bits(p);
                    for (int i = 0; i < bits; ++i)
                        mask |= std::uint64_t{std::abs(*at++) >= keep} << i;
                    nonzero_ += static_cast<std::uint64_t>(std::popcount(mask));
                    counts_[static_cast<std::size_t>(b * shape_.parts + p)].add(mask);
                }
        }
    }

    /// Weights that are not zero.
    std::uint64_t nonzero() const { return nonzero_; }
    /// Of one block of channels.
    const mask_counts& masks(int block, int part = 0) const {
        return counts_[static_cast<std::size_t>(block * shape_.parts + part)];
    }

    /// nnz_w: filters of the group whose weight for input channel `c` and tap (ky, kx) is not zero.
    std::uint64_t nonzero(int c, int ky, int kx) const {
        const int bit = c % shape_.channels * taps(row_) + ky * row_.kernel_w + kx;
        std::uint64_t sum = 0;
        masks(c / shape_.channels, bit / 64).for_each([&](std::uint64_t mask, std::uint32_t times) {
            sum += (mask >> (bit % 64) & 1U) * times;
        });
        return sum;
    }

  private:
    layer_row row_;
    window_shape shape_;
    std::uint64_t nonzero_ = 0;
    std::vector<mask_counts> counts_;
};

namespace detail {

/// Counts meetings of a window of histogram `h`, and of both its halves in the histograms before.
/// \param window  its place among windows of its size
inline void count_windows(const mask_list& a, const mask_list& w, std::size_t h, std::size_t window,
                          pair_counts& to) {
    const std::size_t bins = static_cast<std::size_t>(to.histograms[h].length) + 1;
    add_joint_counts(a, w, std::span(to.histograms[h].windows).subspan(window * bins, bins));
    for (int half = 0; half < 2 && h > 0; ++half) {
        const int length = to.histograms[h - 1].length;
        count_windows(part_of(a, half * length, length), part_of(w, half * length, length), h - 1,
                      2 * window + static_cast<std::size_t>(half), to);
    }
}

}  // namespace detail

/// Lets every position meet every filter of its group. Exact.
/// \param table  `mask_counts::list`
inline pair_counts count_pairs(const activation_windows& activations, const weight_windows& weights,
                               std::vector<std::uint32_t>& table) {
    const window_shape& shape = activations.shape();
    const int k = taps(activations.row());
    pair_counts result;
    if (shape.parts == 1)
        for (int channels = 1; channels <= shape.channels; channels *= 2) {
            const int length = channels * k;
            const int blocks = shape.blocks * (shape.channels / channels);
            result.histograms.push_back(
                {channels, length,
                 std::vector<std::uint64_t>(static_cast<std::size_t>(blocks) *
                                            (static_cast<std::size_t>(length) + 1))});
        }
    for (int block = 0; block < shape.blocks; ++block) {
        if (shape.parts == 1)
            detail::count_windows(activations.masks(block).list(table),
                                  weights.masks(block).list(table), result.histograms.size() - 1,
                                  static_cast<std::size_t>(block), result);
        for (int part = 0; shape.parts > 1 && part < shape.parts; ++part) {
            std::array<std::uint64_t, 65> meetings{};
            const auto bits = static_cast<std::size_t>(shape.part_bits(part));
            detail::add_joint_counts(activations.masks(block, part).list(table),
                                     weights.masks(block, part).list(table),
                                     std::span(meetings).first(bits + 1));
            for (std::size_t z = 0; z <= bits; ++z) result.pairs += z * meetings[z];
        }
    }
    if (!result.histograms.empty()) {
        const pair_counts::histogram& all = result.histograms.back();
        const std::size_t bins = static_cast<std::size_t>(all.length) + 1;
        for (std::size_t i = 0; i < all.windows.size(); ++i)
            result.pairs += i % bins * all.windows[i];
    }
    return result;
}

/// ... of one row alone.
inline pair_counts count_pairs(const activation_windows& activations,
                               const weight_windows& weights) {
    std::vector<std::uint32_t> table;
    return count_pairs(activations, weights, table);
}

/// What an engine may know of the layer, from its masks.
inline layer_statistics joint_statistics(const activation_windows& activations,
                                         const weight_windows& weights) {
    return statistics_of(activations.row(), count_pairs(activations, weights), activations.images(),
                         activations.nonzero_inputs(), static_cast<double>(weights.nonzero()));
}

}  // namespace hass
