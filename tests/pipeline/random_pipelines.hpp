// Small random pipelines with windows, strides, padding, joins and gates, and a reference that
// steps through them cycle by cycle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <hass/pipeline/simulate.hpp>
#include <hass/workload/layers.hpp>

#include "../engine/rows.hpp"
#include "image_rows.hpp"

namespace test {

using namespace hass;

// Chains whose branches part behind a row, and meet again.
class pipeline_builder {
  public:
    explicit pipeline_builder(draw::source& from) : from_(from) {}

    network operator()() {
        for (int blocks = 1 + from_.below(3); blocks-- > 0;) {
            from_.below(2) == 0 ? append(row()) : block();
            if (from_.below(2) == 0) append(row());
        }
        if (from_.below(3) == 0) {
            append(global_average_pool::row(at_));
            append(flatten::row(at_));
            append(linear<4, 4>::row(at_));
        } else if (from_.below(4) == 0) {
            append(flatten::row(at_));
        }
        validate(net_);
        return std::move(net_);
    }

  private:
    void append(const layer_row& r) { append(r, {last_}); }
    void append(const layer_row& r, const std::vector<int>& inputs) {
        for (const int i : inputs) net_.edges.push_back({i, static_cast<int>(net_.rows.size())});
        net_.rows.push_back(r);
        last_ = static_cast<int>(net_.rows.size()) - 1;
        at_ = r.out;
    }
    layer_row plain() const { return hass::detail::plain_layer<layer_kind::relu>::row(at_); }

    layer_row row() {
        if (from_.below(4) == 0) return plain();
        if (at_.pixels() < 100 && from_.below(4) == 0) return random_image_row(at_, from_);
        layer_row r;
        r.in = at_;
        if (from_.below(4) == 0) r.kind = layer_kind::max_pool;
        r.kernel_h = 1 + from_.below(3), r.kernel_w = 1 + from_.below(3);
        r.stride_h = 1 + from_.below(3), r.stride_w = 1 + from_.below(3);
        r.dilation_h = 1 + from_.below(2), r.dilation_w = 1 + from_.below(2);
        r.pad_top = from_.below(3), r.pad_left = from_.below(3);
        r.pad_bottom = from_.below(3), r.pad_right = from_.below(3);
        r.out = {at_.channels,
                 window_extent(at_.height, r.kernel_h, r.stride_h, r.pad_top, r.pad_bottom,
                               r.dilation_h),
                 window_extent(at_.width, r.kernel_w, r.stride_w, r.pad_left, r.pad_right,
                               r.dilation_w)};
        return r.out.height < 1 || r.out.width < 1 ? row() : r;
    }
    void keep_shape() {
        switch (from_.below(3)) {
            case 0:
                return append(plain());
            case 1:
                return append(conv2d<4, 4, 3, pad<1>>::row(at_));
            default:
                return append(conv2d<4, 4, 5, pad<2>>::row(at_));
        }
    }
    void block() {
        at_.channels = 4;
        if (last_ == network_input && from_.below(3) != 0) append(plain());
        const int split = last_;
        const shape before = at_;
        std::vector<int> ends;
        const bool gate = from_.below(4) == 0;
        if (gate) {
            append(global_average_pool::row(at_));
            if (from_.below(2) == 0) append(plain());
            ends = {split, last_};
        } else {
            const layer_row first = row();
            for (int n = 2 + from_.below(2); n-- > 0;) {
                last_ = split, at_ = before;
                append(first);
                for (int k = from_.below(3); k-- > 0;) keep_shape();
                ends.push_back(last_);
            }
            if (first.in == first.out && from_.below(2) == 0) ends.back() = split;
        }
        at_ = gate ? before : net_.rows[static_cast<std::size_t>(ends.front())].out;
        layer_row join = plain();
        join.kind = gate ? layer_kind::multiply : layer_kind::add;
        const bool sources = std::count(ends.begin(), ends.end(), network_input) > 0;
        if (!gate && !sources && at_.pixels() < 40 && from_.below(2) == 0) {
            join.kind = layer_kind::stack;
            (from_.below(2) == 0 ? join.out.height : join.out.width) *=
                static_cast<int>(ends.size());
        }
        append(join, ends);
    }

    draw::source& from_;
    network net_;
    int last_ = network_input;
    shape at_{4, 3 + from_.below(6), 3 + from_.below(6)};
};

// Whole cycles, so that the reference may step.
inline std::vector<service_trace> random_services(const network& net, std::size_t images,
                                                  draw::source& from) {
    std::vector<service_trace> all;
    for (const layer_row& row : net.rows) {
        service_trace t;
        const int most = 1 + from.below(12);
        t.least = row.kind == layer_kind::flatten ? 0.0 : from.below(most);
        if (is_compute(row)) {
            t.intake = from.below(2) * from.below(4);
            t.lanes = static_cast<std::size_t>(1 + from.below(10));
            const auto count = images * static_cast<std::size_t>(firing_count(row)) * t.lanes;
            for (std::size_t k = 0; k < count; ++k)
                t.cycles.push_back(static_cast<float>(from.below(most)));
        }
        all.push_back(std::move(t));
    }
    return all;
}

inline fifo_depths random_depths(const network& net, draw::source& from) {
    fifo_depths d = fifo_depths::all(net, 0);
    for (auto& edge : d.edge) edge = from.below(6) == 0 ? unlimited : from.below(8);
    for (auto& ahead : d.ahead) ahead = from.below(6) == 0 ? unlimited : 1 + from.below(4);
    return d;
}

// Steps cycle by cycle through a pipeline. Every stage has a list of what each firing looks at, tap
// by tap, and every edge the pixels that lie in it.
class stepper {
  public:
    stepper(const network& net, const std::vector<service_trace>& services,
            const fifo_depths& depths, std::size_t images, double source_cycles)
        : images_(images), source_(source_cycles) {
        for (std::size_t i = 0; i < net.rows.size(); ++i) {
            const layer_row& row = net.rows[i];
            stage s{services[i]};
            s.adds_up =
                row.kind == layer_kind::global_average_pool || row.kind == layer_kind::flatten;
            s.firings = static_cast<std::size_t>(s.adds_up ? row.in.pixels() : row.out.pixels());
            s.ahead = s.service.lanes == 0 ? 1 : depths.ahead[i];
            s.lanes.resize(s.service.lanes + 1);
            stages_.push_back(std::move(s));
        }
        std::vector<shape> parts;  // of the row whose edges these are
        for (std::size_t k = 0; k < net.edges.size(); ++k) {
            const edge& e = net.edges[k];
            const layer_row& row = net.rows[static_cast<std::size_t>(e.to)];
            link l{e.from, static_cast<std::size_t>(e.to), e.from < 0 ? unlimited : depths.edge[k]};
            l.pixels = static_cast<std::size_t>(
                e.from < 0 ? row.in.pixels()
                           : net.rows[static_cast<std::size_t>(e.from)].out.pixels());
            parts = k > 0 && net.edges[k - 1].to == e.to ? std::move(parts) : std::vector<shape>();
            parts.push_back(e.from < 0 ? row.in : net.rows[static_cast<std::size_t>(e.from)].out);
            const auto width = static_cast<std::size_t>(row.out.width);
            for (std::size_t r = 0; r < stages_[l.to].firings; ++r)
                l.looks_at.push_back(row.kind == layer_kind::stack
                                         ? stack_taps(row, parts, parts.size() - 1,
                                                      static_cast<int>(r / width),
                                                      static_cast<int>(r % width))
                                         : taps_of(row, r, l.pixels));
            std::size_t window = 1;  // what has to be there at once
            for (std::size_t r = 0; r < l.looks_at.size(); ++r)
                window = std::max(
                    window, l.end_of(r) - (r == 0 ? 0 : std::min(l.end_of(r), l.first_since(r))));
            if (row.kind == layer_kind::reorder) window *= 2;  // two maps in turn
            if (l.depth != unlimited) l.depth += static_cast<std::int64_t>(window);
            l.intake = services[l.to].intake;
            links_.push_back(std::move(l));
        }
    }

    // When each image has left; empty where nothing moves any more.
    std::vector<double> run() {
        std::vector<double> ends(images_, 0.0);
        std::size_t idle = 0;
        for (now_ = 0.0;; now_ += 1.0) {
            bool any = false;
            for (bool moved = true; moved;) {
                moved = false;
                for (link& l : links_) moved |= take(l);
                for (std::size_t i = 0; i < stages_.size(); ++i) moved |= step(i, ends);
                any |= moved;
            }
            bool all = true;
            for (const stage& s : stages_) all &= s.given == images_ * s.firings;
            if (all) return ends;
            idle = any ? 0 : idle + 1;
            for (stage& s : stages_)
                for (lane& l : s.lanes)
                    if (l.busy) l.left -= 1.0, idle = 0;
            for (link& l : links_) l.rest -= 1.0;
            if (idle > 1000) return {};
        }
    }

  private:
    struct lane {
        bool busy = false;
        double left = 0.0;
        std::size_t next = 0;  // firing
    };
    struct stage {
        service_trace service;
        bool adds_up = false;
        std::size_t firings = 1, ready = 0, given = 0;
        std::int64_t ahead = 1;
        std::vector<lane> lanes{};
    };
    struct link {
        int from;
        std::size_t to;
        std::int64_t depth;
        std::size_t pixels = 1, arrived = 0, gone = 0, taken = 0;
        double intake = 0.0, rest = 0.0;  // of the time between two pixels
        std::vector<std::vector<std::size_t>> looks_at{};

        // firings go in order: what an earlier one looks at, a later one has waited for
        std::size_t end_of(std::size_t r) const {
            std::size_t end = 0;
            for (std::size_t k = 0; k <= r; ++k)
                for (const std::size_t p : looks_at[k]) end = std::max(end, p + 1);
            return end;
        }
        std::size_t first_since(std::size_t r) const {
            std::size_t first = pixels;
            for (std::size_t k = r; k < looks_at.size(); ++k)
                for (const std::size_t p : looks_at[k]) first = std::min(first, p);
            return first;
        }
    };

    static std::vector<std::size_t> taps_of(const layer_row& row, std::size_t r,
                                            std::size_t pixels) {
        if (pixels == 1) return {0};
        std::vector<std::size_t> at;
        const bool windowed =
            row.kind == layer_kind::convolution || row.kind == layer_kind::max_pool;
        const int y = static_cast<int>(r) / row.out.width, x = static_cast<int>(r) % row.out.width;
        if (is_image_row(row)) return image_taps(row, y, x);
        if (!windowed) return {r};
        for (int i = 0; i < row.kernel_h; ++i)
            for (int j = 0; j < row.kernel_w; ++j) {
                const int v = std::clamp(y * row.stride_h + i * row.dilation_h - row.pad_top, 0,
                                         row.in.height - 1);
                const int u = std::clamp(x * row.stride_w + j * row.dilation_w - row.pad_left, 0,
                                         row.in.width - 1);
                at.push_back(static_cast<std::size_t>(v * row.in.width + u));
            }
        return at;
    }

    // Takes the next pixel into the window, where it has come and the one before is long enough ago.
    bool take(link& l) const {
        const double at = source_ * static_cast<double>(l.taken) / static_cast<double>(l.pixels);
        const bool came =
            l.from < 0 ? l.taken < images_ * l.pixels && now_ >= at : l.taken < l.arrived;
        if (!came || l.rest > 0.0) return false;
        ++l.taken;
        l.rest = l.intake;
        return true;
    }

    bool inputs_there(std::size_t i, std::size_t firing) const {
        const std::size_t image = firing / stages_[i].firings, r = firing % stages_[i].firings;
        for (const link& l : links_) {
            if (l.to != i) continue;
            if (l.taken < image * l.pixels + l.end_of(r)) return false;
        }
        return true;
    }

    double cycles(const stage& s, std::size_t l, std::size_t firing) const {
        if (l == s.service.lanes) return s.service.least;
        return static_cast<double>(
            s.service.cycles[(firing * s.service.lanes + l) % s.service.cycles.size()]);
    }

    bool step(std::size_t i, std::vector<double>& ends) {
        stage& s = stages_[i];
        bool moved = false;
        for (std::size_t l = 0; l < s.lanes.size(); ++l) {
            lane& at = s.lanes[l];
            if (at.busy && at.left <= 0.0) at.busy = false, ++at.next, moved = true;
            if (!at.busy && at.next < images_ * s.firings &&
                static_cast<std::int64_t>(at.next - s.given) < s.ahead && inputs_there(i, at.next))
                at.busy = true, at.left = cycles(s, l, at.next), moved = true;
        }
        std::size_t slowest = images_ * s.firings;
        for (const lane& at : s.lanes) slowest = std::min(slowest, at.next);
        for (; s.ready < slowest; ++s.ready, moved = true) {
            const std::size_t image = s.ready / s.firings, r = s.ready % s.firings;
            for (link& l : links_)
                if (l.to == i)
                    l.gone =
                        image * l.pixels + (r + 1 == s.firings ? l.pixels : l.first_since(r + 1));
        }
        if (s.given == s.ready) return moved;
        if (s.adds_up && (s.given + 1) % s.firings != 0) return ++s.given, true;
        for (const link& l : links_)
            if (l.from == static_cast<int>(i) && l.depth != unlimited &&
                static_cast<std::int64_t>(l.arrived) - static_cast<std::int64_t>(l.gone) >= l.depth)
                return moved;
        bool last = true;
        for (link& l : links_)
            if (l.from == static_cast<int>(i)) ++l.arrived, last = false;
        ++s.given;
        if (last && s.given % s.firings == 0) {
            double& end = ends[s.given / s.firings - 1];
            end = std::max(end, now_);
        }
        return true;
    }

    std::size_t images_;
    double source_, now_ = 0.0;
    std::vector<stage> stages_;
    std::vector<link> links_;
};

}  // namespace test
