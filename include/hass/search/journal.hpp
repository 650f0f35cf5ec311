/// \file journal.hpp
/// Studies in a file that survives crashes and that Optuna reads and writes too.
///
/// The format is Optuna's journal (JournalStorage of 3.1 to 5.0): UTF-8, one JSON object a line,
/// append-only; a study is the replay of all lines. Each finished trial is one line, written whole
/// and flushed to the disk, so a crash costs at most the trial being written.
///
///     hass::journal log("search.log", "resnet18", where);
///     hass::study<hass::tpe<>> study(where, seed);
///     log.resume(study);                  // nothing to do for a new file
///     log.run(study, objective);          // ask, evaluate, tell, write
///
/// What Optuna has no field for goes into system attributes that it ignores: hass:number,
/// hass:told_before, hass:enqueued, hass:reason, hass:infeasible.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#define HASS_JOURNAL_POSIX 1
#endif

#include <hass/search/optimizer.hpp>
#include <hass/search/study.hpp>

namespace hass {

/// A trial as a journal holds it.
struct journal_trial {
    enum class state_code { running = 0, complete = 1, pruned = 2, failed = 3, waiting = 4 };

    state_code state = state_code::running;
    std::vector<double> values;            ///< in the study's own signs; empty unless complete
    bool bad_value = false;                ///< a value was NaN, infinite or null
    std::map<std::string, double> params;  ///< by axis: value, or index of the choice
    std::map<std::string, axis> axes;      ///< the ranges they were chosen from
    std::map<std::int64_t, double> intermediate_values;
    std::map<std::string, nlohmann::json> user_attrs;
    std::map<std::string, nlohmann::json> system_attrs;
    std::size_t told_before = 0;  ///< finished trials of the study when this one began
};

/// A study as a journal holds it.
struct journal_study {
    std::string name;
    std::vector<direction> directions;
    std::map<std::string, nlohmann::json> user_attrs;
    std::vector<journal_trial> trials;  ///< by Optuna's trial number
    std::vector<std::size_t> told;      ///< positions of the finished ones, in order of finishing
    bool deleted = false;
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
inline std::int64_t whole_number(const nlohmann::json& value, const char* field) {
    if (!value.is_number_integer()) throw error(std::string(field) + " is not a whole number");
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 62U)
        throw error(std::string(field) + " is too large");
    return value.get<std::int64_t>();
}
inline std::int64_t whole(const nlohmann::json& line, const char* field) {
    return whole_number(line.at(field), field);
}

/// The axis that a distribution string describes.
inline axis axis_of_distribution(const std::string& name, const nlohmann::json& d) {
    const std::string kind = d.at("name");
    const nlohmann::json& a = d.at("attributes");
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
    nlohmann::ordered_json d;
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
        d["attributes"]["step"] = a.step > 0.0 ? nlohmann::ordered_json(a.step) : nullptr;
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
    void replay(const nlohmann::json& line) {
        using nlohmann::json;
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
    static std::size_t index(const nlohmann::json& line, const char* field) {
        const std::int64_t value = whole(line, field);
        if (value < 0) throw error(std::string(field) + " is negative");
        return static_cast<std::size_t>(value);
    }

    journal_study& study_of(const nlohmann::json& line) {
        const std::size_t id = index(line, "study_id");
        if (id >= contents.studies.size())
            throw error("study " + std::to_string(id) + " is unknown");
        return contents.studies[id];
    }

    /// The trial that a line is about; nullptr when it has finished and nothing changes it any
    /// more.
    journal_trial* open_trial(const nlohmann::json& line) {
        const std::size_t id = index(line, "trial_id");
        if (id >= places_.size()) throw error("trial " + std::to_string(id) + " is unknown");
        const auto [study, trial] = places_[id];
        journal_trial& t = contents.studies[study].trials[trial];
        using code = journal_trial::state_code;
        return t.state == code::running || t.state == code::waiting ? &t : nullptr;
    }

    static void set_param(journal_trial& t, const std::string& name, const nlohmann::json& value,
                          const std::string& distribution) {
        t.params[name] = value.get<double>();
        t.axes.insert_or_assign(
            name, axis_of_distribution(
                      name, nlohmann::json::parse(without_python_numbers(distribution))));
    }

    static void finish(journal_study& study, std::size_t trial, std::int64_t state,
                       const nlohmann::json& values) {
        if (state < 0 || state > 4) throw error("state " + std::to_string(state));
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
        const std::string place = name + ":" + std::to_string(number) + ": ";
        nlohmann::json parsed =
            nlohmann::json::parse(detail::without_python_numbers(line), nullptr, false);
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
    std::ifstream in(path, std::ios::binary);
    if (!in) throw error(path + ": cannot be opened");
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return read_journal_text(text, path);
}

namespace detail {

inline std::optional<std::uint64_t> number_attr(const journal_trial& t, const char* key) {
    const auto at = t.system_attrs.find(key);
    if (at == t.system_attrs.end() || !at->second.is_number_unsigned()) return std::nullopt;
    return at->second.get<std::uint64_t>();
}

/// What came out of a finished trial.
inline outcome result_of(const journal_trial& t) {
    using code = journal_trial::state_code;
    std::string reason;
    if (const auto at = t.system_attrs.find("hass:reason");
        at != t.system_attrs.end() && at->second.is_string())
        reason = at->second;
    std::vector<double> constraints;
    for (const auto& [key, value] : t.system_attrs) {
        // "constraints": a list; "constraints:NAME": one number each (Optuna 5).
        if (key == "constraints" && value.is_array()) {
            for (const auto& c : value)
                if (c.is_number()) constraints.push_back(c);
        } else if (key.starts_with("constraints:") && value.is_number()) {
            constraints.push_back(value);
        }
    }
    if (t.state == code::complete) {
        if (t.bad_value) return outcome::failed("an objective value is not finite");
        return outcome::constrained(t.values, std::move(constraints), std::move(reason));
    }
    if (t.state == code::pruned && !t.intermediate_values.empty()) {
        const auto& [step, value] = *t.intermediate_values.rbegin();
        return outcome::pruned(step, value, std::move(reason));
    }
    if (t.system_attrs.contains("hass:infeasible"))
        return outcome::infeasible(std::move(constraints), std::move(reason));
    if (reason.empty()) reason = t.state == code::pruned ? "pruned unseen" : "failed";
    return outcome::failed(std::move(reason));
}

}  // namespace detail

/// The finished trials of a study as records, in the order they were told.
/// \param path  of the file, for messages
/// \throws hass::error naming trial and axis when a trial does not belong to the space
inline std::vector<trial_record> records_of(const journal_study& past, const space& where,
                                            const std::string& path) {
    using detail::number_attr;
    std::vector<trial_record> records;
    std::set<std::uint64_t> numbers;
    bool unique = true;
    for (const std::size_t position : past.told) {
        const journal_trial& t = past.trials[position];
        const std::string place = path + ": trial " + std::to_string(position);
        trial_record r;
        r.number = number_attr(t, "hass:number").value_or(position);
        r.told_before = number_attr(t, "hass:told_before").value_or(t.told_before);
        r.enqueued = t.system_attrs.contains("hass:enqueued");
        unique = numbers.insert(r.number).second && unique;
        for (const axis& a : where.axes()) {
            const auto at = t.params.find(a.name);
            if (at == t.params.end())
                throw error(place + " of study '" + past.name + "' has no parameter '" + a.name +
                            "'");
            r.point.push_back(at->second);
        }
        try {
            where.check(r.point);
        } catch (const error& e) {
            throw error(place + ": " + e.what());
        }
        r.result = detail::result_of(t);
        records.push_back(std::move(r));
    }
    if (!unique)  // written by several programs: the order of finishing is all there is
        for (std::size_t i = 0; i < records.size(); ++i) {
            records[i].number = i;
            records[i].told_before = i;
        }
    return records;
}

/// One study in a journal file, open for appending.
class journal {
  public:
    /// Opens or creates the file and the study; a torn last line is cut off (see warning()).
    /// \throws hass::error when the file cannot be read or written or is damaged, or when the study
    ///         is there with other directions
    journal(std::string path, std::string study_name, space where,
            std::vector<direction> directions = {direction::minimise})
        : path_(std::move(path)), where_(std::move(where)) {
        const file_lock lock(path_);
        journal_contents contents;
        if (std::filesystem::exists(path_)) {
            contents = read_journal(path_);
            if (!contents.warning.empty())
                std::filesystem::resize_file(path_, contents.whole_bytes);
        }
        warning_ = contents.warning;
        for (std::size_t i = 0; i < contents.studies.size(); ++i)
            if (contents.studies[i].name == study_name && !contents.studies[i].deleted) {
                if (contents.studies[i].directions != directions)
                    throw error(path_ + ": study '" + study_name +
                                "' has other directions than asked for");
                study_id_ = i;
                past_ = std::move(contents.studies[i]);
                return;
            }
        study_id_ = contents.studies.size();
        past_.name = study_name;
        past_.directions = directions;
        std::vector<int> codes;
        for (const direction d : directions) codes.push_back(d == direction::maximise ? 2 : 1);
        nlohmann::ordered_json line;
        line["op_code"] = 0;
        line["worker_id"] = worker;
        line["study_name"] = study_name;
        line["directions"] = codes;
        write(line);
    }

    /// What the file held when it was opened.
    const journal_study& past() const { return past_; }
    /// What was wrong with the last line when the file was opened; empty when nothing was.
    const std::string& warning() const { return warning_; }

    /// The finished trials of the past as records, see records_of.
    std::vector<trial_record> records() const { return records_of(past_, where_, path_); }

    /// Replays the past into a fresh study, see study::resume.
    template <Optimizer O>
    std::size_t resume(study<O>& fresh) const {
        return fresh.resume(records());
    }

    /// Writes one finished trial: one line, flushed to the disk before this returns.
    /// \throws hass::error when the trial has no result or the file cannot be written
    void append(const trial_record& r) {
        if (!r.result) throw error("journal: trial " + std::to_string(r.number) + " has no result");
        const outcome& result = *r.result;
        const bool complete = result.is_ok() || (result.state() == trial_state::infeasible &&
                                                 !result.values().empty());
        const bool pruned = result.state() == trial_state::pruned;
        nlohmann::ordered_json line;
        line["op_code"] = 4;
        line["worker_id"] = worker;
        line["study_id"] = study_id_;
        line["datetime_start"] = now();
        line["state"] = complete ? 1 : pruned ? 2 : 3;
        line["value"] = nullptr;
        line["values"] = nullptr;
        if (complete && result.values().size() == 1) line["value"] = result.values()[0];
        if (complete && result.values().size() > 1) line["values"] = result.values();
        line["datetime_complete"] = now();
        auto& distributions = line["distributions"] = nlohmann::ordered_json::object();
        auto& params = line["params"] = nlohmann::ordered_json::object();
        for (std::size_t i = 0; i < where_.size(); ++i) {
            distributions[where_[i].name] = detail::distribution_of_axis(where_[i]);
            params[where_[i].name] = r.point[i];
        }
        line["user_attrs"] = nlohmann::ordered_json::object();
        auto& system = line["system_attrs"] = nlohmann::ordered_json::object();
        system["hass:number"] = r.number;
        system["hass:told_before"] = r.told_before;
        if (r.enqueued) system["hass:enqueued"] = true;
        if (!result.reason().empty()) system["hass:reason"] = result.reason();
        if (result.state() == trial_state::infeasible) system["hass:infeasible"] = true;
        if (!result.constraints().empty()) system["constraints"] = result.constraints();
        auto& steps = line["intermediate_values"] = nlohmann::ordered_json::object();
        if (pruned) steps[std::to_string(result.step())] = result.values()[0];
        const file_lock lock(path_);
        write(line);
    }

    /// study::run with every result written before the next trial is asked for.
    template <Optimizer O, Objective F>
    void run(study<O>& study, F&& objective) {
        while (auto one = study.ask()) {
            study.tell(*one, outcome_at(objective, one->point));
            append(study.record(one->number));
        }
    }

  private:
    static constexpr const char* worker = "hass";

    /// Optuna's lock: a symbolic link FILE.lock -> FILE. One that has not changed for 30 s is left
    /// from a crash and is broken.
    class file_lock {
      public:
        explicit file_lock(const std::string& path) : link_(path + ".lock") {
            std::error_code failed;
            const auto patience = std::chrono::seconds(30);
            const auto start = std::chrono::steady_clock::now();
            while (true) {
                std::filesystem::create_symlink(std::filesystem::path(path).filename(), link_,
                                                failed);
                if (!failed) return;
                if (failed != std::errc::file_exists)
                    throw error(path + ": cannot be locked: " + failed.message());
                if (std::chrono::steady_clock::now() - start > patience)
                    std::filesystem::remove(link_, failed);
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            }
        }
        ~file_lock() {
            std::error_code ignored;
            std::filesystem::remove(link_, ignored);
        }
        file_lock(const file_lock&) = delete;
        file_lock& operator=(const file_lock&) = delete;

      private:
        std::string link_;
    };

    /// Local time without a zone: what every version of Optuna compares without complaint.
    static std::string now() {
        const auto stamp = std::chrono::system_clock::now();
        const std::time_t seconds = std::chrono::system_clock::to_time_t(stamp);
        const auto micros =
            std::chrono::duration_cast<std::chrono::microseconds>(stamp.time_since_epoch())
                .count() %
            1000000;
        std::tm local{};
#if defined(HASS_JOURNAL_POSIX)
        localtime_r(&seconds, &local);
#else
        local = *std::localtime(&seconds);
#endif
        char text[64];
        const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
        std::string tail = std::to_string(micros);
        return std::string(text, length) + "." + std::string(6 - tail.size(), '0') + tail;
    }

    /// One write of one whole line, then down to the disk.
    void write(const nlohmann::ordered_json& line) {
        const std::string text =
            line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
        std::FILE* file = std::fopen(path_.c_str(), "ab");
        if (file == nullptr) throw error(path_ + ": cannot be opened for writing");
        std::setvbuf(file, nullptr, _IOFBF, text.size() + 1);  // so that it is one write
        bool good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        good = std::fflush(file) == 0 && good;
#if defined(HASS_JOURNAL_POSIX)
        good = fsync(fileno(file)) == 0 && good;
#endif
        good = std::fclose(file) == 0 && good;
        if (!good) throw error(path_ + ": writing failed");
    }

    std::string path_;
    space where_;
    std::size_t study_id_ = 0;
    journal_study past_;
    std::string warning_;
};

}  // namespace hass

#undef HASS_JOURNAL_POSIX
