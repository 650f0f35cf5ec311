/// \file recorded_service.hpp
/// Services of a trained network's stages on real images: runs the network, clipped, and hands the
/// maps to `window_service`, `lane_service` and `list_service`.
///
///     const auto statistics = network.run(images, labels, thresholds).statistics;
///     const auto chosen = hass::allocate(net, statistics, engine, board).design;
///     const auto services = hass::recorded_services(network, images, thresholds, statistics,
///                                                   engine, chosen);
///     hass::simulate(net, services, depths, {2 * images.count}).interval(images.count);
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <hass/emulate/emulation.hpp>
#include <hass/emulate/emulation_pass.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/pipeline/dot_service.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/service.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// What a row's cycles hang on; neither: they are the same for every pixel.
struct traced_work {
    window_times windows{};  ///< `window_table`
    dot_products dots{};     ///< lanes or lists, `dots_of`
};

namespace detail {

/// The cycles of a row's pixels, whatever executes it; empty: steady.
using any_service = std::variant<std::monostate, std::unique_ptr<window_service>,
                                 std::unique_ptr<lane_service>, std::unique_ptr<list_service>>;

inline any_service service_of(const layer_row& row, const row_option& c, const traced_work& work,
                              const layer_statistics& s, std::span<const float> weights,
                              filter_share share) {
    if (work.dots.lanes) return std::make_unique<lane_service>(row, c.folding, weights);
    if (work.dots.lists) return std::make_unique<list_service>(row, c.folding);
    if (work.windows.cycles.empty()) return {};
    return std::make_unique<window_service>(work.windows, row, c.folding, s, weights, share);
}

/// visit(service) where there is one.
template <class Visit>
void with_service(any_service& any, Visit visit) {
    std::visit(
        [&](auto& held) {
            if constexpr (requires { held->trace(); }) visit(*held);
        },
        any);
}

}  // namespace detail

/// Services of all rows, `images` in their order.
/// \param statistics  by which channels are dealt to streams; of the same images where the model is
///                    to have the same means
/// \param services    steady ones (`steady_services`), which traces take the place of
/// \param work        a row each
/// \throws hass::error as `basic_emulator::run` and `window_service`
template <EmulationBackend Backend>
std::vector<service_trace> recorded_services(
    const basic_emulator<Backend>& network, const image_set& images,
    const network_thresholds& thresholds, const network_statistics& statistics,
    std::span<const row_option> chosen, std::vector<service_trace> services,
    std::span<const traced_work> work, filter_share share = filter_share::own) {
    const network_view net = network.network();
    network.check_images(images);
    check_thresholds(net, thresholds);
    std::vector<detail::any_service> rows(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!has_weights(net[i])) continue;  // filters of a product change
        const std::vector<float> weights =
            clipped_weights(net[i], network.model().parameters[i].weights, thresholds[i]);
        rows[i] = detail::service_of(net[i], chosen[i], work[i], statistics.at(i), weights, share);
    }
    const std::vector<std::size_t> order = detail::in_order(images.count);
    detail::emulation_pass<Backend> pass(network.program(), network.backend(), network.weights(),
                                         images, order, thresholds, {}, images.count);
    for (std::size_t b = 0; b < pass.batches(); ++b)  // one after the other: traces are in order
        pass.run(
            b, b + 1,
            [&](std::size_t, std::size_t i, const detail::seen_tensors& seen, std::size_t size) {
                const layer_thresholds& tau = thresholds[i];
                // with thresholds of channels the planes come clipped
                const double keep = tau.activation_channels.empty() ? tau.activation : 0.0;
                detail::with_service(rows[i], [&](auto& service) {
                    service.add(seen.planes(), size, detail::keep_from(keep));
                });
            });
    for (std::size_t i = 0; i < net.size(); ++i)
        detail::with_service(rows[i],
                             [&](auto& service) { services[i] = std::move(service.trace()); });
    return services;
}

/// The same for an engine whose windows or dot products are known (`window_table`, `dots_of`).
template <EmulationBackend Backend, Engine E>
std::vector<service_trace> recorded_services(const basic_emulator<Backend>& network,
                                             const image_set& images,
                                             const network_thresholds& thresholds,
                                             const network_statistics& statistics, const E& engine,
                                             std::span<const row_option> chosen,
                                             filter_share share = filter_share::own) {
    const network_view net = network.network();
    if (chosen.size() != net.size() || statistics.size() != net.size())
        throw error(text_of({"service: ", chosen.size(), " options and ", statistics.size(),
                             " statistics for ", net.size(), " layers"}));
    std::vector<stage_estimate> stages(net.size());
    std::vector<traced_work> work(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        stages[i].cycles = row_cycles(engine, net[i], statistics[i], chosen[i]);
        if (is_compute(net[i]))
            work[i] = {window_table(engine, net[i], chosen[i]), dots_of(engine, net[i], chosen[i])};
    }
    return recorded_services(network, images, thresholds, statistics, chosen,
                             steady_services(net, stages), work, share);
}

}  // namespace hass
