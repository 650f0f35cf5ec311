/// \file priced_edges.hpp
/// What stands between stages, as the allocator sees it: for every stream between two rows a table
/// of needs over the widths that one row's options give and the other one's take. Does not depend
/// on data. Movers and splits depend on one row alone and are part of its options.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/explore/port_rises.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/explore/row_order.hpp>
#include <hass/explore/stream_port.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/pipeline/streams.hpp>
#include <hass/text.hpp>

namespace hass {

/// One stream and its price.
struct priced_edge {
    std::size_t from = 0, to = 0;          ///< rows
    std::size_t widths_in = 1;             ///< that options of `to` take
    std::vector<resource_vector> needs{};  ///< [width that `from` gives][width that `to` takes]

    /// Of these widths.
    const resource_vector& need(const stream_port& gives, const stream_port& takes) const {
        return needs[gives.out * widths_in + takes.in];
    }
};

/// All streams of a network that have a price for some widths.
class priced_edges {
  public:
    priced_edges() = default;

    /// Of every row the words that each of its options takes, or gives.
    using option_words = std::vector<std::vector<int>>;

    /// \param options   options(i): the options of row i, a span of row_option
    /// \param lut_each  see `to_needs`
    /// \param version   told apart by, where one policy sees many
    /// \throws hass::error for a price below zero or NaN
    template <Engine E, class Options>
    priced_edges(const E& with, const network_view& rows, const network_streams& streams,
                 const Options& options, double lut_each, std::uint64_t version)
        : priced_edges(
              words_of(rows, options,
                       [&](const layer_row& row, const row_option& c) {
                           return words_out(with, row, c);
                       }),
              words_of(rows, options,
                       [](const layer_row& row, const row_option& c) { return words_in(row, c); }),
              streams.edges(),
              [&, known = std::map<std::array<int, 3>, resource_vector>{}](std::size_t s, int from,
                                                                           int to) mutable {
                  const int bits = stream_bits(with, rows.rows[streams.edges()[s].to]);
                  const auto [at, fresh] = known.try_emplace({from, to, bits});
                  if (fresh) at->second = to_needs(checked(with, from, to, bits), lut_each);
                  return at->second;
              },
              version) {}

    /// Of anything that has options with widths.
    /// \param price  price(stream, from, to), >= 0, of a stream by its index
    template <class Price>
    priced_edges(const option_words& given, const option_words& taken,
                 std::span<const stream_edge> streams, Price price, std::uint64_t version)
        : ports_(given.size()), version_(version) {
        option_words gives = given, takes = taken;
        for (option_words* side : {&gives, &takes})
            for (std::vector<int>& widths : *side) {
                std::sort(widths.begin(), widths.end());
                widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
            }
        for (std::size_t s = 0; s < streams.size(); ++s) {
            const stream_edge& e = streams[s];
            priced_edge priced{e.from, e.to, takes[e.to].size()};
            bool any = false;
            for (const int from : gives[e.from])
                for (const int to : takes[e.to]) {
                    priced.needs.push_back(price(s, from, to));
                    any = any || priced.needs.back() != resource_vector{};
                }
            if (any) edges_.push_back(std::move(priced));
        }
        if (edges_.empty()) return;
        std::vector<row_widths> widths(given.size());
        for (const priced_edge& e : edges_)
            widths[e.from].out = gives[e.from].size(), widths[e.to].in = takes[e.to].size();
        for (std::size_t i = 0; i < given.size(); ++i)
            set_ports(i, given[i], taken[i], gives[i], takes[i], widths[i]);
        std::vector<stream_edge> ends;
        of_.resize(given.size());
        for (const priced_edge& e : edges_) {
            of_[e.from].push_back(ends.size()), of_[e.to].push_back(ends.size());
            ends.push_back({e.from, e.to});
        }
        order_ = detail::row_order(widths, ends);
        for (const row_widths& w : widths) rises_.emplace_back(w.in, w.out);
        for (const priced_edge& e : edges_) {
            const auto need = [&](std::size_t out, std::size_t in) -> const resource_vector& {
                return e.needs[out * e.widths_in + in];
            };
            rises_[e.to].add_taken(widths[e.from].out, need);
            rises_[e.from].add_given(
                widths[e.to].in, [&](std::size_t in, std::size_t out) -> const resource_vector& {
                    return need(out, in);
                });
        }
        for (std::size_t r = 0; r < most_.size(); ++r)
            for (const priced_edge& e : edges_) {
                double most = 0.0;
                for (const resource_vector& need : e.needs) most = std::max(most, need[r]);
                most_[r] += most;
            }
    }

    /// Whether no stream has a price.
    bool empty() const { return edges_.empty(); }
    /// Those that have a price.
    std::span<const priced_edge> edges() const { return edges_; }
    /// Indices of the streams of row `i`.
    std::span<const std::size_t> of(std::size_t i) const { return of_[i]; }
    /// Ports of the options of row `i`; empty when nothing has a price.
    std::span<const stream_port> ports(std::size_t i) const {
        return edges_.empty() ? std::span<const stream_port>{} : ports_[i];
    }
    /// When options of row `i` with other widths are as good.
    const port_rises& rises(std::size_t i) const { return rises_[i]; }
    /// No design needs more between its stages.
    const resource_vector& most() const { return most_; }
    /// In which rows are looked at.
    const detail::row_order& order() const { return order_; }
    /// Another one after every change.
    std::uint64_t version() const { return version_; }

    /// What a choice needs, row i at port(i).
    template <class Port>
    resource_vector total(const Port& port) const {
        resource_vector sum{};
        for (const priced_edge& e : edges_) {
            const resource_vector& need = e.need(port(e.from), port(e.to));
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += need[r];
        }
        return sum;
    }

  private:
    template <Engine E>
    static usage checked(const E& engine, int from, int to, int bits) {
        const usage u = squeeze_cost(engine, from, to, bits);
        for (const resource& r : resources)
            if (!(u.*r.field >= 0.0))
                throw error(text_of({"allocate: a squeeze from ", from, " to ", to, " words costs ",
                                     u.*r.field, " ", std::string(r.name)}));
        return u;
    }

    template <class Options, class Words>
    static option_words words_of(const network_view& rows, const Options& options,
                                 const Words& words) {
        option_words of(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i)
            for (const row_option& c : options(i)) of[i].push_back(words(rows.rows[i], c));
        return of;
    }

    void set_ports(std::size_t i, const std::vector<int>& given, const std::vector<int>& taken,
                   const std::vector<int>& gives, const std::vector<int>& takes,
                   row_widths& widths) {
        const auto index = [](const std::vector<int>& all, int words) {
            return static_cast<std::uint16_t>(std::lower_bound(all.begin(), all.end(), words) -
                                              all.begin());
        };
        for (std::size_t k = 0; k < given.size(); ++k) {
            stream_port p;
            if (widths.in > 0) p.in = index(takes, taken[k]);
            if (widths.out > 0) p.out = index(gives, given[k]);
            ports_[i].push_back(p);
        }
        if (widths.in == 0 || widths.out == 0) return;
        // where the one width tells the other they count as one
        std::vector<int> out_of(widths.in, -1), in_of(widths.out, -1);
        widths.same = true;
        for (const stream_port& p : ports_[i]) {
            int& out = out_of[p.in];
            int& in = in_of[p.out];
            widths.same = widths.same && (out < 0 || out == p.out) && (in < 0 || in == p.in);
            out = p.out, in = p.in;
        }
    }

    std::vector<priced_edge> edges_;
    std::vector<std::vector<std::size_t>> of_;
    std::vector<std::vector<stream_port>> ports_;
    std::vector<port_rises> rises_;
    resource_vector most_{};
    detail::row_order order_;
    std::uint64_t version_ = 0;
};

}  // namespace hass
