#include "outcome.hpp"

#include <hass/explore/allocate.hpp>

namespace hass_search {

std::vector<hass::solution_report> outcome::reports() const {
    std::vector<hass::solution_report> all;
    for (const designed& d : designs) all.push_back(d.report);
    return all;
}

std::string outcome::other_model() const {
    return flags.resources == "calibrated" ? "published" : "calibrated";
}

std::vector<hass::solution_report> outcome::under_other_model() const {
    std::vector<hass::solution_report> all;
    if (flags.engine == "lanes" || flags.engine == "lists" || flags.engine == "cascade")
        return all;  // published models do not price them
    for (const designed& d : designs) {
        hass::candidate c = d.candidate;
        engine_choice engine = engines_named(
            other_model(), d.of_dense_engines() ? "dense" : flags.engine, flags, board.dsp_slice);
        if (!engine.is_dense() && flags.engine == "mixed")
            engine.offered = {0, 1};  // of both models
        c.hardware = hass::allocate(bench.net, c.measured.statistics, engine, board);
        if (c.hardware.fits)
            all.push_back(hass::describe(d.report.label, bench.net, c, engine_names, board));
    }
    return all;
}

}  // namespace hass_search
