/// \file dot_counts.hpp
/// Counts of whole dot products of one row, of the kinds that were asked for.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <hass/statistics/lane_maxima.hpp>
#include <hass/statistics/lane_plan.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/statistics/list_counts.hpp>
#include <hass/statistics/row_work.hpp>

namespace hass {

/// Mergeable; each thread has its own, of the same plan.
class dot_counts {
  public:
    /// \param plan  nullptr: lanes are not counted
    dot_counts(const layer_row& row, std::shared_ptr<const lane_plan> plan, bool lists) {
        if ((plan || lists) && skips_rows(row)) rows_.emplace(row);
        if (plan) lanes_.emplace(std::move(plan));
        if (lists) lists_.emplace(row);
    }

    /// Whether anything was asked for.
    bool any() const { return lanes_ || lists_; }
    /// As `activation_windows::add`.
    void add(const float* planes, std::size_t images, float keep) {
        if (lanes_) lanes_->add(planes, images, keep);
        if (lists_) lists_->add(planes, images, keep);
        if (rows_) rows_->add(planes, images, keep);
    }
    void merge(dot_counts& other) {
        if (lanes_) lanes_->merge(*other.lanes_);
        if (lists_) lists_->merge(*other.lists_);
        if (rows_) rows_->merge(*other.rows_);
    }
    /// What was asked for, into the layer's statistics.
    void write_to(layer_statistics& s) {
        if (lanes_) s.lanes = lanes_->work();
        if (lists_) s.lists = lists_->lengths();
        if (rows_) s.rows = rows_->parts();
    }

  private:
    std::optional<lane_maxima> lanes_;
    std::optional<list_counts> lists_;
    std::optional<row_counts> rows_;
};

}  // namespace hass
