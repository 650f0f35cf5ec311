/// \file row_order.hpp
/// In which order rows are chosen when streams between them have a price: such that few widths are
/// open, those of rows that have been chosen and have streams to rows that have not. In a chain
/// that is one. A row where branches meet may come before the rows that lead to it: then its width
/// is open and the branches' are not.
///
/// A row is chosen in steps: the width it takes, then the width it gives (one step where they are
/// the same), and each step pays for the streams whose other end is known. Where too many widths
/// would be open (DenseNet), streams are left out: they count as free, which keeps every bound one,
/// and answers are checked with all streams.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <hass/explore/stream_port.hpp>
#include <hass/pipeline/streams.hpp>

namespace hass::detail {

/// A side of a row: 2 i for what row i takes (or gives, where that is the same or all there is),
/// 2 i + 1 for what it gives.
using width_variable = std::uint32_t;

/// One more width that becomes known.
struct order_step {
    static constexpr std::size_t row_itself = static_cast<std::size_t>(-1);
    static constexpr std::size_t nothing = static_cast<std::size_t>(-1);

    /// What is paid for: a stream, or the row's option.
    struct factor {
        std::size_t edge;   ///< or `row_itself`
        std::size_t other;  ///< position in `open` of the width at its other end, or `nothing`
    };

    std::size_t row = 0;
    width_variable variable = 0;
    std::vector<width_variable> open{};  ///< known before, with streams to pay
    std::vector<factor> paid{};
    std::vector<std::size_t> kept{};  ///< positions in `open` that stay open ...
    bool stays = false;               ///< ... and whether this one does, as the last
};

/// See the head of the file.
class row_order {
  public:
    row_order() = default;

    row_order(std::span<const row_widths> widths, std::span<const stream_edge> edges)
        : widths_(widths.begin(), widths.end()), left_out_(edges.size(), 0) {
        constexpr double most_states = 1 << 20;
        for (bool again = true; again;) {
            find_rows(edges);
            again = false;
            open_most_ = 0.0;
            make_steps(edges);
            if (open_most_ <= most_states) break;
            // the stream that stays open longest, of those that are where it is widest
            std::size_t worst = edges.size();
            std::size_t longest = 0;
            for (std::size_t e = 0; e < edges.size(); ++e) {
                if (left_out_[e] != 0) continue;
                const std::size_t a = std::min(place_[edges[e].from], place_[edges[e].to]);
                const std::size_t b = std::max(place_[edges[e].from], place_[edges[e].to]);
                if (a <= widest_ && widest_ <= b && b - a >= longest) longest = b - a, worst = e;
            }
            left_out_[worst] = 1;
            complete_ = false;
            again = true;
        }
    }

    /// Rows that have streams to pay for, as they are chosen.
    std::span<const std::size_t> rows() const { return rows_; }
    std::span<const order_step> steps() const { return steps_; }
    /// Whether every stream is paid for.
    bool complete() const { return complete_; }
    bool left_out(std::size_t edge) const { return left_out_[edge] != 0; }
    /// Whether row `i` has streams to pay for; how its sides are told apart.
    bool has(std::size_t i) const { return place_[i] != nowhere; }
    bool gives_only(std::size_t i) const { return widths_[i].in == 0; }
    bool two_sided(std::size_t i) const {
        return widths_[i].in > 0 && widths_[i].out > 0 && !widths_[i].same;
    }

  private:
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

    width_variable takes(std::size_t i) const { return static_cast<width_variable>(2 * i); }
    width_variable gives(std::size_t i) const {
        return static_cast<width_variable>(two_sided(i) ? 2 * i + 1 : 2 * i);
    }
    double size(width_variable v) const {
        const row_widths& w = widths_[v / 2];
        const std::size_t n = v % 2 == 1 ? w.out : w.in > 0 ? w.in : w.out;
        return static_cast<double>(n);
    }

    /// Greedily: next the row after which least is open, the first on ties.
    void find_rows(std::span<const stream_edge> edges) {
        const std::size_t n = widths_.size();
        std::vector<std::vector<std::size_t>> of(n);
        for (std::size_t e = 0; e < edges.size(); ++e)
            if (left_out_[e] == 0) of[edges[e].from].push_back(e), of[edges[e].to].push_back(e);
        rows_.clear();
        place_.assign(n, nowhere);
        std::vector<std::size_t> waits(2 * n, 0);  // streams of a side that are still to be paid
        for (std::size_t e = 0; e < edges.size(); ++e)
            if (left_out_[e] == 0) ++waits[gives(edges[e].from)], ++waits[takes(edges[e].to)];
        std::size_t first = 0;
        std::vector<std::size_t> reached;
        while (true) {
            while (first < n && (place_[first] != nowhere || of[first].empty())) ++first;
            if (first == n) break;
            reached.erase(std::remove_if(reached.begin(), reached.end(),
                                         [&](std::size_t i) { return place_[i] != nowhere; }),
                          reached.end());
            std::size_t best = first;
            double least = std::numeric_limits<double>::infinity();
            std::sort(reached.begin(), reached.end());
            for (const std::size_t i : reached)
                if (const double grows = growth(edges, of[i], waits, i); grows < least)
                    least = grows, best = i;
            place_[best] = rows_.size();
            rows_.push_back(best);
            for (const std::size_t e : of[best]) {
                const std::size_t other = edges[e].from == best ? edges[e].to : edges[e].from;
                if (place_[other] == nowhere) {
                    if (std::find(reached.begin(), reached.end(), other) == reached.end())
                        reached.push_back(other);
                } else {
                    --waits[gives(edges[e].from)], --waits[takes(edges[e].to)];
                }
            }
        }
    }

    /// By what factor (logarithm) the open widths grow when row `i` is next.
    double growth(std::span<const stream_edge> edges, const std::vector<std::size_t>& of,
                  std::vector<std::size_t>& waits, std::size_t i) const {
        double change = 0.0;
        const auto pay = [&](std::size_t e, std::size_t by) {
            waits[gives(edges[e].from)] -= by, waits[takes(edges[e].to)] -= by;
        };
        const auto known = [&](std::size_t e) {
            return place_[edges[e].from == i ? edges[e].to : edges[e].from] != nowhere;
        };
        for (const std::size_t e : of)
            if (known(e)) pay(e, 1);
        std::vector<width_variable> closed;
        for (const std::size_t e : of) {
            if (!known(e)) continue;
            const width_variable other =
                edges[e].from == i ? takes(edges[e].to) : gives(edges[e].from);
            if (waits[other] == 0 &&
                std::find(closed.begin(), closed.end(), other) == closed.end()) {
                closed.push_back(other);
                change -= std::log(size(other));
            }
        }
        if (waits[takes(i)] > 0) change += std::log(size(takes(i)));
        if (two_sided(i) && waits[gives(i)] > 0) change += std::log(size(gives(i)));
        for (const std::size_t e : of)
            if (known(e)) pay(e, static_cast<std::size_t>(-1));
        return change;
    }

    void make_steps(std::span<const stream_edge> edges) {
        steps_.clear();
        std::vector<std::vector<std::size_t>> of(2 * widths_.size());
        for (std::size_t e = 0; e < edges.size(); ++e)
            if (left_out_[e] == 0)
                of[gives(edges[e].from)].push_back(e), of[takes(edges[e].to)].push_back(e);
        std::vector<char> known(2 * widths_.size(), 0);
        std::vector<width_variable> open;
        for (const std::size_t i : rows_) {
            add_step(edges, i, takes(i), !two_sided(i), of, known, open);
            if (two_sided(i)) add_step(edges, i, gives(i), true, of, known, open);
        }
    }

    void add_step(std::span<const stream_edge> edges, std::size_t i, width_variable v, bool last,
                  const std::vector<std::vector<std::size_t>>& of, std::vector<char>& known,
                  std::vector<width_variable>& open) {
        const auto far = [&](std::size_t e, width_variable near) {
            const width_variable a = gives(edges[e].from);
            return a == near ? takes(edges[e].to) : a;
        };
        const auto position = [&](width_variable of_open) {
            return static_cast<std::size_t>(std::find(open.begin(), open.end(), of_open) -
                                            open.begin());
        };
        order_step s;
        s.row = i, s.variable = v, s.open = open;
        if (last) {
            const bool second = v % 2 == 1;
            s.paid.push_back(
                {order_step::row_itself, second ? position(takes(i)) : order_step::nothing});
        }
        for (const std::size_t e : of[v])
            if (known[far(e, v)] != 0) s.paid.push_back({e, position(far(e, v))});
        known[v] = 1;
        const auto waits = [&](width_variable w) {
            if (w % 2 == 0 && w / 2 == i && !last) return true;  // for the row's own option
            return std::any_of(of[w].begin(), of[w].end(),
                               [&](std::size_t e) { return known[far(e, w)] == 0; });
        };
        double states = size(v);
        for (std::size_t k = 0; k < open.size(); ++k) {
            states *= size(open[k]);
            if (waits(open[k])) s.kept.push_back(k);
        }
        s.stays = waits(v);
        if (states > open_most_) open_most_ = states, widest_ = place_[i];
        std::vector<width_variable> after;
        for (const std::size_t k : s.kept) after.push_back(open[k]);
        if (s.stays) after.push_back(v);
        open.swap(after);
        steps_.push_back(std::move(s));
    }

    std::vector<row_widths> widths_;
    std::vector<char> left_out_;  // of each edge
    std::vector<std::size_t> rows_;
    std::vector<std::size_t> place_;  // of each row, in `rows_`
    std::vector<order_step> steps_;
    bool complete_ = true;
    double open_most_ = 0.0;
    std::size_t widest_ = 0;
};

}  // namespace hass::detail
