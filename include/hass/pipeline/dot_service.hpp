/// \file dot_service.hpp
/// How long lanes and lists take for every pixel, from masks of zeros: as `service.hpp` for windows.
/// Pixels vary by more than windows do, because what is empty in a map is empty for whole rows of it,
/// and in all maps of an image.
///
///     mean over pixels  =  cycles of the engine for the same statistics
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <hass/engine/engine_list.hpp>
#include <hass/engine/folding.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/pipeline/simulation.hpp>
#include <hass/statistics/dot_work.hpp>
#include <hass/statistics/lane_maxima.hpp>
#include <hass/statistics/lane_plan.hpp>
#include <hass/statistics/list_counts.hpp>
#include <hass/statistics/row_work.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// The kind of dot products of the engine that `c` names; neither: its cycles hang on windows
/// (`window_table`) or on nothing.
template <Engine E>
constexpr dot_products dots_of(const E&, const layer_row&, const row_option&) {
    return {};
}
template <class R>
constexpr dot_products dots_of(const lane_dot<R>&, const layer_row&, const row_option&) {
    return {true, false};
}
template <class R>
constexpr dot_products dots_of(const list_dot<R>&, const layer_row&, const row_option&) {
    return {false, true};
}
template <Engine... E>
constexpr dot_products dots_of(const engine_list<E...>& list, const layer_row& row,
                               const row_option& c) {
    return detail::at<dot_products>(list.engines, c.engine,
                                    [&](const auto& e) { return dots_of(e, row, c); });
}

/// A row on engines of lanes. Takes planes as `window_service`. Where strides skip rows, windows wait behind
/// the line buffer, and pixels without one pass.
class lane_service {
  public:
    /// \param p        legal for the row
    /// \param weights  out.channels x in.channels / groups x kernel_h x kernel_w, clipped
    lane_service(const layer_row& row, const parallelism& p, std::span<const float> weights)
        : counted_(std::make_shared<const lane_plan>(row, weights), detail::lanes_of(p)) {
        const folded_row f(row, p);
        if (p.shared > most_masked) turns_ = static_cast<float>(f.filters);
        trace_.least = static_cast<double>(row.out.channels) / (p.out * p.group);
        trace_.intake = static_cast<double>(row.in.channels) / (p.in * p.vector * p.group);
        trace_.lanes = 1;
        if (skips_rows(row))
            trace_.intake_room = std::int64_t{row.kernel_h - 1} * row.in.width + row.kernel_w +
                                 slots_without_window(row) + row.stride_w * windows_in_front(row);
    }

    void add(const float* planes, std::size_t images, float keep) {
        counted_.add(planes, images, keep);
    }

    service_trace& trace() {
        trace_.cycles = counted_.position_cycles();
        for (float& cycles : trace_.cycles) cycles *= turns_;
        return trace_;
    }

  private:
    lane_maxima counted_;
    float turns_ = 1.0F;  ///< of all filters that share what is counted once
    service_trace trace_{};
};

/// A row on engines of lists. Takes planes as `window_service`. Replicas share each pixel evenly; the others'
/// windows stand in the ring of lists with what is taken in.
class list_service {
  public:
    /// \param p  legal for the row
    list_service(const layer_row& row, const parallelism& p) : row_(row), p_(p), counts_(row) {
        const int chain = drain_chain(p.out);
        trace_.least = static_cast<double>(row.out.channels) * chain / p.out;
        trace_.intake = static_cast<double>(row.in.channels) / p.in;
        trace_.intake_room = list_ring(row, p.pixels) - std::int64_t{p.pixels - 1} * row.stride_w;
        trace_.lanes = 1;
    }

    void add(const float* planes, std::size_t images, float keep) {
        const int chain = drain_chain(p_.out), later = row_.out.channels / p_.out - 1;
        const int k = taps(row_);
        for (std::size_t n = 0; n < images; ++n)
            counts_.each_pixel(planes, images, n, keep, static_cast<std::size_t>(p_.in),
                               [&](std::uint32_t length) {
                                   const auto entries = static_cast<int>(length);
                                   const int cycles = list_replay(entries, k, chain, true) +
                                                      later * list_replay(entries, k, chain, false);
                                   trace_.cycles.push_back(static_cast<float>(cycles) /
                                                           static_cast<float>(p_.pixels));
                               });
    }

    service_trace& trace() { return trace_; }

  private:
    layer_row row_;
    parallelism p_;
    list_counts counts_;
    service_trace trace_{};
};

}  // namespace hass
