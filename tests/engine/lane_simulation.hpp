// Lanes, cycle by cycle, as their RTL does it (hass_lane.sv): FIFOs of masks that are filled a window a
// cycle while none is full, a priority encoder a lane, and a barrier at the end of dot products. The newest
// window is held back, to be marked as a dot product's last one where those behind it are empty; earlier
// lanes stored an empty window there, which took a cycle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace test {

/// All lanes that a stream of windows feeds.
class lane_simulation {
  public:
    /// \param holds  the newest window back
    lane_simulation(std::size_t lanes, std::size_t depth, bool holds = true)
        : lanes_(lanes), depth_(depth), holds_(holds) {}

    /// Whether a window can be pushed in this cycle.
    bool ready() const {
        return std::none_of(lanes_.begin(), lanes_.end(),
                            [&](const lane& l) { return l.fifo.size() == depth_; });
    }

    /// One clock edge. \param window  a mask a lane, or nullptr: none comes
    /// \returns whether a dot product ended
    bool step(const std::vector<std::uint64_t>* window, bool last) {
        bool all = true;
        for (lane& l : lanes_) {
            const bool one = l.valid && (l.mask & (l.mask - 1)) == 0;
            l.one = one, l.finished = l.waiting || (one && l.last);
            all = all && l.finished;
        }
        for (std::size_t n = 0; n < lanes_.size(); ++n) {
            lane& l = lanes_[n];
            const bool hold = l.finished && !all;
            const bool load = (!l.valid || l.one) && !hold;
            const bool empty = l.fifo.empty(), full = l.fifo.size() == depth_;
            const bool pop = load && !empty;
            l.waiting = hold;
            if (load) {
                l.valid = pop;
                if (pop) {
                    l.mask = l.fifo.front().mask, l.last = l.fifo.front().last;
                    l.fifo.pop_front();
                }
            } else {
                l.mask &= l.mask - 1;
            }
            if (hold) l.valid = false;
            const bool any = window != nullptr && (*window)[n] != 0;
            if (!holds_) {
                if (any || (window != nullptr && last)) l.fifo.push_back({(*window)[n], last});
                continue;
            }
            const bool open = l.held && !l.newest.last, ends = window != nullptr && last && !any;
            const bool keep = any || (ends && !open);
            const bool give = l.held && !full && (l.newest.last || any || (load && empty));
            if (ends && open) l.newest.last = true;
            if (give) l.fifo.push_back(l.newest);
            if (keep) l.newest = {(*window)[n], last};
            l.held = keep || (l.held && !give);
        }
        return all;
    }

  private:
    struct entry {
        std::uint64_t mask = 0;
        bool last = false;
    };
    struct lane {
        std::deque<entry> fifo{};
        std::uint64_t mask = 0;
        bool valid = false, last = false, waiting = false;
        bool one = false, finished = false;  ///< in this cycle
        entry newest{};
        bool held = false;
    };

    std::vector<lane> lanes_;
    std::size_t depth_;
    bool holds_;
};

}  // namespace test
