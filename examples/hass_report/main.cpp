// Makes a page of what hass_search has written, also of a run that was interrupted or is under way,
// and of several runs to compare:
//
//     hass_report hass-out/solution.json hass-out/trials.csv -o report.html
//     hass_report hass-out other-out -o compared.html
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/html.hpp>
#include <hass/report/run_files.hpp>
#include <string>
#include <vector>

namespace hass_report {
namespace {

namespace fs = std::filesystem;

struct settings {
    std::vector<std::string> files;
    std::string out;
};

/// \returns false when only help was asked for (and printed)
bool parse(int argc, const char* const* argv, settings& s) {
    CLI::App app{"A page of what hass_search has written", "hass_report"};
    app.set_help_flag("-h,--help", "This text");
    app.add_option("files", s.files,
                   "solution.json and trials.csv of a run, or the folder that holds them; several "
                   "runs stand side by side, the first in full. One of the two files is enough")
        ->required();
    app.add_option("-o,--out", s.out, "Page to write (.html)")->required();
    app.allow_extras();
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        fmt::print("{}", app.help());
        return false;
    } catch (const CLI::ParseError& wrong) {
        throw hass::error(wrong.what());
    }
    if (const std::vector<std::string> rest = app.remaining(); !rest.empty())
        throw hass::unknown_name("flag", rest.front().substr(0, rest.front().find('=')),
                                 std::vector<std::string>{"--out", "--help"});
    // It is never one of the files that it is made of.
    if (!s.out.ends_with(".html")) throw hass::error("--out " + s.out + ": must end in .html");
    return true;
}

void add_file(std::vector<hass::report_run>& runs, const fs::path& file) {
    const std::string text = hass::read_whole(file);
    if (file.extension() == ".json") {
        runs.push_back({hass::run_name(file), hass::solution_json(text, file.string()), {}});
    } else if (file.extension() == ".csv") {
        if (runs.empty() || !runs.back().trials.is_null())
            runs.push_back({hass::run_name(file), {}, {}});
        runs.back().trials = hass::trials_json(text, file.string());
    } else {
        throw hass::error(file.string() +
                          ": must be a solution.json, a trials.csv, or a folder of them");
    }
}

/// A folder starts a run, whatever came before it.
void add_folder(std::vector<hass::report_run>& runs, const fs::path& folder) {
    std::vector<hass::report_run> here;
    for (const char* file : {"solution.json", "trials.csv"})
        if (fs::exists(folder / file)) add_file(here, folder / file);
    if (here.empty())
        throw hass::error(folder.string() + ": holds neither solution.json nor trials.csv");
    runs.push_back(std::move(here.front()));
}

int start(const settings& s) {
    std::vector<hass::report_run> runs;
    for (const std::string& file : s.files)
        fs::is_directory(file) ? add_folder(runs, file) : add_file(runs, file);
    for (std::size_t i = 1; i < runs.size(); ++i)  // folders may be called alike
        if (std::any_of(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(i),
                        [&](const hass::report_run& r) { return r.name == runs[i].name; }))
            runs[i].name += fmt::format(" ({})", i + 1);
    hass::write_report(s.out, runs);
    fmt::print("written: {}\n", s.out);
    return 0;
}

}  // namespace
}  // namespace hass_report

int main(int argc, char** argv) try {
    hass_report::settings s;
    return hass_report::parse(argc, argv, s) ? hass_report::start(s) : 0;
} catch (const std::exception& wrong) {
    fmt::print(stderr, "hass_report: {}\n", wrong.what());
    return 2;
}
