// Every network of a folder against what its meta.json says of it: it loads, its outputs agree with
// the recorded ones of another runtime to 1e-3 of their range, and its metric is met. And the small
// cases beside it against their right answers.
//
//     hass_networks <folder of networks> [<folder of cases>]
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/read_boxes.hpp>
#include <hass/files/json.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/inputs.hpp>
#include <hass/workload/onnx.hpp>
#include <span>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using json = hass::ordered_json;

/// Outputs may differ from another runtime's by this share of their range.
constexpr double most_off = 1e-3;

/// Inputs of a network as its `check` block lists them.
struct inputs {
    hass::image_set images;
    hass::preprocessing scaled;

    inputs(const fs::path& folder, const json& check, const hass::model& m) {
        const json& in = check.at("inputs").at(0);
        std::string files;
        for (const json& each : check.at("inputs")) {  // all scaled alike
            if (each.at("scale") != in.at("scale") || each.at("mean") != in.at("mean"))
                throw hass::error("inputs that are scaled differently are not run by this test");
            files += (files.empty() ? "" : ",") + (folder / each.at("file")).string();
        }
        images = hass::read_inputs(m, files);
        scaled.scale = in.at("scale").get<float>();
        scaled.mean = in.at("mean").get<std::vector<float>>();
        scaled.std = in.at("std").get<std::vector<float>>();
    }

    /// (value * scale - mean) / std for the network, whose input may lie otherwise than the images.
    hass::emulator network(hass::model m) {
        const hass::shape wanted = hass::input_shape(m.net);
        hass::preprocessing p = scaled;
        if (images.each != wanted) images = std::move(images).seen_as(wanted);
        const auto channels = static_cast<std::size_t>(wanted.channels);
        for (auto* v : {&p.mean, &p.std})
            if (v->size() == 1) v->resize(channels, v->front());
        return hass::emulator(std::move(m), p);
    }
};

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

verdict judge_network(const fs::path& folder) {
    const json meta = json::parse(hass::read_whole(folder / "meta.json"));
    const json& check = meta.at("check");
    verdict v;
    hass::onnx_options of_first;
    if (check.at("references").size() > 1)
        of_first.output = check.at("references").at(0).at("output");
    inputs given(folder, check, hass::load_onnx(folder / "model.onnx", of_first));
    for (const json& reference : check.at("references")) {
        hass::onnx_options options;
        if (check.at("references").size() > 1) options.output = reference.at("output");
        const hass::emulator network =
            given.network(hass::load_onnx(folder / "model.onnx", options));
        const std::vector<float> outputs =
            hass::read_array((folder / reference.at("file").get<std::string>()).string())
                .as<float>();
        hass::image_set first = given.images;
        first.count = std::min(first.count, outputs.size() / network.classes());
        const double off = off_by(network.logits(first), outputs);
        v.add(first.count > 0 && off <= most_off,
              "output '" + reference.at("output").get<std::string>() + "' of " +
                  std::to_string(first.count) + " images within " + digits(off, 2));
    }
    if (!check.at("metric").is_object()) return v;
    const json& metric = check.at("metric");
    hass::onnx_options options;
    if (metric.contains("output")) options.output = metric.at("output");
    const hass::emulator network = given.network(hass::load_onnx(folder / "model.onnx", options));
    hass::image_set images = given.images;
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

/// Kinds of cases whose answers this test knows how to judge: the network's classes are y.npy.
constexpr std::array judged{"06", "07", "08", "09", "10", "11", "12",
                            "13", "14", "15", "16", "24", "26"};

verdict judge_case(const fs::path& folder) {
    fs::path file;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".onnx") file = entry.path();
    const hass::image_set given = hass::read_images(folder / "x.npy");
    hass::onnx_options options;
    options.input_shape = {given.each.channels, given.each.height, given.each.width};
    if (folder.filename().string().starts_with("24")) options.output = "o";
    hass::model m = hass::load_onnx(file, options);
    const hass::shape wanted = hass::input_shape(m.net);
    const hass::image_set images = hass::image_set(given).seen_as(wanted);
    // what the commands of the cases' READMEs say: uint8 is brought to 0..1
    const float scale = given.pixels.type == hass::npy_type::u1 ? 1.0F / 255.0F : 1.0F;
    const std::vector<float> none(static_cast<std::size_t>(wanted.channels), 0.0F);
    const std::vector<float> one(static_cast<std::size_t>(wanted.channels), 1.0F);
    const hass::emulator network(std::move(m), {scale, none, one});
    const std::vector<float> answers = network.logits(images);
    verdict v;
    if (const fs::path logits = folder / "expected_logits.npy"; fs::exists(logits)) {
        const double off = off_by(answers, hass::read_array(logits.string()).as<float>());
        v.add(off <= most_off, "outputs within " + digits(off, 2));
    }
    const std::vector<int> labels = hass::read_labels(folder / "y.npy");
    std::size_t right = 0;
    const hass::metric top1 = hass::top_k(1, labels, network.layout(), network.cut());
    for (std::size_t n = 0; n < images.count; ++n)
        right += top1.of_image(std::span(answers).subspan(n * network.classes(), network.classes()),
                               n) > 0.5
                     ? 1
                     : 0;
    v.add(right == images.count,
          std::to_string(right) + " of " + std::to_string(images.count) + " answers");
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
    const auto listed = [](const char* folder, auto takes) {
        std::vector<fs::path> all;
        if (folder != nullptr && fs::is_directory(folder))
            for (const auto& entry : fs::directory_iterator(folder))
                if (entry.is_directory() && takes(entry.path())) all.push_back(entry.path());
        std::sort(all.begin(), all.end());
        return all;
    };
    const std::vector<fs::path> networks = listed(argc > 1 ? argv[1] : nullptr, [](const auto& f) {
        return fs::exists(f / "meta.json") && fs::exists(f / "model.onnx");
    });
    const std::vector<fs::path> cases = listed(argc > 2 ? argv[2] : nullptr, [](const auto& f) {
        const std::string name = f.filename().string();
        return fs::exists(f / "x.npy") && std::any_of(judged.begin(), judged.end(), [&](auto kind) {
                   return name.starts_with(std::string(kind) + "_");
               });
    });
    if (networks.empty() && cases.empty()) {
        std::printf("skipped: no network with a meta.json in %s\n", argc > 1 ? argv[1] : "-");
        return 0;
    }
    const bool good = judge_all(networks, judge_network);
    const bool right = judge_all(cases, judge_case);
    return good && right ? 0 : 1;
}
