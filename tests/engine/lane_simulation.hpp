// Lanes, cycle by cycle, as their RTL does it (lane.sv): FIFOs of masks that are filled a window a
// cycle while none is full, a priority encoder a lane, and a barrier at the end of dot products.
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
    lane_simulation(std::size_t lanes, std::size_t depth) : lanes_(lanes), depth_(depth) {}

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
            const bool pop = load && !l.fifo.empty();
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
            if (window != nullptr && (last || (*window)[n] != 0))
                l.fifo.push_back({(*window)[n], last});
        }
        return all;
    }

  private:
    struct entry {
        std::uint64_t mask;
        bool last;
    };
    struct lane {
        std::deque<entry> fifo{};
        std::uint64_t mask = 0;
        bool valid = false, last = false, waiting = false;
        bool one = false, finished = false;  ///< in this cycle
    };

    std::vector<lane> lanes_;
    std::size_t depth_;
};

}  // namespace test
