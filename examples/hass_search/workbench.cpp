#include "workbench.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/resize.hpp>
#include <hass/emulate/sensitivity.hpp>
#include <hass/error.hpp>
#include <hass/files.hpp>
#include <hass/report/progress.hpp>
#include <hass/statistics/measured.hpp>
#include <hass/workload/npy.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "reading.hpp"

namespace hass_search {

namespace {

namespace fs = std::filesystem;

/// A network with images and labels that fit each other.
struct emulated {
    hass::emulator network;
    hass::image_set images;
    std::vector<int> labels;
    hass::emulation_options options;
    std::optional<hass::evaluator> evaluate;

    explicit emulated(const settings& s)
        : network(load_network(s.model), {s.scale, s.mean, s.std}),
          images(hass::read_images(s.images)),
          labels(hass::read_labels(s.labels)) {
        if (labels.size() != images.count)
            throw hass::error(fmt::format("{}: {} labels for the {} images of {}", s.labels,
                                          labels.size(), images.count, s.images));
        const hass::shape expected = hass::input_shape(network.network());
        if (s.resize) images = hass::resized(images, expected);
        if (images.each != expected)
            throw hass::error(fmt::format("{}: images of {}, but {} takes {}; --resize scales them",
                                          s.images, text(images.each), s.model, text(expected)));
        if (const auto first = static_cast<std::size_t>(s.first_images);
            first > 0 && first < images.count) {
            images.count = first;
            labels.resize(first);
        }
        options.threads = s.threads;
        if (s.bits != 0) network = hass::in_fixed_point(network, images, {s.bits, s.bits}, options);
        hass::emulation_options of_trials = options;
        if (s.statistics_images > 0)
            of_trials.statistics_images = static_cast<std::size_t>(s.statistics_images);
        evaluate.emplace(network, images, labels, of_trials,
                         static_cast<std::size_t>(s.cache_mib) << 20);
    }
    emulated(const emulated&) = delete;  // `evaluate` looks at the other members

  private:
    static std::string text(const hass::shape& x) {
        return fmt::format("{}x{}x{}", x.channels, x.height, x.width);
    }
};

}  // namespace

workbench on_images(const settings& s) {
    const auto e = std::make_shared<emulated>(s);
    workbench bench;
    bench.net = e->network.model().net;
    bench.source = s.model;
    bench.magnitudes = e->network.magnitudes(e->images, e->options);
    bench.images = e->images.count;
    const auto measured = [](hass::emulation&& run) {
        return hass::measurement{run.top1_accuracy(), run.top5_accuracy(),
                                 std::move(run.statistics)};
    };
    bench.measure = [e, measured](const hass::network_thresholds& t) {
        return measured(e->evaluate->run(t));
    };
    bench.measure_in_full = [e, measured](const hass::network_thresholds& t) {
        return measured(e->network.run(e->images, e->labels, t, e->options));
    };
    if (s.confidence > 0.0)
        bench.limit = [e, error = 1.0 - s.confidence](double floor) {
            // Accuracies that meet the limit are compared with each other, so they are counted out.
            e->evaluate->limit({floor, error, /*end_when_met*/ false});
        };
    bench.accuracy = [e](const hass::network_thresholds& t) { return e->evaluate->accuracy(t); };
    return bench;
}

workbench on_statistics(const settings& s) {
    const auto measured = std::make_shared<hass::measured_network>(load_statistics(s.statistics));
    const auto accuracy = std::make_shared<hass::additive_accuracy>(*measured);
    workbench bench;
    bench.net = measured->net;
    bench.source = s.statistics;
    bench.images = measured->images;
    bench.note = fmt::format(
        "Accuracy is predicted: losses of single tensors, measured on {} images, are added "
        "(docs/results.md says how far off that is).",
        measured->images);
    bench.magnitudes = measured->magnitudes();
    bench.accuracy = [measured, accuracy](const hass::network_thresholds& t) {
        return accuracy->accuracy(t);
    };
    bench.measure = [measured, accuracy](const hass::network_thresholds& t) {
        return hass::measurement{accuracy->accuracy(t), accuracy->top5_accuracy(t),
                                 measured->statistics(t)};
    };
    return bench;
}

void write_statistics(const settings& s) {
    const emulated e(s);
    hass::measuring_options options;
    options.highest = {s.highest_sparsity, s.highest_sparsity};
    options.run = e.options;
    options.cache_bytes = static_cast<std::size_t>(s.cache_mib) << 20;
    hass::prepare_folder(fs::absolute(s.write_statistics).parent_path());
    std::optional<hass::measured_network> known;
    if (fs::exists(s.write_statistics)) {
        known = load_statistics(s.write_statistics);
        if (known->sources != std::vector{hass::fingerprint(e.images, e.labels)})
            throw hass::error(s.write_statistics +
                              ": exists, measured on other images; --statistics takes its "
                              "thresholds for a second file, --merge-statistics joins the two");
    } else if (!s.statistics.empty()) {
        known = load_statistics(s.statistics);
    }
    if (known) options.known = &*known;
    hass::progress_bar bar("statistics", 1);
    options.progress = [&](std::size_t done, std::size_t total) { bar.show(done, total, ""); };
    options.checkpoint = [&](const hass::measured_network& m) {
        save_statistics(s.write_statistics, m);
    };
    save_statistics(s.write_statistics,
                    hass::measure_network(e.network, e.images, e.labels, options));
    bar.finish();
    fmt::print("written: {}\n", s.write_statistics);
}

void merge_statistics(const settings& s) {
    hass::measured_network sum = load_statistics(s.merge_statistics.front());
    for (std::size_t i = 1; i < s.merge_statistics.size(); ++i)
        sum = hass::merged(sum, load_statistics(s.merge_statistics[i]));
    save_statistics(s.write_statistics, sum);
    fmt::print("written: {}, measured on {} images\n", s.write_statistics, sum.images);
}

}  // namespace hass_search
