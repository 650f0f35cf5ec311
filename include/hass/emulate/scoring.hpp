/// \file scoring.hpp
/// A network's answer beside the label: its place among the classes, and its loss.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

#include <hass/workload/network.hpp>

namespace hass::detail {

/// Where one number is cut into two classes, 1 above and 0 otherwise: at 0.5 what comes from a
/// sigmoid, at 0 what comes from a convolution or linear layer (a logit), also by way of pools and
/// reshaping; nullopt for other rows, whose one number means no such thing.
inline std::optional<float> binary_cut(const network_view& net) {
    auto row = static_cast<int>(net.size()) - 1;
    for (std::size_t e = net.edges.size(); e-- > 0;) {
        const layer_kind kind = net.rows[static_cast<std::size_t>(row)].kind;
        const bool passes = kind == layer_kind::flatten || kind == layer_kind::max_pool ||
                            kind == layer_kind::average_pool ||
                            kind == layer_kind::global_average_pool;
        if (passes && net.edges[e].to == row && net.edges[e].from != network_input)
            row = net.edges[e].from;
    }
    const layer_row& last = net.rows[static_cast<std::size_t>(row)];
    if (is_compute(last)) return 0.0F;
    if (last.kind == layer_kind::sigmoid || last.kind == layer_kind::hardsigmoid) return 0.5F;
    return std::nullopt;
}

/// -log of the probability of `label`, 0 or 1, of which `answer` is the logit (cut at 0) or that of
/// 1 (cut at 0.5), nats.
inline double binary_cross_entropy(double answer, int label, float cut) {
    if (cut == 0.0F) return std::log1p(std::exp(label == 1 ? -answer : answer));
    constexpr double least = 1e-12;  // a probability that was rounded to 0
    return -std::log(std::max(least, label == 1 ? answer : 1.0 - answer));
}

/// -log of the share that softmax gives to `label`, nats.
inline double cross_entropy(std::span<const float> answer, std::size_t label) {
    const double top = *std::max_element(answer.begin(), answer.end());
    double sum = 0.0;
    for (const float x : answer) sum += std::exp(static_cast<double>(x) - top);
    return top + std::log(sum) - static_cast<double>(answer[label]);
}

/// Classes that come before `label` when sorted by logit, equal ones by index. What is not a number
/// comes before everything, as a label it comes last: it is never right.
inline std::size_t rank(std::span<const float> answer, std::size_t label) {
    std::size_t better = 0;
    for (std::size_t c = 0; c < answer.size(); ++c)
        better +=
            !(answer[c] <= answer[label]) || (answer[c] == answer[label] && c < label) ? 1U : 0U;
    return better;
}

}  // namespace hass::detail
