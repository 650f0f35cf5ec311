/// \file run_files.hpp
/// A run as its files say it: solution.json and trials.csv, as the report page takes them.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/files/csv.hpp>
#include <hass/files/json.hpp>
#include <hass/text.hpp>

namespace hass {

/// One run.
struct report_run {
    std::string name;       ///< what the page calls it
    ordered_json solution;  ///< what solution.json holds; null: there is none yet
    ordered_json trials;    ///< of `trials_json`
};

/// What people call the run of a file: the folder that it lies in.
inline std::string run_name(const std::filesystem::path& file) {
    const std::filesystem::path folder =
        std::filesystem::absolute(file).lexically_normal().parent_path();
    return folder.filename().empty() ? file.string() : folder.filename().string();
}

namespace detail {

/// RFC 4648, with padding.
inline std::string base64(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t k = 0; k < 3; ++k)
            three =
                three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63U];
    }
    return text;
}

/// A field of trials.csv as a number. \throws hass::error naming line and column
inline double csv_number(const csv_table& table, const csv_table::row& r, std::size_t column,
                         const std::string& source) {
    const std::string& text = r.fields[column];
    double value = 0.0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (wrong != std::errc{} || end != text.data() + text.size())
        throw error(text_of({source, ": line ", r.line, ": ", table.columns[column], " '", text,
                             "' is no number"}));
    return value;
}

}  // namespace detail

/// What a search logged, for the page:
///
///     {"columns": [...], "rows": [[study, trial, state, number ...], ...],
///      "tensors": ["conv1.weight", ...], "thresholds": "base64", "incomplete_line": false}
///
/// Numbers are those of the file; what is no finite number is null. Thresholds, which are many, are
/// 32-bit floats, little-endian, one row of `tensors` a trial: the width that magnitudes are
/// compared in. A last line that a killed program left unfinished is dropped, and said.
/// \param text    of trials.csv
/// \param source  file name for messages
/// \throws hass::error naming source, line and column
inline ordered_json trials_json(std::string_view text, const std::string& source) {
    const std::size_t end = text.rfind('\n');
    const bool torn = !text.empty() && end + 1 != text.size();
    const csv_table table = read_csv(end == text.npos ? text : text.substr(0, end + 1), source);
    constexpr std::string_view last_figure = "objective";
    std::size_t figures = 0;
    while (figures < table.columns.size() && table.columns[figures] != last_figure) ++figures;
    if (figures == table.columns.size() || figures < 3 || table.columns[0] != "study" ||
        table.columns[1] != "trial" || table.columns[2] != "state")
        throw error(source + ": not a trials.csv: columns study, trial, state, ..., objective");
    ++figures;
    ordered_json rows = ordered_json::array();
    std::string packed;
    for (const csv_table::row& r : table.rows) {
        ordered_json row = ordered_json::array();
        row.push_back(r.fields[0]);
        row.push_back(static_cast<std::uint64_t>(detail::csv_number(table, r, 1, source)));
        row.push_back(r.fields[2]);
        for (std::size_t i = 3; i < figures; ++i) {
            const double value = detail::csv_number(table, r, i, source);
            row.push_back(std::isfinite(value) ? ordered_json(value) : ordered_json());
        }
        rows.push_back(std::move(row));
        for (std::size_t i = figures; i < table.columns.size(); ++i) {
            const auto bits = std::bit_cast<std::uint32_t>(
                static_cast<float>(detail::csv_number(table, r, i, source)));
            for (int shift = 0; shift < 32; shift += 8)
                packed += static_cast<char>(static_cast<unsigned char>(bits >> shift & 255U));
        }
    }
    const auto first_tensor = table.columns.begin() + static_cast<std::ptrdiff_t>(figures);
    ordered_json all;
    all["columns"] = std::vector<std::string>(table.columns.begin(), first_tensor);
    all["rows"] = std::move(rows);
    all["tensors"] = std::vector<std::string>(first_tensor, table.columns.end());
    all["thresholds"] = detail::base64(packed);
    all["incomplete_line"] = torn;
    return all;
}

/// solution.json as the page takes it.
/// \throws hass::error naming source: no JSON, or not that of a run
inline ordered_json solution_json(std::string_view text, const std::string& source) {
    ordered_json file;
    try {
        file = ordered_json::parse(text);
    } catch (const ordered_json::exception& e) {
        throw error(source + ": not JSON: " + e.what());
    }
    for (const char* field : {"network", "device", "budget", "dense", "pareto"})
        if (!file.is_object() || !file.contains(field))
            throw error(
                text_of({source, ": not a solution.json: no field '", std::string(field), "'"}));
    return file;
}

}  // namespace hass
