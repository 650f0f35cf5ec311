/// \file network_options.hpp
/// Every option of every row of a network that leaves room for the other rows on a board, what
/// the rows need at least, and what stands between them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/explore/priced_edges.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// See the head of the file. Does not depend on data.
class network_options {
  public:
    network_options() = default;

    /// \param rows    of the network
    /// \param with    the engine of its compute rows
    /// \param skew    of the network
    /// \param streams of the network
    /// \param budget  what there is, in the form of `to_needs`
    /// \param link    what the board's link carries beside weights
    /// \throws hass::error for a row that the engine has no option for
    template <Engine E>
    network_options(const network_view& rows, const E& with, const network_skew& skew,
                    const network_streams& streams, const resource_vector& budget,
                    const image_link& link)
        : distinct_of_(rows.size()) {
        std::vector<resource_vector> least;  // of each distinct row
        for (std::size_t i = 0; i < rows.size(); ++i) {
            // equal rows share their options
            std::size_t j = 0;
            while (j < i && !(rows[j] == rows[i] && streams.ends(j) == streams.ends(i) &&
                              std::ranges::equal(skew.held(j), skew.held(i))))
                ++j;
            distinct_of_[i] = j < i ? distinct_of_[j] : distinct_.size();
            if (j < i) continue;
            distinct_.push_back(options_of(with, rows[i], skew.held(i), streams.ends(i)));
            if (distinct_.back().size() == 0)
                throw error(text_of(
                    {"allocate: the engine has no option for layer '", name_of(rows, i), "'"}));
            least.push_back(least_of(distinct_.back()));
        }
        for (const std::size_t d : distinct_of_)
            for (std::size_t r = 0; r < least[d].size(); ++r) least_needs_[r] += least[d][r];
        finish(least, budget, link);
        edges_ = priced_edges(
            with, rows, streams, [this](std::size_t i) { return std::span((*this)[i].options()); },
            lut_per_missing_bram18(with), 1);
    }

    const priced_options& operator[](std::size_t i) const { return distinct_[distinct_of_[i]]; }

    /// What stands between rows; nullptr: nothing that has a price.
    const priced_edges* edges() const { return edges_.empty() ? nullptr : &edges_; }

    /// Least need of each resource on its own, all rows together.
    const resource_vector& least_needs() const { return least_needs_; }

    /// Whether the least needs alone are over the budget, or leave the link nothing. Options are
    /// not held against the budget then.
    bool too_small() const { return too_small_; }

    /// Whether no option of some row leaves room for the others.
    bool crowded() const { return crowded_; }

  private:
    static resource_vector least_of(const priced_options& options) {
        resource_vector least = options.costs().front();
        for (const resource_vector& cost : options.costs())
            for (std::size_t r = 0; r < cost.size(); ++r) least[r] = std::min(least[r], cost[r]);
        return least;
    }

    /// An option has to leave room for the least that the other rows need.
    void finish(const std::vector<resource_vector>& least, const resource_vector& budget,
                const image_link& link) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        too_small_ = !no_more(least_needs_, budget) ||
                     link.cycles(least_needs_[bandwidth_index]) == infinity;
        for (std::size_t d = 0; d < distinct_.size(); ++d) {
            resource_vector room = budget;
            for (std::size_t r = 0; r < room.size(); ++r) {
                const double others = least_needs_[r] - least[d][r];
                room[r] = too_small_ ? infinity
                                     : std::max(least[d][r], budget[r] - others * (1.0 - 1e-12));
            }
            distinct_[d].finish(room, budget);
            if (distinct_[d].size() == 0) crowded_ = true;
        }
    }

    std::vector<priced_options> distinct_;
    std::vector<std::size_t> distinct_of_;  ///< which of them each row has
    priced_edges edges_;
    resource_vector least_needs_{};
    bool too_small_ = false;
    bool crowded_ = false;
};

}  // namespace hass::detail
