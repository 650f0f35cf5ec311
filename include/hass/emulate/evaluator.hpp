/// \file evaluator.hpp
/// The same images at one set of thresholds after the other, nothing computed twice that fits into
/// a budget of bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/emulate/accuracy_limit.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/mean_limit.hpp>
#include <hass/emulate/metric.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// Runs an emulator on images and labels that somebody else owns, and remembers. Whatever is
/// remembered, answers are those of `emulator::run`, bit for bit:
///
/// - thresholds that were asked before are answered at once;
/// - thresholds that agree with earlier ones in all rows before row k begin at row k, with the
///   activations kept from there. They are kept where a run parts from an earlier one, since there
///   the next one is likely to part again: a sweep over one layer, or moves along single axes, pay
///   for the layers behind the changed one only, and a search that changes all layers keeps
///   nothing.
///
/// Remembering takes, beside the thresholds themselves,
///     4 x images x schedule.live_floats(k)  bytes for the activations in front of row k,
///     8 x the histogram values              bytes for the statistics of a run, or of its rows
///                                           before k,
/// and what was used longest ago goes when the sum would exceed the budget.
///
/// With a limit on accuracy (`limit`) a run ends once it is known, for certain or with stated
/// confidence, on which side of it the accuracy lies. Images are then run in a random order, and
/// `statistics_images` counts in that order.
///
/// Not to be asked from several threads at once; it uses as many as it is told to.
template <EmulationBackend Backend>
class basic_evaluator {
  public:
    /// \param cache_bytes  budget of all that is remembered; 0: every run is a run of its own
    /// \throws hass::error as `emulator::run`
    basic_evaluator(const basic_emulator<Backend>& network, const image_set& images,
                    std::span<const int> labels, emulation_options options = {},
                    std::size_t cache_bytes = 0)
        : network_(network),
          images_(images),
          labels_(labels),
          options_(options),
          budget_(cache_bytes),
          order_(detail::in_order(images.count)) {
        network.check_labels(images, labels);
    }

    /// The same with a metric in place of labels; what it judges by belongs to it.
    basic_evaluator(const basic_emulator<Backend>& network, const image_set& images, metric judge,
                    emulation_options options = {}, std::size_t cache_bytes = 0)
        : network_(network),
          images_(images),
          judge_(std::move(judge)),
          options_(options),
          budget_(cache_bytes),
          order_(detail::in_order(images.count)) {
        network.check_images(images);
    }

    /// As `emulator::run`, with the options given at construction.
    emulation run(const network_thresholds& thresholds) const {
        return answer(thresholds, options_.statistics_images > 0);
    }
    /// The score (the metric, or top-1); takes no statistics.
    double accuracy(const network_thresholds& thresholds) const {
        return answer(thresholds, false).score();
    }

    /// From now on runs end as soon as this limit is decided. Runs the untouched network once, as
    /// the reference of the test. Each run by itself is wrong with the stated probability at most,
    /// over the order of its images, which all runs share.
    /// \throws hass::error for a limit out of range, and for a metric that is no mean over images
    /// within bounds: of such a one the images left may change anything
    void limit(const accuracy_limit& l) {
        check_limit(l);
        test_.reset();
        limit_.reset();
        forget([](const memory& m) { return m.result.estimate.has_value(); });
        const std::vector<std::size_t> order = shuffled(images_.count, l.seed);
        if (order != order_) {
            order_ = order;
            forget([](const memory&) { return true; });
        }
        if (right_.empty() && reference_.empty()) find_reference();
        limit_ = l;
        if (judge_) return;
        std::array<std::size_t, 2> strata{};
        for (const bool right : right_) ++strata[right ? 0 : 1];
        test_.emplace(l, strata);
    }

    /// Bytes remembered.
    std::size_t cached_bytes() const { return cached_; }
    /// Images that were run so far.
    std::size_t images_run() const { return images_run_; }
    /// Compute rows that were run so far, and those that would have been without remembering.
    std::size_t rows_run() const { return rows_run_; }
    /// Rows that would have been computed without anything kept.
    std::size_t rows_asked() const { return rows_asked_; }

  private:
    /// Thresholds of a row as the emulator compares them, in float32: of all channels alike, or one
    /// a channel; rows without weights have none.
    struct row_key {
        std::vector<float> weight;
        std::vector<float> activation;

        bool operator==(const row_key&) const = default;
    };
    using key = std::vector<row_key>;

    /// Something remembered of a run.
    struct memory {
        key thresholds;
        std::size_t row = 0;       ///< holds for all thresholds that agree before this row
        detail::checkpoint state;  ///< in front of `row`; empty behind the last one
        emulation result;          ///< statistics of the rows before `row`; behind the last: all
        bool measured = false;     ///< whether statistics were taken
        std::size_t bytes = 0;
        std::uint64_t used = 0;
    };

    std::size_t rows() const { return network_.network().size(); }

    key key_of(const network_thresholds& thresholds) const {
        const auto floats = [](double all, const std::vector<double>& channels) {
            if (channels.empty()) return std::vector<float>{static_cast<float>(all)};
            std::vector<float> f;
            for (const double tau : channels) f.push_back(static_cast<float>(tau));
            return f;
        };
        key k(rows());
        for (std::size_t i = 0; i < rows(); ++i) {
            const layer_thresholds& t = thresholds[i];
            if (is_compute(network_.network()[i]))
                k[i] = {floats(t.weight, t.weight_channels),
                        floats(t.activation, t.activation_channels)};
        }
        return k;
    }

    static std::size_t agreement(const key& a, const key& b) {
        return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin()).first -
                                        a.begin());
    }

    std::size_t compute_rows_before(std::size_t row) const {
        const network_view net = network_.network();
        std::size_t count = 0;
        for (std::size_t i = 0; i < row; ++i) count += is_compute(net[i]) ? 1U : 0U;
        return count;
    }

    static std::size_t bytes_of(const network_statistics& statistics) {
        std::size_t values = 0, lanes = 0;
        for (const layer_statistics& s : statistics) {
            for (const window_histogram& w : s.windows) values += w.share.size();
            for (const list_lengths& l : s.lists) values += l.share.size();
            values += s.rows.size();
            lanes += s.lanes.size();
        }
        return sizeof(double) * values + sizeof(lane_work) * lanes;
    }

    emulation answer(const network_thresholds& thresholds, bool measured) const {
        check_thresholds(network_.network(), thresholds);
        const key asked = key_of(thresholds);
        rows_asked_ += compute_rows_before(rows());
        memory* start = nullptr;
        std::size_t parting = 0;
        for (memory& m : memories_) {
            const std::size_t agreed = agreement(m.thresholds, asked);
            parting = std::max(parting, agreed);
            if (agreed >= m.row && (m.measured || !measured) &&
                (start == nullptr || m.row > start->row))
                start = &m;
        }
        if (start != nullptr) start->used = ++clock_;
        if (start != nullptr && start->row == rows()) {
            emulation known = start->result;
            if (!measured) known.statistics.clear();
            decide(known);
            return known;
        }
        return run_from(start, parting, thresholds, asked, measured);
    }

    emulation run_from(const memory* start, std::size_t parting,
                       const network_thresholds& thresholds, const key& asked,
                       bool measured) const {
        const std::size_t begin = start != nullptr ? start->row : 0;
        // Batches are cut alike with statistics and without, so that each can go on from the other.
        detail::emulation_pass<Backend> pass(network_.program(), network_.backend(),
                                             network_.weights(), images_, order_, thresholds,
                                             options_, options_.statistics_images);
        detail::window_collector windows(network_.program(), pass.workers(), thresholds,
                                         measured ? options_.products : dot_products{});
        if (start != nullptr) pass.begin_at(start->state);
        memory kept;
        const std::size_t state_bytes =
            parting < rows()
                ? sizeof(float) * images_.count * network_.program().schedule.live_floats(parting)
                : 0;
        const bool keeps = parting < rows() && parting > begin &&
                           compute_rows_before(parting) > compute_rows_before(begin) &&
                           state_bytes + (start != nullptr ? start->bytes : 0) <= budget_;
        if (keeps) {
            make_room(state_bytes, start);
            pass.keep_at(parting, kept.state);
        }
        emulation result;
        limit_test::counts counts;
        std::optional<mean_limit_test> mean_test;
        if (judge_ && limit_) mean_test.emplace(*limit_, reference_, *judge_->bounds);
        std::vector<double> scores(judge_ && judge_->is_mean() ? images_.count : 0);
        for (std::size_t b = 0; b < pass.batches();) {
            const std::size_t end = next_look(pass, b);
            detail::run_counting(pass, b, end, options_, measured ? &windows : nullptr);
            for (std::size_t n = pass.images_before(b); n < pass.images_before(end); ++n) {
                const std::size_t image = order_[n];
                if (judge_) {
                    ++result.images;
                    if (!judge_->is_mean()) continue;
                    scores[image] = judge_->of_image(pass.answer(n), image);
                    if (mean_test) mean_test->see(image, scores[image]);
                    continue;
                }
                const bool right = network_.count_answer(pass.answer(n), labels_[image], result);
                if (!test_) continue;
                const std::size_t stratum = right_[image] ? 0 : 1;
                ++counts.seen[stratum];
                counts.right[stratum] += right ? 1U : 0U;
            }
            b = end;
            if (!limit_ || b == pass.batches()) continue;
            result.verdict = mean_test ? mean_test->look() : test_->look(counts);
            if (result.verdict == limit_verdict::missed ||
                (result.verdict == limit_verdict::met && limit_->end_when_met)) {
                result.estimate = mean_test ? mean_test->estimate(result.verdict)
                                            : test_->estimate(counts, result.verdict);
                break;
            }
        }
        if (judge_ && !result.estimate)
            result.judged = judge_->is_mean() ? detail::mean_in_order(scores)
                                              : judge_->of_all(pass.answers(), images_.count);
        decide(result);
        images_run_ += result.images;
        rows_run_ += compute_rows_before(rows()) - compute_rows_before(begin);
        if (measured) {
            result.statistics = windows.finish(options_.threads);
            for (std::size_t i = 0; i < begin; ++i)
                result.statistics[i] = start->result.statistics[i];
        }
        if (keeps && !result.estimate) {
            kept.row = parting;
            if (measured) {
                kept.result.statistics.assign(
                    result.statistics.begin(),
                    result.statistics.begin() + static_cast<std::ptrdiff_t>(parting));
            }
            remember(std::move(kept), asked, measured,
                     state_bytes + bytes_of(kept.result.statistics));
        }
        memory whole;
        whole.row = rows();
        whole.result = result;
        const std::size_t bytes = bytes_of(result.statistics);
        remember(std::move(whole), asked, measured, bytes);
        return result;
    }

    void find_reference() {
        emulation_options answers_only = options_;
        answers_only.statistics_images = 0;
        const std::vector<float> answers =
            network_.logits(images_, network_thresholds(rows()), answers_only);
        const std::size_t classes = network_.classes();
        for (std::size_t n = 0; judge_ && n < images_.count; ++n)
            reference_.push_back(
                judge_->of_image(std::span(answers).subspan(n * classes, classes), n));
        for (std::size_t n = 0; !judge_ && n < images_.count; ++n)
            right_.push_back(
                network_.rank(std::span(answers).subspan(n * classes, classes), labels_[n]) == 0);
    }

    /// The verdict on a run of all images is its count.
    void decide(emulation& result) const {
        if (result.estimate) return;
        const bool met = judge_ && limit_ ? result.score() >= limit_->floor
                         : test_          ? result.top1 >= test_->needed()
                                          : false;
        result.verdict = !limit_ ? limit_verdict::open
                         : met   ? limit_verdict::met
                                 : limit_verdict::missed;
    }

    void check_limit(const accuracy_limit& l) const {
        if (!judge_) {
            limit_test(l, {images_.count, 0});
            return;
        }
        if (!judge_->is_mean() || !judge_->bounds)
            throw error("metric '" + judge_->unit.name +
                        "' is no mean over images within bounds, " +
                        "so that no run can end before its last image");
        mean_limit_test(l, std::vector<double>(images_.count, judge_->bounds->first),
                        *judge_->bounds);
    }

    /// First batch behind the next look; which images are looked at together depends on no thread.
    std::size_t next_look(const detail::emulation_pass<Backend>& pass, std::size_t b) const {
        if (!limit_) return pass.batches();
        const std::size_t until = pass.images_before(b) + limit_->interval;
        std::size_t end = b + 1;
        while (end < pass.batches() && pass.images_before(end) < until) ++end;
        return end;
    }

    template <class Condition>
    void forget(Condition condition) const {
        memories_.remove_if([&](const memory& m) {
            if (!condition(m)) return false;
            cached_ -= m.bytes;
            return true;
        });
    }

    /// Lets go of what was used longest ago, except for `needed`, until `bytes` more fit.
    void make_room(std::size_t bytes, const memory* needed = nullptr) const {
        while (cached_ + bytes > budget_) {
            const auto age = [needed](const memory& m) {
                return &m == needed ? std::numeric_limits<std::uint64_t>::max() : m.used;
            };
            const auto oldest =
                std::min_element(memories_.begin(), memories_.end(),
                                 [&](const memory& a, const memory& b) { return age(a) < age(b); });
            cached_ -= oldest->bytes;
            memories_.erase(oldest);
        }
    }

    /// Takes `m` in, unless it is larger than the whole budget.
    void remember(memory&& m, const key& asked, bool measured, std::size_t bytes) const {
        m.bytes = bytes + sizeof(memory) + sizeof(row_key) * asked.size();
        for (const row_key& k : asked)
            m.bytes += sizeof(float) * (k.weight.size() + k.activation.size());
        if (m.bytes > budget_) return;
        make_room(m.bytes);
        m.thresholds = asked;
        m.measured = measured;
        m.used = ++clock_;
        cached_ += m.bytes;
        memories_.push_back(std::move(m));
    }

    const basic_emulator<Backend>& network_;
    const image_set& images_;
    std::span<const int> labels_;
    std::optional<metric> judge_;  ///< in place of labels
    emulation_options options_;
    std::size_t budget_;
    std::vector<std::size_t> order_;
    std::optional<accuracy_limit> limit_;
    std::optional<limit_test> test_;
    std::vector<bool> right_;        ///< whether the untouched network answers an image right
    std::vector<double> reference_;  ///< or how the metric scores that answer
    mutable std::list<memory> memories_;
    mutable std::size_t cached_ = 0;
    mutable std::uint64_t clock_ = 0;
    mutable std::size_t images_run_ = 0;
    mutable std::size_t rows_run_ = 0;
    mutable std::size_t rows_asked_ = 0;
};

/// The evaluator on Eigen.
using evaluator = basic_evaluator<eigen_backend>;

}  // namespace hass
