/// \file drafts.hpp
/// Rows in the making. An operator may still change one in place (fold a constant into its weights,
/// say) as long as nobody but that operator is shown its output: so reads are counted.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/onnx/demand.hpp>
#include <hass/workload/onnx/value.hpp>

namespace hass::detail::onnx {

/// A row in the making.
struct draft {
    layer_row row;
    layer_parameters parameters;
    std::string name;       ///< empty: after kind and place
    std::vector<int> from;  ///< rows that feed it, or `network_input`
    row_origin origin;      ///< of a compute row
};

/// A row that maps each value on its own.
inline layer_row elementwise(layer_kind kind, const hass::shape& shape) {
    layer_row row;
    row.kind = kind, row.in = row.out = shape;
    return row;
}

/// The rows made so far, and who is still going to read what they give.
class draft_list {
  public:
    explicit draft_list(std::size_t file_bytes) : demand_(file_bytes) {}

    /// Adds a row under a name of its own, and returns its place.
    /// \throws hass::error when the rows now ask for more than the file may
    int add(draft d) {
        demand_.add(d.row);
        d.name = unique(d.name.empty() ? text_of({name(d.row.kind), "_", rows_.size()})
                                       : std::move(d.name));
        for (const int from : d.from)
            if (from >= 0) ++fed_[index(from)];
        rows_.push_back(std::move(d));
        fed_.push_back(0), reads_.push_back(0);
        return static_cast<int>(rows_.size()) - 1;
    }

    std::span<draft> rows() { return rows_; }
    /// The row that gives `x`, which is data and not the image.
    draft& behind(const value& x) { return rows_[index(x.from)]; }
    const onnx::demand& demand() const { return demand_; }

    /// Whether whoever reads the row behind `x` reads it through `x`: no row was fed by it yet, and
    /// no other tensor stands for it that somebody is still going to read.
    bool owned(const value& x) const {
        return x.from >= 0 && fed_[index(x.from)] == 0 && reads_[index(x.from)] == x.unread;
    }

    /// `x` is a new tensor, with reads to come.
    void expect_reads(const value& x) {
        if (x.from >= 0) reads_[index(x.from)] += x.unread;
    }
    /// One read of `x` lies behind.
    void count_read(value& x) {
        if (x.unread == 0) return;
        --x.unread;
        if (x.from >= 0) --reads_[index(x.from)];
    }
    /// From now on `x`, a tensor that others will read, is the output of `row`.
    void stand_for(value& x, int row) {
        if (x.from >= 0) reads_[index(x.from)] -= x.unread;
        x.from = row;
        expect_reads(x);
    }

  private:
    static std::size_t index(int row) { return static_cast<std::size_t>(row); }

    std::string unique(std::string wanted) {
        if (names_.insert(wanted).second) return wanted;
        for (std::size_t& k = repeats_[wanted];;) {
            std::string next = text_of({wanted, "_", ++k + 1});
            if (names_.insert(next).second) return next;
        }
    }

    onnx::demand demand_;
    std::vector<draft> rows_;
    std::vector<std::size_t> fed_;    // rows that a row's output feeds so far
    std::vector<std::size_t> reads_;  // reads to come of tensors that stand for a row
    std::unordered_set<std::string> names_;
    std::unordered_map<std::string, std::size_t> repeats_;
};

}  // namespace hass::detail::onnx
