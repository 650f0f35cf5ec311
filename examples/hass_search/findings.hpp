// What is kept and sent of a trial: everything that its line of trials.csv and its objective are made
// of, as JSON.
#pragma once

#include <cstdint>
#include <hass/files/json.hpp>
#include <hass/search/candidate.hpp>
#include <hass/statistics/metric_unit.hpp>
#include <string>
#include <vector>

namespace hass_search {

/// The figures of a candidate; its statistics and its design are not among them.
hass::ordered_json findings_of(const hass::candidate& c, const hass::metric_unit& metric);

/// A candidate with these figures, without thresholds.
/// \throws hass::error naming the figure that is missing
hass::candidate candidate_of(const hass::ordered_json& findings, const hass::metric_unit& metric);

/// A trial as a worker gets it.
struct task {
    std::uint64_t number = 0;
    double reach = 1.0;  ///< of the axes, see threshold_axes::shortened
    double floor = 0.0;  ///< of accuracy, see workbench::limit
    std::vector<double> point;
};

std::string text_of_task(const task& t);
/// \throws on a text that is none
task task_of(const std::string& text);

/// Why there is no answer to a task, as an answer.
std::string error_text(const std::string& why);

}  // namespace hass_search
