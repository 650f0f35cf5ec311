/// \file allocate.hpp
/// How the fabric is shared out: which option each row of a network gets on a board.
///
///     hass::allocation best = hass::allocate(net, statistics, engine, board);
///     best.estimate.images_per_second;  best.design;  best.certificate.gap;
///
/// The pipeline runs at its slowest stage, so for a target interval every row independently needs
/// one option that is fast enough, and the design is the smallest interval for which such
/// options fit the board together. `exact` finds it, proves it, and among the designs of
/// that interval takes the one that takes least of the board: the least sum of shares of DSPs, LUTs,
/// FFs, block RAMs, URAMs and bandwidth.
///
/// For a search loop keep an `allocator`: it computes costs once, and when the statistics of one
/// layer change it looks at that layer only (`update`). It also gives the design that needs least
/// of one resource at a required throughput (`least`), and the one that answers one image soonest,
/// alone or behind others (`lowest_latency`). The heuristics that others use are policies too
/// (`balanced.hpp`, `greedy.hpp`); networks that do not fit at once are cut in `partition.hpp`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/device/validate.hpp>
#include <hass/error.hpp>
#include <hass/explore/certificate.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/last_prepared.hpp>
#include <hass/explore/network_options.hpp>
#include <hass/explore/policy.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/reasons.hpp>
#include <hass/explore/soonest.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/statistics/validate.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// What a part of a network has of its cuts.
struct network_cut {
    double image_bits = 0.0;     ///< what the board's link carries for an image beside weights
    std::vector<char> leaves{};  ///< one a row: not 0 where its output leaves through a cut
};

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

    /// \param part  where the network is a part of another one
    /// \throws hass::error as above
    template <Device D>
    allocator(const network_view& net, E engine, const D& board, Policy policy,
              const std::optional<network_cut>& part)
        : rows_(net.rows.begin(), net.rows.end()),
          edges_(net.edges.begin(), net.edges.end()),
          names_(net.names.begin(), net.names.end()),
          engine_(std::move(engine)),
          board_(board.limits()),
          policy_(policy),
          initial_policy_(std::move(policy)),
          lut_each_(lut_per_missing_bram18(engine_)),
          image_bits_(part ? part->image_bits : data_bits(engine_) * image_words(this->net())),
          skew_(this->net()),
          streams_(this->net(), part ? part->leaves : std::vector<char>{}) {
        if (rows_.empty()) throw error("allocate: the network has no layers");
        validate(board_);
        budget_ = to_needs(board_.budget, lut_each_);
        options_ = detail::network_options(this->net(), engine_, skew_, streams_, budget_,
                                           link_of(board_, image_bits_));
        cycles_.resize(rows_.size());
        choices_.resize(rows_.size());
        fastest_.resize(rows_.size());
        statistics_.resize(rows_.size());
    }

    // what the policy sees points into this object's own tables; moving keeps them in place
    allocator(const allocator&) = delete;
    allocator& operator=(const allocator&) = delete;
    /// Moves its tables; they keep their places.
    allocator(allocator&&) = default;
    /// Moves its tables; they keep their places.
    allocator& operator=(allocator&&) = default;

    /// The allocation for these statistics.
    /// \throws hass::error for statistics of another network, sparsities outside [0, 1], NaN,
    /// window histograms of the wrong width or that do not sum to one
    template <NetworkStatistics S>
    allocation solve(const S& statistics) {
        if constexpr (requires { statistics.size(); }) {
            if (statistics.size() != rows_.size())
                throw error(text_of({"allocate: statistics of ", statistics.size(),
                                     " layers for a network of ", rows_.size()}));
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

    /// The next answer depends on what is asked alone. What is proved never depends on earlier calls;
    /// which of several designs of one interval is chosen may, where it is not proved which takes
    /// least, or where several do.
    void forget() { policy_ = initial_policy_; }

    /// The allocation when only row `i` has other statistics than at the last call; the other rows'
    /// cycles are kept. The result is the one `solve` would give.
    /// \throws hass::error as `solve`, and before the first `solve`
    allocation update(std::size_t i, const layer_statistics& s) {
        if (!solved_) throw error("allocate: update before the first solve");
        if (i >= rows_.size())
            throw error(text_of({"allocate: layer ", i, " of a network of ", rows_.size()}));
        if (is_compute(rows_[i])) set(i, s);
        return choose();
    }

    /// The design that needs least of one resource (then the least sum of shares of the board) at a
    /// required throughput, for the statistics of the last `solve` or `update`:
    ///
    ///     allocator.least(&usage::dsp, 5000);
    ///
    /// In its certificate the upper bound is the required throughput, `least_need` the proven bound
    /// of that resource, and `reason` says what is minimised or why the throughput cannot be
    /// reached.
    /// \param resource           a field of `usage`
    /// \param images_per_second  > 0
    /// \throws hass::error before the first `solve`, for a resource or throughput that makes no
    /// sense, for BRAM18 where LUTs replace them
    allocation least(double usage::*resource, double images_per_second) requires
        requires(Policy& p, const allocation_problem& x) {
        p.minimise(x, dsp_index, 1.0);
    }
    {
        const std::size_t r = index_of(resource);
        if (!solved_) throw error("allocate: least before the first solve");
        if (r == resources.size()) throw error("allocate: least of no resource");
        if (r == bram18_index && lut_each_ > 0.0)
            throw error(
                "allocate: least BRAM18 is not defined where LUTs replace them; ask for "
                "least LUT on a board with fewer BRAM18");
        if (!(images_per_second > 0.0))
            throw error(text_of({"allocate: required throughput is ", images_per_second,
                                 " images/s, must be above zero"}));
        if (options_.too_small() || options_.crowded()) return nothing_fits({});
        const double interval = board_.mhz * 1e6 / images_per_second;
        const allocation_choice choice = policy_.minimise(problem(), r, interval);
        if (!choice.found)
            return detail::without_design(detail::not_reached(board_, images_per_second,
                                                              choice.proved_interval == infinity,
                                                              choice.obstacle, link_floor()));
        allocation a = designed(choice);
        certificate& c = a.certificate;
        c.upper_bound_images_per_second = images_per_second;
        c.least_need = choice.least;
        if (r == bandwidth_index) c.least_need += link_of(board_, image_bits_).traffic(interval);
        c.gap = 0.0;
        c.minimal = choice.minimal;
        c.binding = r;
        c.reason =
            text_of({resources[r].name, " is minimised at ", images_per_second, " images/s"});
        return a;
    }

    /// The design that answers one image soonest, for the statistics of the last `solve` or
    /// `update`. In its certificate `least_latency_cycles` is the proven bound of the latency, `gap`
    /// how far this one may be above it, and the upper bound of the throughput is that of `solve`.
    /// Takes tens to thousands of times as long as `solve`.
    /// \param of  which latency: of an image alone (`estimate::single_image_cycles`), what users of
    ///            batch 1 measure and the default, or of one behind others
    ///            (`estimate::latency_cycles`)
    /// \throws hass::error before the first `solve`
    allocation lowest_latency(pace of = pace::own) {
        if (!solved_) throw error("allocate: lowest_latency before the first solve");
        if (options_.too_small() || options_.crowded()) return nothing_fits({});
        const allocation_problem asked = problem();
        const allocation_choice fastest = policy_(asked);
        if (!fastest.found) return nothing_fits(fastest);
        const bool own = of == pace::own;
        const detail::soonest found =
            detail::find_soonest(net(), asked, fastest, proved_interval(fastest), of);
        allocation_choice choice = fastest;
        choice.options = found.options;
        allocation a = designed(choice);
        certificate& c = a.certificate;
        const double latency = own ? a.estimate.single_image_cycles : a.estimate.latency_cycles;
        c.upper_bound_images_per_second = upper_bound(fastest);
        c.least_latency_cycles = std::min(found.least, latency);
        c.minimal = found.proved;
        c.gap = c.minimal ? 0.0 : latency / c.least_latency_cycles - 1.0;
        c.reason = text_of({"the latency of one image ", own ? "alone" : "behind others",
                            " is minimised: ", latency, " cycles"});
        return a;
    }

    /// What it allocates for.
    network_view net() const { return {rows_, edges_, names_}; }
    const device& board() const { return board_; }
    /// What executes the rows.
    const E& engine() const { return engine_; }
    /// Every option of row `i` that leaves room for the other rows, and their cycles at the
    /// last call.
    const priced_options& options(std::size_t i) const { return options_[i]; }
    /// Of every option of row `i` at the last call, in the order of `options`.
    std::span<const double> cycles(std::size_t i) const { return cycles_[i]; }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    void set(std::size_t i, const layer_statistics& s) {
        validate(net(), i, s);
        if (!prepared_.repeats(engine_, i, rows_[i], s) || cycles_[i].empty()) try {
                compute_cycles(i, s);
            } catch (...) {
                prepared_.forget(i);
                throw;
            }
        statistics_[i] = s;
    }

    void compute_cycles(std::size_t i, const layer_statistics& s) {
        cycles_of(engine_, rows_[i], s, options_[i].options(), new_cycles_);
        if (new_cycles_ == cycles_[i]) return;
        for (const double c : new_cycles_)
            if (!(c >= 0.0))
                throw error(
                    text_of({"layer '", name_of(net(), i), "': the engine gives ", c, " cycles"}));
        cycles_[i].swap(new_cycles_);
        fastest_[i] = infinity;
        for (const double c : cycles_[i]) fastest_[i] = std::min(fastest_[i], c);
        choices_[i] = {&options_[i], cycles_[i], ++version_};
        if (const priced_edges* edges = options_.edges())
            choices_[i].ports = edges->ports(i), choices_[i].rises = &edges->rises(i);
    }

    /// Least cycles in which the board's link carries an image.
    double link_floor() const {
        return link_of(board_, image_bits_).cycles(options_.least_needs()[bandwidth_index]);
    }

    double proved_interval(const allocation_choice& choice) const {
        return std::max(choice.proved_interval, link_floor());
    }
    double upper_bound(const allocation_choice& choice) const {
        const double proved = proved_interval(choice);
        return proved > 0.0 ? board_.mhz * 1e6 / proved : infinity;
    }

    allocation choose() {
        if (options_.too_small() || options_.crowded()) return nothing_fits({});
        const allocation_choice choice = policy_(problem());
        if (!choice.found) return nothing_fits(choice);
        for (std::size_t i = 0; i < rows_.size(); ++i)
            if (cycles_[i][choice.options[i]] >= ruled_out)
                return detail::without_design(detail::no_room(board_, i, name_of(net(), i)));
        allocation a = designed(choice);
        certificate& c = a.certificate;
        c.upper_bound_images_per_second = upper_bound(choice);
        const double interval = a.estimate.interval_cycles;
        const double proved = proved_interval(choice);
        c.gap = proved >= interval ? 0.0 : interval / proved - 1.0;
        detail::say_shares(problem(), choice, interval, c);
        explain(choice.obstacle, a.estimate, c);
        return a;
    }

    allocation_problem problem() const {
        return {choices_, budget_, lut_each_ > 0.0, link_of(board_, image_bits_), options_.edges()};
    }

    /// The design of the choice and its estimate: what `evaluate` gives, without asking the engine
    /// for cycles again.
    allocation designed(const allocation_choice& choice) const {
        allocation a;
        a.fits = true;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const std::uint32_t k = choice.options[i];
            a.design.push_back(options_[i].options()[k]);
            a.stages.push_back(
                {cycles_[i][k], lut_each_ > 0.0 || streams_.ends(i) != stream_ends{}
                                    ? row_cost(engine_, rows_[i], a.design.back(), skew_.held(i))
                                    : to_usage(options_[i].costs()[k])});
        }
        a.estimate = evaluate_pipeline(net(), a.design, a.stages, board_, lut_each_, image_bits_,
                                       between_cost(engine_, net(), streams_, a.design));
        a.certificate.limiting_row = a.estimate.bottleneck;
        return a;
    }

    /// Says in the certificate of a design what stops it from being faster.
    void explain(std::size_t obstacle, const estimate& e, certificate& c) const {
        detail::limit limit;
        const auto slowest = std::find_if(fastest_.begin(), fastest_.end(), [&](double fastest) {
            return fastest >= e.interval_cycles;
        });
        if (e.link_binds()) {
            limit = detail::link_is_spent(board_, e, image_bits_);
        } else if (slowest != fastest_.end()) {
            c.limiting_row = static_cast<std::size_t>(slowest - fastest_.begin());
            limit = detail::row_is_fastest(name_of(net(), c.limiting_row),
                                           too_dear(c.limiting_row, e.interval_cycles));
        } else {
            limit = detail::resource_is_spent(board_, e, obstacle);
        }
        c.binding = limit.binding;
        c.reason = limit.reason;
    }

    /// Row `i` has nothing faster that fits: the resource of which something faster needs too much,
    /// if there is something faster at all.
    std::optional<std::size_t> too_dear(std::size_t i, double interval) const {
        std::vector<double> cycles;
        cycles_of(engine_, rows_[i], statistics_[i], options_[i].dropped(), cycles);
        for (std::size_t k = 0; k < cycles.size(); ++k)
            if (cycles[k] < interval)
                return tightest(to_usage(options_[i].dropped_costs()[k]), to_usage(budget_));
        return std::nullopt;
    }

    allocation nothing_fits(const allocation_choice& choice) const {
        const resource_vector& least = options_.least_needs();
        if (const auto r = detail::shortest(least, budget_))
            return detail::without_design(
                detail::too_small(board_, *r, least[*r], budget_[*r], lut_each_));
        if (link_floor() == infinity)
            return detail::without_design(
                detail::link_carries_nothing(board_, least[bandwidth_index]));
        resource_vector small{};
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const resource_vector& row = detail::leanest(options_[i], budget_);
            for (std::size_t r = 0; r < small.size(); ++r) small[r] += row[r];
        }
        const bool proved = choice.proved_interval == infinity || options_.crowded();
        return detail::without_design(
            detail::too_small_together(board_, small, budget_, choice.obstacle, lut_each_, proved));
    }

    std::vector<layer_row> rows_;
    std::vector<edge> edges_;
    std::vector<std::string> names_;
    E engine_;
    device board_;
    Policy policy_;
    Policy initial_policy_;
    double lut_each_;    ///< for a missing block RAM; 0: none may be missing
    double image_bits_;  ///< what the board's link carries for an image
    network_skew skew_;
    network_streams streams_;
    resource_vector budget_{};
    bool solved_ = false;
    detail::network_options options_;
    std::vector<std::vector<double>> cycles_;  ///< of every option
    detail::last_prepared<E> prepared_;
    std::vector<double> new_cycles_;    // scratch
    std::vector<double> fastest_;       ///< least of `cycles_`
    std::vector<row_options> choices_;  ///< what the policy sees
    std::uint64_t version_ = 0;
    std::vector<layer_statistics> statistics_;
};

/// With the exact policy.
template <Engine E, Device D>
allocator(const network_view&, E, const D&) -> allocator<E>;
/// With a policy of one's own.
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
