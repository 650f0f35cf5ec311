/// \file greedy.hpp
/// The moves of the public explorer (fpgaconvnet-optimiser d11a643, `greedy_partition`), which HASS
/// uses, as a policy for comparison with `exact`, on one partition without off-chip weights:
///   1. all factors 1
///   2. fine: the slowest compute row that can still grow takes the next larger `macs`; kept if it
///      is faster by more than a factor 1.2, in the second round 1.01
///   3. coarse: the slowest row takes the next larger `in * out * group` that makes it faster, in
///      four orders (most `out`, same `in`, same `out`, most `in`); one success ends the round
///   4. after every move weights are placed anew: largest weight memories to URAM while that
///      levels the shares of BRAM and URAM; the first violation reverts the move and ends the
///      phase, and so does one that the board's link would slow down
///   5. swaps of equal `in * out` that lower the tightest resource; again from 3 while anything
///      changes
///
/// What it misses: it moves the slowest row only and ends at its first violation, though another
/// choice of the same row or of a fast one would make room; factors never shrink; `macs` that
/// gained little is not tried again; memories follow a rule of thumb. It gets stuck on memory: that
/// is why its sparse ResNet-18 is slower than its dense one. It stays with the engine that a row's
/// first option has, and does not know windows of several channels (`vector`).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <hass/explore/balanced.hpp>
#include <hass/explore/policy.hpp>

namespace hass {

/// See the head of the file.
class greedy {
  public:
    allocation_choice operator()(const allocation_problem& problem) {
        problem_ = &problem;
        detail::growing_choice d(problem);
        start(d);
        place_weights(d);
        if (!d.fits()) return d.result();
        for (const double gain : {1.2, 1.01}) {
            fine(d, gain);
            while (coarse(d)) swap(d);
        }
        return d.result();
    }

  private:
    const row_option& at(const detail::growing_choice& d, std::size_t i) const {
        return d.row(i).options->options()[d.chosen[i]];
    }

    /// The option with this folding and memory, if the row has it.
    std::optional<std::uint32_t> find(const detail::growing_choice& d, std::size_t i,
                                      const parallelism& p, weight_memory memory) const {
        const std::vector<row_option>& all = d.row(i).options->options();
        const row_option wanted{p, memory, engine_of_[i]};
        const auto found = std::find(all.begin(), all.end(), wanted);
        if (found == all.end()) return std::nullopt;
        return static_cast<std::uint32_t>(found - all.begin());
    }

    void start(detail::growing_choice& d) {
        engine_of_.assign(d.chosen.size(), 0);
        for (std::size_t i = 0; i < d.chosen.size(); ++i) {
            const std::vector<row_option>& all = d.row(i).options->options();
            engine_of_[i] =
                std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
                    return a.engine < b.engine;
                })->engine;
            for (const weight_memory m : {weight_memory::uram, weight_memory::bram18})
                if (const auto k = find(d, i, parallelism{}, m)) d.chosen[i] = *k;
        }
    }

    /// Everything to BRAM, then the largest to URAM while BRAM has the larger share.
    void place_weights(detail::growing_choice& d) const {
        const std::size_t n = d.chosen.size();
        for (std::size_t i = 0; i < n; ++i)
            if (const auto k = find(d, i, at(d, i).folding, weight_memory::bram18))
                d.chosen[i] = *k;
        const auto blocks = [&](const resource_vector& v, std::size_t r) {
            return r == bram18_index ? problem_->bram18(v) : v[r];
        };
        const auto share = [&](const resource_vector& sum, std::size_t r) {
            const double need = blocks(sum, r);
            const double have = blocks(problem_->budget, r);
            return need <= 0.0  ? 0.0
                   : have > 0.0 ? need / have
                                : std::numeric_limits<double>::infinity();
        };
        std::vector<std::size_t> order(n);
        for (std::size_t i = 0; i < n; ++i) order[i] = i;
        const auto need = [&](std::size_t i) {
            return problem_->bram18(d.row(i).options->costs()[d.chosen[i]]);
        };
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return need(a) != need(b) ? need(a) > need(b) : a < b;
        });
        for (const std::size_t i : order) {
            const auto k = find(d, i, at(d, i).folding, weight_memory::uram);
            if (!k) continue;
            const std::uint32_t before = d.chosen[i];
            const resource_vector now = d.total();
            if (share(now, bram18_index) <= share(now, uram_index)) break;
            d.chosen[i] = *k;
            const resource_vector then = d.total();
            if (share(then, uram_index) > std::max(1.0, share(now, bram18_index)))
                d.chosen[i] = before;
        }
    }

    /// Makes the move if everything fits afterwards; otherwise nothing changes.
    bool move(detail::growing_choice& d, std::size_t i, const parallelism& p) const {
        const double now = d.interval();
        if (d.link_cycles() >= now) return false;  // no row is what slows it down
        auto k = find(d, i, p, at(d, i).memory);
        if (!k) k = find(d, i, p, weight_memory::bram18);
        if (!k) k = find(d, i, p, weight_memory::uram);
        if (!k) return false;
        const std::vector<std::uint32_t> before = d.chosen;
        d.chosen[i] = *k;
        place_weights(d);
        if (d.fits(now)) return true;
        d.chosen = before;
        return false;
    }

    double cycles_of(const detail::growing_choice& d, std::size_t i, const parallelism& p) const {
        for (const weight_memory m : {weight_memory::bram18, weight_memory::uram})
            if (const auto k = find(d, i, p, m)) return d.row(i).cycles[*k];
        return std::numeric_limits<double>::infinity();
    }

    void fine(detail::growing_choice& d, double gain) const {
        std::vector<bool> done(d.chosen.size(), false);
        while (true) {
            std::size_t slowest = d.chosen.size();
            for (std::size_t i = 0; i < d.chosen.size(); ++i)
                if (!done[i] && (slowest == d.chosen.size() || d.cycles(i) > d.cycles(slowest)))
                    slowest = i;
            if (slowest == d.chosen.size()) return;
            parallelism p = at(d, slowest).folding;
            const int now = p.macs;
            p.macs = std::numeric_limits<int>::max();
            for (const row_option& c : d.row(slowest).options->options()) {
                parallelism same = c.folding;
                same.macs = at(d, slowest).folding.macs;
                if (same == at(d, slowest).folding && c.engine == engine_of_[slowest] &&
                    c.folding.macs > now)
                    p.macs = std::min(p.macs, c.folding.macs);
            }
            if (p.macs == std::numeric_limits<int>::max() ||
                d.cycles(slowest) <= gain * cycles_of(d, slowest, p)) {
                done[slowest] = true;
            } else if (!move(d, slowest, p)) {
                return;
            }
        }
    }

    /// One coarse round. \returns whether anything changed
    bool coarse(detail::growing_choice& d) const {
        enum class order { most_out, same_in, same_out, most_in };
        for (const order o : {order::most_out, order::same_in, order::same_out, order::most_in}) {
            bool changed = false;
            while (true) {
                const std::size_t i = d.slowest();
                const parallelism now = at(d, i).folding;
                std::optional<parallelism> next;
                for (std::uint32_t k = 0; k < d.row(i).options->size(); ++k) {
                    const row_option& c = d.row(i).options->options()[k];
                    const parallelism& p = c.folding;
                    if (c.engine != engine_of_[i] || p.macs != now.macs || p.vector != now.vector ||
                        engine_count(p) <= engine_count(now) || d.row(i).cycles[k] >= d.cycles(i) ||
                        (o == order::same_in && p.in != now.in) ||
                        (o == order::same_out && p.out != now.out))
                        continue;
                    const auto favoured = [&](const parallelism& a, const parallelism& b) {
                        if (engine_count(a) != engine_count(b))
                            return engine_count(a) < engine_count(b);
                        return o == order::most_in ? a.in > b.in : a.out > b.out;
                    };
                    if (!next || favoured(p, *next)) next = p;
                }
                if (!next || !move(d, i, *next)) break;
                changed = true;
            }
            if (changed) return true;
        }
        return false;
    }

    /// Swaps of equal product that lower the tightest resource without raising cycles.
    void swap(detail::growing_choice& d) const {
        for (std::size_t i = 0; i < d.chosen.size(); ++i) {
            const std::size_t r = tightest(to_usage(d.total()), to_usage(problem_->budget));
            const row_option now = at(d, i);
            std::uint32_t best = d.chosen[i];
            for (std::uint32_t k = 0; k < d.row(i).options->size(); ++k) {
                const row_option& c = d.row(i).options->options()[k];
                if (c.engine == now.engine && c.memory == now.memory &&
                    c.multipliers == now.multipliers && c.maps == now.maps &&
                    c.folding.macs == now.folding.macs && c.folding.vector == now.folding.vector &&
                    engine_count(c.folding) == engine_count(now.folding) &&
                    d.row(i).cycles[k] <= d.cycles(i) &&
                    d.row(i).options->costs()[k][r] < d.row(i).options->costs()[best][r])
                    best = k;
            }
            if (best != d.chosen[i]) d.take(i, best, d.interval());
        }
    }

    const allocation_problem* problem_ = nullptr;
    std::vector<int> engine_of_;
};

}  // namespace hass
