/// \file emulator.hpp
/// What the network answers when its weights and activations are clipped, and what its tensors look
/// like then.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <hass/emulate/gemm.hpp>
#include <hass/emulate/kernels.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/npy.hpp>

namespace hass {

/// What answers how accurate the network still is: share of right answers in [0, 1].
template <class A>
concept AccuracyModel = requires(const A& a, const network_thresholds& thresholds) {
    { a.accuracy(thresholds) } -> std::convertible_to<double>;
};

/// From pixels to the network's input, in float32: x = (pixel * scale - mean) / std. `mean` and
/// `std` hold one value a channel, or one for all, or none (0 and 1).
struct preprocessing {
    float scale = 1.0F;
    std::vector<float> mean;
    std::vector<float> std;
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
    std::size_t images = 0;
    std::size_t top1 = 0;           ///< images whose label has the highest logit
    std::size_t top5 = 0;           ///< ... is among the five highest
    network_statistics statistics;  ///< one entry a row; empty when none were asked for

    double top1_accuracy() const { return share(top1); }
    double top5_accuracy() const { return share(top5); }

  private:
    double share(std::size_t count) const {
        return images == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(images);
    }
};

/// Runs a trained network with |w| < tau_w and |x| < tau_a set to zero, the latter in front of
/// every convolution and linear layer; biases, and what flows past those layers, are untouched.
///
/// Several threads each take a batch of images at a time. Every image is computed alike at any
/// place of any batch, and statistics are integers until the end, so that logits and statistics are
/// the same bits for any number of threads and any batch size.
///
/// Memory a thread: 4 bytes x batch x (floats_per_image() + the largest padded input), plus the
/// weights once and, where statistics are taken, at most 256 KiB for 16 channels of a pointwise
/// layer and 2 KiB a channel of a 3x3 one (`activation_windows`).
class emulator {
  public:
    /// \throws hass::error when parameters and rows do not fit each other or the preprocessing has
    ///         another number of channels than the network's input
    explicit emulator(hass::model m, preprocessing p = {})
        : model_(std::move(m)), preprocessing_(std::move(p)), schedule_(checked(model_)) {
        spread(preprocessing_.mean, 0.0F, "mean");
        spread(preprocessing_.std, 1.0F, "std");
        for (const float s : preprocessing_.std)
            if (!(std::isfinite(s) && s != 0.0F))
                throw error(where() + "preprocessing: std must be finite and not 0");
        for (const layer_row& row : model_.net.rows) windows_.emplace_back(row);
    }

    const hass::model& model() const { return model_; }
    network_view network() const { return model_.net; }
    /// Numbers that the network answers an image with.
    std::size_t classes() const {
        return static_cast<std::size_t>(model_.net.rows.back().out.volume());
    }
    /// Values of one image kept at the same time.
    std::size_t floats_per_image() const { return schedule_.floats_per_image(); }

    /// Runs all images and compares the answers with the labels.
    /// \throws hass::error for no images, images of another shape, labels of another number or out
    ///         of range, thresholds that do not fit
    emulation run(const image_set& images, std::span<const int> labels,
                  const network_thresholds& thresholds,
                  const emulation_options& options = {}) const {
        check_labels(images, labels);
        const bool measured = options.statistics_images > 0;
        struct collector {
            std::vector<std::unique_ptr<activation_windows>> rows;
        };
        std::vector<collector> collectors;
        const std::vector<float> answers = forward(
            images, thresholds, options, measured ? options.statistics_images : 0,
            [&](std::size_t workers) {
                collectors.resize(workers);
                for (collector& c : collectors) c.rows.resize(model_.net.rows.size());
            },
            [&](std::size_t worker, std::size_t i, const float*, const float* planes,
                std::size_t count) {
                const layer_row& row = model_.net.rows[i];
                std::unique_ptr<activation_windows>& windows = collectors[worker].rows[i];
                if (!windows) windows = std::make_unique<activation_windows>(row);
                windows->add(planes, count, detail::keep_from(thresholds[i].activation));
            });
        emulation result;
        result.images = images.count;
        for (std::size_t n = 0; n < images.count; ++n) {
            const std::size_t better = rank(std::span(answers).subspan(n * classes(), classes()),
                                            static_cast<std::size_t>(labels[n]));
            result.top1 += better < 1 ? 1U : 0U;
            result.top5 += better < 5 ? 1U : 0U;
        }
        if (!measured) return result;
        result.statistics.resize(model_.net.rows.size());
        std::vector<std::size_t> compute;
        for (std::size_t i = 0; i < model_.net.rows.size(); ++i)
            if (is_compute(model_.net.rows[i])) compute.push_back(i);
        in_parallel(options.threads, compute.size(), [&](std::size_t, std::size_t j) {
            const std::size_t i = compute[j];
            activation_windows all(model_.net.rows[i]);
            for (collector& c : collectors)
                if (c.rows[i]) all.merge(*std::exchange(c.rows[i], nullptr));
            result.statistics[i] = joint_statistics(
                all, weight_windows(model_.net.rows[i], model_.parameters[i].weights,
                                    thresholds[i].weight));
        });
        return result;
    }

    /// The network's answers, images x classes(), row-major.
    /// \throws hass::error as `run`
    std::vector<float> logits(const image_set& images, const network_thresholds& thresholds,
                              const emulation_options& options = {}) const {
        return forward(
            images, thresholds, options, 0, [](std::size_t) {}, nothing{});
    }
    /// The same without any thresholds.
    std::vector<float> logits(const image_set& images,
                              const emulation_options& options = {}) const {
        return logits(images, network_thresholds(model_.net.rows.size()), options);
    }

    /// Distributions of |x| of all weights and, over the images, of all inputs of convolution and
    /// linear layers, nothing clipped: one entry a row. With `statistics_images` only the first so
    /// many images are run.
    network_magnitudes magnitudes(const image_set& images,
                                  const emulation_options& options = {}) const {
        const std::size_t rows = model_.net.rows.size();
        std::vector<std::vector<std::vector<magnitude_histogram>>> counted;
        forward(
            images, network_thresholds(rows), options, options.statistics_images,
            [&](std::size_t workers) {
                counted.assign(workers, std::vector<std::vector<magnitude_histogram>>(rows));
            },
            [&](std::size_t worker, std::size_t i, const float* input, const float*,
                std::size_t count) {
                const layer_row& row = model_.net.rows[i];
                std::vector<magnitude_histogram>& channels = counted[worker][i];
                channels.resize(static_cast<std::size_t>(row.in.channels));
                const std::size_t size = count * static_cast<std::size_t>(row.in.pixels());
                for (std::size_t c = 0; c < channels.size(); ++c)
                    channels[c].add(std::span(input + c * size, size));
            },
            std::min(images.count, options.statistics_images));
        network_magnitudes all(rows);
        for (std::size_t i = 0; i < rows; ++i) {
            const layer_row& row = model_.net.rows[i];
            if (!is_compute(row)) continue;
            all[i] = weight_magnitudes(row, model_.parameters[i].weights);
            all[i].activation_channels.resize(static_cast<std::size_t>(row.in.channels));
            for (const auto& worker : counted)
                for (std::size_t c = 0; c < worker[i].size(); ++c)
                    all[i].activation_channels[c].merge(worker[i][c]);
            for (const magnitude_histogram& c : all[i].activation_channels)
                all[i].activations.merge(c);
        }
        return all;
    }

  private:
    /// Weights of one row as this run uses them: clipped, in the form its kernel takes.
    struct prepared_row {
        std::vector<detail::packed_filters> groups;  ///< dense product, one a group
        std::vector<float> depthwise;
    };
    struct nothing {};

    /// Buffers of one worker.
    struct workspace {
        std::vector<std::vector<float>> buffers;
        std::vector<float> planes;
        detail::gemm_scratch gemm;
    };

    std::string where() const {
        return model_.source.empty() ? std::string() : model_.source + ": ";
    }

    static const hass::model& checked(const hass::model& m) {
        validate(m.net);
        if (m.parameters.size() != m.net.rows.size())
            throw error(m.source + ": " + std::to_string(m.parameters.size()) +
                        " parameter entries for " + std::to_string(m.net.rows.size()) + " rows");
        const network_view net = m.net;
        for (std::size_t i = 0; i < net.size(); ++i) {
            const layer_row& row = net[i];
            const layer_parameters& p = m.parameters[i];
            if (!is_compute(row)) continue;
            detail::require(p.weights.size() == static_cast<std::size_t>(weight_count(row)), net, i,
                            std::to_string(p.weights.size()) + " weights, expected " +
                                std::to_string(weight_count(row)));
            detail::require(
                p.bias.empty() || p.bias.size() == static_cast<std::size_t>(row.out.channels), net,
                i,
                std::to_string(p.bias.size()) + " biases, expected " +
                    std::to_string(row.out.channels));
        }
        return m;
    }

    /// One value a channel.
    void spread(std::vector<float>& values, float missing, const std::string& field) const {
        const auto channels = static_cast<std::size_t>(input_shape(model_.net).channels);
        if (values.empty()) values.assign(channels, missing);
        if (values.size() == 1) values.assign(channels, values.front());
        if (values.size() != channels)
            throw error(where() + "preprocessing: " + std::to_string(values.size()) +
                        " values of '" + field + "' for images of " + std::to_string(channels) +
                        " channels");
    }

    void check_images(const image_set& images) const {
        if (images.count == 0) throw error("images: there are none");
        const shape expected = input_shape(model_.net);
        if (images.each != expected)
            throw error("images: " + detail::text(images.each) + ", but the network takes " +
                        detail::text(expected));
    }

    void check_labels(const image_set& images, std::span<const int> labels) const {
        check_images(images);
        if (labels.size() != images.count)
            throw error("labels: " + std::to_string(labels.size()) + " for " +
                        std::to_string(images.count) + " images");
        for (std::size_t n = 0; n < labels.size(); ++n)
            if (labels[n] < 0 || static_cast<std::size_t>(labels[n]) >= classes())
                throw error("labels: number " + std::to_string(n) + " is " +
                            std::to_string(labels[n]) + ", outside of the network's " +
                            std::to_string(classes()) + " classes");
    }

    /// Classes that come before `label` when sorted by logit, equal ones by index.
    static std::size_t rank(std::span<const float> answer, std::size_t label) {
        std::size_t better = 0;
        for (std::size_t c = 0; c < answer.size(); ++c)
            better +=
                answer[c] > answer[label] || (answer[c] == answer[label] && c < label) ? 1U : 0U;
        return better;
    }

    /// Calls work(worker, i) for every i below `count` on up to `threads` workers.
    template <class Work>
    static void in_parallel(int threads, std::size_t count, Work work) {
        const std::size_t workers = worker_count(threads, count);
        std::atomic<std::size_t> next{0};
        std::exception_ptr failure;
        std::mutex failure_guard;
        const auto loop = [&](std::size_t worker) {
            try {
                for (std::size_t i = next++; i < count; i = next++) work(worker, i);
            } catch (...) {
                const std::scoped_lock lock(failure_guard);
                if (!failure) failure = std::current_exception();
                next = count;
            }
        };
        {
            std::vector<std::jthread> others;
            for (std::size_t w = 1; w < workers; ++w) others.emplace_back(loop, w);
            loop(0);
        }
        if (failure) std::rethrow_exception(failure);
    }

    static std::size_t worker_count(int threads, std::size_t count) {
        const std::size_t wanted =
            threads > 0 ? static_cast<std::size_t>(threads)
                        : std::max<std::size_t>(1, std::thread::hardware_concurrency());
        return std::max<std::size_t>(1, std::min(wanted, count));
    }

    /// Few enough that a batch's maps stay in the cache, enough to fill the columns of a product.
    std::size_t batch_size(const emulation_options& options) const {
        if (options.batch > 0) return static_cast<std::size_t>(options.batch);
        constexpr std::size_t cached_floats = std::size_t{1} << 20;
        return std::clamp<std::size_t>(cached_floats / floats_per_image(), 2, 16);
    }

    bool is_depthwise(const layer_row& row) const {
        return row.groups > 1 && channels_per_group(row) == 1;
    }

    std::vector<prepared_row> prepare(const network_thresholds& thresholds, int threads) const {
        std::vector<prepared_row> prepared(model_.net.rows.size());
        in_parallel(threads, prepared.size(), [&](std::size_t, std::size_t i) {
            const layer_row& row = model_.net.rows[i];
            if (!is_compute(row)) return;
            const std::span<const float> weights = model_.parameters[i].weights;
            const auto keep = static_cast<float>(thresholds[i].weight);
            if (is_depthwise(row)) {
                prepared[i].depthwise.assign(weights.begin(), weights.end());
                for (float& w : prepared[i].depthwise)
                    if (std::abs(w) < keep) w = 0.0F;
                return;
            }
            const std::size_t size = weights.size() / static_cast<std::size_t>(row.groups);
            for (std::size_t g = 0; g < static_cast<std::size_t>(row.groups); ++g)
                prepared[i].groups.emplace_back(weights.subspan(g * size, size),
                                                static_cast<std::size_t>(filters_per_group(row)),
                                                keep);
        });
        return prepared;
    }

    /// Runs the first `count` images and returns their answers. `visit(worker, row, input, planes,
    /// images)` sees the input of every compute row for the first `visited` images, as it comes
    /// (channels x images x height x width) and as planes, where they had to be made clipped;
    /// `begin(workers)` is called once.
    template <class Begin, class Visit>
    std::vector<float> forward(const image_set& images, const network_thresholds& thresholds,
                               const emulation_options& options, std::size_t visited, Begin begin,
                               Visit visit, std::size_t count = all_images) const {
        check_images(images);
        check_thresholds(model_.net, thresholds);
        count = std::min(count, images.count);
        visited = std::min(visited, count);
        // A batch is either visited or not, so that statistics cover exactly the images asked for.
        const std::size_t batch = batch_size(options);
        std::vector<std::pair<std::size_t, std::size_t>> batches;
        for (std::size_t first = 0; first < count;) {
            const std::size_t end = first < visited ? visited : count;
            batches.emplace_back(first, std::min(batch, end - first));
            first += batches.back().second;
        }
        const std::vector<prepared_row> prepared = prepare(thresholds, options.threads);
        const std::size_t workers = worker_count(options.threads, batches.size());
        std::vector<workspace> spaces(workers);
        begin(workers);
        std::vector<float> answers(count * classes());
        in_parallel(options.threads, batches.size(), [&](std::size_t worker, std::size_t b) {
            workspace& space = spaces[worker];
            const std::size_t first = batches[b].first;
            const std::size_t size = batches[b].second;
            load(images, first, size, space);
            for (std::size_t i = 0; i < model_.net.rows.size(); ++i) {
                const auto see = [&](const float* input, const float* planes) {
                    if constexpr (!std::same_as<Visit, nothing>)
                        if (first < visited) visit(worker, i, input, planes, size);
                };
                execute(i, prepared[i], thresholds[i], size, space, see);
            }
            const float* result = space.buffers[schedule_.result()].data();
            const std::size_t pixels =
                static_cast<std::size_t>(model_.net.rows.back().out.pixels());
            for (std::size_t c = 0; c < classes() / pixels; ++c)
                for (std::size_t n = 0; n < size; ++n)
                    std::copy_n(result + (c * size + n) * pixels, pixels,
                                answers.data() + (first + n) * classes() + c * pixels);
        });
        return answers;
    }

    /// Brings images [first, first + size) into the buffer of the network's input.
    void load(const image_set& images, std::size_t first, std::size_t size,
              workspace& space) const {
        const std::vector<std::size_t>& buffers = schedule_.buffers();
        space.buffers.resize(buffers.size());
        for (std::size_t b = 0; b < buffers.size(); ++b)
            if (space.buffers[b].size() < size * buffers[b] + detail::packet_slack)
                space.buffers[b].resize(size * buffers[b] + detail::packet_slack);
        const auto channels = static_cast<std::size_t>(images.each.channels);
        const auto pixels = static_cast<std::size_t>(images.each.pixels());
        std::vector<float>& raw = space.planes;
        raw.resize(std::max(raw.size(), channels * pixels));
        float* to = space.buffers[schedule_.image()].data();
        for (std::size_t n = 0; n < size; ++n) {
            images.copy(first + n, 1, std::span(raw).first(channels * pixels));
            for (std::size_t c = 0; c < channels; ++c) {
                const float scale = preprocessing_.scale;
                const float mean = preprocessing_.mean[c];
                const float deviation = preprocessing_.std[c];
                detail::map(raw.data() + c * pixels, to + (c * size + n) * pixels, pixels,
                            [=](float x) { return (x * scale - mean) / deviation; });
            }
        }
    }

    /// Runs row i for a batch of `size` images.
    template <class See>
    void execute(std::size_t i, const prepared_row& prepared, const layer_thresholds& tau,
                 std::size_t size, workspace& space, See see) const {
        const detail::schedule::step& step = schedule_[i];
        if (step.done) return;
        const layer_row& row = model_.net.rows[i];
        const layer_parameters& parameters = model_.parameters[i];
        const float* in = space.buffers[step.inputs.front()].data();
        float* out = space.buffers[step.output].data();
        const std::size_t volume = size * static_cast<std::size_t>(row.out.volume());
        const auto elementwise = [&](auto f) { detail::map(in, out, volume, f); };
        switch (row.kind) {
            case layer_kind::convolution:
            case layer_kind::linear: {
                const auto keep = static_cast<float>(tau.activation);
                const float* planes = to_planes(i, in, size, keep, 0.0F, space);
                see(in, planes);
                if (is_depthwise(row))
                    depthwise(i, prepared, planes, size, out);
                else
                    dense(i, prepared, planes, size, keep, out, space.gemm);
                break;
            }
            case layer_kind::max_pool: {
                const float outside = -std::numeric_limits<float>::infinity();
                const float* planes = to_planes(i, in, size, 0.0F, outside, space);
                each_plane(i, planes, size, out, [&](const float* plane, float* result) {
                    detail::max_pool(windows_[i], plane, result);
                });
                break;
            }
            case layer_kind::average_pool: {
                const bool padding = parameters.count_include_pad;
                const std::vector<float> rows =
                    detail::window_counts(row.out.height, row.in.height, row.kernel_h, row.stride_h,
                                          row.dilation_h, row.pad_top, row.pad_bottom, padding);
                const std::vector<float> columns =
                    detail::window_counts(row.out.width, row.in.width, row.kernel_w, row.stride_w,
                                          row.dilation_w, row.pad_left, row.pad_right, padding);
                const float* planes = to_planes(i, in, size, 0.0F, 0.0F, space);
                each_plane(i, planes, size, out, [&](const float* plane, float* result) {
                    detail::average_pool(windows_[i], plane, rows, columns, result);
                });
                break;
            }
            case layer_kind::global_average_pool: {
                const auto pixels = static_cast<std::size_t>(row.in.pixels());
                for (std::size_t p = 0; p < volume; ++p) {
                    double sum = 0.0;
                    for (std::size_t x = 0; x < pixels; ++x)
                        sum += static_cast<double>(in[p * pixels + x]);
                    out[p] = static_cast<float>(sum / static_cast<double>(pixels));
                }
                break;
            }
            case layer_kind::add: {
                if (in != out) std::copy_n(in, volume, out);
                for (std::size_t k = 1; k < step.inputs.size(); ++k) {
                    const float* other = space.buffers[step.inputs[k]].data();
                    for (std::size_t x = 0; x < volume; ++x) out[x] += other[x];
                }
                break;
            }
            case layer_kind::multiply:
                multiply(row, step, size, space);
                break;
            case layer_kind::concat: {
                for (std::size_t k = 0; k < step.inputs.size(); ++k) {
                    const std::size_t part =
                        size * static_cast<std::size_t>(step.shapes[k].volume());
                    out = std::copy_n(space.buffers[step.inputs[k]].data(), part, out);
                }
                break;
            }
            case layer_kind::relu:
            case layer_kind::relu6: {
                const detail::clamp b = detail::bounds_of(row, parameters);
                elementwise([b](float x) { return std::min(std::max(x, b.lower), b.upper); });
                break;
            }
            case layer_kind::hardswish:
                elementwise([](float x) { return x * detail::hardsigmoid(x); });
                break;
            case layer_kind::hardsigmoid:
                elementwise(detail::hardsigmoid);
                break;
            case layer_kind::sigmoid:
                elementwise(detail::sigmoid);
                break;
            case layer_kind::swish:
                elementwise([](float x) { return x * detail::sigmoid(x); });
                break;
            case layer_kind::flatten: {
                // channels x images x pixels becomes (channels pixels) x images
                const auto pixels = static_cast<std::size_t>(row.in.pixels());
                for (std::size_t c = 0; c < static_cast<std::size_t>(row.in.channels); ++c)
                    for (std::size_t p = 0; p < pixels; ++p)
                        for (std::size_t n = 0; n < size; ++n)
                            *out++ = in[(c * size + n) * pixels + p];
                break;
            }
            case layer_kind::softmax: {
                if (in != out) std::copy_n(in, volume, out);
                const auto channels = static_cast<std::size_t>(row.out.channels);
                detail::softmax(channels, volume / channels, out);
                break;
            }
        }
    }

    /// The input of row i as planes, channels x images. Where nothing has to be padded or sorted it
    /// is the input itself, not clipped, unless for a depthwise layer: those who read it clip.
    const float* to_planes(std::size_t i, const float* in, std::size_t size, float keep,
                           float outside, workspace& space) const {
        const detail::sliding_window& window = windows_[i];
        const bool clips = keep > 0.0F && is_depthwise(window.row);
        if (window.layout.dense && !clips) return in;
        const std::size_t maps = size * static_cast<std::size_t>(window.row.in.channels);
        const auto pixels = static_cast<std::size_t>(window.row.in.pixels());
        const std::size_t needed = maps * window.layout.size() + detail::packet_slack;
        if (space.planes.size() < needed) space.planes.resize(needed);
        for (std::size_t m = 0; m < maps; ++m)
            fill_plane(window.row, window.layout, in + m * pixels, keep, outside,
                       space.planes.data() + m * window.layout.size());
        return space.planes.data();
    }

    template <class F>
    void each_plane(std::size_t i, const float* planes, std::size_t size, float* out, F f) const {
        const detail::sliding_window& window = windows_[i];
        const std::size_t maps = size * static_cast<std::size_t>(window.row.in.channels);
        const auto pixels = static_cast<std::size_t>(window.row.out.pixels());
        for (std::size_t m = 0; m < maps; ++m)
            f(planes + m * window.layout.size(), out + m * pixels);
    }

    void depthwise(std::size_t i, const prepared_row& prepared, const float* planes,
                   std::size_t size, float* out) const {
        const detail::sliding_window& window = windows_[i];
        const layer_parameters& p = model_.parameters[i];
        const auto pixels = static_cast<std::size_t>(window.row.out.pixels());
        const auto filters = static_cast<std::size_t>(window.row.out.channels);
        const auto multiplier = static_cast<std::size_t>(filters_per_group(window.row));
        for (std::size_t f = 0; f < filters; ++f)
            for (std::size_t n = 0; n < size; ++n)
                detail::depthwise(window,
                                  planes + (f / multiplier * size + n) * window.layout.size(),
                                  prepared.depthwise.data() + f * window.taps.size(),
                                  p.bias.empty() ? 0.0F : p.bias[f], schedule_[i].bounds,
                                  out + (f * size + n) * pixels);
    }

    void dense(std::size_t i, const prepared_row& prepared, const float* planes, std::size_t size,
               float keep, float* out, detail::gemm_scratch& scratch) const {
        const detail::sliding_window& window = windows_[i];
        const layer_parameters& p = model_.parameters[i];
        const auto pixels = static_cast<std::size_t>(window.row.out.pixels());
        const auto width = static_cast<std::size_t>(window.row.out.width);
        const std::size_t channel = size * window.layout.size();
        const std::size_t taps = window.taps.size();
        const bool whole_maps = window.layout.dense && taps == 1 && window.row.stride_h == 1;
        const auto runs_of = [&](std::size_t first, std::size_t last, auto& runs) {
            for (std::size_t j = first; j < last;) {
                const std::size_t n = j / pixels;
                const std::size_t y = j % pixels / width;
                const std::size_t x = j % width;
                const std::size_t from =
                    whole_maps ? j : n * window.layout.size() + window.at(y) + x;
                const std::size_t panel_end =
                    first +
                    ((j - first) / detail::gemm_tile::columns + 1) * detail::gemm_tile::columns;
                std::size_t end = std::min(last, panel_end);
                if (!whole_maps) end = std::min(end, j - x + width);
                runs.push_back({j - first, from, end - j});
                j = end;
            }
        };
        for (std::size_t g = 0; g < prepared.groups.size(); ++g) {
            const detail::packed_filters& filters = prepared.groups[g];
            const float* group =
                planes + g * static_cast<std::size_t>(channels_per_group(window.row)) * channel;
            detail::multiply(
                filters, p.bias.empty() ? nullptr : p.bias.data() + g * filters.filters(),
                size * pixels, keep, out + g * filters.filters() * size * pixels,
                schedule_[i].bounds, scratch, runs_of,
                [&](std::size_t k) { return group + k / taps * channel + window.taps[k % taps]; });
        }
    }

    /// Product of inputs; one of a single pixel holds for its whole channel.
    void multiply(const layer_row& row, const detail::schedule::step& step, std::size_t size,
                  workspace& space) const {
        const std::size_t maps = size * static_cast<std::size_t>(row.out.channels);
        const auto pixels = static_cast<std::size_t>(row.out.pixels());
        float* out = space.buffers[step.output].data();
        for (std::size_t k = 0; k < step.inputs.size(); ++k) {
            const float* in = space.buffers[step.inputs[k]].data();
            const std::size_t gate = step.shapes[k].pixels() == 1 && pixels > 1 ? 1 : 0;
            if (k == 0 && gate == 0) {
                if (in != out) std::copy_n(in, maps * pixels, out);
                continue;
            }
            for (std::size_t m = 0; m < maps; ++m)
                for (std::size_t x = 0; x < pixels; ++x) {
                    const float factor = in[gate == 1 ? m : m * pixels + x];
                    float& value = out[m * pixels + x];
                    value = k == 0 ? factor : value * factor;
                }
        }
    }

    hass::model model_;
    preprocessing preprocessing_;
    detail::schedule schedule_;
    std::vector<detail::sliding_window> windows_;  ///< one a row
};

/// The emulator as an AccuracyModel: top-1 accuracy on images that somebody else owns.
struct emulated_accuracy {
    const emulator& network;
    const image_set& images;
    std::span<const int> labels;
    emulation_options options{};

    double accuracy(const network_thresholds& thresholds) const {
        emulation_options quick = options;
        quick.statistics_images = 0;
        return network.run(images, labels, thresholds, quick).top1_accuracy();
    }
};

}  // namespace hass
