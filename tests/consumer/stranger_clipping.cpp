// A newcomer clips the shipped network and searches the two thresholds with a board in the loop.
#include <cstdio>
#include <hass/hass.hpp>
#include <string>

int main() try {
    const std::string data = HASS_EXAMPLES_DATA;
    const hass::emulator emulator(hass::load_onnx(data + "/fashion.onnx"));
    hass::image_set images = hass::read_images(data + "/fashion_images.npy");
    std::vector<int> labels = hass::read_labels(data + "/fashion_labels.npy");
    images.count = 50;
    labels.resize(images.count);

    hass::allocator allocator(emulator.network(), hass::sparse_dot<>{}, hass::boards::zcu104{});
    hass::study<hass::tpe<>> study(hass::space{{"weight", 0, 0.1}, {"activation", 0, 0.3}}, 1,
                                   {.directions = {hass::direction::maximise}});
    study.enqueue({0, 0});
    study.run(12, [&](std::span<const double> x) {
        const auto clipped = hass::uniform_thresholds(emulator.network(), {x[0], x[1]});
        const hass::emulation run = emulator.run(images, labels, clipped);
        const hass::allocation best = allocator.solve(run.statistics);
        if (run.top1_accuracy() < 0.8) return hass::outcome::infeasible({}, "too inaccurate");
        return hass::outcome::ok(best.estimate.images_per_second);
    });
    std::printf("%s\n", study.conclusion().c_str());
    const double natural = study.record(0).result->values()[0];
    return study.history().size() == 12 && natural > 0 && study.best()->value >= natural ? 0 : 1;
} catch (const hass::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 2;
}
