/// \file grids.hpp
/// Which streams of a quantised network are whole multiples of a step, how wide they are, and what the
/// rows that make them so are built of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

/// Whether a step may be multiplied by as a shift.
inline bool is_power_of_two(float step) {
    int exponent = 0;
    return step > 0.0F && std::frexp(step, &exponent) == 0.5F;
}

/// Whether numbers are whole multiples of 2^exponent.
inline bool on_power_of_two(const std::vector<float>& numbers, int exponent) {
    return std::all_of(numbers.begin(), numbers.end(), [=](float x) {
        const double level = std::ldexp(double{x}, -exponent);
        return level == std::trunc(level);
    });
}

/// Whether sums of weights of `bits` times multiples of `step`, a power of two, and of biases are whole
/// multiples of a power of two: of that which the largest weight's bits end at, times `step`.
inline bool sums_on_power_of_two(const layer_parameters& p, int bits, float step) {
    float most = 0.0F;
    for (const float w : p.weights) most = std::max(most, std::abs(w));
    int ends = 0;
    std::frexp(most, &ends);
    ends -= bits;
    return bits > 0 && on_power_of_two(p.weights, ends) &&
           on_power_of_two(p.bias, ends + std::ilogb(step));
}

/// What the numbers of a stream are whole multiples of.
struct grid {
    int bits = 0;        ///< of a number; 0: on no grid
    float step = 0.0F;   ///< 0: of several grids
    float least = 0.0F;  ///< steps
    float most = 0.0F;   ///< steps

    static grid of(const layer_parameters& p) {
        if (p.function == value_function::bipolar) return {1, p.alpha, -1.0F, 1.0F};
        if (p.function != value_function::quantised) return {};
        int bits = 1;
        while (bits < 32 && std::ldexp(1.0, bits) <
                                static_cast<double>(p.upper) - static_cast<double>(p.lower) + 1.0)
            ++bits;
        return {bits, p.alpha, p.lower, p.upper};
    }
    grid beside(const grid& o) const {
        if (bits == 0 || o.bits == 0) return {};
        return {std::max(bits, o.bits), step == o.step ? step : 0.0F, std::min(least, o.least),
                std::max(most, o.most)};
    }
};

/// The streams of one network.
class network_grids {
  public:
    explicit network_grids(model& m)
        : model_(m),
          entering_(m.net.rows.size()),
          given_(m.net.rows.size()),
          makes_(m.net.rows.size(), maker::nobody),
          inputs_(m.net.rows.size()) {
        std::vector<std::size_t> readers(m.net.rows.size(), 0);
        for (const edge& e : m.net.edges) {
            inputs_[static_cast<std::size_t>(e.to)].push_back(e.from);
            if (e.from >= 0) ++readers[static_cast<std::size_t>(e.from)];
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            for (std::size_t k = 0; k < inputs_[i].size(); ++k) {
                const grid g = given(inputs_[i][k]);
                entering_[i] = k == 0 ? g : entering_[i].beside(g);
            }
            layer_row& row = m.net.rows[i];
            row.data_bits = entering_[i].bits;
            if (row.kind == layer_kind::function)
                build(i);
            else if (keeps_values(row.kind))
                given_[i] = bounded(i);
            row.widens = row.data_bits > 0 && given_[i].bits == 0 && !is_compute(row);
            if (readers[i] == 1) makes_[i] = maker_of(i);
        }
    }

  private:
    /// Who could give levels of any grid in place of its numbers: with a multiplication, with a shift where
    /// the step is a power of two, with nothing.
    enum class maker : std::uint8_t { nobody, sums, shifts, table };

    grid given(int from) const {
        return from < 0 ? grid{} : given_[static_cast<std::size_t>(from)];
    }

    /// Rows that give some of the values that they take, or 0.
    static bool keeps_values(layer_kind kind) {
        return kind == layer_kind::max_pool || kind == layer_kind::flatten ||
               kind == layer_kind::relu || kind == layer_kind::concat ||
               kind == layer_kind::stack || moves(kind);
    }
    grid bounded(std::size_t i) const {
        grid g = entering_[i];
        if (model_.net.rows[i].kind != layer_kind::relu) return g;
        const layer_parameters& p = model_.parameters[i];
        if (p.lower != 0.0F || p.upper != std::numeric_limits<float>::infinity()) g.step = 0.0F;
        g.least = std::max(g.least, 0.0F);
        return g;
    }

    maker maker_of(std::size_t i) const {
        const layer_row& row = model_.net.rows[i];
        if (is_compute(row) || row.kind == layer_kind::add || row.kind == layer_kind::subtract ||
            row.kind == layer_kind::global_average_pool)
            return shifts(i) ? maker::shifts : maker::sums;
        if (row.kind == layer_kind::sigmoid ||
            (row.kind == layer_kind::function && row.form == function_form::table))
            return maker::table;
        return keeps_values(row.kind) || row.kind == layer_kind::relu6 ? maker_before(i)
                                                                       : maker::nobody;
    }
    /// Of all that row `i` reads.
    maker maker_before(std::size_t i) const {
        maker m = maker::table;
        for (const int from : inputs_[i]) {
            const maker one = from < 0 ? maker::nobody : makes_[static_cast<std::size_t>(from)];
            m = std::min(m, one);
        }
        return m;
    }
    /// Whether the sums of row `i` are whole multiples of a power of two.
    bool shifts(std::size_t i) const {
        const layer_row& row = model_.net.rows[i];
        const auto pixels = static_cast<float>(row.in.pixels());
        return is_power_of_two(entering_[i].step) && (row.kind != layer_kind::matmul) &&
               (!has_weights(row) ||
                sums_on_power_of_two(model_.parameters[i], row.weight_bits, entering_[i].step)) &&
               (row.kind != layer_kind::global_average_pool || is_power_of_two(pixels));
    }

    /// Row `i`, a function: what it is built of where it rounds to levels.
    void build(std::size_t i) {
        layer_row& row = model_.net.rows[i];
        const layer_parameters& p = model_.parameters[i];
        const grid &in = entering_[i], to = given_[i] = grid::of(p);
        const bool whole = in.step == p.alpha && in.bits > 0;
        if (p.function == value_function::bipolar) {
            row.form = function_form::wire;
        } else if (p.function == value_function::truncated) {
            row.form = whole ? function_form::wire : function_form::rescale;
        } else if (p.function == value_function::quantised) {
            const maker before = maker_before(i);
            const bool there = whole && in.least >= to.least && in.most <= to.most;
            const bool free =
                before == maker::table || (before == maker::shifts && is_power_of_two(to.step));
            row.form = there || free             ? function_form::wire
                       : before != maker::nobody ? function_form::fused
                                                 : function_form::rescale;
            if (!there && before != maker::nobody) narrow_before(i, to.bits);
        }
    }

    /// Between row `i` and who makes its levels there are these levels already; they leave who does.
    void narrow_before(std::size_t i, int bits) {
        model_.net.rows[i].data_bits = bits;
        std::vector<std::size_t> open{i};
        while (!open.empty()) {
            const std::size_t at = open.back();
            open.pop_back();
            for (const int from : inputs_[at]) {
                layer_row& row = model_.net.rows[static_cast<std::size_t>(from)];
                row.widens = false;
                if (keeps_values(row.kind) || row.kind == layer_kind::relu6) {
                    row.data_bits = bits;
                    open.push_back(static_cast<std::size_t>(from));
                } else if (!is_compute(row) && row.data_bits > 0) {
                    row.data_bits = std::max(row.data_bits, bits);
                }
            }
        }
    }

    model& model_;
    std::vector<grid> entering_, given_;
    std::vector<maker> makes_;
    std::vector<std::vector<int>> inputs_;
};

/// Widths of data of a quantised network, and what its rows of levels are built of.
inline void state_grids(model& m) {
    const bool any = std::any_of(m.parameters.begin(), m.parameters.end(), [](const auto& p) {
        return p.function == value_function::quantised || p.function == value_function::bipolar ||
               p.function == value_function::truncated;
    });
    if (any) network_grids{m};
}

}  // namespace hass::detail::onnx
