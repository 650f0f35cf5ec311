/// \file resource_file.hpp
/// A corrected resource model as a JSON file, as `hass_calibrate` writes it:
///
///     {"hass_resources": 1, "base": "calibrated", "bits": 16, "dsp_slice": "dsp48e2",
///      "source": "measured.csv",
///      "corrections": [{"kind": "dense", "resource": "lut", "factor": 1.31, "per_multiplier": 0,
///                       "per_stream": 0, "per_stage": 211, "measurements": 24,
///                       "error_before": 0.34, "error_after": 0.08}],
///      "kept": [{"kind": "relu", "resource": "lut", "measurements": 2, "error": 0.6,
///                "reason": "2 measured, of which 2 differ; it takes 4"}]}
///
/// `base` names the model that was corrected, `bits` the width of maps and weights at which it was
/// measured, `dsp_slice` the part's; `kept` says what was measured and stays the base's. Every field is required.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/engine/resources/calibrate.hpp>
#include <hass/engine/resources/corrected.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/error.hpp>
#include <hass/files/json.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/text.hpp>

namespace hass {

/// What a file holds.
struct resource_file {
    std::string base;                      ///< model that is corrected
    int bits = 16;                         ///< of data and weights of what was measured
    dsp_slice slice = dsp_slice::dsp48e2;  ///< of the part that was measured
    std::string source;                    ///< where the measurements came from
    calibration measured{};                ///< corrections and what was kept
};

namespace detail {

struct correction_field {
    const char* name;
    double correction::*of;
};
inline constexpr std::array<correction_field, 6> correction_fields{
    {{"factor", &correction::factor},
     {"per_multiplier", &correction::per_multiplier},
     {"per_stream", &correction::per_stream},
     {"per_stage", &correction::per_stage},
     {"error_before", &correction::error_before},
     {"error_after", &correction::error_after}}};

/// An object of a file: every field is there, none beside them, and each is what it should be.
class strict_object {
  public:
    /// \param where  of it, for messages
    /// \throws hass::error naming the field, and the nearest valid one
    strict_object(const ordered_json& object, std::string where,
                  std::span<const std::string_view> fields)
        : object_(object), where_(std::move(where)) {
        if (!object.is_object()) throw error(where_ + ": must be an object");
        for (const auto& entry : object.items())
            if (std::find(fields.begin(), fields.end(), entry.key()) == fields.end())
                throw error(where_ + ": " + unknown_name("field", entry.key(), fields).what());
        for (const std::string_view field : fields)
            if (!object.contains(field)) fail(field, "is missing");
    }

    [[noreturn]] void fail(std::string_view field, std::string_view why) const {
        throw error(text_of({where_, ": field '", field, "' ", why}));
    }
    const ordered_json& list(std::string_view field) const {
        const ordered_json& value = object_.at(std::string(field));
        if (!value.is_array()) fail(field, "must be a list");
        return value;
    }
    std::string text(std::string_view field) const {
        const ordered_json& value = object_.at(std::string(field));
        if (!value.is_string()) fail(field, "must be text");
        return value.get<std::string>();
    }
    double number(std::string_view field) const {
        const ordered_json& value = object_.at(std::string(field));
        if (!value.is_number()) fail(field, "must be a number");
        const double number = value.get<double>();
        if (!(std::isfinite(number) && number >= 0.0)) fail(field, "must be finite and 0 or more");
        return number;
    }
    int count(std::string_view field, int least, int most) const {
        const double value = number(field);
        if (value != std::floor(value) || value < least || value > most)
            fail(field, text_of({"must be a whole number from ", least, " to ", most}));
        return static_cast<int>(value);
    }
    /// Position of the text among `names`.
    template <class Names>
    std::size_t one_of(std::string_view field, const Names& names) const {
        const std::string name = text(field);
        const auto at = std::find(names.begin(), names.end(), name);
        if (at == names.end()) throw error(where_ + ": " + unknown_name(field, name, names).what());
        return static_cast<std::size_t>(at - names.begin());
    }

  private:
    const ordered_json& object_;
    std::string where_;
};

inline void read_correction(const ordered_json& entry, const std::string& where,
                            correction_table& table) {
    constexpr std::array<std::string_view, 9> fields{
        "kind",      "resource",     "factor",       "per_multiplier", "per_stream",
        "per_stage", "measurements", "error_before", "error_after"};
    const strict_object o(entry, where, fields);
    const std::size_t kind = o.one_of("kind", module_kind_names);
    correction& c = table.of[kind][o.one_of("resource", corrected_resource_names)];
    if (c.measurements > 0) o.fail("resource", "was corrected before for this kind");
    for (const correction_field& f : correction_fields) c.*f.of = o.number(f.name);
    c.measurements = o.count("measurements", 1, 1000000000);
}

inline kept_model read_kept(const ordered_json& entry, const std::string& where) {
    constexpr std::array<std::string_view, 5> fields{"kind", "resource", "measurements", "error",
                                                     "reason"};
    const strict_object o(entry, where, fields);
    return {o.one_of("kind", module_kind_names), o.one_of("resource", corrected_resource_names),
            o.count("measurements", 1, 1000000000), o.number("error"), o.text("reason")};
}

}  // namespace detail

/// \param source  file name for messages
/// \throws hass::error naming source and field; for an unknown one, the nearest valid name
inline resource_file parse_resource_file(std::string_view text, const std::string& source) {
    using json = ordered_json;
    json file;
    try {
        file = json::parse(text);
    } catch (const json::exception& e) {
        throw error(source + ": not JSON: " + e.what());
    }
    constexpr std::array<std::string_view, 7> fields{
        "hass_resources", "base", "bits", "dsp_slice", "source", "corrections", "kept"};
    const detail::strict_object o(file, source, fields);
    o.count("hass_resources", 1, 1);
    resource_file read{o.text("base"),
                       o.count("bits", 1, 64),
                       static_cast<dsp_slice>(o.one_of("dsp_slice", dsp_slice_names)),
                       o.text("source"),
                       {}};
    std::size_t i = 0;
    for (const json& entry : o.list("corrections"))
        detail::read_correction(entry, text_of({source, ": corrections[", i++, "]"}),
                                read.measured.table);
    i = 0;
    for (const json& entry : o.list("kept"))
        read.measured.kept.push_back(
            detail::read_kept(entry, text_of({source, ": kept[", i++, "]"})));
    return read;
}

/// \throws hass::error naming file and field
inline resource_file read_resource_file(const std::filesystem::path& path) {
    return parse_resource_file(read_whole(path), path.string());
}

/// The text of a file; `parse_resource_file` gives the same back.
inline std::string resource_file_text(const resource_file& of) {
    using json = ordered_json;
    json corrections = json::array(), kept = json::array();
    for (std::size_t kind = 0; kind < module_kind_names.size(); ++kind)
        for (std::size_t r = 0; r < corrected_resources; ++r) {
            const correction& c = of.measured.table.of[kind][r];
            if (c.measurements == 0) continue;
            json entry{{"kind", module_kind_names[kind]},
                       {"resource", corrected_resource_names[r]}};
            for (const detail::correction_field& f : detail::correction_fields)
                entry[f.name] = c.*f.of;
            entry["measurements"] = c.measurements;
            corrections.push_back(std::move(entry));
        }
    for (const kept_model& k : of.measured.kept)
        kept.push_back({{"kind", module_kind_names[k.kind]},
                        {"resource", corrected_resource_names[k.resource]},
                        {"measurements", k.measurements},
                        {"error", k.error},
                        {"reason", k.reason}});
    const json file{{"hass_resources", 1},    {"base", of.base},
                    {"bits", of.bits},        {"dsp_slice", name(of.slice)},
                    {"source", of.source},    {"corrections", std::move(corrections)},
                    {"kept", std::move(kept)}};
    return file.dump(2) + "\n";
}

/// \throws hass::error when the file cannot be written
inline void write_resource_file(const std::filesystem::path& path, const resource_file& of) {
    write_whole(path, resource_file_text(of));
}

}  // namespace hass
