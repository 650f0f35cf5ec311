/// \file row_work.hpp
/// How unevenly work falls on rows of windows. A layer of stride 2 takes in two rows of its input for a row
/// of windows; what is empty in a map is empty for whole rows of it, so that now the windows take longer
/// and now the rows that come in. Windows wait in front of the engine, as many as come between two rows of
/// windows, and level some of that out. With a block of windows b, its work w and the time e in which its
/// pixels come:
///
///     enters(b) = max(enters(b - 1) + e(b), leaves(b - room))
///     leaves(b) = max(max(leaves(b - 1), its first window enters) + w(b), enters(b))
///
/// Work is taken as proportional to the row's values that are not zero, which is exact for one list a pixel
/// and within 1 % for the lanes of a trained network. Within 0.2 % of the queue window by window, of rows of some
/// hundred values; times are float32, which maps of 8,192 x 8,192 pixels would bring off by 1 %.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <hass/statistics/planes.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Parts, equally many rows of windows each, that are told apart.
inline constexpr std::size_t row_parts = 32;

/// Rows of windows that need more rows of the input than one.
constexpr bool skips_rows(const layer_row& row) {
    return row.stride_h > 1 && row.out.height > 1;
}

/// Windows that wait at most in front of the engine of a strided row: what a row of windows has to leave for the
/// rows of pixels between it and the next one.
constexpr std::int64_t windows_in_front(const layer_row& row) {
    return row.out.width - row.out.width / row.stride_h + std::int64_t{1};
}

/// Mean over rows of windows of what one takes, for any unit and number of rows: of max(its part of the work, least).
/// \param parts  `layer_statistics::rows`; empty: all rows are alike
/// \param work   mean over rows
/// \param least  in which a row's pixels come
constexpr double longer_of_rows(std::span<const double> parts, double work, double least) {
    if (parts.empty() || work * parts.back() <= least) return work > least ? work : least;
    if (work * parts.front() >= least) return work;
    double sum = 0.0;
    for (const double part : parts) sum += work * part > least ? work * part : least;
    return sum / static_cast<double>(parts.size());
}

/// What rows of windows take at every pace of the input, from the values of each that are not zero: an image that
/// comes again and again, from masks. Mergeable; sums are integers and do not depend on the order in which
/// images come (in the last digits on how floats are compiled).
class row_counts {
  public:
    /// Nothing counted yet.
    explicit row_counts(const layer_row& row)
        : row_(row),
          layout_(row),
          work_(static_cast<std::size_t>(row.out.height)),
          left_(static_cast<std::size_t>(room()) + 1) {
        const float most = static_cast<float>(row.out.width) * static_cast<float>(taps(row)) *
                           static_cast<float>(row.in.channels);
        for (std::size_t g = 0; g < paces; ++g)
            pace_[g] =
                most * std::pow(1.0F + step, static_cast<float>(g + 1) - static_cast<float>(paces));
    }

    /// Adds images given as planes, as `activation_windows::add`.
    void add(const float* planes, std::size_t images, float keep) {
        const std::uint32_t least = detail::magnitude_bits(keep);
        const auto width = static_cast<std::size_t>(row_.out.width);
        for (std::size_t n = 0; n < images; ++n) {
            nonzero_.assign(layout_.size(), 0U);
            for (std::size_t c = 0; c < static_cast<std::size_t>(row_.in.channels); ++c) {
                const float* from = planes + (c * images + n) * layout_.size();
                for (std::size_t i = 0; i < nonzero_.size(); ++i)
                    nonzero_[i] += detail::magnitude_bits(from[i]) >= least ? 1U : 0U;
            }
            for (int y = 0; y < row_.out.height; ++y) {
                std::uint64_t sum = 0;
                for (int t = 0; t < taps(row_); ++t) {
                    const std::uint32_t* from =
                        nonzero_.data() + layout_.at(row_, y, t / row_.kernel_w, t % row_.kernel_w);
                    for (std::size_t x = 0; x < width; ++x) sum += from[x];
                }
                work_[static_cast<std::size_t>(y)] = static_cast<float>(sum);
                values_ += sum;
            }
            rows_ += work_.size();
            add_image();
        }
    }

    /// Adds what the other has counted.
    void merge(const row_counts& other) {
        rows_ += other.rows_, values_ += other.values_;
        for (std::size_t g = 0; g < paces; ++g) taken_[g] += other.taken_[g];
    }

    /// `layer_statistics::rows`; rows without anything but zeros are alike, empty where there are none. What rows take
    /// is convex in the pace, and so the mean of max(part, pace) for parts whose distribution is its slope.
    std::vector<double> parts() const {
        if (values_ == 0) return std::vector<double>(rows_ == 0 ? 0 : row_parts, 1.0);
        std::vector<point> hull{{0.0, static_cast<double>(values_) / static_cast<double>(rows_)}};
        for (std::size_t g = 0; g < paces; ++g) {
            const point next{
                static_cast<double>(pace_[g]),
                static_cast<double>(taken_[g]) / static_cast<double>(rows_) / part_of_value};
            while (hull.size() > 1 &&
                   slope(hull.back(), next) <= slope(hull[hull.size() - 2], hull.back()))
                hull.pop_back();
            hull.push_back(next);
        }
        std::vector<double> parts(row_parts, 0.0);
        double share = 0.0;  // of rows whose parts are known
        for (std::size_t h = 0; h < hull.size(); ++h) {
            const double until =
                h + 1 < hull.size() ? std::clamp(slope(hull[h], hull[h + 1]), share, 1.0) : 1.0;
            for (auto p = static_cast<std::size_t>(share * row_parts); p < row_parts; ++p) {
                const double from = std::max(share * row_parts, static_cast<double>(p));
                const double to = std::min(until * row_parts, static_cast<double>(p + 1));
                if (to <= from) break;
                parts[p] += (to - from) * hull[h].pace;
            }
            share = until;
        }
        const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
        for (double& part : parts) part *= row_parts / sum;
        return parts;
    }

  private:
    static constexpr std::size_t paces = 640;  ///< down to 1 / 2,000 of a row without a zero
    static constexpr float step = 0.012F;
    static constexpr float part_of_value = 256.0F;  ///< in which times are added up
    using at_each_pace = std::array<float, paces>;

    /// Mean over rows of windows.
    struct point {
        double pace, taken;
    };
    static double slope(const point& a, const point& b) {
        return (b.taken - a.taken) / (b.pace - a.pace);
    }

    /// Blocks of a row of windows: single windows of up to 16 columns.
    int blocks() const { return std::min(row_.out.width, 16); }
    /// Blocks in front of the engine.
    float room() const {
        return static_cast<float>(blocks()) * static_cast<float>(windows_in_front(row_)) /
               static_cast<float>(row_.out.width);
    }

    /// Lets the image of `work_` come twice; what the second one takes counts.
    void add_image() {
        const auto stride = static_cast<float>(row_.stride_h);
        const auto width = static_cast<float>(row_.out.width), count = static_cast<float>(blocks());
        const float part = room() - std::floor(room());  // of a block that stands in front as well
        at_each_pace entered{}, last{}, before;
        for (at_each_pace& left : left_) left.fill(0.0F);
        std::size_t at = 0;
        for (int pass = 0; pass < 2; ++pass) {
            before = last;
            for (const float work : work_)
                for (int b = 0; b < blocks(); ++b) {
                    // windows come with the last of a row's lines of pixels
                    const float lines = b == 0 ? (stride - 1.0F) / stride : 0.0F;
                    at_each_pace& oldest = left_[at];
                    at = (at + 1) % left_.size();
                    const at_each_pace& next = left_[at];
                    for (std::size_t g = 0; g < paces; ++g) {
                        const float begins = entered[g] + lines * pace_[g];
                        const float first = begins + pace_[g] / (stride * width);
                        const float has_room = next[g] + part * (oldest[g] - next[g]);
                        entered[g] = std::max(begins + pace_[g] / (stride * count), has_room);
                        last[g] = std::max(std::max(last[g], first) + work / count, entered[g]);
                        oldest[g] = last[g];
                    }
                }
        }
        for (std::size_t g = 0; g < paces; ++g)
            taken_[g] += static_cast<std::uint64_t>((last[g] - before[g]) * part_of_value + 0.5F);
    }

    layer_row row_;
    plane_layout layout_;
    std::vector<float> work_;         ///< rows of windows of the image at hand
    std::vector<at_each_pace> left_;  ///< when the blocks before left the engine
    at_each_pace pace_{};             ///< in which a row's pixels come
    std::vector<std::uint32_t> nonzero_{};
    std::uint64_t rows_ = 0, values_ = 0;
    std::array<std::uint64_t, paces> taken_{};
};

}  // namespace hass
