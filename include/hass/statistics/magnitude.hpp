/// \file magnitude.hpp
/// How |x| is distributed: threshold to sparsity and back. Weights are few and keep their values
/// (exact); activations are many and are counted into bins of their float32 bit pattern, so that
/// distributions of different images, threads and processes add up to the same integers in any
/// order.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Magnitudes of a tensor that is kept whole, sorted: both directions are exact.
class exact_magnitudes {
  public:
    exact_magnitudes() = default;
    /// Sorts magnitudes. \param values  signs do not matter.
    explicit exact_magnitudes(std::vector<float> values) : sorted_(std::move(values)) {
        for (float& x : sorted_) x = std::abs(x);
        std::sort(sorted_.begin(), sorted_.end());
    }

    std::size_t size() const { return sorted_.size(); }

    /// Number of values with |x| < tau, zeros included whatever tau is.
    std::size_t below(double tau) const {
        const auto end = std::lower_bound(sorted_.begin(), sorted_.end(), detail::keep_from(tau));
        return static_cast<std::size_t>(end - sorted_.begin());
    }
    /// Share of exact zeros, in [0, 1]; 0 for an empty tensor.
    double zeros() const { return sparsity(0.0); }
    /// Share of values that threshold `tau` zeroes or that are zero already.
    double sparsity(double tau) const {
        return sorted_.empty() ? 0.0
                               : static_cast<double>(below(tau)) / static_cast<double>(size());
    }
    /// Smallest threshold that gives at least `share` (in [0, 1]) of zeros; 0 when they are there
    /// naturally. The sparsity reached exceeds `share` by less than 1 / size, ties aside.
    double threshold(double share) const {
        const double wanted =
            std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(size()) - 1e-9);
        const auto count = static_cast<std::size_t>(std::max(0.0, wanted));
        if (count <= below(0.0)) return 0.0;
        return std::nextafter(sorted_[count - 1], std::numeric_limits<float>::infinity());
    }

  private:
    std::vector<float> sorted_;
};

/// Mergeable distribution of |x| in integer counts. A bin is a value of the top bits of the
/// float32 pattern: 32 bins an octave from 2^-16 to 2^16; exact zeros have a count of their own;
/// smaller magnitudes fall into the first bin, larger ones into the last.
/// `sparsity` is exact at bin edges, and in between off by at most the share of the bin that holds
/// the threshold (it interpolates); `threshold` is off by less than 1/32 of its value.
class magnitude_histogram {
  public:
    /// A bin spans a factor of 2^(1/32).
    static constexpr int bins_per_octave = 32;
    /// Below 2^-16 everything falls into the first bin,
    static constexpr int lowest_exponent = -16;
    /// And from 2^16 on into the last.
    static constexpr int highest_exponent = 16;
    /// All in all.
    static constexpr int bins = (highest_exponent - lowest_exponent) * bins_per_octave;

    /// One value; signs do not matter.
    void add(float x) {
        const std::uint32_t pattern = std::bit_cast<std::uint32_t>(x) & 0x7fffffffU;
        if (pattern == 0) {
            ++zeros_;
            return;
        }
        if (counts_.empty()) counts_.resize(static_cast<std::size_t>(bins));
        const auto place = static_cast<std::int32_t>(pattern >> mantissa_shift) - first_pattern;
        ++counts_[static_cast<std::size_t>(std::clamp(place, 0, bins - 1))];
    }
    /// Several values.
    void add(std::span<const float> values) {
        for (const float x : values) add(x);
    }
    void merge(const magnitude_histogram& other) {
        zeros_ += other.zeros_;
        if (other.counts_.empty()) return;
        if (counts_.empty()) counts_.resize(static_cast<std::size_t>(bins));
        for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    }

    /// Values, zeros included.
    std::uint64_t total() const {
        std::uint64_t sum = zeros_;
        for (const std::uint32_t c : counts_) sum += c;
        return sum;
    }
    /// Share of exact zeros, in [0, 1].
    double zeros() const {
        const std::uint64_t n = total();
        return n == 0 ? 0.0 : static_cast<double>(zeros_) / static_cast<double>(n);
    }
    /// Share of values that threshold `tau` zeroes or that are zero already.
    double sparsity(double tau) const {
        const std::uint64_t n = total();
        if (n == 0) return 0.0;
        double below = static_cast<double>(zeros_);
        for (std::size_t i = 0; i < counts_.size() && lower_edge(i) < tau; ++i)
            below += static_cast<double>(counts_[i]) *
                     std::min(1.0, (tau - lower_edge(i)) / (lower_edge(i + 1) - lower_edge(i)));
        return below / static_cast<double>(n);
    }
    /// Threshold that gives `share` (in [0, 1]) of zeros; 0 when they are there naturally.
    double threshold(double share) const {
        double missing = std::clamp(share, 0.0, 1.0) * static_cast<double>(total()) -
                         static_cast<double>(zeros_);
        if (missing <= 0.0) return 0.0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            const auto here = static_cast<double>(counts_[i]);
            if (here > 0.0 && missing <= here)
                return lower_edge(i) + (lower_edge(i + 1) - lower_edge(i)) * missing / here;
            missing -= here;
        }
        return lower_edge(counts_.size());
    }

    bool operator==(const magnitude_histogram&) const = default;

  private:
    static constexpr int mantissa_shift = 23 - std::countr_zero(unsigned{bins_per_octave});
    static constexpr std::int32_t first_pattern = (127 + lowest_exponent) * bins_per_octave;

    /// Magnitude at which bin i begins; the first one begins at 0.
    static double lower_edge(std::size_t i) {
        if (i == 0) return 0.0;
        const auto octave = static_cast<int>(i) / bins_per_octave;
        const auto step = static_cast<int>(i) % bins_per_octave;
        return std::ldexp(1.0 + static_cast<double>(step) / bins_per_octave,
                          lowest_exponent + octave);
    }

    std::uint64_t zeros_ = 0;
    std::vector<std::uint32_t> counts_;  ///< empty until the first non-zero value
};

/// Values that are distributed as a histogram says, `count` of them, within the width of its bins.
inline exact_magnitudes quantiles_of(const magnitude_histogram& h, std::size_t count) {
    std::vector<float> values;
    if (h.total() == 0) return exact_magnitudes(std::move(values));
    values.reserve(count);
    for (std::size_t k = 0; k < count; ++k)
        values.push_back(static_cast<float>(
            h.threshold((static_cast<double>(k) + 0.5) / static_cast<double>(count))));
    return exact_magnitudes(std::move(values));
}

/// Distributions of one compute row; empty for others. Channels are the row's input channels:
/// weights of channel c are those of all filters that see it. Of a matmul the weights are its second
/// input over the images, as quantiles.
struct layer_magnitudes {
    std::vector<exact_magnitudes> weight_channels;         ///< one an input channel
    std::vector<magnitude_histogram> activation_channels;  ///< one an input channel
    exact_magnitudes weights;                              ///< of the whole layer
    magnitude_histogram activations;                       ///< of the whole layer
};

/// One entry a row.
using network_magnitudes = std::vector<layer_magnitudes>;

/// Magnitudes of a compute row's weights, by input channel and as a whole.
/// \param weights out.channels x in.channels/groups x kernel_h x kernel_w
inline layer_magnitudes weight_magnitudes(const layer_row& row, std::span<const float> weights) {
    layer_magnitudes m;
    const auto k = static_cast<std::size_t>(taps(row));
    const auto per_group = static_cast<std::size_t>(channels_per_group(row));
    const auto filters = static_cast<std::size_t>(filters_per_group(row));
    for (std::size_t c = 0; c < static_cast<std::size_t>(row.in.channels); ++c) {
        std::vector<float> values;
        values.reserve(filters * k);
        const std::size_t group = c / per_group;
        for (std::size_t f = group * filters; f < (group + 1) * filters; ++f) {
            const auto at =
                weights.begin() + static_cast<std::ptrdiff_t>((f * per_group + c % per_group) * k);
            values.insert(values.end(), at, at + static_cast<std::ptrdiff_t>(k));
        }
        m.weight_channels.emplace_back(std::move(values));
    }
    m.weights = exact_magnitudes({weights.begin(), weights.end()});
    return m;
}

}  // namespace hass
