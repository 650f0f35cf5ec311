/// \file network_options.hpp
/// Every option of every row of a network that leaves room for the other rows on a board, and what
/// the rows need at least.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <hass/error.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// See the head of the file. Does not depend on data.
class network_options {
  public:
    network_options() = default;

    /// \param skew    of `net`
    /// \param budget  what there is, in the form of `to_needs`
    /// \param link    what the board's link carries beside weights
    /// \throws hass::error for a row that the engine has no option for
    template <Engine E>
    network_options(const network_view& net, const E& engine, const network_skew& skew,
                    const resource_vector& budget, const image_link& link)
        : rows_(net.size()) {
        std::vector<resource_vector> least(net.size());
        for (std::size_t i = 0; i < net.size(); ++i) {
            // equal rows share their options
            for (std::size_t j = 0; j < i && !rows_[i]; ++j)
                if (net[j] == net[i] && std::ranges::equal(skew.held(j), skew.held(i)))
                    rows_[i] = rows_[j], least[i] = least[j];
            if (rows_[i]) continue;
            rows_[i] = std::make_shared<priced_options>(options_of(engine, net[i], skew.held(i)));
            if (rows_[i]->size() == 0)
                throw error("allocate: the engine has no option for layer '" + name_of(net, i) +
                            "'");
            least[i] = least_of(*rows_[i]);
        }
        for (const resource_vector& row : least)
            for (std::size_t r = 0; r < row.size(); ++r) least_needs_[r] += row[r];
        finish(least, budget, link);
    }

    const priced_options& operator[](std::size_t i) const { return *rows_[i]; }

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
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (rows_[i]->finished()) continue;
            resource_vector room = budget;
            for (std::size_t r = 0; r < room.size(); ++r) {
                const double others = least_needs_[r] - least[i][r];
                room[r] = too_small_ ? infinity
                                     : std::max(least[i][r], budget[r] - others * (1.0 - 1e-12));
            }
            rows_[i]->finish(room, budget);
            if (rows_[i]->size() == 0) crowded_ = true;
        }
    }

    std::vector<std::shared_ptr<priced_options>> rows_;
    resource_vector least_needs_{};
    bool too_small_ = false;
    bool crowded_ = false;
};

}  // namespace hass::detail
