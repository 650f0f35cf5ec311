/// \file own_pace.hpp
/// How long a single image takes through an empty pipeline, where each stage goes at its own pace:
/// one in front of the slowest is ahead of it, one behind it waits and then is done soon after.
/// (`fill.hpp` is for the image behind another one, at the pace of the interval.)
///
/// A place u in a map of P pixels is the share of it that came before, 0 .. 1 - 1 / P. With A(u)
/// when the pixel at u of a stage's input is there, c its cycles for the image and N(u) the place up
/// to which its windows need their input for output u, its output is there at
///
///     B(u) = max over v <= u of ( A(N(v)) + (u - v) c ) + c / P_out + adder tree
///
/// that is: when the window has the last pixel that it needs and the stage has done the pixels
/// before. At joins A is the later one. Global pools add up while pixels come. N is taken as the
/// least concave function that is nowhere below it (`needed_input.hpp`), exact for the first and
/// the last output and in error by less than two lines between; a pixel is passed on when it has
/// all of its channels. So this is an upper bound of what a simulation of pixels takes, and never
/// above the latency at the pace of the interval.
///
/// B is the latest of a few rays, each of which starts at some place and rises at the pace of some
/// stage so far. Where they start depends on the windows alone, so the latency is the largest of
/// sums over paths of (share of the image) x (cycles of a stage): about 1 for the one that holds
/// the others up, what windows wait for for the others.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/pipeline/needed_input.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// A stage for one image: its cycles, and what a pixel takes beside them (`pixel_latency` of 0).
struct stage_pace {
    double cycles = 0.0;  ///< for one image
    double delay = 0.0;   ///< cycles of a pixel beside them
};

namespace detail {

/// Cycles at which the pixels of a map are there, or later: level from `until` on, nothing said
/// before `from`.
struct ray {
    double from = 0.0;
    double until = 0.0;
    double at = 0.0;    ///< at `from`
    double pace = 0.0;  ///< cycles for the whole map
    int paced_by = network_input;
    double share = 0.0;  ///< of that row's cycles, `pace`
    int parent = -1;     ///< the ray it comes from, at `entry`
    double entry = 0.0;
    int row = network_input;  ///< in whose output it stands
    double pixel = 0.0;       ///< share of that row's cycles that the entry took

    constexpr double operator()(double place) const {
        return at + (std::min(place, until) - from) * pace;
    }
    /// Whether this is never below `o` up to the place `last`. Both bend once.
    constexpr bool covers(const ray& o, double last) const {
        if (from > o.from) return false;
        for (const double place : {o.from, until, o.until, last})
            if (place >= o.from && (*this)(place) < o(place)) return false;
        return true;
    }
};

}  // namespace detail

/// See the head of the file. The network's edges have to be in order, and outlive this.
class own_pace {
  public:
    /// \param net  outlives this.
    constexpr explicit own_pace(const network_view& net) : edges_(net.edges) {
        rows_.reserve(net.size());
        for (const layer_row& row : net.rows) {
            passage p;
            p.adds_up = row.kind == layer_kind::global_average_pool;
            p.pixel = 1.0 / static_cast<double>(p.adds_up ? row.in.pixels() : row.out.pixels());
            p.last = 1.0 - p.pixel;
            p.needs = detail::needed_input(row);
            rows_.push_back(p);
        }
    }

    /// What the next latency is of, row by row.
    constexpr void set(std::size_t row, const stage_pace& stage) { rows_[row].stage = stage; }

    /// Cycles from the image's first pixel to the last pixel of the last result.
    /// \param image_cycles  in which the image itself comes, pixel by pixel at a steady pace
    constexpr double latency(double image_cycles) {
        rays_.clear();
        rays_.reserve(8 * rows_.size());
        detail::ray image;
        image.until = 1.0, image.pace = image_cycles, image.share = 1.0;
        rays_.push_back(image);
        end_ray_ = 0;
        double latency = 0.0;
        std::size_t k = 0;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const auto row = static_cast<int>(i);
            rows_[i].begin = rays_.size();
            if (k == edges_.size() || edges_[k].to != row) pass(0, 1, row);  // the image
            for (; k < edges_.size() && edges_[k].to == row; ++k) {
                if (edges_[k].from == network_input) {
                    pass(0, 1, row);
                } else {
                    const passage& from = rows_[static_cast<std::size_t>(edges_[k].from)];
                    pass(from.begin, from.end, row);
                }
            }
            if (rows_[i].adds_up) add_up(row);
            rows_[i].end = rays_.size();
            for (std::size_t r = rows_[i].begin; r < rows_[i].end; ++r) {
                const double end = rays_[r](1.0);
                if (end > latency) latency = end, end_ray_ = static_cast<int>(r);
            }
        }
        return latency;
    }

    /// The latency of these stages, one a row.
    constexpr double operator()(std::span<const stage_pace> stages, double image_cycles) {
        for (std::size_t i = 0; i < rows_.size(); ++i) set(i, stages[i]);
        return latency(image_cycles);
    }

    /// Of the last latency: how often each row's cycles are in it, and whether its delay is.
    /// \param images, on  one a row
    /// \returns how often those of the image are
    constexpr double path(std::vector<double>& images, std::vector<double>& on) const {
        images.assign(rows_.size(), 0.0);
        on.assign(rows_.size(), 0.0);
        double of_image = 0.0;
        double place = 1.0;
        for (int r = end_ray_; r >= 0;) {
            const detail::ray& at = rays_[static_cast<std::size_t>(r)];
            const double travelled = (std::min(place, at.until) - at.from) * at.share;
            (at.paced_by == network_input ? of_image
                                          : images[static_cast<std::size_t>(at.paced_by)]) +=
                travelled;
            if (at.pixel > 0.0) {
                images[static_cast<std::size_t>(at.row)] += at.pixel;
                on[static_cast<std::size_t>(at.row)] = 1.0;
            }
            place = at.entry, r = at.parent;
        }
        return of_image;
    }

  private:
    /// A row, what it does with places in its maps, and its rays [begin, end) of `rays_`.
    struct passage {
        stage_pace stage{};
        detail::knot_list needs{};
        double last = 0.0;     ///< the last place in its output
        double pixel = 1.0;    ///< share of an image's cycles between last input and output
        bool adds_up = false;  ///< works while pixels arrive, for a single one at the end
        std::size_t begin = 0, end = 0;
    };

    /// Adds what rays [first, last) become in a row, part by part of its needs.
    constexpr void pass(std::size_t first, std::size_t last, int row) {
        const passage& p = rows_[static_cast<std::size_t>(row)];
        const double cycles = p.stage.cycles;
        const double added = cycles * p.pixel + p.stage.delay;  // from the last input to the output
        for (std::size_t r = first; r < last; ++r) {
            const detail::ray in = rays_[r];
            const std::size_t parts = std::max(p.needs.count, std::size_t{2}) - 1;
            for (std::size_t k = 0; k < parts; ++k) {
                const detail::knot a = p.needs.at[k];
                const detail::knot b = p.needs.at[std::min(k + 1, p.needs.count - 1)];
                if (in.from > b.input) continue;
                // level since the part before: the stage's own pace from there on is later
                if (k > 0 && in.from <= a.input && in.until < a.input) break;
                const double slope =
                    b.output > a.output ? (b.input - a.input) / (b.output - a.output) : 0.0;
                const double entry = std::max(in.from, a.input);
                const double top = std::clamp(in.until, entry, b.input);
                const auto output = [&](double input) {
                    if (input == a.input) return a.output;
                    return input == b.input ? b.output : a.output + (input - a.input) / slope;
                };
                detail::ray out = in;
                out.from = output(entry), out.until = output(top), out.at = in(entry) + added;
                out.pace = in.pace * slope, out.share = in.share * slope;
                out.parent = static_cast<int>(r), out.entry = entry;
                out.row = row, out.pixel = p.pixel;
                if (out.pace >= cycles) {
                    add(out, p);
                    if (top == b.input) continue;
                    out.from = out.until, out.at = in(top) + added, out.entry = top;
                }
                out.until = p.last, out.pace = cycles, out.paced_by = row, out.share = 1.0;
                add(out, p);
            }
        }
    }

    /// Makes of a row's rays the one of a pixel that is there at their end.
    constexpr void add_up(int row) {
        passage& p = rows_[static_cast<std::size_t>(row)];
        std::size_t latest = p.begin;
        for (std::size_t r = p.begin; r < rays_.size(); ++r)
            if (rays_[r](p.last) > rays_[latest](p.last)) latest = r;
        detail::ray pixel;
        pixel.at = rays_[latest](p.last);
        pixel.parent = static_cast<int>(latest), pixel.entry = p.last, pixel.row = row;
        p.begin = rays_.size();
        rays_.push_back(pixel);
    }

    /// Adds a ray to those of a row, unless one of them covers it; drops what it covers.
    constexpr void add(const detail::ray& r, const passage& p) {
        for (std::size_t k = p.begin; k < rays_.size(); ++k)
            if (rays_[k].covers(r, p.last)) return;
        std::size_t kept = p.begin;
        for (std::size_t k = p.begin; k < rays_.size(); ++k)
            if (!r.covers(rays_[k], p.last)) rays_[kept++] = rays_[k];
        while (rays_.size() > kept) rays_.pop_back();
        rays_.push_back(r);
    }

    std::span<const edge> edges_;
    std::vector<passage> rows_;
    std::vector<detail::ray> rays_;  ///< the image's, then each row's
    int end_ray_ = 0;                ///< the one that ends last
};

}  // namespace hass
