/// \file tpe.hpp
/// The tree-structured Parzen estimator: suggests where good trials are dense and bad ones are not.
///
/// Follows Optuna's TPESampler, 5.0 by default: the gamma(n) best trials are the good set, the rest
/// and the running ones the bad set; each becomes a Parzen mixture; of 24 draws from the good one
/// the point with the largest density ratio is suggested. Axis by axis (univariate) or jointly
/// (multivariate). The random streams are this library's own, so densities agree with Optuna's,
/// draws do not.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/parzen.hpp>
#include <hass/search/random.hpp>
#include <hass/text.hpp>

namespace hass {

/// Size of the good set: ceil(n / 10), at most 25 for one objective. Optuna 5.0.
struct gamma_tenth {
    /// Of n finished trials.
    constexpr std::size_t operator()(std::size_t n, std::size_t objectives) const {
        const std::size_t tenth = (n + 9) / 10;
        return objectives > 1 || tenth < 25 ? tenth : 25;
    }
};

/// Size of the good set: ceil(n / 10), at most 25. Optuna 4.9 and before.
struct gamma_tenth_capped {
    /// Of n finished trials.
    constexpr std::size_t operator()(std::size_t n, std::size_t) const {
        const std::size_t tenth = (n + 9) / 10;
        return tenth < 25 ? tenth : 25;
    }
};

/// Size of the good set: ceil(sqrt(n) / 4), at most 25. hyperopt.
struct gamma_root {
    /// Of n finished trials.
    std::size_t operator()(std::size_t n, std::size_t) const {
        const auto quarter =
            static_cast<std::size_t>(std::ceil(0.25 * std::sqrt(static_cast<double>(n))));
        return quarter < 25 ? quarter : 25;
    }
};

/// Candidates drawn per suggestion (per axis when univariate): always `Count`.
template <std::size_t Count = 24>
struct fixed_candidates {
    /// How many.
    constexpr std::size_t operator()(std::size_t /*dimensions*/, std::size_t /*finished*/) const {
        return Count;
    }
};

/// Are the axes modelled together?
enum class tpe_model {
    automatic,    ///< together for one objective, singly for more (Optuna 5.0)
    univariate,   ///< every axis for itself
    multivariate  ///< together
};

/// How the good trials of a multi-objective search are weighted.
enum class tpe_front_weights {
    equal,        ///< all alike (Optuna 5.0)
    contribution  ///< by what each adds to the hypervolume of the good set's front (Optuna 4.9,
                  ///< MOTPE)
};

/// Settings of a TPE that may change from run to run.
struct tpe_options {
    std::size_t startup = 10;                ///< uniform draws until this many trials have finished
    tpe_model model = tpe_model::automatic;  ///< one density for all axes, or one each
    bool constant_liar = true;  ///< running trials count as bad, so that parallel asks spread out
    tpe_front_weights front_weights = tpe_front_weights::equal;  ///< of trials on a Pareto front
};

/// Tree-structured Parzen estimator; minimises.
///
/// \tparam Gamma       size of the good set: (finished, objectives) -> count
/// \tparam Candidates  draws per suggestion: (axes, finished) -> count
/// \tparam Bandwidth   see parzen_neighbours
/// \tparam Weights     fills the weights of observations in time order
template <class Gamma = gamma_tenth, class Candidates = fixed_candidates<24>,
          class Bandwidth = neighbour_gap_bandwidth, class Weights = recency_weights>
class tpe {
  public:
    explicit tpe(space where, std::uint64_t seed = 0, tpe_options options = {})
        : where_(std::move(where)), seed_(seed), options_(options) {
        for (std::size_t i = 0; i < where_.size(); ++i)
            if (!where_[i].settled()) {
                active_.push_back(i);
                axes_.emplace_back(where_[i]);
            }
        make_mixtures(multivariate());
    }

    /// The next point; never exhausted.
    std::optional<trial> ask() {
        random_stream random(seed_, asked_++);
        if (ranking_.size() < options_.startup || active_.empty())
            return adopt(uniform_point(where_, random));
        return adopt(suggest(random));
    }

    /// Counts a point that somebody else chose as running. \throws hass::error on an illegal point
    trial adopt(std::vector<double> point) {
        where_.check(point);
        const std::size_t row = rows_.size();
        rows_.emplace_back();
        for (const std::size_t i : active_) coordinates_.push_back(where_[i].to_model(point[i]));
        touched_.push_back(row);
        return {row, std::move(point)};
    }

    /// Learns the outcome of a trial: of a running one by its number, otherwise as a new one.
    /// \throws hass::error when the number of objectives changes, or on an illegal point
    void tell(const trial& told, const outcome& result) {
        if (!result.values().empty() && result.state() != trial_state::pruned) {
            if (objectives_ != 0 && result.values().size() != objectives_)
                throw error(text_of({"tpe: ", result.values().size(),
                                     " objective values, earlier trials had ", objectives_}));
            objectives_ = result.values().size();
        }
        std::size_t row =
            told.number < rows_.size() ? static_cast<std::size_t>(told.number) : rows_.size();
        if (row == rows_.size() || rows_[row].state != trial_state::running)
            row = static_cast<std::size_t>(adopt(told.point).number);
        record& r = rows_[row];
        r.state = result.state();
        touched_.push_back(row);
        if (r.state == trial_state::failed) {  // nothing to learn from
            if (where_.cardinality() != 0) failed_.insert(told.point);
            return;
        }
        r.values = result.values();
        r.violation = result.violation();
        r.step = result.step();
        const auto at =
            std::upper_bound(ranking_.begin(), ranking_.end(), row,
                             [this](std::size_t x, std::size_t y) { return before(x, y); });
        ranking_.insert(at, row);
    }

    const space& where() const { return where_; }

    /// Number of finished trials it has learnt from.
    std::size_t finished() const { return ranking_.size(); }

    /// Numbers of the good and of the bad trials, each in time order; running ones are bad.
    struct split_result {
        std::vector<std::size_t> good;  ///< numbers
        std::vector<std::size_t> bad;   ///< numbers
    };
    /// Finished trials as the next suggestion sees them.
    split_result split() {
        fit();
        return {good_->members(), bad_->members()};
    }

    /// A density of points.
    using mixture = parzen_mixture<Bandwidth>;

    /// The mixture of the good trials; its axes are the searched ones, in order.
    const mixture& good() {
        fit();
        return *good_;
    }
    /// The mixture of the bad trials.
    const mixture& bad() {
        fit();
        return *bad_;
    }

    /// True when axes are modelled together now.
    bool multivariate() const {
        return options_.model == tpe_model::multivariate ||
               (options_.model == tpe_model::automatic && objectives_ <= 1);
    }

  private:
    enum class membership : unsigned char { outside, good, bad };

    struct record {
        trial_state state = trial_state::running;
        membership member = membership::outside;  // of the mixtures as they are
        std::vector<double> values;
        double violation = 0.0;
        std::int64_t step = 0;
    };

    /// Better first: measured and feasible by value, then pruned (later steps, smaller values),
    /// then infeasible by violation; earlier trials first on ties. With several objectives the
    /// order among the measured does not matter.
    bool before(std::size_t a, std::size_t b) const {
        const auto tier = [](const record& r) {
            return r.state == trial_state::ok ? 0 : r.state == trial_state::pruned ? 1 : 2;
        };
        const record& x = rows_[a];
        const record& y = rows_[b];
        if (tier(x) != tier(y)) return tier(x) < tier(y);
        if (tier(x) == 2 && x.violation != y.violation) return x.violation < y.violation;
        if (tier(x) == 1 && x.step != y.step) return x.step > y.step;
        if (tier(x) < 2 && x.values[0] != y.values[0] && (tier(x) == 1 || objectives_ <= 1))
            return x.values[0] < y.values[0];
        return a < b;
    }

    /// Rows of the good set, best first.
    std::vector<std::size_t> good_rows() const {
        const std::size_t finished = ranking_.size();
        std::size_t wanted =
            std::min(Gamma{}(finished, std::max<std::size_t>(objectives_, 1)), finished);
        std::size_t measured = 0;
        while (measured < finished && rows_[ranking_[measured]].state == trial_state::ok)
            ++measured;
        if (objectives_ <= 1 || wanted >= measured)
            return {ranking_.begin(), ranking_.begin() + static_cast<std::ptrdiff_t>(wanted)};

        std::vector<std::vector<double>> points;
        for (std::size_t i = 0; i < measured; ++i) points.push_back(rows_[ranking_[i]].values);
        const auto ranks = non_domination_ranks(points, wanted);
        std::vector<std::size_t> good;
        for (std::size_t rank = 0; good.size() < wanted; ++rank) {
            std::vector<std::size_t> members;
            for (std::size_t i = 0; i < measured; ++i)
                if (ranks[i] == rank) members.push_back(i);
            if (members.size() > wanted - good.size()) {
                // The first rank that does not fit: keep what covers most.
                std::vector<std::vector<double>> front;
                for (const std::size_t i : members) front.push_back(points[i]);
                std::vector<std::size_t> kept;
                for (const std::size_t k :
                     hypervolume_subset(front, reference_of(front), wanted - good.size()))
                    kept.push_back(members[k]);
                members = std::move(kept);
            }
            for (const std::size_t i : members) good.push_back(ranking_[i]);
        }
        return good;
    }

    /// A tenth beyond the worst value of each objective, and never 0.
    static std::vector<double> reference_of(const std::vector<std::vector<double>>& points) {
        std::vector<double> reference(points.at(0).size());
        for (std::size_t j = 0; j < reference.size(); ++j) {
            double worst = points[0][j];
            for (const auto& p : points) worst = std::max(worst, p[j]);
            reference[j] = std::max(1.1 * worst, 0.9 * worst);
            if (reference[j] == 0.0) reference[j] = 1e-12;
        }
        return reference;
    }

    /// What each row of the good set's front adds to the hypervolume of that front, relative to the
    /// largest; dominated and infeasible rows next to nothing. The reference is that of all
    /// feasible good rows, but only the front's fill the gap that a removed one leaves. All
    /// feasible rows alike when there is one or when the hypervolume is infinite.
    std::vector<double> contribution_weights(const std::vector<std::size_t>& good) const {
        constexpr double least = 1e-12;
        std::vector<double> weights(good.size(), least);
        std::vector<std::size_t> feasible;  // places in `good`
        std::vector<std::vector<double>> points;
        for (std::size_t i = 0; i < good.size(); ++i)
            if (rows_[good[i]].state == trial_state::ok)
                feasible.push_back(i), points.push_back(rows_[good[i]].values);
        for (const std::size_t i : feasible) weights[i] = 1.0;
        if (points.size() <= 1) return weights;
        const std::vector<double> reference = reference_of(points);
        for (const double r : reference)
            if (!std::isfinite(r)) return weights;
        const std::vector<std::size_t> on_front = non_dominated(points);
        std::vector<std::vector<double>> front;
        for (const std::size_t k : on_front) front.push_back(points[k]);
        if (!std::isfinite(hypervolume(front, reference))) return weights;
        const std::vector<double> gains = hypervolume_contributions(front, reference);
        const double most = std::max(*std::max_element(gains.begin(), gains.end()), least);
        for (const std::size_t i : feasible) weights[i] = least;
        for (std::size_t k = 0; k < on_front.size(); ++k)
            weights[feasible[on_front[k]]] = std::max(gains[k] / most, least);
        return weights;
    }

    void make_mixtures(bool joint) {
        const auto use = joint ? parzen_use::joint : parzen_use::marginal;
        joint_ = joint;
        good_.emplace(axes_, use);
        bad_.emplace(axes_, use);
        touched_.resize(rows_.size());
        for (std::size_t row = 0; row < rows_.size(); ++row) {
            touched_[row] = row;
            rows_[row].member = membership::outside;
        }
    }

    /// Brings both mixtures up to the present trials: only trials that changed sides move.
    void fit() {
        if (multivariate() != joint_) make_mixtures(multivariate());
        if (touched_.empty() && fitted_) return;
        fitted_ = true;
        const std::vector<std::size_t> best = good_rows();
        std::vector<std::size_t> changed = std::move(touched_);
        touched_.clear();
        changed.insert(changed.end(), good_->members().begin(), good_->members().end());
        changed.insert(changed.end(), best.begin(), best.end());
        std::sort(changed.begin(), changed.end());
        changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
        std::vector<std::size_t> sorted = best;
        std::sort(sorted.begin(), sorted.end());
        for (const std::size_t row : changed) {
            record& r = rows_[row];
            membership wanted = membership::bad;
            if (r.state == trial_state::failed ||
                (r.state == trial_state::running && !options_.constant_liar))
                wanted = membership::outside;
            else if (std::binary_search(sorted.begin(), sorted.end(), row))
                wanted = membership::good;
            if (wanted == r.member) continue;
            if (r.member == membership::good) good_->erase(row);
            if (r.member == membership::bad) bad_->erase(row);
            const std::span<const double> x(coordinates_.data() + row * axes_.size(), axes_.size());
            if (wanted == membership::good) good_->insert(row, x);
            if (wanted == membership::bad) bad_->insert(row, x);
            r.member = wanted;
        }
        std::vector<double> weights(good_->members().size());
        if (objectives_ <= 1) {
            Weights{}(weights);
        } else if (options_.front_weights == tpe_front_weights::contribution) {
            weights = contribution_weights(good_->members());
        } else {
            equal_weights{}(weights);
        }
        good_->fit(weights);
        weights.resize(bad_->members().size());
        Weights{}(weights);
        bad_->fit(weights);
    }

    /// The candidate with the largest density ratio, as a point.
    std::vector<double> suggest(random_stream& random) {
        fit();
        normal_draws normal(random);
        std::vector<double> point(where_.size());
        for (std::size_t i = 0; i < where_.size(); ++i)
            if (where_[i].settled()) point[i] = where_[i].settled_value();
        const std::size_t count = std::max<std::size_t>(
            1, Candidates{}(multivariate() ? axes_.size() : 1, ranking_.size()));
        if (multivariate()) {
            std::vector<double> candidates(count * axes_.size());
            for (std::size_t c = 0; c < count; ++c) {
                const auto k = good_->draw_kernel(random);
                for (std::size_t d = 0; d < axes_.size(); ++d)
                    candidates[c * axes_.size() + d] = legal(d, good_->draw(d, k, normal));
            }
            std::vector<double> l(count);
            std::vector<double> g(count);
            good_->log_densities(candidates, l);
            bad_->log_densities(candidates, g);
            const auto place = [&](std::size_t c) {
                for (std::size_t d = 0; d < axes_.size(); ++d)
                    point[active_[d]] =
                        where_[active_[d]].from_model(candidates[c * axes_.size() + d]);
            };
            // Where nothing was learnt the ratio is large: keep off points that failed.
            if (!failed_.empty())
                for (std::size_t c = 0; c < count; ++c) {
                    place(c);
                    if (failed_.contains(point)) g[c] = std::numeric_limits<double>::infinity();
                }
            place(best_ratio(l, g));
        } else {
            std::vector<double> candidates(count);
            std::vector<double> l(count);
            std::vector<double> g(count);
            for (std::size_t d = 0; d < axes_.size(); ++d) {
                for (std::size_t c = 0; c < count; ++c) {
                    candidates[c] = legal(d, good_->draw(d, good_->draw_kernel(random), normal));
                    l[c] = good_->log_density(d, candidates[c]);
                    g[c] = bad_->log_density(d, candidates[c]);
                }
                point[active_[d]] = where_[active_[d]].from_model(candidates[best_ratio(l, g)]);
            }
        }
        return point;
    }

    /// A coordinate on the axis' steps; continuous ones stay as they are.
    double legal(std::size_t d, double coordinate) const {
        const axis& a = where_[active_[d]];
        return a.step > 0.0 ? a.to_model(a.from_model(coordinate)) : coordinate;
    }

    static std::size_t best_ratio(std::span<const double> l, std::span<const double> g) {
        std::size_t best = 0;
        for (std::size_t c = 1; c < l.size(); ++c)
            if (l[c] - g[c] > l[best] - g[best]) best = c;
        return best;
    }

    space where_;
    std::uint64_t seed_;
    tpe_options options_;
    std::uint64_t asked_ = 0;
    std::size_t objectives_ = 0;
    std::vector<std::size_t> active_;       // axes that are searched
    std::vector<parzen_axis> axes_;         // of those
    std::vector<double> coordinates_;       // model coordinates, [trial][searched axis]
    std::vector<record> rows_;              // every trial, by number
    std::vector<std::size_t> ranking_;      // finished trials, best first
    std::set<std::vector<double>> failed_;  // points that failed, kept on discrete spaces only
    std::vector<std::size_t> touched_;      // trials that changed since the last fit
    bool joint_ = true;                     // what the mixtures are made for
    bool fitted_ = false;
    std::optional<mixture> good_;
    std::optional<mixture> bad_;
};

/// The rules of Optuna 4.9: smaller good sets, Scott's bandwidth when multivariate. Use with
/// tpe_front_weights::contribution for several objectives.
using tpe_optuna_4 = tpe<gamma_tenth_capped, fixed_candidates<24>, scott_bandwidth>;

static_assert(AdoptingOptimizer<tpe<>>);

}  // namespace hass
