// libFuzzer target: whatever the text is, a reader of measurements gives what it says or one
// hass::error; corrections of it are written and read again alike.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <hass/engine/resources/measured_csv.hpp>
#include <hass/engine/resources/resource_file.hpp>
#include <hass/engine/resources/utilization_report.hpp>

namespace {

void correct_and_check(const std::vector<hass::measured_module>& modules) {
    hass::resource_file file{"calibrated", 16, "fuzz", hass::calibrate(modules)};
    const auto again = hass::parse_resource_file(hass::resource_file_text(file), "fuzz again");
    if (again.measured.table != file.measured.table) std::abort();
}

void read_table(std::string_view text) {
    std::vector<hass::measured_module> modules;
    for (const hass::measured_layer& l : hass::read_measured_csv(text, "fuzz")) {
        hass::measured_module m;
        m.measured = l.measured;
        if (l.built) {
            const bool weights = hass::is_compute(l.built->row);
            m.kind = hass::module_kind(l.built->row.kind, false);
            m.size = hass::size_of(weights, l.built->option.folding);
        }
        m.said = {1.0, m.size.streams, m.size.multipliers, 0.0, 0.0, 0.0};
        modules.push_back(m);
        if (modules.size() == 64) break;
    }
    correct_and_check(modules);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        if (text.starts_with('{')) {
            const auto file = hass::parse_resource_file(text, "fuzz");
            const auto again = hass::parse_resource_file(hass::resource_file_text(file), "again");
            if (again.measured.table != file.measured.table) std::abort();
        } else if (hass::is_utilization_report(text)) {
            hass::find_instance(hass::read_utilization_report(text, "fuzz"), "conv1", "fuzz");
        } else {
            read_table(text);
        }
    } catch (const hass::error&) {
    }
    return 0;
}
