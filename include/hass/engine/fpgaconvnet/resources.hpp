/// \file resources.hpp
/// The published resource model of HASS's public tool flow (fpgaconvnet-model edfbeb6): whole
/// layers out of the modules in `published_modules.hpp`, reproduced to the digit, known faults
/// included; and `repaired`, the same without the faults that an optimizer exploits.
///
/// Faults that `published` copies, because the published numbers contain them:
/// - sparse layers subtract one squeeze, also where none was built: layers cost less than their
///   parts, down to negative FFs
/// - the sparse dot product has no term for its crossbar: cheaper per MAC than the dense one
/// - sparse layers count one adder tree (glue) for all output streams
/// - padding is charged where there is none, accumulators are dropped by the wrong criterion
/// - weights of a sparse layer are read N at a time although the engine takes in M
///
/// Windows that span several channels (`vector` > 1) are not in the published model; here they
/// count as kernels with that many taps.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include <hass/engine/arithmetic.hpp>
#include <hass/engine/engine.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/known_error.hpp>
#include <hass/engine/resources/memories.hpp>
#include <hass/engine/resources/modules.hpp>
#include <hass/engine/resources/spe_synthesis.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass::fpgaconvnet {

/// The kinds of layer that the published model knows. `sparse` reads window histograms, `pointwise`
/// is its mean-sparsity engine for single-tap kernels, `inner_product` is always dense.
enum class stage_kind : std::uint8_t { dense, sparse, pointwise, inner_product };

/// Gbit/s that `bits_per_cycle` become in a pipeline: a layer streams during its own latency once
/// an interval. `slow_down` >= 1: how much longer the
/// interval is where the device lacks bandwidth (in the published model needed / available + 0.01).
constexpr double streaming_bandwidth(double bits_per_cycle, double latency_cycles,
                                     double interval_cycles, double mhz, double slow_down = 1.0) {
    return bits_per_cycle * latency_cycles * mhz / (interval_cycles * slow_down) / 1000.0;
}

/// A layer as the published model builds it: each module, and how they add up.
class layer_cost {
  public:
    /// \param row    a compute row; `row.bias` adds a bias module and memory
    /// \param p      folding; `macs` is the published "fine"
    constexpr layer_cost(stage_kind kind, const layer_row& row, const parallelism& p,
                         const precision& width)
        : kind_(kind),
          row_(row),
          p_(p),
          width_(width),
          fold_(row, p),
          packed_(kind == stage_kind::dense || kind == stage_kind::inner_product) {}

    /// The extents that its modules have.
    constexpr const folded_row& folded() const { return fold_; }

    /// \name Modules, whether or not the layer keeps them
    /// @{

    /// Adds zeros around the map.
    constexpr modules::module_cost pad() const { return modules::pad(); }
    /// Line buffers and taps.
    constexpr modules::module_cost sliding_window() const {
        return modules::sliding_window(padded_width(row_), fold_.blocks, row_.kernel_h,
                                       row_.kernel_w, in_words(), width_.data);
    }
    /// From the window to the words that a vector dot takes.
    constexpr modules::module_cost squeeze() const {
        return modules::squeeze(fold_.pairs, p_.macs, in_words(), width_.data);
    }
    /// Copies the window for filters side by side.
    constexpr modules::module_cost fork() const {
        return modules::fork(p_.macs, p_.out, in_words(), width_.data);
    }
    /// DSPs before packing.
    constexpr modules::module_cost vector_dot() const {
        return kind_ == stage_kind::sparse
                   ? modules::sparse_vector_dot(p_.macs, fold_.filters, width_)
                   : modules::vector_dot(p_.macs, fold_.filters, engine_words(), width_);
    }
    /// Adds windows of one output.
    constexpr modules::module_cost accumulator() const {
        return modules::accumulator(accumulated(), fold_.filters, engine_words(),
                                    width_.accumulator);
    }
    /// Adds streams of input channels.
    constexpr modules::module_cost glue() const {
        return modules::glue(p_.in, out_words(), width_.accumulator);
    }
    /// Adds the bias.
    constexpr modules::module_cost bias() const { return modules::bias(out_words(), width_.data); }
    /// @}

    /// \name Which modules the layer keeps
    /// @{

    /// All but inner products.
    constexpr bool has_pad() const { return kind_ != stage_kind::inner_product; }
    /// Kernels of several taps.
    constexpr bool has_sliding_window() const { return !single_tap(row_); }
    /// Fewer words than pairs.
    constexpr bool has_squeeze() const { return p_.macs != fold_.pairs; }
    /// Several filters side by side.
    constexpr bool has_fork() const { return p_.out > 1; }
    /// Several windows an output.
    constexpr bool has_accumulator() const { return fold_.blocks > 1; }
    /// Several streams of input channels.
    constexpr bool has_glue() const { return p_.in > 1; }
    /// @}

    /// Values that one accumulator adds up: products per filter, or windows in a sparse layer.
    constexpr std::int64_t accumulated() const {
        if (kind_ == stage_kind::sparse) return fold_.blocks;
        return std::int64_t{row_.in.channels} * taps(row_) /
               (std::int64_t{p_.macs} * fold_.streams_in);
    }

    /// Share of a DSP that a multiplication takes when several narrow ones are packed into one.
    constexpr double dsp_packing() const {
        const int widest = std::max(width_.data, width_.weight);
        return widest <= 4 ? 0.25 : widest <= 8 ? 0.5 : 1.0;
    }

    /// \name Weights
    /// @{

    /// Words of one weight array.
    constexpr std::int64_t weight_depth() const {
        return hass::detail::ceil_div(
            std::int64_t{filters_per_group(row_)} * row_.in.channels * taps(row_),
            std::int64_t{p_.macs} * fold_.engines);
    }
    /// Separate arrays: one in a dense layer; one a multiplier in a sparse layer, which is what
    /// fragments its memory.
    constexpr std::int64_t weight_arrays() const {
        return packed_ ? 1 : std::int64_t{p_.macs} * fold_.engines;
    }
    /// Bits of one array's word.
    constexpr std::int64_t weight_width() const {
        return packed_ ? std::int64_t{width_.weight} * p_.macs * fold_.engines : width_.weight;
    }
    /// Memory blocks for all weights: 18 Kbit or 288 Kbit.
    constexpr std::int64_t weight_blocks(weight_memory memory) const {
        return weight_arrays() * array_blocks(memory, weight_depth());
    }
    /// Aspect ratio of one block; {0, 0} when the weights need no block.
    constexpr memory_shape weight_shape(weight_memory memory) const {
        if (weight_blocks(memory) == 0) return {};
        return memory == weight_memory::uram
                   ? hass::detail::shape_for(uram_shapes, weight_width())
                   : hass::detail::shape_for(bram18_shapes, weight_width());
    }
    /// @}

    /// \name Weights that stream from off-chip memory
    /// @{

    /// Weights of which some blocks live off-chip.
    struct streamed_weights {
        std::int64_t blocks = 0;         ///< blocks that left the chip
        std::int64_t blocks_left = 0;    ///< blocks on chip, the double buffer included
        std::int64_t words_on_chip = 0;  ///< words of an array that stay
        double bits_per_cycle = 0.0;     ///< published: sparse layers are overcharged by the number
                                         ///< of their arrays
    };
    /// Blocks to stream at a level in [0, 1] of the depth.
    constexpr std::int64_t streamed_blocks(weight_memory memory, double level) const {
        const memory_shape shape = weight_shape(memory);
        if (shape.depth == 0) return 0;
        const double steps = hass::detail::ceil(
            level * static_cast<double>(hass::detail::ceil_div(weight_depth(), shape.depth)));
        return std::min(weight_blocks(memory),
                        stream_unit(memory) * static_cast<std::int64_t>(steps));
    }
    /// Blocks that one block's depth of all arrays takes.
    constexpr std::int64_t stream_unit(weight_memory memory) const {
        const memory_shape shape = weight_shape(memory);
        return shape.width == 0
                   ? 0
                   : weight_arrays() * hass::detail::ceil_div(weight_width(), shape.width);
    }
    /// What streaming `blocks` of the weights' blocks leaves, and the traffic it makes.
    constexpr streamed_weights stream(weight_memory memory, std::int64_t blocks) const {
        const memory_shape shape = weight_shape(memory);
        const std::int64_t depth = weight_depth();
        streamed_weights s;
        s.blocks_left = weight_blocks(memory);
        s.words_on_chip = depth;
        if (blocks == 0 || shape.depth == 0) return s;
        const std::int64_t off = std::min(depth, blocks / stream_unit(memory) * shape.depth);
        s.blocks = blocks;
        s.blocks_left += weight_arrays() * array_blocks(memory, shape.depth) - blocks;
        s.words_on_chip = depth - off;
        const std::int64_t total_width = weight_width() * weight_arrays();
        s.bits_per_cycle = static_cast<double>(off * weight_arrays() * total_width) /
                           static_cast<double>(s.words_on_chip + shape.depth);
        return s;
    }
    /// @}

    /// 18 Kbit blocks of the biases.
    constexpr std::int64_t bias_blocks() const {
        if (!row_.bias) return 0;
        const std::int64_t depth = hass::detail::ceil_div(row_.out.channels, fold_.streams_out);
        return packed_ ? bram18_memory(depth, std::int64_t{width_.accumulator} * fold_.streams_out)
                       : fold_.streams_out * bram18_memory(depth, width_.accumulator);
    }

    /// Line-buffer blocks of one sliding window, freed when the input streams from off-chip.
    constexpr std::int64_t line_buffer_blocks() const {
        return modules::line_buffer_bram18(padded_width(row_), fold_.blocks, row_.kernel_h,
                                           in_words(), width_.data);
    }

    /// The whole layer.
    /// \param repaired  without the faults at the file's head: no squeeze in sparse layers (the
    ///                  crossbar does its work) and no credit for it, the synthesised SPE, a fork
    ///                  as wide as the window, one adder tree an output stream; off-chip weights
    ///                  in the bits that are read instead of the published rate
    /// \param mhz       clock, for weights that all stream from off-chip
    /// \throws hass::error for weights off-chip without a clock, or in LUT-RAM
    constexpr usage total(weight_memory memory, bool repaired, double mhz = 0.0) const {
        if (memory == weight_memory::lutram)
            throw error("published: there is no price for weights in LUT-RAM");
        const int per_stream = packed_ ? 1 : fold_.streams_in;
        const int per_engine = packed_ ? 1 : fold_.engines;
        const int per_output = packed_ ? 1 : fold_.streams_out;
        const bool honest = repaired && !packed_;
        usage u;
        if (has_pad()) add(u, pad(), per_stream);
        if (has_sliding_window()) add(u, sliding_window(), per_stream);
        const int squeezes = (has_squeeze() && !honest ? per_stream : 0) -
                             (packed_ || repaired ? 0 : 1);  // the credit
        if (squeezes != 0) add(u, squeeze(), squeezes);
        if (has_fork())
            add(u, honest ? modules::fork(fold_.pairs, p_.out, 1, width_.data) : fork(),
                per_stream);
        add_dot(u, per_engine, honest);
        if (has_accumulator()) add(u, accumulator(), per_engine);
        if (has_glue()) add(u, glue(), honest ? per_output : 1);
        if (row_.bias) add(u, bias(), per_output);
        u.bram18 += static_cast<double>(bias_blocks());
        if (memory == weight_memory::off_chip) return u + off_chip_weights(repaired, mhz);
        (memory == weight_memory::uram ? u.uram : u.bram18) +=
            static_cast<double>(weight_blocks(memory));
        return u;
    }

    /// Block RAM and bandwidth when all weights stream.
    constexpr usage off_chip_weights(bool repaired, double mhz) const {
        if (!(mhz > 0.0 && mhz < 1e6))
            throw error(text_of({"published: weights off-chip with off_chip_mhz = ", mhz}));
        const auto all = weight_blocks(weight_memory::bram18);
        const streamed_weights s = stream(weight_memory::bram18, all);
        const auto read = static_cast<double>(weight_width() * weight_arrays());
        usage u;
        u.bram18 = static_cast<double>(s.blocks_left);
        // a layer that is busy all the time: never more than in the pipeline
        u.bandwidth =
            streaming_bandwidth(repaired && all > 0 ? read : s.bits_per_cycle, 1.0, 1.0, mhz);
        return u;
    }

  private:
    // Dense layers are as wide as their streams; sparse ones are built stream by stream.
    constexpr int in_words() const { return packed_ ? fold_.streams_in : 1; }
    constexpr int engine_words() const { return packed_ ? fold_.engines : 1; }
    constexpr int out_words() const { return packed_ ? fold_.streams_out : 1; }

    constexpr std::int64_t array_blocks(weight_memory memory, std::int64_t depth) const {
        return memory == weight_memory::uram ? uram_memory(depth, weight_width())
                                             : bram18_memory(depth, weight_width());
    }

    constexpr void add_dot(usage& u, int times, bool honest) const {
        modules::module_cost dot = vector_dot();
        if (honest) {
            const double bits = 0.5 * (width_.data + width_.weight);
            dot.lut = spe_synthesis::lut(fold_.pairs, p_.macs, bits);
            dot.ff = spe_synthesis::ff(fold_.pairs, p_.macs, bits);
        }
        const double dsp = times * dot.dsp * dsp_packing();
        dot.dsp = 0.0;
        add(u, dot, times);
        u.dsp += kind_ == stage_kind::inner_product ? dsp : hass::detail::ceil(dsp);
    }

    static constexpr void add(usage& u, const modules::module_cost& m, int times) {
        u.lut += times * m.lut;
        u.ff += times * m.ff;
        u.dsp += times * m.dsp;
        u.bram18 += times * m.bram18;
    }

    stage_kind kind_;
    layer_row row_;
    parallelism p_;
    precision width_;
    folded_row fold_;
    bool packed_;
};

/// Resource policy: the published model, or its repaired form. Rows that the published model does
/// not know (concat, clipped activations, softmax, ...) cost what `calibrated` says.
template <bool Repaired>
struct resource_model {
    /// Missing block RAMs are built from LUTs, at 18 Kbit / 64 bits a LUT; 0: they are not.
    double lut_per_missing_bram18 = 288.0;
    /// Clock (MHz) at which all weights of a layer may stream from off-chip; 0: they may not.
    double off_chip_mhz = 0.0;

    /// In `tests/literature/test_measured_boards.cpp`. It knows no multipliers of LUTs.
    static constexpr hass::known_error known_error{
        mlperf_tiny_boards,
        6,
        {-0.37, 1.02},
        {-0.38, 1.75},
        {-0.30, 0.82},
        Repaired ? error_range{-0.54, -0.16} : error_range{-0.55, -0.20},
        "Sparse engines are priced without a crossbar."};

    constexpr usage sparse(const layer_row& row, const row_option& c,
                           const precision& width) const {
        const bool mean = single_tap(row) && c.folding.vector == 1;
        return layer_cost(mean ? stage_kind::pointwise : stage_kind::sparse, row, c.folding, width)
            .total(c.memory, Repaired, off_chip_mhz);
    }

    constexpr usage dense(const layer_row& row, const row_option& c, const precision& width) const {
        const bool linear = row.kind == layer_kind::linear;
        return layer_cost(linear ? stage_kind::inner_product : stage_kind::dense, row, c.folding,
                          width)
            .total(c.memory, Repaired, off_chip_mhz);
    }

    /// Between stages of `from` and of `to` words, one stream of the published pipeline's squeeze.
    static constexpr usage squeeze(int from, int to, int bits) {
        return of(modules::squeeze(from, to, 1, bits));
    }

    /// `published` charges none: image and answers come and go for nothing.
    static constexpr usage mover(int words, int bits) {
        return Repaired ? calibrated::mover(words, bits) : usage{};
    }

    /// A published split: a fork for each of its words.
    static constexpr usage split(int words, int copies, int bits) {
        return words * of(modules::fork(1, copies, 1, bits));
    }

    /// The published FIFOs of joins depend on the other stages, so they are counted for whole
    /// pipelines only (`pipeline.hpp`); `repaired` counts what `calibrated` does.
    constexpr usage stage(const layer_row& row, const row_option& c, const precision& width,
                          std::span<const held_input> held = {}) const {
        if constexpr (Repaired)
            return stage_alone(row, c, width) +
                   calibrated::hold(c.memory, held, c.folding.in, width.data);
        else
            return stage_alone(row, c, width);
    }

  private:
    constexpr usage stage_alone(const layer_row& row, const row_option& c,
                                const precision& width) const {
        const int streams = c.folding.in;
        const std::int64_t channels = row.in.channels / streams;
        switch (row.kind) {
            case layer_kind::relu:
                return streams * of(modules::relu());
            case layer_kind::add:
                return streams * of(modules::element_wise(false, false, channels, width.data));
            case layer_kind::multiply:
                return streams * of(modules::element_wise(true, false, channels, width.data));
            case layer_kind::max_pool:
            case layer_kind::average_pool:
                return of(modules::pad()) +
                       of(modules::sliding_window(padded_width(row), channels, row.kernel_h,
                                                  row.kernel_w, streams, width.data)) +
                       of(modules::pool(row.kernel_h, row.kernel_w, streams, width.data));
            case layer_kind::global_average_pool:
                return streams * of(modules::global_pool(channels, width));
            default:
                return calibrated{}.stage(row, c, width);
        }
    }

    static constexpr usage of(const modules::module_cost& m) {
        return {m.dsp, m.lut, m.ff, m.bram18, 0.0, 0.0};
    }
};

/// As the tool flow has it, faults included.
using published = resource_model<false>;
/// Without the faults that docs/published_model.md marks.
using repaired = resource_model<true>;

}  // namespace hass::fpgaconvnet
