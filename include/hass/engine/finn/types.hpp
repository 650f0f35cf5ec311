/// \file types.hpp
/// What FINN's hardware nodes are told: data types, memories, back ends. The formulas of this folder
/// are those of Xilinx/finn (BSD-3-Clause), main 39f0c9a6 (v0.10.1-10), src/finn/custom_op/
/// fpgadataflow; node by node exact to the digit under `policy::published`, what is known to be
/// wrong in them included. `policy::repaired` says what is built where that is known.
///
/// Every node has
///
///     cycles()              for one image
///     needs(policy, dsp)    what it takes; resources that FINN has no model of are not `known`
///     refusal()             why FINN refuses the attributes; empty: it does not
///     bits_in(), bits_out() of its streams, each cycle
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <hass/engine/resources/dsp.hpp>
#include <hass/error.hpp>

namespace hass::finn {

/// A data type of QONNX by what matters here. BIPOLAR counts as signed, BINARY does not.
struct data_type {
    int bits = 1;            ///< >= 1
    bool is_signed = false;  ///< has negative values

    constexpr bool operator==(const data_type&) const = default;
};

/// UINT of so many bits.
constexpr data_type uint_type(int bits) {
    return {bits, false};
}
/// INT of so many bits.
constexpr data_type int_type(int bits) {
    return {bits, true};
}
/// -1 and 1.
inline constexpr data_type bipolar{1, true};

/// "INT4", "UINT8", "BIPOLAR", "BINARY", "TERNARY" (2 bits).
/// \throws hass::error for a name that is none of these, or 0 bits
inline data_type parse_data_type(std::string_view name) {
    if (name == "BIPOLAR") return bipolar;
    if (name == "BINARY") return uint_type(1);
    if (name == "TERNARY") return int_type(2);
    const bool plain = name.starts_with("UINT");
    const std::string_view digits = name.substr(plain ? 4 : name.starts_with("INT") ? 3 : 0);
    int bits = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (digits.size() == name.size() || failed != std::errc{} ||
        end != digits.data() + digits.size() || bits < 1)
        throw error("unknown data type '" + std::string(name) +
                    "' (known: INTn, UINTn, BIPOLAR, BINARY, TERNARY)");
    return {bits, !plain};
}

/// Whose figures: FINN's own, or what is built where that differs and is known.
enum class policy : std::uint8_t { published, repaired };
inline constexpr std::array<std::string_view, 2> policy_names{"published", "repaired"};

/// Memory of a node's weights or buffer.
enum class ram_style : std::uint8_t { automatic, block, distributed, ultra };
inline constexpr std::array<std::string_view, 4> ram_style_names{"auto", "block", "distributed",
                                                                 "ultra"};
/// What multipliers are made of.
enum class res_type : std::uint8_t { automatic, lut, dsp };
inline constexpr std::array<std::string_view, 3> res_type_names{"auto", "lut", "dsp"};

/// Where weights come from.
enum class mem_mode : std::uint8_t { internal_embedded, internal_decoupled, external };
inline constexpr std::array<std::string_view, 3> mem_mode_names{"internal_embedded",
                                                                "internal_decoupled", "external"};
/// Who builds a node: Vitis HLS, or modules in RTL.
enum class back_end : std::uint8_t { hls, rtl };

/// DSP blocks: of parts xc7.. , of UltraScale+, of Versal.
enum class dsp_block : std::uint8_t { dsp48e1, dsp48e2, dsp58 };
inline constexpr std::array<std::string_view, 3> dsp_block_names{"DSP48E1", "DSP48E2", "DSP58"};

/// As FINN names a slice of the library's devices.
constexpr dsp_block dsp_block_of(dsp_slice slice) {
    return slice == dsp_slice::dsp48e1 ? dsp_block::dsp48e1 : dsp_block::dsp48e2;
}

constexpr std::string_view name(policy p) {
    return policy_names[static_cast<std::size_t>(p)];
}
constexpr std::string_view name(ram_style s) {
    return ram_style_names[static_cast<std::size_t>(s)];
}
constexpr std::string_view name(res_type t) {
    return res_type_names[static_cast<std::size_t>(t)];
}
constexpr std::string_view name(mem_mode m) {
    return mem_mode_names[static_cast<std::size_t>(m)];
}

}  // namespace hass::finn
