/// \file journal_file.hpp
/// Optuna's journal as a file: one JSON object a line, and a study is the replay of all lines. What
/// is written into it stands in `journal.hpp`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hass/files/json.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/files/whole_file.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/space.hpp>
#include <hass/text.hpp>

namespace hass {

/// A trial as a journal holds it.
struct journal_trial {
    /// Optuna's codes.
    enum class state_code { running = 0, complete = 1, pruned = 2, failed = 3, waiting = 4 };

    state_code state = state_code::running;  ///< where it stands
    std::vector<double> values;              ///< in the study's own signs; empty unless complete
    bool bad_value = false;                  ///< a value was NaN, infinite or null
    std::map<std::string, double> params;    ///< by axis: value, or index of the choice
    std::map<std::string, axis> axes;        ///< the ranges they were chosen from
    std::map<std::int64_t, double> intermediate_values;  ///< by step
    std::map<std::string, ordered_json> user_attrs;      ///< by key
    std::map<std::string, ordered_json> system_attrs;    ///< by key
    std::size_t told_before = 0;  ///< finished trials of the study when this one began
    std::size_t id = 0;           ///< place among the trials of all studies
};

/// A study as a journal holds it.
struct journal_study {
    std::string name;                                ///< unique in the journal
    std::vector<direction> directions;               ///< one an objective
    std::map<std::string, ordered_json> user_attrs;  ///< by key
    std::vector<journal_trial> trials;               ///< by Optuna's trial number
    std::vector<std::size_t> told;  ///< positions of the finished ones, in order of finishing
    bool deleted = false;           ///< by a later line
};

/// Everything in a journal.
struct journal_contents {
    std::vector<journal_study> studies;  ///< by study id; deleted ones stay, marked
    std::size_t whole_bytes = 0;         ///< length up to the end of the last good line
    std::string warning;                 ///< a torn last line; empty when there is none
};

namespace detail {

/// Python writes NaN, Infinity and -Infinity, which are not JSON: null in their place.
inline std::string without_python_numbers(std::string_view line) {
    std::string result;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (quoted && line[i] == '\\' && i + 1 < line.size()) {
            result += line[i++];
            result += line[i];
            continue;
        }
        if (line[i] == '"') quoted = !quoted;
        bool replaced = false;
        for (const std::string_view word : {"NaN", "-Infinity", "Infinity"})
            if (!quoted && line.substr(i, word.size()) == word) {
                result += "null";
                i += word.size() - 1;
                replaced = true;
                break;
            }
        if (!replaced) result += line[i];
    }
    return result;
}

/// The whole number that `value` holds. \throws hass::error naming the field
inline std::int64_t whole_number(const ordered_json& value, const char* field) {
    if (!value.is_number_integer()) throw error(std::string(field) + " is not a whole number");
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62U)
        throw error(std::string(field) + " is too large");
    return value.get<std::int64_t>();
}
inline std::int64_t whole(const ordered_json& line, const char* field) {
    return whole_number(line.at(field), field);
}

/// The axis that a distribution string describes.
inline axis axis_of_distribution(const std::string& name, const ordered_json& d) {
    const std::string kind = d.at("name");
    const ordered_json& a = d.at("attributes");
    if (kind == "CategoricalDistribution") {
        std::vector<std::string> choices;
        for (const auto& c : a.at("choices"))
            choices.push_back(c.is_string() ? c.get<std::string>() : c.dump());
        return categorical_axis(name, std::move(choices));
    }
    axis made = real_axis(name, a.at("low"), a.at("high"));
    made.log = a.at("log");
    if (!a.at("step").is_null()) made.step = a.at("step");
    if (kind == "IntDistribution") {
        made.kind = axis_kind::integer;
    } else if (kind != "FloatDistribution") {
        throw error("unknown distribution '" + kind + "'");
    }
    return made;
}

inline std::string distribution_of_axis(const axis& a) {
    ordered_json d;
    if (a.kind == axis_kind::categorical) {
        d["name"] = "CategoricalDistribution";
        d["attributes"]["choices"] = a.choices;
    } else if (a.kind == axis_kind::integer) {
        d["name"] = "IntDistribution";
        d["attributes"]["log"] = a.log;
        d["attributes"]["step"] = static_cast<std::int64_t>(a.step);
        d["attributes"]["low"] = static_cast<std::int64_t>(a.low);
        d["attributes"]["high"] = static_cast<std::int64_t>(a.high);
    } else {
        d["name"] = "FloatDistribution";
        d["attributes"]["step"] = a.step > 0.0 ? ordered_json(a.step) : nullptr;
        d["attributes"]["low"] = a.low;
        d["attributes"]["high"] = a.high;
        d["attributes"]["log"] = a.log;
    }
    return d.dump();
}

/// Replays the lines of a journal.
class journal_reader {
  public:
    /// \throws hass::error or a json exception on a line that makes no sense
    void replay(const ordered_json& line) {
        using json = ordered_json;
        switch (whole(line, "op_code")) {
            case 0: {
                const std::string name = line.at("study_name");
                for (const auto& s : contents.studies)
                    if (s.name == name && !s.deleted) return;
                journal_study made;
                made.name = name;
                for (const json& d : line.at("directions")) {
                    if (d != 1 && d != 2) throw error("direction " + d.dump());
                    made.directions.push_back(d == 2 ? direction::maximise : direction::minimise);
                }
                contents.studies.push_back(std::move(made));
                return;
            }
            case 1:
                study_of(line).deleted = true;
                return;
            case 2:
                for (const auto& [key, value] : line.at("user_attr").items())
                    study_of(line).user_attrs[key] = value;
                return;
            case 4: {
                journal_study& study = study_of(line);
                places_.emplace_back(index(line, "study_id"), study.trials.size());
                journal_trial made;
                made.told_before = study.told.size();
                made.id = places_.size() - 1;
                if (line.contains("params"))
                    for (const auto& [name, value] : line.at("params").items()) {
                        const std::string text = line.at("distributions").at(name);
                        set_param(made, name, value, text);
                    }
                if (line.contains("user_attrs"))
                    made.user_attrs = line.at("user_attrs").get<std::map<std::string, json>>();
                if (line.contains("system_attrs"))
                    made.system_attrs = line.at("system_attrs").get<std::map<std::string, json>>();
                if (line.contains("intermediate_values"))
                    for (const auto& [step, value] : line.at("intermediate_values").items())
                        if (value.is_number())
                            made.intermediate_values[whole_number(json::parse(step), "step")] =
                                value;
                study.trials.push_back(std::move(made));
                if (line.contains("state")) {
                    const json value = line.value("value", json());
                    const json values = line.value("values", json());
                    finish(study, study.trials.size() - 1, whole(line, "state"),
                           value.is_null() ? values : json::array({value}));
                }
                return;
            }
            case 5:
                if (journal_trial* t = open_trial(line))
                    set_param(*t, line.at("param_name"), line.at("param_value_internal"),
                              line.at("distribution"));
                return;
            case 6: {
                if (open_trial(line) == nullptr) return;
                const auto [study, trial] = places_[index(line, "trial_id")];
                finish(contents.studies[study], trial, whole(line, "state"), line.at("values"));
                return;
            }
            case 7:
                if (journal_trial* t = open_trial(line))
                    if (line.at("intermediate_value").is_number())
                        t->intermediate_values[whole(line, "step")] = line.at("intermediate_value");
                return;
            case 8:
            case 9:
                if (journal_trial* t = open_trial(line)) {
                    const bool user = whole(line, "op_code") == 8;
                    for (const auto& [key, value] :
                         line.at(user ? "user_attr" : "system_attr").items())
                        (user ? t->user_attrs : t->system_attrs)[key] = value;
                }
                return;
            default:
                return;  // attributes of studies, and what later versions may add
        }
    }

    journal_contents contents;

  private:
    static std::size_t index(const ordered_json& line, const char* field) {
        const std::int64_t value = whole(line, field);
        if (value < 0) throw error(std::string(field) + " is negative");
        return static_cast<std::size_t>(value);
    }

    journal_study& study_of(const ordered_json& line) {
        const std::size_t id = index(line, "study_id");
        if (id >= contents.studies.size()) throw error(text_of({"study ", id, " is unknown"}));
        return contents.studies[id];
    }

    /// The trial that a line is about; nullptr when it has finished and nothing changes it any
    /// more.
    journal_trial* open_trial(const ordered_json& line) {
        const std::size_t id = index(line, "trial_id");
        if (id >= places_.size()) throw error(text_of({"trial ", id, " is unknown"}));
        const auto [study, trial] = places_[id];
        journal_trial& t = contents.studies[study].trials[trial];
        using code = journal_trial::state_code;
        return t.state == code::running || t.state == code::waiting ? &t : nullptr;
    }

    static void set_param(journal_trial& t, const std::string& name, const ordered_json& value,
                          const std::string& distribution) {
        t.params[name] = value.get<double>();
        t.axes.insert_or_assign(
            name,
            axis_of_distribution(name, ordered_json::parse(without_python_numbers(distribution))));
    }

    static void finish(journal_study& study, std::size_t trial, std::int64_t state,
                       const ordered_json& values) {
        if (state < 0 || state > 4) throw error(text_of({"state ", state}));
        journal_trial& t = study.trials[trial];
        t.state = static_cast<journal_trial::state_code>(state);
        if (values.is_array())
            for (const auto& v : values) {
                t.bad_value = t.bad_value || !v.is_number();
                if (v.is_number()) t.values.push_back(v);
            }
        if (state >= 1 && state <= 3) study.told.push_back(trial);
    }

    std::vector<std::pair<std::size_t, std::size_t>> places_;  // study and trial by trial id
};

}  // namespace detail

/// Reads a journal from its text.
/// \param name  of the file, for messages
/// \throws hass::error naming file and line on damage anywhere but in the last line, which is
///         dropped with a warning when it is torn
inline journal_contents read_journal_text(std::string_view text, const std::string& name) {
    detail::journal_reader reader;
    std::size_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        ++number;
        const std::size_t end = text.find('\n', at);
        const bool torn = end == std::string_view::npos;
        const std::string_view line = text.substr(at, torn ? text.size() - at : end - at);
        const bool last = torn || end + 1 == text.size();
        const std::string place = text_of({name, ":", number, ": "});
        ordered_json parsed =
            ordered_json::parse(detail::without_python_numbers(line), nullptr, false);
        if (torn || parsed.is_discarded() || !parsed.is_object()) {
            if (!last) throw error(place + "damaged line: not a JSON object");
            reader.contents.warning = place + "the last line is torn and was dropped";
            break;
        }
        try {
            reader.replay(parsed);
        } catch (const std::exception& e) {
            throw error(place + e.what());
        }
        at = end + 1;
        reader.contents.whole_bytes = at;
    }
    return std::move(reader.contents);
}

/// Reads a journal file. \throws hass::error when it cannot be read, and as read_journal_text
inline journal_contents read_journal(const std::string& path) {
    return read_journal_text(read_whole(path), path);
}

}  // namespace hass
