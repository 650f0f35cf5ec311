/// \file measured_csv.hpp
/// What a synthesis tool said of layers, as a comma-separated table with a header:
///
///     name,kind,channels,height,width,filters,kernel,stride,pad,in,out,macs,lut,ff,dsp,bram18
///     conv1,convolution,3,32,32,16,3,1,1,1,4,9,2120,2500,36,3
///     relu1,relu,16,32,32,,,,,4,,,130,,,
///
/// Columns, in any order; what is left out or empty is the default, or was not measured:
///
///     name                             of the layer
///     kind                             a layer_kind: convolution, linear, relu, max_pool, ...
///     channels, height, width          of the input (1)
///     filters                          of convolution, linear
///     kernel, stride, pad              one number, or height x width: 3, 10x4 (1, 1, 0)
///     groups, bias                     (1, 0)
///     in, out, group, macs, vector     folding (1); in: streams of a row without weights
///     memory, multipliers              (bram18, dsp)
///     lut, ff, dsp, bram18, uram       measured
///
/// Without `kind` the rows are named and nothing else: shapes and foldings come from elsewhere.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <hass/engine/engine.hpp>
#include <hass/engine/resources/corrected.hpp>
#include <hass/error.hpp>
#include <hass/files/csv.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// A layer and how it was folded.
struct folded_layer {
    layer_row row{};      ///< what was built
    row_option option{};  ///< how
};

/// A line of the table.
struct measured_layer {
    std::string name;                   ///< as the table has it
    std::string where;                  ///< file and line, for messages
    std::optional<folded_layer> built;  ///< nullopt: the table says no folding
    std::array<std::optional<double>, corrected_resources> measured{};  ///< as `resources`
};

namespace detail {

inline constexpr std::array<std::string_view, 18> built_columns{
    "kind", "channels", "height", "width", "filters", "kernel", "stride", "pad",         "groups",
    "bias", "in",       "out",    "group", "macs",    "vector", "memory", "multipliers", "name"};

/// The fields of one line by the name of their column.
class csv_line {
  public:
    csv_line(const csv_table& table, const csv_table::row& row, const std::string& source)
        : table_(table), row_(row), where_(text_of({source, ": line ", row.line})) {}

    const std::string& where() const { return where_; }
    bool has(std::string_view column) const { return !field(column).empty(); }
    std::string_view field(std::string_view column) const {
        const auto at = std::find(table_.columns.begin(), table_.columns.end(), column);
        if (at == table_.columns.end()) return {};
        return row_.fields[static_cast<std::size_t>(at - table_.columns.begin())];
    }
    [[noreturn]] void fail(std::string_view column, std::string_view what) const {
        throw error(text_of({where_, ": ", column, " '", field(column), "': ", what}));
    }
    int whole(std::string_view column, int otherwise, int least) const {
        return has(column) ? whole(column, field(column), least) : otherwise;
    }
    /// "3" or "10x4".
    std::pair<int, int> sides(std::string_view column, int otherwise, int least) const {
        const std::string_view text = field(column);
        if (text.empty()) return {otherwise, otherwise};
        const std::size_t cross = text.find('x');
        if (cross == text.npos) {
            const int side = whole(column, text, least);
            return {side, side};
        }
        return {whole(column, text.substr(0, cross), least),
                whole(column, text.substr(cross + 1), least)};
    }
    std::optional<double> measured(std::string_view column) const {
        const std::string_view text = field(column);
        if (text.empty()) return std::nullopt;
        double value = 0.0;
        const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (wrong != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) ||
            value < 0.0)
            fail(column, "must be a number, 0 or more, or empty");
        return value;
    }
    /// Position among `names`, or `otherwise`.
    template <class Names>
    std::size_t one_of(std::string_view column, const Names& names, std::size_t otherwise) const {
        if (!has(column)) return otherwise;
        const auto at = std::find(names.begin(), names.end(), field(column));
        if (at == names.end())
            throw error(where_ + ": " + unknown_name(column, field(column), names).what());
        return static_cast<std::size_t>(at - names.begin());
    }

  private:
    int whole(std::string_view column, std::string_view text, int least) const {
        int value = 0;
        const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (wrong != std::errc{} || end != text.data() + text.size() || value < least ||
            value > 1000000)
            fail(column, text_of({"must be a whole number from ", least, " to 1000000"}));
        return value;
    }

    const csv_table& table_;
    const csv_table::row& row_;
    std::string where_;
};

inline layer_row row_of(const csv_line& line) {
    layer_row row;
    row.kind = static_cast<layer_kind>(line.one_of("kind", layer_kind_names, 0));
    row.in = {line.whole("channels", 1, 1), line.whole("height", 1, 1), line.whole("width", 1, 1)};
    if (row.in.volume() > 1000000000)
        line.fail("channels", "are more than 10^9 words with the map");
    std::tie(row.kernel_h, row.kernel_w) = line.sides("kernel", 1, 1);
    std::tie(row.stride_h, row.stride_w) = line.sides("stride", 1, 1);
    std::tie(row.pad_top, row.pad_left) = line.sides("pad", 0, 0);
    row.pad_bottom = row.pad_top, row.pad_right = row.pad_left;
    row.groups = line.whole("groups", 1, 1);
    row.bias = line.whole("bias", 0, 0) != 0;
    if (is_compute(row) && !line.has("filters")) line.fail("filters", "is missing");
    row.out.channels = is_compute(row) ? line.whole("filters", 1, 1) : row.in.channels;
    if (row.in.channels % row.groups != 0 || row.out.channels % row.groups != 0)
        line.fail("groups", "must divide channels and filters");
    if (row.kind == layer_kind::linear)
        row.in = {static_cast<int>(row.in.volume()), 1, 1};
    else if (row.kind != layer_kind::global_average_pool)
        row.out = {
            row.out.channels,
            window_extent(row.in.height, row.kernel_h, row.stride_h, row.pad_top, row.pad_bottom),
            window_extent(row.in.width, row.kernel_w, row.stride_w, row.pad_left, row.pad_right)};
    if (row.out.height < 1 || row.out.width < 1)
        line.fail("kernel", "is larger than the map with its padding");
    return row;
}

inline row_option option_of(const csv_line& line) {
    row_option c;
    c.folding = {line.whole("in", 1, 1), line.whole("out", 1, 1), line.whole("group", 1, 1),
                 line.whole("macs", 1, 1), line.whole("vector", 1, 1)};
    c.memory = static_cast<weight_memory>(line.one_of("memory", weight_memory_names, 0));
    c.multipliers = static_cast<multiplier>(line.one_of("multipliers", multiplier_names, 0));
    return c;
}

}  // namespace detail

/// The lines of a table.
/// \param source  file name for messages
/// \throws hass::error naming source, line and column; for an unknown name, the nearest valid one
inline std::vector<measured_layer> read_measured_csv(std::string_view text,
                                                     const std::string& source) {
    const csv_table table = read_csv(text, source);
    std::vector<std::string_view> known(detail::built_columns.begin(), detail::built_columns.end());
    known.insert(known.end(), corrected_resource_names.begin(), corrected_resource_names.end());
    bool shapes = false, figures = false;
    for (const std::string& column : table.columns) {
        if (std::find(known.begin(), known.end(), column) == known.end())
            throw error(source + ": " + unknown_name("column", column, known).what());
        shapes = shapes || column == "kind";
        figures =
            figures || std::find(corrected_resource_names.begin(), corrected_resource_names.end(),
                                 column) != corrected_resource_names.end();
    }
    const auto column = [&](std::string_view name) {
        return std::find(table.columns.begin(), table.columns.end(), name) != table.columns.end();
    };
    if (!figures) throw error(source + ": no column of lut, ff, dsp, bram18, uram was measured");
    if (!shapes && !column("name")) throw error(source + ": no column 'name', and none 'kind'");
    std::vector<measured_layer> layers;
    for (const csv_table::row& row : table.rows) {
        const detail::csv_line line(table, row, source);
        measured_layer layer{std::string(line.field("name")), line.where(), std::nullopt, {}};
        if (shapes) {
            if (!line.has("kind")) line.fail("kind", "is missing");
            layer.built = {detail::row_of(line), detail::option_of(line)};
        } else {
            if (layer.name.empty()) line.fail("name", "is missing");
            for (const std::string_view other : detail::built_columns)
                if (other != "name" && column(other))
                    throw error(text_of({source, ": column '", other, "' needs a column 'kind'"}));
        }
        for (std::size_t r = 0; r < corrected_resources; ++r)
            layer.measured[r] = line.measured(corrected_resource_names[r]);
        layers.push_back(std::move(layer));
    }
    if (layers.empty()) throw error(source + ": a header and no line");
    return layers;
}

}  // namespace hass
