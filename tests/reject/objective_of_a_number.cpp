// expect: hass: an objective takes a point as std::span<const double>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

double best_of(hass::study<hass::tpe<>>& study) {
    study.run(100, [](double x) { return x * x; });
    return study.best()->value;
}
