/// \file calibrate.hpp
/// Corrections of a resource model from what a synthesis tool said of modules that it priced:
///
///     std::vector<measured_module> measured = ...;      // one a layer that was built
///     const calibration mine = calibrate(measured);     // mine.table: see `corrected.hpp`
///
/// Each kind of module and each resource is corrected on its own, by the simplest form that its
/// measurements support: a factor; a factor and something a stage, a multiplier or a stream; or
/// several of these. A form is taken over a simpler one when cross-validation says that it is better: the
/// mean relative error on modules left out falls by at least two standard errors of the difference.
/// Modules that are alike are left out together, and there are three different ones a coefficient.
/// Errors are relative to what was measured, or to 10 % of the mean of that where it is more. What
/// data cannot carry is refused, with the reason, and stays what the model says.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/engine/resources/corrected.hpp>
#include <hass/engine/resources/fit.hpp>
#include <hass/text.hpp>

namespace hass {

/// A module that was built.
struct measured_module {
    std::string name;      ///< for messages
    std::size_t kind = 0;  ///< see `module_kind`
    module_size size{};    ///< what a correction may grow with
    usage said{};          ///< by the model that is to be corrected
    std::array<std::optional<double>, corrected_resources> measured{};  ///< as `resources`
};

/// A kind and resource that was measured, and stays what the model says.
struct kept_model {
    std::size_t kind = 0;      ///< see `module_kind`
    std::size_t resource = 0;  ///< index into `resources`
    int measurements = 0;      ///< that it had
    double error = 0.0;        ///< mean magnitude of the model's relative errors
    std::string reason;        ///< in words, for people
};

/// What measurements came to.
struct calibration {
    correction_table table{};      ///< what changes
    std::vector<kept_model> kept;  ///< what does not
};

namespace detail {

/// The terms beside the factor, and forms of them by the number of coefficients.
enum correction_term : unsigned { stage_term = 1, multiplier_term = 2, stream_term = 4 };
inline constexpr std::array<unsigned, 7> correction_forms{
    0U,
    stage_term,
    multiplier_term,
    stream_term,
    stage_term | multiplier_term,
    stage_term | stream_term,
    stage_term | multiplier_term | stream_term};

/// The ridge of a factor towards 1: (5 % error expected of a good model / 25 % spread of its
/// factor)^2. A few measurements outweigh it.
inline constexpr double factor_pull = 0.04;
/// Different modules for each coefficient.
inline constexpr std::size_t modules_a_coefficient = 3;

inline std::vector<double> features_of(const measured_module& m, std::size_t resource,
                                       unsigned form) {
    std::vector<double> x{m.said.*resources[resource].field};
    if ((form & stage_term) != 0) x.push_back(1.0);
    if ((form & multiplier_term) != 0) x.push_back(m.size.multipliers);
    if ((form & stream_term) != 0) x.push_back(m.size.streams);
    return x;
}

/// One kind's and resource's measurements on the way to a correction.
class correction_search {
  public:
    /// \param modules  of one kind, all with a measurement of the resource
    correction_search(std::vector<const measured_module*> modules, std::size_t resource)
        : modules_(std::move(modules)), resource_(resource) {
        double sum = 0.0;
        for (const measured_module* m : modules_) sum += *m->measured[resource_];
        // small figures and zeros must not decide
        const double least = 0.1 * sum / static_cast<double>(modules_.size());
        for (const measured_module* m : modules_)
            scales_.push_back(std::max(*m->measured[resource_], least > 0.0 ? least : 1.0));
        for (const measured_module* m : modules_) {
            const std::vector<double> all = features_of(*m, resource_, 7U);
            const auto seen = std::find(different_.begin(), different_.end(), all);
            groups_.push_back(static_cast<std::size_t>(seen - different_.begin()));
            if (seen == different_.end()) different_.push_back(all);
        }
        errors_ = errors_of_model();
        error_before_ = summary(errors_).mean;
    }

    double error_before() const { return error_before_; }

    /// The correction, or why there is none.
    std::optional<correction> run(std::string& reason) {
        if (error_before_ == 0.0) return refuse(reason, "the model is exact");
        const std::size_t least = std::max<std::size_t>(4, modules_a_coefficient);
        if (different_.size() < least)
            return refuse(reason, text_of({modules_.size(), " measured, of which ",
                                           different_.size(), " differ; it takes ", least}));
        std::optional<correction> best;
        for (const unsigned form : correction_forms)
            if (carries(form))
                if (std::optional<correction> c = better(form)) best = c;
        if (!best)
            return refuse(reason,
                          "no correction is better on modules that it has not seen, by two "
                          "standard errors");
        return best;
    }

  private:
    static std::optional<correction> refuse(std::string& reason, std::string why) {
        reason = std::move(why);
        return std::nullopt;
    }

    std::vector<double> errors_of_model() const {
        std::vector<double> errors;
        for (std::size_t i = 0; i < modules_.size(); ++i)
            errors.push_back((modules_[i]->said.*resources[resource_].field -
                              *modules_[i]->measured[resource_]) /
                             scales_[i]);
        return errors;
    }

    /// Whether there are modules enough, and no column is constant beside another constant one or
    /// never there.
    bool carries(unsigned form) const {
        const std::size_t coefficients = features_of(*modules_.front(), resource_, form).size();
        if (different_.size() < modules_a_coefficient * coefficients) return false;
        std::size_t constant = 0;
        for (std::size_t j = 0; j < coefficients; ++j) {
            bool varies = false, occurs = false;
            const double first = features_of(*modules_.front(), resource_, form)[j];
            for (const measured_module* m : modules_) {
                const double x = features_of(*m, resource_, form)[j];
                varies = varies || x != first, occurs = occurs || x != 0.0;
            }
            if (!occurs && j > 0) return false;
            if (!varies && (occurs || j > 0)) ++constant;
        }
        return constant < 2;
    }

    /// The form's correction if it beats what is held by two standard errors; then it is held.
    std::optional<correction> better(unsigned form) {
        std::vector<observation> data;
        for (std::size_t i = 0; i < modules_.size(); ++i)
            data.push_back({features_of(*modules_[i], resource_, form),
                            *modules_[i]->measured[resource_], scales_[i]});
        std::vector<coefficient_prior> priors(data.front().features.size());
        priors.front() = {1.0, factor_pull};
        const std::vector<double> left_out = cross_validated(data, priors, groups_);
        if (!clearly_smaller(left_out)) return std::nullopt;
        errors_ = left_out;
        const std::vector<double> found = fit(data, priors);
        correction c;
        std::size_t next = 0;
        c.factor = found[next++];
        if ((form & stage_term) != 0) c.per_stage = found[next++];
        if ((form & multiplier_term) != 0) c.per_multiplier = found[next++];
        if ((form & stream_term) != 0) c.per_stream = found[next++];
        c.measurements = static_cast<int>(modules_.size());
        c.error_before = error_before_;
        c.error_after = summary(left_out).mean;
        return c;
    }

    /// Whether errors are smaller than the held ones by two standard errors of the difference, over
    /// different modules.
    bool clearly_smaller(const std::vector<double>& errors) const {
        std::vector<double> gain(different_.size(), 0.0), times(different_.size(), 0.0);
        for (std::size_t i = 0; i < errors.size(); ++i) {
            gain[groups_[i]] += std::abs(errors_[i]) - std::abs(errors[i]);
            times[groups_[i]] += 1.0;
        }
        const double n = static_cast<double>(gain.size());
        double mean = 0.0, square = 0.0;
        for (std::size_t g = 0; g < gain.size(); ++g) mean += (gain[g] /= times[g]) / n;
        for (const double g : gain) square += (g - mean) * (g - mean) / (n - 1.0);
        return mean > 0.0 && mean >= 2.0 * std::sqrt(square / n);
    }

    std::vector<const measured_module*> modules_;
    std::size_t resource_;
    std::vector<double> scales_, errors_;  // errors: of what is held, the model's own at first
    std::vector<std::vector<double>> different_;
    std::vector<std::size_t> groups_;
    double error_before_ = 0.0;
};

/// \throws hass::error naming a module with a figure that cannot be one
inline void require_sound(std::span<const measured_module> modules) {
    for (const measured_module& m : modules) {
        const auto refuse = [&m](std::string_view what, double value) {
            throw error(text_of(
                {"calibrate: '", m.name, "': ", what, " = ", value, ", must be from 0 to 1e12"}));
        };
        if (m.kind >= module_kind_names.size())
            throw error(text_of({"calibrate: '", m.name, "' is of no kind"}));
        const auto check = [&](std::string_view what, double value) {
            if (!(value >= 0.0 && value <= 1e12)) refuse(what, value);
        };
        check("multipliers", m.size.multipliers), check("streams", m.size.streams);
        for (std::size_t r = 0; r < corrected_resources; ++r) {
            check(resources[r].name, m.said.*resources[r].field);
            if (m.measured[r]) check(resources[r].name, *m.measured[r]);
        }
    }
}

}  // namespace detail

/// The corrections that the measurements support.
/// \throws hass::error for a figure that is none: negative, not finite, above 1e12
inline calibration calibrate(std::span<const measured_module> modules) {
    detail::require_sound(modules);
    calibration all;
    for (std::size_t kind = 0; kind < module_kind_names.size(); ++kind)
        for (std::size_t r = 0; r < corrected_resources; ++r) {
            std::vector<const measured_module*> of_kind;
            for (const measured_module& m : modules)
                if (m.kind == kind && m.measured[r]) of_kind.push_back(&m);
            if (of_kind.empty()) continue;
            const int count = static_cast<int>(of_kind.size());
            detail::correction_search search(std::move(of_kind), r);
            std::string reason;
            if (const std::optional<correction> c = search.run(reason))
                all.table.of[kind][r] = *c;
            else
                all.kept.push_back({kind, r, count, search.error_before(), std::move(reason)});
        }
    return all;
}

}  // namespace hass
