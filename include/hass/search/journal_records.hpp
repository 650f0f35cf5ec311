/// \file journal_records.hpp
/// The trials of a journal as records of a study.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/search/journal_file.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/space.hpp>
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

}  // namespace hass
