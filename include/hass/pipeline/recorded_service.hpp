/// \file recorded_service.hpp
/// Services of a trained network's stages on real images: runs the network, clipped, and hands the
/// maps to `window_service`.
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
#include <vector>

#include <hass/emulate/emulation.hpp>
#include <hass/emulate/emulation_pass.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/service.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// Services of all rows, `images` in their order.
/// \param statistics  by which channels are dealt to streams; of the same images where the model is
///                    to have the same means
/// \param services    steady ones (`steady_services`), which traces take the place of
/// \param windows     a row each: cycles of a window by its surviving pairs; empty: steady
/// \throws hass::error as `basic_emulator::run` and `window_service`
template <EmulationBackend Backend>
std::vector<service_trace> recorded_services(
    const basic_emulator<Backend>& network, const image_set& images,
    const network_thresholds& thresholds, const network_statistics& statistics,
    std::span<const row_option> chosen, std::vector<service_trace> services,
    std::span<const std::vector<double>> windows, filter_share share = filter_share::own) {
    const network_view net = network.network();
    network.check_images(images);
    check_thresholds(net, thresholds);
    std::vector<std::unique_ptr<window_service>> rows(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (windows[i].empty() || !has_weights(net[i])) continue;  // filters of a product change
        const std::vector<float> weights =
            clipped_weights(net[i], network.model().parameters[i].weights, thresholds[i]);
        rows[i] = std::make_unique<window_service>(windows[i], net[i], chosen[i].folding,
                                                   statistics.at(i), weights, share);
    }
    const std::vector<std::size_t> order = detail::in_order(images.count);
    detail::emulation_pass<Backend> pass(network.program(), network.backend(), images, order,
                                         thresholds, {}, images.count);
    for (std::size_t b = 0; b < pass.batches(); ++b)  // one after the other: traces are in order
        pass.run(
            b, b + 1,
            [&](std::size_t, std::size_t i, const detail::seen_tensors& seen, std::size_t size) {
                const layer_thresholds& tau = thresholds[i];
                // with thresholds of channels the planes come clipped
                const double keep = tau.activation_channels.empty() ? tau.activation : 0.0;
                if (rows[i]) rows[i]->add(seen.planes, size, detail::keep_from(keep));
            });
    for (std::size_t i = 0; i < net.size(); ++i)
        if (rows[i]) services[i] = std::move(rows[i]->trace());
    return services;
}

/// The same for an engine whose windows are known (`window_table`).
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
    std::vector<std::vector<double>> windows(net.size());
    for (std::size_t i = 0; i < net.size(); ++i) {
        stages[i].cycles = row_cycles(engine, net[i], statistics[i], chosen[i]);
        if (is_compute(net[i])) windows[i] = window_table(engine, net[i], chosen[i]);
    }
    return recorded_services(network, images, thresholds, statistics, chosen,
                             steady_services(net, stages), windows, share);
}

}  // namespace hass
