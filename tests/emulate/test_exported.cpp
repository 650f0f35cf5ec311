// A network with everything that torchvision's are made of (squeeze-excite, swishes, ceil-mode
// pools, dilation, groups, Gemm and MatMul) as PyTorch's exporter writes it, against PyTorch's
// logits. Made by exported.py beside this file.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include <hass/emulate/emulator.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>

TEST_CASE("networks written by PyTorch's exporter answer as PyTorch") {
    const std::string data = HASS_TEST_DATA;
    const hass::image_set images = hass::read_images(data + "/exported_images.npy");
    const std::vector<float> expected = hass::read_npy(data + "/exported_logits.npy").as<float>();
    // Batch norms and arithmetic of shapes left in the file, or folded; the batch a symbol, or 1.
    for (const std::string file : {"9", "11_batch", "13_batch", "16"}) {
        INFO("exported_" << file << ".onnx");
        const hass::emulator emulator(hass::load_onnx(data + "/exported_" + file + ".onnx"),
                                      {1.0F / 255.0F, {0.0F}, {1.0F}});
        CHECK(emulator.network().size() == 38);
        const std::vector<float> logits = emulator.logits(images);
        REQUIRE(logits.size() == expected.size());
        for (std::size_t i = 0; i < logits.size(); ++i)
            CHECK(logits[i] == Approx(expected[i]).margin(1e-6));
    }
}
