/// \file evidence.hpp
/// What stands beside the designs in solution.json: how a search went, how magnitudes are
/// distributed, what more resources would buy, how far numbers may be off.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/engine/resources/known_error.hpp>
#include <hass/explore/prices.hpp>
#include <hass/report/json.hpp>
#include <hass/search/importance.hpp>
#include <hass/statistics/magnitude.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// How one search went.
struct search_report {
    std::string study;            ///< its name in `trials.csv`
    double accuracy_floor = 0.0;  ///< least top-1 that it accepts, a share
    std::size_t trials = 0;       ///< finished
    std::string conclusion;       ///< in one line
    /// Trials that were better than all feasible ones before, and their objective.
    std::vector<std::pair<std::uint64_t, double>> best_so_far;
    std::optional<importance_result> importance;  ///< nullopt: too few trials, or they are alike
    /// Where the best trials lie apart from the others, see ped_anova; empty as above.
    std::vector<importance_result::share> near_the_best{};
};

/// As it stands under "searches".
inline report_json to_json(const search_report& s) {
    report_json one;
    one["study"] = s.study;
    one["accuracy_floor"] = s.accuracy_floor;
    one["trials"] = s.trials;
    one["conclusion"] = s.conclusion;
    one["best_so_far"] = s.best_so_far;
    one["importance"] = nullptr;
    if (!s.importance) return one;
    const auto list = [](const std::vector<importance_result::share>& of) {
        report_json shares = report_json::array();
        for (const importance_result::share& share : of)
            shares.push_back({{"axis", share.axis}, {"share", share.variance}});
        return shares;
    };
    one["importance"]["explained"] = s.importance->explained;
    one["importance"]["shares"] = list(s.importance->shares);
    one["importance"]["near_the_best"] = list(s.near_the_best);
    return one;
}

/// {"zeros": share, "quantiles": [...]}: magnitudes below which 0, 5, ... 100 % of the values lie
/// that are not zero; none where all are.
template <class Magnitudes>
report_json magnitudes_json(const Magnitudes& m) {
    constexpr int steps = 20;
    report_json one;
    const double zeros = m.zeros();
    one["zeros"] = zeros;
    report_json quantiles = report_json::array();
    for (int i = 0; i <= steps && zeros < 1.0; ++i)
        // the smallest value of all at one end: a share of one ten-thousandth, which is not none
        quantiles.push_back(m.threshold(zeros + (1.0 - zeros) * std::max(i / double{steps}, 1e-4)));
    one["quantiles"] = std::move(quantiles);
    return one;
}

/// The same of the weights and input activations of every compute row, by its name.
inline report_json magnitudes_json(const network_view& net, const network_magnitudes& all) {
    report_json rows = report_json::array();
    for (std::size_t i = 0; i < net.size(); ++i) {
        if (!is_compute(net.rows[i])) continue;
        report_json row;
        row["name"] = name_of(net, i);
        row["weights"] = magnitudes_json(all[i].weights);
        row["activations"] = magnitudes_json(all[i].activations);
        rows.push_back(std::move(row));
    }
    return rows;
}

/// As it stands under "prices".
inline report_json to_json(const resource_price& p) {
    // as the fields of a design are called
    constexpr std::string_view keys[] = {"dsp", "lut", "ff", "bram18", "uram", "bandwidth_gbps"};
    static_assert(std::size(keys) == resources.size());
    report_json one;
    one["resource"] = keys[p.resource];
    detail::add_numbers(one, {{"more", p.more},
                              {"images_per_s", p.images_per_second},
                              {"gain", p.gain},
                              {"gain_at_most", p.gain_at_most}});
    one["binding"] = p.binding ? report_json(resources[*p.binding].name) : report_json();
    return one;
}

/// {"model", "against", "designs", "dsp": [least, most], "lut", "ff", "bram18"}.
/// \param model  its name
inline report_json to_json(std::string_view model, const known_error& e) {
    report_json one;
    one["model"] = model;
    one["against"] = e.against;
    one["designs"] = e.designs;
    const std::pair<const char*, error_range> ranges[] = {
        {"dsp", e.dsp}, {"lut", e.lut}, {"ff", e.ff}, {"bram18", e.bram18}};
    for (const auto& [key, range] : ranges) one[key] = std::vector{range.least, range.most};
    return one;
}

/// Where the share lies, of which `share` was seen in `n` draws, with 95 % confidence (Wilson 1927).
/// \param n  > 0
inline std::pair<double, double> share_interval(double share, double n) {
    constexpr double z = 1.959963984540054;
    const double centre = share + z * z / (2.0 * n);
    const double spread = z * std::sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
    const double scale = 1.0 + z * z / n;
    return {std::max(0.0, (centre - spread) / scale), std::min(1.0, (centre + spread) / scale)};
}

}  // namespace hass
