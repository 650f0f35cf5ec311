/// \file list_dot.hpp
/// Sparse dot products from lists. Zeros are dropped once, where a pixel comes in: the line buffer
/// holds a list of (value, channel) a pixel. An output pixel replays the lists of its taps for every
/// set of filters in turn; an entry goes to one multiplier a filter, whose weights come from a
/// memory that the entry addresses, and sums stay in the DSPs. What is skipped are zero activations
/// and padding, whatever the weights are. RTL, 400 verified runs and syntheses:
/// `shared/rtl/list_engines`, engine FL.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/list_resources.hpp>
#include <hass/error.hpp>
#include <hass/statistics/independent_dots.hpp>
#include <hass/statistics/list_counts.hpp>
#include <hass/statistics/row_work.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/text.hpp>

namespace hass {

/// Anything that prices lists.
template <class R>
concept ListResources = requires(const R& r, const layer_row& row, const row_option& c,
                                 const precision& width, std::span<const held_input> held) {
    { r.lists(row, c, width) } -> std::same_as<usage>;
    { r.stage(row, c, width, held) } -> std::same_as<usage>;
    { r.words_out(row, c) } -> std::convertible_to<int>;
    r.for_each_memory(row, c.folding, [](weight_memory, weight_memory) {});
};

/// Cycles of a replay of `entries` entries of the longest list, and of shifting out sums: a pixel's
/// first, or one behind another. At least a cycle a tap.
constexpr int list_replay(int entries, int taps, int chain, bool first) {
    const int begin = first ? 1 : 0;
    return std::max(entries + std::max(chain, 2 + begin), taps + 1 + begin);
}

/// A layer at one operating point, ready to be asked for the cycles of many options.
class prepared_list_dot {
  public:
    /// \param start  `list_dot::start`
    /// \throws hass::error for statistics that are out of range or of another row
    constexpr prepared_list_dot(const layer_row& row, const layer_statistics& s, double start)
        : row_(row), start_(start), rows_(s.rows) {
        validate(s);
        for_each_list_count(row, [&](int lists) {
            const auto measured =
                std::find_if(s.lists.begin(), s.lists.end(),
                             [&](const list_lengths& l) { return l.lanes == lists; });
            if (measured == s.lists.end() && !s.lists.empty())
                throw error(text_of({"lists: the statistics know nothing of ", lists, " lists"}));
            fill(measured == s.lists.end() ? independent_lists(row, s, lists) : *measured);
        });
    }

    /// Cycles for one image. `c` must be legal for the row: it is not checked again.
    constexpr double cycles(const row_option& c) const {
        const parallelism& p = c.folding;
        const int chain = drain_chain(p.out);
        const replay& r =
            replays_[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(p.in)))]
                    [static_cast<std::size_t>(chain)];
        const double pixel =
            r.first + static_cast<double>(row_.out.channels / p.out - 1) * r.later + start_;
        const double chains = static_cast<double>(p.out) / chain;
        return std::max(
            longer_of_rows(rows_, static_cast<double>(row_.out.pixels()) * pixel / p.pixels,
                           static_cast<double>(row_.in.volume()) / p.in),
            static_cast<double>(row_.out.volume()) / chains);
    }

  private:
    /// Expected cycles of a pixel's first replay, and of one behind another.
    struct replay {
        double first = 0.0, later = 0.0;
    };

    /// For every chain: the longest list and the shifting out of sums, but at least a cycle a tap.
    constexpr void fill(const list_lengths& lengths) {
        auto& of_chain = replays_[static_cast<std::size_t>(
            std::countr_zero(static_cast<unsigned>(lengths.lanes)))];
        const int k = taps(row_);
        const auto most = static_cast<std::size_t>(k * row_.in.channels / lengths.lanes);
        if (lengths.share.size() != most + 1)
            throw error(
                text_of({"lists: ", lengths.share.size(), " lengths, expected ", most + 1}));
        for (int chain = 1; chain <= longest_chain; ++chain) {
            replay mean;
            for (std::size_t z = 0; z <= most; ++z) {
                const int entries = static_cast<int>(z);
                mean.first += lengths.share[z] * list_replay(entries, k, chain, true);
                mean.later += lengths.share[z] * list_replay(entries, k, chain, false);
            }
            of_chain[static_cast<std::size_t>(chain)] = mean;
        }
    }

    layer_row row_;
    double start_;
    std::vector<double> rows_;
    std::array<std::array<replay, longest_chain + 1>, 3> replays_{};  // by log2 lists, by chain
};

/// Engines of lists. `in` lists a pixel hold every in-th channel each; all `out` = `shared` filters
/// at a time share their entries, and `pixels` replicas share output pixels, of which the next one
/// goes to the first replica that is free. A layer takes
///
///     max( pixels F / out E[max(longest list + chain, K + 1)] / replicas,
///          input words / in,  output words / chains )
///
/// cycles; chains of up to 8 DSPs shift sums out (at least 2 cycles; a pixel's first replay takes 3 and
/// K + 2 at least). The expectation is exact for measured lists (`list_lengths`), otherwise of
/// independent zeros.
///
/// Rows without groups and of two channels a list at least: a depthwise filter has nothing to share.
/// Against `rtl/modules`: the stages of a trained network within 2 %, the whole of it 1.2 % too fast
/// (docs/rtl.md). By steps of the ring a stage of stride 1 that is just as fast as its input takes up to
/// 4 % longer where pixels differ, one whose input is 5 % faster up to 2.5 % (2 to 8 replicas; one: 7
/// and 5 %). Against an earlier RTL, which takes 4 cycles more a pixel, 1.3 % mean and 6.5 % worst error
/// (20 points) while lists have three entries a tap; with fewer the scanner of taps decides, and this is 4 % too
/// slow to 30 % too fast (4 channels a list, 50 to 90 % zeros).
/// \tparam R  resource policy
template <ListResources R = list_resources>
struct list_dot {
    R resources{};
    precision widths{};
    double start = 0.0;  ///< cycles of an output pixel beside its replays

    static constexpr bool legal(const layer_row& row, const parallelism& p) {
        if (!has_weights(row) || row.groups != 1 || p.out < 1 || p.group != 1 || p.macs != 1 ||
            p.vector != 1 || p.shared != p.out || p.pixels < 1 || p.pixels > most_replicas ||
            p.pixels > row.out.pixels() || row.out.channels % p.out != 0)
            return false;
        bool lists = false;
        for_each_list_count(row, [&](int n) { lists = lists || n == p.in; });
        return lists;
    }

    constexpr std::vector<row_option> legal(const layer_row& row) const {
        return hass::legal(*this, row);
    }

    /// Expected cycles for one image.
    /// \throws hass::error for a folding that does not exist, or statistics that do not fit the row
    constexpr double cycles(const layer_row& row, const layer_statistics& s,
                            const row_option& c) const {
        detail::require_legal(legal(row, c.folding), row, c.folding);
        return prepare(row, s).cycles(c);
    }

    /// The layer's resources; `c` must be legal.
    /// \throws hass::error for multipliers of LUTs, or weights off-chip
    constexpr usage cost(const layer_row& row, const row_option& c) const {
        if (c.multipliers != multiplier::dsp)
            throw error("lists: DSPs hold the sums, multipliers of LUTs do not");
        return resources.lists(row, c, stated(row, widths));
    }

    /// Resources of a row without weights.
    constexpr usage stage_cost(const layer_row& row, const row_option& c,
                               std::span<const held_input> held = {}) const {
        return resources.stage(row, c, stated(row, widths), held);
    }

    /// Every legal option, in a fixed order.
    template <class Visit>
    constexpr void for_each(const layer_row& row, Visit&& visit) const {
        if (!has_weights(row)) return;
        for_each_list_count(row, [&](int lists) {
            for (const int out : detail::divisors(row.out.channels))
                for (int pixels = 1; pixels <= most_replicas && pixels <= row.out.pixels();
                     ++pixels) {
                    const parallelism p{lists, out, 1, 1, 1, out, pixels};
                    resources.for_each_memory(
                        row, p, [&](weight_memory memory, weight_memory maps) {
                            visit(row_option{p, memory, 0, multiplier::dsp, maps});
                        });
                }
        });
    }

    /// Tables for asking `cycles` many times. \throws hass::error as `cycles` does for statistics
    constexpr prepared_list_dot prepare(const layer_row& row, const layer_statistics& s) const {
        return {row, s, start};
    }

  private:
    static constexpr int most_replicas = 8;
};

}  // namespace hass
