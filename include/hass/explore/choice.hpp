/// \file choice.hpp
/// The problem inside the allocator: choose one point a row so that the needs of all rows together
/// stay within a budget of several resources. (In the literature: the multi-dimensional
/// multiple-choice knapsack problem.) Two questions are answered, both exactly:
///
///     feasible(I)     is there a choice in which no row takes more than I cycles?
///     minimise(r, I)  which of those choices needs least of resource r?
///
/// Method, from cheap to expensive; each step is a proof and the first that decides ends it:
///   1. sums of least needs, resource by resource
///   2. Lagrangian bound: for prices p >= 0 the rows separate, and
///      sum_i min_k p.need_ik <= p.budget holds for whatever fits. The best prices are found by
///      multiplicative weights (feasible) or cutting planes (minimise); choices that are cheapest
///      on the way, rounded and repaired row by row, are tried as answers
///   3. points that cannot be part of an answer because of that bound are struck out
///   4. dynamic programming over the rows that are left; partial choices are dropped when the bound
///      or another partial choice beats them. At first only resources that have a price count: what
///      is proved with less to observe holds all the more
/// Step 4 keeps at most `max_states` partial choices; when that is not enough the answer is
/// `unknown` (or comes with a bound) instead of wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <hass/explore/cutting_planes.hpp>
#include <hass/explore/frontier.hpp>

namespace hass::detail {

/// Smallest cycles of a point slower than `t`; infinity when there is none.
inline double next_candidate(std::span<const frontier> rows, double t) {
    double next = std::numeric_limits<double>::infinity();
    for (const frontier& f : rows)
        if (const std::size_t k = f.within(t); k < f.options.size())
            next = std::min(next, f.options[k].cycles);
    return next;
}

/// Largest cycles of a point that takes at most `t`; -infinity when there is none.
inline double last_candidate(std::span<const frontier> rows, double t) {
    double last = -std::numeric_limits<double>::infinity();
    for (const frontier& f : rows)
        if (const std::size_t k = f.within(t); k > 0)
            last = std::max(last, f.options[k - 1].cycles);
    return last;
}

enum class verdict : std::uint8_t { yes, no, unknown };

/// One point a row, as indices into the rows' frontiers.
using selection = std::vector<std::uint32_t>;

/// See the head of the file. Rows are looked at, not owned. Deterministic.
class chooser {
  public:
    static constexpr std::size_t R = resources.size();
    static constexpr std::size_t delay = R;  ///< to be minimised like a resource
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    static constexpr double rounding = 1e-12;  // of sums of shares; answers are checked without it

    /// Forgets everything but its memory.
    void reset(const resource_vector& budget, std::size_t max_states) {
        budget_ = budget;
        max_states_ = max_states;
        obstacle_ = 0;
        prices_.fill(1.0 / static_cast<double>(R));
    }

    void bind(std::span<const frontier> rows) { rows_ = rows; }
    void set_max_states(std::size_t max_states) { max_states_ = max_states; }

    /// Whether some choice has every row within `interval` cycles; the choice is `found()`.
    verdict feasible(double interval) { return feasible(interval, budget_); }

    /// The same within `caps` (<= budget).
    verdict feasible(double interval, const resource_vector& caps) {
        caps_ = caps;
        set_shares();
        if (!take_prefix(interval)) return verdict::no;
        if (const auto short_of = short_by_least()) return reject(*short_of);

        // one look at every point, at the prices of the last question
        table_.clear();
        resource_vector used{};
        double bound = cheapest_of_prefix(prices_, used);
        if (bound > 1.0 + rounding) return reject_at(prices_);
        if (accept(trial_)) return verdict::yes;
        if (credit_against_nothing()) return verdict::unknown;
        strike_prefix(prices_, 1.0 + rounding - bound);
        return feasible_among_table(bound);
    }

    /// The choice within `interval` cycles, which every row has, that needs least of resource `r`
    /// (or `delay`), given one that fits `caps` (<= budget) or none (empty); on return `found()` is
    /// the best one, or empty. `bound` is a proven lower bound of the need.
    /// \returns yes: proved minimal; no: nothing fits
    verdict minimise(std::size_t r, double interval, const resource_vector& caps,
                     const selection& start, double& bound) {
        caps_ = caps;
        set_shares();
        take_prefix(interval);
        best_ = start;
        double best = start.empty() ? infinity : need_of(best_, r);
        const double step_of_r = quantum(r);
        bound = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) bound += least_of_prefix(i, r);
        load_prefix(r);
        remember_left();
        if (credit_against_nothing()) return verdict::unknown;
        if (!every_row_has_one()) return best < infinity ? verdict::unknown : verdict::no;
        return minimise_among_table(r, best, step_of_r, bound);
    }

    const selection& found() const { return best_; }

    /// After `minimise`: whether a choice that needs no more than `found()` can have point `point`
    /// of row `i`.
    bool left(std::size_t i, std::uint32_t point) const {
        const auto begin = left_.begin() + left_first_[i];
        const auto end = left_.begin() + left_first_[i + 1];
        return std::find(begin, end, point) != end;
    }

    void set_ascent_steps(int steps) { ascent_steps_ = steps; }

    /// After `no`: the resource that is in the way: the one whose least needs alone are over the
    /// budget, or the one that takes most of the prices.
    std::size_t obstacle() const { return obstacle_; }

    /// Prices of the last infeasibility proof or bound, per share of the budget; they sum to 1.
    const resource_vector& prices() const { return prices_; }

    resource_vector total(const selection& s) const {
        resource_vector sum{};
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const resource_vector& need = rows_[i].options[s[i]].need;
            for (std::size_t k = 0; k < R; ++k) sum[k] += need[k];
        }
        return sum;
    }

    /// \name Prices as a filter for many intervals at once (see `narrow`)
    /// @{

    /// For the current prices: cheapest[i][k] = least price among the k + 1 fastest points of row
    /// i.
    void price_all() {
        priced_first_.resize(rows_.size() + 1);
        priced_first_[0] = 0;
        for (std::size_t i = 0; i < rows_.size(); ++i)
            priced_first_[i + 1] =
                priced_first_[i] + static_cast<std::uint32_t>(rows_[i].options.size());
        priced_.resize(priced_first_.back());
        caps_ = budget_;
        set_shares();
        resource_vector p{};
        for (std::size_t k = 0; k < R; ++k) p[k] = prices_[k] * share_[k];
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            priced best{std::numeric_limits<double>::infinity(), 0};
            for (std::uint32_t k = 0; k < rows_[i].options.size(); ++k) {
                const double v = dot(p, rows_[i].options[k].need);
                if (v < best.price) best = {v, k};
                priced_[priced_first_[i] + k] = best;
            }
        }
    }

    /// Cheap test of an interval with the prices of `price_all`: no, yes (`found()`), or unknown.
    verdict glance(double interval) {
        if (!take_prefix(interval)) return verdict::no;
        if (short_by_least()) return verdict::no;
        double bound = 0.0;
        trial_.resize(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const priced& best = priced_[priced_first_[i] + prefix_[i] - 1];
            bound += best.price;
            trial_[i] = best.point;
        }
        if (bound > 1.0 + rounding) return verdict::no;
        return accept(trial_) ? verdict::yes : verdict::unknown;
    }
    /// @}

    /// The resource that takes most of the current prices.
    std::size_t dearest() const {
        return static_cast<std::size_t>(
            std::distance(prices_.begin(), std::max_element(prices_.begin(), prices_.end())));
    }

  private:
    struct priced {
        double price;
        std::uint32_t point;
    };
    struct entry {
        resource_vector share;   // need / cap
        double objective = 0.0;  // need of the resource that is minimised
        std::uint32_t point = 0;
    };
    struct state {
        resource_vector used;
        double objective;
        double bound;
        double taken;  // of all resources together
        std::uint32_t parent;
        std::uint32_t entry;
    };

    void set_shares() {
        for (std::size_t k = 0; k < R; ++k) share_[k] = caps_[k] > 0.0 ? 1.0 / caps_[k] : 0.0;
    }

    /// Whether some row gives back (needs less than 0) of a resource of which all together may take
    /// nothing: then others may take some, which shares of nothing cannot express.
    bool credit_against_nothing() const {
        for (std::size_t k = 0; k < R; ++k)
            for (std::size_t i = 0; caps_[k] <= 0.0 && i < rows_.size(); ++i)
                if (rows_[i].least[prefix_[i] - 1][k] < 0.0) return true;
        return false;
    }

    bool take_prefix(double interval) {
        prefix_.resize(rows_.size());
        bool all = true;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            prefix_[i] = rows_[i].within(interval);
            all = all && prefix_[i] > 0;
        }
        return all;
    }

    const std::size_t* short_by_least() {
        for (std::size_t k = 0; k < R; ++k) {
            double sum = 0.0;
            for (std::size_t i = 0; i < rows_.size(); ++i) sum += rows_[i].least[prefix_[i] - 1][k];
            if (sum > caps_[k] * (1.0 + rounding)) return &(short_ = k);
        }
        return nullptr;
    }

    verdict reject(std::size_t r) {
        obstacle_ = r;
        return verdict::no;
    }

    verdict reject_at(const resource_vector& p) {
        prices_ = p;
        return reject(dearest());
    }

    bool accept(const selection& s) {
        if (!no_more(total(s), caps_)) return false;
        best_ = s;
        return true;
    }

    /// What point k of row i needs of resource r, or adds to the delay.
    double amount(std::size_t i, std::size_t k, std::size_t r) const {
        return r < R ? rows_[i].options[k].need[r] : rows_[i].delay[k];
    }

    double least_of_prefix(std::size_t i, std::size_t r) const {
        if (r < R) return rows_[i].least[prefix_[i] - 1][r];
        const auto begin = rows_[i].delay.begin();
        return *std::min_element(begin, begin + static_cast<std::ptrdiff_t>(prefix_[i]));
    }

    double need_of(const selection& s, std::size_t r) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) sum += amount(i, s[i], r);
        return sum;
    }

    /// The cheapest choice of the prefix at prices `p` a share: its price; its point in `trial_`.
    double cheapest_of_prefix(const resource_vector& p, resource_vector& used) {
        resource_vector q{};
        for (std::size_t k = 0; k < R; ++k) q[k] = p[k] * share_[k];
        trial_.resize(rows_.size());
        row_least_.resize(rows_.size());
        value_.clear();
        double bound = 0.0;
        used.fill(0.0);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const frontier_option* const points = rows_[i].options.data();
            double least = std::numeric_limits<double>::infinity();
            for (std::uint32_t k = 0; k < prefix_[i]; ++k) {
                const double v = dot(q, points[k].need);
                value_.push_back(v);
                if (v < least) least = v, trial_[i] = k;
            }
            row_least_[i] = least;
            bound += least;
        }
        return bound;
    }

    /// Fills the table with the points of the prefix whose price is within `slack` of the row's
    /// least; others cannot be part of a choice that fits.
    void strike_prefix(const resource_vector&, double slack) {
        table_.clear();
        first_.assign(1, 0);
        std::size_t at = 0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::size_t begin = table_.size();
            for (std::uint32_t k = 0; k < prefix_[i]; ++k, ++at)
                if (value_[at] - row_least_[i] <= slack) push(i, k, 0.0);
            drop_dominated(begin, false);
            first_.push_back(static_cast<std::uint32_t>(table_.size()));
        }
    }

    void load_prefix(std::size_t r) {
        table_.clear();
        first_.assign(1, 0);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::size_t begin = table_.size();
            for (std::uint32_t k = 0; k < prefix_[i]; ++k) push(i, k, amount(i, k, r));
            if (r == delay) drop_dominated(begin, true);
            first_.push_back(static_cast<std::uint32_t>(table_.size()));
        }
    }

    void push(std::size_t i, std::uint32_t k, double objective) {
        const resource_vector& need = rows_[i].options[k].need;
        entry e;
        for (std::size_t c = 0; c < R; ++c) {
            if (need[c] > 0.0 && caps_[c] <= 0.0) return;  // a share of nothing
            e.share[c] = need[c] * share_[c];
        }
        e.objective = objective;
        e.point = k;
        table_.push_back(e);
    }

    /// Entries of one row that need no less than another one in everything that counts.
    void drop_dominated(std::size_t begin, bool by_objective) {
        const auto row = table_.begin() + static_cast<std::ptrdiff_t>(begin);
        std::sort(row, table_.end(), [&](const entry& a, const entry& b) {
            if (by_objective && a.objective != b.objective) return a.objective < b.objective;
            if (a.share != b.share) return a.share < b.share;
            return a.point < b.point;
        });
        std::size_t kept = begin;
        for (std::size_t k = begin; k < table_.size(); ++k) {
            bool beaten = false;
            for (std::size_t j = begin; j < kept && !beaten; ++j)
                beaten = no_more(table_[j].share, table_[k].share);
            if (!beaten) table_[kept++] = table_[k];
        }
        table_.resize(kept);
    }

    std::span<const entry> entries(std::size_t i) const {
        return {table_.data() + first_[i], first_[i + 1] - first_[i]};
    }

    /// min over choices of objective + prices . used; the minimiser's points in `trial_`, its needs
    /// in `used`, its entries' reduced cost bases in `row_least_`.
    double cheapest(const resource_vector& p, resource_vector& used) {
        trial_.resize(rows_.size());
        row_least_.resize(rows_.size());
        used.fill(0.0);
        double sum = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::span<const entry> row = entries(i);
            double least = std::numeric_limits<double>::infinity();
            std::size_t at = 0;
            for (std::size_t k = 0; k < row.size(); ++k) {
                const double v = row[k].objective + dot(p, row[k].share);
                if (v < least) least = v, at = k;
            }
            row_least_[i] = least;
            trial_[i] = row[at].point;
            for (std::size_t c = 0; c < R; ++c) used[c] += row[at].share[c];
            sum += least;
        }
        return sum;
    }

    /// Drops entries whose reduced cost is over `slack`; `row_least_` is of prices `p`.
    /// \returns false when a row has nothing left
    bool strike(const resource_vector& p, double slack) {
        std::uint32_t kept = 0;
        std::uint32_t begin = 0;
        bool all = true;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::uint32_t end = first_[i + 1];
            const std::uint32_t start = kept;
            for (std::uint32_t k = begin; k < end; ++k)
                if (table_[k].objective + dot(p, table_[k].share) - row_least_[i] <= slack)
                    table_[kept++] = table_[k];
            all = all && kept > start;
            begin = end;
            first_[i + 1] = kept;
        }
        table_.resize(kept);
        return all;
    }

    void remember_left() {
        left_.clear();
        for (const entry& e : table_) left_.push_back(e.point);
        left_first_ = first_;
    }

    /// Resources that can run out at all.
    void find_active() {
        resource_vector most{};
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::span<const entry> row = entries(i);
            for (std::size_t k = 0; k < R; ++k) {
                double largest = -std::numeric_limits<double>::infinity();
                for (const entry& e : row) largest = std::max(largest, e.share[k]);
                most[k] += largest;
            }
        }
        active_.clear();
        for (std::size_t k = 0; k < R; ++k)
            if (most[k] > 1.0 - rounding) active_.push_back(k);
    }

    bool every_row_has_one() const {
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (first_[i] == first_[i + 1]) return false;
        return true;
    }

    verdict feasible_among_table(double bound) {
        if (!every_row_has_one()) return reject_at(prices_);
        find_active();
        resource_vector p = prices_;
        for (double& v : p) v = std::max(v, 1e-3);
        normalise(p);
        resource_vector best_prices = prices_;
        double best_bound = bound;
        resource_vector used{};
        for (int step = 0; step < 40; ++step) {
            const double at_p = cheapest(p, used);
            if (at_p > 1.0 + rounding) return reject_at(p);
            if (accept(trial_)) return prices_ = p, verdict::yes;
            if (repair(p, 1e-3)) return prices_ = p, verdict::yes;
            if (at_p > best_bound || step == 0) {
                best_bound = at_p, best_prices = p;
                if (!strike(p, 1.0 + rounding - at_p)) return reject_at(p);
            }
            // multiplicative weights: what is overspent becomes dearer
            const double rate = 4.0 / (2.0 + step);
            for (std::size_t k = 0; k < R; ++k) p[k] *= std::exp(rate * (used[k] - 1.0));
            normalise(p);
        }
        prices_ = best_prices;
        if (max_states_ == 0) return verdict::unknown;
        counted_ = active_;
        double ignored = 0.0;
        const verdict answer =
            program(best_prices, 1.0 + rounding, std::numeric_limits<double>::infinity(),
                    until::fits, ignored);
        if (answer == verdict::no) return reject_at(best_prices);
        return answer;
    }

    static void normalise(resource_vector& p) {
        double sum = 0.0;
        for (const double v : p) sum += v;
        for (double& v : p) v /= sum;
    }

    /// Starting from `trial_`, which is over the budget somewhere and cheap at prices `p`: swaps
    /// one row at a time for the entry that lowers the overrun most for what it adds to the price.
    /// \returns whether it fits now
    bool repair(const resource_vector& p, double care) {
        const auto overrun = [&](const resource_vector& u) {
            double sum = 0.0;
            for (const std::size_t c : active_) sum += std::max(0.0, u[c] - 1.0);
            return sum;
        };
        selection s = trial_;
        at_.resize(rows_.size());
        resource_vector used{};
        double price = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::span<const entry> row = entries(i);
            at_[i] = 0;
            while (at_[i] + 1 < row.size() && row[at_[i]].point != s[i]) ++at_[i];
            s[i] = row[at_[i]].point;
            price += std::abs(row_least_[i]);
            for (std::size_t c = 0; c < R; ++c) used[c] += row[at_[i]].share[c];
        }
        const double little = (1e-300 + price) / care;
        double now = overrun(used);
        for (int swap = 0; swap < 8 && now > 0.0; ++swap) {
            std::size_t worst = active_.front();
            for (const std::size_t c : active_)
                if (used[c] > used[worst]) worst = c;
            double best = 0.0;
            std::size_t row_of_best = rows_.size();
            std::uint32_t entry_of_best = 0;
            for (std::size_t i = 0; i < rows_.size(); ++i) {
                const std::span<const entry> row = entries(i);
                const entry& mine = row[at_[i]];
                const double mine_costs = mine.objective + dot(p, mine.share);
                for (std::uint32_t k = 0; k < row.size(); ++k) {
                    if (row[k].share[worst] >= mine.share[worst]) continue;
                    double less = now;
                    for (const std::size_t c : active_)
                        less -= std::max(0.0, used[c] - 1.0 + row[k].share[c] - mine.share[c]);
                    if (less <= 0.0) continue;
                    const double more = row[k].objective + dot(p, row[k].share) - mine_costs;
                    if (less > best * (std::max(more, 0.0) + little))
                        best = less / (std::max(more, 0.0) + little), row_of_best = i,
                        entry_of_best = k;
                }
            }
            if (row_of_best == rows_.size()) return false;
            const std::span<const entry> row = entries(row_of_best);
            for (std::size_t c = 0; c < R; ++c)
                used[c] += row[entry_of_best].share[c] - row[at_[row_of_best]].share[c];
            at_[row_of_best] = entry_of_best;
            s[row_of_best] = row[entry_of_best].point;
            now = overrun(used);
        }
        return now <= rounding && accept(s);
    }

    /// Starting from a choice that fits: takes, row by row, what needs less and still fits.
    void improve(selection s, std::size_t r, double& best) {
        resource_vector sum = total(s);
        bool changed = true;
        for (int round = 0; round < 4 && changed; ++round) {
            changed = false;
            for (std::size_t i = 0; i < rows_.size(); ++i) {
                const resource_vector& mine = rows_[i].options[s[i]].need;
                double gain = 0.0;
                std::uint32_t to = s[i];
                for (const entry& e : entries(i)) {
                    const resource_vector& need = rows_[i].options[e.point].need;
                    const double saved = amount(i, s[i], r) - amount(i, e.point, r);
                    if (saved <= gain) continue;
                    resource_vector u;
                    for (std::size_t c = 0; c < R; ++c) u[c] = sum[c] - mine[c] + need[c];
                    if (no_more(u, caps_)) gain = saved, to = e.point;
                }
                if (to == s[i]) continue;
                const resource_vector& need = rows_[i].options[to].need;
                for (std::size_t c = 0; c < R; ++c) sum[c] += need[c] - mine[c];
                s[i] = to;
                changed = true;
            }
        }
        if (const double reached = need_of(s, r); reached < best && no_more(total(s), caps_))
            best = reached, best_ = s;
    }

    /// Greatest common divisor of all needs of `r` when they are multiples of 1/4; else 0.
    double quantum(std::size_t r) const {
        if (r == delay) return 0.0;
        std::int64_t g = 0;
        for (std::size_t i = 0; i < rows_.size(); ++i)
            for (std::size_t k = 0; k < prefix_[i]; ++k) {
                const double quarters = 4.0 * rows_[i].options[k].need[r];
                if (quarters != std::floor(quarters) || quarters > 1e15) return 0.0;
                g = std::gcd(g, static_cast<std::int64_t>(quarters));
                if (g == 1) return 0.25;
            }
        return static_cast<double>(g) / 4.0;
    }

    verdict minimise_among_table(std::size_t r, double best, double step_of_r, double& bound) {
        // a choice has to be this much better to count
        const auto below = [&](double v) {
            return v - (step_of_r > 0.0 ? 0.75 * step_of_r : 1e-9 * (1.0 + std::abs(v)));
        };
        // as good as `v`, but for rounding
        const auto tie = [](double v) { return v + 1e-9 * (1.0 + std::abs(v)); };
        find_active();
        resource_vector p{};  // of shares
        resource_vector best_prices{};
        resource_vector used{};
        const double scale = largest_objective() * (1.0 + 1e-9);
        planes_.reset(active_.size(), 16.0 * scale);
        double highest = -infinity;
        cheapest_.clear();
        for (int step = 0; step < ascent_steps_; ++step) {
            const double at_p = cheapest(p, used) - sum_of(p);
            if (at_p > highest) {
                highest = at_p;
                best_prices = p;
                bound = std::max(bound, at_p);
                if (bound > scale) return verdict::no;
                if (best < infinity) strike(p, std::max(0.0, tie(best) - at_p));
                if (bound > below(best)) break;
            }
            resource_vector slope{};
            double height = at_p;
            for (std::size_t a = 0; a < active_.size(); ++a) {
                slope[a] = used[active_[a]] - 1.0;
                height -= slope[a] * p[active_[a]];
            }
            planes_.add(height, slope);
            cheapest_.insert(cheapest_.end(), trial_.begin(), trial_.end());
            if (best == infinity && planes_.height() - at_p <= 0.02 * std::abs(planes_.height())) {
                round();
                try_choice(p, r, best);
                if (bound > below(best)) break;
            }
            if (planes_.height() - highest <=
                std::max(1e-5 * std::abs(planes_.height()), 0.05 * step_of_r))
                break;
            // the top of few planes may be far off: not all the way there, but for every fourth
            // time
            const double towards = step % 4 == 3 ? 1.0 : 0.6;
            for (std::size_t a = 0; a < active_.size(); ++a) {
                const std::size_t k = active_[a];
                p[k] = best_prices[k] + towards * (planes_.top()[a] - best_prices[k]);
            }
        }
        const double at_best = cheapest(best_prices, used) - sum_of(best_prices);
        bound = std::max(bound, at_best);
        if (bound <= below(best)) {
            try_choice(best_prices, r, best);
            if (!cheapest_.empty()) {
                round();
                try_choice(best_prices, r, best);
            }
        }
        strike(best_prices, std::max(0.0, tie(best) - at_best));
        remember_left();
        if (bound > below(best)) return verdict::yes;
        if (!strike(best_prices, below(best) - at_best)) return bound = best, verdict::yes;
        if (max_states_ == 0) return verdict::unknown;
        double dropped = 0.0;
        const double limit = below(best) + sum_of(best_prices);
        // what costs nothing at these prices may not matter at all
        counted_.clear();
        for (const std::size_t k : active_)
            if (best_prices[k] > 1e-9 * scale) counted_.push_back(k);
        const until goal = r == delay ? until::end : until::unproved;
        verdict answer = program(best_prices, limit, below(best), goal, dropped);
        if (answer == verdict::unknown && rejected_) {
            counted_ = active_;
            answer = program(best_prices, limit, below(best), goal, dropped);
        }
        best = best_.empty() ? infinity : need_of(best_, r);
        if (answer == verdict::unknown) {
            bound = std::max(bound, std::min(dropped - sum_of(best_prices), best));
            if (best < infinity) improve(best_, r, best);
            return verdict::unknown;
        }
        bound = best;
        return best < infinity ? verdict::yes : verdict::no;
    }

    /// Makes the choice `trial_`, one of the cheapest at prices `p`, one that fits and cannot be
    /// improved row by row; kept when it is better than `best`.
    void try_choice(const resource_vector& p, std::size_t r, double& best) {
        if (no_more(total(trial_), caps_)) return improve(trial_, r, best);
        best_.swap(kept_);
        const bool repaired = repair(p, 1e6);
        best_.swap(kept_);
        if (repaired) improve(kept_, r, best);
    }

    /// Makes `trial_` a choice close to the fractional one that the supporting planes are: row by
    /// row what one of them chose there, such that the sum exceeds theirs least.
    void round() {
        supports_.clear();
        planes_.supporting([&](std::size_t plane, double weight) {
            if (weight > 0.0) supports_.push_back({plane, weight});
        });
        resource_vector error{};
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            resource_vector mean{};
            for (const auto& [plane, weight] : supports_)
                for (std::size_t c = 0; c < R; ++c)
                    mean[c] += weight * chosen(plane, i).need[c] * share_[c];
            double least = infinity;
            resource_vector error_of_least{};
            for (const auto& [plane, weight] : supports_) {
                resource_vector e = error;
                double over = 0.0;
                for (std::size_t c = 0; c < R; ++c) {
                    e[c] += chosen(plane, i).need[c] * share_[c] - mean[c];
                    over += std::max(0.0, e[c]);
                }
                if (over < least)
                    least = over, error_of_least = e,
                    trial_[i] = cheapest_[plane * rows_.size() + i];
            }
            error = error_of_least;
        }
    }
    const frontier_option& chosen(std::size_t plane, std::size_t i) const {
        return rows_[i].options[cheapest_[plane * rows_.size() + i]];
    }

    /// What a choice takes of the objective at most.
    double largest_objective() const {
        double sum = 0.0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            double largest = 0.0;
            for (const entry& e : entries(i)) largest = std::max(largest, std::abs(e.objective));
            sum += largest;
        }
        return std::max(sum, 1.0);
    }

    static double sum_of(const resource_vector& p) {
        double sum = 0.0;
        for (const double v : p) sum += v;
        return sum;
    }

    /// When `program` may stop: at any choice that fits (or when there is none), when there will be
    /// no proof that what it finds is best, or at the end.
    enum class until : std::uint8_t { fits, unproved, end };

    /// Dynamic programming over the entries of the table. A partial choice is kept while
    /// objective + prices . used + (least of the rows to come) <= limit, and objective + (least of
    /// the rows to come) <= objective_limit.
    /// \param goal     when to stop
    /// \param dropped  least bound among the partial choices dropped for want of room
    /// On `yes` or a better choice, `best_` is set.
    verdict program(const resource_vector& p, double limit, double objective_limit, until goal,
                    double& dropped) {
        const std::size_t n = rows_.size();
        dropped = std::numeric_limits<double>::infinity();
        order_.resize(n);
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
            return entries(a).size() != entries(b).size() ? entries(a).size() < entries(b).size()
                                                          : a < b;
        });
        // what the rows from a level on need at least
        std::vector<resource_vector> least(n + 1);
        std::vector<double> least_price(n + 1, 0.0);
        std::vector<double> least_objective(n + 1, 0.0);
        for (std::size_t level = n; level-- > 0;) {
            const std::span<const entry> row = entries(order_[level]);
            resource_vector low = row[0].share;
            double price = std::numeric_limits<double>::infinity();
            double objective = price;
            for (const entry& e : row) {
                objective = std::min(objective, e.objective);
                for (std::size_t k = 0; k < R; ++k) low[k] = std::min(low[k], e.share[k]);
                price = std::min(price, e.objective + dot(p, e.share));
            }
            for (std::size_t k = 0; k < R; ++k) least[level][k] = least[level + 1][k] + low[k];
            least_price[level] = least_price[level + 1] + price;
            least_objective[level] = least_objective[level + 1] + objective;
        }
        levels_.resize(std::max(levels_.size(), n + 1));
        for (std::size_t level = 0; level <= n; ++level) levels_[level].clear();
        rejected_ = false;
        levels_[0].push_back({{}, 0.0, least_price[0], 0.0, 0, 0});
        for (std::size_t level = 0; level < n; ++level) {
            const std::span<const entry> row = entries(order_[level]);
            std::vector<state>& next = levels_[level + 1];
            for (std::uint32_t s = 0; s < levels_[level].size(); ++s) {
                const state& from = levels_[level][s];
                for (std::uint32_t k = 0; k < row.size(); ++k) {
                    state to;
                    bool fit = true;
                    for (std::size_t c = 0; c < R; ++c) to.used[c] = from.used[c] + row[k].share[c];
                    for (const std::size_t c : counted_)
                        fit = fit && to.used[c] + least[level + 1][c] <= 1.0 + rounding;
                    if (!fit) continue;
                    to.objective = from.objective + row[k].objective;
                    if (to.objective + least_objective[level + 1] > objective_limit) continue;
                    to.bound = to.objective + dot(p, to.used) + least_price[level + 1];
                    if (to.bound > limit) continue;
                    to.taken = sum_of(to.used);
                    to.parent = s, to.entry = k;
                    next.push_back(to);
                }
                if (next.size() > 8 * max_states_) thin(next, dropped);
            }
            thin(next, dropped);
            // no proof any more, and going on seldom finds anything better
            if (goal == until::unproved && dropped < infinity)
                return dropped = least_price[0], verdict::unknown;
        }
        std::vector<state>& last = levels_[n];
        std::sort(last.begin(), last.end(), [](const state& a, const state& b) {
            return a.objective != b.objective ? a.objective < b.objective : a.used < b.used;
        });
        selection s(n);
        bool found = false;
        for (std::uint32_t k = 0; k < last.size() && !found; ++k) {
            std::uint32_t at = k;
            for (std::size_t level = n; level > 0; --level) {
                const state& here = levels_[level][at];
                s[order_[level - 1]] = entries(order_[level - 1])[here.entry].point;
                at = here.parent;
            }
            found = accept(s);
            // where not everything was counted, something that was beaten might have fitted
            if (!found && counted_.size() < active_.size())
                dropped = std::min(dropped, last[k].bound), rejected_ = true;
        }
        if (goal == until::fits && found) return verdict::yes;
        const bool complete = dropped == std::numeric_limits<double>::infinity();
        if (!complete) return verdict::unknown;
        return found ? verdict::yes : verdict::no;
    }

    /// Drops partial choices that another one beats in objective and all active resources, then the
    /// worst ones beyond `max_states`.
    void thin(std::vector<state>& states, double& dropped) {
        keep_best(states, 4 * max_states_, dropped);
        std::sort(states.begin(), states.end(), [&](const state& a, const state& b) {
            if (a.objective != b.objective) return a.objective < b.objective;
            for (const std::size_t k : counted_)
                if (a.used[k] != b.used[k]) return a.used[k] < b.used[k];
            if (a.taken != b.taken) return a.taken < b.taken;
            return a.parent != b.parent ? a.parent < b.parent : a.entry < b.entry;
        });
        constexpr std::size_t look_back = 128;  // dominated states that stay are harmless
        std::size_t kept = 0;
        if (counted_.size() <= 1) {
            double least = std::numeric_limits<double>::infinity();
            for (const state& s : states) {
                const double used = counted_.empty() ? 0.0 : s.used[counted_[0]];
                if (used >= least) continue;
                least = used;
                states[kept++] = s;
            }
        } else if (counted_.size() == 2 && states.size() > look_back) {
            std::map<double, double> stairs;  // need of one resource -> least need of the other
            for (const state& s : states) {
                const double x = s.used[counted_[0]];
                const double y = s.used[counted_[1]];
                auto after = stairs.upper_bound(x);
                if (after != stairs.begin() && std::prev(after)->second <= y) continue;
                while (after != stairs.end() && after->second >= y) after = stairs.erase(after);
                stairs[x] = y;
                states[kept++] = s;
            }
        } else {
            for (const state& s : states) {
                bool beaten = false;
                const std::size_t stop = kept > look_back ? kept - look_back : 0;
                for (std::size_t j = kept; j-- > stop && !beaten;) {
                    beaten = true;
                    for (const std::size_t k : counted_)
                        beaten = beaten && states[j].used[k] <= s.used[k];
                }
                if (!beaten) states[kept++] = s;
            }
        }
        states.resize(kept);
        keep_best(states, max_states_, dropped);
    }

    /// The `count` partial choices of least bound.
    static void keep_best(std::vector<state>& states, std::size_t count, double& dropped) {
        if (states.size() <= count) return;
        const auto cut = states.begin() + static_cast<std::ptrdiff_t>(count);
        std::nth_element(states.begin(), cut, states.end(), [](const state& a, const state& b) {
            if (a.bound != b.bound) return a.bound < b.bound;
            return a.parent != b.parent ? a.parent < b.parent : a.entry < b.entry;
        });
        for (auto s = cut; s != states.end(); ++s) dropped = std::min(dropped, s->bound);
        states.erase(cut, states.end());
    }

    std::span<const frontier> rows_;
    resource_vector budget_{};
    resource_vector caps_{};
    resource_vector share_{};
    resource_vector prices_{};
    std::size_t max_states_ = 1;
    int ascent_steps_ = 80;
    std::size_t obstacle_ = 0;
    std::size_t short_ = 0;
    selection best_;
    // scratch
    selection trial_;
    selection cheapest_;  ///< choices of all planes, one behind the other
    std::vector<std::pair<std::size_t, double>> supports_;
    selection kept_;
    std::vector<std::uint32_t> at_;
    std::vector<std::size_t> prefix_;
    std::vector<double> value_;
    std::vector<double> row_least_;
    std::vector<entry> table_;
    std::vector<std::size_t> active_;
    std::vector<std::size_t> counted_;
    std::vector<std::vector<state>> levels_;
    bool rejected_ = false;
    std::vector<std::uint32_t> left_;
    std::vector<std::uint32_t> left_first_;
    cutting_planes<R> planes_;
    std::vector<std::uint32_t> first_;
    std::vector<std::size_t> order_;
    std::vector<std::uint32_t> priced_first_;
    std::vector<priced> priced_;
};

}  // namespace hass::detail
