/// \file row_work.hpp
/// How unevenly work falls on rows of windows. A layer of stride 2 takes in two rows of its input for a row
/// of windows; what is empty in a map is empty for whole rows of it, so that now the windows take longer
/// and now the rows that come in. A row of windows takes the longer of the two:
///
///     E over rows of windows [ max(work of the row, cycles in which its input comes) ]
///
/// Work is taken as proportional to the row's values that are not zero, which is exact for one list a pixel
/// and within 1 % for the lanes of a trained network.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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

/// Mean of max(work of a row of windows, least) over rows, for any unit and number of rows.
/// \param parts  `layer_statistics::rows`; empty: all rows are alike
/// \param work   mean over rows
constexpr double longer_of_rows(std::span<const double> parts, double work, double least) {
    if (parts.empty() || work * parts.back() <= least) return work > least ? work : least;
    if (work * parts.front() >= least) return work;
    double sum = 0.0;
    for (const double part : parts) sum += work * part > least ? work * part : least;
    return sum / static_cast<double>(parts.size());
}

/// Values of rows of windows that are not zero, counted from masks. Mergeable; counts are integers and do
/// not depend on the order in which images come.
class row_counts {
  public:
    /// Nothing counted yet.
    explicit row_counts(const layer_row& row)
        : row_(row),
          layout_(row),
          most_(row.out.width * taps(row) * std::int64_t{row.in.channels}) {}

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
                const std::size_t bin =
                    static_cast<std::size_t>(sum * (bins - 1) / static_cast<std::uint64_t>(most_));
                ++rows_[bin];
                sums_[bin] += sum;
            }
        }
    }

    /// Adds what the other has counted.
    void merge(const row_counts& other) {
        for (std::size_t b = 0; b < bins; ++b)
            rows_[b] += other.rows_[b], sums_[b] += other.sums_[b];
    }

    /// `layer_statistics::rows`; rows without anything but zeros are alike, empty where there are none.
    std::vector<double> parts() const {
        std::uint64_t rows = 0, sum = 0;
        for (std::size_t b = 0; b < bins; ++b) rows += rows_[b], sum += sums_[b];
        if (sum == 0) return std::vector<double>(rows == 0 ? 0 : row_parts, 1.0);
        const double each = static_cast<double>(rows) / row_parts;
        const double mean = static_cast<double>(sum) / static_cast<double>(rows);
        std::vector<double> parts(row_parts, 0.0);
        double before = 0.0;  // rows
        for (std::size_t b = 0; b < bins; ++b) {
            if (rows_[b] == 0) continue;
            const double work = static_cast<double>(sums_[b]) / static_cast<double>(rows_[b]);
            const double after = before + static_cast<double>(rows_[b]);
            for (auto p = static_cast<std::size_t>(before / each); p < row_parts; ++p) {
                const double from = std::max(before, each * static_cast<double>(p));
                const double to = std::min(after, each * static_cast<double>(p + 1));
                if (to <= from) break;
                parts[p] += (to - from) / each * (work / mean);
            }
            before = after;
        }
        return parts;
    }

  private:
    static constexpr std::size_t bins = 1024;

    layer_row row_;
    plane_layout layout_;
    std::int64_t most_;  ///< that a row of windows can have
    std::vector<std::uint32_t> nonzero_{};
    std::array<std::uint64_t, bins> rows_{}, sums_{};
};

}  // namespace hass
