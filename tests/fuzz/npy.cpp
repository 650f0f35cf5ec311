// libFuzzer target: whatever the bytes are, the .npy reader gives an array or one hass::error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <hass/error.hpp>
#include <hass/files/npy.hpp>
#include <hass/workload/images.hpp>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const hass::npy_array array = hass::parse_npy(std::as_bytes(std::span(data, size)), "fuzz");
        if (array.bytes.size() > size) std::abort();
        try {
            if (hass::to_labels(array).size() != array.size()) std::abort();
        } catch (const hass::error&) {
        }
        const hass::image_set images = hass::to_images(array);
        std::vector<float> first(static_cast<std::size_t>(images.each.volume()));
        images.copy(images.count - 1, 1, first);
    } catch (const hass::error&) {
    }
    return 0;
}
