// libFuzzer target: whatever the text is, the device reader gives a device that can be written and
// read again, or one hass::error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <hass/device/device_file.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const std::string_view text(reinterpret_cast<const char*>(data), size);
        const hass::owned_device board = hass::parse_device(text, "fuzz");
        const auto again = hass::parse_device(hass::device_text(board.limits()), "fuzz again");
        if (again.limits().budget != board.limits().budget) std::abort();
    } catch (const hass::error&) {
    }
    return 0;
}
