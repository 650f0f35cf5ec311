/// \file folding.hpp
/// What is chosen for a node of FINN, and everything there is to choose from.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/finn/graph.hpp>
#include <hass/engine/finn/types.hpp>
#include <hass/engine/modelled_usage.hpp>

namespace hass::finn {

/// Of each node what it has; the rest stays as it is here.
struct folding {
    /// Outputs and inputs side by side.
    int pe = 1, simd = 1;
    finn::ram_style ram_style = ram_style::automatic;
    finn::res_type res_type = res_type::automatic;  ///< of multipliers
    bool parallel_window = false;                   ///< a whole window a cycle

    constexpr bool operator==(const folding&) const = default;
};

/// The node so folded.
inline node_kind folded(node_kind kind, const folding& f) {
    std::visit(
        [&](auto& n) {
            if constexpr (requires { n.pe; }) n.pe = f.pe;
            if constexpr (requires { n.simd; }) n.simd = f.simd;
            if constexpr (requires { n.ram_style; }) n.ram_style = f.ram_style;
            if constexpr (requires { n.res_type; }) n.res_type = f.res_type;
            if constexpr (requires { n.parallel_window; }) n.parallel_window = f.parallel_window;
        },
        kind);
    return kind;
}

/// \name What every node has
/// @{
inline double cycles(const node_kind& kind) {
    return std::visit([](const auto& n) { return n.cycles(); }, kind);
}
inline modelled_usage needs(const node_kind& kind, policy p, dsp_block dsp) {
    return std::visit([&](const auto& n) { return n.needs(p, dsp); }, kind);
}
inline int bits_in(const node_kind& kind) {
    return std::visit([](const auto& n) { return static_cast<int>(n.bits_in()); }, kind);
}
inline int bits_out(const node_kind& kind) {
    return std::visit([](const auto& n) { return static_cast<int>(n.bits_out()); }, kind);
}
/// Why FINN or HLS does not build it; empty: they do.
inline std::string refusal(const node_kind& kind) {
    return std::visit(
        [](const auto& n) {
            std::string why = n.refusal();
            if constexpr (requires { n.synthesises(); })
                if (why.empty() && !n.synthesises()) why = "SIMD is below MW / 1024";
            return why;
        },
        kind);
}
/// @}

/// Words of weights side by side, of RTL MVAUs, whose LUTs have no model: LUT-RAM would cost nothing.
inline bool lutram_is_priced(const node_kind& kind) {
    return std::visit(
        [](const auto& n) {
            if constexpr (requires { n.res_type; }) return n.built == back_end::hls;
            return true;
        },
        kind);
}

namespace detail {

/// The style whose memory FINN's estimate charges: `automatic` is left to Vivado and not offered.
inline std::vector<ram_style> offered_rams(const node_kind& kind, bool uram) {
    std::vector<ram_style> rams{ram_style::block};
    if (lutram_is_priced(kind)) rams.push_back(ram_style::distributed);
    if (uram) rams.push_back(ram_style::ultra);
    return rams;
}

/// Products of one bit by one bit are XNORs: no multiplication goes to a DSP.
template <class Visit>
void visit_units(const node_kind& kind, const dot_unit& unit, int pes, int simds, bool uram,
                 Visit&& visit) {
    const bool hls = unit.built == back_end::hls;
    const bool multiplies = unit.weight.bits > 1 || unit.input.bits > 1;
    for (const int pe : hass::detail::divisors(pes))
        for (const int simd : hass::detail::divisors(simds))
            for (const ram_style ram : offered_rams(kind, uram)) {
                visit(folding{pe, simd, ram, hls ? res_type::lut : res_type::dsp});
                if (hls && multiplies) visit(folding{pe, simd, ram, res_type::dsp});
            }
}

}  // namespace detail

/// Calls visit(folding) for everything a node may be; nodes that fold with the one before aside, what
/// FINN or HLS refuses is not visited.
/// \param uram  whether the device has any
template <class Visit>
void for_each_folding(const node_kind& kind, bool uram, Visit visit) {
    const auto legal = [&](const folding& f) {
        if (refusal(folded(kind, f)).empty()) visit(f);
    };
    if (const auto* m = std::get_if<mvau>(&kind)) {
        detail::visit_units(kind, *m, m->mh, m->mw, uram, legal);
    } else if (const auto* v = std::get_if<vvau>(&kind)) {
        detail::visit_units(kind, *v, v->channels, v->kernel, uram, [&](const folding& f) {
            // SIMD only once all channels are side by side: a limit of the window in front
            if (f.simd == 1 || f.pe == v->channels) legal(f);
        });
    } else if (const auto* w = std::get_if<sliding_window>(&kind)) {
        for (const int simd : hass::detail::divisors(w->channels))
            for (const ram_style ram : detail::offered_rams(kind, uram)) {
                legal({1, simd, ram, res_type::automatic, false});
                if (w->kernel_h * w->kernel_w > 1) legal({1, simd, ram, res_type::automatic, true});
            }
    } else if (const auto* p = std::get_if<padding>(&kind)) {
        for (const int simd : hass::detail::divisors(p->channels)) legal({1, simd});
    } else if (const auto* l = std::get_if<label_select>(&kind)) {
        for (const int pe : hass::detail::divisors(l->labels)) legal({pe});
    } else if (std::holds_alternative<streaming_max_pool>(kind)) {
        legal({});
    } else {
        const int channels = std::visit(
            [](const auto& n) {
                if constexpr (requires { n.channels; }) return n.channels;
                return 1;
            },
            kind);
        for (const int pe : hass::detail::divisors(channels)) legal({pe});
    }
}

}  // namespace hass::finn
