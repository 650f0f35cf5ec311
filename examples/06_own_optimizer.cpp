// An optimizer of one's own: ask, tell, where. It runs in the same studies as the library's.
#include <cstdio>
#include <hass/search/objective.hpp>
#include <hass/search/random.hpp>
#include <hass/search/study.hpp>

/// Steps from the best point so far; half as far after every failure to improve.
class hill_climb {
  public:
    hill_climb(hass::space where, std::uint64_t seed) : where_(std::move(where)), random_(seed) {}

    std::optional<hass::trial> ask() {
        std::vector<double> point = best_;
        if (point.empty()) return hass::trial{asked_++, hass::uniform_point(where_, random_)};
        for (std::size_t i = 0; i < point.size(); ++i) {
            const hass::axis& axis = where_[i];
            point[i] += step_ * (axis.high - axis.low) * (2.0 * random_.uniform() - 1.0);
        }
        return hass::trial{asked_++, where_.snap(point)};
    }
    /// Studies hand values to be minimised to their optimizer, whatever their direction.
    void tell(const hass::trial& trial, const hass::outcome& result) {
        const bool better = result.is_ok() && (best_.empty() || result.values()[0] < value_);
        if (better)
            best_ = trial.point, value_ = result.values()[0];
        else
            step_ = std::max(0.01, 0.9 * step_);
    }
    const hass::space& where() const { return where_; }

  private:
    hass::space where_;
    hass::random_stream random_;
    std::vector<double> best_;
    double value_ = 0.0;
    double step_ = 0.5;
    std::uint64_t asked_ = 0;
};
static_assert(hass::Optimizer<hill_climb>);

int main() {
    const hass::space space({hass::real_axis("x", -5.0, 5.0), hass::real_axis("y", -5.0, 5.0)});
    hass::study<hill_climb> study(space, /*seed*/ 1);
    study.run([](std::span<const double> p) {
        return hass::outcome::ok((p[0] - 1) * (p[0] - 1) + (p[1] + 2) * (p[1] + 2));
    });
    const auto best = study.best();
    std::printf("%s: x %.2f, y %.2f\n", study.conclusion().c_str(), best->point[0], best->point[1]);
}
