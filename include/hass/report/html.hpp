/// \file html.hpp
/// report.html: a run as a page of charts, with tables behind them. One file that needs no network:
/// the chart library (Apache ECharts, third_party/echarts), style, scripts and data are inside.
///
///     hass::write_report("report.html", {{"mine", solution_json(...), trials_json(...)}});
///
/// What the page says and how it looks stands in page/: page.html, page.css and the scripts. Text
/// that comes from files (names of layers, of boards, ...) reaches the page as JSON and the
/// document as text nodes, never as markup.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/json.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/run_files.hpp>
#include <hass/version.hpp>

namespace hass {

/// What a page is made of, beside data.
struct report_page_parts {
    std::filesystem::path page;     ///< folder of page.html, page.css and the scripts
    std::filesystem::path echarts;  ///< echarts.min.js
};

/// Where the parts lie: HASS_REPORT_PAGE and HASS_ECHARTS where these are defined, else beside this
/// header, as the compiler was told it, and where the repository or an installation has the library.
/// A program that runs elsewhere than where it was compiled has to say.
inline report_page_parts default_page_parts() {
    namespace fs = std::filesystem;
    report_page_parts parts;
    const fs::path here = fs::path(__FILE__).parent_path();
#ifdef HASS_REPORT_PAGE
    parts.page = HASS_REPORT_PAGE;
#else
    parts.page = here / "page";
#endif
#ifdef HASS_ECHARTS
    parts.echarts = HASS_ECHARTS;
#else
    const fs::path root = here / "../../..";
    const fs::path in_repository = root / "third_party/echarts/echarts.min.js";
    const fs::path installed = root / "share/hass/echarts/echarts.min.js";
    parts.echarts = fs::exists(in_repository) ? in_repository : installed;
#endif
    return parts;
}

namespace detail {

/// The scripts of page/, in the order in which they need each other.
inline constexpr std::string_view page_scripts[] = {"page.js",   "charts.js",     "designs.js",
                                                    "trials.js", "statistics.js", "sections.js"};

/// A mark of page.html and what takes its place.
struct page_filling {
    std::string_view mark;
    std::string text;
};

/// \param fillings  in the order in which their marks stand; what is filled in is not looked through
/// \throws hass::error for a mark that is not there
inline std::string filled_page(std::string_view page, std::span<const page_filling> fillings) {
    std::string text;
    for (const page_filling& f : fillings) {
        const std::size_t at = page.find(f.mark);
        if (at == page.npos) throw error("page.html: no " + std::string(f.mark));
        text += page.substr(0, at);
        text += f.text;
        page.remove_prefix(at + f.mark.size());
    }
    return text.append(page);
}

/// Text between tags.
inline std::string escaped_html(std::string_view text) {
    std::string safe;
    for (const char c : text) switch (c) {
            case '&':
                safe += "&amp;";
                break;
            case '<':
                safe += "&lt;";
                break;
            case '>':
                safe += "&gt;";
                break;
            case '"':
                safe += "&quot;";
                break;
            default:
                safe += c;
        }
    return safe;
}

/// JSON inside a script element: nothing in it can end the element. Bytes that are no UTF-8, as
/// names of files may have, become U+FFFD.
inline std::string json_for_script(const ordered_json& data) {
    std::string safe;
    for (const char c : data.dump(-1, ' ', false, ordered_json::error_handler_t::replace))
        c == '<' ? void(safe += "\\u003c") : void(safe += c);
    return safe;
}

}  // namespace detail

/// The page. \param runs  the first is the one shown in full; others stand beside it
/// \throws hass::error for no run, and naming a part that is missing
inline std::string report_page(std::span<const report_run> runs,
                               const report_page_parts& parts = default_page_parts()) {
    if (runs.empty()) throw error("report: there is no run to report");
    ordered_json data;
    data["hass_version"] = HASS_VERSION;
    data["runs"] = ordered_json::array();
    std::string title = "HASS report";
    for (const report_run& run : runs) {
        title += (&run == runs.data() ? ": " : ", ") + run.name;
        ordered_json one;
        one["name"] = run.name;
        one["solution"] = run.solution;
        one["trials"] = run.trials;
        data["runs"].push_back(std::move(one));
    }
    std::string script;
    for (const std::string_view name : detail::page_scripts)
        script += read_whole(parts.page / name);
    const std::vector<detail::page_filling> fillings{
        {"<!--TITLE-->", detail::escaped_html(title)},
        {"<!--STYLE-->", read_whole(parts.page / "page.css")},
        {"<!--DATA-->", detail::json_for_script(data)},
        {"<!--ECHARTS-->", read_whole(parts.echarts)},
        {"<!--SCRIPT-->", std::move(script)}};
    return detail::filled_page(read_whole(parts.page / "page.html"), fillings);
}

/// Writes the page to a file, as a whole or not at all.
/// \throws hass::error as `report_page`, and naming the file and why it cannot be written
inline void write_report(const std::filesystem::path& path, std::span<const report_run> runs,
                         const report_page_parts& parts = default_page_parts()) {
    write_whole(path, report_page(runs, parts));
}

}  // namespace hass
