/// \file energy.hpp
/// Energy of an array engine: accesses times energy per access. The published tables of the
/// Sparseloop artifact (MICRO 2022) and tables of your own are values of one struct:
///
///     hass::array_run r = hass::sparse_tensor_core{}.run(row, statistics);
///     hass::energy(r, hass::energy_tables::sparse_tensor_core).total();     // pJ, or nullopt
///
/// What is not priced or not counted makes the total nullopt, never smaller. The power of the FPGA
/// engines is not modelled: no table exists until one is measured.
#pragma once

#include <optional>
#include <string_view>

#include <hass/engine/arrays/array.hpp>

namespace hass {

/// Energy per access in pJ; nullopt: unknown. Units of access as in `memory_accesses`.
struct energy_table {
    std::string_view name = "custom";           ///< as tables show it
    std::optional<double> mac{};                ///< a multiplication
    std::optional<double> gated_mac{};          ///< a slot with its multiplier held still
    std::optional<double> operand_register{};   ///< a word
    std::optional<double> accumulator_read{};   ///< a word
    std::optional<double> accumulator_write{};  ///< a word
    std::optional<double> buffer_read{};        ///< a row
    std::optional<double> buffer_write{};       ///< a row
    std::optional<double> metadata_read{};      ///< a row
    std::optional<double> metadata_write{};     ///< a row
    std::optional<double> dram{};               ///< a word
};

namespace energy_tables {

/// Dense tensor core, 65 nm (Sparseloop artifact, figure 15). Made with another estimator than the
/// next one: ratios between the two mix technologies.
inline constexpr energy_table tensor_core{.name = "tensor_core",
                                          .mac = 0.44688,
                                          .operand_register = 0.02435,
                                          .accumulator_read = 3.16,
                                          .accumulator_write = 3.20,
                                          .buffer_read = 536.0,
                                          .buffer_write = 600.0,
                                          .dram = 64.0};
/// Sparse tensor cores (Sparseloop artifact, figure 15): buffer rows of 64 words of 8 bits,
/// metadata rows of 64 bits.
inline constexpr energy_table sparse_tensor_core{.name = "sparse_tensor_core",
                                                 .mac = 0.5608,
                                                 .gated_mac = 0.01798,
                                                 .operand_register = 0.072,
                                                 .accumulator_read = 1.65889,
                                                 .accumulator_write = 1.67589,
                                                 .buffer_read = 285.71464,
                                                 .buffer_write = 316.96744,
                                                 .metadata_read = 25.8695,
                                                 .metadata_write = 19.6486,
                                                 .dram = 64.0};
/// Eyeriss v2 processing element, 45 nm (Sparseloop artifact, figure 12). Its scratch pads differ
/// by operand and are not published as counts, so only the multipliers are priced here.
inline constexpr energy_table eyeriss_v2_pe{
    .name = "eyeriss_v2_pe", .mac = 0.5608, .gated_mac = 0.01798};

}  // namespace energy_tables

/// Energy for one image in pJ, by component.
struct energy_estimate {
    std::optional<double> compute;       ///< multipliers, gated slots included
    std::optional<double> registers;     ///< of operands
    std::optional<double> accumulators;  ///< reads and writes
    std::optional<double> buffers;       ///< reads and writes
    std::optional<double> metadata;      ///< reads and writes
    std::optional<double> dram;          ///< off-chip memory

    /// The sum; nullopt as soon as one component is.
    constexpr std::optional<double> total() const {
        double sum = 0.0;
        for (const auto& part : {compute, registers, accumulators, buffers, metadata, dram}) {
            if (!part) return std::nullopt;
            sum += *part;
        }
        return sum;
    }
};

namespace detail {

/// What never happens costs nothing, also where its price is unknown.
constexpr std::optional<double> priced(double count, std::optional<double> price) {
    if (count == 0.0) return 0.0;
    if (!price) return std::nullopt;
    return count * *price;
}
constexpr std::optional<double> sum(std::optional<double> a, std::optional<double> b) {
    if (!a || !b) return std::nullopt;
    return *a + *b;
}

}  // namespace detail

/// Energy of one run.
constexpr energy_estimate energy(const array_run& run, const energy_table& table) {
    using detail::priced;
    using detail::sum;
    energy_estimate e;
    e.compute = sum(priced(run.macs, table.mac), priced(run.gated_macs, table.gated_mac));
    if (!run.memory) return e;
    const memory_accesses& m = *run.memory;
    e.registers = priced(m.operand_register, table.operand_register);
    e.accumulators = sum(priced(m.accumulator_read, table.accumulator_read),
                         priced(m.accumulator_write, table.accumulator_write));
    e.buffers =
        sum(priced(m.buffer_read, table.buffer_read), priced(m.buffer_write, table.buffer_write));
    e.metadata = sum(priced(m.metadata_read, table.metadata_read),
                     priced(m.metadata_write, table.metadata_write));
    e.dram = priced(m.dram, table.dram);
    return e;
}

/// Microseconds of so many cycles.
/// \param mhz  clock, > 0
constexpr double microseconds(double cycles, double mhz) {
    return cycles / mhz;
}

/// Energy-delay product in uJ us.
/// \param pj  energy in pJ
/// \param us  delay in microseconds
constexpr double edp(double pj, double us) {
    return pj * 1e-6 * us;
}

/// Energy-delay-squared product in uJ us^2: weighs delay as voltage scaling does.
constexpr double ed2p(double pj, double us) {
    return edp(pj, us) * us;
}

}  // namespace hass
