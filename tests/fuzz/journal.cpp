// libFuzzer target: whatever the text is, the journal reader gives studies that hang together, or
// one hass::error; and what it calls whole reads the same without the rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <hass/search/journal.hpp>
#include <hass/search/random.hpp>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const hass::journal_contents read = hass::read_journal_text(text, "fuzz");
        require(read.whole_bytes <= size);
        require(read.warning.empty() == (read.whole_bytes == size));
        const auto again = hass::read_journal_text(text.substr(0, read.whole_bytes), "whole");
        require(again.warning.empty() && again.studies.size() == read.studies.size());
        for (const hass::journal_study& s : read.studies) {
            for (const std::size_t t : s.told) require(t < s.trials.size());
            if (s.told.empty() || s.directions.empty()) continue;
            // As a program would take the study up that has the axes of its first finished trial.
            try {
                std::vector<hass::axis> axes;
                for (const auto& [name, axis] : s.trials[s.told[0]].axes) axes.push_back(axis);
                const hass::space where(axes);
                const auto records = hass::records_of(s, where, "fuzz");
                require(records.size() == s.told.size());
                hass::study<hass::random_search> study(
                    where, 1, {.directions = s.directions, .trials = std::nullopt});
                study.resume(records);
                require(!study.conclusion().empty());
            } catch (const hass::error&) {
            }
        }
    } catch (const hass::error&) {
    }
    return 0;
}
