/// \file gaussian_model.hpp
/// One measured quantity as a Gaussian process that grows with the trials: when it is fitted anew,
/// and what its values look like.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/search/gp/fit.hpp>
#include <hass/search/gp/kernel.hpp>
#include <hass/search/gp/output_warp.hpp>
#include <hass/search/gp/posterior.hpp>

namespace hass {

/// How a model is kept up to date.
struct gaussian_model_options {
    bool warp = true;                ///< may bad values be pressed together?
    std::size_t fit_steps = 20;      ///< evaluations of a descent from the hyperparameters so far
    std::size_t first_steps = 40;    ///< of one from the prior
    std::size_t sample = 200;        ///< values from which warp and hyperparameters are chosen anew
    std::size_t first_sample = 100;  ///< as many the first time, when nothing is known to begin at
    noise_prior noise;               ///< prior of its variance
};

/// A process over columns. Each new value enters at once (a row of the factor); hyperparameters are
/// fitted anew whenever a sixteenth more values are there, from where they were, and with half as
/// many more also from the prior and under every warp.
template <Kernel K>
class gaussian_model {
  public:
    /// The process with its hyperparameters settled.
    using posterior_type =
        gp_posterior<decltype(std::declval<const K&>().at(std::span<const double>()))>;

    /// Without values. \param columns  numbers a point.
    gaussian_model(std::size_t columns, K kernel, gaussian_model_options options = {})
        : kernel_(std::move(kernel)), options_(options) {
        data_.columns = columns;
    }

    /// One more value; see refresh().
    void add(std::span<const double> point, double value) {
        data_.points.insert(data_.points.end(), point.begin(), point.end());
        values_.push_back(value);
    }

    std::size_t size() const { return values_.size(); }
    /// As they were added.
    const std::vector<double>& values() const { return values_; }
    /// Columns of value `i`.
    const double* point(std::size_t i) const { return data_.row(i); }

    /// Takes in what was added; needs one value at least.
    void refresh() {
        if (posterior_) posterior_->forget();
        if (fitted_ == values_.size()) return;
        const std::size_t n = values_.size();
        const bool whole = posterior_ && posterior_->size() == fitted_;
        if (!whole || n >= fitted_at_ + std::max<std::size_t>(1, fitted_at_ / 16)) {
            refit();
        } else {
            take_values(warp_.strength());
            for (std::size_t i = fitted_; i < n; ++i)
                if (!posterior_->append({data_.row(i), data_.columns})) {
                    refit();
                    break;
                }
            posterior_->set_values(data_.values);
        }
        fitted_ = n;
    }

    /// After refresh().
    posterior_type& posterior() { return *posterior_; }
    /// After refresh().
    const posterior_type& posterior() const { return *posterior_; }
    /// From values to those of the posterior.
    const output_warp& warp() const { return warp_; }
    /// ln of the hyperparameters: the kernel's, then the noise's variance.
    const std::vector<double>& parameters() const { return parameters_; }

  private:
    void take_values(double strength) {
        warp_ = output_warp(values_, strength);
        data_.values.resize(values_.size());
        std::transform(values_.begin(), values_.end(), data_.values.begin(), warp_);
    }

    /// Every so-manieth of the values, at most so many of them.
    gp_data sampled(std::size_t most, std::vector<double>& values) const {
        const std::size_t n = values_.size();
        const std::size_t count = std::min(n, most);
        gp_data sample{data_.columns, {}, {}};
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = k * n / count;
            sample.points.insert(sample.points.end(), data_.row(i), data_.row(i) + data_.columns);
            sample.values.push_back(data_.values[i]);
            values.push_back(values_[i]);
        }
        return sample;
    }

    void refit() {
        const std::size_t n = values_.size();
        const std::size_t most = parameters_.empty() ? options_.first_sample : options_.sample;
        const bool thorough = parameters_.empty() || 2 * n >= 3 * chosen_at_;
        std::optional<fitted_parameters> best;
        double best_strength = warp_.strength();
        const auto attempt = [&](double strength, const std::vector<double>& from,
                                 std::size_t steps) {
            take_values(strength);
            std::vector<double> values;
            const gp_data sample = sampled(most, values);
            fitted_parameters found = fit(kernel_, options_.noise, sample, {&from, 1}, steps);
            found.log_density += warp_.log_slopes(values);
            if (best && !(found.log_density > best->log_density)) return;
            best = std::move(found);
            best_strength = strength;
        };
        if (thorough) {
            chosen_at_ = n;
            const double now = warp_.strength();
            if (!parameters_.empty()) attempt(now, parameters_, options_.fit_steps);
            // Values that follow the curve closely, and values that scatter around it.
            const auto fresh = first_parameters(kernel_, options_.noise, data_.columns);
            auto rough = fresh;
            rough.back() = options_.noise.rough;
            for (const double strength : output_warp::strengths) {
                if (!options_.warp && strength != now) continue;
                attempt(strength, fresh, options_.first_steps);
                attempt(strength, rough, options_.first_steps);
            }
            parameters_ = best->parameters;
        }
        fitted_at_ = n;
        take_values(best_strength);
        if (!thorough || n > most) {
            const std::size_t steps = n > most
                                          ? std::max<std::size_t>(6, options_.fit_steps * most / n)
                                          : options_.fit_steps;
            parameters_ = fit(kernel_, options_.noise, data_, {&parameters_, 1}, steps).parameters;
        }
        const std::span<const double> all(parameters_);
        posterior_.emplace(kernel_.at(all.first(all.size() - 1)), stable_exp(all.back()), data_);
    }

    K kernel_;
    gaussian_model_options options_;
    gp_data data_;                // values are warped
    std::vector<double> values_;  // as told
    output_warp warp_;
    std::vector<double> parameters_;
    std::optional<posterior_type> posterior_;
    std::size_t fitted_ = 0;     // values that the posterior knows
    std::size_t fitted_at_ = 0;  // values at the last fit
    std::size_t chosen_at_ = 0;  // values when the warp was chosen
};

}  // namespace hass
