/// \file integer_emulator.hpp
/// What the hardware answers, bit for bit: a network of integers run at the speed of an emulation.
///
///     const hass::integer_emulator hardware(hass::make_integer_network(emulator, images, thresholds,
///                                                                      {8, 8}));
///     hardware.accuracy(images, labels);
///     hardware.logits(images);     // integers, images x classes, each worth hardware.logit_step()
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/emulation.hpp>
#include <hass/emulate/integer_kernels.hpp>
#include <hass/emulate/integer_network.hpp>
#include <hass/emulate/integer_pools.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/emulate/scoring.hpp>
#include <hass/emulate/workers.hpp>
#include <hass/error.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// Runs a network of integers. Nothing depends on the order of sums, so that answers are the same
/// on every machine, for every number of threads and size of batches. A row whose sums stay below
/// 2^24 is added up in float32, others in float64 (below 2^53), both exactly.
class integer_emulator {
  public:
    /// \throws hass::error naming the layer whose sums could leave float64
    explicit integer_emulator(integer_network n)
        : network_(std::make_shared<const integer_network>(std::move(n))),
          scoring_(network_->net, network_->source, network_->net.rows.front().in) {
        const network_view net = network_->net;
        last_reader_.assign(net.size() + 1, 0);
        for (std::size_t i = 0; i < net.size(); ++i) {
            inputs_.push_back(inputs_of(net, i));
            for (const int from : inputs_.back()) last_reader_[stream(from)] = i;
            prepared_.push_back(prepare(i));
        }
        last_reader_.back() = net.size();
    }

    /// What it runs.
    const integer_network& network() const { return *network_; }
    /// Numbers that the network answers an image with.
    std::size_t classes() const { return scoring_.classes(); }
    /// What one of a logit is worth as a real number.
    double logit_step() const { return network_->rows.back().step; }

    /// Runs all images and compares the answers with the labels; no statistics are taken.
    /// \param options  threads and batch, which change no result
    /// \throws hass::error for no images, images of another shape, labels of another number or out
    ///         of range
    emulation run(const image_set& images, std::span<const int> labels,
                  const emulation_options& options = {}) const {
        scoring_.check_labels(images, labels);
        const std::vector<std::int16_t> answers = logits(images, options);
        emulation result;
        std::vector<float> real(classes());
        for (std::size_t n = 0; n < images.count; ++n) {
            const auto answer = std::span(answers).subspan(n * classes(), classes());
            for (std::size_t c = 0; c < real.size(); ++c)
                real[c] = static_cast<float>(answer[c] * logit_step());
            scoring_.count(real, labels[n], result);
        }
        return result;
    }
    /// Top-1 accuracy, in [0, 1]; throws as `run`.
    double accuracy(const image_set& images, std::span<const int> labels,
                    const emulation_options& options = {}) const {
        return run(images, labels, options).top1_accuracy();
    }

    /// The network's answers, images x classes, row-major; classes as channels x height x width.
    /// \throws hass::error for no images or images of another shape
    std::vector<std::int16_t> logits(const image_set& images,
                                     const emulation_options& options = {}) const {
        scoring_.check_images(images);
        const std::size_t batch = batch_size(options);
        const std::size_t batches = (images.count + batch - 1) / batch;
        std::vector<workspace> spaces(detail::worker_count(options.threads, batches));
        std::vector<std::int16_t> answers(images.count * classes());
        detail::in_parallel(options.threads, batches, [&](std::size_t worker, std::size_t b) {
            workspace& space = spaces[worker];
            const std::size_t size = std::min(batch, images.count - b * batch);
            run_rows(images, b * batch, size, space, [](std::size_t) {});
            by_channel(network_->net.rows.back().out, size, space.streams.back(),
                       answers.data() + b * batch * classes());
        });
        return answers;
    }

    /// Every stream for one image, as the hardware sees it: [0] the quantised image, [i + 1] what
    /// leaves row i; height x width x channels, but channels x height x width from a flatten on.
    /// \throws hass::error for images of another shape, or none of that number
    std::vector<std::vector<std::int16_t>> streams(const image_set& images,
                                                   std::size_t image) const {
        scoring_.check_images(images);
        std::vector<std::vector<std::int16_t>> all(prepared_.size() + 1);
        workspace space;
        run_rows(images, image, 1, space, [&](std::size_t s) { all[s] = space.streams[s]; });
        return all;
    }

  private:
    using values = std::vector<std::int16_t>;

    /// A row as its kernel takes it: weights in the narrower type in which its sums are exact.
    struct prepared_row {
        std::vector<float> narrow;
        std::vector<double> wide;
        detail::requantiser to;
    };
    /// Buffers of one thread.
    struct workspace {
        std::vector<values> streams;  ///< of the image, and of every row; empty when read
        std::vector<values> spare;
        detail::padded_map<float> narrow;
        detail::padded_map<double> wide;
        std::vector<double> sums;
        std::vector<float> pixels;
    };

    static std::size_t stream(int row) { return static_cast<std::size_t>(row + 1); }
    const layer_row& row(std::size_t i) const { return network_->net.rows[i]; }
    const integer_row& integers(std::size_t i) const { return network_->rows[i]; }

    template <class T>
    static std::vector<T> pack(const layer_row& r, const std::vector<std::int16_t>& weights) {
        std::vector<T> packed;
        const auto groups = static_cast<std::size_t>(r.groups);
        if (is_depthwise(r)) {
            const auto k = static_cast<std::size_t>(taps(r));
            packed.resize(weights.size() + detail::integer_tile<T>::lanes);
            for (std::size_t c = 0; c < groups; ++c)
                for (std::size_t tap = 0; tap < k; ++tap)
                    packed[tap * groups + c] = static_cast<T>(weights[c * k + tap]);
            return packed;
        }
        const std::size_t each = weights.size() / groups;
        for (std::size_t g = 0; g < groups; ++g) {
            const std::vector<T> group =
                detail::packed_integers<T>(r, std::span(weights).subspan(g * each, each));
            packed.insert(packed.end(), group.begin(), group.end());
        }
        return packed;
    }
    /// One filter a channel; several ones are groups of a dense product.
    static bool is_depthwise(const layer_row& r) {
        return r.groups > 1 && r.groups == r.in.channels && r.groups == r.out.channels;
    }

    prepared_row prepare(std::size_t i) const {
        const layer_row& r = row(i);
        const integer_row& q = integers(i);
        prepared_row p;
        if (q.by.empty()) return p;
        const std::int64_t largest = largest_sum(*network_, i);
        p.to = detail::requantiser(q.by, q.range, largest);
        if (!is_compute(r)) return p;
        if (largest < detail::exact_below<float>) {
            p.narrow = pack<float>(r, q.weights);
        } else {
            detail::require(largest < detail::exact_below<double>, network_->net, i,
                            "its sums do not fit into 53 bits");
            p.wide = pack<double>(r, q.weights);
        }
        return p;
    }

    /// Images that go through the network together: enough to fill columns, few enough that maps
    /// stay in the cache.
    std::size_t batch_size(const emulation_options& options) const {
        if (options.batch > 0) return static_cast<std::size_t>(options.batch);
        std::int64_t most = 1;
        for (const layer_row& r : network_->net.rows)
            most = std::max(most, r.in.volume() + r.out.volume());
        return static_cast<std::size_t>(std::clamp<std::int64_t>((1 << 17) / most, 1, 16));
    }

    /// Runs all rows; see(s) is called when stream s is there.
    template <class See>
    void run_rows(const image_set& images, std::size_t first, std::size_t size, workspace& space,
                  See see) const {
        space.streams.resize(prepared_.size() + 1);
        load(images, first, size, space);
        see(0);
        for (std::size_t i = 0; i < prepared_.size(); ++i) {
            const auto volume = size * static_cast<std::size_t>(row(i).out.volume());
            values out = take(space);
            if (moves(i))
                std::swap(out, space.streams[stream(inputs_[i].front())]);
            else
                out.resize(volume), execute(i, size, space, out.data());
            for (const int from : inputs_[i])
                if (last_reader_[stream(from)] == i)
                    space.spare.push_back(std::move(space.streams[stream(from)]));
            space.streams[i + 1] = std::move(out);
            see(i + 1);
        }
    }

    static values take(workspace& space) {
        if (space.spare.empty()) return {};
        values v = std::move(space.spare.back());
        space.spare.pop_back();
        return v;
    }
    /// Whether the row's integers are those of its input, in place.
    bool moves(std::size_t i) const {
        return integers(i).passes && last_reader_[stream(inputs_[i].front())] == i &&
               (row(i).kind != layer_kind::flatten || row(i).in.pixels() == 1);
    }

    /// The preprocessed images as integers.
    void load(const image_set& images, std::size_t first, std::size_t size,
              workspace& space) const {
        const auto channels = static_cast<std::size_t>(images.each.channels);
        const auto pixels = static_cast<std::size_t>(images.each.pixels());
        values& to = space.streams.front();
        to.resize(size * channels * pixels);
        space.pixels.resize(to.size());
        images.copy(first, size, space.pixels);
        const preprocessing& p = network_->input;
        const quantizer grid{static_cast<float>(network_->input_step),
                             static_cast<float>(network_->input_range.high)};
        for (std::size_t n = 0; n < size; ++n)
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t x = 0; x < pixels; ++x) {
                    const float pixel = space.pixels[(n * channels + c) * pixels + x];
                    to[(n * pixels + x) * channels + c] = static_cast<std::int16_t>(
                        grid.level((pixel * p.scale - p.mean[c]) / p.std[c]));
                }
    }

    /// Images x pixels x channels to images x channels x pixels.
    static void by_channel(const shape& s, std::size_t size, const values& in, std::int16_t* out) {
        const auto channels = static_cast<std::size_t>(s.channels);
        const auto pixels = static_cast<std::size_t>(s.pixels());
        for (std::size_t n = 0; n < size; ++n)
            for (std::size_t x = 0; x < pixels; ++x)
                for (std::size_t c = 0; c < channels; ++c)
                    out[(n * channels + c) * pixels + x] = in[(n * pixels + x) * channels + c];
    }

    void execute(std::size_t i, std::size_t size, workspace& space, std::int16_t* out) const {
        const values& in = space.streams[stream(inputs_[i].front())];
        const integer_row& q = integers(i);
        const auto each = [&](auto f) { std::transform(in.begin(), in.end(), out, f); };
        switch (row(i).kind) {
            case layer_kind::convolution:
            case layer_kind::linear:
                if (prepared_[i].wide.empty())
                    return compute(i, prepared_[i].narrow, in, size, space.narrow, out);
                return compute(i, prepared_[i].wide, in, size, space.wide, out);
            case layer_kind::max_pool:
                return detail::integer_max_pool(row(i), in, size, q.bits, out);
            case layer_kind::average_pool:
                return detail::integer_average_pool(row(i), in, size, prepared_[i].to, space.sums,
                                                    out);
            case layer_kind::global_average_pool:
                return detail::integer_global_average(row(i), in, size, prepared_[i].to, space.sums,
                                                      out);
            case layer_kind::add:
                return add(i, in, space.streams[stream(inputs_[i][1])], out);
            case layer_kind::multiply:
                return multiply(i, in, space.streams[stream(inputs_[i][1])], size, out);
            case layer_kind::concat:
                return concat(i, size, space, out);
            case layer_kind::flatten:
                return by_channel(row(i).in, size, in, out);
            case layer_kind::relu:
            case layer_kind::relu6: {
                const auto low = static_cast<std::int16_t>(q.range.low);
                const auto high = static_cast<std::int16_t>(q.range.high);
                return each([=](std::int16_t x) { return std::min(std::max(x, low), high); });
            }
            default: {
                const std::size_t last = q.table.size() - 1;
                return each([&, last](std::int16_t x) {
                    return q.table[static_cast<std::size_t>(x) & last];
                });
            }
        }
    }

    template <class T>
    void compute(std::size_t i, const std::vector<T>& weights, const values& in, std::size_t size,
                 detail::padded_map<T>& map, std::int16_t* out) const {
        map.fill(row(i), in.data(), size, integers(i).threshold);
        if (is_depthwise(row(i)))
            detail::depthwise_integers<T>(row(i), weights, map, prepared_[i].to, size, out);
        else
            detail::dense_integers<T>(row(i), weights, map, prepared_[i].to, size, out);
    }

    /// Products of 16 and 18 bits: exact in float64, as is the shift.
    void add(std::size_t i, const values& a, const values& b, std::int16_t* out) const {
        const detail::rounder round(integers(i).range);
        const double by_a =
            std::ldexp(static_cast<double>(integers(i).multipliers[0]), -integers(i).shift);
        const double by_b =
            std::ldexp(static_cast<double>(integers(i).multipliers[1]), -integers(i).shift);
        for (std::size_t x = 0; x < a.size(); ++x) out[x] = round(a[x] * by_a + b[x] * by_b);
    }

    /// Of maps, or of a map and one pixel that holds for all of them.
    void multiply(std::size_t i, const values& a, const values& b, std::size_t size,
                  std::int16_t* out) const {
        const detail::rounder round(integers(i).range);
        const double by =
            std::ldexp(static_cast<double>(integers(i).multipliers[0]), -integers(i).shift);
        const auto channels = static_cast<std::size_t>(row(i).out.channels);
        const auto pixels = static_cast<std::size_t>(row(i).out.pixels());
        const auto at = [&](const values& v, std::size_t n, std::size_t p) {
            return channels * (v.size() == size * channels ? n : n * pixels + p);
        };
        for (std::size_t n = 0; n < size; ++n)
            for (std::size_t p = 0; p < pixels; ++p, out += channels) {
                const std::int16_t* x = a.data() + at(a, n, p);
                const std::int16_t* y = b.data() + at(b, n, p);
                for (std::size_t c = 0; c < channels; ++c) out[c] = round(x[c] * y[c] * by);
            }
    }
    void concat(std::size_t i, std::size_t size, const workspace& space, std::int16_t* out) const {
        const std::size_t pixels = size * static_cast<std::size_t>(row(i).out.pixels());
        const auto channels = static_cast<std::size_t>(row(i).out.channels);
        std::size_t first = 0;
        for (const int from : inputs_[i]) {
            const values& in = space.streams[stream(from)];
            const std::size_t part = in.size() / pixels;
            for (std::size_t p = 0; p < pixels; ++p)
                std::copy_n(in.data() + p * part, part, out + p * channels + first);
            first += part;
        }
    }

    std::shared_ptr<const integer_network> network_;
    detail::scoring scoring_;
    std::vector<std::vector<int>> inputs_;
    std::vector<std::size_t> last_reader_;  ///< of each stream; 0 is the image's
    std::vector<prepared_row> prepared_;
};

}  // namespace hass
