/// \file window_collector.hpp
/// Joint statistics of a run, gathered while it goes on.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <hass/emulate/backend.hpp>
#include <hass/emulate/emulation.hpp>
#include <hass/emulate/emulation_pass.hpp>
#include <hass/emulate/program.hpp>
#include <hass/emulate/workers.hpp>
#include <hass/pack_width.hpp>
#include <hass/statistics/depthwise_windows.hpp>
#include <hass/statistics/dot_counts.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/product_windows.hpp>
#include <hass/statistics/tap_counts.hpp>
#include <hass/statistics/thresholds.hpp>

namespace hass::detail {
inline namespace HASS_PACKS {

/// Activation masks of all compute rows, counted by each worker apart.
class window_collector {
  public:
    /// \param thresholds  of the run; must outlive this
    /// \param products    what is counted beside sparsities
    window_collector(const program& p, std::size_t workers, const network_thresholds& thresholds,
                     dot_products products)
        : program_(p), thresholds_(thresholds), products_(products), rows_(workers) {
        for (auto& worker : rows_) worker.resize(p.rows().size());
        products_of_rows_.resize(workers);
        for (auto& worker : products_of_rows_) worker.resize(p.rows().size());
        plans_.resize(p.rows().size());
        for (std::size_t i = 0; products.lanes && i < plans_.size(); ++i)
            if (has_weights(p.rows()[i]))
                plans_[i] = std::make_shared<const lane_plan>(p.rows()[i], weights(i));
    }

    /// \param whole  whether dot products are counted, too
    void add(std::size_t worker, std::size_t i, const seen_tensors& tensors, std::size_t images,
             bool whole) {
        if (program_.rows()[i].kind == layer_kind::matmul) {  // clipped already
            std::optional<product_windows>& row = products_of_rows_[worker][i];
            if (!row) row.emplace(program_.rows()[i], products_.windows);
            row->add(tensors.maps(), tensors.second, images);
            return;
        }
        std::unique_ptr<counts>& row = rows_[worker][i];
        if (!row)
            row = std::make_unique<counts>(windows_of(i), program_.rows()[i], plans_[i],
                                           products_.lists);
        // With thresholds of channels the planes come clipped.
        const layer_thresholds& tau = thresholds_[i];
        const float keep = keep_from(tau.activation_channels.empty() ? tau.activation : 0.0);
        if (auto* depthwise = std::get_if<depthwise_windows>(&row->windows))
            depthwise->add(tensors.input, images, tau);
        else if (auto* none = std::get_if<tap_counts>(&row->windows))
            none->add(tensors.input, images, tau);
        else if (activation_windows::takes_maps(program_.rows()[i]))
            std::get<activation_windows>(row->windows).add(tensors.input, images, tau);
        else
            std::get<activation_windows>(row->windows).add(tensors.planes(), images, keep);
        if (whole && row->products.any()) row->products.add(tensors.planes(), images, keep);
    }

    /// Statistics of the rows that were seen; gives the masks away.
    network_statistics finish(int threads) {
        const std::size_t n = program_.rows().size();
        network_statistics statistics(n);
        in_parallel(threads, n, [&](std::size_t, std::size_t i) {
            std::unique_ptr<counts> all;
            for (auto& worker : rows_) {
                std::unique_ptr<counts> part = std::exchange(worker[i], nullptr);
                if (all && part)
                    all->merge(*part);
                else if (part)
                    all = std::move(part);
            }
            if (program_.rows()[i].kind == layer_kind::matmul) statistics[i] = finish_product(i);
            if (!all) return;
            statistics[i] = statistics_of_windows(i, all->windows);
            all->products.write_to(statistics[i]);
        });
        return statistics;
    }

  private:
    /// Masks, or what is left of them where a channel has few filters or nobody asks for windows.
    using row_windows = std::variant<activation_windows, depthwise_windows, tap_counts>;

    struct counts {
        counts(row_windows of_row, const layer_row& row,
               const std::shared_ptr<const lane_plan>& plan, bool lists)
            : windows(std::move(of_row)), products(row, plan, lists) {}

        void merge(counts& other) {
            std::visit(
                [&](auto& mine) {
                    mine.merge(std::get<std::remove_reference_t<decltype(mine)>>(other.windows));
                },
                windows);
            products.merge(other.products);
        }

        row_windows windows;
        dot_counts products;
    };

    row_windows windows_of(std::size_t i) const {
        const layer_row& row = program_.rows()[i];
        if (!products_.windows) return tap_counts(row, weights(i));
        if (depthwise_windows::fits(row)) return depthwise_windows(row, weights(i));
        return activation_windows(row);
    }

    layer_statistics statistics_of_windows(std::size_t i, const row_windows& seen) const {
        if (const auto* depthwise = std::get_if<depthwise_windows>(&seen))
            return depthwise->statistics();
        if (const auto* none = std::get_if<tap_counts>(&seen)) return none->statistics();
        return joint_statistics(std::get<activation_windows>(seen),
                                weight_windows(program_.rows()[i], weights(i), 0.0));
    }

    /// Of a product of two activations; whole dot products of such are not counted.
    layer_statistics finish_product(std::size_t i) {
        product_windows all(program_.rows()[i], products_.windows);
        for (auto& worker : products_of_rows_) {
            if (worker[i]) all.merge(*worker[i]);
            worker[i].reset();
        }
        return all.statistics();
    }

    std::vector<float> weights(std::size_t i) const {
        return clipped_weights(program_.rows()[i], program_.model.parameters[i].weights,
                               thresholds_[i]);
    }

    const program& program_;
    const network_thresholds& thresholds_;
    dot_products products_;
    std::vector<std::shared_ptr<const lane_plan>> plans_;     ///< a row each; or none
    std::vector<std::vector<std::unique_ptr<counts>>> rows_;  ///< a worker and row each
    std::vector<std::vector<std::optional<product_windows>>> products_of_rows_;  ///< the same
};

/// Runs batches [first, last) and counts what `options` ask for.
/// \param windows  nullptr: nothing is counted
template <EmulationBackend Backend>
void run_counting(emulation_pass<Backend>& pass, std::size_t first, std::size_t last,
                  const emulation_options& options, window_collector* windows) {
    std::size_t whole = first;  // first batch whose dot products are not counted
    while (whole < last && pass.images_before(whole) < options.product_images) ++whole;
    const auto run = [&](std::size_t from, std::size_t to, bool products) {
        if (from == to) return;
        pass.run(
            from, to,
            [&](std::size_t worker, std::size_t i, const seen_tensors& seen, std::size_t size) {
                if (windows != nullptr) windows->add(worker, i, seen, size, products);
            });
    };
    run(first, whole, true);
    run(whole, last, false);
}

}  // namespace HASS_PACKS
}  // namespace hass::detail
