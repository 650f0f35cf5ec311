/// \file tensor_statistics.hpp
/// Statistics of tensors that the user holds, at any thresholds.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/dot_counts.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/statistics/pairs.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/tap_counts.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// Contiguous floats that somebody owns: std::vector, std::span, an Eigen matrix or tensor.
template <class T>
concept FloatTensor = requires(const T& t) {
    { t.data() } -> std::convertible_to<const float*>;
    { t.size() } -> std::convertible_to<std::size_t>;
};

/// A network's tensors, one pair a compute row in the order of rows; measured at any thresholds.
/// Looks at the user's memory, which must outlive it and must not change.
class tensor_statistics {
  public:
    /// One a compute row, not owned.
    using tensors = std::vector<std::span<const float>>;

    /// \param weights      a compute row each: out.channels x in.channels/groups x kernel_h x
    ///                     kernel_w, row-major
    /// \param activations  a compute row each: its inputs, N x in.channels x in.height x in.width,
    ///                     row-major, the same N >= 1 everywhere
    /// \throws hass::error naming the layer whose tensor is missing or of another size
    tensor_statistics(const network_view& net, tensors weights, tensors activations)
        : rows_(net.rows.begin(), net.rows.end()),
          edges_(net.edges.begin(), net.edges.end()),
          names_(net.names.begin(), net.names.end()),
          weights_(std::move(weights)),
          activations_(std::move(activations)) {
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (is_compute(rows_[i])) compute_.push_back(i);
        expect_count("weight", weights_.size());
        expect_count("activation", activations_.size());
        for (std::size_t j = 0; j < compute_.size(); ++j) check(j);
    }

    /// That were measured.
    std::size_t images() const { return images_; }
    /// What was measured.
    network_view network() const { return {rows_, edges_, names_}; }

    /// Exact statistics at one set of thresholds, one entry a row.
    /// \param products  what is counted beside sparsities, for engines that ask for it
    /// \throws hass::error when the thresholds do not fit the network
    network_statistics at(const network_thresholds& thresholds, dot_products products = {}) const {
        check_thresholds(network(), thresholds);
        network_statistics all(rows_.size());
        for (std::size_t j = 0; j < compute_.size(); ++j)
            all[compute_[j]] = at(j, thresholds[compute_[j]], products);
        return all;
    }

    /// Distributions of |x|, one entry a row, for the mapping of sparsities to thresholds.
    network_magnitudes magnitudes() const {
        network_magnitudes all(rows_.size());
        for (std::size_t j = 0; j < compute_.size(); ++j) {
            const layer_row& row = rows_[compute_[j]];
            layer_magnitudes m = weight_magnitudes(row, weights_[j]);
            const auto channels = static_cast<std::size_t>(row.in.channels);
            const auto pixels = static_cast<std::size_t>(row.in.pixels());
            m.activation_channels.resize(channels);
            for (std::size_t map = 0; map < images_ * channels; ++map)
                m.activation_channels[map % channels].add(
                    activations_[j].subspan(map * pixels, pixels));
            for (const magnitude_histogram& c : m.activation_channels) m.activations.merge(c);
            all[compute_[j]] = std::move(m);
        }
        return all;
    }

  private:
    void expect_count(const std::string& what, std::size_t given) const {
        if (given != compute_.size())
            throw error(text_of({"measure: ", given, " ", what, " tensors for ", compute_.size(),
                                 " convolution and linear layers"}));
    }

    void check(std::size_t j) {
        const std::size_t i = compute_[j];
        const auto volume = static_cast<std::size_t>(rows_[i].in.volume());
        const auto expected = static_cast<std::size_t>(weight_count(rows_[i]));
        const auto require = [&](bool holds, const std::string& what) {
            if (!holds) throw error("measure: layer '" + name_of(network(), i) + "': " + what);
        };
        require(weights_[j].size() == expected,
                text_of({weights_[j].size(), " weights, expected ", expected}));
        require(!activations_[j].empty() && activations_[j].size() % volume == 0,
                text_of({activations_[j].size(), " activations are not a multiple of its input ",
                         volume}));
        const std::size_t images = activations_[j].size() / volume;
        if (j == 0) images_ = images;
        require(images == images_, text_of({"activations of ", images,
                                            " images where the first layer has ", images_}));
    }

    layer_statistics at(std::size_t j, const layer_thresholds& tau, dot_products wanted) const {
        const layer_row& row = rows_[compute_[j]];
        const plane_layout layout(row);
        const auto channels = static_cast<std::size_t>(row.in.channels);
        const auto pixels = static_cast<std::size_t>(row.in.pixels());
        const std::vector<float> weights = clipped_weights(row, weights_[j], tau);
        std::optional<activation_windows> windows;
        std::optional<tap_counts> sparsities;
        if (wanted.windows)
            windows.emplace(row);
        else
            sparsities.emplace(row, weights);
        dot_counts products(
            row, wanted.lanes ? std::make_shared<const lane_plan>(row, weights) : nullptr,
            wanted.lists);
        const bool in_planes = wanted.windows || products.any();
        std::vector<float> planes(in_planes ? channels * layout.size() : 0);
        for (std::size_t n = 0; n < images_; ++n) {
            const float* image = activations_[j].data() + n * channels * pixels;
            for (std::size_t c = 0; in_planes && c < channels; ++c)
                fill_plane(row, layout, image + c * pixels, detail::keep_from(tau.activation_of(c)),
                           0.0F, planes.data() + c * layout.size());
            if (windows) windows->add(planes.data(), 1);
            if (sparsities) sparsities->add(image, 1, tau);
            products.add(planes.data(), 1, detail::keep_from(0.0));
        }
        layer_statistics s = windows ? joint_statistics(*windows, weight_windows(row, weights, 0.0))
                                     : sparsities->statistics();
        products.write_to(s);
        return s;
    }

    std::vector<layer_row> rows_;
    std::vector<edge> edges_;
    std::vector<std::string> names_;
    tensors weights_;
    tensors activations_;
    std::vector<std::size_t> compute_;  ///< rows that are compute rows
    std::size_t images_ = 0;
};

/// A range of tensors that outlives a call: a named container of tensors, or any range of views.
template <class R>
concept TensorRange = std::ranges::forward_range<R> && FloatTensor<std::ranges::range_value_t<R>> &&
    ((std::is_lvalue_reference_v<R> &&
      std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>) ||
     std::ranges::borrowed_range<std::ranges::range_value_t<R>>);

/// Looks at the user's tensors, one of each a compute row (see `tensor_statistics`):
///     auto stats = hass::measure_tensors(net{}, weights, activations);
///     auto at_zero = stats.at(hass::network_thresholds(stats.network().size()));
/// \param weights, activations  ranges of anything contiguous with data() and size()
template <TensorRange Weights, TensorRange Activations>
tensor_statistics measure_tensors(const network_view& net, Weights&& weights,
                                  Activations&& activations) {
    const auto views = [](const auto& range) {
        tensor_statistics::tensors all;
        for (const auto& t : range)
            all.emplace_back(static_cast<const float*>(t.data()),
                             static_cast<std::size_t>(t.size()));
        return all;
    };
    return tensor_statistics(net, views(weights), views(activations));
}

}  // namespace hass
