/// \file emulator.hpp
/// What the network answers when its weights and activations are clipped, and what its tensors look
/// like then.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/eigen.hpp>
#include <hass/emulate/emulation.hpp>
#include <hass/emulate/emulation_pass.hpp>
#include <hass/emulate/metric.hpp>
#include <hass/emulate/prepared_weights.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/scoring.hpp>
#include <hass/emulate/window_collector.hpp>
#include <hass/error.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/model.hpp>

namespace hass {

/// Runs a trained network with |w| < tau_w and |x| < tau_a set to zero, the latter in front of
/// every convolution and linear layer; biases, and what flows past those layers, are untouched.
/// Behind a ReLU |x| is x; signed inputs (the image, hardswish) are clipped on both sides of zero.
///
/// Several threads each take a batch of images at a time. Statistics are integers until the end, so
/// that logits and statistics are the same bits for any number of threads; with the default backend
/// for any batch size, too, since it computes every image alike at any place of any batch.
///
/// Memory: the weights that were run last, prepared. A thread: that of the backend and, where
/// statistics are taken, at most 288 KiB for 16 channels of a pointwise layer and 2 KiB a channel of a
/// 3x3 one that is not depthwise (`activation_windows`).
template <EmulationBackend Backend>
class basic_emulator {
  public:
    /// \throws hass::error when parameters and rows do not fit each other or the preprocessing has
    ///         another number of channels than the network's input
    basic_emulator(hass::model m, preprocessing p)
        : basic_emulator(hass::program(std::move(m), std::move(p))) {}
    /// With the preprocessing that the model states; pixels as they are where it states none.
    explicit basic_emulator(hass::model m) : basic_emulator(hass::program(std::move(m))) {}
    /// Of a program that exists already.
    explicit basic_emulator(hass::program p)
        : program_(std::make_shared<const hass::program>(std::move(p))),
          backend_(*program_),
          weights_(std::make_shared<detail::prepared_weights<Backend>>(network().size())),
          scoring_(network(), program_->model.source, image_shape(program_->model)) {}

    /// What it runs.
    const hass::model& model() const { return program_->model; }
    /// Its rows and edges.
    network_view network() const { return program_->model.net; }
    /// The model and how images become its input.
    const hass::program& program() const { return *program_; }
    /// What computes.
    const Backend& backend() const { return backend_; }
    /// Its weights as they were needed last; copies of the emulator share them.
    detail::prepared_weights<Backend>& weights() const { return *weights_; }
    /// Numbers that the network answers an image with.
    std::size_t classes() const { return scoring_.classes(); }
    /// Labels that an answer decides between: one a number, but two where it is a single one
    /// (`detail::binary_cut`).
    std::size_t labels() const { return scoring_.labels(); }
    /// Between the two classes of an answer of one number a position, where it means such a thing.
    std::optional<float> cut() const { return scoring_.cut(); }
    /// Where in an answer the classes of each position lie.
    answer_layout layout() const {
        const shape& out = network().rows.back().out;
        return {static_cast<std::size_t>(out.channels), static_cast<std::size_t>(out.pixels()),
                model().channels_last_output};
    }
    /// Values of one image kept at the same time.
    std::size_t floats_per_image() const { return program_->schedule.floats_per_image(); }

    /// Runs all images and compares the answers with the labels.
    /// \throws hass::error for no images, images of another shape, labels of another number or out
    ///         of range, thresholds that do not fit; for answers that are not finite, naming the
    ///         layer that gave the first such value
    emulation run(const image_set& images, std::span<const int> labels,
                  const network_thresholds& thresholds,
                  const emulation_options& options = {}) const {
        check_labels(images, labels);
        return run_judged(images, thresholds, options, [&](const auto& pass, emulation& result) {
            for (std::size_t n = 0; n < images.count; ++n)
                count_answer(pass.answer(n), labels[n], result);
        });
    }

    /// Runs all images and lets a metric judge the answers: `emulation::judged`.
    /// \throws hass::error as `run` with labels, and what the metric throws
    emulation run(const image_set& images, const metric& judge,
                  const network_thresholds& thresholds,
                  const emulation_options& options = {}) const {
        check_images(images);
        return run_judged(images, thresholds, options, [&](const auto& pass, emulation& result) {
            result.images = images.count;
            result.judged = judge(pass.answers(), images.count);
        });
    }

    /// The network's answers, images x classes(), row-major.
    /// \throws hass::error as `run`
    std::vector<float> logits(const image_set& images, const network_thresholds& thresholds,
                              const emulation_options& options = {}) const {
        return forward(
            images, thresholds, options, 0, images.count, [](std::size_t) {},
            [](std::size_t, std::size_t, const detail::seen_tensors&, std::size_t) {});
    }
    /// The same without any thresholds.
    std::vector<float> logits(const image_set& images,
                              const emulation_options& options = {}) const {
        return logits(images, network_thresholds(network().size()), options);
    }

    /// Distributions of |x| of all weights and, over the images, of all inputs of convolution and
    /// linear layers, nothing clipped: one entry a row. With `statistics_images` only the first so
    /// many images are run.
    network_magnitudes magnitudes(const image_set& images,
                                  const emulation_options& options = {}) const {
        const std::size_t rows = network().size();
        std::vector<std::vector<std::vector<magnitude_histogram>>> counted;
        std::vector<std::vector<std::vector<magnitude_histogram>>> second;  // of products
        unmeasurable wrong;
        forward(
            images, network_thresholds(rows), options, options.statistics_images,
            std::min(images.count, options.statistics_images),
            [&](std::size_t workers) {
                counted.assign(workers, std::vector<std::vector<magnitude_histogram>>(rows));
                second = counted;
            },
            [&](std::size_t worker, std::size_t i, const detail::seen_tensors& seen,
                std::size_t count) {
                const float* input = seen.maps();
                if (!wrong.takes(*this, i, input, seen.second, count)) return;
                const layer_row& row = program_->rows()[i];
                if (!seen.second.empty()) count_second(row, seen.second, second[worker][i]);
                std::vector<magnitude_histogram>& channels = counted[worker][i];
                channels.resize(static_cast<std::size_t>(row.in.channels));
                const std::size_t size = count * static_cast<std::size_t>(row.in.pixels());
                for (std::size_t c = 0; c < channels.size(); ++c)
                    channels[c].add(std::span(input + c * size, size));
            });
        wrong.refuse(*this);
        network_magnitudes all(rows);
        for (std::size_t i = 0; i < rows; ++i) {
            const layer_row& row = program_->rows()[i];
            if (!is_compute(row)) continue;
            all[i] = has_weights(row) ? weight_magnitudes(row, model().parameters[i].weights)
                                      : second_magnitudes(row, second, i);
            all[i].activation_channels.resize(static_cast<std::size_t>(row.in.channels));
            for (const auto& worker : counted)
                for (std::size_t c = 0; c < worker[i].size(); ++c)
                    all[i].activation_channels[c].merge(worker[i][c]);
            for (const magnitude_histogram& c : all[i].activation_channels)
                all[i].activations.merge(c);
        }
        return all;
    }

    /// The largest |x| of each input channel of each compute row over the images, nothing clipped:
    /// one entry a row, empty for others. With `statistics_images` only the first so many are run.
    std::vector<std::vector<float>> largest_inputs(const image_set& images,
                                                   const emulation_options& options = {}) const {
        const std::size_t rows = network().size();
        std::vector<std::vector<float>> largest(rows);
        for (std::size_t i = 0; i < rows; ++i)
            if (is_compute(program_->rows()[i]))
                largest[i].resize(static_cast<std::size_t>(program_->rows()[i].in.channels));
        std::vector<std::vector<std::vector<float>>> found;
        unmeasurable wrong;
        forward(
            images, network_thresholds(rows), options, options.statistics_images,
            std::min(images.count, options.statistics_images),
            [&](std::size_t workers) { found.assign(workers, largest); },
            [&](std::size_t worker, std::size_t i, const detail::seen_tensors& seen,
                std::size_t count) {
                const float* input = seen.maps();
                if (!wrong.takes(*this, i, input, seen.second, count)) return;
                std::vector<float>& channels = found[worker][i];
                const std::size_t size =
                    count * static_cast<std::size_t>(program_->rows()[i].in.pixels());
                for (std::size_t c = 0; c < channels.size(); ++c)
                    for (std::size_t x = 0; x < size; ++x)
                        channels[c] = std::max(channels[c], std::abs(input[c * size + x]));
            });
        wrong.refuse(*this);
        for (const auto& worker : found)
            for (std::size_t i = 0; i < rows; ++i)
                for (std::size_t c = 0; c < largest[i].size(); ++c)
                    largest[i][c] = std::max(largest[i][c], worker[i][c]);
        return largest;
    }

    /// \throws hass::error for no images or images of another shape
    void check_images(const image_set& images) const { scoring_.check_images(images); }
    /// \throws hass::error as `check_images`, and for labels of another number or out of range
    void check_labels(const image_set& images, std::span<const int> labels) const {
        scoring_.check_labels(images, labels);
    }
    /// Classes that come before `label` in one image's answer; 0: the answer is right.
    std::size_t rank(std::span<const float> answer, int label) const {
        return scoring_.rank(answer, label);
    }
    /// Counts one image's answer into `result`. \returns whether it is right
    bool count_answer(std::span<const float> answer, int label, emulation& result) const {
        return scoring_.count(answer, label, result);
    }

  private:
    /// The first row with an input that is not finite. A distribution, or a largest value, has no
    /// place for it, even where a clip behind makes the answer finite again; where none does, the
    /// run says itself which layer began it.
    struct unmeasurable {
        std::atomic<std::size_t> row{std::numeric_limits<std::size_t>::max()};

        /// Whether all is finite that row `i` is given.
        bool takes(const basic_emulator& network, std::size_t i, const float* input,
                   std::span<const float> second, std::size_t images) {
            const auto volume = static_cast<std::size_t>(network.network()[i].in.volume());
            if (detail::all_finite({input, images * volume}) && detail::all_finite(second))
                return true;
            std::size_t before = row;
            while (i < before && !row.compare_exchange_weak(before, i)) {
            }
            return false;
        }
        /// \throws hass::error where it was not
        void refuse(const basic_emulator& network) const {
            if (row >= network.network().size()) return;
            const std::string& source = network.model().source;
            throw error((source.empty() ? std::string() : source + ": ") + "layer '" +
                        name_of(network.network(), row) +
                        "': an input is not finite, so that its magnitudes cannot be measured");
        }
    };

    /// Adds the second input of a product, images x filters x what one sees, by the channel of the
    /// first one that it meets.
    static void count_second(const layer_row& row, std::span<const float> values,
                             std::vector<magnitude_histogram>& channels) {
        channels.resize(static_cast<std::size_t>(row.in.channels));
        const auto seen = static_cast<std::size_t>(channels_per_group(row));
        const auto head = static_cast<std::size_t>(filters_per_group(row)) * seen;
        std::vector<float> column;
        for (std::size_t first = 0, h = 0; first < values.size();
             first += head, h = (h + 1) % static_cast<std::size_t>(row.groups))
            for (std::size_t k = 0; k < seen; ++k) {
                column.clear();
                for (std::size_t f = k; f < head; f += seen) column.push_back(values[first + f]);
                channels[h * seen + k].add(column);
            }
    }
    static layer_magnitudes second_magnitudes(
        const layer_row& row,
        const std::vector<std::vector<std::vector<magnitude_histogram>>>& workers, std::size_t i) {
        layer_magnitudes m;
        std::vector<magnitude_histogram> channels(static_cast<std::size_t>(row.in.channels));
        for (const auto& worker : workers)
            for (std::size_t c = 0; c < worker[i].size(); ++c) channels[c].merge(worker[i][c]);
        magnitude_histogram whole;
        for (const magnitude_histogram& c : channels) {
            whole.merge(c);
            m.weight_channels.push_back(quantiles_of(c, 256));
        }
        m.weights = quantiles_of(whole, 4096);
        return m;
    }

    /// judge(pass, result) scores the answers, which stand in the order of the images.
    template <class Judge>
    emulation run_judged(const image_set& images, const network_thresholds& thresholds,
                         const emulation_options& options, Judge judge) const {
        check_thresholds(network(), thresholds);
        const bool measured = options.statistics_images > 0;
        const std::vector<std::size_t> order = detail::in_order(images.count);
        detail::emulation_pass<Backend> pass(*program_, backend_, *weights_, images, order,
                                             thresholds, options, options.statistics_images);
        detail::window_collector windows(*program_, pass.workers(), thresholds,
                                         measured ? options.products : dot_products{});
        detail::run_counting(pass, 0, pass.batches(), options, measured ? &windows : nullptr);
        emulation result;
        judge(pass, result);
        if (measured) result.statistics = windows.finish(options.threads);
        return result;
    }

    /// Answers of the first `count` images; begin(workers) is called before any visit.
    template <class Begin, class Visit>
    std::vector<float> forward(const image_set& images, const network_thresholds& thresholds,
                               const emulation_options& options, std::size_t visited,
                               std::size_t count, Begin begin, Visit visit) const {
        check_images(images);
        check_thresholds(network(), thresholds);
        const std::vector<std::size_t> order = detail::in_order(count);
        detail::emulation_pass<Backend> pass(*program_, backend_, *weights_, images, order,
                                             thresholds, options, visited);
        begin(pass.workers());
        pass.run(0, pass.batches(), visit);
        return std::move(pass.answers());
    }

    std::shared_ptr<const hass::program> program_;
    Backend backend_;
    std::shared_ptr<detail::prepared_weights<Backend>> weights_;
    detail::scoring scoring_;
};

/// The emulator on Eigen.
using emulator = basic_emulator<eigen_backend>;

}  // namespace hass
