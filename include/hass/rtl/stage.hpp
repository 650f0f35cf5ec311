/// \file stage.hpp
/// One row of a network as a SystemVerilog module, and what the files of all kinds of rows share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/emulate/integer_network.hpp>
#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/list_resources.hpp>
#include <hass/error.hpp>
#include <hass/rtl/memory_image.hpp>
#include <hass/rtl/verilog.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass::rtl {

/// What stands in the row's own file, and what the top level has to know of it.
struct stage {
    std::string module;          ///< its name; empty: wires alone
    std::string text;            ///< of the module
    std::vector<file> memories;  ///< that it reads
    std::vector<stream> inputs;  ///< "in", or "a" and "b", or "in_0", "in_1", ..
    stream output;               ///< "out"
    /// Pixels that need room in front of it, so that what comes before is never held up.
    std::int64_t gap = 0;
    int latency = 0;  ///< cycles through its registers, beside those that `evaluate` knows
    int burst = 1;    ///< words that leave one behind the other before it may work on
};

/// A row that becomes a stage.
struct row_view {
    const integer_network& net;  ///< of which it is a row
    std::size_t index;           ///< of the row
    const row_option& option;    ///< how it is built

    const layer_row& row() const { return net.net.rows[index]; }
    /// Its weights and scales.
    const integer_row& integers() const { return net.rows[index]; }
    /// Of the layer.
    std::string name() const { return name_of(net.net, index); }
    /// Of its module and its memories.
    std::string id() const { return text_of({"row_", index, "_", identifier(name())}); }
    /// Rows that feed it; `network_input` for the image.
    std::vector<int> inputs() const { return inputs_of(net.net, index); }
    /// What enters by one of its inputs. A flatten or a folded ReLU in front has it unchanged.
    integer_stream in(std::size_t port = 0) const { return stream_of(net, inputs()[port]); }

    /// \throws hass::error naming the layer, and what is missing for it
    void require(bool holds, std::string_view missing) const {
        if (!holds)
            throw error(
                text_of({"rtl: layer '", name(), "' (", hass::name(row().kind), "): ", missing}));
    }
    /// File name of one of its memories.
    std::string memory(std::string_view what) const { return text_of({id(), "_", what, ".mem"}); }
};

namespace detail {

inline std::string text(const shape& s) {
    return text_of({s.height, " x ", s.width, " x ", s.channels});
}

/// Lines above the module: what the row computes, and how it is folded.
inline std::string heading(const row_view& r, std::string_view folding) {
    const layer_row& row = r.row();
    std::string what = text_of({"// ", r.id(), ": ", name(row.kind), " '", r.name(), "', ",
                                text(row.in), " -> ", text(row.out)});
    if (taps(row) > 1) what += text_of({", ", row.kernel_h, " x ", row.kernel_w});
    if (row.stride_h > 1 || row.stride_w > 1)
        what += text_of({", stride ", row.stride_h, " x ", row.stride_w});
    if (row.groups > 1) what += text_of({", ", row.groups, " groups"});
    return text_of({what, " (height x width x channels).\n// ", folding, "\n"});
}

inline std::vector<std::string> ports_of(const std::vector<stream>& inputs, const stream& output) {
    std::vector<std::string> ports{"input  logic clk", "input  logic rst"};
    const auto add = [&](const stream& s, const char* forward, const char* back) {
        ports.push_back(text_of({forward, " logic ", s.name, "_valid"}));
        ports.push_back(text_of({back, " logic ", s.name, "_ready"}));
        ports.push_back(text_of({forward, " logic [", s.width() - 1, ":0] ", s.name, "_data"}));
    };
    for (const stream& s : inputs) add(s, "input ", "output");
    add(output, "output", "input ");
    ports.push_back("output logic busy");
    return ports;
}

/// "1 channel", "2 channels".
inline std::string counted(std::int64_t n, std::string_view what) {
    return text_of({n, " ", what, n == 1 ? "" : "s"});
}

inline std::string busy_where(std::string_view condition) {
    return text_of({"assign busy = ", condition, ";"});
}

/// Whether a word moves on the stream, and whether one is there that cannot.
inline std::string moves(std::string_view s) {
    return text_of({s, "_valid && ", s, "_ready"});
}

}  // namespace detail

/// The map of several pixels that reaches row i by its first input flattened, through rows that keep
/// its order; null: none.
inline const shape* flattened_map(const network_view& net, std::size_t i) {
    int from = inputs_of(net, i).front();
    while (from != network_input) {
        const layer_row& row = net.rows[static_cast<std::size_t>(from)];
        if (row.kind == layer_kind::flatten && row.in.pixels() > 1) return &row.in;
        if (is_compute(row) || row.in.pixels() > 1) return nullptr;
        from = inputs_of(net, static_cast<std::size_t>(from)).front();
    }
    return nullptr;
}

/// \name Requantisation: one sum a value
/// @{

/// Bits of the row's multipliers, >= 2.
inline int multiplier_width(const integer_row& row) {
    int bits = 2;
    for (const requantisation& q : row.by) bits = std::max(bits, bits_of(q.multiplier));
    return bits;
}

/// The constants of `hass_requantise`, a line a word of a pixel.
inline file requantise_memory(const row_view& r, int lanes) {
    memory_image image;
    const int multiplier = multiplier_width(r.integers()), bias = bias_bits(r.net, r.index);
    const std::vector<requantisation>& by = r.integers().by;
    for (std::size_t c = 0; c < by.size(); ++c) {
        image.add(by[c].bias, bias);
        image.add(by[c].multiplier, multiplier);
        if ((c + 1) % static_cast<std::size_t>(lanes) == 0) image.end_word();
    }
    return {r.memory("requantise"), image.text()};
}

/// \throws hass::error naming the layer: a shift beyond all bits
inline bindings requantise_parameters(const row_view& r, int sum_bits, int lanes) {
    const integer_row& row = r.integers();
    const int product = std::max(sum_bits, bias_bits(r.net, r.index)) + 1 + multiplier_width(row);
    r.require(row.shift <= product,
              text_of({"no module shifts ", product, " bits by ", row.shift}));
    return {{"IN", sum_bits},
            {"OUT", row.bits},
            {"LANES", lanes},
            {"WORDS", r.row().out.channels / lanes},
            {"BIAS", bias_bits(r.net, r.index)},
            {"MULTIPLIER", multiplier_width(row)},
            {"SHIFT", row.shift},
            {"LOW", row.range.low},
            {"HIGH", row.range.high},
            {"FILE", in_quotes(r.memory("requantise"))}};
}
/// @}

/// \name Windows
/// @{

/// Whether windows have to be built: not for a pixel as it comes.
constexpr bool has_windows(const layer_row& row) {
    return taps(row) > 1 || row.stride_h > 1 || row.stride_w > 1 || row.pad_top > 0 ||
           row.pad_left > 0 || row.out.pixels() != row.in.pixels();
}

/// Slots of the last window that lie beyond the image.
constexpr std::int64_t slots_beyond(const layer_row& row) {
    const std::int64_t last_row =
        row.kernel_h - 1 - row.pad_top + std::int64_t{row.out.height - 1} * row.stride_h;
    const std::int64_t last_column =
        row.kernel_w - 1 - row.pad_left + std::int64_t{row.out.width - 1} * row.stride_w;
    return last_row * row.in.width + last_column + 1 - row.in.pixels();
}

/// Pixels that have to find room in front of `hass_window`, so that it holds nobody up: those of slots
/// without a window; and where windows lie beyond the image, two, because a slot that has begun
/// without input is finished, however slowly its window leaves, before the next image may begin.
constexpr std::int64_t pixels_ahead(const layer_row& row) {
    return slots_without_window(row) + (slots_beyond(row) > 0 ? 2 : 0);
}

/// The same on each edge of a network: what planned FIFOs have at least (`fifo_options::least`).
inline std::vector<std::int64_t> pixels_ahead(const network_view& net) {
    std::vector<std::int64_t> pixels;
    for (const edge& e : net.edges) {
        const layer_row& row = net.rows[static_cast<std::size_t>(e.to)];
        const bool windows = (is_compute(row) || row.kind == layer_kind::max_pool ||
                              row.kind == layer_kind::average_pool) &&
                             has_windows(row);
        pixels.push_back(windows && e.from != network_input ? pixels_ahead(row) : 0);
    }
    return pixels;
}

/// Why `hass_window` cannot build them; empty where it can.
constexpr std::string_view missing_windows(const layer_row& row, int words) {
    const std::int64_t first = std::int64_t{row.kernel_h - 1 - row.pad_top} * row.in.width +
                               row.kernel_w - 1 - row.pad_left;
    if (row.dilation_h > 1 || row.dilation_w > 1) return "no module builds dilated windows";
    if (row.pad_top >= row.kernel_h || row.pad_left >= row.kernel_w)
        return "no module pads by a whole kernel or more";
    if ((row.out.width - 1) * row.stride_w >= row.in.width ||
        (row.out.height - 1) * row.stride_h >= row.in.height || first < 0 ||
        slots_beyond(row) > row.in.pixels())
        return "no module builds windows that lie in the padding alone";
    if (row.kernel_h > 1 && row.in.width * words == 1)
        return "no module builds windows of several rows of an image of one word a row";
    return {};
}

/// \throws hass::error naming the layer where `hass_window` cannot build them
inline void require_windows(const row_view& r, int words) {
    const std::string_view missing = missing_windows(r.row(), words);
    r.require(missing.empty(), missing);
}

/// Parameters of `hass_window` for the row.
inline bindings window_parameters(const row_view& r, int bits, int lanes, int words,
                                  std::int64_t fill) {
    const layer_row& row = r.row();
    return {{"BITS", bits},
            {"LANES", lanes},
            {"WORDS", words},
            {"WIDTH", row.in.width},
            {"HEIGHT", row.in.height},
            {"KERNEL_W", row.kernel_w},
            {"KERNEL_H", row.kernel_h},
            {"STRIDE_W", row.stride_w},
            {"STRIDE_H", row.stride_h},
            {"PAD_LEFT", row.pad_left},
            {"PAD_TOP", row.pad_top},
            {"OUT_WIDTH", row.out.width},
            {"OUT_HEIGHT", row.out.height},
            {"FILL", fill}};
}
/// @}

}  // namespace hass::rtl
