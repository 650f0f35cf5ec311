/// \file within.hpp
/// What every row offers within an interval: the options that nothing else within it beats. All
/// count as equally fast.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/dominance.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/linked_problem.hpp>
#include <hass/explore/policy.hpp>

namespace hass::detail {

/// The options of a row within an interval, as a frontier.
inline void unbeaten_within(const row_options& row, double interval, frontier& f) {
    const std::vector<resource_vector>& needs = row.options->costs();
    f.options.clear();
    for (std::uint32_t k = 0; k < needs.size(); ++k)
        if (row.cycles[k] <= interval)
            add_unbeaten(f, {interval, needs[k], k, row.port(k)}, at_all, row.rises);
    order_points(f);
}

/// See the head of the file. A row's part depends on the row alone and is kept while neither its
/// cycles nor the interval changes.
class rows_within {
  public:
    /// Valid until the next call.
    std::span<const frontier> operator()(const linked_problem& p, double interval) {
        bool same = rows_.size() == p.size();
        rows_.resize(p.size());
        of_.resize(p.size(), {0, -1.0});
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const row_options& row = p.row(i);
            if (of_[i] == std::pair{row.version, interval}) continue;
            of_[i] = {row.version, interval};
            before_.swap(rows_[i].options);
            unbeaten_within(row, interval, rows_[i]);
            same = same && std::ranges::equal(before_, rows_[i].options, alike);
        }
        if (!same) ++generation_;
        return rows_;
    }

    /// Changes whenever other options are offered than by the call before.
    std::uint64_t generation() const { return generation_; }

  private:
    static bool alike(const frontier_option& a, const frontier_option& b) {
        return a.index == b.index && a.need == b.need && a.port == b.port;
    }

    std::vector<frontier> rows_;
    std::vector<std::pair<std::uint64_t, double>> of_;  // version and interval of each row
    std::uint64_t generation_ = 0;
    std::vector<frontier_option> before_;  // scratch
};

}  // namespace hass::detail
