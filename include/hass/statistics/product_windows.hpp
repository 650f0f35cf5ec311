/// \file product_windows.hpp
/// Joint zeros of two activations that are multiplied with each other: as `pairs.hpp`, but of every
/// image for itself, since its filters are its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/tap_counts.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Surviving pairs of a matmul row, over images. Mergeable.
class product_windows {
  public:
    /// Nothing counted yet.
    /// \param windows  whether histograms are wanted beside sparsities
    explicit product_windows(const layer_row& row, bool windows = true)
        : row_(row), windows_(windows) {}

    /// Adds images: the first input as channels x images x pixels, the second as images x filters x
    /// what one sees; of the first, |x| < keep counts as zero, clipped or not.
    void add(const float* first, std::span<const float> second, std::size_t images,
             float keep = std::numeric_limits<float>::denorm_min()) {
        const auto pixels = static_cast<std::size_t>(row_.in.pixels());
        const auto channels = static_cast<std::size_t>(row_.in.channels);
        const std::size_t weights = second.size() / images;
        std::vector<float> map(channels * pixels);
        for (std::size_t n = 0; n < images; ++n) {
            for (std::size_t c = 0; c < channels; ++c)
                std::copy_n(first + (c * images + n) * pixels, pixels, map.data() + c * pixels);
            const auto seen = second.subspan(n * weights, weights);
            if (!windows_) {
                add_sparsity(map, seen, keep);
                continue;
            }
            activation_windows activations(row_);
            activations.add(map.data(), 1, keep);
            const weight_windows filters(row_, seen, 0.0);
            counts_.merge(count_pairs(activations, filters, table_));
            nonzero_inputs_ += activations.nonzero_inputs();
            nonzero_weights_ += filters.nonzero();
        }
        images_ += images;
    }

    void merge(const product_windows& other) {
        counts_.merge(other.counts_);
        images_ += other.images_;
        nonzero_inputs_ += other.nonzero_inputs_;
        nonzero_weights_ += other.nonzero_weights_;
    }

    /// What an engine may know of the row; weights are the second input's values of all images.
    layer_statistics statistics() const {
        return statistics_of(row_, counts_, images_, nonzero_inputs_,
                             static_cast<double>(nonzero_weights_) /
                                 static_cast<double>(std::max<std::size_t>(images_, 1)));
    }

  private:
    void add_sparsity(const std::vector<float>& map, std::span<const float> filters, float keep) {
        tap_counts one(row_, filters);
        one.add(map.data(), 1, {0.0, static_cast<double>(keep)});
        counts_.pairs += one.pairs();
        nonzero_inputs_ += one.nonzero_inputs();
        nonzero_weights_ += one.nonzero_weights();
    }

    layer_row row_;
    bool windows_;
    pair_counts counts_;
    std::size_t images_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::uint64_t nonzero_weights_ = 0;
    std::vector<std::uint32_t> table_;  ///< `mask_counts::list`
};

}  // namespace hass
