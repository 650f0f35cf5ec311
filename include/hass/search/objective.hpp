/// \file objective.hpp
/// What HASS maximises: accuracy, sparsity and throughput up, DSPs down, in one number.
///
///     f = f_acc + l1 f_spa + l2 f_thr - l3 f_dsp            (HASS, FPL 2024, equation 5)
///
/// The paper gives neither the weights nor the normalisation. Here every term is relative to the
/// dense design, so that f = 1 + l2 - l3 f_dsp for the dense network whatever the network and the
/// board, and all weights mean "how much of the dense accuracy is this worth".
#pragma once

#include <concepts>
#include <string>
#include <vector>

#include <hass/search/optimizer.hpp>

namespace hass {

/// What was measured at one point. Any struct with these members will do (concept MeasuredTerms).
struct measured_terms {
    double accuracy = 0.0;           ///< share of images answered right, [0, 1]
    double sparsity = 0.0;           ///< average share of zero products, [0, 1]
    double images_per_second = 0.0;  ///< throughput of the allocated design
    double dsp = 0.0;                ///< DSPs of the allocated design
};

template <class T>
concept MeasuredTerms = requires(const T& t) {
    { t.accuracy } -> std::convertible_to<double>;
    { t.sparsity } -> std::convertible_to<double>;
    { t.images_per_second } -> std::convertible_to<double>;
    { t.dsp } -> std::convertible_to<double>;
};

/// l1, l2, l3 of the equation, all >= 0. The defaults are this library's.
struct objective_weights {
    double sparsity = 0.1;    ///< l1: per unit of average sparsity
    double throughput = 0.1;  ///< l2: per multiple of the dense throughput
    double dsp = 0.1;         ///< l3: per full board of DSPs

    /// Weights that ignore the hardware: accuracy and sparsity only.
    static constexpr objective_weights software_only() { return {0.1, 0.0, 0.0}; }
};

/// The scalar objective of HASS with a limit on the accuracy drop. Maximise it.
class hass_objective {
  public:
    /// \param dense      the dense design on the same board; accuracy and throughput above 0
    /// \param board_dsp  DSPs of the board, above 0
    /// \param max_drop   accuracy that may be lost, in units of accuracy (0.01 = one point); a
    ///                   negative value means no limit
    /// \throws hass::error on references that are not above 0 or weights below 0
    template <MeasuredTerms T>
    hass_objective(const T& dense, double board_dsp, objective_weights weights = {},
                   double max_drop = -1.0)
        : accuracy_(dense.accuracy),
          images_per_second_(dense.images_per_second),
          dsp_(board_dsp),
          weights_(weights),
          max_drop_(max_drop) {
        if (!(accuracy_ > 0.0)) throw error("objective: the dense accuracy is not above 0");
        if (!(images_per_second_ > 0.0))
            throw error("objective: the dense throughput is not above 0");
        if (!(dsp_ > 0.0)) throw error("objective: the board has no DSPs");
        if (!(weights.sparsity >= 0.0 && weights.throughput >= 0.0 && weights.dsp >= 0.0))
            throw error("objective: a weight is negative");
    }

    /// The four terms, before weighting: relative accuracy, sparsity, speed-up, share of the DSPs.
    struct term_values {
        double accuracy, sparsity, throughput, dsp;
    };
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

    /// Accuracy lost beyond the limit: <= 0 holds.
    template <MeasuredTerms T>
    double excess_drop(const T& t) const {
        return accuracy_ - t.accuracy - max_drop_;
    }

    /// f as an outcome, infeasible when the accuracy drops too far. For studies that maximise.
    template <MeasuredTerms T>
    outcome operator()(const T& t) const {
        return judged({value(t)}, t);
    }

    /// Accuracy, throughput, DSPs: the outcome of the Pareto mode, see pareto_directions.
    template <MeasuredTerms T>
    outcome pareto(const T& t) const {
        return judged({t.accuracy, t.images_per_second, t.dsp}, t);
    }

    const objective_weights& weights() const { return weights_; }

  private:
    template <MeasuredTerms T>
    outcome judged(std::vector<double> values, const T& t) const {
        if (max_drop_ < 0.0) return outcome::ok(std::move(values));
        const double excess = excess_drop(t);
        std::string reason;
        if (excess > 0.0)
            reason = "accuracy drops " + detail::number_text(excess + max_drop_) + ", limit " +
                     detail::number_text(max_drop_);
        return outcome::constrained(std::move(values), {excess}, std::move(reason));
    }

    double accuracy_;
    double images_per_second_;
    double dsp_;
    objective_weights weights_;
    double max_drop_;
};

/// Directions of hass_objective::pareto: accuracy up, throughput up, DSPs down.
inline std::vector<direction> pareto_directions() {
    return {direction::maximise, direction::maximise, direction::minimise};
}

}  // namespace hass
