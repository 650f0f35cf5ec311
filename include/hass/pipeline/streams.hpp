/// \file streams.hpp
/// Which streams a pipeline has beside its stages: what each of them leads from and to, behind
/// `flatten`, which renames wires; where the image comes in and answers go out; and how many copies
/// a stage's output is made into. Does not depend on the design; what is priced of it is in
/// `squeeze.hpp`.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <hass/workload/network.hpp>

namespace hass {

/// From one row to another one that reads it.
struct stream_edge {
    std::size_t from = 0;  ///< row that gives
    std::size_t to = 0;    ///< row that takes

    constexpr bool operator==(const stream_edge&) const = default;
};

/// Beside the streams between rows: what one row has of its own.
struct stream_ends {
    int images = 0;   ///< inputs that come from the image, or through a cut
    int answers = 0;  ///< outputs that are answers, or leave through a cut: 0 or 1
    int copies = 0;   ///< readers of its output, answers included

    constexpr bool operator==(const stream_ends&) const = default;
};

/// See the head of the file.
class network_streams {
  public:
    /// \param leaves  one a row: not 0 where its output leaves although rows read it; may be empty
    /// \throws hass::error never; edges that are out of order are `evaluate`'s to refuse
    constexpr explicit network_streams(const network_view& net, std::span<const char> leaves = {});

    /// In the order of the network's edges; without `flatten`, image and answers.
    constexpr std::span<const stream_edge> edges() const { return edges_; }
    /// Of row `i`; nothing for flatten.
    constexpr const stream_ends& ends(std::size_t i) const { return ends_[i]; }

  private:
    std::vector<stream_edge> edges_;
    std::vector<stream_ends> ends_;
};

constexpr network_streams::network_streams(const network_view& net, std::span<const char> leaves)
    : ends_(net.size()) {
    const auto renamed = [&](std::size_t i) { return renames(net.rows[i]); };
    // whose output each row's output is: its own, or what flatten renames
    std::vector<int> source(net.size(), 0);
    std::vector<char> read(net.size(), 0);
    for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<int>(i);
    const auto lead = [&](int from, std::size_t to) {
        if (from != network_input) read[static_cast<std::size_t>(from)] = 1;
        const int gives = from == network_input ? from : source[static_cast<std::size_t>(from)];
        if (renamed(to)) {
            source[to] = gives;
        } else if (gives == network_input) {
            ++ends_[to].images;
        } else {
            edges_.push_back({static_cast<std::size_t>(gives), to});
            ++ends_[static_cast<std::size_t>(gives)].copies;
        }
    };
    if (net.edges.empty()) {  // a chain
        for (std::size_t i = 0; i < net.size(); ++i) lead(static_cast<int>(i) - 1, i);
    } else {
        for (const edge& e : net.edges) {
            const auto to = static_cast<std::size_t>(e.to);
            if (e.to >= 0 && to < net.size() && e.from < e.to && e.from >= network_input)
                lead(e.from, to);
        }
    }
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (read[i] != 0 && (leaves.empty() || leaves[i] == 0)) continue;
        if (source[i] == network_input) continue;
        stream_ends& of = ends_[static_cast<std::size_t>(source[i])];
        if (of.answers == 0) of.answers = 1, ++of.copies;
    }
}

}  // namespace hass
