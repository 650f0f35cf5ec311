/// \file emulator.hpp
/// What the network answers when its weights and activations are clipped, and what its tensors look
/// like then.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/accuracy_limit.hpp>
#include <hass/emulate/eigen.hpp>
#include <hass/emulate/program.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/model.hpp>

namespace hass {

/// What answers how accurate the network still is: share of right answers in [0, 1].
template <class A>
concept AccuracyModel = requires(const A& a, const network_thresholds& thresholds) {
    { a.accuracy(thresholds) } -> std::convertible_to<double>;
};

inline constexpr std::size_t all_images = std::numeric_limits<std::size_t>::max();

/// How to run; none of it changes any result except for `statistics_images`.
struct emulation_options {
    int threads = 0;  ///< 0: as many as the machine has
    int batch = 0;    ///< images that go through the network together, 0: chosen by size
    /// Statistics are taken from the first so many images; 0: none are taken.
    std::size_t statistics_images = all_images;
};

/// Result of one run.
struct emulation {
    std::size_t images = 0;         ///< that were run
    std::size_t top1 = 0;           ///< images whose label has the highest logit
    std::size_t top5 = 0;           ///< ... is among the five highest
    double loss = 0.0;              ///< cross-entropy of the labels, nats, sum over the images
    network_statistics statistics;  ///< one entry a row; empty when none were asked for
    limit_verdict verdict = limit_verdict::open;  ///< on an `accuracy_limit`, where there is one
    std::optional<double> estimate;  ///< of top-1 over all images, where the run ended before them

    double top1_accuracy() const { return estimate.value_or(share(top1)); }
    double top5_accuracy() const { return share(top5); }
    double mean_loss() const { return images == 0 ? 0.0 : loss / static_cast<double>(images); }

  private:
    double share(std::size_t count) const {
        return images == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(images);
    }
};

namespace detail {

/// Values in front of row `row`, one piece a batch: where a run can begin instead of at the images.
struct checkpoint {
    std::size_t row = 0;
    std::vector<std::vector<float>> batches;
};

/// One set of thresholds on its way through the images, batch by batch.
template <EmulationBackend Backend>
class emulation_pass {
  public:
    /// \param order    numbers of the images, in the order in which they are run
    /// \param visited  a batch lies wholly within the first so many images, or beyond them, so that
    ///                 statistics cover exactly the images asked for
    emulation_pass(const program& p, const Backend& backend, const image_set& images,
                   std::span<const std::size_t> order, const network_thresholds& thresholds,
                   const emulation_options& options, std::size_t visited)
        : program_(p),
          backend_(backend),
          images_(images),
          order_(order),
          thresholds_(thresholds),
          threads_(options.threads),
          visited_(std::min(visited, order.size())) {
        const std::size_t batch = batch_size(options);
        for (std::size_t first = 0; first < order.size();) {
            const std::size_t end = first < visited_ ? visited_ : order.size();
            firsts_.push_back(first);
            first += std::min(batch, end - first);
        }
        firsts_.push_back(order.size());
        spaces_.resize(worker_count(threads_, batches()));
        answers_.resize(order.size() * p.classes());
    }

    std::size_t batches() const { return firsts_.size() - 1; }
    std::size_t workers() const { return spaces_.size(); }
    /// Images in the batches before `batch`.
    std::size_t images_before(std::size_t batch) const { return firsts_[batch]; }
    /// The network's answers, images in their order x classes.
    std::vector<float>& answers() { return answers_; }
    /// ... to the n-th image.
    std::span<const float> answer(std::size_t n) const {
        return std::span(answers_).subspan(n * program_.classes(), program_.classes());
    }

    /// Begins at what `from` holds instead of at the images.
    void begin_at(const checkpoint& from) { from_ = &from; }
    /// Fills `to` with the values in front of `row`, which must not stand before the beginning.
    void keep_at(std::size_t row, checkpoint& to) {
        to.row = row;
        to.batches.assign(batches(), {});
        to_ = &to;
    }

    /// Runs batches [first, last) and refuses answers that are not finite: they would count as
    /// right or wrong by accident. What is infinite on its way and comes out finite may be right,
    /// and costs nothing to let pass. visit(worker, row, input, planes, images) sees the input of
    /// every compute row for the batches that are visited, as it comes (channels x images x height
    /// x width) and as planes, where they had to be made clipped.
    /// \throws hass::error naming the layer that gave the first value that is not finite
    template <class Visit>
    void run(std::size_t first, std::size_t last, Visit visit) {
        prepare();
        std::atomic<std::size_t> bad{order_.size()};  // first image of such a batch, at last
        in_parallel(threads_, last - first, [&](std::size_t worker, std::size_t k) {
            typename Backend::workspace& space = spaces_[worker];
            const std::size_t b = first + k;
            if (firsts_[b] > bad) return;
            const std::size_t size = firsts_[b + 1] - firsts_[b];
            const std::size_t begin = from_ != nullptr ? from_->row : 0;
            if (from_ != nullptr)
                backend_.restore(begin, size, from_->batches[b], space);
            else
                backend_.load(images_, order_.subspan(firsts_[b], size), space);
            for (std::size_t i = begin; i < program_.rows().size(); ++i) {
                if (to_ != nullptr && to_->row == i)
                    to_->batches[b] = backend_.save(i, size, space);
                backend_.execute(i, prepared_[i], thresholds_[i], size, space, [&](auto tensors) {
                    if (firsts_[b] >= visited_) return;
                    const auto [input, planes] = tensors();
                    visit(worker, i, input, planes, size);
                });
            }
            const std::span<float> given = std::span(answers_).subspan(
                firsts_[b] * program_.classes(), size * program_.classes());
            backend_.answers(size, space, given);
            if (all_finite(given)) return;
            std::size_t before = bad;
            while (firsts_[b] < before && !bad.compare_exchange_weak(before, firsts_[b])) {
            }
        });
        for (std::size_t n = bad; n < order_.size(); ++n)
            if (!all_finite(answer(n))) throw not_finite(n);
    }

  private:
    /// Few enough that a batch's maps stay in the cache, enough to fill the columns of a product.
    std::size_t batch_size(const emulation_options& options) const {
        if (options.batch > 0) return static_cast<std::size_t>(options.batch);
        constexpr std::size_t cached_floats = std::size_t{1} << 20;
        return std::clamp<std::size_t>(cached_floats / program_.schedule.floats_per_image(), 2, 16);
    }

    typename Backend::weights prepare(std::size_t i) const {
        return backend_.prepare(
            i, clipped_weights(program_.rows()[i], program_.model.parameters[i].weights,
                               thresholds_[i]));
    }

    /// Runs the n-th image once more, row by row, for the one that gave the first value that is not
    /// finite.
    error not_finite(std::size_t n) const {
        const hass::model& m = program_.model;
        const std::string source = m.source.empty() ? std::string() : m.source + ": ";
        const std::string image = "image " + std::to_string(order_[n]) + ": ";
        typename Backend::workspace space;
        backend_.load(images_, order_.subspan(n, 1), space);
        std::size_t row = 0;
        if (!all_finite(backend_.save(0, 1, space)))
            return error(source + "images: " + image + "a value is not finite");
        for (; row + 1 < program_.rows().size(); ++row) {
            const bool computes = is_compute(program_.rows()[row]);
            backend_.execute(row, computes ? prepare(row) : typename Backend::weights(),
                             thresholds_[row], 1, space, [](auto) {});
            if (!program_.schedule[row].done && !all_finite(backend_.output(row, 1, space))) break;
        }
        return error(source + "layer '" + name_of(m.net, row) + "' (" +
                     std::string(name(program_.rows()[row].kind)) + "): " + image +
                     "a value is not finite, nor is the answer");
    }

    void prepare() {
        if (!prepared_.empty()) return;
        prepared_.resize(program_.rows().size());
        const std::size_t begin = from_ != nullptr ? from_->row : 0;
        in_parallel(threads_, prepared_.size() - begin, [&](std::size_t, std::size_t k) {
            const std::size_t i = begin + k;
            if (is_compute(program_.rows()[i])) prepared_[i] = prepare(i);
        });
    }

    const program& program_;
    const Backend& backend_;
    const image_set& images_;
    std::span<const std::size_t> order_;
    const network_thresholds& thresholds_;
    int threads_;
    std::size_t visited_;
    std::vector<std::size_t> firsts_;  ///< first image of each batch, and the end
    std::vector<typename Backend::weights> prepared_;
    std::vector<typename Backend::workspace> spaces_;
    std::vector<float> answers_;
    const checkpoint* from_ = nullptr;
    checkpoint* to_ = nullptr;
};

/// Activation masks of all compute rows, counted by each worker apart.
class window_collector {
  public:
    window_collector(const program& p, std::size_t workers) : program_(p), rows_(workers) {
        for (auto& worker : rows_) worker.resize(p.rows().size());
    }

    void add(std::size_t worker, std::size_t i, const float* planes, std::size_t images,
             const layer_thresholds& tau) {
        std::unique_ptr<activation_windows>& windows = rows_[worker][i];
        if (!windows) windows = std::make_unique<activation_windows>(program_.rows()[i]);
        // With thresholds of channels the planes come clipped.
        windows->add(planes, images,
                     keep_from(tau.activation_channels.empty() ? tau.activation : 0.0));
    }

    /// Statistics of the rows that were seen; gives the masks away.
    network_statistics finish(const network_thresholds& thresholds, int threads) {
        const std::size_t n = program_.rows().size();
        network_statistics statistics(n);
        in_parallel(threads, n, [&](std::size_t, std::size_t i) {
            std::unique_ptr<activation_windows> all;
            for (auto& worker : rows_) {
                std::unique_ptr<activation_windows> part = std::exchange(worker[i], nullptr);
                if (all && part)
                    all->merge(*part);
                else if (part)
                    all = std::move(part);
            }
            if (!all) return;
            const layer_row& row = program_.rows()[i];
            const std::vector<float> weights =
                clipped_weights(row, program_.model.parameters[i].weights, thresholds[i]);
            statistics[i] = joint_statistics(*all, weight_windows(row, weights, 0.0));
        });
        return statistics;
    }

  private:
    const program& program_;
    std::vector<std::vector<std::unique_ptr<activation_windows>>> rows_;  ///< a worker and row each
};

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

inline std::vector<std::size_t> in_order(std::size_t count) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    return order;
}

}  // namespace detail

/// Runs a trained network with |w| < tau_w and |x| < tau_a set to zero, the latter in front of
/// every convolution and linear layer; biases, and what flows past those layers, are untouched.
/// Behind a ReLU |x| is x; signed inputs (the image, hardswish) are clipped on both sides of zero.
///
/// Several threads each take a batch of images at a time. Statistics are integers until the end, so
/// that logits and statistics are the same bits for any number of threads; with the default backend
/// for any batch size, too, since it computes every image alike at any place of any batch.
///
/// Memory a thread: that of the backend and, where statistics are taken, at most 256 KiB for 16
/// channels of a pointwise layer and 2 KiB a channel of a 3x3 one (`activation_windows`).
template <EmulationBackend Backend>
class basic_emulator {
  public:
    /// \throws hass::error when parameters and rows do not fit each other or the preprocessing has
    ///         another number of channels than the network's input
    basic_emulator(hass::model m, preprocessing p)
        : basic_emulator(hass::program(std::move(m), std::move(p))) {}
    /// With the preprocessing that the model states; pixels as they are where it states none.
    explicit basic_emulator(hass::model m) : basic_emulator(hass::program(std::move(m))) {}
    explicit basic_emulator(hass::program p)
        : program_(std::make_shared<const hass::program>(std::move(p))),
          backend_(*program_),
          cut_(detail::binary_cut(network())) {}

    const hass::model& model() const { return program_->model; }
    network_view network() const { return program_->model.net; }
    const hass::program& program() const { return *program_; }
    const Backend& backend() const { return backend_; }
    /// Numbers that the network answers an image with.
    std::size_t classes() const { return program_->classes(); }
    /// Labels that an answer decides between: one a number, but two where it is a single one
    /// (`detail::binary_cut`).
    std::size_t labels() const { return classes() == 1 ? 2 : classes(); }
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
        check_thresholds(network(), thresholds);
        const bool measured = options.statistics_images > 0;
        const std::vector<std::size_t> order = detail::in_order(images.count);
        detail::emulation_pass<Backend> pass(*program_, backend_, images, order, thresholds,
                                             options, options.statistics_images);
        detail::window_collector windows(*program_, pass.workers());
        pass.run(0, pass.batches(),
                 [&](std::size_t worker, std::size_t i, const float*, const float* planes,
                     std::size_t size) { windows.add(worker, i, planes, size, thresholds[i]); });
        emulation result;
        for (std::size_t n = 0; n < order.size(); ++n)
            count_answer(pass.answer(n), labels[order[n]], result);
        if (measured) result.statistics = windows.finish(thresholds, options.threads);
        return result;
    }

    /// The network's answers, images x classes(), row-major.
    /// \throws hass::error as `run`
    std::vector<float> logits(const image_set& images, const network_thresholds& thresholds,
                              const emulation_options& options = {}) const {
        return forward(
            images, thresholds, options, 0, images.count, [](std::size_t) {},
            [](std::size_t, std::size_t, const float*, const float*, std::size_t) {});
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
        unmeasurable wrong;
        forward(
            images, network_thresholds(rows), options, options.statistics_images,
            std::min(images.count, options.statistics_images),
            [&](std::size_t workers) {
                counted.assign(workers, std::vector<std::vector<magnitude_histogram>>(rows));
            },
            [&](std::size_t worker, std::size_t i, const float* input, const float*,
                std::size_t count) {
                if (!wrong.takes(*this, i, input, count)) return;
                const layer_row& row = program_->rows()[i];
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
            all[i] = weight_magnitudes(row, model().parameters[i].weights);
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
            [&](std::size_t worker, std::size_t i, const float* input, const float*,
                std::size_t count) {
                if (!wrong.takes(*this, i, input, count)) return;
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
    void check_images(const image_set& images) const {
        if (images.count == 0) throw error("images: there are none");
        const shape expected = input_shape(network());
        if (images.each != expected)
            throw error("images: " + detail::text(images.each) + ", but the network takes " +
                        detail::text(expected));
    }

    /// \throws hass::error as `check_images`, and for labels of another number or out of range
    void check_labels(const image_set& images, std::span<const int> labels) const {
        check_images(images);
        if (labels.size() != images.count)
            throw error("labels: " + std::to_string(labels.size()) + " for " +
                        std::to_string(images.count) + " images");
        if (classes() == 1 && !cut_)
            throw error(
                (model().source.empty() ? std::string() : model().source + ": ") +
                "the network answers one number, which is neither a probability (from a sigmoid) "
                "nor a logit (from a linear layer): there is no top-1");
        for (std::size_t n = 0; n < labels.size(); ++n)
            if (labels[n] < 0 || static_cast<std::size_t>(labels[n]) >= this->labels())
                throw error("labels: number " + std::to_string(n) + " is " +
                            std::to_string(labels[n]) + ", outside of the network's " +
                            std::to_string(this->labels()) + " classes");
    }

    /// Classes that come before `label` in one image's answer; 0: the answer is right.
    std::size_t rank(std::span<const float> answer, int label) const {
        if (classes() > 1) return detail::rank(answer, static_cast<std::size_t>(label));
        return (answer[0] > *cut_) == (label == 1) ? 0 : 1;
    }

    /// Counts one image's answer into `result`. \returns whether it is right
    bool count_answer(std::span<const float> answer, int label, emulation& result) const {
        const std::size_t better = rank(answer, label);
        ++result.images;
        result.loss +=
            classes() == 1
                ? detail::binary_cross_entropy(static_cast<double>(answer[0]), label, *cut_)
                : detail::cross_entropy(answer, static_cast<std::size_t>(label));
        result.top1 += better < 1 ? 1U : 0U;
        result.top5 += better < 5 ? 1U : 0U;
        return better < 1;
    }

  private:
    /// The first row with an input that is not finite. A distribution, or a largest value, has no
    /// place for it, even where a clip behind makes the answer finite again; where none does, the
    /// run says itself which layer began it.
    struct unmeasurable {
        std::atomic<std::size_t> row{std::numeric_limits<std::size_t>::max()};

        /// Whether all is finite that row `i` is given.
        bool takes(const basic_emulator& network, std::size_t i, const float* input,
                   std::size_t images) {
            const auto volume = static_cast<std::size_t>(network.network()[i].in.volume());
            if (detail::all_finite({input, images * volume})) return true;
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

    /// Answers of the first `count` images; begin(workers) is called before any visit.
    template <class Begin, class Visit>
    std::vector<float> forward(const image_set& images, const network_thresholds& thresholds,
                               const emulation_options& options, std::size_t visited,
                               std::size_t count, Begin begin, Visit visit) const {
        check_images(images);
        check_thresholds(network(), thresholds);
        const std::vector<std::size_t> order = detail::in_order(count);
        detail::emulation_pass<Backend> pass(*program_, backend_, images, order, thresholds,
                                             options, visited);
        begin(pass.workers());
        pass.run(0, pass.batches(), visit);
        return std::move(pass.answers());
    }

    std::shared_ptr<const hass::program> program_;
    Backend backend_;
    std::optional<float> cut_;  ///< where one answer is cut into two classes
};

using emulator = basic_emulator<eigen_backend>;

}  // namespace hass
