/// \file table.hpp
/// Tables for people: designs side by side, and the layers of one design.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <hass/report/solution.hpp>
#include <hass/text.hpp>

namespace hass {

/// Rows of cells as text: first column flush left, the others flush right, two blanks between.
/// The first row is the head.
inline std::string text_table(std::span<const std::vector<std::string>> rows) {
    std::vector<std::size_t> width;
    for (const auto& row : rows) {
        width.resize(std::max(width.size(), row.size()));
        for (std::size_t j = 0; j < row.size(); ++j) width[j] = std::max(width[j], row[j].size());
    }
    std::string out;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::string line;
        for (std::size_t j = 0; j < rows[i].size(); ++j)
            line += j == 0 ? fmt::format("{:<{}}", rows[i][j], width[j])
                           : fmt::format("  {:>{}}", rows[i][j], width[j]);
        out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        if (i == 0) {
            std::size_t total = 0;
            for (std::size_t j = 0; j < width.size(); ++j) total += width[j] + (j == 0 ? 0 : 2);
            out += std::string(total, '-') + "\n";
        }
    }
    return out;
}

/// The comparison of HASS's Figure 5 and Table II: one column a design, one row a measure,
/// resources with their share of the board.
inline std::string comparison_table(std::span<const solution_report> designs, const device& board) {
    using cell = std::function<std::string(const solution_report&)>;
    const auto resource_cell = [&board](double usage::*field, double unit, int digits) -> cell {
        return [=, &board](const solution_report& d) {
            const double used = d.hardware.total.*field;
            const double have = board.budget.*field;
            return fmt::format("{:.{}f} ({})", used / unit, digits,
                               have > 0.0 ? percent(used / have, 0) : "none there");
        };
    };
    const std::string score = designs.empty() ? metric_unit().title : designs[0].metric.title;
    const std::string in_integers = score + " in integers";
    const bool integers = std::any_of(designs.begin(), designs.end(), [](const auto& d) {
        return d.score_in_integers.has_value();
    });
    const std::vector<std::pair<std::string, cell>> measures{
        {score, [](const auto& d) { return d.metric.text(d.score); }},
        {in_integers,
         [](const auto& d) {
             return d.score_in_integers ? d.metric.text(*d.score_in_integers) : std::string("-");
         }},
        {"weight sparsity", [](const auto& d) { return percent(d.weight_sparsity); }},
        {"activation sparsity", [](const auto& d) { return percent(d.activation_sparsity); }},
        {"pair sparsity", [](const auto& d) { return percent(d.pair_sparsity); }},
        {"images/s",
         [](const auto& d) { return fmt::format("{:.0f}", d.hardware.images_per_second); }},
        {"interval, cycles",
         [](const auto& d) { return fmt::format("{:.0f}", d.hardware.interval_cycles); }},
        {"latency behind others, ms",
         [](const auto& d) {
             return fmt::format("{:.3g}", d.hardware.latency_cycles / (1e3 * d.mhz));
         }},
        {"latency of one image, ms",
         [](const auto& d) {
             return fmt::format("{:.3g}", d.hardware.single_image_cycles / (1e3 * d.mhz));
         }},
        {"DSP", resource_cell(&usage::dsp, 1, 0)},
        {"kLUT", resource_cell(&usage::lut, 1000, 1)},
        {"kFF", resource_cell(&usage::ff, 1000, 1)},
        {"BRAM18", resource_cell(&usage::bram18, 1, 0)},
        {"URAM", resource_cell(&usage::uram, 1, 0)},
        {"bandwidth, Gbit/s",
         [&board](const auto& d) {
             const double used = d.hardware.total.bandwidth;
             return fmt::format("{:.3g} ({})", used, percent(used / board.budget.bandwidth, 0));
         }},
        {"between stages, kLUT",
         [](const auto& d) { return fmt::format("{:.1f}", d.hardware.between.lut / 1000); }},
        {"images/cycle/DSP",
         [](const auto& d) { return fmt::format("{:.3e}", d.hardware.efficiency()); }},
        {"bottleneck", [](const auto& d) { return d.bottleneck; }},
    };
    std::vector<std::vector<std::string>> rows(1);
    rows[0].push_back("on " + std::string(board.name));
    for (const solution_report& d : designs) rows[0].push_back(d.label);
    for (const auto& [label, text] : measures) {
        if (label == "URAM" && board.budget.uram == 0.0) continue;
        if (label == in_integers && !integers) continue;
        rows.push_back({label});
        for (const solution_report& d : designs) rows.back().push_back(text(d));
    }
    return text_table(rows);
}

/// The compute layers of one design.
inline std::string layer_table(const solution_report& d) {
    std::vector<std::vector<std::string>> rows{
        {"layer",    "tau_w",      "tau_a",      "weights 0", "inputs 0", "pairs 0", "engine",
         "in",       "out",        "group",      "vector",    "MACs",     "shared",  "pixels",
         "built of", "weights in", "buffers in", "cycles",    "DSP",      "LUT",     "BRAM18"}};
    for (const layer_report& l : d.layers) {
        if (l.engine.empty()) continue;
        const parallelism& p = l.chosen.folding;
        rows.push_back({l.name,
                        fmt::format("{:.4f}", l.thresholds.weight),
                        fmt::format("{:.4f}", l.thresholds.activation),
                        percent(l.weight_sparsity),
                        percent(l.activation_sparsity),
                        percent(l.pair_sparsity),
                        l.engine,
                        fmt::to_string(p.in),
                        fmt::to_string(p.out),
                        fmt::to_string(p.group),
                        fmt::to_string(p.vector),
                        fmt::to_string(p.macs),
                        fmt::to_string(p.shared),
                        fmt::to_string(p.pixels),
                        std::string(name(l.chosen.multipliers)),
                        std::string(name(l.chosen.memory)),
                        std::string(name(buffers_in(l))),
                        fmt::format("{:.0f}", l.interval_cycles),
                        fmt::format("{:g}", l.cost.dsp),
                        fmt::format("{:.0f}", l.cost.lut),
                        fmt::format("{:g}", l.cost.bram18)});
    }
    return text_table(rows);
}

}  // namespace hass
