/// \file mean_limit.hpp
/// Whether a metric that is a mean over images keeps to a limit, decided before the last image where
/// that can be; `accuracy_limit.hpp` for right and wrong answers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <hass/emulate/accuracy_limit.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// Decides on the mean of N scores that are looked at in random order, without replacement.
///
/// What is looked at are differences to the scores of a reference (the untouched network), whose
/// mean is known and of which most are small, brought to y in [0, 1]. With S the sum of the first
/// t - 1 and m_t = (N mu - S) / (N - t + 1), the mean of those left if that of all is mu,
///
///     K+ = prod (1 + l_t (y_t - m_t)),   K- = prod (1 - l'_t (y_t - m_t))
///
/// are supermartingales from 1 when the mean is at most, or at least, mu, for any l_t >= 0 chosen
/// before y_t is seen that keeps the factors positive (Waudby-Smith and Ramdas, "Estimating means of
/// bounded random variables by betting", JRSS B 2024, section 5). By Ville's inequality either one
/// reaches 1 / alpha wrongly with probability alpha at most, whenever one looks. Bets are those that
/// would have grown fastest on what was seen (their aGRAPA), at most half of what they may be.
class mean_limit_test {
  public:
    /// \param reference  score of each image by the untouched network
    /// \param bounds     of any score
    /// \throws hass::error for bounds that are none, an error outside of [0, 1), or interval 0
    mean_limit_test(const accuracy_limit& limit, std::vector<double> reference,
                    std::pair<double, double> bounds)
        : reference_(std::move(reference)), floor_(limit.floor), error_(limit.error) {
        if (!(bounds.first < bounds.second)) throw error("metric: its bounds are none");
        if (!(limit.error >= 0.0 && limit.error < 1.0))
            throw error(text_of({"limit: error ", limit.error, " is not in [0, 1)"}));
        if (limit.interval == 0) throw error("limit: interval 0, at least 1");
        if (reference_.empty()) throw error("limit: there are no images");
        const auto [least, most] = std::minmax_element(reference_.begin(), reference_.end());
        low_ = bounds.first - *most, range_ = bounds.second - *least - low_;
        for (const double r : reference_) mean_ += r / images();
        target_ = (floor_ - mean_ - low_) / range_;
        prior_ = std::clamp(-low_ / range_, 0.0, 1.0);  // no difference
    }

    /// Takes the score of an image that was not seen before.
    void see(std::size_t image, double score) {
        const double y = std::clamp((score - reference_[image] - low_) / range_, 0.0, 1.0);
        const double left = images() - static_cast<double>(seen_);
        const double m = (images() * target_ - sum_) / left;
        if (m > 0.0 && m < 1.0) {
            const double expected = (sum_ + prior_) / (static_cast<double>(seen_) + 1.0);
            const double variance = (squares_ + 0.25) / (static_cast<double>(seen_) + 1.0);
            const double lead = expected - m;
            const double bet = std::abs(lead) / (variance + lead * lead);
            constexpr double caution = 0.5;
            if (lead > 0.0) up_ += std::log1p(std::min(bet, caution / m) * (y - m));
            if (lead < 0.0) down_ += std::log1p(-std::min(bet, caution / (1.0 - m)) * (y - m));
            squares_ += (y - expected) * (y - expected);
        }
        sum_ += y, ++seen_;
        differences_ += score - reference_[image];
    }

    /// What holds with the confidence asked for; for certain where only that is asked for.
    limit_verdict look() const {
        const double left = images() - static_cast<double>(seen_);
        const double owed = images() * target_ - sum_;  // of the images left
        constexpr double rounding = 1e-9;
        if (owed < -rounding) return limit_verdict::met;
        if (owed > left + rounding) return limit_verdict::missed;
        if (error_ == 0.0) return limit_verdict::open;
        const double enough = -std::log(error_);
        if (down_ >= enough) return limit_verdict::missed;
        return up_ >= enough ? limit_verdict::met : limit_verdict::open;
    }

    /// The mean that what was seen lets expect, on the side of the verdict.
    double estimate(limit_verdict verdict) const {
        const double expected =
            mean_ + (seen_ == 0 ? 0.0 : differences_ / static_cast<double>(seen_));
        if (verdict == limit_verdict::met) return std::max(expected, floor_);
        if (verdict == limit_verdict::missed)
            return std::min(expected, std::nextafter(floor_, -std::numeric_limits<double>::max()));
        return expected;
    }

    /// The least mean that meets the limit.
    double floor() const { return floor_; }

  private:
    double images() const { return static_cast<double>(reference_.size()); }

    std::vector<double> reference_;
    double floor_;
    double error_;
    double low_ = 0.0, range_ = 1.0;
    double mean_ = 0.0;    ///< of the reference
    double target_ = 0.0;  ///< floor, as a mean of y
    double prior_ = 0.5;   ///< y that is expected before any is seen
    double sum_ = 0.0, squares_ = 0.0, differences_ = 0.0;
    double up_ = 0.0, down_ = 0.0;  ///< log K+, log K-
    std::size_t seen_ = 0;
};

}  // namespace hass
