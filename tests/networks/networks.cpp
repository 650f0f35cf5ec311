// Every network of a folder against what its meta.json says of it: it loads, its outputs agree with
// the recorded ones of another runtime to 1e-3 of their range, and its metric is met. And the small
// cases beside it against their right answers.
//
//     hass_networks <folder of models> <folder of right outputs of cases>
//
// HASS_MODELS_DIR stands for the first folder where it is set: networks in more/, cases in ../cases.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/onednn.hpp>
#include <hass/emulate/read_boxes.hpp>
#include <hass/files/json.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/pruned_onnx.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/inputs.hpp>
#include <hass/workload/onnx.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using json = hass::ordered_json;

/// Outputs may differ from another runtime's by this share of their range.
constexpr double most_off = 1e-3;

/// Inputs of a network as its `check` block lists them, each (value * scale - mean) / std; several
/// lie one behind the other in a sample.
struct inputs {
    std::size_t samples = 0;
    std::vector<float> values;

    inputs(const fs::path& folder, const json& check, const hass::model& m) {
        std::vector<std::vector<float>> parts;
        std::vector<std::string> names;
        for (const json& in : check.at("inputs")) {
            names.push_back(in.at("name").get<std::string>());
            parts.push_back(
                scaled(hass::read_array((folder / in.at("file").get<std::string>()).string()), in));
        }
        std::vector<std::size_t> order;  // as the network takes them
        for (const hass::model_input& wanted : m.inputs)
            order.push_back(static_cast<std::size_t>(
                std::find(names.begin(), names.end(), wanted.name) - names.begin()));
        if (m.inputs.empty()) order = {0};
        for (const std::size_t part : order)
            if (part >= parts.size()) throw hass::error("an input is not listed");
        for (std::size_t n = 0; n < samples; ++n)
            for (const std::size_t part : order) {
                const std::size_t each = parts[part].size() / samples;
                const auto first = parts[part].begin() + static_cast<std::ptrdiff_t>(n * each);
                values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(each));
            }
    }

    hass::image_set images(const hass::model& m) const {
        const auto each = hass::image_shape(m);
        const auto extent = [](int e) { return static_cast<std::size_t>(e); };
        return hass::to_images(hass::make_npy(
            {samples, extent(each.channels), extent(each.height), extent(each.width)},
            std::span<const float>(values)));
    }

  private:
    std::vector<float> scaled(const hass::npy_array& array, const json& in) {
        std::vector<float> all = array.as<float>();
        samples = array.shape.at(0);
        const auto scale = in.at("scale").get<double>();
        const auto mean = in.at("mean").get<std::vector<double>>();
        const auto std = in.at("std").get<std::vector<double>>();
        const std::size_t channels = std::max(mean.size(), std.size());
        const bool first = array.shape.size() > 1 && array.shape[1] == channels;
        const std::size_t each = all.size() / samples;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::size_t c = first ? i % each / (each / channels) : i % channels;
            all[i] =
                static_cast<float>((static_cast<double>(all[i]) * scale - mean[c % mean.size()]) /
                                   std[c % std.size()]);
        }
        return all;
    }
};

/// The network, given values as they are.
template <class Backend = hass::eigen_backend>
hass::basic_emulator<Backend> as_given(hass::model m) {
    m.input = std::nullopt;
    return hass::basic_emulator<Backend>(std::move(m));
}

/// Largest difference of the first outputs to the recorded ones, as a share of their range.
double off_by(const std::vector<float>& outputs, const std::vector<float>& reference) {
    if (outputs.size() < reference.size()) return HUGE_VAL;
    const auto [least, most] = std::minmax_element(reference.begin(), reference.end());
    double off = 0.0;
    for (std::size_t i = 0; i < reference.size(); ++i)
        off = std::max(off, std::abs(static_cast<double>(outputs[i] - reference[i])));
    return off / std::max(1e-30, static_cast<double>(*most - *least));
}

/// The metric of a `check` block, its stated value, and how far off it may be.
struct expectation {
    hass::metric judge;
    double value = 0.0;
    double tolerance = 0.0;
    double value_at_50 = -1.0;
};

template <class T>
std::vector<T> labels_of(const fs::path& file, std::size_t images) {
    std::vector<T> all = hass::read_array(file.string()).as<T>();
    if (all.empty() || all.size() % images != 0)
        throw hass::error(file.string() + ": not as many labels as images");
    return all;
}

expectation expected(const fs::path& folder, const json& metric, const hass::emulator& network,
                     std::size_t images) {
    const std::string name = metric.at("name").get<std::string>();
    const fs::path labels = folder / metric.at("labels").get<std::string>();
    expectation e;
    e.value = metric.at("value").get<double>();
    if (name == "top1" || name == "top5") {
        const std::size_t places = name == "top1" ? 1 : 5;
        e.judge = hass::top_k(places, hass::read_labels(labels), network.layout(), network.cut());
        e.tolerance = 1.0 / static_cast<double>(images);  // one sample
    } else if (name == "map") {
        hass::detector_options options;
        options.head = hass::detector_head_named(metric.at("decoder").get<std::string>());
        e.judge =
            hass::mean_average_precision(hass::read_boxes(labels), options,
                                         hass::input_shape(network.network()), network.classes());
        e.tolerance = 0.002;
        e.value_at_50 = metric.value("value_at_50", -1.0);
    } else if (name == "iou" || name == "miou") {
        std::vector<int> masks = labels_of<int>(labels, images);
        e.judge = name == "iou" ? hass::iou(std::move(masks))
                                : hass::mean_iou(std::move(masks), network.layout());
        e.tolerance = 0.001;
    } else if (name == "psnr") {
        e.judge = hass::psnr(labels_of<float>(labels, images));
        e.tolerance = 0.01;
    } else if (name == "auc") {
        e.judge = hass::auc(hass::read_labels(labels));
        e.tolerance = 0.001;
    } else {
        throw hass::unknown_name(
            "metric", name,
            std::vector<std::string>{"top1", "top5", "map", "iou", "miou", "psnr", "auc"});
    }
    return e;
}

/// One line of the table; whether all of it holds.
struct verdict {
    bool holds = true;
    std::string text;

    void add(bool ok, const std::string& what) {
        holds = holds && ok;
        text += (text.empty() ? "" : "; ") + what + (ok ? "" : " (WRONG)");
    }
};

std::string digits(double x, int after = 4) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*g", after, x);
    return text;
}

/// Thresholds that take about `share` of what is not zero out of every tensor.
hass::network_thresholds some_thresholds(const hass::emulator& network,
                                         const hass::image_set& images, double share) {
    const hass::network_magnitudes all = network.magnitudes(images, {});
    hass::network_thresholds tau(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!is_compute(network.model().net.rows[i]) || network.model().origins[i].derived)
            continue;
        const auto at = [&](const auto& values) {
            return hass::threshold_axis{0.99}.threshold(values, share);
        };
        tau[i] = {at(all[i].weights), at(all[i].activations)};
    }
    return tau;
}

/// The network with thresholds against its pruned file, read again and run without.
/// \param input  that the file is to state; nothing: values are taken as they are
void judge_pruned(const fs::path& file, const hass::onnx_options& options,
                  const hass::emulator& network, hass::image_set images,
                  const std::optional<hass::preprocessing>& input, verdict& v) {
    images.count = std::min<std::size_t>(images.count, 4);
    const hass::network_thresholds tau = some_thresholds(network, images, 0.3);
    const hass::model& m = network.model();
    hass::model made =
        hass::parse_onnx(hass::pruned_onnx(hass::read_whole(file), m, hass::clipped_weights(m, tau),
                                           tau, input, file.parent_path())
                             .onnx,
                         "pruned.onnx", options);
    const hass::emulator again =
        input ? hass::emulator(std::move(made)) : as_given(std::move(made));
    const std::vector<float> wanted = network.logits(images, tau);
    const std::vector<float> found = again.logits(images);
    const std::size_t each = network.classes();
    std::size_t same = 0;
    for (std::size_t n = 0; n < images.count; ++n) {
        const auto best = [&](const std::vector<float>& of) {
            const auto first = of.begin() + static_cast<std::ptrdiff_t>(n * each);
            return std::max_element(first, first + static_cast<std::ptrdiff_t>(each)) - first;
        };
        same += best(wanted) == best(found) ? 1U : 0U;
    }
    const bool clips = wanted != network.logits(images);
    v.add(clips && same == images.count && off_by(found, wanted) <= 1e-5,
          "pruned file: " + std::to_string(same) + " of " + std::to_string(images.count) +
              " answers, within " + digits(off_by(found, wanted), 2));
}

verdict judge_network(const fs::path& folder) {
    const json meta = json::parse(hass::read_whole(folder / "meta.json"));
    const json& check = meta.at("check");
    verdict v;
    for (const json& reference : check.at("references")) {
        hass::onnx_options options;
        if (check.at("references").size() > 1) options.output = reference.at("output");
        const hass::emulator network = as_given(hass::load_onnx(folder / "model.onnx", options));
        const std::vector<float> outputs =
            hass::read_array((folder / reference.at("file").get<std::string>()).string())
                .as<float>();
        hass::image_set first = inputs(folder, check, network.model()).images(network.model());
        first.count = std::min(first.count, outputs.size() / network.classes());
        const double off = off_by(network.logits(first), outputs);
        if (v.text.empty())  // one output is enough
            judge_pruned(folder / "model.onnx", options, network, first, std::nullopt, v);
        v.add(first.count > 0 && off <= most_off,
              "output '" + reference.at("output").get<std::string>() + "' of " +
                  std::to_string(first.count) + " images within " + digits(off, 2));
#ifdef HASS_WITH_ONEDNN
        const double other =
            off_by(as_given<hass::onednn_backend>(hass::load_onnx(folder / "model.onnx", options))
                       .logits(first),
                   outputs);
        v.add(other <= most_off, "with oneDNN within " + digits(other, 2));
#endif
    }
    if (!check.at("metric").is_object()) return v;
    const json& metric = check.at("metric");
    hass::onnx_options options;
    if (metric.contains("output")) options.output = metric.at("output");
    const hass::emulator network = as_given(hass::load_onnx(folder / "model.onnx", options));
    hass::image_set images = inputs(folder, check, network.model()).images(network.model());
    images.count = std::min(images.count, metric.at("n").get<std::size_t>());
    const expectation e = expected(folder, metric, network, images.count);
    const std::vector<float> answers = network.logits(images);
    const double score = e.judge(answers, images.count);
    v.add(std::abs(score - e.value) <= e.tolerance * (1.0 + 1e-9),
          e.judge.unit.title + " " + digits(score, 6) + ", stated " + digits(e.value, 6));
    if (e.value_at_50 >= 0.0) {
        const double at_50 = e.judge.details(answers, images.count).front().second;
        v.add(std::abs(at_50 - e.value_at_50) <= e.tolerance,
              "at .5 " + digits(at_50, 6) + ", stated " + digits(e.value_at_50, 6));
    }
    return v;
}

/// One of the folder of trained networks that manifest.json describes.
verdict judge_trained(const fs::path& folder, const json& network, const json& datasets) {
    const json& p = network.at("preprocessing");
    const json& scale = p.at("scale");
    const fs::path file = folder / network.at("file").get<std::string>();
    const auto extents = [](const json& shape) {
        const auto all = shape.get<std::vector<json>>();
        return std::vector<json>(all.begin() + 1, all.end());
    };
    verdict v;
    for (const json& data : datasets) {
        if (extents(data.at("shape")) != extents(network.at("input_shape"))) continue;
        const hass::preprocessing input{scale.is_string() ? 1.0F / 255.0F : scale.get<float>(),
                                        p.at("mean").get<std::vector<float>>(),
                                        p.at("std").get<std::vector<float>>()};
        judge_pruned(file, {}, hass::emulator(hass::load_onnx(file), input),
                     hass::read_images(folder / data.at("images").get<std::string>()), input, v);
        return v;
    }
    v.add(false, "no images of its extents");
    return v;
}

/// A case has inputs x.npy and, beside it or among recorded ones (reference.py), the right outputs.
verdict judge_case(const fs::path& folder, const fs::path& recorded) {
    fs::path file;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".onnx") file = entry.path();
    hass::image_set images = hass::read_images(folder / "x.npy");
    hass::onnx_options options;
    options.input_shape = {images.each.channels, images.each.height, images.each.width};
    if (folder.filename().string().starts_with("24")) options.output = "o";
    hass::model m = hass::load_onnx(file, options);
    // what the commands of the cases' READMEs say: uint8 is brought to 0..1
    const bool bytes = images.pixels.type == hass::npy_type::u1;
    images = std::move(images).seen_as(hass::image_shape(m));
    const auto channels = static_cast<std::size_t>(hass::input_shape(m.net).channels);
    const hass::preprocessing input{bytes ? 1.0F / 255.0F : 1.0F,
                                    std::vector<float>(channels, 0.0F),
                                    std::vector<float>(channels, 1.0F)};
    const hass::emulator network(std::move(m), input);
    fs::path right = folder / "expected_logits.npy";
    if (!fs::exists(right)) right = recorded / (folder.filename().string() + ".npy");
    const std::vector<float> outputs = hass::read_array(right.string()).as<float>();
    images.count = std::min(images.count, outputs.size() / network.classes());
    const double off = off_by(network.logits(images), outputs);
    verdict v;
    v.add(images.count > 0 && off <= most_off,
          "outputs of " + std::to_string(images.count) + " images within " + digits(off, 2));
    return v;
}

template <class Judge>
bool judge_all(const std::vector<fs::path>& folders, Judge judge) {
    bool all = true;
    for (const fs::path& folder : folders) {
        const auto begin = std::chrono::steady_clock::now();
        verdict v;
        try {
            v = judge(folder);
        } catch (const std::exception& e) {
            v.add(false, e.what());
        }
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
        std::printf("%-4s %-28s %6.2f s  %s\n", v.holds ? "ok" : "BAD",
                    folder.filename().string().c_str(), taken.count(), v.text.c_str());
        std::fflush(stdout);
        all = all && v.holds;
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    const char* given = std::getenv("HASS_MODELS_DIR");
    const fs::path models = given != nullptr ? given : argc > 1 ? argv[1] : ".";
    const fs::path recorded = argc > 2 ? argv[2] : "";
    const auto listed = [](const fs::path& folder, auto takes) {
        std::vector<fs::path> all;
        if (fs::is_directory(folder))
            for (const auto& entry : fs::directory_iterator(folder))
                if (entry.is_directory() && takes(entry.path())) all.push_back(entry.path());
        std::sort(all.begin(), all.end());
        return all;
    };
    const std::vector<fs::path> networks = listed(models / "more", [](const auto& f) {
        return fs::exists(f / "meta.json") && fs::exists(f / "model.onnx");
    });
    // cases of which the right outputs are known
    const std::vector<fs::path> cases = listed(models / "../cases", [&](const auto& f) {
        return fs::exists(f / "x.npy") && (fs::exists(f / "expected_logits.npy") ||
                                           fs::exists(recorded / (f.filename().string() + ".npy")));
    });
    if (networks.empty() && cases.empty()) {
        std::printf("skipped: no networks in %s/more (set HASS_MODELS_DIR)\n",
                    models.string().c_str());
        return 0;
    }
    bool good = judge_all(networks, judge_network);
    if (fs::exists(models / "manifest.json")) {
        const json manifest = json::parse(hass::read_whole(models / "manifest.json"));
        std::vector<fs::path> trained;
        for (const json& network : manifest.at("models"))
            trained.push_back(network.at("file").get<std::string>());
        std::size_t next = 0;
        good = judge_all(trained,
                         [&](const fs::path&) {
                             return judge_trained(models, manifest.at("models").at(next++),
                                                  manifest.at("datasets"));
                         }) &&
               good;
    }
    const bool right = judge_all(cases, [&](const fs::path& f) { return judge_case(f, recorded); });
    return good && right ? 0 : 1;
}
