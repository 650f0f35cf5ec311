// What the job came to: the designs, every trial, and what was said about them. Filled by job.cpp,
// written by solution_file.cpp, printed by printout.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hass/device/device.hpp>
#include <hass/explore/prices.hpp>
#include <hass/report/evidence.hpp>
#include <hass/report/solution.hpp>
#include <hass/report/verdict.hpp>
#include <hass/search/candidate.hpp>
#include <hass/search/objective.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine_choice.hpp"
#include "settings.hpp"
#include "workbench.hpp"

namespace hass_search {

/// A trial of a study as the Pareto set takes it.
struct built_trial {
    std::string study;
    std::uint64_t number = 0;
    hass::measured_terms terms;
    double efficiency = 0.0;  ///< images/cycle/DSP
};

/// What the search saw of a trial that was measured again.
struct searched {
    std::uint64_t trial = 0;
    hass::measured_terms terms;
};

/// One of the four designs.
struct designed {
    hass::candidate candidate;
    engine_choice engine;  ///< that it was allocated with
    hass::solution_report report;
    std::optional<searched> search{};
    std::vector<std::int64_t> fifo_pixels{};  ///< planned on each edge; empty: none were

    bool of_dense_engines() const { return engine.is_dense(); }
};

/// The last design's thresholds on another board, beside a dense design there.
struct on_board {
    std::string device;
    std::optional<double> dense_images_per_second{};  ///< nullopt: nothing fits
    std::optional<double> images_per_second{};        ///< the same
    std::optional<hass::against_dense> against{};     ///< where both fit
    std::string binding{};
    std::string limit{};  ///< why it is not faster, or why there is none
};

/// All of it.
struct outcome {
    const settings& flags;
    const workbench& bench;
    hass::device board;
    std::vector<designed> designs{};    ///< dense first
    std::vector<built_trial> trials{};  ///< of all studies, those for which hardware fits
    std::vector<hass::search_report> searches{};
    std::vector<std::string> conclusions{};
    std::vector<std::string> simulations{};  ///< a line a design, where asked for
    std::vector<std::string> warnings{};
    std::optional<written_rtl> rtl{};            ///< of the last design
    std::optional<written_networks> networks{};  ///< the same
    std::string no_integers{};  ///< why there is no network in integers, where it was asked for
    bool interrupted = false;

    std::vector<hass::solution_report> reports() const;

    /// The resource model that the job did not use, and the same thresholds with hardware allocated
    /// under it, where it fits.
    std::string other_model() const;
    std::vector<hass::solution_report> under_other_model() const;

    /// What more of each resource would buy the last design's thresholds.
    std::vector<hass::resource_price> prices() const;
    /// Those thresholds on every board of the catalogue.
    std::vector<on_board> on_every_board() const;
};

/// Writes solution.json and report.html into the folder of --out; with --json, the first of them to
/// stdout as well.
void write_solution(const outcome& o);

/// What decides the numbers below it, and the designs side by side.
void print_designs(const outcome& o);

/// Everything, when the job is done.
void print(const outcome& o);

}  // namespace hass_search
