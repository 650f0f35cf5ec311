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
#include <hass/workload/layer.hpp>

namespace hass {

/// Surviving pairs of a matmul row, over images. Mergeable.
class product_windows {
  public:
    /// Nothing counted yet.
    explicit product_windows(const layer_row& row) : row_(row) {}

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
            activation_windows activations(row_);
            activations.add(map.data(), 1, keep);
            const weight_windows filters(row_, second.subspan(n * weights, weights), 0.0);
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
    layer_row row_;
    pair_counts counts_;
    std::size_t images_ = 0;
    std::uint64_t nonzero_inputs_ = 0;
    std::uint64_t nonzero_weights_ = 0;
    std::vector<std::uint32_t> table_;  ///< `mask_counts::list`
};

}  // namespace hass
