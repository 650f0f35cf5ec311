/// \file schedule.hpp
/// In which buffers the rows of a network leave their results: a result's buffer is free again
/// after its last use, element-wise rows work in place, and activations that follow a compute row
/// are folded into it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <hass/emulate/gemm.hpp>
#include <hass/workload/model.hpp>

namespace hass::detail {

/// Bounds of a clipping activation row. A relu6 without bounds of its own, as one that a type
/// describes, goes from 0 to 6; one with a lower bound alone has no upper one.
inline clamp bounds_of(const layer_row& row, const layer_parameters& p) {
    const layer_parameters untouched;
    const bool own = p.lower != untouched.lower || p.upper != untouched.upper;
    return {p.lower, row.kind == layer_kind::relu6 && !own ? 6.0F : p.upper};
}

class schedule {
  public:
    /// Where one row works.
    struct step {
        std::vector<std::size_t> inputs;  ///< buffers it reads, in the order of its edges
        std::vector<shape> shapes;        ///< of these inputs
        std::size_t output = 0;           ///< buffer it writes; may be inputs[0]
        bool done = false;  ///< nothing to do: folded into its input, or only another view of it
        clamp bounds;       ///< of the activation folded into this row
        bool last_use = false;  ///< nobody reads what stands in inputs[0] after this row
    };

    explicit schedule(const model& m) {
        const std::size_t n = m.net.rows.size();
        std::vector<std::vector<std::size_t>> from(n);  // results are numbered row + 1, 0: image
        std::vector<std::size_t> consumers(n + 1, 0);
        for (const edge& e : m.net.edges) {
            from[static_cast<std::size_t>(e.to)].push_back(static_cast<std::size_t>(e.from + 1));
            ++consumers[static_cast<std::size_t>(e.from + 1)];
        }
        steps_.resize(n);
        std::vector<std::size_t> root(n + 1, 0);
        for (std::size_t i = 0; i < n; ++i) {
            const layer_row& row = m.net.rows[i];
            const std::size_t source = from[i].front();
            const bool clips = row.kind == layer_kind::relu || row.kind == layer_kind::relu6;
            const bool folds =
                clips && source > 0 && consumers[source] == 1 && is_compute(m.net.rows[source - 1]);
            const bool same = row.kind == layer_kind::reshape ||
                              (row.kind == layer_kind::flatten && row.in.pixels() == 1);
            if (folds) steps_[source - 1].bounds = bounds_of(row, m.parameters[i]);
            steps_[i].done = folds || same;
            root[i + 1] = steps_[i].done ? root[source] : i + 1;
        }
        place(m, from, root);
        result_volume_ = static_cast<std::size_t>(m.net.rows.back().out.volume());
        std::vector<bool> live(buffers_.size(), false);
        live[result()] = true;
        for (std::size_t i = n; i-- > 0;) {
            step& s = steps_[i];
            s.last_use = !live[s.inputs.front()];
            if (s.done) continue;
            live[s.output] = false;
            for (const std::size_t b : s.inputs) live[b] = true;
        }
    }

    const step& operator[](std::size_t row) const { return steps_[row]; }

    /// A value that is still read: its buffer and its floats an image.
    struct held {
        std::size_t buffer = 0;
        std::size_t volume = 0;

        bool operator==(const held&) const = default;
    };
    /// What row `row` and those after it read, as it stands in front of that row; buffers
    /// ascending. Found anew each time, backwards from the result: what a row writes was not needed
    /// before it, what it reads was. A list of every row would grow with the square of their
    /// number.
    std::vector<held> live(std::size_t row) const {
        std::map<std::size_t, std::size_t> needed{{result(), result_volume_}};
        for (std::size_t i = steps_.size(); i-- > row;) {
            const step& s = steps_[i];
            if (s.done) continue;
            needed.erase(s.output);
            for (std::size_t k = 0; k < s.inputs.size(); ++k)
                needed[s.inputs[k]] = static_cast<std::size_t>(s.shapes[k].volume());
        }
        std::vector<held> all;
        for (const auto& [buffer, volume] : needed) all.push_back({buffer, volume});
        return all;
    }
    /// Floats an image of `live(row)`.
    std::size_t live_floats(std::size_t row) const {
        std::size_t sum = 0;
        for (const held& h : live(row)) sum += h.volume;
        return sum;
    }
    /// Floats an image in each buffer. Buffer 0 begins with the image.
    const std::vector<std::size_t>& buffers() const { return buffers_; }
    std::size_t image() const { return 0; }
    std::size_t result() const { return steps_.back().output; }
    std::size_t floats_per_image() const {
        std::size_t sum = 0;
        for (const std::size_t b : buffers_) sum += b;
        return sum;
    }

  private:
    static bool in_place(layer_kind kind) {
        switch (kind) {
            case layer_kind::add:
            case layer_kind::multiply:
            case layer_kind::relu:
            case layer_kind::relu6:
            case layer_kind::hardswish:
            case layer_kind::hardsigmoid:
            case layer_kind::sigmoid:
            case layer_kind::swish:
            case layer_kind::softmax:
            case layer_kind::subtract:
            case layer_kind::divide:
            case layer_kind::minimum:
            case layer_kind::maximum:
            case layer_kind::add_map:
            case layer_kind::multiply_map:
            case layer_kind::leaky_relu:
            case layer_kind::function:
            case layer_kind::group_norm:
            case layer_kind::layer_norm:
            case layer_kind::rms_norm:
            case layer_kind::log_softmax:
                return true;
            default:
                return false;
        }
    }

    void place(const model& m, const std::vector<std::vector<std::size_t>>& from,
               const std::vector<std::size_t>& root) {
        const std::size_t n = steps_.size();
        std::vector<std::size_t> uses(n + 1, 0);
        for (std::size_t i = 0; i < n; ++i)
            if (!steps_[i].done)
                for (const std::size_t f : from[i]) ++uses[root[f]];
        ++uses[root[n]];  // the network's own result is never given away
        const shape image = input_shape(m.net);
        const auto volume_of = [&](std::size_t result) {
            const shape s = result == 0 ? image : m.net.rows[result - 1].out;
            return static_cast<std::size_t>(s.volume());
        };
        std::vector<std::size_t> buffer(n + 1, 0);
        std::set<spare> free;
        const auto give_back = [&](std::size_t b) { free.emplace(buffers_[b], b); };
        buffers_.push_back(volume_of(0));
        for (std::size_t i = 0; i < n; ++i) {
            step& s = steps_[i];
            for (const std::size_t f : from[i]) {
                s.inputs.push_back(buffer[root[f]]);
                s.shapes.push_back(f == 0 ? image : m.net.rows[f - 1].out);
            }
            if (s.done) {
                s.output = buffer[root[i + 1]];
                continue;
            }
            const std::size_t volume = volume_of(i + 1);
            const std::size_t first = root[from[i].front()];
            const bool takes_over =
                in_place(m.net.rows[i].kind) && uses[first] == 1 && volume_of(first) == volume;
            s.output = takes_over ? buffer[first] : acquire(free, volume);
            buffer[i + 1] = s.output;
            for (const std::size_t f : from[i])
                if (--uses[root[f]] == 0 && !(takes_over && root[f] == first))
                    give_back(buffer[root[f]]);
            if (uses[i + 1] == 0) give_back(s.output);
        }
    }

    /// A buffer nobody needs now: its floats an image, and its number.
    using spare = std::pair<std::size_t, std::size_t>;

    /// The smallest free buffer that is large enough, else the largest, grown, else a new one.
    std::size_t acquire(std::set<spare>& free, std::size_t volume) {
        if (free.empty()) {
            buffers_.push_back(volume);
            return buffers_.size() - 1;
        }
        auto best = free.lower_bound({volume, 0});
        if (best == free.end()) --best;
        const std::size_t chosen = best->second;
        free.erase(best);
        buffers_[chosen] = std::max(buffers_[chosen], volume);
        return chosen;
    }

    std::vector<step> steps_;
    std::vector<std::size_t> buffers_;
    std::size_t result_volume_ = 0;
};

/// Makes buffers large enough for `size` images, and to be read by packets.
inline void reserve(const schedule& s, std::size_t size, std::vector<std::vector<float>>& buffers) {
    buffers.resize(s.buffers().size());
    for (std::size_t b = 0; b < buffers.size(); ++b)
        if (buffers[b].size() < size * s.buffers()[b] + packet_slack)
            buffers[b].resize(size * s.buffers()[b] + packet_slack);
}

/// The values of `size` images in one piece.
inline std::vector<float> gather(const std::vector<schedule::held>& live, std::size_t size,
                                 const std::vector<std::vector<float>>& buffers) {
    std::size_t floats = 0;
    for (const schedule::held& h : live) floats += size * h.volume;
    std::vector<float> state;
    state.reserve(floats);
    for (const schedule::held& h : live) {
        const auto from = buffers[h.buffer].begin();
        state.insert(state.end(), from, from + static_cast<std::ptrdiff_t>(size * h.volume));
    }
    return state;
}

/// Puts back what `gather` took.
inline void scatter(const std::vector<schedule::held>& live, std::size_t size,
                    std::span<const float> state, std::vector<std::vector<float>>& buffers) {
    auto from = state.begin();
    for (const schedule::held& h : live) {
        const auto end = from + static_cast<std::ptrdiff_t>(size * h.volume);
        std::copy(from, end, buffers[h.buffer].begin());
        from = end;
    }
}

}  // namespace hass::detail
