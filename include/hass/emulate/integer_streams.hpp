/// \file integer_streams.hpp
/// What the streams between rows are worth as real numbers once they carry integers: which of them
/// share a scale, and how large the values become that images cause.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <hass/emulate/emulation.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/integer_network.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/emulate/workers.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// The largest magnitude of every stream, nothing clipped: [0] of the preprocessed image, [i + 1] of
/// what row i gives; behind the activation where one is folded into the row (`schedule`). Of the
/// first `statistics_images` images.
/// \throws hass::error for no images or images of another shape; naming the first layer of an image
///         that gives a value that is not finite
template <EmulationBackend Backend>
std::vector<float> largest_values(const basic_emulator<Backend>& network, const image_set& images,
                                  const emulation_options& options = {}) {
    network.check_images(images);
    const program& p = network.program();
    const Backend& backend = network.backend();
    const std::size_t rows = p.rows().size();
    std::vector<typename Backend::weights> weights(rows);
    for (std::size_t i = 0; i < rows; ++i)
        if (is_compute(p.rows()[i])) weights[i] = backend.prepare(i, p.model.parameters[i].weights);
    const std::size_t count = std::min(images.count, options.statistics_images);
    const std::vector<std::size_t> order = detail::in_order(count);
    const std::size_t batch = options.batch > 0 ? static_cast<std::size_t>(options.batch) : 4;
    const std::size_t batches = (count + batch - 1) / batch;
    const std::size_t workers = detail::worker_count(options.threads, batches);
    std::vector<typename Backend::workspace> spaces(workers);
    std::vector<std::vector<float>> found(workers, std::vector<float>(rows + 1, 0.0F));
    detail::in_parallel(options.threads, batches, [&](std::size_t worker, std::size_t b) {
        typename Backend::workspace& space = spaces[worker];
        const auto part = std::span(order).subspan(b * batch, std::min(batch, count - b * batch));
        const auto see = [&](std::size_t stream, std::span<const float> values) {
            if (!detail::all_finite(values))
                throw error((network.model().source.empty() ? "" : network.model().source + ": ") +
                            (stream == 0
                                 ? std::string("images")
                                 : "layer '" + name_of(network.network(), stream - 1) + "'") +
                            ": a value is not finite, so that its magnitude cannot be measured");
            float& most = found[worker][stream];
            for (const float x : values) most = std::max(most, std::abs(x));
        };
        backend.load(images, part, space);
        see(0, backend.save(0, part.size(), space));  // what row 0 and those behind it read
        for (std::size_t i = 0; i < rows; ++i) {
            backend.execute(i, weights[i], layer_thresholds{}, part.size(), space, [](auto) {});
            see(i + 1, backend.output(i, part.size(), space));
        }
    });
    std::vector<float> largest(rows + 1, 0.0F);
    for (const std::vector<float>& f : found)
        for (std::size_t s = 0; s <= rows; ++s) largest[s] = std::max(largest[s], f[s]);
    return largest;
}

namespace detail {

/// Whether the row ends in `hass_requantise`, whose output has a width of its own.
constexpr bool requantises(layer_kind kind) {
    return kind == layer_kind::convolution || kind == layer_kind::linear ||
           kind == layer_kind::average_pool || kind == layer_kind::global_average_pool;
}

/// Streams that carry integers of one scale: 0 is the image's, i + 1 that of row i. Rows that only
/// choose, bound or order values keep the scale of their input; a concat's inputs get one.
class stream_scales {
  public:
    explicit stream_scales(const network_view& net) : root_(net.size() + 1), folds_(net.size()) {
        std::iota(root_.begin(), root_.end(), std::size_t{0});
        std::vector<int> readers(net.size() + 1, 0);
        for (const edge& e : net.edges) ++readers[stream(e.from)];
        ++readers[net.size()];
        for (const edge& e : net.edges) {
            const layer_kind kind = net.rows[static_cast<std::size_t>(e.to)].kind;
            const bool bounds = kind == layer_kind::relu || kind == layer_kind::relu6;
            if (!bounds && kind != layer_kind::max_pool && kind != layer_kind::concat &&
                kind != layer_kind::flatten)
                continue;
            if (bounds && e.from != network_input && readers[stream(e.from)] == 1) {
                const layer_kind before = net.rows[static_cast<std::size_t>(e.from)].kind;
                folds_[static_cast<std::size_t>(e.to)] = requantises(before) ||
                                                         before == layer_kind::add ||
                                                         before == layer_kind::multiply;
            }
            root_[of(e.from)] = of(e.to);
        }
    }

    /// The streams with the same number share a scale. \param row  network_input for the image
    std::size_t of(int row) const {
        std::size_t r = stream(row);
        while (root_[r] != r) r = root_[r];
        return r;
    }
    /// Whether row i bounds what the row before it saturates to anyway.
    bool folds(std::size_t i) const { return folds_[i]; }

  private:
    static std::size_t stream(int row) { return static_cast<std::size_t>(row + 1); }

    std::vector<std::size_t> root_;
    std::vector<bool> folds_;
};

}  // namespace detail

}  // namespace hass
