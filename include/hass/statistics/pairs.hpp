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
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// How often each mask of up to 64 bits occurs. A table of all masks when they have at most 12
/// bits; above that a hash table, which turns into a full table of up to 2^16 entries once that is
/// smaller. At most 2^32 - 1 masks can be counted.
class mask_counts {
  public:
    /// \param bits in a mask, 1..64
    explicit mask_counts(int bits = 1) : bits_(bits) {
        if (bits_ <= always_table) counts_.assign(table_size(), 0);
    }

    /// Of a mask.
    int bits() const { return bits_; }
    /// Masks counted.
    std::uint64_t total() const { return total_; }

    /// Counts one.
    void add(std::uint64_t mask, std::uint32_t times = 1) {
        grow_total(times);
        if (is_table())
            counts_[mask] += times;
        else
            insert(mask, times);
    }
    /// Counts each of `masks`.
    template <class Mask>
    void add(std::span<const Mask> masks) {
        std::size_t i = 0;
        grow_total(masks.size());
        while (i < masks.size() && !is_table()) insert(masks[i++], 1);
        for (; i < masks.size(); ++i) ++counts_[static_cast<std::size_t>(masks[i])];
    }
    void merge(const mask_counts& other) {
        other.for_each([this](std::uint64_t mask, std::uint32_t times) { add(mask, times); });
    }

    /// Calls visit(mask, count) for every mask that occurs, in no particular order.
    template <class Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            if (counts_[i] != 0) visit(is_table() ? std::uint64_t{i} : keys_[i], counts_[i]);
    }

    /// The masks that occur, with their counts.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> list() const {
        std::vector<std::pair<std::uint64_t, std::uint32_t>> all;
        for_each([&](std::uint64_t mask, std::uint32_t times) { all.emplace_back(mask, times); });
        return all;
    }

    /// Adds the counts of part [first, first + part.bits()) of every mask to `part`.
    void add_part_to(mask_counts& part, int first) const {
        const std::uint64_t keep = ~std::uint64_t{0} >> (64 - part.bits());
        for_each([&](std::uint64_t mask, std::uint32_t times) {
            part.add((mask >> first) & keep, times);
        });
    }

  private:
    static constexpr int always_table = 12;
    static constexpr int maybe_table = 16;

    std::size_t table_size() const { return std::size_t{1} << bits_; }
    bool is_table() const { return keys_.empty() && !counts_.empty(); }

    void grow_total(std::uint64_t times) {
        total_ += times;
        if (total_ > std::numeric_limits<std::uint32_t>::max())
            throw error("statistics: more than 2^32 - 1 windows of one channel; use fewer images");
    }

    static std::size_t hash(std::uint64_t mask) {
        mask *= 0x9e3779b97f4a7c15ULL;  // Fibonacci hashing; the high bits are the good ones
        return static_cast<std::size_t>(mask >> 32);
    }

    void insert(std::uint64_t mask, std::uint32_t times) {
        if (2 * (unique_ + 1) > keys_.size()) {
            rehash();
            if (is_table()) {
                counts_[mask] += times;
                return;
            }
        }
        std::size_t i = hash(mask) & (keys_.size() - 1);
        while (counts_[i] != 0 && keys_[i] != mask) i = (i + 1) & (keys_.size() - 1);
        if (counts_[i] == 0) ++unique_;
        keys_[i] = mask;
        counts_[i] += times;
    }

    void rehash() {
        const auto present = list();
        const std::size_t size = keys_.empty() ? 64 : 2 * keys_.size();
        // A hash entry takes three times the memory of a table entry.
        if (bits_ <= maybe_table && 3 * size >= table_size()) {
            keys_ = {};
            counts_.assign(table_size(), 0);
            for (const auto& [mask, times] : present) counts_[mask] = times;
            return;
        }
        keys_.assign(size, 0);
        counts_.assign(size, 0);
        unique_ = 0;
        for (const auto& [mask, times] : present) insert(mask, times);
    }

    int bits_;
    std::uint64_t total_ = 0;
    std::size_t unique_ = 0;           ///< hash: entries in use
    std::vector<std::uint64_t> keys_;  ///< hash: masks, a power of two of them; table: empty
    std::vector<std::uint32_t> counts_;
};

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

/// Activation masks of one compute row, over positions and images. Mergeable.
class activation_windows {
  public:
    /// Nothing counted yet.
    explicit activation_windows(const layer_row& row)
        : row_(row), layout_(row), shape_(row), counts_(shape_.counters()) {}

    /// Adds images given as planes (`fill_plane`, 0 outside), in.channels x images x
    /// plane_layout(row).size(); values with |x| < keep count as zero, clipped or not.
    void add(const float* planes, std::size_t images,
             float keep = std::numeric_limits<float>::denorm_min()) {
        images_ += images;
        const std::size_t size = images * layout_.size();  // of a channel
        for (int b = 0; b < shape_.blocks; ++b) {
            mark(planes + static_cast<std::size_t>(b * shape_.channels) * size,
                 static_cast<std::size_t>(shape_.channels) * size, keep);
            if (shape_.length <= 16)
                count<std::uint16_t>(b, images);
            else
                count<std::uint64_t>(b, images);
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
    /// Flags of a block's values: all bits set where the value survives, so that a flag becomes
    /// any bit of a mask by a single `and`. A plane holds every input once and zeros beside, so the
    /// flags also count the non-zero inputs.
    void mark(const float* values, std::size_t size, float keep) {
        flags_.resize(size);
        const std::uint32_t least = detail::magnitude_bits(keep);
        constexpr std::size_t step = 4096;  // short sums fit narrow, fast integers
        for (std::size_t first = 0; first < size; first += step) {
            const std::size_t last = std::min(size, first + step);
            for (std::size_t i = first; i < last; ++i)
                flags_[i] = detail::magnitude_bits(values[i]) >= least ? 0xff : 0;
            std::uint16_t nonzero = 0;
            for (std::size_t i = first; i < last; ++i)
                nonzero = static_cast<std::uint16_t>(nonzero + (flags_[i] & 1U));
            nonzero_inputs_ += nonzero;
        }
    }

    /// Masks of one block at every place of its planes, eight bits at a time; the places that are
    /// output positions are counted. A tap is a fixed distance in the plane, so that one pass over
    /// all images serves each bit.
    template <class Mask>
    void count(int block, std::size_t images) {
        const std::size_t channel_size = images * layout_.size();
        std::vector<Mask> masks(channel_size);
        eight_.resize(channel_size);
        for (int part = 0; part < shape_.parts; ++part) {
            const int bits = shape_.part_bits(part);
            std::fill(masks.begin(), masks.end(), Mask{0});
            for (int first = 0; first < bits; first += 8) {
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
                    std::uint8_t* to = eight_.data();
                    for (std::size_t i = 0; i < channel_size - offset; ++i)
                        to[i] = static_cast<std::uint8_t>(to[i] | (flags[i] & select));
                }
                for (std::size_t i = 0; i < channel_size; ++i)
                    masks[i] = static_cast<Mask>(masks[i] | Mask{eight_[i]} << first);
            }
            mask_counts& counter = counts_[static_cast<std::size_t>(block * shape_.parts + part)];
            if (taps(row_) == 1 && layout_.dense && row_.stride_h == 1) {
                counter.add(std::span<const Mask>(masks));
                continue;
            }
            const std::span<const Mask> all(masks);
            for (std::size_t n = 0; n < images; ++n)
                for (int y = 0; y < row_.out.height; ++y)
                    counter.add(all.subspan(n * layout_.size() + layout_.at(row_, y, 0, 0),
                                            static_cast<std::size_t>(row_.out.width)));
        }
    }

    layer_row row_;
    plane_layout layout_;
    window_shape shape_;
    std::size_t images_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::vector<mask_counts> counts_;  ///< blocks x parts
    std::vector<std::uint8_t> flags_;  ///< of one block: channels x images x plane
    std::vector<std::uint8_t> eight_;  ///< eight bits of the masks of one block
};

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

/// The same by one linear transform a bit (Yates): the generating function
/// sum_w W[w] x^popcount(a & w) of all a at once factors into [[1, 1], [1, x]] per bit.
inline void add_joint_counts_transformed(const mask_counts& a, const mask_counts& w,
                                         std::span<std::uint64_t> counts) {
    const auto bits = static_cast<std::size_t>(a.bits());
    const std::size_t degree = bits + 1;
    std::vector<std::uint32_t> f((std::size_t{1} << bits) * degree, 0);
    w.for_each([&](std::uint64_t mask, std::uint32_t times) { f[mask * degree] = times; });
    for (std::size_t b = 0; b < bits; ++b) {
        const std::size_t stride = (std::size_t{1} << b) * degree;
        for (std::size_t base = 0; base < f.size(); base += 2 * stride)
            for (std::size_t i = base; i < base + stride; i += degree) {
                std::uint32_t* without = &f[i];
                std::uint32_t* with = &f[i + stride];
                for (std::size_t z = b + 1; z > 0; --z) {
                    // Descending, since term z of one side needs term z - 1 of the other.
                    const std::uint32_t old_without = without[z];
                    without[z] += with[z];
                    with[z] = old_without + with[z - 1];
                }
                const std::uint32_t old_without = without[0];
                without[0] += with[0];
                with[0] = old_without;
            }
    }
    a.for_each([&](std::uint64_t mask, std::uint32_t times) {
        for (std::size_t z = 0; z < degree; ++z)
            counts[z] += std::uint64_t{times} * f[mask * degree + z];
    });
}

/// Adds to counts[z] the number of (activation mask, weight mask) meetings with z common bits.
inline void add_joint_counts(const mask_counts& a, const mask_counts& w,
                             std::span<std::uint64_t> counts) {
    const auto activations = a.list();
    const auto weights = w.list();
    const std::uint64_t direct = std::uint64_t{activations.size()} * weights.size();
    const auto bits = static_cast<std::uint64_t>(a.bits());
    if (bits <= 16 && direct > (std::uint64_t{1} << bits) * bits * bits / 4) {
        add_joint_counts_transformed(a, w, counts);
        return;
    }
    for (const auto& [weight, filters] : weights)
        for (const auto& [activation, positions] : activations)
            counts[static_cast<std::size_t>(std::popcount(activation & weight))] +=
                std::uint64_t{filters} * positions;
}

/// Output positions along one axis at which a tap lies inside the map.
inline std::int64_t inside(int out, int in, int stride, int pad, int offset) {
    std::int64_t count = 0;
    for (int o = 0; o < out; ++o) {
        const int i = o * stride + offset - pad;
        count += i >= 0 && i < in ? 1 : 0;
    }
    return count;
}

}  // namespace detail

/// Multiply-accumulates of one image whose tap lies inside the map, padding left out.
inline std::int64_t inside_mac_count(const layer_row& row) {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    for (int k = 0; k < row.kernel_h; ++k)
        rows += detail::inside(row.out.height, row.in.height, row.stride_h, row.pad_top,
                               k * row.dilation_h);
    for (int k = 0; k < row.kernel_w; ++k)
        columns += detail::inside(row.out.width, row.in.width, row.stride_w, row.pad_left,
                                  k * row.dilation_w);
    return rows * columns * row.out.channels * channels_per_group(row);
}

/// Counts of surviving pairs, before they are divided by anything.
struct pair_counts {
    std::uint64_t pairs = 0;  ///< with both factors non-zero, over all images
    /// By number of channels in a window, ascending: blocks x (length + 1) counts of windows.
    struct histogram {
        int channels = 1;                    ///< adjacent channels of a window
        int length = 1;                      ///< pairs of a window
        std::vector<std::uint64_t> windows;  ///< blocks x (length + 1)
    };
    std::vector<histogram> histograms;  ///< by number of channels ascending

    /// Adds the counts of other images of the same row.
    void merge(const pair_counts& other) {
        pairs += other.pairs;
        if (histograms.empty()) histograms.resize(other.histograms.size());
        for (std::size_t h = 0; h < other.histograms.size(); ++h) {
            const histogram& from = other.histograms[h];
            histogram& to = histograms[h];
            to.channels = from.channels, to.length = from.length;
            to.windows.resize(from.windows.size(), 0);
            for (std::size_t k = 0; k < from.windows.size(); ++k) to.windows[k] += from.windows[k];
        }
    }
};

/// Lets every position meet every filter of its group. Exact.
inline pair_counts count_pairs(const activation_windows& activations,
                               const weight_windows& weights) {
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
        if (shape.parts > 1) {
            for (int part = 0; part < shape.parts; ++part) {
                std::vector<std::uint64_t> meetings(65);
                detail::add_joint_counts(activations.masks(block, part), weights.masks(block, part),
                                         meetings);
                for (std::size_t z = 0; z < meetings.size(); ++z) result.pairs += z * meetings[z];
            }
            continue;
        }
        for (pair_counts::histogram& h : result.histograms) {
            const auto bins = static_cast<std::size_t>(h.length) + 1;
            const int inner = shape.channels / h.channels;
            for (int i = 0; i < inner; ++i) {
                const std::span<std::uint64_t> windows(
                    h.windows.data() + static_cast<std::size_t>(block * inner + i) * bins, bins);
                if (inner == 1) {
                    detail::add_joint_counts(activations.masks(block), weights.masks(block),
                                             windows);
                } else {
                    mask_counts a(h.length);
                    mask_counts w(h.length);
                    activations.masks(block).add_part_to(a, i * h.length);
                    weights.masks(block).add_part_to(w, i * h.length);
                    detail::add_joint_counts(a, w, windows);
                }
                if (h.channels == 1)
                    for (std::size_t z = 0; z < bins; ++z) result.pairs += z * windows[z];
            }
        }
    }
    return result;
}

/// What an engine may know of a row whose pairs were counted over `images`.
/// \param nonzero_weights  of one image
inline layer_statistics statistics_of(const layer_row& row, const pair_counts& counts,
                                      std::size_t image_count, std::uint64_t nonzero_inputs,
                                      double nonzero_weights) {
    const auto images = static_cast<double>(image_count);
    const auto share_of_zeros = [](double nonzero, double of) {
        return of > 0.0 ? 1.0 - nonzero / of : 0.0;
    };
    layer_statistics s;
    s.weight_sparsity = share_of_zeros(nonzero_weights, static_cast<double>(weight_count(row)));
    s.activation_sparsity = share_of_zeros(static_cast<double>(nonzero_inputs),
                                           static_cast<double>(row.in.volume()) * images);
    const auto pairs = static_cast<double>(counts.pairs);
    s.pair_sparsity = share_of_zeros(pairs, static_cast<double>(inside_mac_count(row)) * images);
    s.pair_sparsity_padded = share_of_zeros(pairs, static_cast<double>(mac_count(row)) * images);
    const double windows = images * static_cast<double>(row.out.pixels()) * filters_per_group(row);
    for (const pair_counts::histogram& h : counts.histograms) {
        window_histogram measured{h.channels, h.length, {}};
        measured.share.reserve(h.windows.size());
        for (const std::uint64_t n : h.windows)
            measured.share.push_back(static_cast<double>(n) / windows);
        s.windows.push_back(std::move(measured));
    }
    return s;
}

/// What an engine may know of the layer, from its masks.
inline layer_statistics joint_statistics(const activation_windows& activations,
                                         const weight_windows& weights) {
    return statistics_of(activations.row(), count_pairs(activations, weights), activations.images(),
                         activations.nonzero_inputs(), static_cast<double>(weights.nonzero()));
}

}  // namespace hass
