// Gate on the memory of a run: emulator_memory <allowed MiB> <folder of trained networks>
// ResNet-18, all statistics, two threads, 8 images at a time each; images and file included.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <hass/emulate/evaluator.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/onnx.hpp>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const std::filesystem::path folder = argv[2];
    if (!std::filesystem::exists(folder / "manifest.json")) {
        std::printf("skipped: no manifest.json in %s\n", argv[2]);
        return 0;
    }
    const hass::emulator emulator(
        hass::load_onnx(folder / "models/resnet18.onnx"),
        {1.0F / 255.0F, {0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}});
    hass::image_set images = hass::read_images(folder / "data/imagenet_eli_even500_images_u8.npy");
    std::vector<int> labels =
        hass::read_labels(folder / "data/imagenet_eli_even500_labels_i64.npy");
    images.count = 32;
    labels.resize(32);
    hass::emulation_options options;
    options.threads = 2, options.batch = 8;
    const hass::emulation run = emulator.run(
        images, labels, hass::uniform_thresholds(emulator.network(), {0.01, 0.05}), options);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const double peak = static_cast<double>(used.ru_maxrss) / 1024.0;
    std::printf("peak %.0f MiB, allowed %s MiB, %zu of %zu images right\n", peak, argv[1], run.top1,
                run.images);
    return peak <= std::atof(argv[1]) ? 0 : 1;
}
