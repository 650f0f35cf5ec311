/// \file last_prepared.hpp
/// Rows that take as long as at the last call, whatever changed: cycles of dense engines do not
/// depend on data, and what such an engine prepares can be compared.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// What the engine prepared for each row at the last call.
template <Engine E>
class last_prepared {
  public:
    /// Whether `engine` prepares for row `i` what it did at the last call; false where that cannot
    /// be told.
    bool repeats(const E& engine, std::size_t i, const layer_row& row, const layer_statistics& s) {
        if constexpr (std::equality_comparable<ready_row>) {
            if (rows_.size() <= i) rows_.resize(i + 1);
            std::optional<ready_row> now(prepared(engine, row, s));
            const bool same = rows_[i] == now;
            rows_[i] = std::move(now);
            return same;
        } else {
            return false;
        }
    }

    /// Row `i` is not known any more.
    void forget(std::size_t i) {
        if (i < rows_.size()) rows_[i].reset();
    }

  private:
    using ready_row = decltype(prepared(std::declval<const E&>(), std::declval<const layer_row&>(),
                                        std::declval<const layer_statistics&>()));

    std::vector<std::optional<ready_row>> rows_;
};

}  // namespace hass::detail
