/// \file scoring.hpp
/// A network's answer beside the label: its place among the classes, and its loss.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <hass/emulate/emulation.hpp>
#include <hass/emulate/metric.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// Where one number is cut into two classes, 1 above and 0 otherwise: at 0.5 what comes from a
/// sigmoid, at 0 what comes from a convolution or linear layer (a logit), also by way of pools and
/// reshaping; nullopt for other rows, whose one number means no such thing.
inline std::optional<float> binary_cut(const network_view& net) {
    auto row = static_cast<int>(net.size()) - 1;
    for (std::size_t e = net.edges.size(); e-- > 0;) {
        const layer_kind kind = net.rows[static_cast<std::size_t>(row)].kind;
        const bool passes = renames(kind) || kind == layer_kind::max_pool ||
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

/// What images and labels a network takes, and how its answers are counted.
class scoring {
  public:
    /// \param source  file of the network, for messages; may be empty
    /// \param image   as it is given, see `image_shape`
    scoring(const network_view& net, std::string source, const shape& image)
        : source_(std::move(source)),
          image_(image),
          classes_(static_cast<std::size_t>(net.rows.back().out.volume())),
          cut_(binary_cut(net)) {}

    /// Numbers that the network answers an image with.
    std::size_t classes() const { return classes_; }
    /// Labels that an answer decides between: one a number, but two where it is a single one
    /// (`binary_cut`).
    std::size_t labels() const { return classes_ == 1 ? 2 : classes_; }

    /// Between the two classes of a number (`binary_cut`).
    std::optional<float> cut() const { return cut_; }

    /// \throws hass::error for no images or images of another shape
    void check_images(const image_set& images) const {
        if (images.count == 0) throw error("images: there are none");
        if (!same_extents(images.each, image_))
            throw error("images: " + text(images.each) + ", but the network takes " + text(image_));
    }

    /// \throws hass::error as `check_images`, and for labels of another number or out of range
    void check_labels(const image_set& images, std::span<const int> labels) const {
        check_images(images);
        if (labels.size() != images.count)
            throw error(text_of({"labels: ", labels.size(), " for ", images.count, " images"}));
        if (classes_ == 1 && !cut_)
            throw error(
                (source_.empty() ? std::string() : source_ + ": ") +
                "the network answers one number, which is neither a probability (from a sigmoid) "
                "nor a logit (from a linear layer): there is no top-1");
        for (std::size_t n = 0; n < labels.size(); ++n)
            if (labels[n] < 0 || static_cast<std::size_t>(labels[n]) >= this->labels())
                throw error(text_of({"labels: number ", n, " is ", labels[n],
                                     ", outside of the network's ", this->labels(), " classes"}));
    }

    /// Classes that come before `label` in one image's answer; 0: the answer is right.
    std::size_t rank(std::span<const float> answer, int label) const {
        if (classes_ > 1) return detail::rank(answer, static_cast<std::size_t>(label));
        return (answer[0] > *cut_) == (label == 1) ? 0 : 1;
    }

    /// Counts one image's answer into `result`. \returns whether it is right
    bool count(std::span<const float> answer, int label, emulation& result) const {
        const std::size_t better = rank(answer, label);
        ++result.images;
        result.loss += classes_ == 1
                           ? binary_cross_entropy(static_cast<double>(answer[0]), label, *cut_)
                           : cross_entropy(answer, static_cast<std::size_t>(label));
        result.top1 += better < 1 ? 1U : 0U;
        result.top5 += better < 5 ? 1U : 0U;
        return better < 1;
    }

  private:
    std::string source_;
    shape image_;
    std::size_t classes_;
    std::optional<float> cut_;  ///< where one answer is cut into two classes
};

}  // namespace hass::detail
