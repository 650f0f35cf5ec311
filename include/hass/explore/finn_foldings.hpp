/// \file finn_foldings.hpp
/// Foldings of a network that FINN builds: the optimal ones (`foldings.hpp`), with the converters and
/// FIFOs between nodes priced, and those of FINN's own SetFolding.
///
///     finn::graph g = finn::graph_of(net, how);
///     finn_foldings best(net, how, board);
///     finn_design d = best.fastest();         d.foldings[n] of g.nodes[n]
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/finn/folding.hpp>
#include <hass/engine/finn/graph.hpp>
#include <hass/explore/foldings.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// A folding of each node, and what it comes to.
struct finn_design {
    std::vector<finn::folding> foldings{};    ///< one a node
    std::vector<std::int64_t> fifo_depths{};  ///< one a stream of the graph: words of its producer
    folding_solution solution{};              ///< interval, resources and proof
};

/// Everything that FINN may fold, on one board.
class finn_foldings {
  public:
    /// \param which  whose figures
    /// \param fixed  one a node: PE, SIMD and windows stay as they are there, so that only memories
    ///               and multipliers are chosen; empty: nothing does
    /// \throws hass::error as `finn::graph_of`, and for a board that is none
    template <Device D>
    finn_foldings(const network_view& net, const finn::build& how, const D& board,
                  finn::policy which = finn::policy::repaired,
                  std::vector<finn::folding> fixed = {})
        : graph_(finn::graph_of(net, how)),
          dsp_(how.dsp),
          which_(which),
          fixed_(std::move(fixed)),
          held_(held_inputs(net)),
          allocator_(problem(board.limits()), board) {}

    /// Of FINN's nodes.
    const finn::graph& graph() const { return graph_; }
    const device& board() const { return allocator_.board(); }

    /// The smallest interval within the board.
    finn_design fastest() { return designed(allocator_.fastest()); }
    /// Least of a resource at a throughput, in images/s. \throws hass::error as `folding_allocator`
    finn_design least(double usage::*resource, double images_per_second) {
        return designed(allocator_.least(resource, images_per_second));
    }

    /// What somebody's foldings come to: `solution.chosen` stays empty.
    /// \throws hass::error for a folding that FINN refuses, naming the node; of another number
    finn_design evaluate(std::vector<finn::folding> foldings) const {
        if (foldings.size() != graph_.nodes.size())
            throw error(text_of(
                {"finn: ", foldings.size(), " foldings for ", graph_.nodes.size(), " nodes"}));
        folding_problem p;
        p.image_bits = graph_.image_bits;
        for (std::size_t n = 0; n < foldings.size(); ++n) {
            const finn::node_kind built = finn::folded(graph_.nodes[n].kind, foldings[n]);
            if (const std::string why = finn::refusal(built); !why.empty())
                throw error(text_of({"finn: node '", graph_.nodes[n].name, "': ", why}));
            p.add(graph_.nodes[n].name).push_back(option_of(built));
        }
        for (const finn::stream& s : graph_.streams) p.streams.push_back({s.from, s.to});
        p.between = [this](std::size_t e, int from, int to) { return between(e, from, to); };
        finn_design d;
        d.foldings = std::move(foldings);
        d.solution = price(p, board(), std::vector<std::size_t>(p.size(), 0));
        d.solution.chosen.clear();
        set_depths(d);
        return d;
    }

  private:
    folding_option option_of(const finn::node_kind& built) const {
        return {finn::cycles(built), finn::needs(built, which_, dsp_), finn::bits_in(built),
                finn::bits_out(built)};
    }

    /// What waits in each stream until the other input of its reader is there.
    std::vector<held_input> held_inputs(const network_view& net) const {
        const network_skew skew(net);
        std::vector<held_input> held(graph_.streams.size());
        for (std::size_t e = 0; e < held.size(); ++e) {
            const finn::stream& s = graph_.streams[e];
            const finn::node& reader = graph_.nodes[s.to];
            if (!std::holds_alternative<finn::add_streams>(reader.kind)) continue;
            const std::span<const held_input> waits = skew.held(reader.row);
            if (s.input < waits.size()) held[e] = waits[s.input];
        }
        return held;
    }

    /// Words of `bits` in the FIFO of stream `e`; FINN's default where nothing waits.
    std::int64_t depth(std::size_t e, std::int64_t bits) const {
        const held_input& h = held_[e];
        const std::int64_t words = hass::detail::ceil_div(h.words * graph_.streams[e].bits, bits);
        return std::max<std::int64_t>(2, words + h.cycles);
    }

    /// FIFO, and where widths differ a converter with a FIFO behind it.
    modelled_usage between(std::size_t e, int from, int to) const {
        using namespace finn;
        fifo first = fifo::of(depth(e, from), from);
        if (first.style == fifo_style::vivado) first.ram_style = ram_style::block;
        modelled_usage u = first.needs(which_, dsp_);
        if (from == to) return u;
        u += width_converter{from, to}.needs(which_, dsp_);
        u += fifo::of(2, to).needs(which_, dsp_);
        return u;
    }

    /// Nodes that fold alike.
    bool alike(std::size_t a, std::size_t b) const {
        const auto same = [&](std::size_t m, std::size_t n) {
            return graph_.nodes[m].kind == graph_.nodes[n].kind &&
                   (fixed_.empty() || fixed_[m] == fixed_[n]);
        };
        return graph_.tied(a) == graph_.tied(b) && same(a, b) &&
               (!graph_.tied(a) || same(a - 1, b - 1));
    }

    /// Whether node `n` may be so parallel.
    bool allowed(std::size_t n, const finn::folding& f) const {
        return fixed_.empty() || (f.pe == fixed_[n].pe && f.simd == fixed_[n].simd &&
                                  f.parallel_window == fixed_[n].parallel_window);
    }

    /// A stage: one node, or a depthwise window and what stands behind it.
    void add_stage(folding_problem& p, std::size_t n, bool uram) {
        const std::string& name = graph_.nodes[n].name;
        for (std::size_t s = 0; s < last_.size(); ++s)
            if (alike(last_[s], n)) {
                last_.push_back(n);
                return p.add_like(s, name);
            }
        last_.push_back(n);
        std::vector<folding_option>& options = p.add(name);
        std::vector<choice>& of = choices_.emplace_back();
        const finn::node_kind& kind = graph_.nodes[n].kind;
        if (!graph_.tied(n)) {
            finn::for_each_folding(kind, uram, [&](const finn::folding& f) {
                if (!allowed(n, f)) return;
                options.push_back(option_of(finn::folded(kind, f)));
                of.push_back({{}, f});
            });
            return;
        }
        const finn::node_kind& window = graph_.nodes[n - 1].kind;
        const std::size_t inside = stream_between(n - 1, n);
        finn::for_each_folding(kind, uram, [&](const finn::folding& f) {
            if (!allowed(n, f)) return;
            for (const finn::ram_style ram : finn::detail::offered_rams(window, uram)) {
                const finn::folding w{1, f.pe, ram, finn::res_type::automatic, f.simd > 1};
                const finn::node_kind front = finn::folded(window, w);
                if (!finn::refusal(front).empty()) continue;
                const folding_option a = option_of(front);
                const folding_option b = option_of(finn::folded(kind, f));
                folding_option both{std::max(a.cycles, b.cycles), a.needs, a.bits_in, b.bits_out};
                both.needs += b.needs;
                both.needs += between(inside, a.bits_out, b.bits_in);
                options.push_back(both);
                of.push_back({w, f});
            }
        });
    }

    std::size_t stream_between(std::size_t from, std::size_t to) const {
        std::size_t e = 0;
        while (graph_.streams[e].from != from || graph_.streams[e].to != to) ++e;
        return e;
    }

    folding_problem problem(const device& board) {
        folding_problem p;
        p.image_bits = graph_.image_bits;
        const std::size_t nodes = graph_.nodes.size();
        std::vector<std::size_t> stage_of(nodes);
        for (std::size_t n = 0; n < nodes; ++n) {
            stage_of[n] = p.size();
            if (n + 1 < nodes && graph_.tied(n + 1)) continue;
            add_stage(p, n, board.budget.uram > 0.0);
        }
        for (std::size_t e = 0; e < graph_.streams.size(); ++e) {
            const std::size_t from = stage_of[graph_.streams[e].from];
            const std::size_t to = stage_of[graph_.streams[e].to];
            if (from == to) continue;
            p.streams.push_back({from, to});
            outside_.push_back(e);
        }
        p.between = [this](std::size_t s, int from, int to) {
            return between(outside_[s], from, to);
        };
        return p;
    }

    void set_depths(finn_design& d) const {
        for (std::size_t e = 0; e < graph_.streams.size(); ++e) {
            const std::size_t from = graph_.streams[e].from;
            d.fifo_depths.push_back(
                depth(e, finn::bits_out(finn::folded(graph_.nodes[from].kind, d.foldings[from]))));
        }
    }

    finn_design designed(folding_solution found) const {
        finn_design d;
        d.solution = std::move(found);
        if (!d.solution.fits) return d;
        const folding_problem& p = allocator_.problem();
        for (std::size_t s = 0; s < p.size(); ++s) {
            const choice& c = choices_[p.list_of[s]][d.solution.chosen[s]];
            if (graph_.tied(last_[s])) d.foldings.push_back(c.window);
            d.foldings.push_back(c.node);
        }
        set_depths(d);
        return d;
    }

    /// Of one option: of the node, and of the window tied to it.
    struct choice {
        finn::folding window{}, node{};
    };

    finn::graph graph_;
    finn::dsp_block dsp_;
    finn::policy which_;
    std::vector<finn::folding> fixed_;
    std::vector<held_input> held_;              // of each stream
    std::vector<std::size_t> last_;             // node of each stage
    std::vector<std::vector<choice>> choices_;  // [list][option]
    std::vector<std::size_t> outside_;          // streams between stages
    folding_allocator allocator_;
};

/// What FINN's SetFolding asks for.
struct set_folding_settings {
    double target_cycles = 1.0;       ///< of every node
    int mvau_wwidth_max = 36;         ///< bits of weights of one PE
    bool two_pass_relaxation = true;  ///< folds again for what the slowest node came to
};

namespace detail {

template <class Cycles>
int first_below(int of, double target, const Cycles& cycles) {
    int last = 1;
    for (const int d : hass::detail::divisors(of)) {
        last = d;
        if (cycles(d) < target) break;
    }
    return last;
}

/// One pass of SetFolding.
inline std::vector<finn::folding> fold_once(const finn::graph& g, const set_folding_settings& s,
                                            double target) {
    using namespace finn;
    std::vector<folding> f(g.nodes.size());
    const auto with = [&](std::size_t n) { return finn::cycles(folded(g.nodes[n].kind, f[n])); };
    for (std::size_t n = 0; n < f.size(); ++n) {
        const node_kind& kind = g.nodes[n].kind;
        folding& here = f[n];
        const auto by_pe = [&](int of) {
            here.pe = first_below(of, target, [&](int pe) { return here.pe = pe, with(n); });
        };
        if (const auto* m = std::get_if<mvau>(&kind)) {
            here.res_type = m->built == back_end::rtl ? res_type::dsp : res_type::automatic;
            int before = 1;
            for (const int simd : hass::detail::divisors(m->mw)) {
                here.simd = simd;
                if (simd * m->weight.bits > s.mvau_wwidth_max) {
                    here.simd = before;
                    break;
                }
                if (with(n) < target) break;
                before = simd;
            }
            by_pe(m->mh);
        } else if (const auto* v = std::get_if<vvau>(&kind)) {
            by_pe(v->channels);
            if (here.pe == v->channels && with(n) > target)
                here.simd = first_below(v->kernel, target,
                                        [&](int simd) { return here.simd = simd, with(n); });
            f[n - 1].simd = here.pe, f[n - 1].parallel_window = here.simd > 1;
        } else if (const auto* p = std::get_if<window_pool>(&kind)) {
            by_pe(p->channels);
            f[n - 1].simd = here.pe;
        } else if (const auto* w = std::get_if<finn::sliding_window>(&kind)) {
            here.ram_style = ram_style::distributed;  // the attribute's default
            if (w->depthwise) continue;
            here.simd = first_below(w->channels, target,
                                    [&](int simd) { return here.simd = simd, with(n); });
            here.parallel_window = here.simd == w->channels && with(n) > target;
        } else if (const auto* pad = std::get_if<padding>(&kind)) {
            here.simd = first_below(pad->channels, target,
                                    [&](int simd) { return here.simd = simd, with(n); });
        } else if (const auto* l = std::get_if<label_select>(&kind)) {
            by_pe(l->labels);
        } else if (!std::holds_alternative<streaming_max_pool>(kind)) {
            by_pe(std::visit(
                [](const auto& other) {
                    if constexpr (requires { other.channels; }) return other.channels;
                    return 1;
                },
                kind));
        }
    }
    return f;
}

}  // namespace detail

/// FINN's own search (src/finn/transformation/fpgadataflow/set_folding.py, 39f0c9a6): node by node the
/// first folding below the target, once more with the slowest node's cycles where the target is
/// missed. Knows no budget. Memories and multipliers stay at FINN's defaults.
inline std::vector<finn::folding> set_folding(const finn::graph& g, const set_folding_settings& s) {
    std::vector<finn::folding> f = detail::fold_once(g, s, s.target_cycles);
    double slowest = 0.0;
    for (std::size_t n = 0; n < f.size(); ++n)
        slowest = std::max(slowest, finn::cycles(finn::folded(g.nodes[n].kind, f[n])));
    if (s.two_pass_relaxation && slowest > s.target_cycles) f = detail::fold_once(g, s, slowest);
    return f;
}

}  // namespace hass
