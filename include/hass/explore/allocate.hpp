/// \file allocate.hpp
/// How the fabric is shared out: which configuration each row of a network gets on a board.
///
///     hass::allocation best = hass::allocate(net, statistics, engine, board);
///     best.estimate.images_per_second;  best.design;  best.certificate.gap;
///
/// The pipeline runs at its slowest stage, so for a target interval every row independently needs
/// one configuration that is fast enough, and the design is the smallest interval for which such
/// configurations fit the board together. `exact` finds it, proves it, and among the designs of
/// that interval takes one with fewest DSPs, then fewest LUTs.
///
/// For a search loop keep an `allocator`: it computes costs once, and when the statistics of one
/// layer change it computes that layer's frontier only (`update`).
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
#include <hass/explore/choice.hpp>
#include <hass/explore/evaluate.hpp>
#include <hass/explore/frontier.hpp>
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
    /// The resource (index into `resources`) that forbids the next smaller interval, or that is
    /// missing when nothing fits; nullopt: no resource does, the limiting row is as fast as it
    /// gets.
    std::optional<std::size_t> binding;
    /// Amount of `binding` that even the smallest design is short of; 0 when something fits.
    double missing = 0.0;
    std::size_t limiting_row = 0;  ///< the slowest stage (the first on ties)
    std::string reason;            ///< one sentence: what stops this design from being faster
};

/// A design and what is known about it.
struct allocation {
    bool fits = false;        ///< false: `design` is empty and `certificate` says what is missing
    hass::design design;      ///< one configuration a row
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

/// Smallest cycles of a point slower than `t`; infinity when there is none.
inline double next_candidate(std::span<const frontier> rows, double t) {
    double next = std::numeric_limits<double>::infinity();
    for (const frontier& f : rows)
        if (const std::size_t k = f.within(t); k < f.points.size())
            next = std::min(next, f.points[k].cycles);
    return next;
}

/// Largest cycles of a point that takes at most `t`; -infinity when there is none.
inline double last_candidate(std::span<const frontier> rows, double t) {
    double last = -std::numeric_limits<double>::infinity();
    for (const frontier& f : rows)
        if (const std::size_t k = f.within(t); k > 0) last = std::max(last, f.points[k - 1].cycles);
    return last;
}

inline double slowest(std::span<const frontier> rows, const selection& s) {
    double interval = 0.0;
    for (std::size_t i = 0; i < rows.size(); ++i)
        interval = std::max(interval, rows[i].points[s[i]].cycles);
    return interval;
}

}  // namespace detail

/// What a policy chooses from: the rows' frontiers and the budget.
struct allocation_problem {
    std::span<const frontier> rows;  ///< each with at least one point within the budget
    resource_vector budget{};
};

/// What a policy has chosen and proved.
struct allocation_choice {
    bool found = false;
    std::vector<std::uint32_t> points;  ///< one a row, indices into its frontier
    double proved_interval = 0.0;       ///< no choice has a smaller interval (cycles)
    bool fewest_dsp = false;
    bool fewest_lut = false;
    std::size_t obstacle = 0;  ///< resource that forbids the next smaller interval
};

/// Chooses one point a row within the budget.
template <class P>
concept AllocationPolicy = requires(P& p, const allocation_problem& problem) {
    { p(problem) } -> std::same_as<allocation_choice>;
};

/// The optimal policy: smallest interval, then fewest DSPs, then fewest LUTs, each proved. The
/// interval is found by bisection over the cycles that occur in the frontiers; whether an interval
/// is feasible is decided by `choice.hpp`. Deterministic. Needs are compared with a relative
/// tolerance of 1e-12, DSPs exactly when they are multiples of 1/4, LUTs to 1e-9; what is returned
/// is within the budget without any tolerance.
class exact {
  public:
    /// \param max_states      partial choices kept at once before a proof of the interval is given
    /// up \param max_tie_states  the same for the proof that no design of that interval has fewer
    /// DSPs
    ///                        or LUTs; 0: only what bounds and local search give
    explicit exact(std::size_t max_states = 20000, std::size_t max_tie_states = 100)
        : max_states_(max_states), max_tie_states_(max_tie_states) {}

    allocation_choice operator()(const allocation_problem& problem) {
        using detail::verdict;
        const std::span<const frontier> rows = problem.rows;
        chooser_ = detail::chooser(problem.budget, max_states_);
        chooser_.bind(rows);
        allocation_choice result;

        double floor = 0.0;  // no interval is below the fastest point of the slowest row
        for (const frontier& f : rows) floor = std::max(floor, f.points.front().cycles);
        result.proved_interval = floor;
        const verdict any = chooser_.feasible(std::numeric_limits<double>::infinity());
        if (any != verdict::yes) {
            result.obstacle = chooser_.obstacle();
            if (any == verdict::no)
                result.proved_interval = std::numeric_limits<double>::infinity();
            return result;
        }

        detail::selection best = chooser_.found();
        double high = detail::slowest(rows, best);  // feasible
        double low = -1.0;                          // infeasible, or given up
        double proved = -1.0;                       // infeasible
        bool priced = false;
        while (high > floor) {
            double next = std::max(floor, detail::next_candidate(rows, low));
            if (next >= high) break;
            const double middle = low > 0.0 ? std::sqrt(low * high) : std::sqrt(floor * high);
            const double t = std::max(next, std::min(detail::last_candidate(rows, middle), high));
            verdict answer = verdict::unknown;
            if (priced) answer = chooser_.glance(t);
            if (answer == verdict::unknown) {
                answer = chooser_.feasible(t);
                chooser_.price_all();
                priced = true;
            }
            if (answer == verdict::yes) {
                best = chooser_.found();
                high = detail::slowest(rows, best);
            } else {
                low = t;
                if (answer == verdict::no) proved = t;
            }
        }
        result.proved_interval = std::max(floor, detail::next_candidate(rows, proved));
        result.proved_interval = std::min(result.proved_interval, high);
        if (high > floor) {
            const double before = detail::last_candidate(rows, std::nextafter(high, 0.0));
            const std::size_t short_of = chooser_.short_resource(before);
            result.obstacle = short_of < resources.size() ? short_of : chooser_.dearest();
        }
        spend_least(high, problem.budget, best, result);
        result.found = true;
        result.points = std::move(best);
        return result;
    }

  private:
    /// Among the choices within `interval`: fewest DSPs, then fewest LUTs.
    void spend_least(double interval, resource_vector caps, detail::selection& best,
                     allocation_choice& result) {
        constexpr std::size_t dsp = 0;
        constexpr std::size_t lut = 1;
        double bound = 0.0;
        chooser_.set_max_states(max_tie_states_);
        result.fewest_dsp =
            chooser_.minimise(dsp, interval, caps, best, bound) == detail::verdict::yes;
        best = chooser_.found();
        caps[dsp] = chooser_.total(best)[dsp];
        result.fewest_lut =
            chooser_.minimise(lut, interval, caps, best, bound) == detail::verdict::yes &&
            result.fewest_dsp;
        best = chooser_.found();
    }

    std::size_t max_states_;
    std::size_t max_tie_states_;
    detail::chooser chooser_;
};

/// Allocates one network on one device again and again, for changing statistics.
///
/// \tparam E       the engine that runs the compute rows
/// \tparam Policy  how points are chosen; `exact` by default
template <Engine E, AllocationPolicy Policy = exact>
class allocator {
  public:
    /// Enumerates every configuration of every row and computes its cost.
    /// \throws hass::error for an empty network, budgets of zero, a clock of zero
    template <Device D>
    allocator(const network_view& net, E engine, const D& board, Policy policy = Policy{})
        : rows_(net.rows.begin(), net.rows.end()),
          edges_(net.edges.begin(), net.edges.end()),
          names_(net.names.begin(), net.names.end()),
          engine_(std::move(engine)),
          board_(board.limits()),
          policy_(std::move(policy)) {
        if (rows_.empty()) throw error("allocate: the network has no layers");
        detail::check_device(board_);
        enumerate();
    }

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
            } else if (frontiers_[i].points.empty()) {
                compute_frontier(i, {});
            }
        }
        solved_ = true;
        return choose();
    }

    /// The allocation when only row `i` has other statistics than at the last call; the other rows'
    /// frontiers are kept. The result is the one `solve` would give.
    /// \throws hass::error as `solve`, and before the first `solve`
    allocation update(std::size_t i, const layer_statistics& s) {
        if (!solved_) throw error("allocate: update before the first solve");
        if (i >= rows_.size())
            throw error("allocate: layer " + std::to_string(i) + " of a network of " +
                        std::to_string(rows_.size()));
        if (is_compute(rows_[i])) set(i, s);
        return choose();
    }

    network_view net() const { return {rows_, edges_, names_}; }
    const device& board() const { return board_; }
    const E& engine() const { return engine_; }
    /// The frontiers of the last call, one a row.
    std::span<const frontier> frontiers() const { return frontiers_; }
    /// Every configuration of row `i` that is within the budget.
    const row_options& options(std::size_t i) const { return *options_[i]; }

  private:
    void enumerate() {
        budget_ = to_vector(board_.budget);
        options_.resize(rows_.size());
        frontiers_.resize(rows_.size());
        statistics_.resize(rows_.size());
        std::vector<resource_vector> least(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            // equal rows share their options
            for (std::size_t j = 0; j < i && !options_[i]; ++j)
                if (rows_[j] == rows_[i]) options_[i] = options_[j], least[i] = least[j];
            if (options_[i]) continue;
            options_[i] = std::make_shared<row_options>(options_of(engine_, rows_[i]));
            if (options_[i]->size() == 0)
                throw error("allocate: the engine has no configuration for layer '" +
                            name_of(net(), i) + "'");
            least[i] = options_[i]->costs().front();
            for (const resource_vector& cost : options_[i]->costs())
                for (std::size_t r = 0; r < cost.size(); ++r)
                    least[i][r] = std::min(least[i][r], cost[r]);
        }
        for (const resource_vector& row : least)
            for (std::size_t r = 0; r < row.size(); ++r) least_[r] += row[r];
        for (std::size_t r = 0; r < least_.size(); ++r)
            if (least_[r] > budget_[r]) too_small_ = true;
        // a configuration has to leave room for the least that the other rows need
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (options_[i]->finished()) continue;
            resource_vector room = budget_;
            for (std::size_t r = 0; r < room.size(); ++r) {
                const double others = least_[r] - least[i][r];
                room[r] = too_small_ ? std::numeric_limits<double>::infinity()
                                     : std::max(least[i][r], budget_[r] - others * (1.0 - 1e-12));
            }
            options_[i]->finish(room);
            if (options_[i]->size() == 0) empty_row_ = i;
        }
    }

    void set(std::size_t i, const layer_statistics& s) {
        detail::check_statistics(net(), i, s);
        compute_frontier(i, s);
        statistics_[i] = s;
    }

    void compute_frontier(std::size_t i, const layer_statistics& s) {
        const row_options& options = *options_[i];
        cycles_of(engine_, rows_[i], s, options.configurations(), cycles_now_);
        for (const double c : cycles_now_)
            if (!(c >= 0.0))
                throw error("layer '" + name_of(net(), i) + "': the engine gives " +
                            detail::number(c) + " cycles");
        options.prune(cycles_now_, scratch_, frontiers_[i]);
    }

    allocation choose() {
        if (too_small_ || empty_row_) return nothing_fits({});
        const allocation_choice choice = policy_(allocation_problem{frontiers_, budget_});
        if (!choice.found) return nothing_fits(choice);
        allocation a;
        a.fits = true;
        a.design.resize(rows_.size());
        for (std::size_t i = 0; i < rows_.size(); ++i)
            a.design[i] =
                options_[i]->configurations()[frontiers_[i].points[choice.points[i]].option];
        summarise(choice, a);
        return a;
    }

    /// The estimate of the choice: what `evaluate` gives, without asking the engine again.
    void summarise(const allocation_choice& choice, allocation& a) const {
        estimate& e = a.estimate;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const operating_point& p = frontiers_[i].points[choice.points[i]];
            e.total += to_usage(p.need);
            if (p.cycles > e.interval_cycles) e.interval_cycles = p.cycles, e.bottleneck = i;
        }
        const double hz = board_.mhz * 1e6;
        e.images_per_second = e.interval_cycles > 0.0 ? hz / e.interval_cycles
                                                      : std::numeric_limits<double>::infinity();
        e.fits = fits(e.total, board_.budget);

        certificate& c = a.certificate;
        c.upper_bound_images_per_second = choice.proved_interval > 0.0
                                              ? hz / choice.proved_interval
                                              : std::numeric_limits<double>::infinity();
        c.gap = choice.proved_interval >= e.interval_cycles
                    ? 0.0
                    : e.interval_cycles / choice.proved_interval - 1.0;
        c.fewest_dsp = choice.fewest_dsp, c.fewest_lut = choice.fewest_lut;
        c.limiting_row = e.bottleneck;
        explain(choice, a);
    }

    void explain(const allocation_choice& choice, allocation& a) const {
        certificate& c = a.certificate;
        const double interval = a.estimate.interval_cycles;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (frontiers_[i].points.front().cycles < interval) continue;
            // row i has nothing faster that fits; is there something faster at all?
            c.limiting_row = i;
            std::optional<std::size_t> too_dear;
            std::vector<double> cycles;
            cycles_of(engine_, rows_[i], statistics_[i], options_[i]->dropped(), cycles);
            for (std::size_t k = 0; k < cycles.size() && !too_dear; ++k)
                if (cycles[k] < interval)
                    too_dear = tightest(to_usage(options_[i]->dropped_costs()[k]), board_.budget);
            c.binding = too_dear;
            c.reason = too_dear ? "any faster configuration of '" + name_of(net(), i) +
                                      "' needs more " + std::string(resources[*too_dear].name) +
                                      " than the other layers leave"
                                : "no faster configuration of '" + name_of(net(), i) +
                                      "' exists: it is at its largest parallelism, or at the rate "
                                      "at which its data moves";
            return;
        }
        c.binding = choice.obstacle;
        const resource& r = resources[choice.obstacle];
        c.reason = std::string(r.name) + " is spent (" + detail::number(a.estimate.total.*r.field) +
                   " of " + detail::number(board_.budget.*r.field) +
                   "): the next smaller interval needs more than is left";
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
        if (c.binding) {
            const std::size_t r = *c.binding;
            c.reason = "the smallest design needs " + detail::number(least_[r]) + " " +
                       std::string(resources[r].name) + ", device '" + std::string(board_.name) +
                       "' has " + detail::number(budget_[r]) + " (" + detail::number(c.missing) +
                       " missing)";
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
            // cheapest configuration by its largest share of the budget
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
        std::size_t r = tightest(to_usage(sum), board_.budget);
        if (sum[r] <= budget_[r]) r = choice.obstacle;
        c.binding = r;
        c.missing = std::max(0.0, sum[r] - budget_[r]);
        c.reason = "no design is within all resources of device '" + std::string(board_.name) +
                   "' at once; a small one needs " + detail::number(sum[r]) + " " +
                   std::string(resources[r].name) + " of " + detail::number(budget_[r]) + " (" +
                   detail::number(c.missing) + " missing)";
        if (choice.proved_interval < std::numeric_limits<double>::infinity() && !empty_row_)
            c.reason = "none found within the state limit; " + c.reason;
    }

    std::vector<layer_row> rows_;
    std::vector<edge> edges_;
    std::vector<std::string> names_;
    E engine_;
    device board_;
    Policy policy_;
    resource_vector budget_{};
    resource_vector least_{};  ///< least need of each resource on its own
    bool too_small_ = false;
    std::optional<std::size_t> empty_row_;
    bool solved_ = false;
    std::vector<std::shared_ptr<row_options>> options_;
    std::vector<frontier> frontiers_;
    std::vector<layer_statistics> statistics_;
    std::vector<double> cycles_now_;
    std::vector<double> scratch_;
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

}  // namespace hass
