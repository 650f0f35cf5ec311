/// \file corrected.hpp
/// A resource model corrected by measurements of one's own:
///
///     corrected<calibrated> mine{{}, read_resource_file("mine.json").table};
///     dense_dot<corrected<calibrated>> engine{mine};
///
/// For each kind of module and each resource
///
///     factor x (what the model says) + a x multipliers + b x streams + c
///
/// with coefficients that `calibrate` (`calibrate.hpp`) found, and what they rest on. Kinds and
/// resources that were not measured, or not well enough, stay what the model says.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <hass/engine/engine.hpp>
#include <hass/engine/usage.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// Kinds of module: a dense and a sparse engine's layer (of a convolution or inner product alike),
/// then the rows without weights in the places of their `layer_kind`.
inline constexpr std::size_t dense_module = 0;
/// A sparse engine's layer.
inline constexpr std::size_t sparse_module = 1;
/// Of modules, as files name them.
inline constexpr auto module_kind_names = [] {
    auto names = layer_kind_names;
    names[dense_module] = "dense", names[sparse_module] = "spe";
    return names;
}();

/// \param engine_sparse  whether a sparse engine runs it, when it has weights
constexpr std::size_t module_kind(layer_kind kind, bool engine_sparse) {
    if (kind == layer_kind::convolution || kind == layer_kind::linear)
        return engine_sparse ? sparse_module : dense_module;
    return static_cast<std::size_t>(kind);
}
static_assert(static_cast<std::size_t>(layer_kind::convolution) == 0 &&
              static_cast<std::size_t>(layer_kind::linear) == 1);

/// What a correction may grow with, beside the model's own figure.
struct module_size {
    double multipliers = 0.0;  ///< in x out x group x macs; 0 without weights
    double streams = 0.0;      ///< words a cycle at most, in and out
};
/// Of a row's module under a folding.
constexpr module_size size_of(bool has_weights, const parallelism& p) {
    if (!has_weights) return {0.0, 2.0 * p.in};
    const double side = static_cast<double>(p.in) * p.group;
    return {side * p.out * p.macs * p.pixels,
            side * p.vector + static_cast<double>(p.out) * p.group};
}

/// The resources that are corrected: all but bandwidth, in the order of `resources`, as files name
/// them.
inline constexpr std::size_t corrected_resources = bandwidth_index;
inline constexpr std::array<std::string_view, corrected_resources> corrected_resource_names{
    "dsp", "lut", "ff", "bram18", "uram"};

/// One kind's and one resource's. Coefficients are >= 0; as it stands it changes nothing.
struct correction {
    double factor = 1.0;          ///< of what the model says
    double per_multiplier = 0.0;  ///< and so much a multiplier
    double per_stream = 0.0;      ///< a stream
    double per_stage = 0.0;       ///< and in any case
    int measurements = 0;         ///< that it rests on; 0: none was made
    double error_before = 0.0;    ///< mean magnitude of relative errors, the model's own
    double error_after = 0.0;     ///< of corrections that had not seen what they were scored on

    /// The corrected figure. \param said  by the model.
    constexpr double of(double said, const module_size& size) const {
        return factor * said + per_multiplier * size.multipliers + per_stream * size.streams +
               per_stage;
    }
    constexpr bool operator==(const correction&) const = default;
};

/// Corrections by kind of module and resource.
struct correction_table {
    /// By kind and resource.
    std::array<std::array<correction, corrected_resources>, module_kind_names.size()> of{};

    /// \param said  by the model that was corrected
    constexpr usage apply(std::size_t kind, usage said, const module_size& size) const {
        for (std::size_t r = 0; r < corrected_resources; ++r)
            if (const correction& c = of[kind][r]; c.measurements > 0)
                said.*resources[r].field = c.of(said.*resources[r].field, size);
        return said;
    }
    /// The same of a row as it was priced; what is built of nothing stays so.
    constexpr usage apply(const layer_row& row, const row_option& c, bool engine_sparse,
                          const usage& said) const {
        if (renames(row)) return said;
        return apply(module_kind(row.kind, engine_sparse), said,
                     size_of(is_compute(row), c.folding));
    }
    constexpr bool operator==(const correction_table&) const = default;
};

/// Resource policy: `Base` with corrections. What `Base` offers beside layers (memories, squeezes)
/// stays its own.
template <ResourceModel Base>
struct corrected : Base {
    correction_table table{};  ///< what is corrected

    constexpr usage sparse(const layer_row& row, const row_option& c,
                           const precision& width) const {
        return table.apply(row, c, true, Base::sparse(row, c, width));
    }
    constexpr usage dense(const layer_row& row, const row_option& c, const precision& width) const {
        return table.apply(row, c, false, Base::dense(row, c, width));
    }
    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        const usage said = Base::stage(row, c, width, held);
        return is_compute(row) ? said : table.apply(row, c, false, said);
    }
};

}  // namespace hass
