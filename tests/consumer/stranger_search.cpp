// A newcomer minimises a plain function, then searches what a design may cost.
#include <cmath>
#include <cstdio>
#include <hass/search/random.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

int main() {
    const hass::space space{{"x", -2, 2}, {"y", -2, 2}};
    const auto bowl = [](std::span<const double> p) {
        return std::pow(p[0] - 1, 2) + std::pow(p[1] + 0.5, 2);
    };

    hass::study<hass::tpe<>> study(space, /*seed*/ 1);
    study.run(100, bowl);
    hass::study other(hass::random_search(space, 1));
    other.run(100, bowl);
    const auto best = study.best();
    std::printf("%.4f at (%.2f, %.2f); by chance %.4f\n", best->value, best->point[0],
                best->point[1], other.best()->value);

    // Largest where the constraint allows it: a number when all is well, an outcome when not.
    const hass::space mixed{{"rate", 0, 1}, hass::integer_axis("streams", 1, 16)};
    hass::study<hass::tpe<>> most(mixed, 2, {.directions = {hass::direction::maximise}});
    while (auto trial = most.ask()) {
        const double speed = trial->point[0] * trial->point[1];
        if (speed > 8)
            most.tell(*trial, hass::outcome::infeasible({speed - 8}, "too fast for the link"));
        else
            most.tell(*trial, speed);
    }
    std::printf("%s\n", most.conclusion().c_str());
    return study.history().size() == 100 && best->value < 0.05 &&
                   best->value == bowl(best->point) && most.best()->value > 6 &&
                   most.best()->value <= 8
               ? 0
               : 1;
}
