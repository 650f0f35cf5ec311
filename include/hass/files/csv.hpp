/// \file csv.hpp
/// Comma-separated files (RFC 4180): fields to write, and tables with a header to read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// The text as one field: in quotes, and quotes doubled, where it holds a comma, a quote or the end
/// of a line.
inline std::string csv_field(std::string_view text) {
    if (text.find_first_of(",\"\r\n") == text.npos) return std::string(text);
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

/// A table: the names of its columns, and rows of as many fields.
struct csv_table {
    /// A line of it.
    struct row {
        std::size_t line = 0;             ///< of the file, from 1
        std::vector<std::string> fields;  ///< one a column
    };
    std::vector<std::string> columns;  ///< from the header
    std::vector<row> rows;             ///< in order
};

namespace detail {

/// Records with the lines they start at; empty lines are none.
inline std::vector<csv_table::row> csv_records(std::string_view text, const std::string& source) {
    std::vector<csv_table::row> records;
    std::size_t line = 1;
    for (std::size_t at = 0; at < text.size();) {
        csv_table::row record{line, {}};
        for (bool more = true; more;) {
            std::string field;
            if (at < text.size() && text[at] == '"') {
                for (++at;; ++at) {
                    if (at == text.size())
                        throw error(
                            text_of({source, ": line ", record.line, ": a quote is not closed"}));
                    if (text[at] == '"') {
                        if (at + 1 == text.size() || text[at + 1] != '"') break;
                        ++at;
                    }
                    line += text[at] == '\n' ? 1U : 0U;
                    field += text[at];
                }
                ++at;
            }
            const std::size_t end = std::min(text.find_first_of(",\n", at), text.size());
            field += text.substr(at, end - at);
            if (!field.empty() && field.back() == '\r') field.pop_back();
            record.fields.push_back(std::move(field));
            more = end < text.size() && text[end] == ',';
            at = end + 1;
        }
        ++line;
        if (record.fields.size() > 1 || !record.fields.front().empty())
            records.push_back(std::move(record));
    }
    return records;
}

}  // namespace detail

/// \param source  file name for messages
/// \throws hass::error naming source and line: no header, a column twice, a row of other length
inline csv_table read_csv(std::string_view text, const std::string& source) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // as spreadsheets write it
    std::vector<csv_table::row> records = detail::csv_records(text, source);
    if (records.empty()) throw error(source + ": no header: the first line names the columns");
    csv_table table;
    table.columns = std::move(records.front().fields);
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        if (std::find(table.columns.begin(), table.columns.begin() + std::ptrdiff_t(i),
                      table.columns[i]) != table.columns.begin() + std::ptrdiff_t(i))
            throw error(text_of({source, ": column '", table.columns[i], "' stands twice"}));
    table.rows.assign(std::make_move_iterator(records.begin() + 1),
                      std::make_move_iterator(records.end()));
    for (const csv_table::row& r : table.rows)
        if (r.fields.size() != table.columns.size())
            throw error(text_of({source, ": line ", r.line, " has ", r.fields.size(),
                                 " fields; the header has ", table.columns.size()}));
    return table;
}

}  // namespace hass
