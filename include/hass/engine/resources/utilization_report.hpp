/// \file utilization_report.hpp
/// Vivado's `report_utilization -hierarchical` as text: a table of instances, indented by level,
/// whose figures include what is below them.
///
///     | Instance |  Module | Total LUTs | Logic LUTs | LUTRAMs | SRLs |  FFs | RAMB36 | ...
///     | top      |   (top) |       5200 |       4800 |     300 |  100 | 6100 |      4 | ...
///     |   conv1  | conv_64 |       2120 |       2000 |     100 |   20 | 2500 |      1 | ...
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hass/engine/resources/corrected.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// One instance, with everything below it.
struct utilized_instance {
    std::string name;      ///< as Vivado has it, with its path
    std::size_t line = 0;  ///< of the report, from 1
    std::array<std::optional<double>, corrected_resources> measured{};  ///< as `resources`
};

/// Whether a text is such a report, and not a table of comma-separated values.
inline bool is_utilization_report(std::string_view text) {
    const std::size_t table = text.find("| ");
    return table != text.npos && text.find("Instance") != text.npos &&
           (table == 0 || text[table - 1] == '\n' || text[table - 1] == '\r');
}

namespace detail {

inline std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The cells between bars, trimmed; none for a line that is not of the table.
inline std::vector<std::string_view> cells_of(std::string_view line) {
    std::vector<std::string_view> cells;
    line = trimmed(line);
    if (line.size() < 2 || line.front() != '|' || line.back() != '|') return cells;
    for (std::size_t at = 1; at < line.size();) {
        const std::size_t end = line.find('|', at);
        cells.push_back(trimmed(line.substr(at, end - at)));
        at = end + 1;
    }
    return cells;
}

/// A column's resource and blocks of 18 Kbit; every name that versions of Vivado have used.
struct report_column {
    std::string_view name;
    std::size_t resource;
    double weight;
};
inline constexpr std::array<report_column, 9> report_columns{{{"Total LUTs", lut_index, 1.0},
                                                              {"FFs", ff_index, 1.0},
                                                              {"RAMB36", bram18_index, 2.0},
                                                              {"RAMB18", bram18_index, 1.0},
                                                              {"URAM", uram_index, 1.0},
                                                              {"DSP Blocks", dsp_index, 1.0},
                                                              {"DSP48 Blocks", dsp_index, 1.0},
                                                              {"DSP Slices", dsp_index, 1.0},
                                                              {"DSPs", dsp_index, 1.0}}};

}  // namespace detail

/// The instances of a report, in its order; rows in parentheses, what an instance has beside those
/// below it, are left out.
/// \param source  file name for messages
/// \throws hass::error naming source and line: no table, or a figure that is none
inline std::vector<utilized_instance> read_utilization_report(std::string_view text,
                                                              const std::string& source) {
    std::vector<utilized_instance> instances;
    std::vector<std::string_view> header;
    std::size_t line = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::vector<std::string_view> cells = detail::cells_of(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++line;
        if (cells.empty()) continue;
        if (cells.front() == "Instance") {
            header = cells;
            continue;
        }
        if (header.empty()) continue;  // a table before it
        if (cells.size() != header.size())
            throw error(text_of({source, ": line ", line, " has ", cells.size(),
                                 " cells; the table's head has ", header.size()}));
        if (cells.front().empty() || cells.front().front() == '(') continue;
        utilized_instance instance{std::string(cells.front()), line, {}};
        for (std::size_t i = 1; i < header.size(); ++i)
            for (const detail::report_column& column : detail::report_columns) {
                if (header[i] != column.name) continue;
                // newer versions add a share: 2120(3.98%)
                const std::string_view cell = cells[i].substr(0, cells[i].find('('));
                double value = 0.0;
                const auto [read, wrong] =
                    std::from_chars(cell.data(), cell.data() + cell.size(), value);
                if (wrong != std::errc{} || read != cell.data() + cell.size() || !(value >= 0.0))
                    throw error(text_of({source, ": line ", line, ": ", column.name, " '", cells[i],
                                         "' is no number"}));
                std::optional<double>& sum = instance.measured[column.resource];
                sum = sum.value_or(0.0) + column.weight * value;
            }
        instances.push_back(std::move(instance));
    }
    if (instances.empty())
        throw error(source +
                    ": no table of instances, as `report_utilization -hierarchical` writes it");
    return instances;
}

/// A stage's name as a Verilog identifier: letters, digits and single underscores between them.
inline std::string instance_name(std::string_view stage) {
    std::string name;
    for (const char c : stage) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            name += c;
        else if (!name.empty() && name.back() != '_')
            name += '_';
    }
    while (!name.empty() && name.back() == '_') name.pop_back();
    return name;
}

/// The instance that is called as `stage` is, up to `instance_name`; nullptr when there is none.
/// \throws hass::error when there are several
inline const utilized_instance* find_instance(const std::vector<utilized_instance>& instances,
                                              std::string_view stage, const std::string& source) {
    const std::string wanted = instance_name(stage);
    const utilized_instance* found = nullptr;
    for (const utilized_instance& i : instances) {
        if (i.name != stage && instance_name(i.name) != wanted) continue;
        if (found != nullptr)
            throw error(text_of({source, ": lines ", found->line, " and ", i.line,
                                 " are both stage '", stage, "'"}));
        found = &i;
    }
    return found;
}

}  // namespace hass
