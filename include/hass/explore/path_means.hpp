/// \file path_means.hpp
/// Paths of a single image through a network at its stages' own pace (`own_pace.hpp`), and means of
/// them. What a path or a mean comes to is no more than the latency, whatever the stages are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <hass/pipeline/own_pace.hpp>

namespace hass::detail {

/// A path or a mean of some: how often the rows' cycles, their delays and the image are in it.
struct image_path {
    std::vector<double> images, on;  ///< one a row
    double of_image = 0.0;

    /// \param image  cycles of the image
    double along(std::span<const stage_pace> paces, double image) const {
        double sum = of_image * image;
        for (std::size_t i = 0; i < paces.size(); ++i)
            sum += images[i] * paces[i].cycles + on[i] * paces[i].delay;
        return sum;
    }
};

/// A path that is remembered, and its share of a mean.
struct path_share {
    std::size_t path;
    double share;
};

/// Paths that turned up.
class path_means {
  public:
    /// Remembers the longest path of the last latency of `pace`.
    std::size_t add(const own_pace& pace) {
        image_path p;
        p.of_image = pace.path(p.images, p.on);
        paths_.push_back(std::move(p));
        return paths_.size() - 1;
    }
    const image_path& operator[](std::size_t path) const { return paths_[path]; }

    image_path mean(std::span<const path_share> parts) const {
        const std::size_t rows = paths_.front().images.size();
        image_path mean{std::vector<double>(rows), std::vector<double>(rows), 0.0};
        for (const path_share& part : parts) {
            const image_path& p = paths_[part.path];
            for (std::size_t i = 0; i < rows; ++i) {
                mean.images[i] += part.share * p.images[i];
                mean.on[i] += part.share * p.on[i];
            }
            mean.of_image += part.share * p.of_image;
        }
        return mean;
    }

  private:
    std::vector<image_path> paths_;
};

/// Moves shares to the nearest ones that are >= 0 and sum to 1.
inline void make_mean(std::vector<path_share>& parts) {
    std::vector<double> shares;
    for (const path_share& p : parts) shares.push_back(p.share);
    std::sort(shares.begin(), shares.end(), std::greater<>());
    double sum = 0.0, cut = 0.0;
    for (std::size_t k = 0; k < shares.size(); ++k) {
        sum += shares[k];
        const double next = (sum - 1.0) / static_cast<double>(k + 1);
        if (shares[k] > next) cut = next;
    }
    for (path_share& p : parts) p.share = std::max(0.0, p.share - cut);
}

}  // namespace hass::detail
