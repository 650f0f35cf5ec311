/// \file hls4ml_foldings.hpp
/// Reuse factors of a network that hls4ml builds: the smallest interval within a board's DSPs, or
/// fewest DSPs at a throughput. LUT, FF and BRAM have no model and are not held against the board.
///
///     hls4ml_foldings best(net, {.io = hls4ml::io_type::stream}, board);
///     hls4ml_design d = best.least(&usage::dsp, 1000.0);      d.layers[i].reuse
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/engine/hls4ml/layer.hpp>
#include <hass/engine/hls4ml/reuse_factor.hpp>
#include <hass/error.hpp>
#include <hass/explore/foldings.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

namespace hls4ml {

/// How a network is built.
struct build {
    io_type io = io_type::stream;       ///< how data come
    strategy how = strategy::resource;  ///< how products are built
    int bits = 16;                      ///< of weights and activations, >= 1
    std::int64_t largest_reuse = 0;     ///< 0: whatever is legal
};

}  // namespace hls4ml

/// How each compute row is built, and what it comes to.
struct hls4ml_design {
    std::vector<std::string> names{};     ///< of the compute rows
    std::vector<hls4ml::layer> layers{};  ///< one a layer
    folding_solution solution{};          ///< `total` says which resources are known
};

/// Everything that hls4ml may build, on one board.
class hls4ml_foldings {
  public:
    /// \throws hass::error for an invalid network, one with other rows than convolutions without
    ///         groups, linear ones, pools and activations, or a board that is none
    template <Device D>
    hls4ml_foldings(const network_view& net, const hls4ml::build& how, const D& board)
        : allocator_(problem(net, how, board.limits()), board) {}

    /// The smallest interval within the board.
    hls4ml_design fastest() { return designed(allocator_.fastest()); }
    /// \param images_per_second  > 0 \throws hass::error as `folding_allocator`
    hls4ml_design least(double usage::*resource, double images_per_second) {
        return designed(allocator_.least(resource, images_per_second));
    }
    const device& board() const { return allocator_.board(); }

  private:
    folding_problem problem(const network_view& net, const hls4ml::build& how,
                            const device& board) {
        validate(net);
        folding_problem p;
        p.image_bits = static_cast<double>(input_shape(net).volume()) * how.bits;
        for (std::size_t i = 0; i < net.size(); ++i) {
            const layer_row& row = net.rows[i];
            if (is_compute(row)) {
                add_layer(p, name_of(net, i), row, how, board.dsp_slice);
            } else if (row.kind == layer_kind::max_pool || row.kind == layer_kind::average_pool ||
                       row.kind == layer_kind::global_average_pool) {
                pools_.push_back(true);
                layers_.emplace_back(1);
                p.add(name_of(net, i)).push_back({pool_cycles(row, how.io), unmodelled()});
            } else if (!keeps_pace(row.kind)) {
                throw error(text_of({"hls4ml: layer '", name_of(net, i), "': a ", name(row.kind),
                                     " is not modelled"}));
            }
        }
        return p;
    }

    /// Activations and what only renames: a value a cycle, of each of the values side by side.
    static bool keeps_pace(layer_kind kind) {
        return renames(kind) || kind == layer_kind::relu || kind == layer_kind::relu6 ||
               kind == layer_kind::leaky_relu || kind == layer_kind::sigmoid ||
               kind == layer_kind::hardsigmoid || kind == layer_kind::softmax;
    }
    static modelled_usage unmodelled() {
        return modelled_usage{}.without(lut_index, ff_index, bram18_index, uram_index);
    }
    /// A pixel a cycle, or all of them at once.
    static double pool_cycles(const layer_row& row, hls4ml::io_type io) {
        return io == hls4ml::io_type::stream ? static_cast<double>(row.in.pixels()) : 1.0;
    }

    void add_layer(folding_problem& p, const std::string& name, const layer_row& row,
                   const hls4ml::build& how, dsp_slice slice) {
        hls4ml::layer l = hls4ml::layer_of(row);
        l.io = how.io, l.how = how.how, l.data_bits = l.weight_bits = how.bits;
        std::vector<folding_option>& options = p.add(name);
        std::vector<hls4ml::layer>& built = layers_.emplace_back();
        pools_.push_back(false);
        const bool parts = l.convolution && l.io == hls4ml::io_type::parallel;
        for (const std::int64_t reuse : hls4ml::legal_reuse_factors(l.n_in, l.n_out, l.how)) {
            if (how.largest_reuse > 0 && reuse > how.largest_reuse) break;
            l.reuse = reuse;
            for (std::int64_t at_once = 1; at_once <= (parts ? l.positions : 1); ++at_once) {
                if (l.positions % at_once != 0) continue;
                l.parallelization = at_once;
                if (!l.refusal().empty()) continue;
                options.push_back({static_cast<double>(l.cycles()), l.needs(slice)});
                built.push_back(l);
            }
        }
    }

    hls4ml_design designed(folding_solution s) const {
        hls4ml_design d;
        d.solution = std::move(s);
        for (std::size_t i = 0; i < d.solution.chosen.size(); ++i) {
            if (pools_[i]) continue;
            d.names.push_back(allocator_.problem().names[i]);
            d.layers.push_back(layers_[i][d.solution.chosen[i]]);
        }
        return d;
    }

    std::vector<std::vector<hls4ml::layer>> layers_;  // [stage][option]
    std::vector<bool> pools_;
    folding_allocator allocator_;
};

}  // namespace hass
