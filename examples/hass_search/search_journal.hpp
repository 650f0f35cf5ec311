// What the program keeps while it searches: Optuna's journal, a study each for the two searches. What
// is in it is not judged again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <hass/device/device.hpp>
#include <hass/search/candidate.hpp>
#include <hass/search/optimizer.hpp>
#include <hass/search/space.hpp>
#include <hass/search/study.hpp>
#include <hass/statistics/metric_unit.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "settings.hpp"
#include "workbench.hpp"

namespace hass_search {

/// What decides a search, by name. The first `measured` of them decide what a trial at some
/// thresholds comes to, the others which thresholds are tried and how they are judged.
struct identity {
    std::vector<std::pair<std::string, std::string>> parts;
    std::size_t measured = 0;
};
/// \param at_a_time  trials that may be judged at a time
identity identity_of(const settings& s, const workbench& bench, const hass::device& board,
                     std::size_t at_a_time);

/// A trial that was judged before.
struct kept_trial {
    std::vector<double> point;
    hass::outcome result;
    std::optional<hass::candidate> found;  ///< its figures; nullopt: it has none
};

/// A study to be kept.
struct kept_study {
    std::string name;
    std::vector<hass::direction> directions;
};

/// The journal of a run.
class search_journal {
  public:
    /// Opens or makes --journal for this process alone; mends its last line where that is torn.
    /// \throws hass::error when it cannot be written, another process has it, it is damaged, or one
    ///         of these studies is in it as that of another search: with what differs
    search_journal(const settings& s, const identity& who, const hass::metric_unit& metric,
                   const hass::space& where, const std::vector<kept_study>& studies);
    ~search_journal();
    search_journal(search_journal&&) noexcept;

    /// Trials of a study that are kept.
    std::size_t size(const std::string& study) const;
    /// nullptr: not judged yet.
    const kept_trial* find(const std::string& study, std::uint64_t number) const;

    /// Writes that a trial is under way, so that others see it. One that a process which ended has
    /// left under way goes on.
    void begin(const std::string& study, const hass::trial_record& r,
               std::chrono::system_clock::time_point started);

    /// Writes a trial, down to the disk. \param found  nullptr: it has no figures
    void keep(const std::string& study, const hass::trial_record& r, const hass::candidate* found,
              std::chrono::system_clock::time_point started);

    /// A number that a study depends on and that takes time to find.
    std::optional<double> number(const std::string& study, const std::string& key) const;
    /// Writes it, or checks it where it is known.
    /// \throws hass::error when the study has another one
    void agree(const std::string& study, const std::string& key, double value);

  private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Trials of another run.
struct known_trials {
    struct trial {
        std::vector<double> point;  ///< on the axes here, as their whole length is `reach`
        std::optional<hass::candidate> found;
        bool feasible = false;
        double value = 0.0;  ///< of its first objective, less is better
    };
    std::vector<trial> trials;
    double reach = 1.0;
    std::optional<double> floor;  ///< that it was searched under
    std::string differs;          ///< the first of what is measured that differs; empty: nothing
};

/// Reads --known: the study of that name, or, where there is none, all studies that have axes of
/// `where`; axes that a trial does not have are 0.
/// \throws hass::error when the file is damaged or has no such trial
known_trials read_known(const settings& s, const identity& who, const hass::metric_unit& metric,
                        const hass::space& where, const std::string& study);

}  // namespace hass_search
