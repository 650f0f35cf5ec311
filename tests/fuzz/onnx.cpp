// libFuzzer target: whatever the bytes are, the ONNX loader gives a network or one hass::error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <hass/error.hpp>
#include <hass/workload/onnx.hpp>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const hass::model model = hass::parse_onnx(std::as_bytes(std::span(data, size)), "fuzz");
        if (model.parameters.size() != model.net.rows.size()) std::abort();
    } catch (const hass::error&) {
    }
    return 0;
}
