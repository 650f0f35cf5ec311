/// \file list_counts.hpp
/// Lengths of the lists that an output pixel replays, exactly: counts of channels that are not zero
/// a pixel and list, summed over the kernel's taps, whatever the filters are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/statistics/dot_work.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Most lists a pixel.
inline constexpr int most_lists = 4;

/// Calls visit(lanes) for the numbers of lists of a row without groups: powers of two that leave at
/// least two channels a list. Ascending.
template <class Visit>
constexpr void for_each_list_count(const layer_row& row, Visit visit) {
    if (row.groups > 1) return;
    for (int lanes = 1; lanes <= most_lists; lanes *= 2)
        if (row.in.channels % lanes == 0 && row.in.channels / lanes > 1) visit(lanes);
}

/// Histograms of the longest list of every output pixel. Mergeable; counts are integers.
class list_counts {
  public:
    /// Nothing counted yet.
    explicit list_counts(const layer_row& row) : row_(row), layout_(row) {
        for_each_list_count(row, [&](int lanes) {
            const auto most = static_cast<std::size_t>(taps(row) * row.in.channels / lanes);
            lengths_.push_back({lanes, std::vector<std::uint64_t>(most + 1, 0)});
        });
    }

    /// Adds images given as planes, as `activation_windows::add`.
    void add(const float* planes, std::size_t images, float keep) {
        if (lengths_.empty()) return;
        for (std::size_t n = 0; n < images; ++n) {
            auto lists = static_cast<std::size_t>(lengths_.back().lanes);
            nonzero_.assign(lists * layout_.size(), 0U);
            count_channels(planes, images, n, keep, lists);
            for (std::size_t l = lengths_.size(); l-- > 0; lists /= 2) {
                const auto visit = [&](std::uint32_t length) { ++lengths_[l].pixels[length]; };
                count_pixels(lists, visit);
                // Half as many lists: each takes in the one that is as far behind.
                const std::size_t half = lists / 2 * layout_.size();
                for (std::size_t i = 0; i < half; ++i) nonzero_[i] += nonzero_[half + i];
            }
        }
    }

    /// visit(length of the longest of `lists` lists) for every output pixel of an image, row by row.
    template <class Visit>
    void each_pixel(const float* planes, std::size_t images, std::size_t image, float keep,
                    std::size_t lists, Visit visit) {
        nonzero_.assign(lists * layout_.size(), 0U);
        count_channels(planes, images, image, keep, lists);
        count_pixels(lists, visit);
    }

    void merge(const list_counts& other) {
        for (std::size_t l = 0; l < lengths_.size(); ++l)
            for (std::size_t z = 0; z < lengths_[l].pixels.size(); ++z)
                lengths_[l].pixels[z] += other.lengths_[l].pixels[z];
    }

    /// As shares, by number of lists ascending.
    std::vector<list_lengths> lengths() const {
        std::vector<list_lengths> all;
        for (const counts& l : lengths_) {
            std::uint64_t pixels = 0;
            for (const std::uint64_t n : l.pixels) pixels += n;
            all.push_back({l.lanes, {}});
            for (const std::uint64_t n : l.pixels)
                all.back().share.push_back(static_cast<double>(n) / static_cast<double>(pixels));
        }
        return all;
    }

  private:
    struct counts {
        int lanes = 1;
        std::vector<std::uint64_t> pixels{};  ///< by length
    };

    void count_channels(const float* planes, std::size_t images, std::size_t n, float keep,
                        std::size_t lanes) {
        const std::uint32_t least = detail::magnitude_bits(keep);
        for (std::size_t c = 0; c < static_cast<std::size_t>(row_.in.channels); ++c) {
            const float* from = planes + (c * images + n) * layout_.size();
            std::uint32_t* to = nonzero_.data() + c % lanes * layout_.size();
            for (std::size_t i = 0; i < layout_.size(); ++i)
                to[i] += detail::magnitude_bits(from[i]) >= least ? 1U : 0U;
        }
    }

    template <class Visit>
    void count_pixels(std::size_t lanes, Visit visit) {
        const auto width = static_cast<std::size_t>(row_.out.width);
        std::vector<std::uint32_t> longest(width), sum(width);
        for (int y = 0; y < row_.out.height; ++y) {
            std::fill(longest.begin(), longest.end(), 0U);
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                std::fill(sum.begin(), sum.end(), 0U);
                for (int t = 0; t < taps(row_); ++t) {
                    const std::uint32_t* from =
                        nonzero_.data() + lane * layout_.size() +
                        layout_.at(row_, y, t / row_.kernel_w, t % row_.kernel_w);
                    for (std::size_t x = 0; x < width; ++x) sum[x] += from[x];
                }
                for (std::size_t x = 0; x < width; ++x) longest[x] = std::max(longest[x], sum[x]);
            }
            for (const std::uint32_t length : longest) visit(length);
        }
    }

    layer_row row_;
    plane_layout layout_;
    std::vector<counts> lengths_;
    std::vector<std::uint32_t> nonzero_;  ///< lists x plane
};

}  // namespace hass
