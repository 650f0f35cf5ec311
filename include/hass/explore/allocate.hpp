/// \file allocate.hpp
/// How the fabric is shared out: which option each row of a network gets on a board.
///
///     hass::allocation best = hass::allocate(net, statistics, engine, board);
///     best.estimate.images_per_second;  best.design;  best.certificate.gap;
///
/// The pipeline runs at its slowest stage, so for a target interval every row independently needs
/// one option that is fast enough, and the design is the smallest interval for which such
/// options fit the board together. `exact` finds it, proves it, and among the designs of
/// that interval takes one with fewest DSPs, then fewest LUTs.
///
/// For a search loop keep an `allocator`: it computes costs once, and when the statistics of one
/// layer change it looks at that layer only (`update`). It also gives the design that needs least
/// of one resource at a required throughput (`least`), and the one that answers a single image
/// soonest (`lowest_latency`). The heuristics that others use are policies
/// too
/// (`balanced.hpp`, `greedy.hpp`); networks that do not fit at once are cut in `partition.hpp`.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/error.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/frontier.hpp>
#include <hass/explore/latency.hpp>
#include <hass/explore/policy.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// What is proved about an allocation.
struct certificate {
    /// No design of this network, engine and board is faster (images/s).
    double upper_bound_images_per_second = 0.0;
    /// upper bound / achieved - 1; 0: proved optimal. Infinite when nothing was found.
    double gap = 0.0;
    /// Whether no design of the same interval has fewer DSPs / as few DSPs and fewer LUTs.
    bool fewest_dsp = false;
    bool fewest_lut = false;
    double least_dsp = 0.0;  ///< no design of the same interval has fewer DSPs than this
    /// Of `allocator::least`: no design of the required throughput needs less of the resource than
    /// `least` (bandwidth: with images at that throughput), and whether this one needs just that.
    /// Of `allocator::lowest_latency`: cycles.
    double least = 0.0;
    bool minimal = false;
    /// The resource (index into `resources`) that forbids the next smaller interval, or that is
    /// missing when nothing fits: bandwidth where the board's link sets the interval; nullopt: no
    /// resource does, the limiting row is as fast as it gets.
    std::optional<std::size_t> binding;
    /// Amount of `binding` that even the smallest design is short of; 0 when something fits.
    double missing = 0.0;
    std::size_t limiting_row = 0;  ///< the slowest stage (the first on ties)
    std::string reason;            ///< one sentence: what stops this design from being faster
};

/// A design and what is known about it.
struct allocation {
    bool fits = false;        ///< false: `design` is empty and `certificate` says what is missing
    hass::design design;      ///< one option a row
    hass::estimate estimate;  ///< of `design`, by `evaluate`
    hass::certificate certificate;
};

/// Throws when the allocation does not fit. \throws hass::error naming the resource and how much is
/// missing
inline const allocation& require_fit(const allocation& a) {
    if (!a.fits) throw error("nothing fits: " + a.certificate.reason);
    return a;
}

namespace detail {

inline std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.10g", v);
    return text;
}

inline std::string short_number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", v);
    return text;
}

inline std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", 100.0 * share);
    return text;
}

inline void check_device(const device& d) {
    const auto bad = [&](std::string_view field, double v, const char* rule) {
        return error("device '" + std::string(d.name) + "': " + std::string(field) + " is " +
                     number(v) + ", must be " + rule);
    };
    for (const resource& r : resources) {
        const double v = d.budget.*r.field;
        if (!(v >= 0.0)) throw bad(r.name, v, "zero or more");
    }
    for (const resource& r : std::span(resources).first(3))
        if (!(d.budget.*r.field > 0.0)) throw bad(r.name, d.budget.*r.field, "above zero");
    if (!(d.mhz > 0.0) || !std::isfinite(d.mhz)) throw bad("clock (MHz)", d.mhz, "above zero");
}

inline void check_statistics(const network_view& net, std::size_t i, const layer_statistics& s) {
    const auto share = [&](const char* field, double v) {
        if (!(v >= 0.0 && v <= 1.0))
            throw error("statistics of layer '" + name_of(net, i) + "': " + field + " is " +
                        number(v) + ", not within [0, 1]");
    };
    share("weight sparsity", s.weight_sparsity);
    share("activation sparsity", s.activation_sparsity);
    share("pair sparsity", s.pair_sparsity);
    share("pair sparsity (padded)", s.pair_sparsity_padded);
    for (const window_histogram& w : s.windows) {
        const auto wrong = [&](const std::string& what) {
            return error("statistics of layer '" + name_of(net, i) + "': windows of " +
                         std::to_string(w.channels) + " channels " + what);
        };
        const layer_row& row = net.rows[i];
        if (w.channels < 1 || w.length != w.channels * taps(row))
            throw wrong("have length " + std::to_string(w.length) + " instead of " +
                        std::to_string(w.channels * taps(row)));
        const std::size_t bins = static_cast<std::size_t>(w.length) + 1;
        const auto channels = static_cast<std::size_t>(row.in.channels);
        if (w.share.empty() || w.share.size() % bins != 0 ||
            w.blocks() != (channels + static_cast<std::size_t>(w.channels) - 1) /
                              static_cast<std::size_t>(w.channels))
            throw wrong("hold " + std::to_string(w.share.size()) + " shares, which is not one of " +
                        std::to_string(bins) + " for each block of channels");
        for (std::size_t b = 0; b < w.blocks(); ++b) {
            double sum = 0.0;
            bool sound = true;
            for (std::size_t z = 0; z < bins; ++z) {
                const double v = w.share[b * bins + z];
                sound = sound && v >= 0.0;
                sum += v;
            }
            if (!sound || !(std::abs(sum - 1.0) <= 1e-6))
                throw wrong("do not sum to one in block " + std::to_string(b) + " (sum " +
                            number(sum) + ")");
        }
    }
}

}  // namespace detail

/// Allocates one network on one device again and again, for changing statistics.
///
/// \tparam E       the engine that runs the compute rows
/// \tparam Policy  how points are chosen; `exact` by default
template <Engine E, AllocationPolicy Policy = exact>
class allocator {
  public:
    /// Enumerates every option of every row and computes its cost.
    /// \throws hass::error for an empty network, budgets of zero, a clock of zero
    template <Device D>
    allocator(const network_view& net, E engine, const D& board, Policy policy = Policy{})
        : allocator(net, std::move(engine), board, std::move(policy), std::nullopt) {}

    /// \param image_bits  what the board's link carries for an image beside weights, bits: of parts
    /// of a network; nullopt: the image and its answers
    /// \throws hass::error as above
    template <Device D>
    allocator(const network_view& net, E engine, const D& board, Policy policy,
              std::optional<double> image_bits)
        : rows_(net.rows.begin(), net.rows.end()),
          edges_(net.edges.begin(), net.edges.end()),
          names_(net.names.begin(), net.names.end()),
          engine_(std::move(engine)),
          board_(board.limits()),
          policy_(std::move(policy)),
          lut_each_(lut_per_missing_bram18(engine_)),
          image_bits_(image_bits ? *image_bits : data_bits(engine_) * image_words(this->net())),
          skew_(this->net()) {
        if (rows_.empty()) throw error("allocate: the network has no layers");
        detail::check_device(board_);
        enumerate();
    }

    // what the policy sees points into this object's own tables; moving keeps them in place
    allocator(const allocator&) = delete;
    allocator& operator=(const allocator&) = delete;
    allocator(allocator&&) = default;
    allocator& operator=(allocator&&) = default;

    /// The allocation for these statistics.
    /// \throws hass::error for statistics of another network, sparsities outside [0, 1], NaN,
    /// window histograms of the wrong width or that do not sum to one
    template <NetworkStatistics S>
    allocation solve(const S& statistics) {
        if constexpr (requires { statistics.size(); }) {
            if (statistics.size() != rows_.size())
                throw error("allocate: statistics of " + std::to_string(statistics.size()) +
                            " layers for a network of " + std::to_string(rows_.size()));
        }
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (is_compute(rows_[i])) {
                set(i, statistics.at(i));
            } else if (cycles_[i].empty()) {
                compute_cycles(i, {});
            }
        }
        solved_ = true;
        return choose();
    }

    /// The allocation when only row `i` has other statistics than at the last call; the other rows'
    /// cycles are kept. The result is the one `solve` would give.
    /// \throws hass::error as `solve`, and before the first `solve`
    allocation update(std::size_t i, const layer_statistics& s) {
        if (!solved_) throw error("allocate: update before the first solve");
        if (i >= rows_.size())
            throw error("allocate: layer " + std::to_string(i) + " of a network of " +
                        std::to_string(rows_.size()));
        if (is_compute(rows_[i])) set(i, s);
        return choose();
    }

    /// The design that needs least of one resource (then of DSPs; for DSPs, then of LUTs) at a
    /// required throughput, for the statistics of the last `solve` or `update`. In its certificate
    /// the upper bound is the required throughput, `least` the proven bound of that resource, and
    /// `reason` says what is minimised or why the throughput cannot be reached.
    /// \param r  index into `resources`
    /// \param images_per_second  > 0
    /// \throws hass::error before the first `solve`, for a resource or throughput that makes no
    /// sense, for BRAM18 where LUTs replace them
    allocation least(std::size_t r, double images_per_second) requires
        requires(Policy& p, const allocation_problem& x) {
        p.least(x, 0, 1.0);
    }
    {
        if (!solved_) throw error("allocate: least before the first solve");
        if (r >= resources.size())
            throw error("allocate: resource " + std::to_string(r) + " of " +
                        std::to_string(resources.size()));
        if (r == bram18_index && lut_each_ > 0.0)
            throw error(
                "allocate: least BRAM18 is not defined where LUTs replace them; ask for "
                "least LUT on a board with fewer BRAM18");
        if (!(images_per_second > 0.0))
            throw error("allocate: required throughput is " + detail::number(images_per_second) +
                        " images/s, must be above zero");
        if (too_small_ || empty_row_) return nothing_fits({});
        const double interval = board_.mhz * 1e6 / images_per_second;
        const allocation_choice choice = policy_.least(problem(), r, interval);
        allocation a;
        certificate& c = a.certificate;
        c.upper_bound_images_per_second = images_per_second;
        if (!choice.found) {
            const bool proved = choice.proved_interval == std::numeric_limits<double>::infinity();
            c.gap = std::numeric_limits<double>::infinity();
            c.binding = choice.obstacle;
            c.reason = detail::number(images_per_second) + " images/s " +
                       (proved ? "cannot be reached" : "were not reached") + " on device '" +
                       std::string(board_.name) + "'";
            if (interval < link_floor())
                c.reason += ": its bandwidth of " + detail::number(board_.budget.bandwidth) +
                            " Gbit/s carries at most " +
                            detail::number(board_.mhz * 1e6 / link_floor()) + " images/s";
            return a;
        }
        fill(choice, a);
        c.least = choice.least;
        if (r == bandwidth_index) c.least += link_of(board_, image_bits_).traffic(interval);
        c.gap = 0.0;
        c.minimal = choice.minimal;
        c.binding = r;
        c.reason = std::string(resources[r].name) + " is minimised at " +
                   detail::number(images_per_second) + " images/s";
        return a;
    }

    /// The design that answers a single image soonest (`estimate::latency_cycles`, batch 1), for
    /// the statistics of the last `solve` or `update`. In its certificate `least` is the proven
    /// bound of the latency in cycles, `gap` how far this one may be above it, and the upper bound
    /// of the throughput is that of `solve`. Takes tens to thousands of times as long as `solve`.
    /// \throws hass::error before the first `solve`
    allocation lowest_latency() {
        if (!solved_) throw error("allocate: lowest_latency before the first solve");
        if (too_small_ || empty_row_) return nothing_fits({});
        const allocation_choice fastest = policy_(problem());
        if (!fastest.found) return nothing_fits(fastest);
        std::vector<std::vector<double>> delays(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::vector<row_option>& all = options_[i]->options();
            for (std::size_t k = 0; k < all.size(); ++k)
                delays[i].push_back(pixel_latency(rows_[i], all[k], cycles_[i][k]));
        }
        constexpr std::size_t max_states = 2000;
        constexpr std::size_t max_ranges = 400;
        const allocation_problem asked = problem();
        const auto soonest = detail::latency_search(net(), asked, delays, max_states, max_ranges)(
            fastest.options, proved_interval(fastest));
        allocation_choice choice = fastest;
        choice.options = soonest.options;
        allocation a;
        fill(choice, a);
        certificate& c = a.certificate;
        c.upper_bound_images_per_second = upper_bound(fastest);
        c.least = std::min(soonest.least, a.estimate.latency_cycles);
        c.minimal = soonest.proved;
        c.gap = c.minimal ? 0.0 : a.estimate.latency_cycles / c.least - 1.0;
        c.reason =
            "the latency of one image is minimised: " + detail::number(a.estimate.latency_cycles) +
            " cycles";
        return a;
    }

    network_view net() const { return {rows_, edges_, names_}; }
    const device& board() const { return board_; }
    const E& engine() const { return engine_; }
    /// Every option of row `i` that leaves room for the other rows, and their cycles at the
    /// last call.
    const priced_options& options(std::size_t i) const { return *options_[i]; }
    std::span<const double> cycles(std::size_t i) const { return cycles_[i]; }

  private:
    void enumerate() {
        budget_ = to_needs(board_.budget, lut_each_);
        options_.resize(rows_.size());
        cycles_.resize(rows_.size());
        choices_.resize(rows_.size());
        fastest_.resize(rows_.size());
        statistics_.resize(rows_.size());
        std::vector<resource_vector> least(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            // equal rows share their options
            for (std::size_t j = 0; j < i && !options_[i]; ++j)
                if (rows_[j] == rows_[i] && std::ranges::equal(skew_.held(j), skew_.held(i)))
                    options_[i] = options_[j], least[i] = least[j];
            if (options_[i]) continue;
            options_[i] =
                std::make_shared<priced_options>(options_of(engine_, rows_[i], skew_.held(i)));
            if (options_[i]->size() == 0)
                throw error("allocate: the engine has no option for layer '" + name_of(net(), i) +
                            "'");
            least[i] = options_[i]->costs().front();
            for (const resource_vector& cost : options_[i]->costs())
                for (std::size_t r = 0; r < cost.size(); ++r)
                    least[i][r] = std::min(least[i][r], cost[r]);
        }
        for (const resource_vector& row : least)
            for (std::size_t r = 0; r < row.size(); ++r) least_[r] += row[r];
        for (std::size_t r = 0; r < least_.size(); ++r)
            if (least_[r] > budget_[r]) too_small_ = true;
        if (link_floor() == std::numeric_limits<double>::infinity()) too_small_ = true;
        // a option has to leave room for the least that the other rows need
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (options_[i]->finished()) continue;
            resource_vector room = budget_;
            for (std::size_t r = 0; r < room.size(); ++r) {
                const double others = least_[r] - least[i][r];
                room[r] = too_small_ ? std::numeric_limits<double>::infinity()
                                     : std::max(least[i][r], budget_[r] - others * (1.0 - 1e-12));
            }
            options_[i]->finish(room, budget_);
            if (options_[i]->size() == 0) empty_row_ = i;
        }
    }

    void set(std::size_t i, const layer_statistics& s) {
        detail::check_statistics(net(), i, s);
        compute_cycles(i, s);
        statistics_[i] = s;
    }

    void compute_cycles(std::size_t i, const layer_statistics& s) {
        cycles_of(engine_, rows_[i], s, options_[i]->options(), new_cycles_);
        if (new_cycles_ == cycles_[i]) return;
        for (const double c : new_cycles_)
            if (!(c >= 0.0))
                throw error("layer '" + name_of(net(), i) + "': the engine gives " +
                            detail::number(c) + " cycles");
        cycles_[i].swap(new_cycles_);
        fastest_[i] = std::numeric_limits<double>::infinity();
        for (const double c : cycles_[i]) fastest_[i] = std::min(fastest_[i], c);
        choices_[i] = {options_[i].get(), cycles_[i], ++version_};
    }

    /// Least cycles in which the board's link carries an image.
    double link_floor() const {
        return link_of(board_, image_bits_).cycles(least_[bandwidth_index]);
    }

    double proved_interval(const allocation_choice& choice) const {
        return std::max(choice.proved_interval, link_floor());
    }
    double upper_bound(const allocation_choice& choice) const {
        const double proved = proved_interval(choice);
        return proved > 0.0 ? board_.mhz * 1e6 / proved : std::numeric_limits<double>::infinity();
    }

    allocation choose() {
        if (too_small_ || empty_row_) return nothing_fits({});
        const allocation_choice choice = policy_(problem());
        if (!choice.found) return nothing_fits(choice);
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (cycles_[i][choice.options[i]] >= ruled_out) return no_room(i);
        allocation a;
        fill(choice, a);
        certificate& c = a.certificate;
        c.upper_bound_images_per_second = upper_bound(choice);
        const double interval = a.estimate.interval_cycles;
        const double proved = proved_interval(choice);
        c.gap = proved >= interval ? 0.0 : interval / proved - 1.0;
        c.fewest_dsp = choice.fewest_dsp, c.fewest_lut = choice.fewest_lut;
        c.least_dsp = choice.least_dsp;
        explain(choice, a);
        return a;
    }

    allocation_problem problem() const {
        return {choices_, budget_, lut_each_ > 0.0, link_of(board_, image_bits_)};
    }

    /// The design of the choice and its estimate: what `evaluate` gives, without asking the engine
    /// for cycles again.
    void fill(const allocation_choice& choice, allocation& a) const {
        a.fits = true;
        std::vector<stage_estimate> stages;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::uint32_t k = choice.options[i];
            a.design.push_back(options_[i]->options()[k]);
            stages.push_back(
                {cycles_[i][k], lut_each_ > 0.0
                                    ? row_cost(engine_, rows_[i], a.design.back(), skew_.held(i))
                                    : to_usage(options_[i]->costs()[k])});
        }
        a.estimate = evaluate_pipeline(net(), a.design, stages, board_, lut_each_, image_bits_);
        a.estimate.squeezes = squeeze_cost(engine_, net(), a.design);
        a.certificate.limiting_row = a.estimate.bottleneck;
    }

    void explain(const allocation_choice& choice, allocation& a) const {
        certificate& c = a.certificate;
        const double interval = a.estimate.interval_cycles;
        if (a.estimate.link_binds()) {
            c.binding = bandwidth_index;
            c.reason = bandwidth_is_spent(a.estimate);
            return;
        }
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (fastest_[i] < interval) continue;
            // row i has nothing faster that fits; is there something faster at all?
            c.limiting_row = i;
            std::optional<std::size_t> too_dear;
            std::vector<double> cycles;
            cycles_of(engine_, rows_[i], statistics_[i], options_[i]->dropped(), cycles);
            for (std::size_t k = 0; k < cycles.size() && !too_dear; ++k)
                if (cycles[k] < interval)
                    too_dear =
                        tightest(to_usage(options_[i]->dropped_costs()[k]), to_usage(budget_));
            c.binding = too_dear;
            c.reason = too_dear ? "any faster option of '" + name_of(net(), i) + "' needs more " +
                                      std::string(resources[*too_dear].name) +
                                      " than the other layers leave"
                                : "no faster option of '" + name_of(net(), i) +
                                      "' exists: it is at its largest parallelism, or at the rate "
                                      "at which its data moves";
            return;
        }
        c.binding = choice.obstacle;
        const resource& r = resources[choice.obstacle];
        c.reason = std::string(r.name) + " is spent (" + detail::number(a.estimate.total.*r.field) +
                   " of " + detail::number(board_.budget.*r.field);
        if (choice.obstacle == bram18_index && a.estimate.bram18_from_lut > 0.0)
            c.reason += " and " + detail::number(a.estimate.bram18_from_lut) +
                        " from LUTs: " + detail::number(a.estimate.total.lut) + " of " +
                        detail::number(board_.budget.lut) + " LUT";
        c.reason += "): the next smaller interval needs more than is left";
    }

    /// Says that the board's link is what sets the interval.
    std::string bandwidth_is_spent(const estimate& e) const {
        const double weights = e.total.bandwidth - e.image_gbit_s;
        std::string reason = "the bandwidth of device '" + std::string(board_.name) +
                             "' is spent: of its " + detail::number(board_.budget.bandwidth) +
                             " Gbit/s, ";
        if (e.total.bandwidth > e.image_gbit_s * (1.0 + 1e-9))
            reason += "weights take " + detail::short_number(weights) + ", ";
        return reason + "images and their answers take " + detail::short_number(e.image_gbit_s) +
               " (" + detail::number(image_bits_) + " bits each)";
    }

    /// Says that only memories that are too small for row `i` fit.
    allocation no_room(std::size_t i) const {
        allocation a;
        certificate& c = a.certificate;
        c.gap = std::numeric_limits<double>::infinity();
        c.limiting_row = i;
        c.reason = "whatever fits device '" + std::string(board_.name) +
                   "' has no room for the weights of layer '" + name_of(net(), i) + "'";
        return a;
    }

    /// Says which resource even the smallest design is short of.
    allocation nothing_fits(const allocation_choice& choice) const {
        allocation a;
        certificate& c = a.certificate;
        c.gap = std::numeric_limits<double>::infinity();
        double worst = 0.0;
        for (std::size_t r = 0; r < least_.size(); ++r) {
            const double over = least_[r] - budget_[r];
            const double share = over <= 0.0 ? 0.0 : budget_[r] > 0.0 ? over / budget_[r] : 1e300;
            if (share > worst) worst = share, c.binding = r, c.missing = over;
        }
        if (!c.binding && link_floor() == std::numeric_limits<double>::infinity()) {
            c.binding = bandwidth_index;
            c.reason = "the bandwidth of device '" + std::string(board_.name) + "' is " +
                       detail::number(budget_[bandwidth_index]) + " Gbit/s";
            if (least_[bandwidth_index] > 0.0) c.reason += ", all of which weights take";
            c.reason += ": images and answers cannot be carried";
        } else if (c.binding) {
            const std::size_t r = *c.binding;
            const std::string name(resources[r].name);
            const std::string board = "device '" + std::string(board_.name) + "'";
            if (r == bram18_index && lut_each_ > 0.0) {
                c.missing /= lut_each_;
                c.reason = "the smallest design lacks " + detail::number(c.missing) + " " + name +
                           " on " + board + " after all LUTs that are left stand in for " + name;
                return a;
            }
            c.reason = "the smallest design needs " + detail::number(least_[r]) + " " + name +
                       ", " + board + " has " + detail::number(budget_[r]) + " (" +
                       detail::number(c.missing) + " missing)";
        } else {
            joint_shortage(choice, a);
        }
        return a;
    }

    /// Every resource alone would do, but not together: reports the design that is short of least.
    void joint_shortage(const allocation_choice& choice, allocation& a) const {
        certificate& c = a.certificate;
        resource_vector sum{};
        for (const auto& options : options_) {
            // cheapest option by its largest share of the budget
            double least = std::numeric_limits<double>::infinity();
            const resource_vector* cheapest = nullptr;
            for (const auto* costs : {&options->costs(), &options->dropped_costs()})
                for (const resource_vector& cost : *costs) {
                    double share = 0.0;
                    for (std::size_t r = 0; r < cost.size(); ++r)
                        if (cost[r] > 0.0)
                            share =
                                std::max(share, budget_[r] > 0.0 ? cost[r] / budget_[r] : 1e300);
                    if (share < least) least = share, cheapest = &cost;
                }
            for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += (*cheapest)[r];
        }
        std::size_t r = tightest(to_usage(sum), to_usage(budget_));
        if (sum[r] <= budget_[r]) r = choice.obstacle;
        c.binding = r;
        c.missing = std::max(0.0, sum[r] - budget_[r]);
        const std::string name(resources[r].name);
        if (r == bram18_index && lut_each_ > 0.0) {
            c.missing /= lut_each_;
            c.reason = name + " and the LUTs to build it from stand in the way";
        } else if (c.missing > 0.0)
            c.reason = "a small one needs " + detail::number(sum[r]) + " " + name + " of " +
                       detail::number(budget_[r]) + " (" + detail::number(c.missing) + " missing)";
        else
            c.reason = name + " stands in the way (budget " + detail::number(budget_[r]) + ")";
        const bool proved =
            choice.proved_interval == std::numeric_limits<double>::infinity() || empty_row_;
        c.reason = (proved ? "no design is within all resources of device '"
                           : "no design was found (it is not proved that there is none) within all "
                             "resources of device '") +
                   std::string(board_.name) + "' at once; " + c.reason;
    }

    std::vector<layer_row> rows_;
    std::vector<edge> edges_;
    std::vector<std::string> names_;
    E engine_;
    device board_;
    Policy policy_;
    double lut_each_;    ///< for a missing block RAM; 0: none may be missing
    double image_bits_;  ///< what the board's link carries for an image
    network_skew skew_;
    resource_vector budget_{};
    resource_vector least_{};  ///< least need of each resource on its own
    bool too_small_ = false;
    std::optional<std::size_t> empty_row_;
    bool solved_ = false;
    std::vector<std::shared_ptr<priced_options>> options_;
    std::vector<std::vector<double>> cycles_;  ///< of every option
    std::vector<double> new_cycles_;           // scratch
    std::vector<double> fastest_;              ///< least of `cycles_`
    std::vector<row_choice> choices_;          ///< what the policy sees
    std::uint64_t version_ = 0;
    std::vector<layer_statistics> statistics_;
};

template <Engine E, Device D>
allocator(const network_view&, E, const D&) -> allocator<E>;
template <Engine E, Device D, AllocationPolicy P>
allocator(const network_view&, E, const D&, P) -> allocator<E, P>;

/// The best design of `net` on `board`: see the head of the file.
/// \throws hass::error for bad input; a board that is too small is not bad input (`fits` is false)
template <NetworkStatistics S, Engine E, Device D, AllocationPolicy Policy = exact>
allocation allocate(const network_view& net, const S& statistics, const E& engine, const D& board,
                    Policy policy = Policy{}) {
    return allocator<E, Policy>(net, engine, board, std::move(policy)).solve(statistics);
}

/// Answers a call that forgets an argument: says which.
template <class... Given>
requires(!detail::complete<Given...>) allocation allocate(const network_view&, const Given&...) {
    detail::say_what_is_missing<Given...>();
    return {};
}

}  // namespace hass
