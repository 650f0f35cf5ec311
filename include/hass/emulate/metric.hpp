/// \file metric.hpp
/// What judges a network's answers: a policy that runs, searches and reports take as it is.
///
///     const hass::metric own = hass::mean_metric({"hits", "hits"}, [](auto answer, std::size_t image) {
///         return answer[0] > 0.5F ? 1.0 : 0.0;
///     });
///     hass::evaluator evaluate(network, images, own);
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/metric_unit.hpp>
#include <hass/text.hpp>

namespace hass {

/// Scores the answer to one image; the metric is the mean over images.
template <class F>
concept ImageScore = requires(const F& f, std::span<const float> answer, std::size_t image) {
    { f(answer, image) } -> std::convertible_to<double>;
};

/// Scores the answers to all images at once, images x outputs, row-major.
template <class F>
concept AnswersScore = requires(const F& f, std::span<const float> answers, std::size_t images) {
    { f(answers, images) } -> std::convertible_to<double>;
};

namespace detail {

/// The mean, summed in the order of the images, whichever order they came in.
inline double mean_in_order(std::span<const double> scores) {
    double sum = 0.0;
    for (const double s : scores) sum += s;
    return sum / static_cast<double>(scores.size());
}

}  // namespace detail

/// How good answers are; up is better.
struct metric {
    metric_unit unit;  ///< its name and unit
    /// Of one image: the metric is the mean over images, and a run may end before the last one.
    std::function<double(std::span<const float> answer, std::size_t image)> of_image{};
    /// Of all images, for what is no mean over them; takes (answers, images).
    std::function<double(std::span<const float> answers, std::size_t images)> of_all{};
    /// Bounds of `of_image`, where it has them: what a run that ends early has to know.
    std::optional<std::pair<double, double>> bounds{};
    /// Of other values that the same answers have (mAP at 0.5, top-5): title and value.
    std::function<std::vector<std::pair<std::string, double>>(std::span<const float>, std::size_t)>
        details{};

    /// Whether it is the mean of a score of single images.
    bool is_mean() const { return static_cast<bool>(of_image); }

    /// The score of answers to images 0 .. images - 1 in their order.
    /// \throws hass::error where there are none
    double operator()(std::span<const float> answers, std::size_t images) const {
        if (images == 0) throw error(unit.title + ": there are no images");
        if (!is_mean()) return of_all(answers, images);
        const std::size_t size = answers.size() / images;
        std::vector<double> scores;
        for (std::size_t n = 0; n < images; ++n)
            scores.push_back(of_image(answers.subspan(n * size, size), n));
        return detail::mean_in_order(scores);
    }
};

/// A metric that is the mean of `f` over images.
/// \param bounds  of f, where it has them
template <ImageScore F>
metric mean_metric(metric_unit unit, F f,
                   std::optional<std::pair<double, double>> bounds = std::pair{0.0, 1.0}) {
    metric m;
    m.unit = std::move(unit);
    m.of_image = std::move(f);
    m.bounds = bounds;
    return m;
}

/// A metric of all answers together.
template <AnswersScore F>
metric whole_metric(metric_unit unit, F f) {
    metric m;
    m.unit = std::move(unit);
    m.of_all = std::move(f);
    return m;
}

/// Where in an answer the numbers of one position (pixel, token) lie.
struct answer_layout {
    std::size_t classes = 1;    ///< numbers a position
    std::size_t positions = 1;  ///< positions an answer has
    bool classes_last = false;  ///< positions x classes, or classes x positions

    std::size_t size() const { return classes * positions; }
    /// The number of class `c` at a position.
    float at(std::span<const float> answer, std::size_t c, std::size_t position) const {
        return answer[classes_last ? position * classes + c : c * positions + position];
    }
    /// The class with the largest number, the first of equal ones; of a single number whether it
    /// lies above `cut`.
    std::size_t decided(std::span<const float> answer, std::size_t position, float cut) const {
        if (classes == 1) return at(answer, 0, position) > cut ? 1 : 0;
        std::size_t best = 0;
        for (std::size_t c = 1; c < classes; ++c)
            if (at(answer, c, position) > at(answer, best, position)) best = c;
        return best;
    }
};

namespace detail {

/// What belongs to image `n` of as many numbers an image as `size`.
/// \throws hass::error where there are fewer images
template <class T>
std::span<const T> of_image(const std::vector<T>& all, std::size_t n, std::size_t size) {
    if (n >= all.size() / std::max<std::size_t>(size, 1))
        throw error(text_of({"labels or answers to compare with: ", all.size(), " numbers, ", size,
                             " an image, have none for image ", n}));
    return std::span(all).subspan(n * size, size);
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

}  // namespace detail

/// Share of images whose label is among the `places` highest numbers; equal ones come in the order
/// of their classes, and what is not a number is never right.
/// \param cut  between the two classes of an answer of a single number
/// \throws hass::error for a label that is no class, and for one number without a cut
inline metric top_k(std::size_t places, std::vector<int> labels, answer_layout layout,
                    std::optional<float> cut) {
    const std::size_t size = layout.size();
    if (size == 1 && !cut)
        throw error("the network answers one number, which is neither a probability nor a logit");
    const std::size_t classes = size == 1 ? 2 : size;
    for (std::size_t n = 0; n < labels.size(); ++n)
        if (labels[n] < 0 || static_cast<std::size_t>(labels[n]) >= classes)
            throw error(text_of({"labels: number ", n, " is ", labels[n],
                                 ", outside of the network's ", classes, " classes"}));
    const std::string k = text_of({places});
    return mean_metric(
        {"top" + k, "top-" + k, ""},
        [places, labels = std::move(labels), cut](std::span<const float> answer, std::size_t n) {
            const auto label = static_cast<std::size_t>(detail::of_image(labels, n, 1)[0]);
            if (answer.size() == 1) return (answer[0] > *cut) == (label == 1) ? 1.0 : 0.0;
            return detail::rank(answer, label) < places ? 1.0 : 0.0;
        });
}

/// Share of positions that are decided as in the untouched network's answers: of images for a
/// classifier, of pixels for a segmenter. Needs no labels.
/// \param reference  answers of the untouched network, images x layout.size()
/// \param cut        between the two classes of a single number
inline metric agreement(std::vector<float> reference, answer_layout layout, float cut = 0.5F) {
    return mean_metric(
        {"agreement", "agreement", ""}, [reference = std::move(reference), layout, cut](
                                            std::span<const float> answer, std::size_t n) {
            const auto before = detail::of_image(reference, n, layout.size());
            std::size_t same = 0;
            for (std::size_t p = 0; p < layout.positions; ++p)
                same += layout.decided(answer, p, cut) == layout.decided(before, p, cut) ? 1U : 0U;
            return static_cast<double>(same) / static_cast<double>(layout.positions);
        });
}

/// Cosine between the answer and the untouched network's, mean over images: 1 where they point the
/// same way. Needs no labels.
inline metric fidelity(std::vector<float> reference) {
    return mean_metric(
        {"fidelity", "fidelity", ""},
        [reference = std::move(reference)](std::span<const float> answer, std::size_t n) {
            const auto before = detail::of_image(reference, n, answer.size());
            double dot = 0.0, a = 0.0, b = 0.0;
            for (std::size_t i = 0; i < answer.size(); ++i) {
                dot += static_cast<double>(answer[i]) * static_cast<double>(before[i]);
                a += static_cast<double>(answer[i]) * static_cast<double>(answer[i]);
                b += static_cast<double>(before[i]) * static_cast<double>(before[i]);
            }
            if (a == 0.0 || b == 0.0) return a == b ? 1.0 : 0.0;
            return std::clamp(dot / std::sqrt(a * b), -1.0, 1.0);
        },
        std::pair{-1.0, 1.0});
}

/// 1 - |answer - untouched answer| / |untouched answer| (Euclidean), mean over images. Below 0
/// where an answer is further away than 0 is. Needs no labels.
inline metric closeness(std::vector<float> reference) {
    return mean_metric(
        {"closeness", "1 - relative error", ""},
        [reference = std::move(reference)](std::span<const float> answer, std::size_t n) {
            const auto before = detail::of_image(reference, n, answer.size());
            double off = 0.0, whole = 0.0;
            for (std::size_t i = 0; i < answer.size(); ++i) {
                const double d = static_cast<double>(answer[i]) - static_cast<double>(before[i]);
                off += d * d;
                whole += static_cast<double>(before[i]) * static_cast<double>(before[i]);
            }
            if (whole == 0.0) return off == 0.0 ? 1.0 : 0.0;
            return 1.0 - std::sqrt(off / whole);
        },
        std::nullopt);
}

/// Peak signal-to-noise ratio in dB, mean over images, of answers rounded to 0..255:
/// 10 log10(255^2 / mean squared error); 100 dB where nothing differs.
/// \param targets  images x outputs, 0..255
inline metric psnr(std::vector<float> targets) {
    return mean_metric(
        {"psnr", "PSNR", "dB"},
        [targets = std::move(targets)](std::span<const float> answer, std::size_t n) {
            const auto target = detail::of_image(targets, n, answer.size());
            double squares = 0.0;
            for (std::size_t i = 0; i < answer.size(); ++i) {
                const double pixel =
                    std::clamp(std::nearbyint(static_cast<double>(answer[i])), 0.0, 255.0);
                const double d = pixel - static_cast<double>(target[i]);
                squares += d * d;
            }
            const double mean = squares / static_cast<double>(answer.size());
            return mean == 0.0 ? 100.0 : std::min(100.0, 10.0 * std::log10(255.0 * 255.0 / mean));
        },
        std::pair{0.0, 100.0});
}

/// Intersection over union of one class that is set where a single number lies above `cut`, mean
/// over images; 1 where neither answer nor mask has a pixel of it.
/// \param masks  images x positions; not 0: of the class
inline metric iou(std::vector<int> masks, float cut = 0.5F) {
    return mean_metric({"iou", "IoU", ""}, [masks = std::move(masks), cut](
                                               std::span<const float> answer, std::size_t n) {
        const auto mask = detail::of_image(masks, n, answer.size());
        std::size_t both = 0, either = 0;
        for (std::size_t i = 0; i < answer.size(); ++i) {
            const bool set = answer[i] > cut;
            const bool wanted = mask[i] != 0;
            both += set && wanted ? 1U : 0U;
            either += set || wanted ? 1U : 0U;
        }
        return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
    });
}

/// Intersection over union of each class, pixels of all images together, mean over the classes that
/// stand in answers or masks. No mean over images.
/// \param masks  images x positions, the class of each; 255 and what is below 0: not judged
inline metric mean_iou(std::vector<int> masks, answer_layout layout, float cut = 0.5F) {
    return whole_metric({"miou", "mIoU", ""}, [masks = std::move(masks), layout, cut](
                                                  std::span<const float> answers,
                                                  std::size_t images) {
        const std::size_t classes = std::max<std::size_t>(2, layout.classes);
        std::vector<std::size_t> both(classes), either(classes);
        for (std::size_t n = 0; n < images; ++n) {
            const auto answer = answers.subspan(n * layout.size(), layout.size());
            for (std::size_t p = 0; p < layout.positions; ++p) {
                const int wanted = masks[n * layout.positions + p];
                if (wanted < 0 || wanted == 255) continue;
                const std::size_t got = layout.decided(answer, p, cut);
                const auto right = static_cast<std::size_t>(wanted);
                if (right >= classes)
                    throw error(text_of({"mIoU: a mask holds class ", wanted, " of ", classes}));
                ++either[got];
                if (got == right)
                    ++both[got];
                else
                    ++either[right];
            }
        }
        double sum = 0.0;
        std::size_t present = 0;
        for (std::size_t c = 0; c < classes; ++c) {
            if (either[c] == 0) continue;
            sum += static_cast<double>(both[c]) / static_cast<double>(either[c]);
            ++present;
        }
        return present == 0 ? 0.0 : sum / static_cast<double>(present);
    });
}

namespace detail {

/// Area under the ROC curve: how often a positive scores above a negative, ties counted half.
/// nullopt where one of the two kinds is missing.
inline std::optional<double> area_under_roc(std::vector<std::pair<float, bool>> scored) {
    std::sort(scored.begin(), scored.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    double below = 0.0, wins = 0.0, positives = 0.0;
    for (std::size_t i = 0; i < scored.size();) {
        double up = 0.0, down = 0.0;
        std::size_t end = i;
        for (; end < scored.size() && scored[end].first == scored[i].first; ++end)
            (scored[end].second ? up : down) += 1.0;
        wins += up * (below + 0.5 * down);
        below += down, positives += up;
        i = end;
    }
    if (positives == 0.0 || below == 0.0) return std::nullopt;
    return wins / (positives * below);
}

}  // namespace detail

/// Area under the ROC curve. One number: of label 1 against 0; two: of their difference; more: each
/// class against all others, mean over classes. No mean over images.
inline metric auc(std::vector<int> labels) {
    return whole_metric(
        {"auc", "AUC", ""},
        [labels = std::move(labels)](std::span<const float> answers, std::size_t images) {
            const std::size_t size = answers.size() / images;
            double sum = 0.0;
            std::size_t counted = 0;
            for (std::size_t c = size <= 2 ? size - 1 : 0; c < size; ++c) {
                std::vector<std::pair<float, bool>> scored;
                for (std::size_t n = 0; n < images; ++n) {
                    const float* a = answers.data() + n * size;
                    const int positive = size == 1 ? 1 : static_cast<int>(c);
                    scored.emplace_back(size == 2 ? a[1] - a[0] : a[c],
                                        detail::of_image(labels, n, 1)[0] == positive);
                }
                if (const auto area = detail::area_under_roc(std::move(scored)))
                    sum += *area, ++counted;
            }
            if (counted == 0) throw error("AUC: all labels are the same");
            return sum / static_cast<double>(counted);
        });
}

}  // namespace hass
