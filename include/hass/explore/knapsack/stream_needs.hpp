/// \file stream_needs.hpp
/// What the streams of a choice take, and how that changes when one row moves to other widths.
#pragma once

#include <cstddef>
#include <vector>

#include <hass/explore/knapsack/problem.hpp>

namespace hass::detail {

/// Needs; all of them nothing where streams have no price.
class stream_needs {
  public:
    stream_needs() = default;

    /// \param port  port(i): of the option that row i has
    template <class Port>
    stream_needs(const knapsack_problem& problem, const Port& port) : edges_(problem.edges) {
        if (edges_ == nullptr) return;
        ports_.resize(problem.rows.size());
        for (std::size_t i = 0; i < ports_.size(); ++i) ports_[i] = port(i);
        sum_ = edges_->total([&](std::size_t i) { return ports_[i]; });
        row_ = ports_.size();
    }

    const resource_vector& sum() const { return sum_; }

    /// What row `i` at `port` would make the streams take more.
    const resource_vector& change(std::size_t i, const stream_port& port) const {
        if (edges_ == nullptr) return none;
        if (i == row_ && port == port_) return change_;
        if (i != row_) own_ = of(i, ports_[i]);
        row_ = i, port_ = port;
        change_ = {};
        if (port == ports_[i]) return change_;
        const resource_vector then = of(i, port);
        for (std::size_t r = 0; r < then.size(); ++r) change_[r] = then[r] - own_[r];
        return change_;
    }

    void move(std::size_t i, const stream_port& port) {
        if (edges_ == nullptr) return;
        ports_[i] = port;
        row_ = ports_.size();
    }

  private:
    static constexpr resource_vector none{};

    /// What the streams at row `i` need when it is at `port`.
    resource_vector of(std::size_t i, const stream_port& port) const {
        resource_vector sum{};
        for (const std::size_t e : edges_->of(i)) {
            const priced_edge& edge = edges_->edges()[e];
            const resource_vector& need = edge.from == i ? edge.need(port, ports_[edge.to])
                                                         : edge.need(ports_[edge.from], port);
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need[r];
        }
        return sum;
    }

    const priced_edges* edges_ = nullptr;
    std::vector<stream_port> ports_;
    resource_vector sum_{};
    // the last change that was asked for
    mutable std::size_t row_ = 0;
    mutable stream_port port_{};
    mutable resource_vector own_{}, change_{};
};

}  // namespace hass::detail
