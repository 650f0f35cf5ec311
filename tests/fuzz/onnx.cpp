// libFuzzer target: whatever the bytes are, the ONNX loader gives a network or one hass::error;
// what it gives can be made an emulator and, where that is little work, answers one image, within
// what a file of that size may ask for (run.sh limits the memory).
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <hass/emulate/emulator.hpp>
#include <hass/error.hpp>
#include <hass/workload/onnx.hpp>
#include <span>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        hass::model model = hass::parse_onnx(std::as_bytes(std::span(data, size)), "fuzz");
        if (model.parameters.size() != model.net.rows.size()) std::abort();
        double work = 0.0;
        for (const hass::layer_row& row : model.net.rows)
            work += hass::detail::onnx::operations(row);
        const hass::shape each = hass::input_shape(model.net);
        const hass::emulator emulator(std::move(model));
        constexpr double quick = 2e7;  // with sanitizers
        if (work > quick) return 0;
        const std::vector<float> pixels(static_cast<std::size_t>(each.volume()), 0.5F);
        const hass::image_set image{1, each, hass::make_npy<float>({pixels.size()}, pixels)};
        hass::emulation_options options;
        options.threads = 1;
        if (emulator.logits(image, options).size() != emulator.classes()) std::abort();
    } catch (const hass::error&) {
    }
    return 0;
}
