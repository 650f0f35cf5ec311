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
    double cycles = 0.0;
    double delay = 0.0;
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
    constexpr explicit own_pace(const network_view& net) : edges_(net.edges) {
        passages_.reserve(net.size());
        knots_.reserve(3 * net.size());
        for (const layer_row& row : net.rows) {
            passage p;
            p.adds_up = row.kind == layer_kind::global_average_pool;
            p.pixel = 1.0 / static_cast<double>(p.adds_up ? row.in.pixels() : row.out.pixels());
            p.last = 1.0 - p.pixel;
            p.knots.begin = knots_.size();
            if (p.adds_up)
                knots_.push_back({0.0, 0.0}), knots_.push_back({p.last, p.last});
            else
                detail::needed_input(row, knots_);
            p.knots.end = knots_.size();
            passages_.push_back(p);
        }
    }

    /// Cycles from the image's first pixel to the last pixel of the last result.
    /// \param stages        one a row
    /// \param image_cycles  in which the image itself comes, pixel by pixel at a steady pace
    constexpr double operator()(std::span<const stage_pace> stages, double image_cycles) {
        rays_.assign(1, {0.0, 1.0, 0.0, image_cycles, network_input, 1.0});
        of_row_.clear();
        of_row_.reserve(passages_.size());
        rays_.reserve(8 * passages_.size());
        end_ray_ = 0;
        double latency = 0.0;
        std::size_t k = 0;
        for (std::size_t i = 0; i < passages_.size(); ++i) {
            const place_in_network here{static_cast<int>(i), rays_.size(), stages[i].cycles,
                                        stages[i].cycles * passages_[i].pixel + stages[i].delay};
            if (k == edges_.size() || edges_[k].to != here.row) pass({0, 1}, here);  // the image
            for (; k < edges_.size() && edges_[k].to == here.row; ++k) {
                const int from = edges_[k].from;
                pass(from == network_input ? range{0, 1} : of_row_[static_cast<std::size_t>(from)],
                     here);
            }
            of_row_.push_back(passages_[i].adds_up ? add_up(here)
                                                   : range{here.begin, rays_.size()});
            for (std::size_t r = of_row_[i].begin; r < of_row_[i].end; ++r) {
                const double end = rays_[r](1.0);
                if (end > latency) latency = end, end_ray_ = static_cast<int>(r);
            }
        }
        return latency;
    }

    /// Of the last latency: how often each row's cycles are in it, and whether its delay is.
    /// \param images  one a row
    /// \returns how often those of the image are
    constexpr double path(std::vector<double>& images, std::vector<char>& on) const {
        images.assign(passages_.size(), 0.0);
        on.assign(passages_.size(), 0);
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
                on[static_cast<std::size_t>(at.row)] = 1;
            }
            place = at.entry, r = at.parent;
        }
        return of_image;
    }

  private:
    struct range {
        std::size_t begin = 0, end = 0;
    };
    /// What a row does with places in its maps.
    struct passage {
        range knots{};         ///< of N
        double last = 0.0;     ///< the last place in its output
        double pixel = 1.0;    ///< share of an image's cycles between last input and output
        bool adds_up = false;  ///< works while pixels arrive, for a single one at the end
    };
    struct place_in_network {
        int row;
        std::size_t begin;  ///< of its rays
        double cycles;
        double added;  ///< from the last input to the output
    };

    /// Adds what these rays become in a row, part by part of N.
    constexpr void pass(range of, const place_in_network& to) {
        const passage& p = passages_[static_cast<std::size_t>(to.row)];
        for (std::size_t r = of.begin; r < of.end; ++r) {
            const detail::ray in = rays_[r];
            const std::size_t parts = std::max(p.knots.end - p.knots.begin, std::size_t{2}) - 1;
            for (std::size_t k = p.knots.begin; k < p.knots.begin + parts; ++k) {
                const detail::knot& a = knots_[k];
                const detail::knot& b = knots_[std::min(k + 1, p.knots.end - 1)];
                if (in.from > b.input) continue;
                // level since the part before: the stage's own pace from there on is later
                if (k > p.knots.begin && in.from <= a.input && in.until < a.input) break;
                const double slope =
                    b.output > a.output ? (b.input - a.input) / (b.output - a.output) : 0.0;
                const double entry = std::max(in.from, a.input);
                const double top = std::clamp(in.until, entry, b.input);
                const auto output = [&](double input) {
                    return input == b.input || slope == 0.0 ? b.output
                                                            : a.output + (input - a.input) / slope;
                };
                const double from = entry == a.input ? a.output : output(entry);
                const double until = top == a.input ? a.output : output(top);
                detail::ray out = in;
                out.from = from, out.until = until, out.at = in(entry) + to.added;
                out.pace = in.pace * slope, out.share = in.share * slope;
                out.parent = static_cast<int>(r), out.entry = entry;
                out.row = to.row, out.pixel = p.pixel;
                const bool own = out.pace < to.cycles;
                if (own) out.until = p.last;
                if (own) out.pace = to.cycles, out.paced_by = to.row, out.share = 1.0;
                add(out, to.begin, p.last);
                if (own || top == b.input) continue;
                out.from = until, out.until = p.last, out.at = in(top) + to.added;
                out.pace = to.cycles, out.paced_by = to.row, out.share = 1.0, out.entry = top;
                add(out, to.begin, p.last);
            }
        }
    }

    /// Makes of a row's rays the one of a pixel that is there at their end.
    constexpr range add_up(const place_in_network& at) {
        const double last = passages_[static_cast<std::size_t>(at.row)].last;
        const std::size_t end = rays_.size();
        std::size_t latest = at.begin;
        for (std::size_t r = at.begin; r < end; ++r)
            if (rays_[r](last) > rays_[latest](last)) latest = r;
        detail::ray pixel;
        pixel.at = rays_[latest](last);
        pixel.parent = static_cast<int>(latest), pixel.entry = last, pixel.row = at.row;
        rays_.push_back(pixel);
        return {end, end + 1};
    }

    /// Adds a ray to those from `begin` on, unless one of them covers it; drops what it covers.
    constexpr void add(const detail::ray& r, std::size_t begin, double last) {
        for (std::size_t k = begin; k < rays_.size(); ++k)
            if (rays_[k].covers(r, last)) return;
        std::size_t kept = begin;
        for (std::size_t k = begin; k < rays_.size(); ++k)
            if (!r.covers(rays_[k], last)) rays_[kept++] = rays_[k];
        rays_.resize(kept);
        rays_.push_back(r);
    }

    std::span<const edge> edges_;
    std::vector<passage> passages_;
    std::vector<detail::knot> knots_;
    std::vector<detail::ray> rays_;  ///< the image's, then each row's
    std::vector<range> of_row_;
    int end_ray_ = 0;  ///< the one that ends last
};

}  // namespace hass
