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
#include <hass/files/json.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#define HASS_JOURNAL_POSIX 1
#endif

#include <hass/search/journal_file.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/study.hpp>
#include <hass/text.hpp>

namespace hass {

namespace detail {

inline std::optional<std::uint64_t> number_attr(const journal_trial& t, const char* key) {
    const auto at = t.system_attrs.find(key);
    if (at == t.system_attrs.end() || !at->second.is_number_unsigned()) return std::nullopt;
    return at->second.get<std::uint64_t>();
}

/// What came out of a finished trial.
/// \param names  of its constraints, in their order; empty: in the file's
inline outcome result_of(const journal_trial& t, std::span<const std::string> names = {}) {
    using code = journal_trial::state_code;
    std::string reason;
    if (const auto at = t.system_attrs.find("hass:reason");
        at != t.system_attrs.end() && at->second.is_string())
        reason = at->second;
    std::vector<double> constraints;
    for (const std::string& name : names)
        if (const auto at = t.system_attrs.find("constraints:" + name);
            at != t.system_attrs.end() && at->second.is_number())
            constraints.push_back(at->second);
    const bool named = !constraints.empty();
    for (const auto& [key, value] : t.system_attrs) {
        if (named) break;
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
/// \param path   of the file, for messages
/// \param names  of the constraints, see journal_options
/// \throws hass::error naming trial and axis when a trial does not belong to the space
inline std::vector<trial_record> records_of(const journal_study& past, const space& where,
                                            const std::string& path,
                                            std::span<const std::string> names = {}) {
    using detail::number_attr;
    std::vector<trial_record> records;
    std::set<std::uint64_t> numbers;
    bool unique = true;
    for (const std::size_t position : past.told) {
        const journal_trial& t = past.trials[position];
        const std::string place = text_of({path, ": trial ", position});
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
        r.result = detail::result_of(t, names);
        records.push_back(std::move(r));
    }
    if (!unique)  // written by several programs: the order of finishing is all there is
        for (std::size_t i = 0; i < records.size(); ++i) {
            records[i].number = i;
            records[i].told_before = i;
        }
    return records;
}

/// How a study is written.
struct journal_options {
    /// Of the constraints, in their order: each becomes an attribute of its own, as Optuna 5 names
    /// them. Empty: one list of all, which 3.1 to 5.0 read.
    std::vector<std::string> constraints{};
    /// A lock that stays for longer is taken to be left from a crash.
    std::chrono::milliseconds lock_patience{30'000};
};

/// One study in a journal file, open for appending.
class journal {
  public:
    /// Opens or creates the file and the study; a torn last line is cut off (see warning()).
    /// \throws hass::error when the file cannot be read or written or is damaged, or when the study
    ///         is there with other directions
    journal(std::string path, std::string study_name, space where,
            std::vector<direction> directions = {direction::minimise}, journal_options options = {})
        : path_(std::move(path)), where_(std::move(where)), options_(std::move(options)) {
        const file_lock lock(path_, options_.lock_patience);
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
        ordered_json line;
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
    std::vector<trial_record> records() const {
        return records_of(past_, where_, path_, options_.constraints);
    }

    /// Replays the past into a fresh study, see study::resume.
    template <Optimizer O>
    std::size_t resume(study<O>& fresh) const {
        return fresh.resume(records());
    }

    /// Writes an attribute of the study.
    void set_user_attr(const std::string& key, const ordered_json& value) {
        ordered_json line;
        line["op_code"] = 2;
        line["worker_id"] = worker;
        line["study_id"] = study_id_;
        line["user_attr"][key] = value;
        const file_lock lock(path_, options_.lock_patience);
        write(line);
        past_.user_attrs[key] = value;
    }

    /// Writes one finished trial: one line, flushed to the disk before this returns.
    /// \param user_attrs  an object; what else is to be kept of the trial
    /// \param started     when it began
    /// \throws hass::error when the trial has no result or the file cannot be written
    void append(const trial_record& r, const ordered_json& user_attrs = ordered_json::object(),
                std::chrono::system_clock::time_point started = std::chrono::system_clock::now()) {
        if (!r.result) throw error(text_of({"journal: trial ", r.number, " has no result"}));
        const outcome& result = *r.result;
        const bool complete = result.is_ok() || (result.state() == trial_state::infeasible &&
                                                 !result.values().empty());
        const bool pruned = result.state() == trial_state::pruned;
        ordered_json line;
        line["op_code"] = 4;
        line["worker_id"] = worker;
        line["study_id"] = study_id_;
        line["datetime_start"] = text_of_time(started);
        line["state"] = complete ? 1 : pruned ? 2 : 3;
        line["value"] = nullptr;
        line["values"] = nullptr;
        if (complete && result.values().size() == 1) line["value"] = result.values()[0];
        if (complete && result.values().size() > 1) line["values"] = result.values();
        line["datetime_complete"] = text_of_time(std::chrono::system_clock::now());
        auto& distributions = line["distributions"] = ordered_json::object();
        auto& params = line["params"] = ordered_json::object();
        for (std::size_t i = 0; i < where_.size(); ++i) {
            distributions[where_[i].name] = detail::distribution_of_axis(where_[i]);
            params[where_[i].name] = r.point[i];
        }
        line["user_attrs"] = user_attrs;
        auto& system = line["system_attrs"] = ordered_json::object();
        system["hass:number"] = r.number;
        system["hass:told_before"] = r.told_before;
        if (r.enqueued) system["hass:enqueued"] = true;
        if (!result.is_ok() && !result.reason().empty()) system["hass:reason"] = result.reason();
        if (result.state() == trial_state::infeasible) system["hass:infeasible"] = true;
        write_constraints(result.constraints(), system);
        auto& steps = line["intermediate_values"] = ordered_json::object();
        if (pruned) steps[text_of({result.step()})] = result.values()[0];
        const file_lock lock(path_, options_.lock_patience);
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

    void write_constraints(const std::vector<double>& values, ordered_json& system) const {
        if (values.empty()) return;
        if (options_.constraints.empty()) {
            system["constraints"] = values;
            return;
        }
        if (values.size() != options_.constraints.size())
            throw error(text_of({"journal: ", values.size(), " constraints, of which ",
                                 options_.constraints.size(), " have names"}));
        for (std::size_t j = 0; j < values.size(); ++j)
            system["constraints:" + options_.constraints[j]] = values[j];
    }

    /// Optuna's lock: a symbolic link FILE.lock -> FILE. One that stays is left from a crash and is
    /// broken.
    class file_lock {
      public:
        file_lock(const std::string& path, std::chrono::milliseconds patience)
            : link_(path + ".lock") {
            std::error_code failed;
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
    static std::string text_of_time(std::chrono::system_clock::time_point stamp) {
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
        std::string tail = text_of({micros});
        return std::string(text, length) + "." + std::string(6 - tail.size(), '0') + tail;
    }

    /// One write of one whole line, then down to the disk.
    void write(const ordered_json& line) {
        const std::string text =
            line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
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
    journal_options options_;
    std::size_t study_id_ = 0;
    journal_study past_;
    std::string warning_;
};

}  // namespace hass
