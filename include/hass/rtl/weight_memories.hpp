/// \file weight_memories.hpp
/// The weights of a compute row as its engines' memories hold them: which line, which file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hass/rtl/compute_shape.hpp>
#include <hass/statistics/lane_plan.hpp>

namespace hass::rtl::detail {

/// Where the channels of a row's input stand in its stream: in their order, but those of a map that
/// was flattened channel by channel pixel by pixel.
class stream_order {
  public:
    explicit stream_order(const row_view& r) : channels_(r.row().in.channels) {
        const shape* map = flattened_map(r.net.net, r.index);
        if (map != nullptr) channels_ = map->channels, pixels_ = static_cast<int>(map->pixels());
    }
    /// Channel that comes at place `at` of a pixel's stream.
    int channel(int at) const { return at % channels_ * pixels_ + at / channels_; }

  private:
    int channels_, pixels_ = 1;
};

/// Weight of a position p of word w for filter f of all, as `hass_window` places them.
class weight_at {
  public:
    weight_at(const row_view& r, const compute_shape& s)
        : row_(r.row()),
          weights_(r.integers().weights),
          order_(r),
          lanes_(s.positions / taps(row_)) {}

    std::int64_t operator()(int filter, int word, int position) const {
        const int channel = order_.channel(word * lanes_ + position % lanes_);
        const int tap = position / lanes_;
        const std::int64_t at =
            (std::int64_t{filter} * channels_per_group(row_) + channel) * taps(row_) + tap;
        return weights_[static_cast<std::size_t>(at)];
    }

  private:
    const layer_row& row_;
    const std::vector<std::int16_t>& weights_;
    stream_order order_;
    int lanes_;
};

inline std::string two_digits(int n) {
    return text_of({n / 10, n % 10});
}

/// First filter of dot product d of a group: groups stand side by side in a word of sums.
inline int first_filter(const compute_shape& s, int dot, int group) {
    return (dot * s.groups + group) * s.filters;
}

/// Positions of a window in the order of an engine's: k MULTIPLIERS + n belongs to lane n.
using dealt_positions = std::vector<int>;

inline dealt_positions as_they_come(const compute_shape& s) {
    dealt_positions all(static_cast<std::size_t>(s.positions));
    for (int p = 0; p < s.positions; ++p) all[static_cast<std::size_t>(p)] = p;
    return all;
}

/// Positions dealt to lanes so that their weights balance (`lane_plan`), which costs wires alone:
/// taps of a channel; of rows of one tap, channels of a word.
inline dealt_positions balanced(const row_view& r, const compute_shape& s) {
    const layer_row& row = r.row();
    const parallelism& p = r.option.folding;
    std::vector<std::vector<int>> lanes(static_cast<std::size_t>(s.multipliers));
    if (taps(row) == 1) {
        for (int c = 0; c < s.positions; ++c) {
            int lane = c;  // as `lane_plan` folds cells
            for (int n = s.positions; n > s.multipliers; n /= 2)
                lane = std::min(lane, n - 1 - lane);
            lanes[static_cast<std::size_t>(lane)].push_back(c);
        }
    } else {
        const auto& weights = r.integers().weights;
        const lane_plan plan(row, std::vector<float>(weights.begin(), weights.end()));
        for (const lane_plan::base& b : plan.bases(p.shared <= most_masked ? p.shared : 0)) {
            if (b.in != p.in || b.macs != p.macs || b.vector != p.vector) continue;
            for (std::size_t n = 0; n < lanes.size(); ++n)
                for (const int cell : b.window[n])
                    lanes[n].push_back(cell % taps(row) * p.in + cell / taps(row));
        }
    }
    // the engine's first lanes are the longer ones
    std::stable_sort(lanes.begin(), lanes.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    dealt_positions all;
    for (std::size_t k = 0; all.size() < static_cast<std::size_t>(s.positions); ++k)
        for (const std::vector<int>& lane : lanes)
            if (k < lane.size()) all.push_back(lane[k]);
    return all;
}

/// Files of an engine of several: "_ee".
inline std::string engine_suffix(const compute_shape& s, int engine) {
    return s.engines > 1 ? "_" + two_digits(engine) : "";
}

/// A memory a lane, and a set of them an engine of `each` filters: line (d WORDS + w) STEPS + k holds
/// the weights of position k MULTIPLIERS + n.
inline std::vector<file> lane_memories(const row_view& r, const compute_shape& s,
                                       const dealt_positions& dealt) {
    const weight_at weight(r, s);
    const int each = s.filters / s.sets;
    std::vector<file> files;
    for (int e = 0; e < s.engines; ++e)
        for (int n = 0; n < s.multipliers; ++n) {
            memory_image image;
            for (int d = 0; d < s.dots; ++d)
                for (int w = 0; w < s.words; ++w)
                    for (int k = 0; k < s.steps; ++k) {
                        const auto at = static_cast<std::size_t>(k * s.multipliers + n);
                        const int first = first_filter(s, d, e / s.sets) + e % s.sets * each;
                        for (int f = first; f < first + each; ++f)
                            image.add(at < dealt.size() ? weight(f, w, dealt[at]) : 0,
                                      r.net.weight_bits);
                        image.end_word();
                    }
            files.push_back(
                {text_of({r.id(), "_weights", engine_suffix(s, e), "_", two_digits(n), ".mem"}),
                 image.text()});
        }
    return files;
}

inline std::string mask_file(const row_view& r, const compute_shape& s, int engine) {
    return s.engines > 1 ? text_of({r.id(), "_weights", engine_suffix(s, engine), "_masks.mem"})
                         : r.memory("masks");
}

/// ... and of engines that look at weights, which positions have any: line d WORDS + w.
inline std::vector<file> mask_memories(const row_view& r, const compute_shape& s,
                                       const dealt_positions& dealt) {
    const weight_at weight(r, s);
    const int each = s.filters / s.sets;
    std::vector<file> files;
    for (int e = 0; e < s.engines; ++e) {
        memory_image image;
        for (int d = 0; d < s.dots; ++d)
            for (int w = 0; w < s.words; ++w) {
                const int first = first_filter(s, d, e / s.sets) + e % s.sets * each;
                for (const int position : dealt) {
                    bool any = false;
                    for (int f = first; f < first + each; ++f)
                        any = any || weight(f, w, position) != 0;
                    image.add(any ? 1 : 0, 1);
                }
                image.end_word();
            }
        files.push_back({mask_file(r, s, e), image.text()});
    }
    return files;
}

/// A memory an SPE: line d WORDS + w holds the weights of a whole window, of a filter and a stream.
inline std::vector<file> spe_memories(const row_view& r, const compute_shape& s) {
    const weight_at weight(r, s);
    const parallelism& p = r.option.folding;
    std::vector<file> files;
    for (int e = 0; e < s.engines; ++e) {
        const int stream = e % p.in, filter = e / p.in % s.filters, group = e / p.in / s.filters;
        memory_image image;
        for (int d = 0; d < s.dots; ++d)
            for (int w = 0; w < s.words; ++w) {
                for (int t = 0; t < taps(r.row()); ++t)
                    for (int v = 0; v < p.vector; ++v)
                        image.add(weight(first_filter(s, d, group) + filter, w,
                                         (t * p.in + stream) * p.vector + v),
                                  r.net.weight_bits);
                image.end_word();
            }
        files.push_back({text_of({r.id(), "_weights_", two_digits(e), ".mem"}), image.text()});
    }
    return files;
}

/// A memory a list: line (b taps + t) WORDS + w holds the weights of the b-th filters for tap t and
/// the list's channel of word w.
inline std::vector<file> list_memories(const row_view& r, const compute_shape& s) {
    const weight_at weight(r, s);
    std::vector<file> files;
    for (int n = 0; n < s.lanes_in; ++n) {
        memory_image image;
        for (int b = 0; b < s.replays; ++b)
            for (int t = 0; t < taps(r.row()); ++t)
                for (int w = 0; w < s.words; ++w) {
                    for (int f = 0; f < s.filters; ++f)
                        image.add(weight(b * s.filters + f, w, t * s.lanes_in + n),
                                  r.net.weight_bits);
                    image.end_word();
                }
        files.push_back({text_of({r.id(), "_weights_", two_digits(n), ".mem"}), image.text()});
    }
    return files;
}

}  // namespace hass::rtl::detail
