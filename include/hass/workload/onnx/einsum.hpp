/// \file einsum.hpp
/// Einsum where it is a MatMul, a Transpose, or a sum over axes, spelled out so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/onnx/node_writer.hpp>
#include <hass/workload/onnx/proto.hpp>

namespace hass::detail::onnx {

/// Letters of an equation: one text an operand, and the result's.
struct einsum_equation {
    std::vector<std::string> operands;
    std::string result;
};

/// \throws hass::error for an ellipsis, and for an operand that has a letter twice
inline einsum_equation read_equation(const node_proto& node) {
    std::string text;
    for (const attribute_proto& a : node.attributes)
        if (a.name == "equation" && a.s)
            for (const char c : *a.s)
                if (c != ' ') text += c;
    const auto fail = [&](const char* why) {
        return located_error(who(node) + ": equation " + quoted(std::string_view(text)) + " " +
                             why);
    };
    einsum_equation e;
    const std::size_t arrow = text.find("->");
    e.operands.emplace_back();
    for (const char c : text.substr(0, arrow)) {
        if (c == ',')
            e.operands.emplace_back();
        else
            e.operands.back() += c;
    }
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    std::string all;
    for (const std::string& o : e.operands) {
        for (const char c : o)
            if (!letter(c)) throw fail("is supported with letters only");
        for (const char c : o)
            if (std::count(o.begin(), o.end(), c) > 1) throw fail("takes a diagonal");
        all += o;
    }
    if (arrow != std::string::npos) {
        e.result = text.substr(arrow + 2);
    } else {
        for (const char c : all)
            if (std::count(all.begin(), all.end(), c) == 1) e.result += c;
        std::sort(e.result.begin(), e.result.end());
    }
    for (const char c : e.result)
        if (all.find(c) == std::string::npos || std::count(e.result.begin(), e.result.end(), c) > 1)
            throw fail("has a result that it does not give");
    if (e.operands.size() != node.inputs.size()) throw fail("is of another number of inputs");
    return e;
}

/// Writes an Einsum as nodes that it is.
class einsum_writer {
  public:
    einsum_writer(const node_proto& node, node_writer& writer)
        : node_(node), writer_(writer), equation_(read_equation(node)) {}

    void write() {
        if (equation_.operands.size() == 1)
            return give(summed(node_.inputs[0], equation_.operands[0], equation_.result));
        if (equation_.operands.size() != 2) throw fail("multiplies more than two");
        product();
    }

  private:
    /// A tensor, and the letter of each of its axes.
    struct lettered {
        std::string_view tensor;
        std::string axes;
    };
    static bool has(const std::string& letters, char c) {
        return letters.find(c) != std::string::npos;
    }
    located_error fail(const char* why) const {
        return located_error(who(node_) + ": " + why +
                             "; it is supported where it is a MatMul, a Transpose or a sum");
    }

    lettered step(std::string_view type, std::vector<std::string_view> inputs, std::string axes,
                  std::vector<attribute_proto> attributes = {}) {
        const std::string_view out = writer_.named(node_, "einsum");
        writer_.add(node_, type, std::move(inputs), out).attributes = std::move(attributes);
        return {out, std::move(axes)};
    }
    lettered ordered(lettered x, const std::string& axes) {
        if (x.axes == axes) return x;
        std::vector<std::int64_t> perm;
        for (const char c : axes) perm.push_back(static_cast<std::int64_t>(x.axes.find(c)));
        return step("Transpose", {x.tensor}, axes, {node_writer::list("perm", std::move(perm))});
    }
    std::string_view numbers(std::vector<std::int64_t> values) {
        return step("Constant", {}, "", {node_writer::list("value_ints", std::move(values))})
            .tensor;
    }
    /// Sums over the axes that nobody asks for.
    lettered summed(std::string_view tensor, const std::string& axes, const std::string& wanted) {
        std::vector<std::int64_t> over;
        std::string left;
        for (std::size_t k = 0; k < axes.size(); ++k)
            if (has(wanted, axes[k]))
                left += axes[k];
            else
                over.push_back(static_cast<std::int64_t>(k));
        if (over.empty()) return {tensor, axes};
        return step(
            "ReduceSum", {tensor}, left,
            {node_writer::list("axes", std::move(over)), node_writer::whole("keepdims", 0)});
    }
    void give(const lettered& x) {
        writer_.add(node_, "Identity", {ordered(x, equation_.result).tensor}, node_.outputs[0]);
    }

    /// The last `count` axes, of which there are `rank`, as one.
    lettered merged(const lettered& x, std::size_t count) {
        if (count == 1) return x;
        std::vector<std::int64_t> dims(x.axes.size() - count, 0);  // as they are
        dims.push_back(-1);
        return step("Reshape", {x.tensor, numbers(std::move(dims))}, x.axes);
    }

    void product() {
        const std::string &left = equation_.operands[0], &right = equation_.operands[1];
        const std::string& result = equation_.result;
        lettered a = summed(node_.inputs[0], left, right + result);
        lettered b = summed(node_.inputs[1], right, left + result);
        const bool whole = a.axes == left && b.axes == right;  // nothing is summed before
        written_for stands_for{node_.op_type, node_.outputs[0], {a.tensor, b.tensor}, {0, 1}};
        std::string heads, m, n, k;  // in the order of the result, k in that of the first operand
        for (const char c : result) {
            if (has(left, c) && has(right, c))
                heads += c;
            else
                (has(left, c) ? m : n) += c;
        }
        for (const char c : a.axes)
            if (has(b.axes, c) && !has(result, c)) k += c;
        if (k.empty()) throw fail("has no axis to sum over");
        if (!heads.empty() && (m.size() > 1 || n.size() > 1 || k.size() > 1))
            throw fail("has several axes on a side beside those that both have");
        if (m.empty()) {  // the vector, if any, is the second
            std::swap(a, b), std::swap(m, n);
            std::swap(stands_for.inputs[0], stands_for.inputs[1]);
            stands_for.at = {1, 0};
        }
        if (m.empty() && heads.empty()) throw fail("gives a single number");
        if (m.empty()) a = with_unit(std::move(a), m = "1");
        const bool vector = n.empty();
        if (vector) b = with_unit(std::move(b), n = "2");
        a = merged(ordered(a, heads + m + k), k.size());
        // several axes of the second operand as one: first those that are summed over, then the others
        b = ordered(b, heads + n + k);
        const lettered outer = b;
        b = merged(b, k.size());
        if (n.size() > 1)
            b = step(
                "Reshape",
                {step("Transpose", {b.tensor}, "", last_first(n.size())).tensor, numbers({0, -1})},
                "");
        else
            b = step("Transpose", {b.tensor}, "", swapped(heads.size()));
        lettered y = step("MatMul", {a.tensor, b.tensor}, heads + m + n);
        if (whole) writer_.last().stands_for = stands_for;
        if (n.size() > 1) {
            const lettered shape =
                step("Shape", {outer.tensor}, "",
                     {node_writer::whole("start", 0),
                      node_writer::whole("end", static_cast<std::int64_t>(n.size()))});
            const lettered dims =
                step("Concat", {numbers(std::vector<std::int64_t>(m.size(), 0)), shape.tensor}, "",
                     {node_writer::whole("axis", 0)});
            y = step("Reshape", {y.tensor, dims.tensor}, heads + m + n);
        }
        if (vector) y = without_unit(y, "2");
        if (m == "1") y = without_unit(y, m);
        give(y);
    }
    /// One axis more, of extent 1.
    lettered with_unit(const lettered& x, const std::string& letter) {
        return step("Unsqueeze", {x.tensor, numbers({static_cast<std::int64_t>(x.axes.size())})},
                    x.axes + letter);
    }
    lettered without_unit(const lettered& y, const std::string& letter) {
        const std::size_t at = y.axes.find(letter);
        std::string left = y.axes;
        return step("Squeeze", {y.tensor, numbers({static_cast<std::int64_t>(at)})},
                    left.erase(at, 1));
    }
    /// n axes and one behind them: that one first.
    static std::vector<attribute_proto> last_first(std::size_t n) {
        std::vector<std::int64_t> perm{static_cast<std::int64_t>(n)};
        for (std::size_t i = 0; i < n; ++i) perm.push_back(static_cast<std::int64_t>(i));
        return {node_writer::list("perm", std::move(perm))};
    }
    /// The last two of heads + 2 axes change places.
    static std::vector<attribute_proto> swapped(std::size_t heads) {
        std::vector<std::int64_t> perm;
        for (std::size_t i = 0; i < heads; ++i) perm.push_back(static_cast<std::int64_t>(i));
        perm.push_back(static_cast<std::int64_t>(heads + 1));
        perm.push_back(static_cast<std::int64_t>(heads));
        return {node_writer::list("perm", std::move(perm))};
    }

    const node_proto& node_;
    node_writer& writer_;
    einsum_equation equation_;
};

/// \returns true, or throws
inline bool einsum(const node_proto& node, node_writer& writer) {
    einsum_writer(node, writer).write();
    return true;
}

}  // namespace hass::detail::onnx
