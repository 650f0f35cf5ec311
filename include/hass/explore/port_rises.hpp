/// \file port_rises.hpp
/// When one option of a row is as good as another one of other widths: when it needs less by what
/// the streams at the row may need more then, whatever the widths at their other ends are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <hass/explore/resource_vector.hpp>
#include <hass/explore/stream_port.hpp>

namespace hass {

/// Of one row.
class port_rises {
  public:
    port_rises() = default;
    /// \param in, out  widths that the row has on its sides; 0 where no stream has a price
    port_rises(std::size_t in, std::size_t out) : in_(in), out_(out) {
        takes_.resize(in * in), gives_.resize(out * out);
    }

    /// Of the streams it takes.
    std::size_t widths_in() const { return in_; }
    /// Of those it gives.
    std::size_t widths_out() const { return out_; }

    /// Counts a stream that the row takes, or gives. \param need  need(other end, this end)
    template <class Need>
    void add_taken(std::size_t others, const Need& need) {
        add(takes_, in_, others, need);
    }
    /// See add_taken().
    template <class Need>
    void add_given(std::size_t others, const Need& need) {
        add(gives_, out_, others, need);
    }

    /// Whether a need at port `a` is no more than one at `b` in whatever choice, rounding included.
    bool no_more(const resource_vector& need_a, const stream_port& a, const resource_vector& need_b,
                 const stream_port& b) const {
        if (!detail::no_more(need_a, need_b)) return false;
        if (a == b) return true;
        const resource_vector none{};
        const resource_vector& takes = in_ > 0 ? takes_[b.in * in_ + a.in] : none;
        const resource_vector& gives = out_ > 0 ? gives_[b.out * out_ + a.out] : none;
        bool holds = true;
        for (std::size_t r = 0; r < none.size(); ++r) {
            const double rise = takes[r] + gives[r];
            const double room = need_b[r] - need_a[r] - 1e-9 * std::abs(need_b[r]);
            holds = holds && (rise <= 0.0 || rise <= room);
        }
        return holds;
    }

  private:
    template <class Need>
    static void add(std::vector<resource_vector>& rises, std::size_t widths, std::size_t others,
                    const Need& need) {
        for (std::size_t from = 0; from < widths; ++from)
            for (std::size_t to = 0; to < widths; ++to) {
                resource_vector most{};
                for (std::size_t o = 0; o < others; ++o) {
                    const resource_vector &before = need(o, from), &after = need(o, to);
                    for (std::size_t r = 0; r < most.size(); ++r)
                        most[r] = std::max(most[r], after[r] - before[r]);
                }
                for (std::size_t r = 0; r < most.size(); ++r)
                    rises[from * widths + to][r] += most[r];
            }
    }

    std::size_t in_ = 0, out_ = 0;
    std::vector<resource_vector> takes_, gives_;  // [from][to]
};

}  // namespace hass
