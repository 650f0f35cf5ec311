/// \file design_usage.hpp
/// What a written design takes: the sum of what its modules do, each counted from its parameters
/// (`engine/resources/*_synthesis.hpp`, `synthesised_modules.hpp`), which are read from the text itself.
/// Weights, masks, constants and tables (`hass_rom`) are left out: they take what their size says.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <hass/engine/resources/cascade_synthesis.hpp>
#include <hass/engine/resources/crossbar_synthesis.hpp>
#include <hass/engine/resources/lane_resources.hpp>
#include <hass/engine/resources/list_resources.hpp>
#include <hass/engine/resources/synthesised_modules.hpp>
#include <hass/engine/resources/window_synthesis.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass::rtl {

/// An instance of a module, and those of its parameters that are numbers.
struct module_instance {
    std::string module;                                           ///< "hass_..."
    std::map<std::string, std::int64_t, std::less<>> parameters;  ///< by name

    /// A parameter, or what the module has it be where it is not given.
    int of(std::string_view name, int otherwise) const {
        const auto found = parameters.find(name);
        return found == parameters.end() ? otherwise : static_cast<int>(found->second);
    }
};

/// Instances of modules "hass_..." with parameters in SystemVerilog as `module_text` writes it.
inline std::vector<module_instance> instances_in(std::string_view text) {
    std::vector<module_instance> found;
    for (std::size_t at = text.find("hass_"); at != std::string_view::npos;
         at = text.find("hass_", at + 1)) {
        const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
        if (end == std::string_view::npos || text.substr(end, 3) != " #(") continue;
        module_instance m{std::string(text.substr(at, end - at)), {}};
        // ".NAME(VALUE), ...": up to the bracket that no parameter opened
        for (std::size_t p = end + 3; p < text.size() && text[p] != ')';) {
            const std::size_t dot = text.find('.', p), open = text.find('(', dot);
            const std::size_t close = text.find(')', open);
            if (close == std::string_view::npos) break;
            std::string_view value = text.substr(open + 1, close - open - 1);
            if (value.substr(0, 3) == "1'b") value.remove_prefix(3);
            std::int64_t number = 0;
            const auto [end_of_number, wrong] =
                std::from_chars(value.data(), value.data() + value.size(), number);
            if (wrong == std::errc() && end_of_number == value.data() + value.size())
                m.parameters[std::string(text.substr(dot + 1, open - dot - 1))] = number;
            p = close + 1;
        }
        found.push_back(std::move(m));
    }
    return found;
}

namespace detail {

inline usage list_usage(const module_instance& m, weight_memory buffers, dsp_slice slice) {
    const int lists = m.of("LANES", 1), out = m.of("MULTIPLIERS", 4), chain = m.of("CHAIN", 4);
    const int ways = m.of("REPLICAS", m.module == "hass_list_array" ? 2 : 1);
    if (m.parameters.count("SLOTS") == 0) throw error(m.module + ": SLOTS is not given");
    const int slots = m.of("SLOTS", 0);
    layer_row row;
    row.in = {lists * m.of("WORDS", 4), m.of("HEIGHT", 8), m.of("WIDTH", 8)};
    row.out = {out * m.of("BLOCKS", 1), m.of("OUT_HEIGHT", 8), m.of("OUT_WIDTH", 8)};
    row.kernel_h = m.of("KERNEL_H", 3), row.kernel_w = m.of("KERNEL_W", 3);
    row.stride_h = m.of("STRIDE_H", 1), row.stride_w = m.of("STRIDE_W", 1);
    list_synthesis::extents e(row, parallelism{lists, out, 1, 1, 1, out, ways},
                              {m.of("DATA", 16), m.of("WEIGHT", 16)}, slots, chain);
    e.sum = m.of("SUM", 48);
    const std::int64_t words = row.out.channels / e.chains, wide = std::int64_t{e.chains} * e.sum;
    usage list = buffer_memory(buffers, std::int64_t{slots} << e.word, e.data + e.word);
    const bool in_lutram = list.bram18 == 0.0 && list.uram == 0.0;
    list.lut += list_synthesis::lengths_lut(slots, e.word + 1, slice);
    usage each = double(lists) * list;
    each.lut += list_synthesis::engine_lut(e), each.ff += list_synthesis::engine_ff(e, in_lutram);
    each.dsp = lists * out;
    const usage once{.lut = list_synthesis::windows_lut(e), .ff = list_synthesis::windows_ff(e)};
    if (ways == 1) return each + once;
    each += synthesised::fifo(buffers, 2 * words, wide);
    return double(ways) * each + once + list_synthesis::sharing(e, ways, words);
}

inline usage lane_usage(const module_instance& m, dsp_slice slice) {
    const int lanes = m.of("MULTIPLIERS", 3), words = m.of("WORDS", 1);
    const lane_synthesis::extents e{m.of("POSITIONS", 9),
                                    lanes,
                                    m.of("DATA", 16),
                                    words,
                                    std::int64_t{words} * m.of("DOTS", 1),
                                    m.of("MASKED", 1) != 0};
    usage u = lane_synthesis::logic(e, slice);
    u.dsp = static_cast<double>(lanes * m.of("FILTERS", 1));
    return u;
}

inline usage dense_usage(const module_instance& m) {
    const int multipliers = m.of("MULTIPLIERS", 3);
    const cascade_synthesis::extents e{m.of("POSITIONS", 9), multipliers, m.of("DATA", 16),
                                       m.of("WORDS", 1), m.of("DOTS", 1)};
    return {.dsp = static_cast<double>(multipliers * m.of("FILTERS", 1)),
            .lut = cascade_synthesis::lut(e),
            .ff = cascade_synthesis::ff(e)};
}

inline usage spe_usage(const module_instance& m, dsp_slice slice) {
    const int streams = m.of("STREAMS", 1), sum = m.of("SUM", 48), macs = m.of("MULTIPLIERS", 3);
    const int out = m.of("FILTERS", 1) * m.of("GROUPS", 1), spes = out * streams;
    const std::int64_t words = m.of("WORDS", 1);
    const crossbar_synthesis::extents e{m.of("POSITIONS", 9),   macs, m.of("DATA", 16),
                                        m.of("WEIGHT", 16),     sum,  words,
                                        words * m.of("DOTS", 1)};
    usage u{.dsp = static_cast<double>(spes * macs),
            .lut = spes * crossbar_synthesis::lut(e, slice),
            .ff = spes * crossbar_synthesis::ff(e)};
    if (spes > 1) u += synthesised::fork(spes) + synthesised::join(spes);
    if (streams > 1) u.lut += (streams - 1.0) * out * sum, u.ff += 1.0 + out * sum;
    return u;
}

inline usage window_usage(const module_instance& m, weight_memory buffers) {
    layer_row row;
    const int lanes = m.of("LANES", 1);
    row.in = {lanes * m.of("WORDS", 1), m.of("HEIGHT", 8), m.of("WIDTH", 8)};
    row.out = {row.in.channels, m.of("OUT_HEIGHT", 8), m.of("OUT_WIDTH", 8)};
    row.kernel_h = m.of("KERNEL_H", 3), row.kernel_w = m.of("KERNEL_W", 3);
    row.stride_h = m.of("STRIDE_H", 1), row.stride_w = m.of("STRIDE_W", 1);
    row.pad_top = m.of("PAD_TOP", 1), row.pad_left = m.of("PAD_LEFT", 1);
    return synthesised::window(buffers, row, lanes, m.of("BITS", 16));
}

}  // namespace detail

/// What one instance takes, without what it reads from files, and without the adders that a DSP48E1 needs
/// behind a cascade, which no module has.
/// \param buffers  where memories of more than 64 words are
/// \returns nullopt for a module that nothing is known of
inline std::optional<usage> module_usage(const module_instance& m, weight_memory buffers,
                                         dsp_slice slice = dsp_slice::dsp48e2) {
    namespace s = synthesised;
    const int bits = m.of("BITS", 16), lanes = m.of("LANES", 1), words = m.of("WORDS", 1);
    const std::string_view name = m.module;
    if (name == "hass_lists" || name == "hass_list_array")
        return detail::list_usage(m, buffers, slice);
    if (name == "hass_dense") return detail::dense_usage(m);
    if (name == "hass_depthwise") return double(m.of("GROUPS", 1)) * detail::dense_usage(m);
    if (name == "hass_lanes") return detail::lane_usage(m, slice);
    if (name == "hass_lane_array") {
        const int engines = m.of("GROUPS", 1) * m.of("SETS", 1);
        usage u =
            double(engines) * detail::lane_usage(m, slice) + s::fork(engines) + s::join(engines);
        u.ff -= lane_synthesis::shared_ff(engines);
        return u;
    }
    if (name == "hass_spes") return detail::spe_usage(m, slice);
    if (name == "hass_window") return detail::window_usage(m, buffers);
    if (name == "hass_replay") return s::replay(buffers, m.of("WORDS", 4), m.of("TIMES", 2), bits);
    if (name == "hass_fifo") return s::fifo(buffers, m.of("DEPTH", 16), bits);
    if (name == "hass_skid") return s::skid(bits);
    if (name == "hass_fork") return s::fork(m.of("WAYS", 2));
    if (name == "hass_join") return s::join(m.of("WAYS", 2));
    if (name == "hass_turns") return s::turns(m.of("WAYS", 2), m.of("WORDS", 4), bits);
    if (name == "hass_widen") return s::widen(m.of("WORDS", 2), m.of("IN", 16));
    if (name == "hass_narrow") return s::narrow(m.of("WORDS", 2), m.of("OUT", 16));
    if (name == "hass_convert") return s::convert(m.of("IN", 2), m.of("OUT", 3), bits);
    if (name == "hass_concat") return s::concat(m.of("A_WORDS", 1) + m.of("B_WORDS", 1), bits);
    if (name == "hass_add")
        return s::add(lanes, bits, m.of("SHIFT", 0), m.of("A_MULTIPLIER", 1),
                      m.of("B_MULTIPLIER", 1));
    if (name == "hass_multiply")
        return s::multiply(lanes, bits, m.of("SHIFT", 0), m.of("SCALE", 1),
                           m.of("LOW", static_cast<int>(-(std::int64_t{1} << (bits - 1)))), slice);
    if (name == "hass_lookup") return s::lookup_logic();
    if (name == "hass_clip") return s::clip(lanes, bits, m.of("THRESHOLD", 0));
    if (name == "hass_clamp") {
        const auto most = static_cast<int>((std::int64_t{1} << (bits - 1)) - 1);
        return s::clamp(lanes, bits, m.of("HIGH", most) != most);
    }
    if (name == "hass_pool_max") return s::pool_max(lanes, bits, m.of("POSITIONS", 4));
    if (name == "hass_pool_sum") return s::pool_sum(lanes, bits, m.of("POSITIONS", 4));
    if (name == "hass_global_sum") return s::global_sum(lanes, bits, words, m.of("PIXELS", 64));
    if (name == "hass_requantise")
        return s::requantise({m.of("IN", 32), m.of("BIAS", 32), m.of("MULTIPLIER", 18),
                              m.of("SHIFT", 16), m.of("OUT", 8), m.of("LOW", -1) != 0},
                             lanes, words, slice);
    if (name == "hass_counter") {
        const int count = m.of("COUNT", 4);
        return usage{.lut = static_cast<double>(s::counter_lut(count)),
                     .ff = static_cast<double>(hass::detail::bits_for(count))};
    }
    return std::nullopt;
}

/// What all instances in a text take, without what they read from files.
/// \throws hass::error naming a module that nothing is known of
inline usage design_usage(std::string_view text, weight_memory buffers = weight_memory::bram18,
                          dsp_slice slice = dsp_slice::dsp48e2) {
    usage all;
    for (const module_instance& m : instances_in(text)) {
        const std::optional<usage> u = module_usage(m, buffers, slice);
        if (!u) throw error(text_of({"nothing is known of what ", m.module, " takes"}));
        all += *u;
    }
    return all;
}

}  // namespace hass::rtl
