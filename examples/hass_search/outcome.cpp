#include "outcome.hpp"

#include <hass/device/boards.hpp>
#include <hass/error.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/prices.hpp>

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

std::vector<hass::resource_price> outcome::prices() const {
    const designed& d = designs.back();
    const double shares[]{0.1, 0.01};
    return hass::resource_prices(bench.net, d.candidate.measured.statistics, d.engine, board,
                                 shares, d.candidate.hardware.estimate.images_per_second);
}

namespace {

/// The thresholds of a design with hardware for another board.
hass::candidate moved(const outcome& o, const designed& d, const std::string& engines,
                      const hass::device& to) {
    hass::candidate c = d.candidate;
    // Proofs of the last DSP, board after board, would take longer than a short search.
    const hass::exact quick(/*max_states*/ 2000, /*max_tie_states*/ 0);
    c.hardware =
        hass::allocate(o.bench.net, c.measured.statistics,
                       engines_named(o.flags.resources, engines, o.flags, to.dsp_slice), to, quick);
    return c;
}

on_board beside_dense(const outcome& o, const hass::device& to) {
    on_board b{std::string(to.name)};
    const hass::candidate dense = moved(o, o.designs.front(), "dense", to);
    const designed& last = o.designs.back();
    const hass::candidate c =
        moved(o, last, last.of_dense_engines() ? "dense" : o.flags.engine, to);
    const auto described = [&](const hass::candidate& made) {
        return hass::describe("", o.bench.net, made, engine_names, to);
    };
    if (dense.hardware.fits) b.dense_images_per_second = dense.hardware.estimate.images_per_second;
    b.limit = c.hardware.certificate.reason;
    if (!c.hardware.fits) return b;
    const hass::solution_report made = described(c);
    b.images_per_second = made.hardware.images_per_second;
    b.binding = made.binding;
    if (dense.hardware.fits) b.against = hass::compare_with_dense(described(dense), made);
    return b;
}

}  // namespace

std::vector<on_board> outcome::on_every_board() const {
    std::vector<on_board> all;
    for (const hass::device& to : hass::boards::catalogue) try {
            all.push_back(beside_dense(*this, to));
        } catch (const hass::error& refused) {  // by resources of one kind of DSP slice
            all.push_back({std::string(to.name)});
            all.back().limit = refused.what();
        }
    return all;
}

}  // namespace hass_search
