/// \file accuracy_limit.hpp
/// Whether a limit on accuracy holds, decided before the last image where that can be: with
/// certainty once the images left cannot change it, or with stated confidence earlier.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// What an accuracy must not fall below, and how early a run may end because of it.
struct accuracy_limit {
    double floor = 0.0;  ///< share of all images that must be answered right, [0, 1]
    /// Highest probability, over the order of the images, that one run ends with the wrong verdict,
    /// [0, 1); 0: runs end only when the verdict is certain.
    double error = 0.0;
    bool end_when_met = true;   ///< or only when it is missed
    std::size_t interval = 32;  ///< images between looks, >= 1
    std::uint64_t seed = 1;     ///< of the order of the images
};

/// Whether an accuracy meets its limit.
enum class limit_verdict : std::uint8_t { open, met, missed };

/// Decides on the number of right answers among a finite set of images that is looked at in random
/// order, without replacement.
///
/// The images form two strata: those that a reference (the untouched network) answers right, and
/// the others. Pruning moves few images from one side to the other, so that the number of right
/// answers within a stratum varies far less than that of all. For a stratum of N images with K
/// right ones, of which x are found among the first t,
///
///     E(K) = B(a + x, b + t - x) / B(a, b)  /  [ K! / (K-x)!  (N-K)! / (N-K-(t-x))!  (N-t)! / N! ]
///
/// is the ratio of the probability of what was seen under a beta prior (a : b is 9 : 1 in the first
/// stratum, 1 : 9 in the second, 1 : 1 without a reference) to that under K. It is a martingale of
/// mean 1 when K is true, at every t (the prior-posterior-ratio martingale: Waudby-Smith and
/// Ramdas, "Confidence sequences for sampling without replacement", NeurIPS 2020), and so is the
/// product over both strata. By Ville's inequality it ever reaches 1 / alpha with probability alpha
/// at most. So the limit is missed when E(K1) E(K2) >= 1 / alpha for all K1 + K2 that would meet
/// it, and met when that holds for all that would miss it, whenever one looks; the true numbers are
/// ruled out with probability alpha at most.
class limit_test {
  public:
    /// Images seen in each stratum, and how many of them were answered right.
    struct counts {
        std::array<std::size_t, 2> seen{};   ///< images
        std::array<std::size_t, 2> right{};  ///< of which were answered right
    };

    /// \param strata   images in each; the second one is 0 where there is no reference
    /// \throws hass::error for a floor or error outside of their ranges, or interval 0
    limit_test(const accuracy_limit& limit, std::array<std::size_t, 2> strata)
        : strata_(strata), images_(strata[0] + strata[1]), error_(limit.error) {
        if (!(limit.floor >= 0.0 && limit.floor <= 1.0))
            throw error(text_of({"accuracy limit: floor ", limit.floor, " is not in [0, 1]"}));
        if (!(limit.error >= 0.0 && limit.error < 1.0))
            throw error(text_of({"accuracy limit: error ", limit.error, " is not in [0, 1)"}));
        if (limit.interval == 0) throw error("accuracy limit: interval 0, at least 1");
        // Right answers that make right / images >= floor, in the arithmetic of the comparison.
        const auto n = static_cast<double>(images_);
        needed_ = static_cast<std::size_t>(std::ceil(limit.floor * n));
        while (needed_ > 0 && static_cast<double>(needed_ - 1) / n >= limit.floor) --needed_;
        while (static_cast<double>(needed_) / n < limit.floor) ++needed_;
        log_factorial_.assign(images_ + 12, 0.0);
        for (std::size_t k = 2; k < log_factorial_.size(); ++k)
            log_factorial_[k] = log_factorial_[k - 1] + std::log(static_cast<double>(k));
    }

    /// Right answers that meet the limit.
    std::size_t needed() const { return needed_; }

    /// What holds whatever the images left answer.
    limit_verdict certain(const counts& c) const {
        const std::size_t right = c.right[0] + c.right[1];
        const std::size_t left = images_ - c.seen[0] - c.seen[1];
        if (right >= needed_) return limit_verdict::met;
        return right + left < needed_ ? limit_verdict::missed : limit_verdict::open;
    }

    /// What holds with the confidence asked for.
    limit_verdict look(const counts& c) const {
        if (const limit_verdict sure = certain(c); sure != limit_verdict::open || error_ == 0.0)
            return sure;
        const std::vector<double> first = log_evidence(0, c);
        const std::vector<double> second = log_evidence(1, c);
        const double enough = -std::log(error_);
        if (least(first, second, needed_, images_) >= enough) return limit_verdict::missed;
        if (least(first, second, 0, needed_ - 1) >= enough) return limit_verdict::met;
        return limit_verdict::open;
    }

    /// Estimate of the share of right answers over all images, on the side of the verdict.
    double estimate(const counts& c, limit_verdict verdict) const {
        double right = 0.0;
        for (std::size_t s = 0; s < 2; ++s) {
            // A stratum of which nothing was seen answers as the prior expects.
            const auto seen = static_cast<double>(c.seen[s]);
            const double share = c.seen[s] > 0 ? static_cast<double>(c.right[s]) / seen
                                               : static_cast<double>(prior(s)[0]) /
                                                     static_cast<double>(prior(s)[0] + prior(s)[1]);
            right += share * static_cast<double>(strata_[s]);
        }
        const auto needed = static_cast<double>(needed_);
        if (verdict == limit_verdict::met) right = std::max(right, needed);
        if (verdict == limit_verdict::missed) right = std::min(right, needed - 1.0);
        return right / static_cast<double>(images_);
    }

  private:
    /// Parameters of the beta prior of a stratum.
    std::array<std::size_t, 2> prior(std::size_t stratum) const {
        if (strata_[1] == 0 || strata_[0] == 0) return {1, 1};
        return stratum == 0 ? std::array<std::size_t, 2>{9, 1} : std::array<std::size_t, 2>{1, 9};
    }

    /// log E(K) for every K of a stratum; infinity where K is impossible.
    std::vector<double> log_evidence(std::size_t stratum, const counts& c) const {
        const auto& f = log_factorial_;
        const std::size_t n = strata_[stratum];
        const std::size_t t = c.seen[stratum];
        const std::size_t x = c.right[stratum];
        const auto [a, b] = prior(stratum);
        const auto log_beta = [&f](std::size_t p, std::size_t q) {
            return f[p - 1] + f[q - 1] - f[p + q - 1];
        };
        const double mixture = log_beta(a + x, b + t - x) - log_beta(a, b);
        std::vector<double> log_e(n + 1, std::numeric_limits<double>::infinity());
        for (std::size_t k = x; k + (t - x) <= n; ++k)
            log_e[k] =
                mixture - (f[k] - f[k - x] + f[n - k] - f[n - k - (t - x)] + f[n - t] - f[n]);
        return log_e;
    }

    /// Least evidence against any K1 + K2 in [low, high].
    static double least(const std::vector<double>& first, const std::vector<double>& second,
                        std::size_t low, std::size_t high) {
        double found = std::numeric_limits<double>::infinity();
        for (std::size_t k1 = 0; k1 < first.size() && k1 <= high; ++k1) {
            if (std::isinf(first[k1])) continue;
            const std::size_t begin = low > k1 ? low - k1 : 0;
            const std::size_t end = std::min(high - k1, second.size() - 1);
            for (std::size_t k2 = begin; k2 <= end; ++k2)
                found = std::min(found, first[k1] + second[k2]);
        }
        return found;
    }

    std::array<std::size_t, 2> strata_;
    std::size_t images_;
    double error_;
    std::size_t needed_ = 0;
    std::vector<double> log_factorial_;
};

/// A random order of 0 .. count - 1, the same for the same seed everywhere (Fisher and Yates; draws
/// without bias).
inline std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
    std::vector<std::size_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = i;
    std::mt19937_64 bits(seed);
    for (std::size_t i = count; i > 1; --i) {
        const std::uint64_t whole = bits.max() - bits.max() % i;  // a multiple of i
        std::uint64_t draw = bits();
        while (draw >= whole) draw = bits();
        std::swap(order[i - 1], order[draw % i]);
    }
    return order;
}

}  // namespace hass
