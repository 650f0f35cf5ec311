#include "workbench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/emulate/fixed_point.hpp>
#include <hass/emulate/metric.hpp>
#include <hass/emulate/read_boxes.hpp>
#include <hass/emulate/record.hpp>
#include <hass/emulate/resize.hpp>
#include <hass/error.hpp>
#include <hass/files/fnv1a.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/pipeline/recorded_service.hpp>
#include <hass/report/progress.hpp>
#include <hass/rtl/stage.hpp>
#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/workload/images.hpp>
#include <hass/workload/inputs.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "pruned.hpp"
#include "reading.hpp"
#include "rtl.hpp"

namespace hass_search {

namespace {

namespace fs = std::filesystem;

std::string text(const hass::shape& x) {
    return fmt::format("{}x{}x{}", x.channels, x.height, x.width);
}

/// What --images names: one set an input of the network.
struct given_images {
    std::vector<std::string> names;  ///< of inputs, empty where the order says it
    std::vector<hass::image_set> sets;

    explicit given_images(const settings& s) {
        for (std::size_t at = 0; at <= s.images.size();) {
            const std::size_t end = std::min(s.images.find(',', at), s.images.size());
            const std::string one = s.images.substr(at, end - at);
            const std::size_t equals = one.find('=');
            names.push_back(equals == one.npos ? "" : one.substr(0, equals));
            sets.push_back(hass::read_images(equals == one.npos ? one : one.substr(equals + 1)));
            at = end + 1;
        }
    }

    /// Which output, and extents for those that the file leaves open.
    hass::onnx_options options(const settings& s) const {
        hass::onnx_options o{s.output, s.input_shape};
        if (!o.input_shape.empty() || sets.size() != 1) return o;
        const std::vector<std::size_t>& shape = sets[0].pixels.shape;
        for (std::size_t i = 1; i < shape.size(); ++i)
            o.input_shape.push_back(static_cast<std::int64_t>(shape[i]));
        return o;
    }

    /// The images as `model` takes them, brought to its size if asked for.
    hass::image_set of(const settings& s, const hass::model& model) && {
        if (!model.inputs.empty()) sort(s, model);
        const std::size_t wanted = std::max<std::size_t>(1, model.inputs.size());
        if (sets.size() != wanted)
            throw hass::error(fmt::format("--images: {} of them, but {} has {} inputs", sets.size(),
                                          s.model, wanted));
        hass::image_set images =
            model.inputs.empty() ? std::move(sets[0]) : hass::stacked_inputs(model, sets);
        fit(s, hass::image_shape(model), images);
        return images;
    }

  private:
    void sort(const settings& s, const hass::model& model) {
        if (std::all_of(names.begin(), names.end(), [](const auto& n) { return n.empty(); }))
            return;
        std::vector<hass::image_set> ordered;
        std::vector<std::string> known;
        for (const hass::model_input& input : model.inputs) {
            known.push_back(input.name);
            const auto at = std::find(names.begin(), names.end(), input.name);
            if (at == names.end())
                throw hass::error(fmt::format("--images: {} has an input '{}', which is not named",
                                              s.model, input.name));
            ordered.push_back(sets[static_cast<std::size_t>(at - names.begin())]);
        }
        for (const std::string& name : names)
            if (std::find(known.begin(), known.end(), name) == known.end())
                throw hass::unknown_name("input", name, known);
        sets = std::move(ordered);
    }

    static void fit(const settings& s, const hass::shape& expected, hass::image_set& images) {
        const hass::shape is = images.each;
        if (hass::same_extents(is, expected)) {
            images = std::move(images).seen_as(expected);
            return;
        }
        const auto fail = [&](const std::string& advice) {
            return hass::error(fmt::format("{}: images of {}, but {} takes {}; {}", s.images,
                                           text(is), s.model, text(expected), advice));
        };
        // a network of features takes whatever has as many values; N x C x L was read as N x 1 x C x L
        const bool features = is.pixels() == 1 || expected.pixels() == 1;
        const bool lines = is.channels == 1 && expected.width == 1 &&
                           is.height == expected.channels && is.width == expected.height;
        if (is.volume() == expected.volume() && (features || lines)) {
            images = std::move(images).seen_as(expected);
            return;
        }
        if (is.channels != expected.channels) {
            if (is.width == expected.channels)  // N x H x W x C, read as N x C x H x W
                throw fail(
                    "they seem to be N x H x W x C: numpy's x.transpose(0, 3, 1, 2) makes "
                    "them N x C x H x W");
            throw fail("the number of channels must agree");
        }
        if (!s.resize) throw fail("--resize scales them");
        images = hass::resized(images, expected);
    }
};

/// Numbers of --labels, as many an image as `each`.
template <class T>
std::vector<T> label_numbers(const settings& s, std::size_t images, std::size_t each) {
    std::vector<T> all = hass::read_array(s.labels).as<T>();
    if (all.size() < images * each)
        throw hass::error(fmt::format("{}: {} numbers, but {} images have {} each", s.labels,
                                      all.size(), images, each));
    return all;
}

/// --metric on these images; nothing where labels of classes are counted as they are (top1).
std::optional<hass::metric> chosen_metric(const settings& s, const hass::emulator& network,
                                          const hass::image_set& images,
                                          const hass::emulation_options& options) {
    const hass::answer_layout layout = network.layout();
    const auto untouched = [&] { return network.logits(images, options); };
    if (s.metric == "top5")
        return hass::top_k(5, hass::read_labels(s.labels), layout, network.cut());
    if (s.metric == "agreement") {
        if (layout.classes == 1 && !network.cut())
            throw hass::error(s.model +
                              ": its answers are no classes that could agree; --metric fidelity");
        return hass::agreement(untouched(), layout, network.cut().value_or(0.5F));
    }
    if (s.metric == "fidelity") return hass::fidelity(untouched());
    if (s.metric == "closeness") return hass::closeness(untouched());
    if (s.metric == "auc") return hass::auc(label_numbers<int>(s, images.count, 1));
    if (s.metric == "psnr") return hass::psnr(label_numbers<float>(s, images.count, layout.size()));
    if (s.metric == "iou") return hass::iou(label_numbers<int>(s, images.count, layout.size()));
    if (s.metric == "miou")
        return hass::mean_iou(label_numbers<int>(s, images.count, layout.positions), layout);
    if (s.metric == "map")
        return hass::mean_average_precision(hass::read_boxes(s.labels),
                                            {hass::detector_head_named(s.detector)},
                                            hass::input_shape(network.network()), layout.size());
    return std::nullopt;
}

/// What the pixels of a file are, before anything is done to them.
struct pixel_range {
    float low = 0.0F, high = 0.0F;
    bool bytes = false;  ///< uint8, or its numbers in another type

    explicit pixel_range(const hass::image_set& images) {
        std::vector<float> one(static_cast<std::size_t>(images.each.volume()));
        bool whole = true;
        for (std::size_t n = 0; n < images.count; ++n) {
            images.copy(n, 1, one);
            const auto [least, most] = std::minmax_element(one.begin(), one.end());
            low = n == 0 ? *least : std::min(low, *least);
            high = n == 0 ? *most : std::max(high, *most);
            whole = whole &&
                    std::all_of(one.begin(), one.end(), [](float x) { return std::trunc(x) == x; });
        }
        bytes = images.pixels.type == hass::npy_type::u1 ||
                (whole && low >= 0.0F && high > 1.0F && high <= 255.0F);
    }
    bool within_unit() const { return low >= 0.0F && high <= 1.0F; }
};

/// What makes the network's input of its images, and where each number of it comes from.
struct chosen_input {
    hass::preprocessing values;
    std::string source;
    std::vector<std::string> warnings;

    /// Flags replace what the preset or the file says; without either they have to say it all.
    chosen_input(const settings& s, const hass::model& model, const hass::image_set& images) {
        const pixel_range pixels(images);
        bool scaled = true;
        if (!s.preprocessing.empty()) {
            values = hass::preprocessing_named(s.preprocessing);
            source = "--preprocessing " + s.preprocessing;
        } else if (model.input) {
            values = *model.input;
            source = "stated by " + fs::path(s.model).filename().string();
        } else if (s.mean.empty() || s.std.empty()) {
            std::vector<std::string_view> names;
            for (const auto& p : hass::preprocessing_presets) names.push_back(p.name);
            throw hass::error(fmt::format(
                "{}: does not state its preprocessing (metadata hass.scale, hass.mean, hass.std), "
                "and other numbers than those of its training give wrong answers; --preprocessing "
                "{} names it, or --mean, --std and --scale",
                s.model, fmt::join(names, "|")));
        } else {
            scaled = s.scale.has_value();
        }
        const auto replace = [&](const char* flag, auto& value, const auto& by) {
            value = by;
            source += (source.empty() ? "" : ", ") + std::string(flag);
        };
        if (!s.mean.empty()) replace("--mean", values.mean, s.mean);
        if (!s.std.empty()) replace("--std", values.std, s.std);
        if (s.scale) replace("--scale", values.scale, *s.scale);
        if (!scaled) guess_scale(s, pixels);
        hass::validate(values);
        warn(s, pixels);
    }

  private:
    /// --mean and --std alone: the scale that they leave no doubt about.
    void guess_scale(const settings& s, const pixel_range& pixels) {
        const auto fail = [&](const std::string& why) {
            return hass::error(
                fmt::format("{}: {}; --scale must say by what they are multiplied "
                            "before --mean is subtracted",
                            s.images, why));
        };
        if (!pixels.bytes && !pixels.within_unit())
            throw fail(fmt::format("floats from {} to {}", pixels.low, pixels.high));
        for (const float m : values.mean)
            if (!(m >= 0.0F && m <= 1.0F))
                throw fail(fmt::format("--mean {} is not that of pixels in 0..1", m));
        values.scale = pixels.bytes ? 1.0F / 255.0F : 1.0F;
        source += pixels.bytes ? ", scale 1/255 for pixels 0..255" : ", scale 1 for floats in 0..1";
    }

    void warn(const settings& s, const pixel_range& pixels) {
        float range = values.std.empty() ? std::abs(values.scale) : 0.0F;  // of the input
        for (const float d : values.std) range = std::max(range, std::abs(values.scale / d));
        if (pixels.within_unit() && (std::abs(values.scale) < 1.0F || range < 0.1F))
            warnings.push_back(fmt::format(
                "{}: pixels in 0..1 already, of which ({}) leaves a range of {:.2g}; --scale, "
                "--mean and --std say what becomes of such pixels",
                s.images, source, range));
        const auto fraction = [](float m) { return m > 0.0F && m < 1.0F; };
        if (values.scale == 1.0F && pixels.high > 2.0F && !values.mean.empty() &&
            std::all_of(values.mean.begin(), values.mean.end(), fraction))
            warnings.push_back(
                fmt::format("{}: pixels up to {}, not scaled, though the mean of {} is that of "
                            "pixels in 0..1 ({}); --scale {} brings them there",
                            s.images, pixels.high, values.mean[0], source, 1.0F / 255.0F));
    }
};

/// A network with images and labels that fit each other.
struct emulated {
    hass::image_set images;
    std::vector<int> labels;
    hass::emulation_options options;
    chosen_input input;
    hass::emulator network;
    hass::emulator in_float = network;  ///< whatever --bits is
    std::optional<hass::evaluator> evaluate;

    std::optional<hass::metric> metric;  // in place of labels

    explicit emulated(const settings& s) : emulated(s, given_images(s)) {}
    emulated(const emulated&) = delete;  // `evaluate` looks at the other members

    /// The untouched run that a metric or the labels judge.
    hass::emulation run(const hass::network_thresholds& t) const {
        return metric ? network.run(images, *metric, t, options)
                      : network.run(images, labels, t, options);
    }

  private:
    emulated(const settings& s, given_images&& given)
        : emulated(s, std::move(given), load_network(s.model, given.options(s))) {}

    emulated(const settings& s, given_images&& given, hass::model&& model)
        : images(std::move(given).of(s, model)),
          input(s, model, images),
          network(std::move(model), input.values) {
        options.threads = s.threads;
        refuse_bits(s);
        const std::size_t all = images.count;
        if (s.first_images > 0)
            images.count = std::min(all, static_cast<std::size_t>(s.first_images));
        metric = chosen_metric(s, network, images, options);
        if (!metric) read_labels(s, all);
        if (s.bits != 0) network = hass::in_fixed_point(network, images, {s.bits, s.bits}, options);
        hass::emulation_options of_trials = options;
        if (s.statistics_images > 0)
            of_trials.statistics_images = static_cast<std::size_t>(s.statistics_images);
        options.products = of_trials.products = products_of(s);
        of_trials.product_images = 64;  // the best trials are measured again on all
        const std::size_t cache = static_cast<std::size_t>(s.cache_mib) << 20;
        if (metric)
            evaluate.emplace(network, images, *metric, of_trials, cache);
        else
            evaluate.emplace(network, images, labels, of_trials, cache);
    }

    /// --bits rounds a network of floats; a quantised file says its widths itself.
    void refuse_bits(const settings& s) const {
        const auto& rows = network.model().net.rows;
        const auto first = [&](bool computes) {
            return std::find_if(rows.begin(), rows.end(), [=](const hass::layer_row& r) {
                return hass::is_compute(r) == computes && (r.weight_bits > 0 || r.data_bits > 0);
            });
        };
        auto wide = first(true);  // these have both widths
        if (wide == rows.end()) wide = first(false);
        if (s.bits != 0 && wide != rows.end())
            throw hass::error(fmt::format(
                "--bits {}: {} is quantised itself (layer '{}': weights of {} bits, data of {})",
                s.bits, s.model,
                name_of(network.network(), static_cast<std::size_t>(wide - rows.begin())),
                wide->weight_bits, wide->data_bits));
    }

    /// \param all  images of the file, of which the first may be all that is asked for
    void read_labels(const settings& s, std::size_t all) {
        labels = hass::read_labels(s.labels);
        if (labels.size() != all)
            throw hass::error(fmt::format("{}: {} labels for the {} images of {}", s.labels,
                                          labels.size(), all, s.images));
        labels.resize(images.count);
        const auto [least, most] = std::minmax_element(labels.begin(), labels.end());
        const auto classes = static_cast<int>(network.labels());
        if (*most < classes) return;
        throw hass::error(
            fmt::format("{}: label {} is {}, but {} has {} classes, 0 to {}{}", s.labels,
                        most - labels.begin(), *most, s.model, classes, classes - 1,
                        *least == 1 && *most == classes ? "; labels start at 0" : ""));
    }
};

/// The best design with room for its FIFOs. The pipeline runs with every engine's own filters, on the
/// first images, until 64 or more have passed.
/// \param statistics  that the design is for
/// \param as_rtl      which is to keep more of the throughput, by FIFOs between stages alone
simulated simulate_design(const emulated& e, std::size_t most, bool as_rtl,
                          const hass::network_thresholds& tau, const engine_choice& engine,
                          const hass::network_statistics& statistics, const hass::device& board) {
    hass::image_set images = e.images;
    images.count = std::min(images.count, most);
    const hass::network_view net = e.network.network();
    const hass::metric none = hass::mean_metric({}, [](auto, std::size_t) { return 0.0; });
    const hass::network_statistics own = e.network.run(images, none, tau, e.options).statistics;
    const std::size_t passes = std::max<std::size_t>(2, 64 / images.count);
    simulated s{
        images.count, 0.0,
        hass::allocate_with_fifos(
            net, statistics, engine, board,
            [&](const hass::allocation& a) {
                return hass::recorded_services(e.network, images, tau, own, engine, a.design);
            },
            {.keep = as_rtl ? 0.995 : 0.97,
             .images = passes * images.count,
             .warm_up = (passes - 1) * images.count,
             .lanes_ahead = !as_rtl,
             .least = as_rtl ? hass::rtl::pixels_ahead(net) : std::vector<std::int64_t>()})};
    const hass::design& chosen = s.design.hardware.design;
    for (std::size_t i = 0; i < chosen.size(); ++i)
        s.model_cycles =
            std::max(s.model_cycles, hass::row_cycles(engine, net[i], own[i], chosen[i]));
    return s;
}

/// The pruned network as files; that of --prune-pattern is measured on all images.
written_networks write_networks(const settings& s, const emulated& e,
                                const hass::network_thresholds& t) {
    const hass::model& m = e.in_float.model();
    written_networks w{write_clipped(s, m, t, e.input.values), s.prune_pattern, {}};
    if (s.prune_pattern.empty()) return w;
    const projection p = projected(s, m, t);
    w.density = p.density;
    hass::network_thresholds activations = t;
    hass::model follows = m;
    for (std::size_t i = 0; i < t.size(); ++i) {
        if (!has_weights(m.net.rows[i])) continue;
        follows.parameters[i].weights = p.weights[i];
        activations[i].weight = 0.0, activations[i].weight_channels.clear();
    }
    hass::emulator network(std::move(follows), e.input.values);
    if (s.bits != 0) network = hass::in_fixed_point(network, e.images, {s.bits, s.bits}, e.options);
    hass::emulation_options options = e.options;
    options.statistics_images = 0;
    w.score = (e.metric ? network.run(e.images, *e.metric, activations, options)
                        : network.run(e.images, e.labels, activations, options))
                  .score();
    w.projected = write_projected(s, m, activations, e.input.values, p);
    return w;
}

std::string content(std::uint64_t fingerprint, const std::string& path) {
    return fmt::format("{:016x} {}", fingerprint, fs::path(path).filename().string());
}

/// \param path  of a file, or FILE.npz:NAME
std::uint64_t fingerprint_of(const std::string& path) {
    const std::string file = fs::exists(path) ? path : path.substr(0, path.rfind(':'));
    hass::detail::fnv1a f;
    f.add(std::string_view(hass::read_whole(file)));
    return f.value();
}

/// What decides a measurement of the emulator.
std::vector<std::pair<std::string, std::string>> identity_of(const settings& s, const emulated& e) {
    const hass::preprocessing& input = e.input.values;
    std::string judged = s.metric + (s.detector.empty() ? "" : ", " + s.detector) +
                         (s.output.empty() ? "" : ", output " + s.output);
    if (e.metric && !s.labels.empty())
        judged += fmt::format(", {}", content(fingerprint_of(s.labels), s.labels));
    return {{"network",
             content(fingerprint_of(s.model) ^ hass::fingerprint(e.network.model()), s.model)},
            {"images", content(hass::fingerprint(e.images, e.labels), s.images)},
            {"image count", std::to_string(e.images.count)},
            {"input", fmt::format("(pixel * {} - {}) / {}", input.scale, fmt::join(input.mean, ","),
                                  fmt::join(input.std, ","))},
            {"metric", judged},
            {"emulation", fmt::format("--bits {}, --statistics-images {}, --confidence {}", s.bits,
                                      s.statistics_images, s.confidence)}};
}

/// Share of the commonest label: what a network that knows nothing gets right.
double commonest(const std::vector<int>& labels) {
    std::map<int, std::size_t> count;
    std::size_t most = 0;
    for (const int label : labels) most = std::max(most, ++count[label]);
    return static_cast<double>(most) / static_cast<double>(labels.size());
}

}  // namespace

workbench on_images(const settings& s) {
    const auto e = std::make_shared<emulated>(s);
    workbench bench;
    bench.net = e->network.model().net;
    bench.derived = hass::derived_layers(e->network.model());
    bench.source = s.model;
    bench.magnitudes = e->network.magnitudes(e->images, e->options);
    bench.images = e->images.count;
    bench.input = e->input.values;
    bench.input_source = e->input.source;
    bench.warnings = e->input.warnings;
    if (!s.journal.empty() || !s.known.empty()) bench.identity = identity_of(s, *e);
    if (e->metric)
        bench.metric = e->metric->unit;
    else
        bench.chance = commonest(e->labels);
    const auto measured = [e](hass::emulation&& run) {
        const auto top5 = e->metric ? std::nullopt : std::optional(run.top5_accuracy());
        return hass::measurement{run.score(), top5, std::move(run.statistics),
                                 e->metric ? e->metric->unit : hass::metric_unit{}};
    };
    bench.measure = [e, measured](const hass::network_thresholds& t) {
        return measured(e->evaluate->run(t));
    };
    bench.measure_in_full = [e, measured](const hass::network_thresholds& t) {
        return measured(e->run(t));
    };
    if (s.simulated_images() > 0)
        bench.simulate =
            [e, most = static_cast<std::size_t>(s.simulated_images()), as_rtl = !s.rtl.empty()](
                const hass::network_thresholds& t, const engine_choice& engine,
                const hass::network_statistics& statistics, const hass::device& board) {
                return simulate_design(*e, most, as_rtl, t, engine, statistics, board);
            };
    if (s.bits != 0 || !s.rtl.empty())
        bench.score_in_integers = [e, &s](const hass::network_thresholds& t) {
            return score_in_integers(s, {e->in_float, e->images, e->labels}, e->metric, t);
        };
    if (!s.rtl.empty() && e->metric)
        throw hass::error("--rtl counts right answers of labels: --metric top1, not " + s.metric);
    if (!s.rtl.empty()) {
        if (static_cast<std::size_t>(s.rtl_images) > e->images.count)
            throw hass::error(
                fmt::format("--rtl-images {}: there are {} images", s.rtl_images, e->images.count));
        bench.require_rtl = [e, &s](const hass::design& design) {
            require_rtl(s, {e->in_float, e->images, e->labels}, design);
        };
        bench.write_rtl = [e, &s](const hass::network_thresholds& t, const engine_choice& engine,
                                  const hass::design& design,
                                  const std::vector<std::int64_t>& fifo_pixels,
                                  const hass::device& board) {
            return write_rtl(s, {e->in_float, e->images, e->labels}, t, engine, design, fifo_pixels,
                             board);
        };
    }
    bench.write_networks = [e, &s](const hass::network_thresholds& t) {
        return write_networks(s, *e, t);
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
    const auto measured = std::make_shared<hass::recorded_network>(load_statistics(s.statistics));
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
    if (!s.journal.empty() || !s.known.empty())
        bench.identity = {{"network", content(fingerprint_of(s.statistics), s.statistics)}};
    const hass::dot_products has = measured->products(), wanted = products_of(s);
    if ((wanted.lanes && !has.lanes) || (wanted.lists && !has.lists))
        bench.warnings.push_back(fmt::format(
            "{} does not hold the work of whole dot products, which lanes and lists need: their "
            "zeros are taken as independent, which is up to 15 % too fast; --write-statistics "
            "measures it, --engine spe does without",
            s.statistics));
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
    if (s.tells())
        fmt::print("{}: input (pixel * {} - {}) / {} ({})\n", s.model, e.input.values.scale,
                   fmt::join(e.input.values.mean, ","), fmt::join(e.input.values.std, ","),
                   e.input.source);
    for (const std::string& warning : e.input.warnings) warn(warning);
    hass::recording_options options;
    options.highest = {s.highest_sparsity, s.highest_sparsity};
    options.run = e.options;
    options.run.products = {true, true};  // for whatever engine a search will ask for
    options.cache_bytes = static_cast<std::size_t>(s.cache_mib) << 20;
    hass::prepare_folder(fs::absolute(s.write_statistics).parent_path());
    std::optional<hass::recorded_network> known;
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
    hass::progress_bar bar("statistics", 1, s.progress());
    options.progress = [&](std::size_t done, std::size_t total) { bar.show(done, total, ""); };
    options.checkpoint = [&](const hass::recorded_network& m) {
        save_statistics(s.write_statistics, m);
    };
    save_statistics(s.write_statistics,
                    hass::record_network(e.network, e.images, e.labels, options));
    bar.finish();
    if (s.tells()) fmt::print("written: {}\n", s.write_statistics);
}

void merge_statistics(const settings& s) {
    hass::recorded_network sum = load_statistics(s.merge_statistics.front());
    for (std::size_t i = 1; i < s.merge_statistics.size(); ++i)
        sum = hass::merged(sum, load_statistics(s.merge_statistics[i]));
    save_statistics(s.write_statistics, sum);
    if (s.tells())
        fmt::print("written: {}, measured on {} images\n", s.write_statistics, sum.images);
}

}  // namespace hass_search
