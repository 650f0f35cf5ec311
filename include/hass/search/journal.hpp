/// \file journal.hpp
/// Studies in a file that survives crashes and that Optuna reads and writes too.
///
/// The format is Optuna's journal (JournalStorage of 3.1 to 5.0): UTF-8, one JSON object a line,
/// append-only; a study is the replay of all lines. A trial is written when it begins, as running,
/// and when it has finished, flushed to the disk both times: a crash costs the trials under way,
/// which the next run begins again.
///
///     hass::journal log("search.log", "resnet18", where);
///     hass::study<hass::tpe<>> study(where, seed);
///     log.resume(study);                  // nothing to do for a new file
///     log.run(study, objective);          // ask, write, evaluate, tell, write
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
#include <set>
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
#include <hass/search/journal_records.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/study.hpp>
#include <hass/text.hpp>

namespace hass {

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
        counted_bytes_ = contents.whole_bytes;
        for (const journal_study& s : contents.studies) counted_trials_ += s.trials.size();
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

    /// Writes a trial that begins, as running: the same line is its record when it is cut short.
    /// Where one of this number at this point was running when the file was opened, left by a
    /// process that ended, it is that one which goes on, unless somebody has ended it since.
    /// \throws hass::error when the file cannot be written
    void begin(const trial_record& r,
               std::chrono::system_clock::time_point started = std::chrono::system_clock::now()) {
        const file_lock lock(path_, options_.lock_patience);
        const std::size_t next = trials_in_file();
        if (const auto left = left_running(r); left && ended_.count(*left) == 0) {
            running_[r.number] = *left;
            return;
        }
        running_[r.number] = next;
        write(line_of(r, started, 0));
    }

    /// Writes a finished trial, flushed to the disk before this returns: one line, or, when it has
    /// begun, those that Optuna writes at its end.
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
        const int state = complete ? 1 : pruned ? 2 : 3;
        const ordered_json values = complete ? ordered_json(result.values()) : ordered_json();
        ordered_json system = ordered_json::object();
        if (!result.is_ok() && !result.reason().empty()) system["hass:reason"] = result.reason();
        if (result.state() == trial_state::infeasible) system["hass:infeasible"] = true;
        write_constraints(result.constraints(), system);
        const file_lock lock(path_, options_.lock_patience);
        if (const auto begun = running_.find(r.number); begun != running_.end()) {
            const std::size_t id = begun->second;
            running_.erase(begun);
            trials_in_file();
            if (ended_.count(id) == 0)  // else another process was on it, too: a line of its own
                return finish(id, result, state, values, user_attrs, system);
        }
        ordered_json line = line_of(r, started, state);
        const bool one = values.size() == 1;
        line["value"] = one ? values[0] : ordered_json();
        line["values"] = one ? ordered_json() : values;
        line["datetime_complete"] = text_of_time(std::chrono::system_clock::now());
        line["user_attrs"] = user_attrs;
        line["system_attrs"].update(system);
        if (pruned) line["intermediate_values"][text_of({result.step()})] = result.values()[0];
        write(line);
    }

    /// study::run with every result written before the next trial is asked for.
    template <Optimizer O, Objective F>
    void run(study<O>& study, F&& objective) {
        while (auto one = study.ask()) {
            begin(study.record(one->number));
            study.tell(*one, outcome_at(objective, one->point));
            append(study.record(one->number));
        }
    }

  private:
    static constexpr const char* worker = "hass";

    /// What is known of a trial when it begins.
    ordered_json line_of(const trial_record& r, std::chrono::system_clock::time_point started,
                         int state) const {
        ordered_json line;
        line["op_code"] = 4;
        line["worker_id"] = worker;
        line["study_id"] = study_id_;
        line["datetime_start"] = text_of_time(started);
        line["state"] = state;
        auto& distributions = line["distributions"] = ordered_json::object();
        auto& params = line["params"] = ordered_json::object();
        for (std::size_t i = 0; i < where_.size(); ++i) {
            distributions[where_[i].name] = detail::distribution_of_axis(where_[i]);
            params[where_[i].name] = r.point[i];
        }
        line["user_attrs"] = ordered_json::object();
        auto& system = line["system_attrs"] = ordered_json::object();
        system["hass:number"] = r.number;
        system["hass:told_before"] = r.told_before;
        if (r.enqueued) system["hass:enqueued"] = true;
        line["intermediate_values"] = ordered_json::object();
        return line;
    }

    /// The end of a trial that has begun, in one write: a line an attribute, its state last.
    void finish(std::size_t id, const outcome& result, int state, const ordered_json& values,
                const ordered_json& user_attrs, const ordered_json& system) {
        std::vector<ordered_json> lines;
        const auto add = [&](int code) -> ordered_json& {
            ordered_json& line = lines.emplace_back();
            line["op_code"] = code;
            line["worker_id"] = worker;
            line["trial_id"] = id;
            return line;
        };
        for (const auto& [key, value] : user_attrs.items()) add(8)["user_attr"][key] = value;
        for (const auto& [key, value] : system.items()) add(9)["system_attr"][key] = value;
        if (result.state() == trial_state::pruned) {
            ordered_json& line = add(7);
            line["step"] = result.step();
            line["intermediate_value"] = result.values()[0];
        }
        ordered_json& last = add(6);
        last["state"] = state;
        last["values"] = values;
        last["datetime_complete"] = text_of_time(std::chrono::system_clock::now());
        write_lines(lines);
    }

    /// The trial of this number at this point that was running when the file was opened.
    std::optional<std::size_t> left_running(const trial_record& r) const {
        for (const journal_trial& t : past_.trials) {
            if (t.state != journal_trial::state_code::running ||
                detail::number_attr(t, "hass:number") != r.number)
                continue;
            bool same = true;
            for (std::size_t i = 0; i < where_.size() && same; ++i) {
                const auto at = t.params.find(where_[i].name);
                same = at != t.params.end() && at->second == r.point[i];
            }
            if (same) return t.id;
        }
        return std::nullopt;
    }

    /// Trials of all studies, with those that others have written since; under the lock.
    std::size_t trials_in_file() {
        std::ifstream in(path_, std::ios::binary);
        in.seekg(static_cast<std::streamoff>(counted_bytes_));
        for (std::string line; std::getline(in, line) && !in.eof();) {
            counted_bytes_ += line.size() + 1;
            const ordered_json parsed =
                ordered_json::parse(detail::without_python_numbers(line), nullptr, false);
            if (!parsed.is_object()) continue;
            const int code = parsed.value("op_code", -1);
            if (code == 4) ++counted_trials_;
            if (code == 6 && parsed.value("state", 0) != 0)
                ended_.insert(parsed.value("trial_id", std::size_t{0}));
        }
        return counted_trials_;
    }

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

    void write(const ordered_json& line) {
        write_lines(std::span<const ordered_json>(&line, 1));
    }

    /// One write of whole lines, then down to the disk.
    void write_lines(std::span<const ordered_json> lines) {
        std::string text;
        for (const ordered_json& line : lines)
            text += line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
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
    std::map<std::uint64_t, std::size_t> running_;  // ids in the file of trials that began here
    std::set<std::size_t> ended_;                   // ids of trials that ended since it was opened
    std::size_t counted_bytes_ = 0;                 // so far has the file been looked through
    std::size_t counted_trials_ = 0;                // and so many trials were in it
};

}  // namespace hass
