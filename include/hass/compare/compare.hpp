/// \file compare.hpp
/// Which engine should I build? One network, one array size or one board, a list of engines, each
/// with the sparsity that it can use:
///
///     std::vector<hass::contender> list{
///         hass::array_contender("2:4", hass::tensor_cores::sparse,
///                               hass::make_pattern("2:4", hass::patterns::gh<2, 4>{}, 4), 1000.0),
///         hass::board_contender("SPE", hass::sparse_dot<>{}, hass::boards::u250{},
///                               hass::make_pattern("half", hass::patterns::unstructured{0.5},
///                               4))};
///     auto rows = hass::compare(emulator.network(), list, hass::emulated(model, images, labels));
///
/// Weights are projected onto the contender's pattern without retraining, accuracy and statistics
/// are those of the projected network.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/engine/arrays/array.hpp>
#include <hass/engine/arrays/energy.hpp>
#include <hass/engine/patterns/pattern.hpp>
#include <hass/error.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/statistics/prediction.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/text.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// A pattern and the rows that it is put on. Made by `make_pattern` and `unpruned`.
struct weight_pattern {
    std::string name;  ///< equal names mean equal patterns: a network is projected once a name
    std::function<bool(const layer_row&)> takes;  ///< rows that are projected; others stay dense
    /// Zeroes weights until they conform.
    std::function<void(patterns::weight_extents, std::span<float>)> project;
    /// Largest share of weights that are not zero.
    std::function<double(patterns::weight_extents)> density;
    std::function<std::int64_t(patterns::weight_extents, int)> bits;  ///< of such a tensor
};

/// Weights as they are.
inline weight_pattern unpruned() {
    return {"unpruned", [](const layer_row&) { return false; }, {}, {}, {}};
}

/// \param least_channels  rows whose filters see fewer input channels stay dense: first layers,
///        depthwise layers
template <patterns::Pattern P>
weight_pattern make_pattern(std::string name, P pattern, int least_channels) {
    return {std::move(name),
            [=](const layer_row& row) {
                return is_compute(row) && channels_per_group(row) >= least_channels &&
                       pattern.applies(patterns::extents_of(row));
            },
            [=](patterns::weight_extents e, std::span<float> w) { pattern.project(e, w); },
            [=](patterns::weight_extents) { return static_cast<double>(pattern.density()); },
            [=](patterns::weight_extents e, int word_bits) {
                return patterns::storage_bits(pattern, e, word_bits);
            }};
}

/// Bits of all weights of a network in a pattern's format; rows that it does not take are dense.
inline std::int64_t storage_bits(const network_view& net, const weight_pattern& pattern,
                                 int word_bits) {
    std::int64_t sum = 0;
    for (const layer_row& row : net.rows)
        sum += pattern.takes(row) ? pattern.bits(patterns::extents_of(row), word_bits)
                                  : weight_count(row) * word_bits;
    return sum;
}

/// What an engine does with the whole network.
struct performance {
    double cycles = 0.0;                  ///< between images
    double images_per_second = 0.0;       ///< 0: nothing runs
    std::optional<usage> cost{};          ///< of a design on a board
    std::optional<int> multipliers{};     ///< of an array
    std::optional<double> utilisation{};  ///< of an array's multipliers
    std::optional<double> compute_pj{};   ///< energy of an image in the multipliers alone
    std::optional<double> total_pj{};     ///< nullopt where accesses are not published
};

/// One entry of a comparison.
struct contender {
    std::string name;        ///< of the engine, as tables show it
    weight_pattern weights;  ///< pattern that its weights conform to
    /// What it does with a network so pruned.
    std::function<performance(const network_view&, const network_statistics&)> run;
};

/// An array that runs the compute rows one after another.
/// \param mhz    clock, > 0
/// \param table  prices; one table for all contenders compares like with like
template <ArrayEngine E>
contender array_contender(std::string name, E engine, weight_pattern weights, double mhz,
                          energy_table table = energy_tables::sparse_tensor_core) {
    return {std::move(name), std::move(weights),
            [=](const network_view& net, const network_statistics& s) {
                performance p;
                p.compute_pj = p.total_pj = 0.0;
                double macs = 0.0;
                for (std::size_t i = 0; i < net.size(); ++i) {
                    if (!is_compute(net.rows[i])) continue;
                    const array_run run = engine.run(net.rows[i], s.at(i));
                    const energy_estimate e = energy(run, table);
                    p.cycles += run.cycles;
                    macs += run.macs;
                    p.compute_pj = detail::sum(p.compute_pj, e.compute);
                    p.total_pj = detail::sum(p.total_pj, e.total());
                }
                p.images_per_second = mhz * 1e6 / p.cycles;
                p.multipliers = engine.multipliers();
                p.utilisation = macs / (p.cycles * engine.multipliers());
                return p;
            }};
}

/// A pipeline on a board, allocated optimally. Running it throws hass::error when nothing fits.
template <Engine E, Device D>
contender board_contender(std::string name, E engine, const D& board, weight_pattern weights) {
    return {std::move(name), std::move(weights),
            [engine = std::move(engine), on = board.limits()](const network_view& net,
                                                              const network_statistics& s) {
                const allocation best = allocate(net, s, engine, on);
                require_fit(best);
                performance p;
                p.cycles = best.estimate.interval_cycles;
                p.images_per_second = best.estimate.images_per_second;
                p.cost = best.estimate.total;
                return p;
            }};
}

/// A network whose weights conform to a pattern.
struct pruned_network {
    network_statistics statistics;     ///< of the network so pruned
    std::optional<double> accuracy{};  ///< top-1 in [0, 1]; nullopt: not measured
};

/// Runs the projected network on images, made its input as `trained.input` says: statistics and
/// accuracy as measured.
/// \throws hass::error as `emulator`
inline auto emulated(model trained, image_set images, std::vector<int> labels) {
    return [trained = std::move(trained), images = std::move(images),
            labels = std::move(labels)](const weight_pattern& pattern) {
        model m = trained;
        for (std::size_t i = 0; i < m.net.rows.size(); ++i)
            if (pattern.takes(m.net.rows[i]))
                pattern.project(patterns::extents_of(m.net.rows[i]), m.parameters[i].weights);
        const emulator runs(std::move(m));
        emulation e = runs.run(images, labels, network_thresholds(runs.network().size()));
        return pruned_network{std::move(e.statistics), e.top1_accuracy()};
    };
}

/// Statistics by assumption: zeros independent, weights as sparse as the pattern makes them, one
/// activation sparsity in [0, 1] a compute row. No accuracy.
inline auto assumed(network_view net, std::vector<double> activation_sparsity) {
    std::size_t compute = 0;
    for (const layer_row& row : net.rows) compute += is_compute(row) ? 1U : 0U;
    if (activation_sparsity.size() != compute)
        throw error(text_of({"assumed: ", activation_sparsity.size(), " activation sparsities for ",
                             compute, " compute rows"}));
    return [net, values = std::move(activation_sparsity)](const weight_pattern& pattern) {
        pruned_network p{network_statistics(net.size()), {}};
        std::size_t next = 0;
        for (std::size_t i = 0; i < net.size(); ++i) {
            const layer_row& row = net.rows[i];
            if (!is_compute(row)) continue;
            const double weights =
                pattern.takes(row) ? 1.0 - pattern.density(patterns::extents_of(row)) : 0.0;
            p.statistics[i] = independent_statistics(weights, values[next++]);
        }
        return p;
    };
}

/// Statistics as they were recorded, without images or weights: a pattern thins the pairs that
/// survive by nature to its density. No accuracy.
inline auto recorded(recorded_network m) {
    return [m = std::move(m)](const weight_pattern& pattern) {
        pruned_network p{m.statistics(network_thresholds(m.net.rows.size())), {}};
        for (const recorded_layer& layer : m.layers) {
            const layer_row& row = m.net.rows[layer.place];
            if (!pattern.takes(row)) continue;
            layer_statistics& s = p.statistics[layer.place];
            const tensor_density activations{1.0 - s.activation_sparsity};
            const tensor_density weights{1.0 - s.weight_sparsity};
            const tensor_density kept{
                std::min(weights.whole, pattern.density(patterns::extents_of(row)))};
            s = predicted_layer(s, {weights, activations}, {kept, activations});
        }
        return p;
    };
}

/// One row of the result.
struct comparison {
    std::string name;                   ///< of the engine
    std::string pattern;                ///< of the weights
    std::optional<double> accuracy;     ///< top-1 in [0, 1]
    average_sparsity sparsity;          ///< shares of zeros, over the network
    std::int64_t storage_bits = 0;      ///< of the weights
    performance achieved;               ///< what the engine does with it
    std::optional<double> compute_edp;  ///< uJ us of the multipliers alone
    std::optional<double> edp;          ///< uJ us
    /// No other entry is as accurate and as fast, and better in one; likewise with the EDP of the
    /// multipliers, which all arrays have. Without accuracies all count as equally accurate.
    bool on_throughput_front = false;
    bool on_edp_front = false;  ///< the same with `compute_edp` in place of images/s
};

namespace detail {

/// Marks the entries that no other beats in (accuracy, value), both to be large.
template <class Value, class Mark>
void mark_front(std::vector<comparison>& all, Value value, Mark mark) {
    const auto beats = [&](const comparison& a, const comparison& b) {
        const double x = a.accuracy.value_or(0.0), y = b.accuracy.value_or(0.0);
        return x >= y && *value(a) >= *value(b) && (x > y || *value(a) > *value(b));
    };
    for (comparison& c : all) {
        bool best = value(c).has_value();
        for (const comparison& other : all) best = best && !(value(other) && beats(other, c));
        mark(c) = best;
    }
}

}  // namespace detail

/// Runs every contender on the network.
/// \param source     callable as (weight_pattern) -> pruned_network, asked once a pattern
/// \param word_bits  of a weight in storage, >= 1
template <class Source>
requires std::is_invocable_r_v<pruned_network, Source&, const weight_pattern&>
    std::vector<comparison> compare(const network_view& net, std::span<const contender> contenders,
                                    Source source, int word_bits = 8) {
    std::map<std::string, pruned_network> pruned;
    std::vector<comparison> all;
    for (const contender& c : contenders) {
        auto at = pruned.find(c.weights.name);
        if (at == pruned.end()) at = pruned.emplace(c.weights.name, source(c.weights)).first;
        const pruned_network& network = at->second;
        comparison row{c.name,
                       c.weights.name,
                       network.accuracy,
                       average(net, network.statistics),
                       storage_bits(net, c.weights, word_bits),
                       c.run(net, network.statistics),
                       {},
                       {}};
        const double us = 1e6 / row.achieved.images_per_second;
        if (row.achieved.compute_pj) row.compute_edp = edp(*row.achieved.compute_pj, us);
        if (row.achieved.total_pj) row.edp = edp(*row.achieved.total_pj, us);
        all.push_back(std::move(row));
    }
    detail::mark_front(
        all, [](const comparison& c) { return std::optional(c.achieved.images_per_second); },
        [](comparison& c) -> bool& { return c.on_throughput_front; });
    detail::mark_front(
        all,
        [](const comparison& c) {
            return c.compute_edp ? std::optional(-*c.compute_edp) : std::nullopt;
        },
        [](comparison& c) -> bool& { return c.on_edp_front; });
    return all;
}

}  // namespace hass
