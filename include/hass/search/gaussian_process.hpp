/// \file gaussian_process.hpp
/// Bayesian optimization: a Gaussian process learns the objective from the trials, and the next
/// point is the one that promises most by it. For trials that cost minutes: few of them go far.
///
/// After Jones, Schonlau, Welch (1998), with what is known since: Matern 5/2 (Snoek, Larochelle,
/// Adams 2012) or, with many axes, 3/2, length scales that grow with the dimension (Hvarfner et al. 2024), expected
/// improvement in logarithms (Ament et al. 2023), constraints by their probability (Gardner et al.
/// 2014), a trust region with many axes (Eriksson et al. 2019), hypervolume improvement for two and three objectives (Emmerich 2005), random weights
/// above (Knowles 2006), running trials believed at their mean (Ginsbourger et al. 2010).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/gp/acquisition.hpp>
#include <hass/search/gp/hypervolume_improvement.hpp>
#include <hass/search/gp/kernel.hpp>
#include <hass/search/gp/trial_models.hpp>
#include <hass/search/gp/trust_region.hpp>
#include <hass/search/gp/unit_columns.hpp>
#include <hass/search/gp/utility_search.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/random.hpp>
#include <hass/search/sobol.hpp>

namespace hass {

/// Settings of a Gaussian process search.
struct gaussian_process_options {
    std::size_t startup = 10;       ///< trials that have to finish before it suggests
    utility_search_options search;  ///< how the next point is looked for
    gaussian_model_options model;   ///< how processes are fitted
    trust_region_options region;    ///< of one objective
};

/// Gaussian process search; minimises. Axes of every kind, any number of objectives.
///
/// - Startup points are quasi-random; with many axes (twice as many as startup points) every other
///   one moves all numeric axes alike, from their low to their high ends.
/// - With one objective and many axes suggestions keep to a trust region around the best trial.
/// - Points it did not suggest are data like its own.
/// - Constraints told with outcome::constrained are learnt one by one; a suggestion counts with the
///   probability that all hold. Infeasible by an unknown amount, and failed: where that happens is
///   learnt as one more constraint, 1 there and -1 elsewhere.
/// - Pruned trials of one objective count with their last value, or with the median of the measured
///   if that is worse.
/// - Running trials are believed to give what the model expects.
/// - A trial that is known is suggested again only where there is hardly anything else.
///
/// A suggestion after n trials on D axes takes O(n (n + D)) for each of some hundred points, and
/// O(n^2 (n + D)) where hyperparameters are fitted anew: every time up to 16 trials, then whenever
/// a sixteenth more have come.
///
/// \tparam K  how alike points are, see gp/kernel.hpp
/// \tparam A  what a point is worth, see gp/acquisition.hpp; not for two and three objectives
template <Kernel K = matern, Acquisition A = log_expected_improvement>
class gaussian_process {
  public:
    explicit gaussian_process(space where, std::uint64_t seed = 0,
                              gaussian_process_options options = {}, K kernel = {},
                              A acquisition = {})
        : trials_(std::move(where), std::move(kernel), options.model),
          seed_(seed),
          options_(options),
          acquisition_(std::move(acquisition)),
          region_(options.region),
          sobol_(trials_.columns().axes().size(), seed) {}

    /// The next point; never exhausted.
    std::optional<trial> ask() {
        const std::uint64_t index = asked_++;
        if (trials_.finished() < options_.startup || trials_.columns().size() == 0)
            return adopt(fresh_startup_point(index));
        random_stream random(seed_, index);
        return adopt(suggest(index, random));
    }

    /// Counts a point that somebody else chose as running. \throws hass::error on an illegal point
    trial adopt(std::vector<double> point) { return trials_.adopt(std::move(point)); }

    /// Learns the outcome of a trial: of a running one by its number, otherwise as a new one.
    /// \throws hass::error when the number of objectives changes, or on an illegal point
    void tell(const trial& told, const outcome& result) { trials_.learn(told, result); }

    const space& where() const { return trials_.where(); }

    /// Number of finished trials it has learnt from.
    std::size_t finished() const { return trials_.finished(); }

    /// The model of objective j, with all that was told; nullptr before there is any value.
    const gaussian_model<K>* model(std::size_t j = 0) {
        if (j >= trials_.values().size()) return nullptr;
        trials_.values()[j].refresh();
        return &trials_.values()[j];
    }

    /// What may still be gained, in units of the objective: an upper bound that holds as far as the
    /// model does. The pessimistic end of the best trial's interval less the optimistic end of any
    /// point's (Makarova et al. 2022), with the width of Optuna's terminator; points that a
    /// constraint rules out with the same confidence do not count.
    /// \returns nullopt with several objectives, before any feasible trial and during startup
    std::optional<double> may_be_left() {
        if (trials_.objectives() != 1 || trials_.finished() < options_.startup ||
            trials_.columns().size() == 0 || !trials_.any_feasible())
            return std::nullopt;
        model_type& model = trials_.values()[0];
        model.refresh();
        for (model_type* m : trials_.limits()) m->refresh();
        const lower_confidence_bound bound{std::sqrt(confidence())};
        gp_prediction at;
        double pessimistic = std::numeric_limits<double>::infinity();
        for (const auto& m : trials_.measured()) {
            if (!m.ok) continue;
            model.posterior().predict(m.columns.data(), at);
            pessimistic = std::min(pessimistic, at.mean + bound.reach * at.deviation);
        }
        const auto add = [&](const model_type& m, double limit, double weight, bool violated_only,
                             const double* x, std::span<double> slopes) {
            m.posterior().predict(x, at);
            const acquisition_value a = bound(at.mean - limit, at.deviation, 0.0);
            if (violated_only && a.value >= 0.0) return 0.0;  // it may hold
            if (!slopes.empty())
                m.posterior().add_slopes(x, at, weight * a.by_mean, weight * a.by_deviation,
                                         slopes);
            return weight * a.value;
        };
        const auto optimism = [&](const double* x, std::span<double> slopes) {
            double sum = add(model, 0.0, 1.0, false, x, slopes);
            for (const model_type* m : trials_.limits())
                sum += add(*m, m->warp()(0.0), 1e3, true, x, slopes);
            return sum;
        };
        random_stream random(~seed_, trials_.finished());
        const auto around =
            trials_.best_points(4, [&](std::size_t i) { return trials_.measured()[i].values[0]; });
        const auto found =
            search_utility(where(), trials_.columns(), optimism, sobol_, trials_.finished(), random,
                           std::span(around), unit_box(trials_.columns().size()), options_.search);
        const double optimistic = std::min(pessimistic, -found.front().utility);
        return model.warp().inverse(pessimistic) - model.warp().inverse(optimistic);
    }

  private:
    using model_type = gaussian_model<K>;

    /// Square of the width of an interval that holds everywhere nine times in ten (Srinivas et al.
    /// 2010, theorem 1), a fifth of it as is customary.
    double confidence() const {
        const double n = static_cast<double>(trials_.measured().size());
        const double d = static_cast<double>(trials_.columns().size());
        return 2.0 / 5.0 * stable_log(d * n * n * (9.8696044010893586 / 6.0) / 0.1);
    }

    /// A start that somebody else chose, all thresholds 0 say, may be one of the startup points.
    std::vector<double> fresh_startup_point(std::uint64_t index) const {
        std::vector<double> point = startup_point(index);
        for (std::uint64_t attempt = 1; attempt < 64 && trials_.seen(point); ++attempt)
            point = startup_point(index + (attempt << 20) + attempt);
        return point;
    }

    std::vector<double> startup_point(std::uint64_t index) const {
        const auto& axes = trials_.columns().axes();
        std::vector<double> point(where().size());
        for (std::size_t i = 0; i < where().size(); ++i)
            if (where()[i].settled()) point[i] = where()[i].settled_value();
        const bool alike = axes.size() >= 2 * options_.startup && index % 2 == 1;
        const double last = static_cast<double>(std::max<std::size_t>(2, options_.startup / 2) - 1);
        const double level = std::min(1.0, static_cast<double>(index / 2) / last);
        for (std::size_t s = 0; s < axes.size(); ++s) {
            const axis& a = where()[axes[s].axis];
            const auto [low, high] = a.model_range();
            point[axes[s].axis] = alike && axes[s].choices == 0
                                      ? a.from_model(low + (high - low) * level)
                                      : a.at(sobol_(index & 0xffffffffULL, s));
        }
        return point;
    }

    std::vector<double> suggest(std::uint64_t index, random_stream& random) {
        for (model_type* m : trials_.limits()) trials_.prepare(*m);
        std::vector<proposal> found;
        if (!trials_.any_feasible()) {
            if (trials_.limits().empty()) return uniform_point(where(), random);
            std::vector<std::vector<double>> around;
            if (!trials_.nearest().empty()) around.push_back(trials_.nearest());
            found = proposals([](const double*, std::span<double>) { return 0.0; }, index, random,
                              around, unit_box(trials_.columns().size()));
        } else if (trials_.objectives() == 1) {
            found = by_improvement(trials_.values()[0], true, index, random);
        } else if (trials_.objectives() <= 3) {
            found = by_hypervolume(index, random);
        } else {
            model_type weighted = trials_.scalarised(random);
            found = by_improvement(weighted, false, index, random);
        }
        for (proposal& p : found)
            if (!trials_.seen(p.point)) return std::move(p.point);
        for (int attempt = 0; attempt < 1000; ++attempt) {
            std::vector<double> point = uniform_point(where(), random);
            if (!trials_.seen(point)) return point;
        }
        return found.front().point;
    }

    /// Adds what the constraints say to a utility, and looks for its maximum.
    template <class Utility>
    std::vector<proposal> proposals(Utility&& utility, std::uint64_t index, random_stream& random,
                                    const std::vector<std::vector<double>>& around,
                                    const unit_box& within) {
        const std::vector<model_type*> limits = trials_.limits();
        gp_prediction at;
        const auto total = [&](const double* x, std::span<double> slopes) {
            double sum = utility(x, slopes);
            for (const model_type* m : limits) {
                m->posterior().predict(x, at);
                const acquisition_value a =
                    log_feasibility{}(at.mean - m->warp()(0.0), at.deviation);
                sum += a.value;
                if (!slopes.empty())
                    m->posterior().add_slopes(x, at, a.by_mean, a.by_deviation, slopes);
            }
            return sum;
        };
        return search_utility(where(), trials_.columns(), total, sobol_, index + 1, random,
                              std::span(around), within, options_.search);
    }

    /// \param own  is it the model of the objective, not one of weighted objectives?
    std::vector<proposal> by_improvement(model_type& model, bool own, std::uint64_t index,
                                         random_stream& random) {
        trials_.prepare(model);
        const auto& posterior = model.posterior();
        const bool local = own && region_.applies(trials_.columns());
        const auto row = [&](std::size_t i) { return own ? trials_.measured()[i].row : i; };
        // The least that is expected at a trial: luck with noise is no record to beat. In a trust
        // region it is: what a model of many axes takes for noise is what it cannot follow yet.
        double best = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < trials_.measured().size(); ++i)
            if (trials_.measured()[i].ok)
                best = std::min(best, row(i) < posterior.size() && !local
                                          ? posterior.smoothed(row(i))
                                          : model.warp()(model.values()[row(i)]));
        gp_prediction at;
        for (const std::vector<double>& x : trials_.believed()) {
            posterior.predict(x.data(), at);
            best = std::min(best, at.mean);
        }
        return proposals(
            [&](const double* x, std::span<double> slopes) {
                posterior.predict(x, at);
                const acquisition_value a = acquisition_(at.mean, at.deviation, best);
                if (!slopes.empty()) posterior.add_slopes(x, at, a.by_mean, a.by_deviation, slopes);
                return a.value;
            },
            index, random,
            trials_.best_points(4, [&](std::size_t i) { return model.values()[row(i)]; }),
            local ? near_best(posterior.covariance()) : unit_box(trials_.columns().size()));
    }

    /// The trust region; there is a feasible trial.
    template <class C>
    unit_box near_best(const C& covariance) {
        const auto& measured = trials_.measured();
        std::size_t best = measured.size();
        for (std::size_t i = 0; i < measured.size(); ++i)
            if (measured[i].ok &&
                (best == measured.size() || measured[i].values[0] < measured[best].values[0]))
                best = i;
        region_.follow(measured.size(), measured[best].values[0]);
        std::vector<double> lengths;
        if constexpr (requires { covariance.lengths(); }) lengths = covariance.lengths();
        return region_.around(trials_.columns(), measured[best].columns, lengths);
    }

    std::vector<proposal> by_hypervolume(std::uint64_t index, random_stream& random) {
        const std::size_t objectives = trials_.objectives();
        std::vector<model_type>& models = trials_.values();
        for (model_type& m : models) trials_.prepare(m);
        std::vector<std::vector<double>> points, sources;
        for (const auto& m : trials_.measured()) {
            if (!m.ok) continue;
            points.emplace_back();
            for (std::size_t j = 0; j < objectives; ++j)
                points.back().push_back(models[j].warp()(m.values[j]));
            sources.push_back(m.point);
        }
        std::vector<gp_prediction> at(objectives);
        for (const std::vector<double>& x : trials_.believed()) {
            points.emplace_back();
            for (std::size_t j = 0; j < objectives; ++j) {
                models[j].posterior().predict(x.data(), at[j]);
                points.back().push_back(at[j].mean);
            }
        }
        std::vector<double> reference(objectives);
        for (std::size_t j = 0; j < objectives; ++j) {
            const auto [least, most] =
                std::minmax_element(points.begin(), points.end(),
                                    [j](const auto& a, const auto& b) { return a[j] < b[j]; });
            reference[j] = (*most)[j] + 0.1 * ((*most)[j] - (*least)[j]) + 1e-9;
        }
        std::vector<std::vector<double>> front, around;
        for (const std::size_t k : non_dominated(points)) {
            front.push_back(points[k]);
            if (k < sources.size()) around.push_back(sources[k]);
        }
        random.shuffle(around);
        const open_region region(front, reference);
        return proposals(
            [&](const double* x, std::span<double> slopes) {
                std::array<double, 3> means{}, deviations{};
                for (std::size_t j = 0; j < objectives; ++j) {
                    models[j].posterior().predict(x, at[j]);
                    means[j] = at[j].mean;
                    deviations[j] = at[j].deviation;
                }
                const log_hypervolume_improvement v =
                    expected_improvement_of(region, means, deviations);
                if (!slopes.empty())
                    for (std::size_t j = 0; j < objectives; ++j)
                        models[j].posterior().add_slopes(x, at[j], v.by_mean[j], v.by_deviation[j],
                                                         slopes);
                return v.value;
            },
            index, random, around, unit_box(trials_.columns().size()));
    }

    trial_models<K> trials_;
    std::uint64_t seed_;
    gaussian_process_options options_;
    A acquisition_;
    trust_region region_;
    sobol_sequence sobol_;
    std::uint64_t asked_ = 0;
};

static_assert(AdoptingOptimizer<gaussian_process<>> && AssessingOptimizer<gaussian_process<>>);

}  // namespace hass
