/// \file parzen.hpp
/// The density estimate inside TPE: a mixture of one truncated normal per observation and axis,
/// plus a wide prior kernel. All coordinates here are model coordinates (axis::to_model).
///
/// Rules and constants are those of Optuna's TPESampler (5.0, and 4.9 where they differ), itself
/// after Bergstra et al., "Algorithms for hyper-parameter optimization" (2011) and Watanabe,
/// "Tree-structured Parzen estimator" (2023).
///
/// Where the kernels are kept stands in `parzen_columns.hpp`, how they are summed in
/// `parzen_blocks.hpp`.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/packed_exp.hpp>
#include <hass/search/parzen_blocks.hpp>
#include <hass/search/parzen_cell.hpp>
#include <hass/search/parzen_columns.hpp>
#include <hass/search/parzen_kernels.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/stable_math.hpp>
#include <hass/search/truncated_normal.hpp>

namespace hass {

/// How a mixture is used: all axes of a candidate from one kernel, or each axis for itself.
enum class parzen_use { joint, marginal };

/// A mixture over several axes, kept up to date as observations come and go.
///
/// Kernel k is the k-th observation in order of time, the last kernel the prior: centre of the
/// range, one range wide. Joint density: sum_k w_k prod_axis f; marginal: sum_k w_k f.
/// Log-densities are per unit of the model coordinate; on stepped and categorical axes
/// log-probabilities.
///
/// What makes it fast: an observation moves only its neighbours' bandwidths, so a change costs
/// O(axes * log n) and the normalisers of all other kernels stay; kernels lie in blocks of eight,
/// which every compiler vectorises; blocks too far away to change a sum in double precision are
/// skipped.
template <class Bandwidth = neighbour_gap_bandwidth>
class parzen_mixture {
  public:
    /// Without observations: the prior alone.
    parzen_mixture(std::vector<parzen_axis> axes, parzen_use use)
        : axes_(std::move(axes)), use_(use), columns_(axes_.size()) {
        make_room(0);
        for (column& c : columns_) c.marginal = use == parzen_use::marginal;
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            const parzen_axis& a = axes_[d];
            place(d, 0, 0.5 * (a.low + a.high), a.width());
        }
    }

    /// Adds an observation.
    /// \param id  its place in time
    /// \param x  one coordinate per axis
    void insert(std::size_t id, std::span<const double> x) {
        const std::size_t count = slots_.members().size();
        const std::uint32_t slot = slots_.add(id);
        make_room(slot);
        for (std::size_t d = 0; d < axes_.size(); ++d)
            columns_[d].insert(slots_, slot, x[d], count);
    }

    /// Removes an observation.
    void erase(std::size_t id) {
        const std::uint32_t slot = slots_.of(id);
        for (column& c : columns_) c.erase(slots_, slot, slots_.members().size());
        slots_.remove(id);
        offset_[slot] = detail::ruled_out;
    }

    /// Brings bandwidths, normalisers and weights up to date.
    /// \param weights  one per observation in order of time; the prior weighs 1
    void fit(std::span<const double> weights) {
        refresh_bandwidths();
        double sum = 1.0;
        for (const double w : weights) sum += w;
        weights_.resize(size());
        cumulative_.resize(size());
        double below = 0.0;
        double last = -1.0;
        double log_last = 0.0;
        for (std::size_t k = 0; k < size(); ++k) {
            const double w = (k < weights.size() ? weights[k] : 1.0) / sum;
            if (w != last) {  // most weights are the same one
                last = w;
                log_last = stable_log(w);
            }
            const std::uint32_t slot = slots_.at(k);
            weights_[k] = w;
            slot_weight_[slot] = w;
            offset_[slot] = log_last - log_norm_sum_[slot];
            cumulative_[k] = below += w;
        }
        if (use_ == parzen_use::marginal)
            for (std::size_t d = 0; d < axes_.size(); ++d) lay_out_marginal(d);
    }

    /// Number of kernels, the prior included.
    std::size_t size() const { return members().size() + 1; }
    /// Observations, in order of time.
    const std::vector<std::size_t>& members() const { return slots_.members(); }
    /// Normalised weights by kernel.
    std::span<const double> weights() const { return weights_; }
    /// Centre of a kernel.
    double mean(std::size_t axis, std::size_t kernel) const {
        return columns_[axis].cells[slots_.at(kernel)].mean;
    }
    /// Bandwidth of a kernel.
    double sigma(std::size_t axis, std::size_t kernel) const {
        return columns_[axis].cells[slots_.at(kernel)].sigma;
    }

    /// ln of the joint density at x, one coordinate per axis. Use joint only.
    double log_density(std::span<const double> x) const {
        double result = 0.0;
        log_densities(x, std::span<double>(&result, 1));
        return result;
    }

    /// ln of the joint density of out.size() candidates, x[candidate * axes + axis]. Use joint
    /// only.
    void log_densities(std::span<const double> x, std::span<double> out) const {
        require(parzen_use::joint);
        const std::size_t count = out.size();
        const std::size_t dimensions = axes_.size();
        const std::size_t stride = offset_.size();
        scratch_.resize(count * stride);
        double* terms = scratch_.data();
        hopeless_.resize(count);
        for (std::size_t c = 0; c < count; ++c)
            hopeless_[c] = prior_term(x.data() + c * dimensions) - detail::negligible;
        // A block of kernels stays in the first-level cache while all candidates pass over it.
        for (std::size_t b = 0; b < stride / lanes; ++b) {
            const double* block = blocked_.data() + b * dimensions * 2 * lanes;
            const double* offset = offset_.data() + b * lanes;
            std::size_t c = 0;
            constexpr std::size_t together = detail::candidates_together;
            for (; c + together <= count; c += together)
                detail::block_terms<together>(block, offset, x.data() + c * dimensions, dimensions,
                                              hopeless_.data() + c, terms + c * stride + b * lanes,
                                              stride);
            for (; c < count; ++c)
                detail::block_terms<1>(block, offset, x.data() + c * dimensions, dimensions,
                                       hopeless_.data() + c, terms + c * stride + b * lanes,
                                       stride);
        }
        for (std::size_t d = 0; d < dimensions; ++d)
            if (discrete(axes_[d])) add_discrete(d, x, count, terms);
        for (std::size_t c = 0; c < count; ++c)
            out[c] = detail::log_sum_exp(std::span<const double>(terms + c * stride, stride));
    }

    /// ln of the marginal density of one axis at x. Use marginal only.
    double log_density(std::size_t axis, double x) const {
        require(parzen_use::marginal);
        const parzen_axis& a = axes_[axis];
        const column& c = columns_[axis];
        if (a.choices > 0) {
            const auto choice = static_cast<std::size_t>(x);
            const double n = static_cast<double>(size());
            const double all = static_cast<double>(a.choices);
            const double prior = slot_weight_[0];
            return stable_log(prior / all +
                              ((1.0 - prior) + n * c.choice_weight[choice]) / (n + all));
        }
        if (a.step > 0.0) {
            double sum = 0.0;
            for (std::size_t k = 0; k < size(); ++k) {
                const std::uint32_t slot = slots_.at(k);
                sum += slot_weight_[slot] *
                       stable_exp(c.cells[slot].log_mass(a, x) - c.cells[slot].log_norm);
            }
            return stable_log(sum);
        }
        std::array<double, lanes> sum{};
        for (std::size_t b = 0; b < c.reach.size(); ++b)
            if (x >= c.reach[b].first && x <= c.reach[b].second) {
                const std::size_t at = b * lanes;
                detail::add_heights(c.x.data() + at, c.scale.data() + at, c.height.data() + at,
                                    c.weight.data() + at, x, sum.data());
            }
        const cell& prior = c.cells[0];
        const double z = (x - prior.mean) * prior.scale;
        return stable_log(detail::sum_of_lanes(sum) +
                          slot_weight_[0] * prior.height * stable_exp(-(z * z)));
    }

    /// A kernel drawn by weight; the value is for draw() only.
    std::uint32_t draw_kernel(random_stream& random) const {
        const double u = random.uniform() * cumulative_.back();
        const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
        const auto k = static_cast<std::size_t>(at - cumulative_.begin());
        return slots_.at(k < size() ? k : size() - 1);
    }

    /// A draw from one kernel on one axis; on stepped axes before rounding to a step.
    double draw(std::size_t axis, std::uint32_t kernel, normal_draws& normal) const {
        const parzen_axis& a = axes_[axis];
        const cell& c = columns_[axis].cells[kernel];
        if (a.choices == 0) return normal.truncated(c.mean, c.sigma, a.low, a.high);
        // A kernel puts the share n / (n + choices) on its own choice, the rest evenly.
        const double n = static_cast<double>(size());
        const double all = static_cast<double>(a.choices);
        double u = normal.stream().uniform();
        if (kernel != 0) {
            const double own = n / (n + all);
            if (u < own) return c.mean;
            u = (u - own) / (1.0 - own);
        }
        return std::min(std::floor(u * all), all - 1.0);
    }

  private:
    using cell = detail::parzen_cell;
    using column = detail::parzen_column;
    static constexpr std::size_t lanes = detail::kernel_lanes;

    static bool discrete(const parzen_axis& a) { return a.choices > 0 || a.step > 0.0; }

    static constexpr bool local() {
        if constexpr (requires { Bandwidth::local; }) return Bandwidth::local;
        return false;
    }

    void require(parzen_use use) const {
        if (use != use_) throw error("parzen_mixture: made for the other kind of density");
    }

    /// Makes the tables by slot reach `slot`, with whole blocks where they are summed.
    void make_room(std::uint32_t slot) {
        if (slot + 1 < slots_.used()) return;
        if (slot % lanes == 0) {
            offset_.resize(slot + lanes, detail::ruled_out);
            log_norm_sum_.resize(slot + lanes, 0.0);
            slot_weight_.resize(slot + lanes, 0.0);
            stale_sum_.resize(slot + lanes, 0);
            if (use_ == parzen_use::joint) {
                blocked_.resize((slot + lanes) * axes_.size() * 2, 0.0);
                log_norms_.resize((slot + lanes) * axes_.size(), 0.0);
            }
        }
        for (column& c : columns_) c.cells.resize(slot + 1);
    }

    /// Sets the kernel in a slot on one axis, with its normaliser.
    void place(std::size_t d, std::uint32_t slot, double mean, double sigma) {
        const parzen_axis& a = axes_[d];
        cell& c = columns_[d].cells[slot];
        c.place(a, mean, sigma);
        if (use_ == parzen_use::marginal) {
            c.height = stable_exp(-c.log_norm);
            return;
        }
        if (!discrete(a)) {
            double* at = blocked_.data() + (slot / lanes * axes_.size() + d) * 2 * lanes;
            at[slot % lanes] = mean;
            at[lanes + slot % lanes] = c.scale;
        }
        log_norms_[slot * axes_.size() + d] = c.log_norm;
        if (stale_sum_[slot] == 0) {
            stale_sum_[slot] = 1;
            stale_slots_.push_back(slot);
        }
    }

    void refresh_bandwidths() {
        const std::size_t count = members().size();
        const std::size_t share = std::min<std::size_t>(100, count + 2);
        const bool all = share != share_ || !local();
        share_ = share;
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            column& c = columns_[d];
            if (all) {
                for (std::size_t i = 0; i < count; ++i) refresh(d, i);
            } else {
                for (const std::uint32_t slot : c.moved)
                    if (slots_.taken(slot)) refresh(d, c.position(slots_, slot, count));
            }
            c.moved.clear();
        }
        for (const std::uint32_t slot : stale_slots_) {
            double sum = 0.0;
            for (std::size_t d = 0; d < axes_.size(); ++d)
                sum += log_norms_[slot * axes_.size() + d];
            log_norm_sum_[slot] = sum;
            stale_sum_[slot] = 0;
        }
        stale_slots_.clear();
    }

    /// Bandwidth of the i-th observation by coordinate.
    void refresh(std::size_t d, std::size_t i) {
        const parzen_axis& a = axes_[d];
        column& c = columns_[d];
        const std::size_t count = members().size();
        const double x = c.x[i];
        const parzen_neighbours neighbours{x - (i > 0 ? c.x[i - 1] : a.low),
                                           (i + 1 < count ? c.x[i + 1] : a.high) - x,
                                           i == 0,
                                           i + 1 == count,
                                           count,
                                           use_ == parzen_use::joint ? axes_.size() : 1,
                                           a.width()};
        // "Magic clip": no kernel narrower than a cell of an even division into kernels.
        const double narrowest = a.width() / static_cast<double>(share_);
        const double sigma = std::min(std::max(Bandwidth{}(neighbours), narrowest), a.width());
        const std::uint32_t slot = c.slot[i];
        if (c.cells[slot].sigma == sigma) return;
        place(d, slot, x, sigma);
        if (use_ == parzen_use::joint) return;
        c.scale[i] = c.cells[slot].scale;
        c.height[i] = c.cells[slot].height;
    }

    /// Weights of one axis in order of the coordinate, and which blocks count where.
    void lay_out_marginal(std::size_t d) {
        const parzen_axis& a = axes_[d];
        column& c = columns_[d];
        if (a.choices > 0) {
            c.choice_weight.assign(a.choices, 0.0);
            for (const std::size_t id : members())
                c.choice_weight[static_cast<std::size_t>(c.cells[slots_.of(id)].mean)] +=
                    slot_weight_[slots_.of(id)];
            return;
        }
        if (a.step > 0.0) return;
        const std::size_t count = members().size();
        c.weight.assign(c.x.size(), 0.0);
        for (std::size_t i = 0; i < count; ++i) c.weight[i] = slot_weight_[c.slot[i]];
        c.reach.clear();
        for (std::size_t first = 0; first < count; first += lanes) {
            const std::size_t last = std::min(first + lanes, count) - 1;
            const double scale =
                *std::min_element(c.scale.begin() + static_cast<std::ptrdiff_t>(first),
                                  c.scale.begin() + static_cast<std::ptrdiff_t>(last) + 1);
            // Ten sigmas out a kernel is 2e-22 of its height and at most 1e-17 of the density.
            const double ten_sigma = 10.0 / (detail::sqrt_two * scale);
            c.reach.emplace_back(c.x[first] - ten_sigma, c.x[last] + ten_sigma);
        }
    }

    /// ln of the prior kernel's term at x: no candidate's density is lower.
    double prior_term(const double* x) const {
        double sum = offset_[0];
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            const cell& c = columns_[d].cells[0];
            if (axes_[d].choices > 0) {
                sum -= stable_log(static_cast<double>(axes_[d].choices));
            } else if (axes_[d].step > 0.0) {
                sum += c.log_mass(axes_[d], x[d]);
            } else {
                const double z = (x[d] - c.mean) * c.scale;
                sum -= z * z;
            }
        }
        return sum;
    }

    /// Adds ln f of every kernel on a stepped or categorical axis; the normaliser of stepped ones
    /// is in the offset already.
    void add_discrete(std::size_t d, std::span<const double> x, std::size_t count,
                      double* terms) const {
        const parzen_axis& a = axes_[d];
        const column& c = columns_[d];
        const std::size_t stride = offset_.size();
        const std::size_t slots = slots_.used();
        const double n = static_cast<double>(size());
        const double all = static_cast<double>(a.choices);
        const double log_own = stable_log((n + 1.0) / (n + all));
        const double log_other = stable_log(1.0 / (n + all));
        std::vector<double> logs(count * slots, 0.0);
        for (std::size_t k = 0; k < count; ++k) {
            const double own = x[k * axes_.size() + d];
            double* log = logs.data() + k * slots;
            std::size_t same = 0;
            while (x[same * axes_.size() + d] != own) ++same;
            if (same < k) {  // another candidate has the same value
                std::copy_n(logs.data() + same * slots, slots, log);
            } else if (a.choices > 0) {
                for (std::size_t s = 0; s < slots; ++s)
                    log[s] = c.cells[s].mean == own ? log_own : log_other;
                log[0] = -stable_log(all);
            } else {
                for (std::size_t s = 0; s < slots; ++s)
                    if (offset_[s] != detail::ruled_out) log[s] = c.cells[s].log_mass(a, own);
            }
            for (std::size_t s = 0; s < slots; ++s) terms[k * stride + s] += log[s];
        }
    }

    std::vector<parzen_axis> axes_;
    parzen_use use_;
    std::vector<column> columns_;  // per axis
    detail::parzen_slots slots_;
    std::size_t share_ = 0;             // narrowest bandwidth = range / share, of the last fit
    std::vector<double> weights_;       // normalised, by kernel
    std::vector<double> cumulative_;    // of the weights
    std::vector<double> slot_weight_;   // the weights by slot
    std::vector<double> offset_;        // by slot: ln weight - sum of ln normalisers
    std::vector<double> log_norm_sum_;  // by slot
    std::vector<unsigned char> stale_sum_;
    std::vector<std::uint32_t> stale_slots_;
    std::vector<double> blocked_;           // joint use: [block][axis][8 means, 8 scales]
    std::vector<double> log_norms_;         // joint use: [slot][axis]
    mutable std::vector<double> scratch_;   // terms of log_densities
    mutable std::vector<double> hopeless_;  // per candidate, terms below this change nothing
};

}  // namespace hass
