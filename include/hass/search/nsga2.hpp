/// \file nsga2.hpp
/// NSGA-II: an evolving front for several objectives.
///
/// Deb, Pratap, Agarwal, Meyarivan (2002), in the steady-state form of Durillo et al. (2009): every
/// result enters the population at once and pushes the worst member out, so few trials go far and
/// asks and tells may interleave in any order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <hass/search/optimizer.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/random.hpp>
#include <hass/search/random_stream.hpp>
#include <hass/text.hpp>

namespace hass {

/// Settings of an NSGA-II.
struct nsga2_options {
    std::size_t population = 20;   ///< members kept, at least 4
    double crossover = 0.9;        ///< probability that two parents are mixed
    double crossover_index = 5.0;  ///< of simulated binary crossover: larger, closer to parents
    double mutation_index = 5.0;   ///< of polynomial mutation: larger, smaller steps
    std::optional<double> mutation = {};  ///< probability per axis; nullopt: 1 / axes
};

/// Steady-state NSGA-II; minimises, any number of objectives, axes of every kind.
///
/// Feasible members precede infeasible ones, those go by violation (constrained dominance); pruned
/// trials count as infeasible by an unknown amount; failed ones teach nothing. Learns from points
/// it did not suggest.
class nsga2 {
  public:
    /// \throws hass::error on a population below 4
    explicit nsga2(space where, std::uint64_t seed = 0, nsga2_options options = {})
        : where_(std::move(where)), seed_(seed), options_(options) {
        if (options_.population < 4) throw error("nsga2: a population needs at least 4 members");
        for (std::size_t i = 0; i < where_.size(); ++i)
            if (!where_[i].settled()) active_.push_back(i);
    }

    /// The next point: uniform until the population is full, then a child; never exhausted.
    std::optional<trial> ask() {
        random_stream random(seed_, asked_);
        std::vector<double> point = members_.size() < options_.population || active_.empty()
                                        ? uniform_point(where_, random)
                                        : child(random);
        return trial{asked_++, std::move(point)};
    }

    /// \throws hass::error when the number of objectives changes
    void tell(const trial& told, const outcome& result) {
        if (result.state() == trial_state::failed) return;
        member m{told.point, {}, result.violation(), 0, 0.0};
        if (result.is_ok()) {
            if (objectives_ != 0 && result.values().size() != objectives_)
                throw error(text_of({"nsga2: ", result.values().size(),
                                     " objective values, earlier trials had ", objectives_}));
            objectives_ = result.values().size();
            m.values = result.values();
        } else if (result.state() == trial_state::pruned) {
            m.violation = std::numeric_limits<double>::infinity();
        }
        members_.push_back(std::move(m));
        rank();
        if (members_.size() > options_.population) {
            const auto worst =
                std::min_element(members_.begin(), members_.end(),
                                 [](const member& a, const member& b) { return fitter(b, a); });
            members_.erase(worst);
            rank();
        }
    }

    const space& where() const { return where_; }

  private:
    struct member {
        std::vector<double> point;
        std::vector<double> values;  // empty: infeasible
        double violation;
        std::size_t rank;
        double crowding;
    };

    static bool fitter(const member& a, const member& b) {
        if (a.values.empty() != b.values.empty()) return !a.values.empty();
        if (a.values.empty()) return a.violation < b.violation;
        if (a.rank != b.rank) return a.rank < b.rank;
        return a.crowding > b.crowding;
    }

    /// Ranks of the feasible members, and crowding distances within each rank.
    void rank() {
        std::vector<std::size_t> feasible;
        std::vector<std::vector<double>> points;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            members_[i].crowding = 0.0;
            if (members_[i].values.empty()) continue;
            feasible.push_back(i);
            points.push_back(members_[i].values);
        }
        const auto ranks = non_domination_ranks(points);
        std::size_t deepest = 0;
        for (std::size_t k = 0; k < feasible.size(); ++k) {
            members_[feasible[k]].rank = ranks[k];
            deepest = std::max(deepest, ranks[k]);
        }
        for (std::size_t r = 0; r <= deepest; ++r) {
            std::vector<std::size_t> front;
            for (const std::size_t i : feasible)
                if (members_[i].rank == r) front.push_back(i);
            for (std::size_t j = 0; j < objectives_; ++j) {
                std::sort(front.begin(), front.end(), [&](std::size_t a, std::size_t b) {
                    const double x = members_[a].values[j];
                    const double y = members_[b].values[j];
                    return x != y ? x < y : a < b;
                });
                if (front.empty()) continue;
                const double range =
                    members_[front.back()].values[j] - members_[front.front()].values[j];
                members_[front.front()].crowding = std::numeric_limits<double>::infinity();
                members_[front.back()].crowding = std::numeric_limits<double>::infinity();
                for (std::size_t k = 1; k + 1 < front.size(); ++k)
                    if (range > 0.0)
                        members_[front[k]].crowding +=
                            (members_[front[k + 1]].values[j] - members_[front[k - 1]].values[j]) /
                            range;
            }
        }
    }

    const member& tournament(random_stream& random) const {
        const member& a = members_[static_cast<std::size_t>(random.below(members_.size()))];
        const member& b = members_[static_cast<std::size_t>(random.below(members_.size()))];
        return fitter(b, a) ? b : a;
    }

    std::vector<double> child(random_stream& random) const {
        const member& mother = tournament(random);
        const member& father = tournament(random);
        std::vector<double> point = mother.point;
        const bool mix = random.uniform() < options_.crossover;
        const double mutation =
            options_.mutation.value_or(1.0 / static_cast<double>(active_.size()));
        for (const std::size_t i : active_) {
            const axis& a = where_[i];
            if (a.kind == axis_kind::categorical) {
                if (mix && random.uniform() < 0.5) point[i] = father.point[i];
                if (random.uniform() < mutation) point[i] = a.at(random.uniform());
                continue;
            }
            const auto [low, high] = a.model_range();
            double x = (a.to_model(mother.point[i]) - low) / (high - low);
            const double y = (a.to_model(father.point[i]) - low) / (high - low);
            if (mix && random.uniform() < 0.5) x = crossed(x, y, random);
            if (random.uniform() < mutation) x = mutated(x, random);
            point[i] = a.from_model(low + (high - low) * std::clamp(x, 0.0, 1.0));
        }
        return point;
    }

    /// Simulated binary crossover: a child on either side of the parents' line.
    double crossed(double x, double y, random_stream& random) const {
        const double u = random.uniform_open();
        const double exponent = 1.0 / (options_.crossover_index + 1.0);
        const double spread =
            stable_exp(exponent * (u <= 0.5 ? stable_log(2.0 * u) : -stable_log(2.0 * (1.0 - u))));
        const double side = random.uniform() < 0.5 ? 1.0 : -1.0;
        return 0.5 * ((x + y) + side * spread * (x - y));
    }

    /// Polynomial mutation within [0, 1].
    double mutated(double x, random_stream& random) const {
        const double u = random.uniform_open();
        const double power = options_.mutation_index + 1.0;
        const auto raised = [](double base, double exponent) {
            return base > 0.0 ? stable_exp(exponent * stable_log(base)) : 0.0;
        };
        x = std::clamp(x, 0.0, 1.0);
        if (u < 0.5)
            return x + raised(2.0 * u + (1.0 - 2.0 * u) * raised(1.0 - x, power), 1.0 / power) -
                   1.0;
        return x + 1.0 - raised(2.0 * (1.0 - u) + 2.0 * (u - 0.5) * raised(x, power), 1.0 / power);
    }

    space where_;
    std::uint64_t seed_;
    nsga2_options options_;
    std::vector<std::size_t> active_;
    std::uint64_t asked_ = 0;
    std::size_t objectives_ = 0;
    std::vector<member> members_;
};

static_assert(Optimizer<nsga2>);

}  // namespace hass
