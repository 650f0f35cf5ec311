/// \file critical_path.hpp
/// What held a pipeline up: the chain of events back from the last one, each of which began when the
/// one before had ended. Only the room that it waits for is worth enlarging.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/pipeline/firing.hpp>
#include <hass/pipeline/simulation.hpp>
#include <hass/pipeline/time_ring.hpp>

namespace hass::detail {

/// An edge under way.
struct connection {
    std::size_t from, to;  ///< from: number of rows for the image
    input_firings firings;
    std::int64_t room = unlimited;         ///< pixels, the window's included
    double intake = 0.0;                   ///< cycles at least between pixels
    std::int64_t intake_room = unlimited;  ///< of `room`: pixels that are taken in
    time_ring released{};
    std::int64_t taken = 0, since = 0;  ///< pixels in, and the last one that the intake waited for
    double last_in = 0.0;
};

/// What a firing waited for: an edge, or the row itself.
struct firing_cause {
    static constexpr std::int16_t stage = -1;

    std::int32_t since = 0;      ///< firing since which the lane that was last has been busy
    std::int32_t word = 0;       ///< pixel of the input that was waited for
    std::int16_t start = stage;  ///< what that firing waited for: an input, or one before it
    std::int16_t done = stage;   ///< an edge that had no room; or nothing
};

/// A row whose firings are all done.
struct critical_row {
    std::int64_t firings, outputs;  ///< an image
    std::int64_t ahead;
    std::span<const firing_cause> causes;

    std::int64_t firing_of(std::int64_t output) const {
        return outputs == firings ? output : (output + 1) * firings - 1;
    }
    std::int64_t output_of(std::int64_t firing) const {
        return outputs == firings ? firing : (firing + 1) / firings - 1;
    }
};

/// Follows the path back from the last firing of row `i`.
inline critical_waits critical_path(std::span<const critical_row> rows,
                                    std::span<const connection> edges, std::size_t i) {
    critical_waits waits{std::vector<std::uint64_t>(edges.size(), 0),
                         std::vector<std::uint64_t>(rows.size(), 0)};
    std::int64_t k =
        rows[i].firings * (static_cast<std::int64_t>(rows[i].causes.size()) / rows[i].firings) - 1;
    const auto cause = [&] { return rows[i].causes[static_cast<std::size_t>(k)]; };
    while (true) {
        // each done ...
        if (const std::int16_t e = cause().done; e != firing_cause::stage) {
            const auto at = static_cast<std::size_t>(e);
            const connection& c = edges[at];
            ++waits.edge[at];
            // ... waited for the firing that let the word go whose place it took ...
            const std::int64_t word = rows[i].output_of(k) - c.room;
            const std::int64_t image = word / c.firings.pixels;
            const auto& released = c.firings.released;
            const auto r =
                std::upper_bound(released.begin(), released.end(), word % c.firings.pixels) -
                released.begin();
            i = c.to, k = image * rows[i].firings + r;
        }
        // ... or for its lane, busy since firing k, which waited for an input or for its row
        k = cause().since;
        const std::int16_t e = cause().start;
        if (e == firing_cause::stage) {
            if (k < rows[i].ahead) return waits;  // the beginning
            ++waits.ahead[i];
            k -= rows[i].ahead;
            continue;
        }
        const connection& c = edges[static_cast<std::size_t>(e)];
        if (c.from == rows.size()) return waits;
        const std::int32_t word = cause().word;
        i = c.from, k = rows[i].firing_of(word);
    }
}

}  // namespace hass::detail
