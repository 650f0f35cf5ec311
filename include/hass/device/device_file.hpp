/// \file device_file.hpp
/// Boards of one's own as JSON files:
///
///     {"name": "myboard", "dsp": 220, "lut": 53200, "ff": 106400, "bram18": 280, "uram": 0,
///      "bandwidth_gbps": 34.1, "mhz": 200, "dsp_slice": "dsp48e1", "reconfiguration_s": 0.08255}
///
///     const auto board = hass::load_device("myboard.json");       // meets Device
///     const auto either = hass::device_by_name("zedboard");       // catalogue, or a .json file
///
/// Counts are whole numbers >= 0, bandwidth in Gbit/s > 0 (images and answers have to be carried),
/// clock in MHz > 0.
/// `reconfiguration_s` may be left out, and `dsp_slice`, which is then dsp48e2; everything else is
/// required.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <hass/files/json.hpp>

#include <hass/device/boards.hpp>
#include <hass/device/device.hpp>
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>

namespace hass {

/// A device that owns its name; copies share it.
class owned_device {
  public:
    /// \param values everything but the name, which is replaced by `name`
    owned_device(std::string name, const device& values)
        : name_(std::make_shared<const std::string>(std::move(name))), device_(values) {
        device_.name = *name_;
    }
    /// A copy that owns its name.
    explicit owned_device(const device& values) : owned_device(std::string(values.name), values) {}

    const device& limits() const { return device_; }

  private:
    std::shared_ptr<const std::string> name_;
    device device_;
};

namespace detail {

/// A number in a device file: where it goes and what it may be.
struct device_field {
    std::string_view name;
    double& (*of)(device&);
    bool whole = true;
    bool positive = false;
    bool required = true;
};

inline constexpr std::array<device_field, 8> device_fields{{
    {"dsp", [](device& d) -> double& { return d.budget.dsp; }},
    {"lut", [](device& d) -> double& { return d.budget.lut; }},
    {"ff", [](device& d) -> double& { return d.budget.ff; }},
    {"bram18", [](device& d) -> double& { return d.budget.bram18; }},
    {"uram", [](device& d) -> double& { return d.budget.uram; }},
    {"bandwidth_gbps", [](device& d) -> double& { return d.budget.bandwidth; }, false, true},
    {"mhz", [](device& d) -> double& { return d.mhz; }, false, true},
    {"reconfiguration_s", [](device& d) -> double& { return d.reconfiguration_s; }, false, false,
     false},
}};

/// Why `value` cannot stand in `field`; empty when it can.
inline std::string objection(const device_field& field, const ordered_json& value) {
    if (!value.is_number()) return "must be a number, not " + std::string(value.type_name());
    const double number = value.get<double>();
    if (!std::isfinite(number)) return "must be finite";
    if (number < 0.0 || (field.positive && number == 0.0))
        return "is " + value.dump() + ", must be " + (field.positive ? "above 0" : "0 or more");
    if (field.whole && number != std::floor(number))
        return "is " + value.dump() + ", must be a whole number";
    return {};
}

}  // namespace detail

/// A device from the text of a device file.
/// \param source file name for messages
/// \throws hass::error naming source and field; for an unknown field, the nearest valid one
inline owned_device parse_device(std::string_view text, const std::string& source) {
    using json = ordered_json;
    const auto fail = [&source](const std::string& what) { return error(source + ": " + what); };
    json file;
    try {
        file = json::parse(text);
    } catch (const json::exception& e) {
        throw fail("not JSON: " + std::string(e.what()));
    }
    if (!file.is_object()) throw fail("a device is an object {\"name\": ..., \"dsp\": ..., ...}");

    std::array<std::string_view, 2 + detail::device_fields.size()> known{"name", "dsp_slice"};
    for (std::size_t i = 0; i < detail::device_fields.size(); ++i)
        known[i + 2] = detail::device_fields[i].name;
    for (const auto& [key, value] : file.items())
        if (std::find(known.begin(), known.end(), key) == known.end())
            throw fail(unknown_name("field", key, known).what());

    if (!file.contains("name")) throw fail("field 'name' is missing");
    if (!file["name"].is_string() || file["name"].get_ref<const std::string&>().empty())
        throw fail("field 'name' must be text");
    device values;
    for (const detail::device_field& field : detail::device_fields) {
        const auto found = file.find(field.name);
        const std::string named = "field '" + std::string(field.name) + "' ";
        if (found == file.end()) {
            if (field.required) throw fail(named + "is missing");
            continue;
        }
        const std::string objection = detail::objection(field, *found);
        if (!objection.empty()) throw fail(named + objection);
        field.of(values) = found->get<double>();
    }
    if (const auto slice = file.find("dsp_slice"); slice != file.end()) {
        if (!slice->is_string()) throw fail("field 'dsp_slice' must be text");
        const auto& given = slice->get_ref<const std::string&>();
        const auto found = std::find(dsp_slice_names.begin(), dsp_slice_names.end(), given);
        if (found == dsp_slice_names.end())
            throw fail(unknown_name("dsp_slice", given, dsp_slice_names).what());
        values.dsp_slice = static_cast<dsp_slice>(found - dsp_slice_names.begin());
    }
    return {file["name"].get<std::string>(), values};
}

/// \throws hass::error naming file and field
inline owned_device load_device(const std::filesystem::path& path) {
    return parse_device(read_whole(path), path.string());
}

/// The text of a device file; `parse_device` gives the same device back.
inline std::string device_text(const device& board) {
    ordered_json file{{"name", board.name}};
    device values = board;
    for (const detail::device_field& field : detail::device_fields) {
        const double value = field.of(values);
        if (value == std::floor(value) && std::abs(value) < 1e15)
            file[std::string(field.name)] = static_cast<long long>(value);
        else
            file[std::string(field.name)] = value;
    }
    file["dsp_slice"] = name(board.dsp_slice);
    return file.dump(2) + "\n";
}

/// \throws hass::error when the file cannot be written
inline void save_device(const device& board, const std::filesystem::path& path) {
    write_whole(path, device_text(board));
}

/// What a user names on a command line: a file if it ends in .json, else a board of the catalogue.
/// \throws hass::error naming the file and field, or the nearest board
inline owned_device device_by_name(const std::string& name) {
    if (name.ends_with(".json")) return load_device(name);
    return owned_device(boards::find(name));
}

}  // namespace hass
