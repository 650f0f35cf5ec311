/// \file exact.hpp
/// The optimal policy: smallest interval, then fewest DSPs, then fewest LUTs, each proved.
///
/// An interval is feasible if options that are fast enough fit the budget together, and a
/// larger one is feasible if a smaller one is, so the smallest is found by bisection over the
/// cycles that occur. To ask few and small questions:
///   1. every row is seen through a few price lists (`priced_options::prices`): the cheapest
///      option within an interval is one binary search (`ladder`). Sums of these over rows
///      reject intervals (what is dearer than the budget cannot fit), and the choice itself, when
///      it fits, accepts one: that brackets the optimum, often to a point
///   2. a option so dear that the others' cheapest would not fit beside it is left out, and
///      so is one that another one beats: a few dozen a row remain
///   3. `choice.hpp` decides the rest exactly
///
/// The board's link sets a floor of the interval (`link.hpp`). Where rows may read weights
/// off-chip, that floor depends on the choice: at an interval T weights may take no more than the
/// images leave
/// (`weight_room`), which grows with T, so that what is feasible at T is so above. Then the
/// optimum may lie between the cycles that occur: it is followed down from the best choice known,
/// each time with the room that a smaller interval leaves, until nothing is faster.
///
/// At the interval that is found, a row has a dozen options that no other one beats; among
/// these `choice.hpp` finds the fewest DSPs, and then LUTs.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/frontier.hpp>
#include <hass/explore/knapsack/chooser.hpp>
#include <hass/explore/policy.hpp>
#include <hass/pipeline/link_room.hpp>

namespace hass {

namespace detail {

/// For one row and each price list: the options that are cheaper than all faster ones, cheapest
/// first, down to the first that is within `floor` cycles. List 0 is the natural order (fewest
/// DSPs, then LUTs, ...), list l > 0 is price list l - 1.
struct ladder {
    struct step {
        double cycles;
        double price;
        std::uint32_t option;
    };
    static constexpr std::size_t lists = priced_options::prices.size() + 1;

    std::vector<step> steps;
    std::array<std::uint32_t, lists + 1> first{};
    double fastest = 0.0;
    double floor = 0.0;
    std::uint64_t version = 0;
    bool built = false;

    void build(const row_choice& row, double down_to) {
        steps.clear();
        floor = down_to;
        for (std::size_t l = 0; l < lists; ++l) {
            first[l] = static_cast<std::uint32_t>(steps.size());
            double best = std::numeric_limits<double>::infinity();
            const auto look = [&](double price, std::uint32_t k) {
                if (row.cycles[k] < best) {
                    best = row.cycles[k];
                    steps.push_back({best, price, k});
                }
                return best > floor;
            };
            const auto n = static_cast<std::uint32_t>(row.options->size());
            if (l == 0) {
                for (std::uint32_t k = 0; k < n && look(0.0, k); ++k) continue;
            } else {
                const priced_options::price_list& list = row.options->list(l - 1);
                for (std::uint32_t k = 0; k < n && look(list.price[k], list.option[k]); ++k)
                    continue;
            }
        }
        first[lists] = static_cast<std::uint32_t>(steps.size());
        version = row.version;
        built = true;
    }

    /// The cheapest option of list `l` within `interval` cycles (>= floor and >= fastest).
    const step& at(std::size_t l, double interval) const {
        const auto begin = steps.begin() + first[l];
        const auto end = steps.begin() + first[l + 1];
        return *std::lower_bound(begin, end, interval,
                                 [](const step& s, double limit) { return s.cycles > limit; });
    }
};

}  // namespace detail

/// See the head of the file. Deterministic. Needs are compared with a relative tolerance of 1e-12,
/// DSPs exactly when they are multiples of 1/4, LUTs to 1e-9; what is returned is within the budget
/// without any tolerance.
class exact {
  public:
    /// \param max_states      partial choices kept at once before a proof of the interval is given
    ///                        up (the gap is stated then)
    /// \param max_tie_states  the same for the proof that no design of that interval has fewer DSPs
    ///                        or LUTs; 0: only what bounds and local search give
    explicit exact(std::size_t max_states = 20000, std::size_t max_tie_states = 8)
        : max_states_(max_states), max_tie_states_(max_tie_states) {}

    allocation_choice operator()(const allocation_problem& problem) {
        problem_ = &problem;
        chooser_.reset(problem.budget, max_states_);
        climb();
        best_.clear();
        allocation_choice result;
        if (floor_ == infinity) {  // weights leave the link nothing
            result.proved_interval = infinity;
            result.obstacle = bandwidth_index;
            return result;
        }
        thrift proof;
        if (still_settled()) proof = spend_least(0, 1);
        if (proof.found) {
            result.proved_interval = high_;
        } else {
            settled_.interval = 0.0;
            settle(result);
            if (high_ == infinity) return result;
            if (result.proved_interval >= high_) remember();
            proof = spend_least(0, 1);
        }
        tell_obstacle(result);
        result.fewest_dsp = proof.first;
        result.fewest_lut = proof.second;
        result.least_dsp = proof.least;
        result.found = true;
        result.options = best_;
        return result;
    }

    /// The choice within `interval` cycles that needs least of resource `r` (an index into
    /// `resources`), then fewest DSPs; for r = DSP, then fewest LUTs.
    /// \returns found; `proved_interval` is `interval` then, otherwise infinite when it is proved
    /// that no choice is as fast, else the fastest row's bound; `least` and `minimal` of `r`
    allocation_choice least(const allocation_problem& problem, std::size_t r, double interval) {
        problem_ = &problem;
        chooser_.reset(problem.budget, max_states_);
        climb();
        allocation_choice result;
        result.proved_interval = infinity;
        if (interval < floor_) {
            if (interval < link_floor_) result.obstacle = bandwidth_index;
            return result;
        }
        high_ = interval;
        if (!accept_any(interval)) {
            offer_within(interval);
            const verdict answer = chooser_.feasible(infinity, limits_at(interval));
            result.obstacle = chooser_.obstacle();
            if (answer == verdict::unknown) result.proved_interval = floor_;
            if (answer != verdict::yes) return result;
            take(within_, chooser_.found());
        }
        const thrift proof = spend_least(r, r == 0 ? 1 : 0);
        result.proved_interval = interval;
        result.least = proof.least;
        result.minimal = proof.first;
        result.found = true;
        result.options = best_;
        return result;
    }

  private:
    using verdict = detail::verdict;
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    static constexpr double rounding = detail::chooser::rounding;

    /// Brings the ladders up to date; `floor_` is the fastest option of the slowest row, or what
    /// the link takes beside the least weights.
    void climb() {
        const auto& rows = problem_->rows;
        for (std::size_t l = 0; l < per_need_.size(); ++l)
            per_need_[l] = per_need(priced_options::prices[l]);
        ladders_.resize(rows.size());
        floor_ = 0.0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            detail::ladder& l = ladders_[i];
            if (!l.built || l.version != rows[i].version) {
                l.built = false;
                l.fastest = *std::min_element(rows[i].cycles.begin(), rows[i].cycles.end());
            }
            floor_ = std::max(floor_, l.fastest);
        }
        find_link_floor();
        floor_ = std::max(floor_, link_floor_);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            detail::ladder& l = ladders_[i];
            // a little deeper than needed now, so that the next floor needs no new ladder
            if (!l.built || l.floor > floor_) l.build(rows[i], 0.8 * floor_);
        }
    }

    /// Sets `link_floor_`, and whether the link's cycles depend on the choice (`coupled_`).
    void find_link_floor() {
        link_floor_ = 0.0;
        coupled_ = false;
        if (!(problem_->link.bits > 0.0) || problem_->link.gbit_s == infinity) return;
        constexpr std::size_t alone = bandwidth_index;  // its price list
        double least = 0.0;
        for (const row_choice& row : problem_->rows) {
            const std::vector<std::uint32_t>& order = row.options->list(alone).option;
            const std::vector<resource_vector>& costs = row.options->costs();
            least += costs[order.front()][bandwidth_index];
            coupled_ = coupled_ || costs[order.back()][bandwidth_index] !=
                                       costs[order.front()][bandwidth_index];
        }
        link_floor_ = problem_->link.cycles(least);
    }

    /// The budget of choices that the link carries within `interval` cycles.
    resource_vector limits_at(double interval) const {
        resource_vector limits = problem_->budget;
        if (coupled_) limits[bandwidth_index] = weight_room(problem_->link, interval);
        return limits;
    }

    /// Prices a share of the budget as prices a unit.
    resource_vector per_need(const resource_vector& price) const {
        resource_vector q{};
        for (std::size_t r = 0; r < q.size(); ++r)
            q[r] = problem_->budget[r] > 0.0 ? price[r] / problem_->budget[r] : 0.0;
        return q;
    }

    /// Sum over rows of the least price of list `l` within an interval.
    double least_price(std::size_t l, double interval) const {
        double sum = 0.0;
        for (const detail::ladder& row : ladders_) sum += row.at(l, interval).price;
        return sum;
    }

    /// Tries the cheapest choice of list `l` within an interval; keeps it when it fits and the link
    /// takes at most `link` cycles.
    bool accept(std::size_t l, double interval, double link) {
        trial_.resize(ladders_.size());
        resource_vector sum{};
        for (std::size_t i = 0; i < ladders_.size(); ++i) {
            trial_[i] = ladders_[i].at(l, interval).option;
            const resource_vector& need = problem_->rows[i].options->costs()[trial_[i]];
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need[r];
        }
        if (!detail::no_more(sum, problem_->budget)) return false;
        if (coupled_ && !(problem_->link.cycles(sum[bandwidth_index]) <= link)) return false;
        best_ = trial_;
        return true;
    }

    bool accept_any(double interval, double link) {
        // everything together, DSPs and LUTs together, LUTs alone, the natural order
        for (const std::size_t l : {std::size_t{9}, std::size_t{8}, std::size_t{2}, std::size_t{0}})
            if (accept(l, interval, link)) return true;
        // least bandwidth
        return coupled_ && accept(bandwidth_index + 1, interval, link);
    }
    bool accept_any(double interval) { return accept_any(interval, interval); }

    /// Finds the smallest interval, `high_`, and a choice that has it.
    void settle(allocation_choice& result) {
        bracket();
        result.proved_interval = floor_;
        if (high_ == infinity) find_any(result);
        if (high_ == infinity) return;
        if (high_ <= floor_ || (!coupled_ && nothing_between())) {
            result.proved_interval = high_;
        } else {
            narrow();
            search(result);
        }
    }

    /// Keeps the proof that nothing is faster than `high_`, for rows that change one by one.
    void remember() {
        const auto& rows = problem_->rows;
        settled_.interval = high_;
        settled_.budget = problem_->budget;
        settled_.link = problem_->link;
        settled_.price = per_need(chooser_.prices());
        settled_.versions.resize(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) settled_.versions[i] = rows[i].version;
        settled_.priced.assign(rows.size(), 0);
        settled_.least.assign(rows.size(), 0.0);
    }

    /// Whether the interval of the last call, of which few rows have changed, is still the
    /// smallest by the proof that was kept: a sum over rows. That may cost a fruitless look, but
    /// never changes the answer. Sets `high_`.
    bool still_settled() {
        const auto& rows = problem_->rows;
        settled& s = settled_;
        if (s.interval == 0.0 || s.interval < floor_ || s.versions.size() != rows.size() ||
            s.budget != problem_->budget || s.link != problem_->link)
            return false;
        std::size_t changed = 0;
        for (std::size_t i = 0; i < rows.size(); ++i)
            changed += s.versions[i] != rows[i].version ? 1 : 0;
        if (8 * changed > rows.size() + 7) return false;
        for (std::size_t i = 0; i < rows.size(); ++i) s.versions[i] = rows[i].version;
        high_ = s.interval;
        if (high_ == floor_) return true;
        const double below = std::max(floor_, std::nextafter(high_, 0.0));
        for (std::size_t l = 1; l < detail::ladder::lists; ++l)
            if (least_price(l, below) > 1.0 + rounding) return true;
        double sum = 0.0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (s.priced[i] != rows[i].version) {
                const std::vector<resource_vector>& costs = rows[i].options->costs();
                s.least[i] = infinity;
                for (std::size_t k = 0; k < costs.size(); ++k)
                    if (rows[i].cycles[k] < high_)
                        s.least[i] = std::min(s.least[i], detail::dot(s.price, costs[k]));
                s.priced[i] = rows[i].version;
            }
            sum += s.least[i];
        }
        return sum > 1.0 + rounding;
    }

    double interval_of(const detail::selection& s) const {
        double interval = 0.0;
        for (std::size_t i = 0; i < s.size(); ++i)
            interval = std::max(interval, problem_->rows[i].cycles[s[i]]);
        if (!coupled_) return std::max(interval, link_floor_);
        return std::max(interval, problem_->link.cycles(total(s)[bandwidth_index]));
    }

    /// Finds `low_` < the optimum <= `high_` through the ladders alone: every interval <= `low_` is
    /// infeasible, and `best_` is a choice of interval `high_`, unless that is infinite.
    void bracket() {
        low_ = std::nextafter(floor_, 0.0);
        high_ = infinity;
        double top = floor_;  // at this interval every row may take its cheapest option
        for (const detail::ladder& row : ladders_)
            for (std::size_t l = 0; l < detail::ladder::lists; ++l)
                top = std::max(top, row.steps[row.first[l]].cycles);
        for (std::size_t l = 1; l < detail::ladder::lists; ++l) {
            const auto rejects = [&](double t) { return least_price(l, t) > 1.0 + rounding; };
            if (!rejects(std::max(low_, floor_))) continue;
            double bad = std::max(low_, floor_);
            double good = top;
            if (rejects(good)) {
                low_ = infinity;
                obstacle_ = l - 1;
                return;
            }
            while (good > bad * 1.00005) {
                const double t = std::sqrt(bad * good);
                (rejects(t) ? bad : good) = t;
            }
            low_ = bad;
        }
        // an interval little above that one of the cheapest choices meets
        double bad = std::max(low_, floor_);
        if (accept_any(bad)) {
            high_ = interval_of(best_);
            return;
        }
        if (!accept_any(top, std::numeric_limits<double>::max())) return;
        high_ = interval_of(best_);
        while (high_ > bad * 1.0005) {
            const double t = std::sqrt(bad * std::min(high_, 1.5 * bad));
            if (accept_any(t))
                high_ = interval_of(best_);
            else
                bad = t;
        }
    }

    /// Collects the options that can be part of a choice within `interval` cycles that fits.
    void collect(double interval) {
        constexpr std::size_t prices = priced_options::prices.size();
        std::array<double, prices> slack{};
        for (std::size_t l = 0; l < prices; ++l)
            slack[l] = 1.0 + 2.0 * rounding - least_price(l + 1, interval);
        candidates_.clear();
        candidates_of_.assign(1, 0);
        for (std::size_t i = 0; i < ladders_.size(); ++i) {
            const priced_options& options = *problem_->rows[i].options;
            const std::span<const double> cycles = problem_->rows[i].cycles;
            std::array<double, prices> limit{};
            std::size_t narrowest = 0;
            std::size_t count = options.size() + 1;
            for (std::size_t l = 0; l < prices; ++l) {
                limit[l] = ladders_[i].at(l + 1, interval).price + slack[l];
                const std::vector<double>& price = options.list(l).price;
                const auto end = std::upper_bound(price.begin(), price.end(), limit[l]);
                const auto n = static_cast<std::size_t>(end - price.begin());
                if (n < count) count = n, narrowest = l;
            }
            const resource_vector most = limits_of_needs(limit);
            for (std::size_t k = 0; k < count; ++k) {
                const std::uint32_t option = options.list(narrowest).option[k];
                if (cycles[option] <= interval && detail::no_more(options.costs()[option], most) &&
                    within_mixes(options.costs()[option], limit))
                    candidates_.push_back(option);
            }
            candidates_of_.push_back(candidates_.size());
        }
    }

    /// Hands the candidates to the chooser, less those that another one beats; those within `clamp`
    /// cycles count as equally fast.
    void offer(double clamp) {
        rows_.resize(ladders_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::span<std::uint32_t> mine = candidates(i);
            std::sort(mine.begin(), mine.end());
            keep_unbeaten(*problem_->rows[i].options, problem_->rows[i].cycles, mine, clamp,
                          rows_[i]);
        }
        chooser_.bind(rows_);
    }

    std::span<std::uint32_t> candidates(std::size_t i) {
        return {candidates_.data() + candidates_of_[i], candidates_of_[i + 1] - candidates_of_[i]};
    }

    /// Strikes out candidates that cannot be part of a choice that fits, by the bound at `prices`,
    /// a share of the budget each.
    void strike(const resource_vector& prices) {
        const resource_vector q = per_need(prices);
        values_.resize(candidates_.size());
        least_.assign(ladders_.size(), infinity);
        double sum = 0.0;
        for (const double p : prices) sum -= p;
        for (std::size_t i = 0; i < ladders_.size(); ++i) {
            const std::vector<resource_vector>& costs = problem_->rows[i].options->costs();
            for (std::size_t k = candidates_of_[i]; k < candidates_of_[i + 1]; ++k) {
                values_[k] = detail::dot(q, costs[candidates_[k]]);
                least_[i] = std::min(least_[i], values_[k]);
            }
            sum += least_[i];
        }
        const double slack = 1e-9 - sum;
        std::size_t kept = 0;
        std::size_t begin = 0;
        for (std::size_t i = 0; i < ladders_.size(); ++i) {
            for (std::size_t k = begin; k < candidates_of_[i + 1]; ++k)
                if (values_[k] - least_[i] <= slack) candidates_[kept++] = candidates_[k];
            begin = candidates_of_[i + 1];
            candidates_of_[i + 1] = kept;
        }
        candidates_.resize(kept);
    }

    /// What the ladders offer within `interval`: a small problem whose answers are good ones of the
    /// whole.
    void offer_rungs(double interval) {
        rows_.resize(ladders_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            std::array<std::uint32_t, detail::ladder::lists> rungs{};
            for (std::size_t l = 0; l < rungs.size(); ++l)
                rungs[l] = ladders_[i].at(l, interval).option;
            std::sort(rungs.begin(), rungs.end());
            keep_unbeaten(*problem_->rows[i].options, problem_->rows[i].cycles, rungs, interval,
                          rows_[i]);
        }
        chooser_.bind(rows_);
    }

    /// Price limits of single resources as limits of their needs.
    resource_vector limits_of_needs(
        const std::array<double, priced_options::prices.size()>& limit) const {
        resource_vector most{};
        for (std::size_t r = 0; r < most.size(); ++r)
            most[r] = limit[r] * problem_->budget[r] * (1.0 + rounding);
        return most;
    }

    bool within_mixes(const resource_vector& need,
                      const std::array<double, priced_options::prices.size()>& limit) const {
        bool within = true;
        for (std::size_t l = resources.size(); l < priced_options::prices.size(); ++l)
            within = within && detail::dot(per_need_[l], need) <= limit[l] + rounding;
        return within;
    }

    /// The candidates (ascending) that no other one beats, as a frontier.
    static void keep_unbeaten(const priced_options& options, std::span<const double> cycles,
                              std::span<const std::uint32_t> candidates, double clamp,
                              frontier& f) {
        constexpr std::size_t look_back = 128;  // beaten ones that stay are harmless
        f.options.clear();
        for (const std::uint32_t k : candidates) {
            const double c = std::max(cycles[k], clamp);
            const resource_vector& need = options.costs()[k];
            bool beaten = false;
            const std::size_t stop =
                f.options.size() > look_back ? f.options.size() - look_back : 0;
            for (std::size_t j = f.options.size(); j-- > stop && !beaten;)
                beaten = f.options[j].cycles <= c && detail::no_more(f.options[j].need, need);
            if (!beaten) f.options.push_back({c, need, k});
        }
        detail::order_points(f);
    }

    /// Options of the chooser's answer, which are points of `rows`.
    void take_answer() { take(rows_, chooser_.found()); }
    void take(std::span<const frontier> rows, const detail::selection& points) {
        best_.resize(points.size());
        for (std::size_t i = 0; i < points.size(); ++i) best_[i] = rows[i].options[points[i]].index;
    }

    /// Moves `low_` and `high_` together: answers of the small problem of rungs lower `high_`; the
    /// prices at which it has none raise `low_`, if they reject the whole problem too, and strike
    /// out candidates in any case.
    void narrow() {
        collect(high_);
        chooser_.set_max_states(0);
        double low = low_;  // infeasible, or not decided here
        for (int round = 0; round < 16 && high_ > 1.0005 * low; ++round) {
            const double middle = std::max(floor_, std::sqrt(low * high_));
            offer_rungs(middle);
            if (chooser_.feasible(infinity, limits_at(middle)) == verdict::yes) {
                take_answer();
                high_ = interval_of(best_);
                keep_within(high_);
                continue;
            }
            strike(chooser_.prices());
            raise_low(chooser_.prices());
            low = std::max(middle, low_);
        }
        chooser_.set_max_states(max_states_);
    }

    /// Whether neither a row nor the link has an interval within (`low_`, `high_`): `high_` is the
    /// optimum where the link's does not depend on the choice.
    bool nothing_between() const {
        if (low_ < floor_ && floor_ < high_) return false;
        for (const row_choice& row : problem_->rows) {
            bool between = false;
            for (const double c : row.cycles) between |= c > low_ && c < high_;
            if (between) return false;
        }
        return true;
    }

    void keep_within(double interval) {
        std::size_t kept = 0;
        std::size_t begin = 0;
        for (std::size_t i = 0; i < ladders_.size(); ++i) {
            const std::span<const double> cycles = problem_->rows[i].cycles;
            for (std::size_t k = begin; k < candidates_of_[i + 1]; ++k)
                if (cycles[candidates_[k]] <= interval) candidates_[kept++] = candidates_[k];
            begin = candidates_of_[i + 1];
            candidates_of_[i + 1] = kept;
        }
        candidates_.resize(kept);
    }

    /// Raises `low_` to the largest interval below `high_` that these prices reject.
    void raise_low(const resource_vector& prices) {
        const resource_vector q = per_need(prices);
        stairs_.clear();
        stairs_of_.assign(1, 0);
        for (std::size_t i = 0; i < ladders_.size(); ++i) {
            const row_choice& row = problem_->rows[i];
            const std::size_t first = stairs_.size();
            double base = infinity;
            for (const std::uint32_t k : candidates(i))
                if (row.cycles[k] <= low_)
                    base = std::min(base, detail::dot(q, row.options->costs()[k]));
            stairs_.push_back({-infinity, base});
            for (const std::uint32_t k : candidates(i))
                if (row.cycles[k] > low_) {
                    const double price = detail::dot(q, row.options->costs()[k]);
                    if (price < base) stairs_.push_back({row.cycles[k], price});
                }
            std::sort(stairs_.begin() + static_cast<std::ptrdiff_t>(first), stairs_.end());
            for (std::size_t k = first + 1; k < stairs_.size(); ++k)
                stairs_[k].second = std::min(stairs_[k].second, stairs_[k - 1].second);
            stairs_of_.push_back(stairs_.size());
        }
        const auto rejects = [&](double t) {
            double sum = 0.0;
            for (std::size_t i = 0; i < ladders_.size(); ++i) {
                const auto begin = stairs_.begin() + static_cast<std::ptrdiff_t>(stairs_of_[i]);
                const auto end = stairs_.begin() + static_cast<std::ptrdiff_t>(stairs_of_[i + 1]);
                const auto slower = std::upper_bound(
                    begin, end, t,
                    [](double limit, const auto& step) { return limit < step.first; });
                sum += std::prev(slower)->second;
            }
            return sum > 1.0 + rounding;
        };
        double bad = low_;
        double good = high_;
        while (good > 1.0002 * bad) {
            const double t = std::sqrt(bad * good);
            (rejects(t) ? bad : good) = t;
        }
        low_ = bad;
    }

    /// When no ladder offers a choice that fits: decides whether there is one. What has none is not
    /// looked at again: that does not depend on cycles.
    void find_any(allocation_choice& result) {
        result.obstacle = obstacle_;
        result.proved_interval = infinity;
        if (low_ == infinity) return;
        if (hopeless_.is(*problem_)) {
            result.obstacle = hopeless_.obstacle;
            if (!hopeless_.proved) result.proved_interval = floor_;
            return;
        }
        offer_within(infinity);
        const verdict any = chooser_.feasible(infinity, limits_at(infinity));
        if (any == verdict::yes) {
            take(within_, chooser_.found());
            high_ = interval_of(best_);
            return;
        }
        result.obstacle = chooser_.obstacle();
        if (any == verdict::unknown) result.proved_interval = floor_;
        hopeless_ = {{}, problem_->budget, problem_->link, result.obstacle, any == verdict::no};
        for (const row_choice& row : problem_->rows) hopeless_.rows.push_back(row.options);
    }

    /// Bisection between `low_` and `high_`, then the proof that nothing is below `high_`.
    void search(allocation_choice& result) {
        constexpr std::size_t few = 200;
        double proved = low_;
        double low = low_;  // infeasible, or given up
        bool priced = false;
        const auto ask = [&](double t) {
            verdict answer = priced && !coupled_ ? chooser_.glance(t) : verdict::unknown;
            if (answer == verdict::unknown) {
                answer = chooser_.feasible(t, limits_at(t));
                if (!coupled_) chooser_.price_all();
                priced = true;
            }
            if (answer == verdict::yes) {
                take_answer();
                high_ = interval_of(best_);
            }
            if (answer == verdict::no) proved = std::max(proved, t);
            return answer;
        };
        offer(std::max(low_, floor_));
        chooser_.set_max_states(std::min(few, max_states_));
        while (high_ > floor_) {
            const double next = detail::next_candidate(rows_, low);
            if (next >= high_) break;
            const double t = std::max(next, detail::last_candidate(rows_, std::sqrt(low * high_)));
            if (ask(t) != verdict::yes) low = t;
        }
        // what is infeasible just below is infeasible further down
        chooser_.set_max_states(max_states_);
        if (coupled_) return follow_down(result, proved);
        while (high_ > floor_) {
            const double below = detail::last_candidate(rows_, std::nextafter(high_, 0.0));
            if (below <= proved || ask(below) != verdict::yes) break;
        }
        result.proved_interval =
            high_ > floor_ ? std::min(high_, detail::next_candidate(rows_, proved)) : floor_;
    }

    /// From `high_` down to the smallest interval, where that may be the link's for some choice.
    /// \param proved  every interval up to there is infeasible
    void follow_down(allocation_choice& result, double proved) {
        constexpr std::size_t few = 200;
        result.proved_interval = std::max(floor_, std::min(proved, high_));
        while (high_ > floor_) {
            // what is faster has rows within `below`, and weights that leave room for that
            const double sooner = std::nextafter(high_, 0.0);
            const double below = std::max(floor_, detail::last_candidate(rows_, sooner));
            const resource_vector caps = limits_at(sooner);
            const verdict any = chooser_.feasible(below, caps);
            if (any == verdict::no) result.proved_interval = high_;
            if (any != verdict::yes) return;
            const detail::selection found = chooser_.found();
            take(rows_, found);
            high_ = interval_of(best_);
            // most often the least weights of all are next
            chooser_.set_max_states(std::min(few, max_states_));
            double bound = 0.0;
            chooser_.minimise(bandwidth_index, below, caps, found, bound);
            chooser_.set_max_states(max_states_);
            if (chooser_.found().empty()) continue;
            const detail::selection before = best_;
            take(rows_, chooser_.found());
            if (const double reached = interval_of(best_); reached < high_)
                high_ = reached;
            else
                best_ = before;
        }
        result.proved_interval = floor_;
    }

    /// The resource that forbids what is just below `high_`: the first that the rows' least needs
    /// exceed, else the one they come closest to.
    void tell_obstacle(allocation_choice& result) const {
        result.obstacle = 0;
        if (high_ <= floor_) return;
        const double below = std::max(floor_, std::nextafter(high_, 0.0));
        std::array<double, resources.size()> least{};
        for (std::size_t l = 0; l < least.size(); ++l) least[l] = least_price(l + 1, below);
        if (coupled_) {  // of what the images leave
            const double left =
                weight_room(problem_->link, below) / problem_->budget[bandwidth_index];
            least[bandwidth_index] =
                left > 0.0 ? least[bandwidth_index] / left : std::numeric_limits<double>::max();
        }
        for (std::size_t l = 0; l < least.size() && least[result.obstacle] <= 1.0 + rounding; ++l)
            if (least[l] > least[result.obstacle]) result.obstacle = l;
    }

    /// What `spend_least` has proved.
    struct thrift {
        bool found = false;   ///< there is a choice within the interval at all
        bool first = false;   ///< nothing within the interval needs less of the first resource
        bool second = false;  ///< ... and, as little of the first, less of the second
        double least = 0.0;   ///< bound of the need of the first
    };

    /// Among the choices within `high_`, one that needs least of `first`, then of `second`. Depends
    /// on nothing but what `offer_within` offers, so that it is not asked twice for the same.
    thrift spend_least(std::size_t first, std::size_t second) {
        offer_within(high_);
        const resource_vector limits = limits_at(high_);
        if (spent_.first != first || spent_.limits != limits ||
            spent_.builds != problem_->bram18_from_lut) {
            spent_.proof = choose_least(first, second, limits);
            if (!spent_.proof.found) return spent_.proof;
            spent_.first = first;
            spent_.limits = limits;
            spent_.builds = problem_->bram18_from_lut;
            spent_.options = best_;
        }
        best_ = spent_.options;
        return spent_.proof;
    }

    thrift choose_least(std::size_t first, std::size_t second, const resource_vector& limits) {
        thrift proof;
        resource_vector caps = limits;
        detail::selection fewest(within_.size(), 0);  // DSPs, then LUTs, row by row
        if (first == 0 && second == 1 && detail::no_more(chooser_.total(fewest), caps) &&
            !builds_bram18(chooser_.total(fewest))) {
            take(within_, fewest);
            proof = {true, true, true, total(best_)[first]};
            return proof;
        }
        chooser_.reset(problem_->budget, max_tie_states_);
        double bound = 0.0;
        fewest.clear();
        proof.first = minimise(first, caps, fewest, bound);
        if (fewest.empty()) {
            chooser_.set_max_states(max_states_);
            if (chooser_.feasible(infinity, limits) == verdict::yes)
                fewest = chooser_.found();
            else if (best_.size() == within_.size() && interval_of(best_) <= high_)
                fewest = points_of(within_, best_);
            else
                return proof;
            chooser_.set_max_states(max_tie_states_);
            proof.first = minimise(first, caps, fewest, bound);
        }
        proof.found = true;
        const double reached = taken(first, chooser_.total(fewest));
        proof.least = proof.first ? reached : std::min(reached, bound);
        take(within_, fewest);
        // of what is left, the least of the second
        cap(first, reached, caps);
        offer_survivors(fewest, first != 1 || !problem_->bram18_from_lut);
        if (!proof.first) chooser_.set_max_states(0);
        fewest = points_of(rows_, best_);
        const bool second_proved = minimise(second, caps, fewest, bound);
        proof.second = proof.first && second_proved;
        take(rows_, fewest);
        return proof;
    }

    /// What a design with these needs takes of a resource.
    double taken(std::size_t r, const resource_vector& needs) const {
        return r == 1 ? problem_->lut(needs) : needs[r];
    }

    bool builds_bram18(const resource_vector& needs) const {
        return problem_->lut(needs) > needs[1];
    }

    /// Limits what may be taken of a resource.
    void cap(std::size_t r, double most, resource_vector& caps) const {
        caps[r] = std::min(caps[r], most);
        if (r == 1 && problem_->bram18_from_lut)
            caps[bram18_index] =
                std::min(caps[bram18_index], most + problem_->bram18(problem_->budget));
    }

    /// Makes `s`, which fits `caps`, the choice among the offered points that takes least of `r`.
    /// LUTs and those for missing block RAMs together are no sum over rows, so choices with fewest
    /// LUTs of their own are found again and again, each within less of both than the last one
    /// took, until there is none.
    /// \returns whether it is proved; `bound` is a proven lower bound in any case
    bool minimise(std::size_t r, const resource_vector& caps, detail::selection& s, double& bound) {
        constexpr int rounds = 32;
        const bool proved = chooser_.minimise(r, high_, caps, s, bound) == verdict::yes;
        const auto take_if_less = [&] {
            const detail::selection& found = chooser_.found();
            if (taken(r, chooser_.total(found)) < taken(r, chooser_.total(s))) s = found;
        };
        if (chooser_.found().empty()) return false;
        if (s.empty()) s = chooser_.found();
        if (r != 1 || !builds_bram18(chooser_.total(chooser_.found()))) {
            s = chooser_.found();
            return proved;
        }
        take_if_less();
        for (int round = 0; round < rounds; ++round) {
            const double reached = taken(r, chooser_.total(s));
            resource_vector less = caps;
            cap(r, reached - 1e-9 * (1.0 + std::abs(reached)), less);
            const verdict any = chooser_.feasible(high_, less);
            if (any == verdict::no) {
                bound = reached;
                return true;
            }
            if (any == verdict::unknown) return false;
            s = chooser_.found();
            double ignored = 0.0;
            chooser_.minimise(r, high_, less, s, ignored);
            take_if_less();
        }
        return false;
    }

    resource_vector total(const detail::selection& s) const {
        resource_vector sum{};
        for (std::size_t i = 0; i < s.size(); ++i)
            for (std::size_t r = 0; r < sum.size(); ++r)
                sum[r] += problem_->rows[i].options->costs()[s[i]][r];
        return sum;
    }

    /// Hands the chooser what is within `interval` cycles and not beaten by anything else that is.
    /// That depends on the row alone and is kept while neither changes.
    void offer_within(double interval) {
        const auto alike = [](const frontier_option& a, const frontier_option& b) {
            return a.index == b.index && a.need == b.need;
        };
        bool same = within_.size() == ladders_.size();
        within_.resize(ladders_.size());
        within_of_.resize(ladders_.size(), {0, -1.0});
        for (std::size_t i = 0; i < within_.size(); ++i) {
            const row_choice& row = problem_->rows[i];
            if (within_of_[i] == std::pair{row.version, interval}) continue;
            within_of_[i] = {row.version, interval};
            before_.swap(within_[i].options);
            unbeaten_within(row, interval, within_[i]);
            same = same && std::ranges::equal(before_, within_[i].options, alike);
        }
        if (!same) spent_.first = resources.size();
        chooser_.bind(within_);
    }

    static void unbeaten_within(const row_choice& row, double interval, frontier& f) {
        const std::vector<resource_vector>& costs = row.options->costs();
        f.options.clear();
        for (std::uint32_t k = 0; k < costs.size(); ++k) {
            if (row.cycles[k] > interval) continue;
            bool beaten = false;
            for (std::size_t j = f.options.size(); j-- > 0 && !beaten;)
                beaten = detail::no_more(f.options[j].need, costs[k]);
            if (!beaten) f.options.push_back({interval, costs[k], k});
        }
        detail::order_points(f);
    }

    /// Hands the chooser what its last minimum left over of `within_`, or everything, and the
    /// choice `s` of that in any case.
    void offer_survivors(const detail::selection& s, bool only) {
        rows_.resize(within_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            rows_[i].options.clear();
            for (std::uint32_t k = 0; k < within_[i].options.size(); ++k)
                if (!only || k == s[i] || chooser_.left(i, k))
                    rows_[i].options.push_back(within_[i].options[k]);
            detail::order_points(rows_[i]);
        }
        chooser_.bind(rows_);
    }

    /// The points of `rows` that are these options, or beat them.
    detail::selection points_of(std::span<const frontier> rows,
                                const detail::selection& options) const {
        detail::selection points(options.size(), 0);
        for (std::size_t i = 0; i < options.size(); ++i) {
            const resource_vector& need = problem_->rows[i].options->costs()[options[i]];
            while (!detail::no_more(rows[i].options[points[i]].need, need)) ++points[i];
        }
        return points;
    }

    std::size_t max_states_;
    std::size_t max_tie_states_;
    detail::chooser chooser_;
    const allocation_problem* problem_ = nullptr;
    std::array<resource_vector, priced_options::prices.size()> per_need_{};
    std::vector<detail::ladder> ladders_;  // kept between calls: rows that did not change
    /// The last optimum and the prices that prove it.
    struct settled {
        double interval = 0.0;  ///< 0: none
        resource_vector budget{};
        image_link link{};
        resource_vector price{};              ///< per unit of need
        std::vector<std::uint64_t> versions;  ///< of the rows at the last call
        std::vector<double> least;            ///< least price of a faster option, row by row ...
        std::vector<std::uint64_t> priced;    ///< ... of that version of the row
    };
    settled settled_;
    /// Rows of which no choice fits, as far as is known.
    struct hopeless {
        std::vector<const priced_options*> rows;
        resource_vector budget{};
        image_link link{};
        std::size_t obstacle = 0;
        bool proved = false;

        bool is(const allocation_problem& p) const {
            return budget == p.budget && link == p.link &&
                   std::equal(
                       rows.begin(), rows.end(), p.rows.begin(), p.rows.end(),
                       [](const priced_options* a, const row_choice& b) { return a == b.options; });
        }
    };
    hopeless hopeless_;
    double floor_ = 0.0;
    double link_floor_ = 0.0;  ///< what the link takes beside the least weights
    bool coupled_ = false;     ///< whether what the link takes depends on the choice
    double low_ = 0.0;
    double high_ = 0.0;
    std::size_t obstacle_ = 0;
    detail::selection best_;
    std::vector<frontier> within_;  ///< see `offer_within`; of these versions and intervals
    std::vector<std::pair<std::uint64_t, double>> within_of_;
    /// The last answer of `spend_least`, as long as it holds.
    struct spent {
        std::size_t first = resources.size();  ///< what was minimised; that many: nothing
        resource_vector limits{};
        bool builds = false;  ///< block RAMs from LUTs
        thrift proof{};
        detail::selection options;
    };
    spent spent_;
    // scratch
    detail::selection trial_;
    std::vector<frontier> rows_;
    std::vector<frontier_option> before_;
    std::vector<std::uint32_t> candidates_;
    std::vector<std::size_t> candidates_of_;
    std::vector<double> values_;
    std::vector<double> least_;
    std::vector<std::pair<double, double>> stairs_;
    std::vector<std::size_t> stairs_of_;
};

}  // namespace hass
