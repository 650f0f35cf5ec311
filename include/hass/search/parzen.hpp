/// \file parzen.hpp
/// The density estimate inside TPE: a mixture of one truncated normal per observation and axis,
/// plus a wide prior kernel. All coordinates here are model coordinates (axis::to_model).
///
/// Rules and constants are those of Optuna's TPESampler (5.0, and 4.9 where they differ), itself
/// after Bergstra et al., "Algorithms for hyper-parameter optimization" (2011) and Watanabe,
/// "Tree-structured Parzen estimator" (2023).
///
/// One class, and long: its tables of kernels are kept up to date together, and every density walks
/// all of them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/packed_exp.hpp>
#include <hass/search/parzen_kernels.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/search/space.hpp>
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
    parzen_mixture(std::vector<parzen_axis> axes, parzen_use use)
        : axes_(std::move(axes)), use_(use), columns_(axes_.size()) {
        const std::uint32_t slot = new_slot();  // the prior lives in slot 0
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            const parzen_axis& a = axes_[d];
            place(d, slot, 0.5 * (a.low + a.high), a.width());
        }
    }

    /// Adds an observation.
    /// \param id  its place in time
    /// \param x  one coordinate per axis
    void insert(std::size_t id, std::span<const double> x) {
        if (slot_of_.size() <= id) slot_of_.resize(id + 1, none);
        const std::uint32_t slot = new_slot();
        const std::size_t count = members_.size();
        slot_of_[id] = slot;
        id_of_[slot] = id;
        members_.insert(std::lower_bound(members_.begin(), members_.end(), id), id);
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            column& c = columns_[d];
            c.cells[slot] = {x[d], 0.0, 0.0, 0.0, 0.0};
            const std::size_t at = position(c, count, x[d], id);
            if (at > 0) c.moved.push_back(c.slot[at - 1]);
            if (at < count) c.moved.push_back(c.slot[at]);
            c.moved.push_back(slot);
            insert_at(c.x, count, at, x[d]);
            insert_at(c.slot, count, at, slot);
            if (use_ == parzen_use::joint) continue;
            insert_at(c.scale, count, at, 0.0);
            insert_at(c.height, count, at, 0.0);
        }
    }

    /// Removes an observation.
    void erase(std::size_t id) {
        const std::uint32_t slot = slot_of_[id];
        const std::size_t count = members_.size();
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            column& c = columns_[d];
            const std::size_t at = position(c, count, c.cells[slot].mean, id);
            if (at > 0) c.moved.push_back(c.slot[at - 1]);
            if (at + 1 < count) c.moved.push_back(c.slot[at + 1]);
            erase_at(c.x, count, at);
            erase_at(c.slot, count, at);
            if (use_ == parzen_use::joint) continue;
            erase_at(c.scale, count, at);
            erase_at(c.height, count, at);
        }
        slot_of_[id] = none;
        id_of_[slot] = no_id;
        members_.erase(std::lower_bound(members_.begin(), members_.end(), id));
        free_.push_back(slot);
        offset_[slot] = ruled_out;
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
            const std::uint32_t slot = slot_at(k);
            weights_[k] = w;
            slot_weight_[slot] = w;
            offset_[slot] = log_last - log_norm_sum_[slot];
            cumulative_[k] = below += w;
        }
        if (use_ == parzen_use::marginal)
            for (std::size_t d = 0; d < axes_.size(); ++d) lay_out_marginal(d);
    }

    /// Number of kernels, the prior included.
    std::size_t size() const { return members_.size() + 1; }
    /// Observations, in order of time.
    const std::vector<std::size_t>& members() const { return members_; }
    /// Normalised weights by kernel.
    std::span<const double> weights() const { return weights_; }
    double mean(std::size_t axis, std::size_t kernel) const {
        return columns_[axis].cells[slot_at(kernel)].mean;
    }
    double sigma(std::size_t axis, std::size_t kernel) const {
        return columns_[axis].cells[slot_at(kernel)].sigma;
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
            hopeless_[c] = prior_term(x.data() + c * dimensions) - negligible;
        // A block of kernels stays in the first-level cache while all candidates pass over it.
        for (std::size_t b = 0; b < stride / lanes; ++b) {
            const double* block = blocked_.data() + b * dimensions * 2 * lanes;
            const double* offset = offset_.data() + b * lanes;
            std::size_t c = 0;
            constexpr std::size_t together = detail::candidates_together;
            for (; c + together <= count; c += together)
                block_terms<together>(block, offset, x.data() + c * dimensions, dimensions,
                                      hopeless_.data() + c, terms + c * stride + b * lanes, stride);
            for (; c < count; ++c)
                block_terms<1>(block, offset, x.data() + c * dimensions, dimensions,
                               hopeless_.data() + c, terms + c * stride + b * lanes, stride);
        }
        for (std::size_t d = 0; d < dimensions; ++d)
            if (discrete(axes_[d])) add_discrete(d, x, count, terms);
        for (std::size_t c = 0; c < count; ++c)
            out[c] = log_sum_exp(std::span<const double>(terms + c * stride, stride));
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
                const std::uint32_t slot = slot_at(k);
                sum += slot_weight_[slot] *
                       stable_exp(cell_log_mass(a, c.cells[slot], x) - c.cells[slot].log_norm);
            }
            return stable_log(sum);
        }
        std::array<double, lanes> sum{};
        for (std::size_t b = 0; b < c.reach.size(); ++b)
            if (x >= c.reach[b].first && x <= c.reach[b].second)
                add_heights(c, b * lanes, x, sum.data());
        const cell& prior = c.cells[0];
        const double z = (x - prior.mean) * prior.scale;
        return stable_log(total(sum) + slot_weight_[0] * prior.height * stable_exp(-(z * z)));
    }

    /// A kernel drawn by weight; the value is for draw() only.
    std::uint32_t draw_kernel(random_stream& random) const {
        const double u = random.uniform() * cumulative_.back();
        const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), u);
        const auto k = static_cast<std::size_t>(at - cumulative_.begin());
        return slot_at(k < size() ? k : size() - 1);
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
    static constexpr std::size_t lanes = 8;
    static constexpr std::uint32_t none = 0xffffffffU;
    static constexpr std::size_t no_id = std::numeric_limits<std::size_t>::max();
    static constexpr double sqrt_two = 1.4142135623730951;
    static constexpr double negligible = 50.0;   // exp(-50): thousands of them change no double
    static constexpr double ruled_out = -1e300;  // log weight of an empty slot

    struct cell {
        double mean = 0.0;
        double sigma = 0.0;
        double scale = 0.0;     // 1 / (sqrt(2) sigma)
        double log_norm = 0.0;  // ln of what the kernel integrates to; stepped: ln mass of the axis
        double height = 0.0;    // exp(-log_norm), marginal use only
    };

    /// One axis of all observations. What is kept by position, in order of the coordinate (of time
    /// on ties), fills whole blocks of eight, with zeros behind the last observation.
    struct column {
        std::vector<cell> cells;           // by slot
        std::vector<double> x;             // by position
        std::vector<std::uint32_t> slot;   // by position
        std::vector<std::uint32_t> moved;  // slots whose neighbours changed since the last fit
        // Marginal use, by position; and by block, where it counts.
        std::vector<double> scale;
        std::vector<double> height;
        std::vector<double> weight;
        std::vector<std::pair<double, double>> reach;
        std::vector<double> choice_weight;
    };

    /// Puts `value` before position `at` of `count` used ones.
    template <class T>
    static void insert_at(std::vector<T>& items, std::size_t count, std::size_t at, T value) {
        if (count == items.size()) items.resize(count + lanes, T{});
        const auto first = items.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = items.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy_backward(first, last, last + 1);
        *first = value;
    }
    template <class T>
    static void erase_at(std::vector<T>& items, std::size_t count, std::size_t at) {
        const auto first = items.begin() + static_cast<std::ptrdiff_t>(at);
        const auto last = items.begin() + static_cast<std::ptrdiff_t>(count);
        *std::copy(first + 1, last, first) = T{};
    }

    /// Where observation `id` at `x` stands, or would stand, among `count`.
    std::size_t position(const column& c, std::size_t count, double x, std::size_t id) const {
        const auto [first, last] =
            std::equal_range(c.x.begin(), c.x.begin() + static_cast<std::ptrdiff_t>(count), x);
        const auto same = c.slot.begin() + (first - c.x.begin());
        const auto at = std::lower_bound(
            same, same + (last - first), id,
            [this](std::uint32_t slot, std::size_t other) { return id_of_[slot] < other; });
        return static_cast<std::size_t>(at - c.slot.begin());
    }

    static bool discrete(const parzen_axis& a) { return a.choices > 0 || a.step > 0.0; }

    static constexpr bool local() {
        if constexpr (requires { Bandwidth::local; }) return Bandwidth::local;
        return false;
    }

    void require(parzen_use use) const {
        if (use != use_) throw error("parzen_mixture: made for the other kind of density");
    }

    std::uint32_t slot_at(std::size_t kernel) const {
        return kernel < members_.size() ? slot_of_[members_[kernel]] : 0;
    }

    std::uint32_t new_slot() {
        if (!free_.empty()) {
            const std::uint32_t slot = free_.back();
            free_.pop_back();
            return slot;
        }
        const auto slot = static_cast<std::uint32_t>(slots_++);
        if (slot % lanes == 0) {
            offset_.resize(slot + lanes, ruled_out);
            log_norm_sum_.resize(slot + lanes, 0.0);
            slot_weight_.resize(slot + lanes, 0.0);
            stale_sum_.resize(slot + lanes, 0);
            if (use_ == parzen_use::joint) {
                blocked_.resize((slot + lanes) * axes_.size() * 2, 0.0);
                log_norms_.resize((slot + lanes) * axes_.size(), 0.0);
            }
        }
        for (column& c : columns_) c.cells.resize(slot + 1);
        id_of_.resize(slot + 1, no_id);
        return slot;
    }

    /// Sets the kernel in a slot on one axis, with its normaliser.
    void place(std::size_t d, std::uint32_t slot, double mean, double sigma) {
        const parzen_axis& a = axes_[d];
        cell& c = columns_[d].cells[slot];
        c.mean = mean;
        c.sigma = sigma;
        c.scale = 1.0 / (sigma * sqrt_two);
        if (a.choices == 0) {
            c.log_norm = log_normal_mass((a.low - mean) / sigma, (a.high - mean) / sigma);
            if (a.step <= 0.0) c.log_norm += stable_log(sigma) + detail::half_log_two_pi;
        }
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
        const std::size_t count = members_.size();
        const std::size_t share = std::min<std::size_t>(100, count + 2);
        const bool all = share != share_ || !local();
        share_ = share;
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            column& c = columns_[d];
            if (all) {
                for (std::size_t i = 0; i < count; ++i) refresh(d, i);
            } else {
                for (const std::uint32_t slot : c.moved)
                    if (id_of_[slot] != no_id)
                        refresh(d, position(c, count, c.cells[slot].mean, id_of_[slot]));
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
        const std::size_t count = members_.size();
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
            for (const std::size_t id : members_)
                c.choice_weight[static_cast<std::size_t>(c.cells[slot_of_[id]].mean)] +=
                    slot_weight_[slot_of_[id]];
            return;
        }
        if (a.step > 0.0) return;
        const std::size_t count = members_.size();
        c.weight.assign(c.x.size(), 0.0);
        for (std::size_t i = 0; i < count; ++i) c.weight[i] = slot_weight_[c.slot[i]];
        c.reach.clear();
        for (std::size_t first = 0; first < count; first += lanes) {
            const std::size_t last = std::min(first + lanes, count) - 1;
            const double scale =
                *std::min_element(c.scale.begin() + static_cast<std::ptrdiff_t>(first),
                                  c.scale.begin() + static_cast<std::ptrdiff_t>(last) + 1);
            // Ten sigmas out a kernel is 2e-22 of its height and at most 1e-17 of the density.
            const double ten_sigma = 10.0 / (sqrt_two * scale);
            c.reach.emplace_back(c.x[first] - ten_sigma, c.x[last] + ten_sigma);
        }
    }

    /// Adds weight * height * exp(-((x - mean) * scale)^2) of the block at `first` to eight sums.
    static void add_heights(const column& c, std::size_t first, double x, double* sums) {
        using detail::pack;
        for (std::size_t p = 0; p < lanes; p += sizeof(pack) / sizeof(double)) {
            pack mean;
            pack scale;
            pack height;
            pack weight;
            pack sum;
            std::memcpy(&mean, c.x.data() + first + p, sizeof(pack));
            std::memcpy(&scale, c.scale.data() + first + p, sizeof(pack));
            std::memcpy(&height, c.height.data() + first + p, sizeof(pack));
            std::memcpy(&weight, c.weight.data() + first + p, sizeof(pack));
            std::memcpy(&sum, sums + p, sizeof(pack));
            const pack z = (x - mean) * scale;
            pack kernel = -(z * z);
            detail::exp_flushed(kernel);
            sum += weight * height * kernel;
            std::memcpy(sums + p, &sum, sizeof(pack));
        }
    }

    /// offset - sum over axes of ((x - mean) * scale)^2 for one block and `Candidates` candidates.
    ///
    /// The lanes are written out as fixed packs: left to themselves compilers vectorise over axes,
    /// or keep the sums in memory. Lane by lane the operations are the same whatever the width.
    /// Where every term has already fallen below its candidate's `hopeless` the rest is left out.
    template <std::size_t Candidates>
    static void block_terms(const double* block, const double* offset, const double* x,
                            std::size_t dimensions, const double* hopeless, double* terms,
                            std::size_t stride) {
        using detail::pack;
        constexpr std::size_t width = sizeof(pack) / sizeof(double);
        constexpr std::size_t packs = lanes / width;
        constexpr std::size_t stretch = 16;  // axes between two looks
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            pack sum[packs * Candidates] = {};
            const auto to_term = [&](pack& total, std::size_t p) {
                pack first;
                std::memcpy(&first, offset + p * width, sizeof(pack));
                total = first - total;
            };
            for (std::size_t d = 0; d < dimensions;) {
                const std::size_t end = std::min(dimensions, d + stretch);
                for (; d < end; ++d, block += 2 * lanes) {
                    const auto add = [&](pack& total, std::size_t c, std::size_t p) {
                        pack mean;
                        pack scale;
                        std::memcpy(&mean, block + p * width, sizeof(pack));
                        std::memcpy(&scale, block + lanes + p * width, sizeof(pack));
                        const pack z = (x[c * dimensions + d] - mean) * scale;
                        total += z * z;
                    };
                    (add(sum[I], I / packs, I % packs), ...);
                }
                const auto alive = [&](const pack& sums, std::size_t c, std::size_t p) {
                    pack total = sums;
                    to_term(total, p);
                    const auto above = total > hopeless[c];
                    std::int64_t lane[width];
                    std::memcpy(lane, &above, sizeof(lane));
                    std::int64_t any = 0;
                    for (const std::int64_t l : lane) any |= l;
                    return any != 0;
                };
                if (!(alive(sum[I], I / packs, I % packs) || ...)) break;
            }
            const auto store = [&](pack& total, std::size_t c, std::size_t p) {
                to_term(total, p);
                std::memcpy(terms + c * stride + p * width, &total, sizeof(pack));
            };
            (store(sum[I], I / packs, I % packs), ...);
        }
        (std::make_index_sequence<packs * Candidates>());
    }

    /// ln of the prior kernel's term at x: no candidate's density is lower.
    double prior_term(const double* x) const {
        double sum = offset_[0];
        for (std::size_t d = 0; d < axes_.size(); ++d) {
            const cell& c = columns_[d].cells[0];
            if (axes_[d].choices > 0) {
                sum -= stable_log(static_cast<double>(axes_[d].choices));
            } else if (axes_[d].step > 0.0) {
                sum += cell_log_mass(axes_[d], c, x[d]);
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
        const double n = static_cast<double>(size());
        const double all = static_cast<double>(a.choices);
        const double log_own = stable_log((n + 1.0) / (n + all));
        const double log_other = stable_log(1.0 / (n + all));
        std::vector<double> logs(count * slots_, 0.0);
        for (std::size_t k = 0; k < count; ++k) {
            const double own = x[k * axes_.size() + d];
            double* log = logs.data() + k * slots_;
            std::size_t same = 0;
            while (x[same * axes_.size() + d] != own) ++same;
            if (same < k) {  // another candidate has the same value
                std::copy_n(logs.data() + same * slots_, slots_, log);
            } else if (a.choices > 0) {
                for (std::size_t s = 0; s < slots_; ++s)
                    log[s] = c.cells[s].mean == own ? log_own : log_other;
                log[0] = -stable_log(all);
            } else {
                for (std::size_t s = 0; s < slots_; ++s)
                    if (offset_[s] != ruled_out) log[s] = cell_log_mass(a, c.cells[s], own);
            }
            for (std::size_t s = 0; s < slots_; ++s) terms[k * stride + s] += log[s];
        }
    }

    /// ln of the normal mass of the step around x.
    static double cell_log_mass(const parzen_axis& a, const cell& c, double x) {
        return log_normal_mass((x - 0.5 * a.step - c.mean) / c.sigma,
                               (x + 0.5 * a.step - c.mean) / c.sigma);
    }

    static double total(const std::array<double, lanes>& sum) {
        return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    }

    static double log_sum_exp(std::span<const double> terms) {
        std::array<double, lanes> most;
        most.fill(ruled_out);
        for (std::size_t b = 0; b < terms.size(); b += lanes)
            for (std::size_t i = 0; i < lanes; ++i)
                most[i] = terms[b + i] > most[i] ? terms[b + i] : most[i];
        double peak = most[0];
        for (const double m : most) peak = m > peak ? m : peak;
        std::array<double, lanes> sum{};
        for (std::size_t b = 0; b < terms.size(); b += lanes) {
            bool counts = false;
            for (std::size_t i = 0; i < lanes; ++i) counts |= terms[b + i] > peak - negligible;
            if (!counts) continue;
            for (std::size_t i = 0; i < lanes; i += sizeof(detail::pack) / sizeof(double)) {
                detail::pack term;
                detail::pack part;
                std::memcpy(&term, terms.data() + b + i, sizeof(term));
                std::memcpy(&part, sum.data() + i, sizeof(part));
                term -= peak;
                detail::exp_flushed(term);
                part += term;
                std::memcpy(sum.data() + i, &part, sizeof(part));
            }
        }
        return peak + stable_log(total(sum));
    }

    std::vector<parzen_axis> axes_;
    parzen_use use_;
    std::vector<column> columns_;         // per axis
    std::vector<std::size_t> members_;    // observations in order of time
    std::vector<std::uint32_t> slot_of_;  // by observation; `none`: not a member
    std::vector<std::size_t> id_of_;      // by slot; `no_id`: free, or the prior
    std::vector<std::uint32_t> free_;     // slots without a kernel
    std::size_t slots_ = 0;               // slots ever used
    std::size_t share_ = 0;               // narrowest bandwidth = range / share, of the last fit
    std::vector<double> weights_;         // normalised, by kernel
    std::vector<double> cumulative_;      // of the weights
    std::vector<double> slot_weight_;     // the weights by slot
    std::vector<double> offset_;          // by slot: ln weight - sum of ln normalisers
    std::vector<double> log_norm_sum_;    // by slot
    std::vector<unsigned char> stale_sum_;
    std::vector<std::uint32_t> stale_slots_;
    std::vector<double> blocked_;           // joint use: [block][axis][8 means, 8 scales]
    std::vector<double> log_norms_;         // joint use: [slot][axis]
    mutable std::vector<double> scratch_;   // terms of log_densities
    mutable std::vector<double> hopeless_;  // per candidate, terms below this change nothing
};

}  // namespace hass
