// An objective of one's own: any callable from a point to an outcome, with constraints and
// several objectives if need be.
#include <cmath>
#include <cstdio>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

int main() {
    //! [objective]
    // Two thresholds; a toy accuracy that falls with both, a toy speed that rises.
    const hass::space space(
        {hass::real_axis("conv.weight", 0.0, 1.0), hass::real_axis("conv.activation", 0.0, 1.0)});
    const auto objective = [](std::span<const double> x) {
        const double accuracy = 0.92 - 0.1 * x[0] * x[0] - 0.2 * x[1] * x[1];
        const double speed = 1.0 + 0.8 * x[0] + 0.5 * x[1];
        if (std::isnan(speed)) return hass::outcome::failed("the model gave no speed");
        // maximise speed; at most two points of accuracy may be lost: constraint <= 0
        return hass::outcome::constrained({speed}, {0.90 - accuracy}, "too inaccurate");
    };
    //! [objective]

    //! [study]
    hass::study_options options;
    options.directions = {hass::direction::maximise};
    options.trials = 60;
    hass::study<hass::tpe<>> study(space, /*seed*/ 1, options);
    while (auto trial = study.ask()) study.tell(*trial, objective(*trial));
    //! [study]

    std::printf("%s\n", study.conclusion().c_str());
    if (const auto best = study.best())
        std::printf("weight %.3f, activation %.3f\n", best->point[0], best->point[1]);
}
