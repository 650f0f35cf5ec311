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

/// Points of one row by their ports: those of the same widths are the likeliest to beat another.
class points_by_port {
  public:
    /// \param rises  of the row
    void begin(const port_rises& rises) {
        widths_out_ = std::max<std::size_t>(1, rises.widths_out());
        first_.assign(std::max<std::size_t>(1, rises.widths_in()) * widths_out_, none);
        next_.clear();
    }

    /// Whether one of the points of this port needs no more.
    bool beaten(const frontier& f, const resource_vector& need, const stream_port& port) const {
        for (std::uint32_t k = first_[index(port)]; k != none; k = next_[k])
            if (no_more(f.options[k].need, need)) return true;
        return false;
    }

    /// Takes up the points that have come.
    void follow(const frontier& f) {
        for (auto k = static_cast<std::uint32_t>(next_.size()); k < f.options.size(); ++k) {
            std::uint32_t& first = first_[index(f.options[k].port)];
            next_.push_back(first);
            first = k;
        }
    }

  private:
    static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);

    std::size_t index(const stream_port& port) const { return port.in * widths_out_ + port.out; }

    std::size_t widths_out_ = 1;
    std::vector<std::uint32_t> first_, next_;
};

/// The options of a row within an interval, as a frontier.
inline void unbeaten_within(const row_options& row, double interval, points_by_port& by_port,
                            frontier& f) {
    const std::vector<resource_vector>& needs = row.options->costs();
    f.options.clear();
    if (row.rises != nullptr) by_port.begin(*row.rises);
    for (std::uint32_t k = 0; k < needs.size(); ++k) {
        if (!(row.cycles[k] <= interval)) continue;
        const stream_port port = row.port(k);
        if (row.rises != nullptr && by_port.beaten(f, needs[k], port)) continue;
        add_unbeaten(f, {interval, needs[k], k, port}, at_all, row.rises);
        if (row.rises != nullptr) by_port.follow(f);
    }
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
            unbeaten_within(row, interval, by_port_, rows_[i]);
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
    // scratch
    std::vector<frontier_option> before_;
    points_by_port by_port_;
};

}  // namespace hass::detail
