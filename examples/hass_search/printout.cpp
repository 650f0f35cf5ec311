// What is printed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <hass/report/table.hpp>
#include <hass/report/terminal.hpp>
#include <hass/report/verdict.hpp>
#include <span>
#include <string>
#include <vector>

#include "outcome.hpp"

namespace hass_search {

void warn(const std::string& text) {
    fmt::print(stderr, "hass_search: {} {}\n",
               hass::emphasised("warning:", hass::emphasis::warning, stderr), text);
}

namespace {

void print_heading(const std::string& text) {
    fmt::print("{}\n", hass::emphasised(text, hass::emphasis::heading));
}

}  // namespace

void print_designs(const outcome& o) {
    const workbench& bench = o.bench;
    fmt::print("{}: engines '{}', resource model '{}', {} images\n",
               std::filesystem::path(bench.source).filename().string(), o.flags.engine,
               o.flags.resources, bench.images);
    if (o.flags.resources == "calibrated")
        fmt::print("multipliers '{}', memories '{}', requantisation '{}'\n", o.flags.multipliers,
                   o.flags.memories, o.flags.requantise);
    if (bench.input)
        fmt::print("input: (pixel * {} - {}) / {} ({})\n", bench.input->scale,
                   fmt::join(bench.input->mean, ","), fmt::join(bench.input->std, ","),
                   bench.input_source);
    fmt::print("\n{}\n", hass::comparison_table(o.reports(), o.board));
    fmt::print("Uncertainty: {}\n\n", o.designs.front().engine.uncertainty);
}

namespace {

/// The network of the last design as files, and what keeps them from being written.
/// \returns the names of those that are there, for the list of files
std::string print_networks(const outcome& o) {
    if (!o.networks) return {};
    const written_networks& n = *o.networks;
    std::string written;
    const auto tell = [&](const std::string& what, const std::string& file) {
        if (file.ends_with(".onnx") &&
            std::filesystem::exists(std::filesystem::path(o.flags.out) / file))
            written += ", " + (std::filesystem::path(o.flags.out) / file).string();
        else
            fmt::print("{}: {}\n", what, file);
    };
    if (!n.pattern.empty())
        fmt::print(
            "Weights of '{}' projected onto {}: {} of them stay, {} {} with activations clipped "
            "as in the table\n",
            o.designs.back().report.label, n.pattern, hass::percent(n.density),
            o.bench.metric.title, o.bench.metric.text(n.score));
    tell("pruned.onnx", n.clipped);
    if (!n.pattern.empty()) tell("projected weights", n.projected);
    return written;
}

}  // namespace

void print(const outcome& o) {
    const std::vector<hass::solution_report> reports = o.reports();
    fmt::print("\n");
    print_designs(o);
    if (!o.bench.note.empty()) fmt::print("{}\n\n", o.bench.note);
    for (const std::string& warning : o.warnings)
        fmt::print("{} {}\n\n", hass::emphasised("Warning:", hass::emphasis::warning), warning);
    print_heading("What sparsity buys");
    for (const hass::solution_report& d : std::span(reports).subspan(1))
        fmt::print("  {}: {}\n", d.label, hass::compare_with_dense(reports[0], d).verdict);
    print_heading("What stops each design from being faster");
    for (const hass::solution_report& d : reports) fmt::print("  {}: {}\n", d.label, d.limit);
    if (!o.simulations.empty()) print_heading("What the pipelines keep of it");
    for (const std::string& line : o.simulations) fmt::print("  {}\n", line);
    print_heading("The searches");
    for (const std::string& line : o.conclusions) fmt::print("  {}\n", line);
    fmt::print("\n");
    print_heading(fmt::format("Layers of '{}'", reports.back().label));
    fmt::print("\n{}\n", hass::layer_table(reports.back()));
    if (const auto others = o.under_other_model(); !others.empty()) {
        print_heading(fmt::format(
            "The same thresholds, hardware allocated under resource model '{}'", o.other_model()));
        fmt::print("\n{}\n", hass::comparison_table(others, o.board));
        fmt::print(
            "The models differ because the published regression charges no crossbar; see "
            "docs/published_model.md.\n");
        const auto negative = [](const hass::solution_report& d) {
            return d.hardware.total.lut < 0.0 || d.hardware.total.ff < 0.0;
        };
        if (std::any_of(others.begin(), others.end(), negative))
            fmt::print(
                "Negative resources are that model's: from every sparse layer it subtracts a "
                "converter that it may not have. '--resources repaired' does not.\n");
    }
    if (o.interrupted) fmt::print("Interrupted: the searches are not complete.\n");
    if (o.rtl)
        fmt::print(
            "RTL of '{}' in {}: {} images to simulate it on; in integers top-1 {} on all {}\n",
            reports.back().label, o.rtl->folder, o.rtl->images,
            hass::percent(reports.back().score_in_integers.value(), 2), o.bench.images);
    fmt::print("written: {0}/solution.json, {0}/trials.csv, {0}/report.html{1}\n", o.flags.out,
               print_networks(o));
}

}  // namespace hass_search
