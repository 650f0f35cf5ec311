/// \file width_classes.hpp
/// The widths that options of a table have, numbered row by row and side by side, and the options of
/// a row with the same ones as a class.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/explore/knapsack/option_table.hpp>
#include <hass/explore/row_order.hpp>

namespace hass::detail {

/// See the head of the file. Holds until the table is filled anew; what is struck out keeps its
/// number.
class width_classes {
  public:
    void number(const row_order& order, const option_table& table) {
        order_ = &order;
        const std::size_t n = table.rows();
        size_.assign(2 * n, 1);
        first_number_.assign(2 * n, 0);
        first_class_.assign(n + 1, 0);
        number_.clear(), port_.assign(2 * n, {});
        for (std::size_t i = 0; i < n; ++i) {
            std::size_t classes = 1;
            if (order.has(i)) {
                classes = number(table.row(i), static_cast<width_variable>(2 * i));
                if (order.two_sided(i))
                    classes *= number(table.row(i), static_cast<width_variable>(2 * i + 1));
            }
            first_class_[i + 1] = first_class_[i] + classes;
        }
    }

    /// Widths of a side.
    std::size_t size(width_variable v) const { return size_[v]; }
    std::size_t variables() const { return size_.size(); }
    /// The number of a port's width on a side.
    std::size_t digit(width_variable v, const stream_port& port) const {
        return number_[first_number_[v] + width(v, port)];
    }
    /// A port with that width.
    const stream_port& port(width_variable v, std::size_t digit) const { return port_[v][digit]; }

    /// Classes of all rows, and the first one of row `i`.
    std::size_t classes() const { return first_class_.back(); }
    std::size_t first(std::size_t i) const { return first_class_[i]; }
    std::size_t of(std::size_t i, const stream_port& port) const {
        if (!order_->has(i)) return first_class_[i];
        const auto takes = static_cast<width_variable>(2 * i);
        const std::size_t x = digit(takes, port);
        if (!order_->two_sided(i)) return first_class_[i] + x;
        return first_class_[i] + x * size_[takes + 1] + digit(takes + 1, port);
    }

  private:
    std::size_t width(width_variable v, const stream_port& port) const {
        return v % 2 == 1 || order_->gives_only(v / 2) ? port.out : port.in;
    }

    std::size_t number(std::span<const table_option> row, width_variable v) {
        std::size_t most = 0;
        for (const table_option& o : row) most = std::max(most, width(v, o.port));
        first_number_[v] = number_.size();
        number_.resize(number_.size() + most + 1, 0);
        std::uint32_t* const at = number_.data() + first_number_[v];
        for (const table_option& o : row) at[width(v, o.port)] = 1;
        std::uint32_t count = 0;
        for (std::size_t k = 0; k <= most; ++k)
            if (at[k] != 0) at[k] = count++;
        port_[v].resize(count);
        for (const table_option& o : row) port_[v][at[width(v, o.port)]] = o.port;
        return size_[v] = count;
    }

    const row_order* order_ = nullptr;
    std::vector<std::size_t> size_;               // of each side
    std::vector<std::size_t> first_number_;       // where its numbers stand in `number_`
    std::vector<std::uint32_t> number_;           // of each width that there is
    std::vector<std::vector<stream_port>> port_;  // of each number: one with that width
    std::vector<std::size_t> first_class_;        // of each row, and the end
};

}  // namespace hass::detail
