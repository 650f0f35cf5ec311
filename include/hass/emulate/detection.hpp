/// \file detection.hpp
/// Answers of object detectors: from a head's numbers to boxes, and how good they are (COCO mAP).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/emulate/metric.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// A box in pixels of the network's input, and what it holds.
struct detection {
    /// Left, top, right and bottom edge, pixels.
    float x1 = 0.0F, y1 = 0.0F, x2 = 0.0F, y2 = 0.0F;
    int label = 0;       ///< class, from 0
    float score = 1.0F;  ///< confidence, [0, 1]
};

/// What a picture truly holds.
struct labelled_picture {
    std::vector<detection> boxes;  ///< all of the picture's
    /// Extent of the picture in pixels of the network's input, from its top left corner; what lies
    /// beyond is filling. Boxes end there.
    float width = std::numeric_limits<float>::infinity();
    float height = std::numeric_limits<float>::infinity();  ///< see `width`
};

/// Share of the area that two boxes cover which both of them do.
inline double overlap(const detection& a, const detection& b) {
    const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
    const double h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
    if (!(w > 0.0 && h > 0.0)) return 0.0;
    const auto area = [](const detection& d) {
        return (static_cast<double>(d.x2) - static_cast<double>(d.x1)) *
               (static_cast<double>(d.y2) - static_cast<double>(d.y1));
    };
    return w * h / (area(a) + area(b) - w * h);
}

/// How a head's numbers stand for boxes.
/// - yolox:  rows x (x, y, w, h, objectness, classes), anchor-free: x, y in cells from the cell's
///           corner, w, h as logarithms of cells; strides 8, 16, 32, row-major
/// - yolov5: the same columns, three anchors a cell, decoded to pixels by the network
/// - yolov8: (x, y, w, h, classes) x cells, decoded to pixels, no objectness
enum class detector_head { yolox, yolov5, yolov8 };

/// Names of detector_head, in its order.
inline constexpr std::array<std::string_view, 3> detector_heads{"yolox", "yolov5", "yolov8"};

/// \throws hass::error naming the nearest known head
inline detector_head detector_head_named(std::string_view name) {
    for (std::size_t i = 0; i < detector_heads.size(); ++i)
        if (detector_heads[i] == name) return static_cast<detector_head>(i);
    throw unknown_name("detector head", std::string(name), detector_heads);
}

/// How boxes are chosen of a head's numbers.
struct detector_options {
    detector_head head = detector_head::yolox;  ///< what the network ends in
    double least_score = 0.001;                 ///< boxes below are dropped before anything else
    double most_overlap = 0.65;    ///< of two boxes of one class the weaker goes beyond this
    std::size_t most_boxes = 300;  ///< best ones that a picture keeps
};

/// Reads the boxes of one answer.
class box_decoder {
  public:
    /// \param input    of the network: its height and width say how many cells there are
    /// \param outputs  numbers of an answer
    /// \throws hass::error where they are no such head's
    box_decoder(const detector_options& options, const shape& input, std::size_t outputs)
        : options_(options) {
        for (const int stride : {8, 16, 32})
            for (int y = 0; y < input.height / stride; ++y)
                for (int x = 0; x < input.width / stride; ++x)
                    cells_.push_back(
                        {static_cast<float>(x), static_cast<float>(y), static_cast<float>(stride)});
        const std::size_t anchors = options.head == detector_head::yolov5 ? 3 : 1;
        rows_ = cells_.size() * anchors;
        columns_ = rows_ == 0 ? 0 : outputs / rows_;
        const std::size_t fixed = first_class();
        if (rows_ == 0 || outputs % rows_ != 0 || columns_ <= fixed)
            throw error(text_of(
                {"detector head '", detector_heads[static_cast<std::size_t>(options.head)], "': ",
                 outputs, " numbers an image are not ", rows_, " boxes with their classes"}));
    }

    /// Number of classes that a row of the head scores.
    std::size_t classes() const { return columns_ - first_class(); }

    /// The boxes of an answer after non-maximum suppression class by class, best first. Each is of
    /// the class with its highest score.
    /// \param within  where boxes end
    std::vector<detection> operator()(std::span<const float> answer,
                                      const labelled_picture& within = {}) const {
        std::vector<detection> found;
        for (std::size_t r = 0; r < rows_; ++r) add(answer, r, found);
        for (detection& d : found) {
            for (float* x : {&d.x1, &d.x2}) *x = std::clamp(*x, 0.0F, within.width);
            for (float* y : {&d.y1, &d.y2}) *y = std::clamp(*y, 0.0F, within.height);
        }
        std::stable_sort(found.begin(), found.end(),
                         [](const detection& a, const detection& b) { return a.score > b.score; });
        std::vector<detection> kept;
        for (const detection& d : found) {
            if (kept.size() == options_.most_boxes) break;
            const bool hidden = std::any_of(kept.begin(), kept.end(), [&](const detection& k) {
                return k.label == d.label && overlap(k, d) > options_.most_overlap;
            });
            if (!hidden) kept.push_back(d);
        }
        return kept;
    }

  private:
    struct cell {
        float x, y, stride;
    };

    std::size_t first_class() const { return options_.head == detector_head::yolov8 ? 4 : 5; }

    void add(std::span<const float> answer, std::size_t r, std::vector<detection>& found) const {
        const bool across = options_.head == detector_head::yolov8;
        const auto at = [&](std::size_t c) {
            return across ? answer[c * rows_ + r] : answer[r * columns_ + c];
        };
        const float objectness = across ? 1.0F : at(4);
        if (objectness < static_cast<float>(options_.least_score)) return;
        float x = at(0), y = at(1), w = at(2), h = at(3);
        if (options_.head == detector_head::yolox) {
            const cell& c = cells_[r];
            x = (x + c.x) * c.stride, y = (y + c.y) * c.stride;
            w = std::exp(w) * c.stride, h = std::exp(h) * c.stride;
        }
        detection d{x - w / 2, y - h / 2, x + w / 2, y + h / 2, 0, 0.0F};
        for (std::size_t k = first_class(); k < columns_; ++k) {
            const float score = objectness * at(k);
            if (score <= d.score) continue;
            d.score = score;
            d.label = static_cast<int>(k - first_class());
        }
        if (static_cast<double>(d.score) > options_.least_score) found.push_back(d);
    }

    detector_options options_;
    std::vector<cell> cells_;
    std::size_t rows_ = 0, columns_ = 0;
};

/// Mean average precision as COCO defines it.
struct average_precision {
    double at_50_to_95 = 0.0;  ///< mean over overlaps 0.5, 0.55, ..., 0.95
    double at_50 = 0.0;        ///< at an overlap of 0.5 alone
};

/// Over classes that the truth has: average of the precision (the best at this recall or beyond) at
/// recalls 0, 0.01, ..., 1. A box takes the free true one that it overlaps most, the strongest
/// first. No crowds, no areas (Lin et al., "Microsoft COCO", 2014; cocoapi's evaluation).
/// \param found, truth  one list of boxes an image
inline average_precision mean_average_precision(const std::vector<std::vector<detection>>& found,
                                                const std::vector<std::vector<detection>>& truth) {
    struct scored {
        float score;
        std::size_t image;
        const detection* box;
    };
    int classes = 0;
    for (const auto& boxes : truth)
        for (const detection& d : boxes) classes = std::max(classes, d.label + 1);
    constexpr std::size_t steps = 10;
    std::array<double, steps> sums{};
    std::size_t present = 0;
    for (int label = 0; label < classes; ++label) {
        std::vector<std::vector<const detection*>> wanted(truth.size());
        std::size_t total = 0;
        for (std::size_t n = 0; n < truth.size(); ++n)
            for (const detection& d : truth[n])
                if (d.label == label) wanted[n].push_back(&d), ++total;
        if (total == 0) continue;
        ++present;
        std::vector<scored> ranked;
        for (std::size_t n = 0; n < found.size(); ++n)
            for (const detection& d : found[n])
                if (d.label == label) ranked.push_back({d.score, n, &d});
        std::stable_sort(ranked.begin(), ranked.end(),
                         [](const scored& a, const scored& b) { return a.score > b.score; });
        for (std::size_t step = 0; step < steps; ++step) {
            const double least = 0.5 + 0.05 * static_cast<double>(step);
            std::vector<std::vector<bool>> taken(truth.size());
            for (std::size_t n = 0; n < truth.size(); ++n) taken[n].resize(wanted[n].size());
            std::vector<double> precision, recall;
            double right = 0.0;
            for (const scored& c : ranked) {
                double best = least - 1e-9;
                std::size_t match = wanted[c.image].size();
                for (std::size_t g = 0; g < wanted[c.image].size(); ++g) {
                    if (taken[c.image][g]) continue;
                    const double share = overlap(*wanted[c.image][g], *c.box);
                    if (share >= best) best = share, match = g;
                }
                if (match < wanted[c.image].size()) taken[c.image][match] = true, right += 1.0;
                precision.push_back(right / static_cast<double>(precision.size() + 1));
                recall.push_back(right / static_cast<double>(total));
            }
            for (std::size_t i = precision.size(); i-- > 1;)
                precision[i - 1] = std::max(precision[i - 1], precision[i]);
            double area = 0.0;
            for (int k = 0; k <= 100; ++k) {
                const auto at = static_cast<std::size_t>(
                    std::lower_bound(recall.begin(), recall.end(), k / 100.0) - recall.begin());
                area += at < precision.size() ? precision[at] : 0.0;
            }
            sums[step] += area / 101.0;
        }
    }
    average_precision result;
    if (present == 0) return result;
    const auto mean = 1.0 / static_cast<double>(present);
    result.at_50 = sums[0] * mean;
    result.at_50_to_95 = std::accumulate(sums.begin(), sums.end(), 0.0) * mean / steps;
    return result;
}

/// COCO mAP, mean over overlaps 0.5 to 0.95, of a detector's answers; that at 0.5 is a detail. No
/// mean over images.
/// \param truth    of each image
/// \param input    of the network
/// \param outputs  numbers of an answer
/// \throws hass::error where the answers are not that head's
inline metric mean_average_precision(std::vector<labelled_picture> truth,
                                     const detector_options& options, const shape& input,
                                     std::size_t outputs) {
    const auto judge = [truth = std::move(truth), decode = box_decoder(options, input, outputs),
                        outputs](std::span<const float> answers, std::size_t images) {
        if (images > truth.size())
            throw error(text_of({"mAP: true boxes of ", truth.size(), " images for ", images}));
        std::vector<std::vector<detection>> found, wanted;
        for (std::size_t n = 0; n < images; ++n) {
            found.push_back(decode(answers.subspan(n * outputs, outputs), truth[n]));
            wanted.push_back(truth[n].boxes);
        }
        return mean_average_precision(found, wanted);
    };
    metric m = whole_metric({"map", "mAP", ""}, [judge](auto answers, std::size_t images) {
        return judge(answers, images).at_50_to_95;
    });
    m.details = [judge](auto answers, std::size_t images) {
        return std::vector<std::pair<std::string, double>>{
            {"mAP@.5", judge(answers, images).at_50}};
    };
    return m;
}

}  // namespace hass
