/// \file patterns.hpp
/// Operators that exporters spell out in pieces, put together again before anything is read: layer
/// and root-mean-square normalisation, and Gelu by erf or tanh. What nobody reads afterwards is left
/// out; a chain that is not recognised stays as it is.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/workload/onnx/node_finder.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

class pattern_finder : private node_finder {
  public:
    explicit pattern_finder(graph_proto& graph) : node_finder(graph), nodes_(graph.nodes) {}

    /// Changes the last node of each chain that is recognised into the operator that it is.
    void replace_all() {
        for (node_proto& node : nodes_) {
            if (!node.domain.empty() || node.outputs.size() != 1) continue;
            if (!normalisation(node)) gelu(node);
        }
    }

  private:
    using factors = std::vector<std::string_view>;

    /// What a mean along a single axis, which it keeps, is taken of, and the axis.
    struct mean {
        std::string_view of;
        std::int64_t axis = 0;
    };
    std::optional<mean> mean_of(std::string_view tensor) const {
        const node_proto* by = producer(tensor);
        if (by == nullptr) return std::nullopt;
        const node_proto& node = *by;
        if (node.op_type != "ReduceMean" || node.inputs.empty()) return std::nullopt;
        if (const attribute_proto* k = attribute(node, "keepdims"); k != nullptr && k->i == 0)
            return std::nullopt;
        std::vector<std::int64_t> axes;
        if (const attribute_proto* a = attribute(node, "axes")) axes = a->ints;
        if (node.inputs.size() > 1)
            if (const auto given = number(node.inputs[1]))
                axes = {static_cast<std::int64_t>(*given)};
        if (axes.size() != 1) return std::nullopt;
        return mean{node.inputs[0], axes[0]};
    }

    bool same_difference(std::string_view a, std::string_view b) const {
        if (a == b) return true;
        const node_proto* x = made_by(a, "Sub", 2);
        const node_proto* y = made_by(b, "Sub", 2);
        return x != nullptr && y != nullptr && x->inputs == y->inputs;
    }

    /// The tensor of which `tensor` is the square.
    std::string_view root_of(std::string_view tensor) const {
        if (const node_proto* p = made_by(tensor, "Pow", 2); p != nullptr)
            return is_number(p->inputs[1], 2.0) ? p->inputs[0] : std::string_view();
        const node_proto* m = made_by(tensor, "Mul", 2);
        return m != nullptr && m->inputs[0] == m->inputs[1] ? m->inputs[0] : std::string_view();
    }

    /// The tensor under a square root.
    std::string_view radicand(std::string_view tensor) const {
        if (const node_proto* s = made_by(tensor, "Sqrt", 1)) return s->inputs[0];
        const node_proto* p = made_by(tensor, "Pow", 2);
        return p != nullptr && is_number(p->inputs[1], 0.5) ? p->inputs[0] : std::string_view();
    }
    /// The tensor under a square root that divides.
    std::string_view inverse_radicand(std::string_view tensor) const {
        if (const node_proto* r = made_by(tensor, "Reciprocal", 1)) return radicand(r->inputs[0]);
        if (const node_proto* d = made_by(tensor, "Div", 2); d != nullptr)
            return is_number(d->inputs[0], 1.0) ? radicand(d->inputs[1]) : std::string_view();
        const node_proto* p = made_by(tensor, "Pow", 2);
        return p != nullptr && is_number(p->inputs[1], -0.5) ? p->inputs[0] : std::string_view();
    }

    /// x / sqrt(mean(x^2) + epsilon), x perhaps less its mean.
    bool normalisation(node_proto& node) const {
        if (node.inputs.size() != 2) return false;
        if (node.op_type == "Div") return scaled(node, node.inputs[0], radicand(node.inputs[1]));
        if (node.op_type != "Mul") return false;
        return scaled(node, node.inputs[0], inverse_radicand(node.inputs[1])) ||
               scaled(node, node.inputs[1], inverse_radicand(node.inputs[0]));
    }
    bool scaled(node_proto& node, std::string_view x, std::string_view variance) const {
        const node_proto* sum = made_by(variance, "Add", 2);
        if (sum == nullptr) return false;
        const auto [mean_square, epsilon] = beside_number(*sum);
        const auto spread = mean_of(mean_square);
        if (!spread || !(epsilon >= 0.0 && epsilon < 1.0)) return false;
        const std::string_view root = root_of(spread->of);
        if (root.empty() || !same_difference(root, x)) return false;
        const node_proto* centred = made_by(x, "Sub", 2);
        const auto middle =
            centred != nullptr ? mean_of(centred->inputs[1]) : std::optional<mean>();
        const bool layer =
            middle && middle->of == centred->inputs[0] && middle->axis == spread->axis;
        node.op_type = layer ? "LayerNormalization" : "RMSNormalization";
        node.inputs = {layer ? centred->inputs[0] : x};
        attribute_proto axis, single, small;
        axis.name = "axis", axis.i = spread->axis;
        single.name = "single_axis", single.i = 1;
        small.name = "epsilon", small.f = static_cast<float>(epsilon);
        node.attributes = {axis, single, small};
        return true;
    }

    /// Collects what is multiplied with each other to make `node`, numbers apart.
    void collect(const node_proto& node, factors& data, double& number_of, int depth) const {
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
            const bool divides = node.op_type == "Div" && k == 1;
            const std::string_view tensor = node.inputs[k];
            if (const auto n = number(tensor))
                number_of = divides ? number_of / *n : number_of * *n;
            else
                divides ? data.push_back({}) : product(tensor, data, number_of, depth);
        }
    }
    void product(std::string_view tensor, factors& data, double& number_of, int depth) const {
        constexpr int deepest = 6;
        if (depth < deepest)
            for (const std::string_view type : {std::string_view("Mul"), std::string_view("Div")})
                if (const node_proto* node = made_by(tensor, type, 2))
                    return collect(*node, data, number_of, depth + 1);
        if (const node_proto* p = made_by(tensor, "Pow", 2))
            if (const auto n = number(p->inputs[1]); n && (*n == 2.0 || *n == 3.0)) {
                data.insert(data.end(), static_cast<std::size_t>(*n), p->inputs[0]);
                return;
            }
        data.push_back(tensor);
    }
    /// Whether `tensor` is `number` times x `times` times.
    bool is_power(std::string_view tensor, double wanted, std::string_view x,
                  std::size_t times) const {
        factors data;
        double coefficient = 1.0;
        product(tensor, data, coefficient, 0);
        if (data.size() != times || std::abs(coefficient - wanted) > 1e-3 * wanted) return false;
        for (const std::string_view f : data)
            if (f != x) return false;
        return true;
    }

    /// Whether a tensor is sqrt(2 / pi) (x + 0.044715 x^3).
    bool is_tanh_argument(std::string_view tensor, std::string_view x) const {
        constexpr double cubic = 0.044715;
        factors data;
        double coefficient = 1.0;
        product(tensor, data, coefficient, 0);
        if (std::abs(coefficient - 0.7978845608) > 1e-3) return false;
        const auto sum_of = [&](std::string_view of, const auto& one, const auto& other) {
            const node_proto* sum = made_by(of, "Add", 2);
            return sum != nullptr && ((one(sum->inputs[0]) && other(sum->inputs[1])) ||
                                      (one(sum->inputs[1]) && other(sum->inputs[0])));
        };
        const auto is_x = [&](std::string_view t) { return t == x; };
        const auto is_one = [&](std::string_view t) { return is_number(t, 1.0); };
        if (data.size() == 1)
            return sum_of(data[0], is_x,
                          [&](std::string_view t) { return is_power(t, cubic, x, 3); });
        if (data.size() != 2) return false;
        const std::string_view sum = data[0] == x ? data[1] : data[0];
        return (data[0] == x || data[1] == x) &&
               sum_of(sum, is_one, [&](std::string_view t) { return is_power(t, cubic, x, 2); });
    }

    /// x (1 + erf(x / sqrt 2)) / 2, or its approximation by tanh.
    bool gelu(node_proto& node) const {
        if ((node.op_type != "Mul" && node.op_type != "Div") || node.inputs.size() != 2)
            return false;
        factors data;
        double coefficient = 1.0;
        collect(node, data, coefficient, 0);
        if (data.size() != 2 || std::abs(coefficient - 0.5) > 1e-4) return false;
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}}) {
            const std::string_view x = data[k];
            const node_proto* sum = made_by(data[1 - k], "Add", 2);
            if (sum == nullptr) continue;
            const auto [function, one] = beside_number(*sum);
            if (one != 1.0) continue;
            const node_proto* erf = made_by(function, "Erf", 1);
            const node_proto* tanh = made_by(function, "Tanh", 1);
            const bool exact = erf != nullptr && is_power(erf->inputs[0], 0.70710678, x, 1);
            if (!exact && (tanh == nullptr || !is_tanh_argument(tanh->inputs[0], x))) continue;
            node.op_type = "Gelu";
            node.inputs = {x};
            attribute_proto how;
            how.name = "approximate", how.s = exact ? "none" : "tanh";
            node.attributes = {how};
            return true;
        }
        return false;
    }

    std::vector<node_proto>& nodes_;
};

/// Made before a graph is looked at; see the head of the file.
struct recognised_patterns {
    explicit recognised_patterns(graph_proto& graph) { pattern_finder(graph).replace_all(); }
};

}  // namespace hass::detail::onnx
