/// \file objective.hpp
/// What HASS maximises: accuracy, sparsity and throughput up, DSPs down, in one number or apart.
///
///     f = f_acc + l1 f_spa + l2 f_thr - l3 f_dsp            (HASS, FPL 2024, equation 5)
///
/// The paper gives neither the weights nor the normalisation. Here every term is relative to the
/// dense design, so that f = 1 + l2 - l3 f_dsp for the dense network whatever the network and the
/// board, and all weights mean "how much of the dense accuracy is this worth".
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/pareto.hpp>
#include <hass/statistics/metric_unit.hpp>
#include <hass/text.hpp>

namespace hass {

/// What was measured at one point. Any struct with these members will do (concept MeasuredTerms).
struct measured_terms {
    double accuracy = 0.0;           ///< share of images answered right, or another metric's score
    double sparsity = 0.0;           ///< average share of zero products, [0, 1]
    double images_per_second = 0.0;  ///< throughput of the allocated design
    double dsp = 0.0;                ///< DSPs of the allocated design
};

/// Has what objectives look at.
template <class T>
concept MeasuredTerms = requires(const T& t) {
    { t.accuracy } -> std::convertible_to<double>;
    { t.sparsity } -> std::convertible_to<double>;
    { t.images_per_second } -> std::convertible_to<double>;
    { t.dsp } -> std::convertible_to<double>;
};

/// Judges measured terms: `hass_objective`, `pareto_objective`, or a class of one's own.
template <class F>
concept TermsObjective = requires(const F& f, const measured_terms& t) {
    { f.directions() } -> std::convertible_to<std::vector<direction>>;  // one a value
    { f(t) } -> std::convertible_to<outcome>;                           // for the optimizer
    { f.value(t) } -> std::convertible_to<double>;  // one number, up is better: which is the best
};

/// l1, l2, l3 of the equation, all >= 0. The defaults are this library's.
struct objective_weights {
    double sparsity = 0.1;    ///< l1: per unit of average sparsity
    double throughput = 0.1;  ///< l2: per multiple of the dense throughput
    double dsp = 0.1;         ///< l3: per full board of DSPs

    /// Weights that ignore the hardware: accuracy and sparsity only.
    static constexpr objective_weights software_only() { return {0.1, 0.0, 0.0}; }

    /// Whether any term needs a design.
    constexpr bool use_hardware() const { return throughput > 0.0 || dsp > 0.0; }
};

/// The least accuracy that is feasible: a number of its own kind, so that nobody takes it for the
/// points that may be lost.
struct accuracy_floor {
    /// \param unit  of the metric that the accuracy is
    explicit accuracy_floor(double least, metric_unit unit = {})
        : value(least), metric(std::move(unit)) {}
    double value;        ///< as `metric` measures
    metric_unit metric;  ///< unit of it
};

/// The scalar objective of HASS with a limit on the accuracy. Maximise it.
class hass_objective {
  public:
    /// \param dense           the dense design on the same board; accuracy and throughput above 0
    /// \param board_dsp       DSPs of the board, above 0
    /// \param floor           nullopt: any accuracy is feasible
    /// \throws hass::error on references that are not above 0 or weights below 0
    template <MeasuredTerms T>
    hass_objective(const T& dense, double board_dsp, objective_weights weights = {},
                   std::optional<accuracy_floor> floor = std::nullopt)
        : accuracy_(dense.accuracy),
          images_per_second_(dense.images_per_second),
          dsp_(board_dsp),
          weights_(weights),
          floor_(floor) {
        if (!(accuracy_ > 0.0)) throw error("objective: the dense accuracy is not above 0");
        if (!(images_per_second_ > 0.0))
            throw error("objective: the dense throughput is not above 0");
        if (!(dsp_ > 0.0)) throw error("objective: the board has no DSPs");
        if (!(weights.sparsity >= 0.0 && weights.throughput >= 0.0 && weights.dsp >= 0.0))
            throw error("objective: a weight is negative");
    }

    /// The four terms, before weighting: relative accuracy, sparsity, speed-up, share of the DSPs.
    struct term_values {
        /// As above.
        double accuracy, sparsity, throughput, dsp;
    };
    /// Of what was measured.
    template <MeasuredTerms T>
    term_values terms(const T& t) const {
        return {t.accuracy / accuracy_, t.sparsity, t.images_per_second / images_per_second_,
                t.dsp / dsp_};
    }

    /// f, to be maximised.
    template <MeasuredTerms T>
    double value(const T& t) const {
        const term_values v = terms(t);
        return v.accuracy + weights_.sparsity * v.sparsity + weights_.throughput * v.throughput -
               weights_.dsp * v.dsp;
    }

    /// f as an outcome, infeasible below the floor.
    template <MeasuredTerms T>
    outcome operator()(const T& t) const {
        return limited({value(t)}, t);
    }
    /// One: up.
    static std::vector<direction> directions() { return {direction::maximise}; }

    /// `values` as an outcome, infeasible by what the accuracy is short of the floor.
    template <MeasuredTerms T>
    outcome limited(std::vector<double> values, const T& t) const {
        if (!floor_) return outcome::ok(std::move(values));
        return outcome::constrained(
            std::move(values), {floor_->value - t.accuracy},
            text_of({floor_->metric.title, " ", floor_->metric.text(t.accuracy), " is below ",
                     floor_->metric.text(floor_->value)}));
    }

    /// As they were given.
    const objective_weights& weights() const { return weights_; }

  private:
    double accuracy_;
    double images_per_second_;
    double dsp_;
    objective_weights weights_;
    std::optional<accuracy_floor> floor_;
};

/// The Pareto mode: the same limit, but accuracy, throughput and DSPs apart instead of one number;
/// accuracy and sparsity where the weights ignore the hardware.
class pareto_objective {
  public:
    /// With the floor and references of this one.
    explicit pareto_objective(hass_objective one_number) : one_number_(one_number) {}

    /// Accuracy up, throughput up, DSPs down.
    std::vector<direction> directions() const {
        if (!hardware()) return {direction::maximise, direction::maximise};
        return {direction::maximise, direction::maximise, direction::minimise};
    }
    /// Three values, infeasible below the floor.
    template <MeasuredTerms T>
    outcome operator()(const T& t) const {
        if (!hardware()) return one_number_.limited({t.accuracy, t.sparsity}, t);
        return one_number_.limited({t.accuracy, t.images_per_second, t.dsp}, t);
    }
    /// f, which picks one design of many.
    template <MeasuredTerms T>
    double value(const T& t) const {
        return one_number_.value(t);
    }

  private:
    bool hardware() const { return one_number_.weights().use_hardware(); }

    hass_objective one_number_;
};

static_assert(TermsObjective<hass_objective> && TermsObjective<pareto_objective>);

/// Indices, ascending, of the designs that no other one beats in accuracy, throughput and DSPs.
template <MeasuredTerms T>
std::vector<std::size_t> pareto_set(const std::vector<T>& designs) {
    std::vector<std::vector<double>> points;
    for (const T& d : designs) points.push_back({-d.accuracy, -d.images_per_second, d.dsp});
    return non_dominated(points);
}

}  // namespace hass
