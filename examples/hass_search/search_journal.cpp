#include "search_journal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/usage.hpp>
#include <hass/error.hpp>
#include <hass/files/exclusive_file.hpp>
#include <hass/files/fnv1a.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/search/journal.hpp>
#include <map>
#include <system_error>

#include "findings.hpp"

namespace hass_search {
namespace {

using json = hass::ordered_json;

/// Names of attributes of a study that are ours.
std::string attribute(const std::string& key) {
    return "hass:" + key;
}

/// A content and what its file is called, which alone changes nothing.
std::string content_of(const std::string& path) {
    hass::detail::fnv1a f;
    f.add(std::string_view(hass::read_whole(path)));
    return fmt::format("{:016x} {}", f.value(), std::filesystem::path(path).filename().string());
}

bool is_content(const std::string& key) {
    return key == "network" || key == "images" || key == "known";
}

bool same(const std::string& key, const std::string& a, const std::string& b) {
    return is_content(key) ? a.substr(0, a.find(' ')) == b.substr(0, b.find(' ')) : a == b;
}

std::string text_of(const std::map<std::string, json>& attributes, const std::string& key) {
    const auto at = attributes.find(attribute(key));
    return at != attributes.end() && at->second.is_string() ? at->second.get<std::string>()
                                                            : std::string();
}

/// "device: zedboard there, u250 here" for each part that differs; empty when none does.
std::string differences(const std::map<std::string, json>& attributes, const identity& who,
                        std::size_t parts) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < parts; ++i) {
        const auto& [key, value] = who.parts[i];
        const std::string there = text_of(attributes, key);
        if (!same(key, there, value))
            all.push_back(fmt::format("{}: {} there, {} here", key,
                                      there.empty() ? "nothing" : there, value));
    }
    return fmt::format("{}", fmt::join(all, "; "));
}

json figures(const hass::journal_trial& t) {
    json all;
    for (const auto& [key, value] : t.user_attrs) all[key] = value;
    return all;
}

/// \param place  of the trial, for messages
hass::candidate candidate_of(const json& findings, const hass::metric_unit& metric,
                             const std::string& place) try {
    return hass_search::candidate_of(findings, metric);
} catch (const hass::error& wrong) {
    throw hass::error(place + ": " + wrong.what());
}

kept_trial kept(const hass::journal_trial& t, const hass::trial_record& r,
                const hass::metric_unit& metric, const std::string& place) {
    kept_trial made{r.point, *r.result, std::nullopt};
    if (r.result->state() != hass::trial_state::failed)
        made.found = candidate_of(figures(t), metric, place);
    return made;
}

struct open_study {
    hass::journal log;
    std::map<std::uint64_t, kept_trial> trials{};  // by number
};

/// Trials of `open`, each with its number; all were written by this program.
void take_up(open_study& open, const std::string& path, const hass::metric_unit& metric) {
    const hass::journal_study& past = open.log.past();
    for (std::size_t i = 0; i < past.trials.size(); ++i)
        if (!past.trials[i].system_attrs.contains("hass:number"))
            throw hass::error(fmt::format(
                "{}: trial {} of study '{}' was not written by hass_search, whose own would not "
                "follow from it; --known {} takes it as knowledge",
                path, i, past.name, path));
    const std::vector<hass::trial_record> records = open.log.records();
    for (std::size_t k = 0; k < records.size(); ++k) {
        const std::string place =
            fmt::format("{}: trial {} of study '{}'", path, records[k].number, past.name);
        const auto [at, fresh] = open.trials.try_emplace(
            records[k].number, kept(past.trials[past.told[k]], records[k], metric, place));
        if (!fresh) throw hass::error(place + " is there twice");
    }
}

}  // namespace

identity identity_of(const settings& s, const workbench& bench, const hass::device& board,
                     std::size_t at_a_time) {
    identity who;
    who.parts = bench.identity;
    const auto add = [&](const char* key, std::string text) {
        who.parts.emplace_back(key, std::move(text));
    };
    add("thresholds", fmt::format("{}, up to sparsity {}", s.granularity, s.highest_sparsity));
    const hass::usage& room = board.budget;
    add("device",
        fmt::format("{} ({} DSP, {} LUT, {} FF, {} BRAM18, {} URAM, {} Gbit/s, {} MHz, {})",
                    board.name, room.dsp, room.lut, room.ff, room.bram18, room.uram, room.bandwidth,
                    board.mhz, hass::name(board.dsp_slice)));
    add("engine", s.engine + (s.rtl.empty() ? "" : ", with modules"));
    add("resources", s.resources.ends_with(".json")
                         ? content_of(s.resources)
                         : fmt::format("{}, multipliers {}, memories {}, requantise {}",
                                       s.resources, s.multipliers, s.memories, s.requantise));
    who.measured = who.parts.size();
    add("exempt", fmt::format("{}", fmt::join(s.exempt, ", ")));
    add("optimizer", s.optimizer);
    add("objective", fmt::format("{}, lambda {}, sparsity of {}", s.objective,
                                 fmt::join(s.lambda, " "), s.sparsity_metric));
    add("max-drop", fmt::format("{}", s.max_drop));
    add("seed", fmt::format("{}", s.seed));
    add("workers", fmt::format("{}", at_a_time));
    add("known", s.known.empty() ? "none" : content_of(s.known));
    return who;
}

struct search_journal::state {
    hass::exclusive_file held;
    std::string path;
    hass::metric_unit metric;
    std::map<std::string, open_study> studies{};

    open_study& at(const std::string& study) { return studies.at(study); }
};

search_journal::search_journal(const settings& s, const identity& who,
                               const hass::metric_unit& metric, const hass::space& where,
                               const std::vector<kept_study>& studies) {
    if (std::filesystem::is_directory(s.journal))
        throw hass::error(s.journal + ": is a folder; --journal takes a file");
    state_ = std::make_unique<state>(state{hass::exclusive_file(s.journal), s.journal, metric});
    for (const kept_study& k : studies) {
        // Nobody else of our kind has the file, so that a lock that stays is left from a crash.
        hass::journal log(s.journal, k.name, where, k.directions,
                          {.lock_patience = std::chrono::seconds(2)});
        if (!log.warning().empty()) warn(log.warning() + "; what it said is found anew");
        const auto& there = log.past().user_attrs;
        const bool fresh = log.past().trials.empty();
        for (const auto& [key, value] : who.parts) {
            if (fresh && !there.contains(attribute(key))) log.set_user_attr(attribute(key), value);
        }
        const std::string differs = differences(there, who, who.parts.size());
        if (!differs.empty())
            throw hass::error(
                fmt::format("{}: its study '{}' is of another search: {}; --known takes its trials "
                            "as knowledge",
                            s.journal, k.name, differs));
        open_study& open =
            state_->studies.try_emplace(k.name, open_study{std::move(log)}).first->second;
        take_up(open, s.journal, metric);
    }
}

search_journal::~search_journal() = default;
search_journal::search_journal(search_journal&&) noexcept = default;

std::size_t search_journal::size(const std::string& study) const {
    return state_->at(study).trials.size();
}

const kept_trial* search_journal::find(const std::string& study, std::uint64_t number) const {
    const auto& trials = state_->at(study).trials;
    const auto at = trials.find(number);
    return at == trials.end() ? nullptr : &at->second;
}

void search_journal::begin(const std::string& study, const hass::trial_record& r,
                           std::chrono::system_clock::time_point started) {
    state_->at(study).log.begin(r, started);
}

void search_journal::keep(const std::string& study, const hass::trial_record& r,
                          const hass::candidate* found,
                          std::chrono::system_clock::time_point started) {
    state_->at(study).log.append(
        r, found != nullptr ? findings_of(*found, state_->metric) : json::object(), started);
}

std::optional<double> search_journal::number(const std::string& study,
                                             const std::string& key) const {
    const auto& there = state_->at(study).log.past().user_attrs;
    const auto at = there.find(attribute(key));
    if (at == there.end() || !at->second.is_number()) return std::nullopt;
    return at->second.get<double>();
}

void search_journal::agree(const std::string& study, const std::string& key, double value) {
    const std::optional<double> there = number(study, key);
    if (!there) {
        state_->at(study).log.set_user_attr(attribute(key), value);
    } else if (*there != value) {
        throw hass::error(fmt::format(
            "{}: its study '{}' is of another search: {}: {} there, {} here; --known takes its "
            "trials as knowledge",
            state_->path, study, key, *there, value));
    }
}

known_trials read_known(const settings& s, const identity& who, const hass::metric_unit& metric,
                        const hass::space& where, const std::string& study) {
    const hass::journal_contents contents = hass::read_journal(s.known);
    if (!contents.warning.empty()) warn(contents.warning);
    const auto is_named = [&](const hass::journal_study& one) {
        return !one.deleted && one.name == study;
    };
    const bool named = std::any_of(contents.studies.begin(), contents.studies.end(), is_named);
    known_trials known;
    std::size_t without_figures = 0;
    for (const hass::journal_study& one : contents.studies) {
        if (one.deleted || (named && one.name != study)) continue;
        known.differs = differences(one.user_attrs, who, who.measured);
        if (!named) known.differs = "study: another one";
        const auto number = [&](const char* key) {
            const auto at = one.user_attrs.find(attribute(key));
            return at != one.user_attrs.end() && at->second.is_number()
                       ? std::optional(at->second.get<double>())
                       : std::nullopt;
        };
        known.reach = number("reach").value_or(1.0);
        known.floor = number("floor");
        for (const std::size_t position : one.told) {
            const hass::journal_trial& t = one.trials[position];
            const hass::outcome result = hass::detail::result_of(t);
            if (result.state() == hass::trial_state::failed ||
                result.state() == hass::trial_state::pruned)
                continue;
            known_trials::trial made;
            bool any = false;
            for (const hass::axis& a : where.axes()) {
                const auto at = t.params.find(a.name);
                any = any || at != t.params.end();
                made.point.push_back(at != t.params.end() ? std::clamp(at->second, a.low, a.high)
                                                          : a.low);
            }
            if (!any) continue;
            made.feasible = result.is_ok();
            if (!result.values().empty()) {
                const bool up = one.directions.front() == hass::direction::maximise;
                made.value = up ? -result.values()[0] : result.values()[0];
            }
            if (known.differs.empty()) {
                if (!t.system_attrs.contains("hass:number")) {  // added by somebody else
                    ++without_figures;
                    continue;
                }
                made.found = candidate_of(figures(t), metric,
                                          fmt::format("{}: trial {}", s.known, position));
            }
            known.trials.push_back(std::move(made));
        }
    }
    if (without_figures > 0)
        warn(fmt::format("{}: {} trials of study '{}' are not hass_search's and left out", s.known,
                         without_figures, study));
    if (known.trials.empty())
        throw hass::error(fmt::format(
            "{}: has no finished trial with thresholds of layers of this network", s.known));
    return known;
}

}  // namespace hass_search
