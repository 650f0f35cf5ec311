// A network from an ONNX file, real images, statistics at chosen thresholds, the best design.
#include <cstdio>
#include <hass/hass.hpp>
#include <string>

int main() try {
    const std::string data = HASS_EXAMPLES_DATA;
    //! [emulate]
    const hass::emulator emulator(hass::load_onnx(data + "/fashion.onnx"));
    hass::image_set images = hass::read_images(data + "/fashion_images.npy");
    std::vector<int> labels = hass::read_labels(data + "/fashion_labels.npy");
    images.count = 200;  // enough for a first look
    labels.resize(images.count);

    // Every weight below 0.03 and every activation below 0.1 is taken as zero.
    const auto clipped = hass::uniform_thresholds(emulator.network(), {0.03, 0.1});
    const hass::emulation run = emulator.run(images, labels, clipped);
    //! [emulate]

    //! [design]
    const hass::sparse_dot<> spe;
    const hass::allocation best =
        hass::allocate(emulator.network(), run.statistics, spe, hass::boards::zcu104{});
    std::printf("top-1 %.1f %%, %.0f images/s, %.0f DSPs\n", 100 * run.top1_accuracy(),
                best.estimate.images_per_second, best.estimate.total.dsp);
    //! [design]
    return 0;
} catch (const hass::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 2;
}
