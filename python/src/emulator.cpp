// What a network answers when it is clipped: images, the emulator, and one that remembers.
#include <algorithm>
#include <cstring>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/evaluator.hpp>
#include <hass/workload/images.hpp>
#include <mutex>
#include <optional>

#include "binding.hpp"

namespace hass_python {

namespace {

using hass::model;

/// An array in C order, of a type that .npy files know.
hass::npy_array array_of(const py::buffer& buffer, const std::string& type,
                         const std::string& source) {
    const py::buffer_info b = buffer.request();
    hass::npy_array read;
    const auto& names = hass::npy_type_names;
    const auto at = std::find(names.begin(), names.end(), type);
    if (at == names.end()) throw hass::unknown_name(source + ": type", type, names);
    read.type = static_cast<hass::npy_type>(at - names.begin());
    for (const py::ssize_t n : b.shape) read.shape.push_back(static_cast<std::size_t>(n));
    read.bytes.resize(static_cast<std::size_t>(b.size * b.itemsize));
    if (!read.bytes.empty()) std::memcpy(read.bytes.data(), b.ptr, read.bytes.size());
    read.source = source;
    return read;
}

/// Images with their labels.
struct image_data {
    hass::image_set images;
    std::vector<int> labels;

    /// Images as the network takes them; the first so many.
    image_data fitted(const model& net, std::size_t first) const {
        image_data fit = *this;
        const hass::shape wanted = hass::image_shape(net);
        const bool same = hass::same_extents(fit.images.each, wanted);
        const bool features = fit.images.each.pixels() == 1 || wanted.pixels() == 1;
        if (same || (features && fit.images.each.volume() == wanted.volume()))
            fit.images = std::move(fit.images).seen_as(wanted);
        if (first > 0 && first < fit.images.count) {
            fit.images.count = first;
            if (!fit.labels.empty()) fit.labels.resize(first);
        }
        return fit;
    }
};

/// How to run: (threads, images that give statistics, those that give whole dot products, whether
/// these are counted at all).
hass::emulation_options options_of(py::handle given) {
    const std::vector<py::object> all = items(given, "options");
    hass::emulation_options o;
    o.threads = small(all.at(0), "threads");
    const auto count = [](py::handle value, const char* what) {
        if (value.is_none()) return hass::all_images;
        const std::int64_t n = whole(value, what);
        if (n < 0) throw hass::error(hass::text_of({what, " is ", n, ", below 0"}));
        return static_cast<std::size_t>(n);
    };
    if (o.threads < 0) throw hass::error("threads must not be negative");
    o.statistics_images = count(all.at(1), "statistics_images");
    o.product_images = count(all.at(2), "product_images");
    const std::vector<py::object> wanted = items(all.at(3), "products");
    // Windows are always counted: Python's engines may be asked for after the run.
    o.products = {flag(wanted.at(0), "products"), flag(wanted.at(1), "products")};
    return o;
}

py::dict to_python(hass::emulation&& e) {
    py::dict d;
    d["images"] = e.images;
    d["score"] = e.score();
    d["top5"] = e.top5_accuracy();
    d["loss"] = e.mean_loss();
    if (e.statistics.empty())
        d["statistics"] = py::none();
    else
        d["statistics"] =
            std::make_shared<statistics_handle>(statistics_handle{std::move(e.statistics)});
    return d;
}

/// A network that can be run.
struct runner {
    runner(std::shared_ptr<model> n, py::handle preprocessing)
        : net(std::move(n)), network(make(*net, preprocessing)) {}

    static hass::emulator make(const model& net, py::handle p) {
        if (net.parameters.empty())
            throw hass::error(net.source + ": has rows alone, no weights: it cannot be run");
        if (p.is_none()) return hass::emulator(net);
        const std::vector<py::object> parts = items(p, "preprocessing");
        if (parts.size() != 3) throw hass::error("preprocessing: (scale, mean, std)");
        const auto floats = [](py::handle x, const char* what) {
            const std::vector<double> all = numbers(x, what);
            return std::vector<float>(all.begin(), all.end());
        };
        hass::preprocessing read{static_cast<float>(number(parts[0], "preprocessing.scale")),
                                 floats(parts[1], "preprocessing.mean"),
                                 floats(parts[2], "preprocessing.std")};
        hass::validate(read);
        return hass::emulator(net, read);
    }

    std::shared_ptr<model> net;
    hass::emulator network;
};

/// An evaluator with all that it looks at; one run at a time.
class evaluator {
  public:
    evaluator(std::shared_ptr<runner> r, const image_data& images, std::size_t first,
              py::handle options, std::size_t cache_bytes)
        : runner_(std::move(r)),
          images_(images.fitted(*runner_->net, first)),
          held_(runner_->network, images_.images, images_.labels, options_of(options),
                cache_bytes) {}
    evaluator(const evaluator&) = delete;

    py::dict run(py::handle thresholds) {
        const hass::network_thresholds tau = thresholds_of(thresholds);
        return to_python(unlocked([&] {
            const std::scoped_lock lock(mutex_);
            return held_.run(tau);
        }));
    }
    double accuracy(py::handle thresholds) {
        const hass::network_thresholds tau = thresholds_of(thresholds);
        return unlocked([&] {
            const std::scoped_lock lock(mutex_);
            return held_.accuracy(tau);
        });
    }

  private:
    std::shared_ptr<runner> runner_;
    image_data images_;
    hass::evaluator held_;
    std::mutex mutex_;
};

}  // namespace

void bind_emulator(py::module_& m) {
    py::class_<image_data>(m, "Images")
        .def(py::init([](const py::buffer& images, const std::string& type, py::object labels,
                         const std::string& label_type) {
            image_data d;
            d.images = hass::to_images(array_of(images, type, "images"));
            if (labels.is_none()) return d;
            d.labels = hass::to_labels(array_of(labels, label_type, "labels"));
            return d;
        }))
        .def(py::init([](const std::string& images, const std::string& labels) {
            image_data d;
            d.images = hass::read_images(images);
            if (!labels.empty()) d.labels = hass::read_labels(labels);
            return d;
        }))
        .def("__len__", [](const image_data& d) { return d.images.count; });
    py::class_<runner, std::shared_ptr<runner>>(m, "Emulator")
        .def(py::init<std::shared_ptr<model>, py::handle>())
        .def_property_readonly("classes", [](const runner& r) { return r.network.classes(); })
        .def("run",
             [](const runner& r, const image_data& images, std::size_t first, py::handle thresholds,
                py::handle options) {
                 const image_data fit = images.fitted(*r.net, first);
                 const hass::network_thresholds tau = thresholds_of(thresholds);
                 const hass::emulation_options how = options_of(options);
                 return to_python(
                     unlocked([&] { return r.network.run(fit.images, fit.labels, tau, how); }));
             })
        .def("logits",
             [](const runner& r, const image_data& images, std::size_t first, py::handle thresholds,
                py::handle options) {
                 const image_data fit = images.fitted(*r.net, first);
                 const hass::network_thresholds tau = thresholds_of(thresholds);
                 const hass::emulation_options how = options_of(options);
                 const std::vector<float> answers =
                     unlocked([&] { return r.network.logits(fit.images, tau, how); });
                 return py::bytes(reinterpret_cast<const char*>(answers.data()),
                                  4 * answers.size());
             })
        .def("magnitudes",
             [](const runner& r, const image_data& images, std::size_t first, py::handle options) {
                 const image_data fit = images.fitted(*r.net, first);
                 const hass::emulation_options how = options_of(options);
                 return unlocked([&] {
                     return std::make_shared<magnitudes_handle>(
                         magnitudes_handle{r.network.magnitudes(fit.images, how)});
                 });
             });
    py::class_<evaluator>(m, "Evaluator")
        .def(py::init<std::shared_ptr<runner>, const image_data&, std::size_t, py::handle,
                      std::size_t>())
        .def("run", &evaluator::run)
        .def("accuracy", &evaluator::accuracy);
    m.def("preprocessing_named", [](const std::string& name) {
        const hass::preprocessing p = hass::preprocessing_named(name);
        return py::make_tuple(p.scale, p.mean, p.std);
    });
}

}  // namespace hass_python
