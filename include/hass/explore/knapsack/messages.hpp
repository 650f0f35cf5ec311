/// \file messages.hpp
/// The cheapest choice where streams between rows have a price too. Row by row (`row_order.hpp`),
/// with the widths s that are open and the width x that becomes known,
///
///     to_come(s)  =  min over x of  paid(s, x) + to_come(s, x)          from the last row back
///     so_far(s, x) = min over s of  so_far(s) + paid(s, x)              from the first row on
///
/// where paid is what the streams cost that have both ends now, and the cheapest option between
/// the two widths of the row. `to_come` at the start is the least price of all; both together give
/// the least price of a choice in which a row has certain widths, and so the reduced costs of its
/// options: a shortest path where the network is a chain.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/knapsack/objective.hpp>
#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/knapsack/problem.hpp>
#include <hass/explore/knapsack/width_classes.hpp>
#include <hass/explore/priced_edges.hpp>

namespace hass::detail {

/// See the head of the file. For the options of one table, until it is bound again.
class stream_messages {
  public:
    /// What a stream costs between two widths.
    struct price {
        resource_vector share{};
        double objective = 0.0;  ///< infinite: needs what there is nothing of
    };

    /// Looks at the widths that options of the table have.
    void bind(const knapsack_problem& problem, const objective& wanted, const option_table& table) {
        problem_ = &problem;
        wanted_ = wanted;
        bound_ = table.size();
        edges_ = problem.edges;
        begin(table);
        const std::span<const order_step> steps = edges_->order().steps();
        steps_.resize(steps.size());
        std::size_t states = 1;
        for (std::size_t t = 0; t < steps.size(); ++t) {
            const order_step& from = steps[t];
            step& to = steps_[t];
            to.states = states;
            to.width = classes_.size(from.variable);
            to.sizes.clear(), to.next.clear(), to.factors.clear();
            for (const width_variable v : from.open) to.sizes.push_back(classes_.size(v));
            to.next.assign(from.open.size(), 0);
            std::size_t stride = 1;
            to.stride = 0;
            if (from.stays) to.stride = 1, stride = to.width;
            for (std::size_t k = from.kept.size(); k-- > 0;) {
                to.next[from.kept[k]] = stride;
                stride *= to.sizes[from.kept[k]];
            }
            states = stride;
            for (const order_step::factor& f : from.paid) add_factor(problem, wanted, from, f, to);
        }
        std::size_t widest = 1;
        for (const step& s : steps_) widest = std::max(widest, s.width);
        paid_.assign(widest, 0.0);
        nothing_.assign(widest, 0.0);
        class_.clear();
        to_come_.resize(steps.size() + 1);
        so_far_.resize(steps.size() + 1);
    }

    /// From the last row back, at prices of shares. \returns the least price
    double look(const option_table& table, const resource_vector& prices) {
        // what has been struck out need not be looked at
        if (4 * table.size() < 3 * bound_) bind(*problem_, wanted_, table);
        forward_ = false;
        price_options(table, prices);
        for (step& s : steps_)
            for (factor& f : s.factors) {
                if (f.edge == order_step::row_itself) continue;
                for (std::size_t k = 0; k < f.prices.size(); ++k)
                    f.value[k] = f.prices[k].objective + dot(prices, f.prices[k].share);
            }
        to_come_[steps_.size()].assign(1, 0.0);
        for (std::size_t t = steps_.size(); t-- > 0;) {
            const step& s = steps_[t];
            const std::vector<double>& after = to_come_[t + 1];
            std::vector<double>& here = to_come_[t];
            here.resize(s.states);
            for_each_state(s, [&](std::size_t state, std::size_t next, const double* paid) {
                double low = infinity;
                if (s.stride == 0) {
                    for (std::size_t x = 0; x < s.width; ++x) low = std::min(low, paid[x]);
                    low += after[next];
                } else {
                    const double* const to = after.data() + next;
                    for (std::size_t x = 0; x < s.width; ++x) low = std::min(low, paid[x] + to[x]);
                }
                here[state] = low;
            });
        }
        least_ = alone_ + to_come_[0][0];
        return least_;
    }

    /// After `look`: from the first row on, and what each option may cost less than for it to be
    /// part of a choice of the least price.
    void look_forward() {
        if (forward_) return;
        forward_ = true;
        const double all = to_come_[0][0];
        through_.assign(cheapest_.size(), infinity);
        for (std::size_t i = 0; 2 * i < classes_.variables(); ++i)
            if (!edges_->order().has(i)) through_[classes_.first(i)] = all;
        so_far_[0].assign(1, 0.0);
        for (std::size_t t = 0; t < steps_.size(); ++t) {
            const step& s = steps_[t];
            const std::vector<double>& before = so_far_[t];
            const std::vector<double>& to_come = to_come_[t + 1];
            std::vector<double>& after = so_far_[t + 1];
            after.assign(to_come.size(), infinity);
            const order_step& of = edges_->order().steps()[t];
            const bool chosen = !of.paid.empty() && of.paid[0].edge == order_step::row_itself;
            const std::size_t first = classes_.first(of.row);
            for_each_state(s, [&](std::size_t state, std::size_t next, const double* paid) {
                const double base = before[state];
                if (!(base < infinity)) return;
                for (std::size_t x = 0; x < s.width; ++x) {
                    const double v = base + paid[x];
                    after[next + x * s.stride] = std::min(after[next + x * s.stride], v);
                    if (!chosen) continue;
                    double& through = through_[first + own_ * s.width + x];
                    through = std::min(through, v + to_come[next + x * s.stride]);
                }
            });
        }
        for (std::size_t k = 0; k < through_.size(); ++k)
            low_[k] = cheapest_[k] < infinity && through_[k] < infinity
                          ? cheapest_[k] - (through_[k] - all)
                          : -infinity;
    }

    /// After `look_forward`: the price of an option of row `i` at which its reduced cost is 0.
    double low(std::size_t i, const stream_port& port) const { return low_[classes_.of(i, port)]; }

    /// After `look`: the cheapest choice, as positions in the table's rows.
    void cheapest(std::vector<std::uint32_t>& at) const {
        for (std::size_t i = 0; i < at.size(); ++i)
            if (!edges_->order().has(i)) at[i] = best_[classes_.first(i)];
        std::size_t state = 0;
        std::vector<std::size_t> digit(classes_.variables(), 0);
        for (std::size_t t = 0; t < steps_.size(); ++t) {
            const order_step& of = edges_->order().steps()[t];
            const std::size_t next = read_state(steps_[t], state);
            const double* const paid = pay(steps_[t], digit_.data());
            std::size_t best = 0;
            double low = infinity;
            for (std::size_t x = 0; x < steps_[t].width; ++x) {
                const double v = paid[x] + to_come_[t + 1][next + x * steps_[t].stride];
                if (v < low) low = v, best = x;
            }
            digit[of.variable] = best;
            if (!of.paid.empty() && of.paid[0].edge == order_step::row_itself) {
                const std::size_t i = of.row;
                const auto gives = static_cast<width_variable>(2 * i + 1);
                const std::size_t side =
                    edges_->order().two_sided(i) ? digit[2 * i] * classes_.size(gives) : 0;
                at[i] = best_[classes_.first(i) + side + best];
            }
            state = next + best * steps_[t].stride;
        }
    }

    /// Shares that streams take in a choice of these positions in the table's rows, as far as
    /// they are paid for.
    resource_vector between(const option_table& table, std::span<const std::uint32_t> at) const {
        resource_vector sum{};
        for (std::size_t e = 0; e < edges_->edges().size(); ++e) {
            if (edges_->order().left_out(e)) continue;
            const priced_edge& edge = edges_->edges()[e];
            const resource_vector& need = edge.need(table.row(edge.from)[at[edge.from]].port,
                                                    table.row(edge.to)[at[edge.to]].port);
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need[r] * problem_->share[r];
        }
        return sum;
    }

    /// \name Row by row, for choices of the first few rows
    /// @{

    /// The state after row `rows()[level]` takes an option at `port` in a state of the rows before,
    /// and what the streams cost that are paid then.
    struct move {
        std::size_t state = 0;
        price paid{};
    };
    move advance(std::size_t level, std::size_t state, const stream_port& port) const {
        move m{state, {}};
        for (std::size_t t = first_step_[level]; t < first_step_[level + 1]; ++t) {
            const step& s = steps_[t];
            const std::size_t x = classes_.digit(edges_->order().steps()[t].variable, port);
            const std::size_t next = x * s.stride + read_state(s, m.state);
            for (const factor& f : s.factors) {
                if (f.edge == order_step::row_itself) continue;
                const price& p = f.prices[digit_[f.other] * s.width + x];
                for (std::size_t r = 0; r < p.share.size(); ++r) m.paid.share[r] += p.share[r];
                m.paid.objective += p.objective;
            }
            m.state = next;
        }
        return m;
    }

    /// Least price of the rows from a level on, and of their streams, in a state.
    double to_come(std::size_t level, std::size_t state) const {
        return to_come_[first_step_[level]][state];
    }
    /// `to_come` of all levels and states, to be kept while others are looked at.
    using all_to_come = std::vector<std::vector<double>>;
    const all_to_come& kept() const { return to_come_; }
    double to_come(const all_to_come& of, std::size_t level, std::size_t state) const {
        return of[first_step_[level]][state];
    }
    const objective& wanted() const { return wanted_; }
    std::span<const std::size_t> rows() const { return edges_->order().rows(); }
    bool has(std::size_t i) const { return edges_->order().has(i); }
    bool complete() const { return edges_->order().complete(); }
    /// @}

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    struct factor {
        std::size_t edge;             // or order_step::row_itself
        std::size_t other;            // position among the open widths, or order_step::nothing
        std::vector<price> prices{};  // of an edge: [other end][this width]
        std::vector<double> value{};  // at the prices of the last look
        std::size_t first = 0;        // of a row: its classes
    };
    struct step {
        std::size_t states = 1;
        std::size_t width = 1;             // that the new width may have
        std::vector<std::size_t> sizes{};  // of the open widths, the last runs fastest
        std::vector<std::size_t> next{};   // what each of them adds to the state after; 0: closed
        std::size_t stride = 0;            // what the new one adds
        std::vector<factor> factors{};
    };

    void begin(const option_table& table) {
        classes_.number(edges_->order(), table);
        const std::span<const order_step> steps = edges_->order().steps();
        first_step_.clear();
        for (std::size_t t = 0; t < steps.size(); ++t)
            if (t == 0 || steps[t].row != steps[t - 1].row) first_step_.push_back(t);
        first_step_.push_back(steps.size());
        cheapest_.assign(classes_.classes(), infinity);
        best_.assign(classes_.classes(), 0);
        low_.assign(classes_.classes(), 0.0);
    }

    void add_factor(const knapsack_problem& problem, const objective& wanted,
                    const order_step& from, const order_step::factor& f, step& to) {
        factor added{f.edge, f.other};
        if (f.edge == order_step::row_itself) {
            added.first = classes_.first(from.row);
            to.factors.push_back(std::move(added));
            return;
        }
        const priced_edge& e = edges_->edges()[f.edge];
        const width_variable other = from.open[f.other];
        const bool to_here = e.to == from.row;
        for (std::size_t o = 0; o < classes_.size(other); ++o)
            for (std::size_t x = 0; x < to.width; ++x) {
                const stream_port& there = classes_.port(other, o);
                const stream_port& here = classes_.port(from.variable, x);
                const resource_vector& need = to_here ? e.need(there, here) : e.need(here, there);
                price p;
                p.objective = wanted.of(need);
                for (std::size_t r = 0; r < need.size(); ++r) {
                    p.share[r] = need[r] * problem.share[r];
                    if (need[r] > 0.0 && problem.caps[r] <= 0.0) p.objective = infinity;
                }
                added.prices.push_back(p);
            }
        added.value.resize(added.prices.size());
        to.factors.push_back(std::move(added));
    }

    /// The cheapest option of each class, and of rows on their own.
    void price_options(const option_table& table, const resource_vector& prices) {
        const resource_vector p = prices;     // in registers
        if (class_.size() != table.size()) {  // something has been struck out
            class_.clear();
            for (std::size_t i = 0; i < table.rows(); ++i)
                for (const table_option& o : table.row(i))
                    class_.push_back(static_cast<std::uint32_t>(classes_.of(i, o.port)));
        }
        std::fill(cheapest_.begin(), cheapest_.end(), infinity);
        alone_ = 0.0;
        const std::uint32_t* c = class_.data();
        for (std::size_t i = 0; i < table.rows(); ++i) {
            const std::span<const table_option> row = table.row(i);
            for (std::uint32_t k = 0; k < row.size(); ++k, ++c)
                if (const double v = row[k].price(p); v < cheapest_[*c])
                    cheapest_[*c] = v, best_[*c] = k;
            if (!edges_->order().has(i)) alone_ += cheapest_[classes_.first(i)];
        }
    }

    /// What is paid in a state with these digits, for each width that may become known; sets
    /// `own_`.
    const double* pay(const step& s, const std::size_t* digit) const {
        own_ = 0;
        const double* only = nothing_.data();
        for (std::size_t k = 0; k < s.factors.size(); ++k) {
            const factor& f = s.factors[k];
            const std::size_t other = f.other == order_step::nothing ? 0 : digit[f.other];
            const double* value = f.value.data() + other * s.width;
            if (f.edge == order_step::row_itself)
                value = cheapest_.data() + f.first + other * s.width, own_ = other;
            if (k == 0) {
                only = value;
                continue;
            }
            double* const sum = paid_.data();
            for (std::size_t x = 0; x < s.width; ++x) sum[x] = only[x] + value[x];
            only = sum;
        }
        return only;
    }

    /// The state's part of the state after; sets `digit_`.
    std::size_t read_state(const step& s, std::size_t state) const {
        digit_.assign(s.sizes.size(), 0);
        std::size_t next = 0;
        for (std::size_t k = s.sizes.size(); k-- > 0;) {
            digit_[k] = state % s.sizes[k];
            state /= s.sizes[k];
            next += digit_[k] * s.next[k];
        }
        return next;
    }

    template <class Visit>
    void for_each_state(const step& s, const Visit& visit) const {
        digit_.assign(s.sizes.size(), 0);
        std::size_t next = 0;
        for (std::size_t state = 0; state < s.states; ++state) {
            visit(state, next, pay(s, digit_.data()));
            for (std::size_t k = s.sizes.size(); k-- > 0;) {
                next += s.next[k];
                if (++digit_[k] < s.sizes[k]) break;
                next -= s.next[k] * s.sizes[k];
                digit_[k] = 0;
            }
        }
    }

    const knapsack_problem* problem_ = nullptr;
    const priced_edges* edges_ = nullptr;
    objective wanted_{};
    std::size_t bound_ = 0;  // options of the table
    bool forward_ = false;   // whether `low_` is that of the last look
    width_classes classes_;
    std::vector<std::size_t> first_step_;  // of each row that has streams, and the end
    std::vector<step> steps_;
    std::vector<double> cheapest_, through_, low_;  // of each class
    std::vector<std::uint32_t> best_;
    std::vector<std::vector<double>> to_come_, so_far_;
    double alone_ = 0.0;
    double least_ = 0.0;
    std::vector<std::uint32_t> class_;  // of each option of the table
    std::vector<double> nothing_;       // zeros, where no stream is paid for
    // scratch
    mutable std::vector<double> paid_;
    mutable std::vector<std::size_t> digit_;
    mutable std::size_t own_ = 0;
};

}  // namespace hass::detail
