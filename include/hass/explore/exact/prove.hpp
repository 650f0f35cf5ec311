/// \file prove.hpp
/// The smallest interval of a bracket, and the proof that there is no smaller one: bisection over
/// the cycles that occur, with questions to `chooser`.
///
/// Where the link's cycles depend on the choice, the optimum may lie between the cycles that occur.
/// Then it is followed down from the best choice known, each time with the room that a smaller
/// interval leaves, until nothing is faster.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include <hass/explore/exact/bracket.hpp>
#include <hass/explore/exact/minimum.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/linked_problem.hpp>

namespace hass::detail {

/// A choice of smallest interval, as far as that is proved.
struct optimum {
    double interval = std::numeric_limits<double>::infinity();  ///< infinite: none was found
    selection options{};
    double proved_interval = 0.0;  ///< no choice has a smaller one
    std::size_t obstacle = 0;      ///< where none was found: the resource in the way
};

/// One search; see the head of the file.
class interval_search {
  public:
    /// \param floor       no choice has a smaller interval
    /// \param rows        what can be part of the optimum
    /// \param c           the prices that it has are the first it tries
    /// \param max_states  of the proof
    interval_search(const linked_problem& p, double floor, std::span<const frontier> rows,
                    chooser& c, std::size_t max_states)
        : problem_(p), floor_(floor), rows_(rows), chooser_(c), max_states_(max_states) {
        chooser_.bind(rows);
    }

    optimum operator()(bracket b) {
        proved_ = b.low;
        best_ = std::move(b);
        chooser_.set_max_states(problem_.coupled ? std::min(few, max_states_) : 0);
        bisect();
        chooser_.set_max_states(max_states_);
        const double proved = problem_.coupled ? follow_down() : descend();
        return {best_.high, std::move(best_.best), proved};
    }

  private:
    static constexpr std::size_t few = 100;  // partial choices, while no proof is needed
    static constexpr double little = 1e-4;   // of an interval: not worth many

    /// Whether something within `interval` fits; if so, `best_` is that.
    verdict ask(double interval) {
        verdict answer = verdict::unknown;
        if (priced_) answer = chooser_.glance(interval);
        if (answer == verdict::unknown) {
            answer = chooser_.feasible(interval, problem_.limits_at(interval));
            if (!problem_.coupled) chooser_.price_all(), priced_ = true;
        }
        if (answer == verdict::yes) best_.take(problem_, options_at(rows_, chooser_.found()));
        if (answer == verdict::no) proved_ = std::max(proved_, interval);
        if (answer == verdict::unknown) undecided_ = std::min(undecided_, interval);
        return answer;
    }

    void bisect() {
        double low = best_.low;  // infeasible, or given up
        while (best_.high > floor_) {
            const double next = next_candidate(rows_, low);
            if (next >= best_.high) break;
            const double middle =
                std::max(next, last_candidate(rows_, std::sqrt(low * best_.high)));
            if (ask(middle) != verdict::yes) low = middle;
        }
    }

    /// From cycles to cycles that occur, with longer and longer steps, until nothing is found: what is
    /// infeasible just below is infeasible further down.
    /// \returns the proved interval
    double descend() {
        chooser_.set_max_states(std::min(few, max_states_));
        chooser_.set_proof_only(!worth_a_search());
        verdict next = verdict::yes;
        for (int steps = 1; best_.high > floor_;) {
            const double below = faster(steps);
            if (below <= proved_) {
                if (steps == 1) break;
                steps = 1;
                continue;
            }
            next = ask(below);
            if (next == verdict::yes)
                steps *= 2;
            else if (steps > 1)
                steps = 1;
            else
                break;
        }
        if (best_.high <= floor_) return floor_;
        if (next == verdict::unknown && worth_a_search()) {
            chooser_.set_max_states(max_states_);
            chooser_.set_proof_only(true);
            while (best_.high > floor_ && ask(faster(1)) == verdict::yes) continue;
            if (next_candidate(rows_, proved_) < best_.high) narrow_gap();
        }
        chooser_.set_proof_only(false);
        return std::min(best_.high, next_candidate(rows_, proved_));
    }

    /// Whether what is left between the best choice and the proof is worth many partial choices.
    bool worth_a_search() const {
        return best_.high > (1.0 + little) * std::max(next_candidate(rows_, proved_), floor_);
    }

    /// Cycles that occur, that many steps below the best.
    double faster(int steps) const {
        double below = best_.high;
        for (; steps > 0 && below > floor_; --steps)
            below = last_candidate(rows_, std::nextafter(below, 0.0));
        return below;
    }

    /// Where no proof was found: what can be rejected below what could not be decided.
    void narrow_gap() {
        chooser_.set_max_states(0);
        double high = undecided_;
        for (int round = 0; round < 12; ++round) {
            const double next = next_candidate(rows_, proved_);
            if (next >= high) break;
            const double low = std::max(proved_, floor_);
            const double middle = std::max(next, last_candidate(rows_, std::sqrt(low * high)));
            if (ask(middle) != verdict::no) high = middle;
        }
        // one long look at what is next
        chooser_.set_max_states(max_states_);
        const double next = next_candidate(rows_, proved_);
        if (next < best_.high) ask(next);
    }

    /// The same where the smallest interval may be the link's for some choice.
    double follow_down() {
        double proved = std::max(floor_, std::min(proved_, best_.high));
        while (best_.high > floor_) {
            // what is faster has rows within `below`, and weights that leave room for that
            const double sooner = std::nextafter(best_.high, 0.0);
            const double below = std::max(floor_, last_candidate(rows_, sooner));
            const resource_vector caps = problem_.limits_at(sooner);
            const verdict any = chooser_.feasible(below, caps);
            if (any == verdict::no) proved = best_.high;
            if (any != verdict::yes) return proved;
            const selection found = chooser_.found();
            best_.take(problem_, options_at(rows_, found));
            // most often the least weights of all are next
            chooser_.set_max_states(std::min(few, max_states_));
            const minimum lightest =
                minimum_of(chooser_, objective::need_of(bandwidth_index), below, caps, found);
            chooser_.set_max_states(max_states_);
            if (lightest.points.empty()) continue;
            selection options = options_at(rows_, lightest.points);
            if (problem_.interval_of(options) < best_.high)
                best_.take(problem_, std::move(options));
        }
        return floor_;
    }

    const linked_problem& problem_;
    double floor_;
    std::span<const frontier> rows_;
    chooser& chooser_;
    std::size_t max_states_;
    bracket best_{};
    double proved_ = 0.0;  // every interval up to there is infeasible
    double undecided_ =
        std::numeric_limits<double>::infinity();  // the least that was asked in vain
    bool priced_ = false;                         // `chooser_` has prices of all points
};

/// The smallest interval of the bracket `b`; the parameters are those of `interval_search`.
inline optimum prove(const linked_problem& p, double floor, std::span<const frontier> rows,
                     bracket b, chooser& c, std::size_t max_states) {
    return interval_search(p, floor, rows, c, max_states)(std::move(b));
}

}  // namespace hass::detail
