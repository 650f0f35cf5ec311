/// \file interval.hpp
/// Interval policies: how many cycles a sparse engine with N multipliers spends on a window of M
/// pairs. The three generations of the literature differ in where they round:
///
///     paper_interval      ceil((1 - S) M / N)                        rounds the mean
///     histogram_interval  E[ceil(nnz / N)]                           rounds every window
///     mean_interval       max(1, M (1 - S) / N) x P(nnz > 0)         does not round
///
/// A policy of your own has one of these members:
///
///     window(survivors, macs) -> double                   cycles of a window with that many pairs
///                                                         left; the engine takes the expectation
///     mean(mean_survivors, empty_share, macs) -> double   cycles from a stream's means
///     layer(pair_sparsity, pairs, macs) -> double         cycles from the layer's mean alone: no
///                                                         imbalance between streams
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/streams.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/validate.hpp>

namespace hass {

/// E[ceil(nnz / N)] over windows. With the true histogram this reproduces the cycles of an SPE
/// simulated in RTL to 0.02 % (180 points); the default.
struct histogram_interval {
    /// Cycles of a window without any surviving pair: 1 in the engine that was simulated, 0 where
    /// such windows are skipped (the published model's parser).
    double empty_window_cycles = 1.0;
    /// Whether channels come to streams in their order, block b to stream b mod streams, as in the RTL;
    /// else they are dealt so that streams balance (`deal`).
    bool in_order = false;

    constexpr double window(int survivors, int macs) const {
        if (survivors == 0) return empty_window_cycles;
        return static_cast<double>((survivors + macs - 1) / macs);
    }
};

/// ceil((1 - S) M / N) with the layer's mean pair sparsity S [HASS, eq 1]. Neither windows nor
/// streams differ in it: off by 6-11 % on average and by up to 38 % against RTL. Not monotone in
/// what the hardware does, since it rounds once a layer. A quotient within 1e-9 above a whole
/// number counts as that number.
struct paper_interval {
    constexpr double layer(double pair_sparsity, int pairs, int macs) const {
        return detail::ceil((1.0 - pair_sparsity) * pairs / macs - 1e-9);
    }
};

/// max(1, M (1 - S) / N) x share of non-empty windows, per stream (PASS, early 2023): the mean
/// without rounding, a lower bound of the histogram form when empty windows are skipped.
struct mean_interval {
    constexpr double mean(double mean_survivors, double empty_share, int macs) const {
        return std::max(1.0, mean_survivors / macs) * (1.0 - empty_share);
    }
};

namespace detail {
template <class I>
concept WindowInterval = requires(const I& i, int n) {
    { i.window(n, n) } -> std::convertible_to<double>;
};
template <class I>
concept MeanInterval = requires(const I& i, double x, int n) {
    { i.mean(x, x, n) } -> std::convertible_to<double>;
};
template <class I>
concept LayerInterval = requires(const I& i, double x, int n) {
    { i.layer(x, n, n) } -> std::convertible_to<double>;
};
}  // namespace detail

/// Anything that says how long a window takes.
template <class I>
concept Interval = detail::WindowInterval<I> || detail::MeanInterval<I> || detail::LayerInterval<I>;

namespace detail {

/// Windows of one vector length, ready to be asked for the slowest stream's cycles.
template <Interval I>
class window_work {
  public:
    /// \param windows  measured, or nullptr: binomial windows of `density`, all streams alike
    constexpr window_work(const I& interval, const window_histogram* windows, int pairs,
                          double density)
        : interval_(interval), pairs_(pairs), density_(density) {
        if constexpr (LayerInterval<I>) {
            // the layer's mean is all that it reads
        } else if (windows == nullptr) {
            own_ = binomial_window(pairs, density);
            share_ = own_;
        } else {
            share_ = windows->share;
        }
        if constexpr (WindowInterval<I>) transpose();
        if constexpr (MeanInterval<I>) take_moments();
    }
    window_work(const window_work&) = delete;
    window_work& operator=(const window_work&) = delete;

    constexpr std::size_t blocks() const { return share_.size() / width(); }
    /// Whether the slowest stream depends on the number of streams.
    constexpr bool uniform() const {
        if constexpr (LayerInterval<I>) return true;
        return blocks() == 1;
    }

    /// From here on, for engines of `macs` multipliers.
    constexpr void set_macs(int macs) {
        macs_ = macs;
        if constexpr (LayerInterval<I>) {
            work_.assign(1, interval_.layer(1.0 - density_, pairs_, macs));
        } else if constexpr (WindowInterval<I>) {
            work_.assign(blocks(), 0.0);
            for (int z = 0; z <= pairs_; ++z) {
                const double cycles = interval_.window(z, macs);
                const double* share = by_pairs_.data() + static_cast<std::size_t>(z) * blocks();
                for (std::size_t b = 0; b < work_.size(); ++b) work_[b] += cycles * share[b];
            }
            if (!in_order()) slowest_first();
        } else {
            work_.assign(blocks(), 0.0);
            for (std::size_t b = 0; b < blocks(); ++b)
                work_[b] = interval_.mean(mean_[b], empty_[b], macs_);
        }
    }

    /// Expected cycles of a window in the slowest of `streams` streams.
    constexpr double slowest(std::size_t streams) {
        if (uniform()) streams = 1;
        if constexpr (WindowInterval<I> || LayerInterval<I>) {
            scratch_.assign(streams, 0.0);
            if (in_order()) {
                for (std::size_t b = 0; b < work_.size(); ++b) scratch_[b % streams] += work_[b];
                return *std::max_element(scratch_.begin(), scratch_.end()) *
                       static_cast<double>(streams) / static_cast<double>(work_.size());
            }
            if (streams == work_.size()) return work_.front();
            return slowest_stream(work_, streams, scratch_);
        } else {
            return slowest_of_means(streams);
        }
    }

  private:
    constexpr std::size_t width() const { return static_cast<std::size_t>(pairs_) + 1; }
    constexpr bool in_order() const {
        if constexpr (requires { interval_.in_order; })
            return interval_.in_order;
        else
            return false;
    }

    /// Lays the shares of all blocks with as many survivors side by side, blocks with the longest
    /// windows first: they are the slowest ones for most numbers of multipliers.
    constexpr void transpose() {
        take_moments();
        std::vector<std::pair<double, std::size_t>> order(blocks());
        for (std::size_t b = 0; b < order.size(); ++b) order[b] = {-mean_[b], b};
        if (!in_order()) std::sort(order.begin(), order.end());
        by_pairs_.assign(share_.size(), 0.0);
        for (std::size_t b = 0; b < order.size(); ++b)
            for (std::size_t z = 0; z < width(); ++z)
                by_pairs_[z * blocks() + b] = share_[order[b].second * width() + z];
    }

    /// Sorts `work_`, which is nearly sorted: by insertion as long as that is little work.
    constexpr void slowest_first() {
        std::size_t moves = 8 * work_.size();
        for (std::size_t i = 1; i < work_.size(); ++i) {
            const double value = work_[i];
            std::size_t at = i;
            for (; at > 0 && work_[at - 1] < value && moves > 0; --at, --moves)
                work_[at] = work_[at - 1];
            work_[at] = value;
        }
        if (moves == 0) std::sort(work_.begin(), work_.end(), std::greater<>{});
    }

    constexpr void take_moments() {
        mean_.assign(blocks(), 0.0);
        empty_.assign(blocks(), 0.0);
        for (std::size_t b = 0; b < blocks(); ++b) {
            const double* share = share_.data() + b * width();
            for (std::size_t z = 1; z < width(); ++z) mean_[b] += static_cast<double>(z) * share[z];
            empty_[b] = share[0];
        }
    }

    constexpr double slowest_of_means(std::size_t streams) {
        const std::vector<std::size_t> order = deal(work_, streams);
        scratch_.assign(2 * streams, 0.0);
        for (std::size_t place = 0; place < order.size(); ++place) {
            scratch_[place % streams] += mean_[order[place]];
            scratch_[streams + place % streams] += empty_[order[place]];
        }
        const auto rounds = static_cast<double>(order.size() / streams);
        double worst = 0.0;
        for (std::size_t s = 0; s < streams; ++s)
            worst = std::max(
                worst, interval_.mean(scratch_[s] / rounds, scratch_[streams + s] / rounds, macs_));
        return worst;
    }

    I interval_;
    int pairs_;
    double density_;
    int macs_ = 1;
    std::vector<double> own_{};
    std::span<const double> share_{};
    std::vector<double> by_pairs_{}, work_{}, scratch_{}, mean_{}, empty_{};
};

}  // namespace detail

/// Expected cycles of one window in the slowest of `streams` parallel streams, each engine with
/// `macs` multipliers: one number, computed from scratch.
/// \param interval  the policy
/// \param s         statistics of the layer; without windows of `vector` channels they are binomial
/// \param channels  input channels of the layer
/// \param taps      kernel taps of the layer
/// \param vector    adjacent channels in a window; a window has vector x taps pairs
/// \param streams   divides channels / vector
/// \param macs      N >= 1
/// \throws hass::error when the statistics do not fit the layer
template <Interval I>
constexpr double window_cycles(const I& interval, const layer_statistics& s, int channels, int taps,
                               int vector, int streams, int macs) {
    validate(s);
    const window_histogram* windows = s.windows_of(vector);
    if (windows != nullptr) validate_blocks(*windows, channels, taps);
    detail::window_work<I> work(interval, windows, vector * taps, 1.0 - s.pair_sparsity_padded);
    work.set_macs(macs);
    return work.slowest(static_cast<std::size_t>(streams));
}

/// The same numbers for every N and every number of streams, computed once and then read in O(1).
class interval_table {
  public:
    interval_table() = default;

    /// \param largest_macs  N runs from 1 to this
    /// Parameters and errors otherwise as in `window_cycles`. O(N blocks (M + log blocks +
    /// divisors)).
    template <Interval I>
    constexpr interval_table(const I& interval, const layer_statistics& s, int channels, int taps,
                             int vector, int largest_macs) {
        const window_histogram* windows = s.windows_of(vector);
        if (windows != nullptr) validate_blocks(*windows, channels, taps);
        detail::window_work<I> work(interval, windows, vector * taps, 1.0 - s.pair_sparsity_padded);
        const int blocks = work.uniform() ? 1 : channels / vector;
        const detail::int_list streams = detail::divisors(blocks);
        columns_ = streams.count;
        if (blocks > 1) {
            column_of_.assign(static_cast<std::size_t>(blocks) + 1, 0);
            for (std::size_t i = 0; i < streams.count; ++i)
                column_of_[static_cast<std::size_t>(streams.value[i])] =
                    static_cast<unsigned char>(i);
        }
        cycles_.reserve(static_cast<std::size_t>(largest_macs) * columns_);
        for (int macs = 1; macs <= largest_macs; ++macs) {
            work.set_macs(macs);
            for (const int n : streams)
                cycles_.push_back(work.slowest(static_cast<std::size_t>(n)));
        }
    }

    /// Expected cycles of one window in the slowest stream; arguments within the table.
    constexpr double operator()(int streams, int macs) const {
        const std::size_t column =
            column_of_.empty() ? 0 : column_of_[static_cast<std::size_t>(streams)];
        return cycles_[static_cast<std::size_t>(macs - 1) * columns_ + column];
    }

  private:
    std::size_t columns_ = 1;
    std::vector<unsigned char> column_of_{};  // number of streams -> column; empty: all alike
    std::vector<double> cycles_{};
};

}  // namespace hass
