// What the tensors look like: numbers of one's own, arrays, recorded networks.
#include <cstring>
#include <hass/search/threshold_axes.hpp>
#include <hass/search/typical_reach.hpp>
#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/store.hpp>
#include <hass/statistics/tensor_statistics.hpp>
#include <hass/workload/model.hpp>
#include <optional>

#include "binding.hpp"

namespace hass_python {

namespace {

using hass::model;

/// One `hass.LayerStatistics`.
hass::layer_statistics layer_of(py::handle s, const std::string& what) {
    const auto share = [&](const char* name) {
        return number(field(s, name, what), what + "." + name);
    };
    hass::layer_statistics read;
    read.weight_sparsity = share("weight_sparsity");
    read.activation_sparsity = share("activation_sparsity");
    read.pair_sparsity = share("pair_sparsity");
    read.pair_sparsity_padded = share("pair_sparsity_padded");
    for (const py::object& w : items(field(s, "windows", what), what + ".windows")) {
        const std::vector<py::object> parts = items(w, what + ".windows");
        if (parts.size() != 3) throw hass::error(what + ".windows: (channels, length, shares)");
        read.windows.push_back({small(parts[0], what + ".windows"),
                                small(parts[1], what + ".windows"),
                                numbers(parts[2], what + ".windows")});
    }
    for (const py::object& l : items(field(s, "lanes", what), what + ".lanes")) {
        const std::vector<py::object> parts = items(l, what + ".lanes");
        if (parts.size() != 7)
            throw hass::error(what + ".lanes: (in, group, macs, vector, shared, engines, cycles)");
        const auto n = [&](std::size_t i) { return small(parts[i], what + ".lanes"); };
        read.lanes.push_back(
            {{n(0), n(1), n(2), n(3), n(4), n(5)}, number(parts[6], what + ".lanes")});
    }
    for (const py::object& l : items(field(s, "lists", what), what + ".lists")) {
        const std::vector<py::object> parts = items(l, what + ".lists");
        if (parts.size() != 2) throw hass::error(what + ".lists: (lanes, shares)");
        read.lists.push_back(
            {small(parts[0], what + ".lists"), numbers(parts[1], what + ".lists")});
    }
    read.rows = numbers(field(s, "rows", what), what + ".rows");
    return read;
}

py::dict to_python(const hass::layer_statistics& s) {
    py::dict d;
    d["weight_sparsity"] = s.weight_sparsity, d["activation_sparsity"] = s.activation_sparsity;
    d["pair_sparsity"] = s.pair_sparsity, d["pair_sparsity_padded"] = s.pair_sparsity_padded;
    py::list windows, lanes, lists;
    for (const hass::window_histogram& w : s.windows)
        windows.append(py::make_tuple(w.channels, w.length, w.share));
    for (const hass::lane_work& w : s.lanes) {
        const hass::lane_layout& l = w.layout;
        lanes.append(
            py::make_tuple(l.in, l.group, l.macs, l.vector, l.shared, l.engines, w.cycles));
    }
    for (const hass::list_lengths& l : s.lists) lists.append(py::make_tuple(l.lanes, l.share));
    d["windows"] = windows, d["lanes"] = lanes, d["lists"] = lists;
    d["rows"] = s.rows;
    return d;
}

/// Tensors of Python's, copied, so that nobody changes them behind the library's back.
class tensors {
  public:
    tensors(std::shared_ptr<model> net, py::handle weights, py::handle activations)
        : net_(std::move(net)), weights_(copied(weights)), activations_(copied(activations)) {
        measured_.emplace(net_->net, views(weights_), views(activations_));
    }
    tensors(const tensors&) = delete;

    const hass::tensor_statistics& measured() const { return *measured_; }

  private:
    static std::vector<std::vector<float>> copied(py::handle list) {
        std::vector<std::vector<float>> all;
        for (const py::object& x : items(list, "tensors")) {
            const py::buffer_info b = py::reinterpret_borrow<py::buffer>(x).request();
            std::vector<float>& to = all.emplace_back(static_cast<std::size_t>(b.size));
            if (!to.empty()) std::memcpy(to.data(), b.ptr, 4 * to.size());
        }
        return all;
    }
    static hass::tensor_statistics::tensors views(const std::vector<std::vector<float>>& of) {
        return {of.begin(), of.end()};
    }

    std::shared_ptr<model> net_;
    std::vector<std::vector<float>> weights_, activations_;
    std::optional<hass::tensor_statistics> measured_;
};

/// A recorded network and the accuracy that follows from it.
struct recorded {
    explicit recorded(hass::recorded_network r) : network(std::move(r)), accuracy(network) {}
    recorded(const recorded&) = delete;

    hass::recorded_network network;
    hass::additive_accuracy accuracy;
};

/// The axes of a network, with what they look at.
struct axes {
    axes(std::shared_ptr<model> n, std::shared_ptr<magnitudes_handle> m, double weight,
         double activation, bool channels, std::vector<std::string> exempt)
        : net(std::move(n)),
          magnitudes(std::move(m)),
          held(net->net, magnitudes->held, {weight, activation},
               {channels, with_derived(std::move(exempt), *net)}) {}

    /// Layers whose weights are the loader's own are left alone, too.
    static std::vector<std::string> with_derived(std::vector<std::string> exempt, const model& m) {
        for (std::string& layer : hass::derived_layers(m)) exempt.push_back(std::move(layer));
        return exempt;
    }

    std::shared_ptr<model> net;
    std::shared_ptr<magnitudes_handle> magnitudes;
    hass::threshold_axes held;
};

void bind_numbers(py::module_& m) {
    py::class_<statistics_handle, std::shared_ptr<statistics_handle>>(m, "Statistics")
        .def("__len__", [](const statistics_handle& s) { return s.held.size(); })
        .def("layer",
             [](const statistics_handle& s, std::size_t i) {
                 if (i >= s.held.size())
                     throw hass::error(hass::text_of(
                         {"statistics of ", s.held.size(), " layers have no layer ", i}));
                 return to_python(s.held[i]);
             })
        .def("average", [](const statistics_handle& s, const model& net) {
            if (s.held.size() != net.net.rows.size())
                throw hass::error(
                    hass::text_of({"statistics of ", s.held.size(), " layers for a network of ",
                                   net.net.rows.size()}));
            const hass::average_sparsity a = hass::average(net.net, s.held);
            return py::make_tuple(a.weight, a.activation, a.pair, a.pair_of_layers);
        });
    m.def("statistics_of_layers", [](py::handle layers) {
        auto all = std::make_shared<statistics_handle>();
        for (const py::object& s : items(layers, "layers"))
            all->held.push_back(layer_of(s, "layers[" + std::to_string(all->held.size()) + "]"));
        return all;
    });
    m.def("uniform_statistics", [](const model& net, double pair) {
        const hass::uniform_sparsity same(pair);
        return std::make_shared<statistics_handle>(
            statistics_handle{hass::network_statistics(net.net.rows.size(), same.at(0))});
    });
    m.def("dense_statistics", [](const model& net) {
        return std::make_shared<statistics_handle>(
            statistics_handle{hass::network_statistics(net.net.rows.size())});
    });
}

void bind_measured(py::module_& m) {
    py::class_<magnitudes_handle, std::shared_ptr<magnitudes_handle>>(m, "Magnitudes")
        .def("__len__", [](const magnitudes_handle& s) { return s.held.size(); })
        .def("threshold",
             [](const magnitudes_handle& s, std::size_t row, bool weights, double share) {
                 const hass::layer_magnitudes& l = s.held.at(row);
                 return weights ? l.weights.threshold(share) : l.activations.threshold(share);
             })
        .def("sparsity",
             [](const magnitudes_handle& s, std::size_t row, bool weights, double threshold) {
                 const hass::layer_magnitudes& l = s.held.at(row);
                 return weights ? l.weights.sparsity(threshold) : l.activations.sparsity(threshold);
             });
    py::class_<tensors>(m, "Tensors")
        .def(py::init<std::shared_ptr<model>, py::handle, py::handle>())
        .def_property_readonly("images", [](const tensors& t) { return t.measured().images(); })
        .def("statistics",
             [](const tensors& t, py::handle thresholds, bool products) {
                 const hass::network_thresholds tau = thresholds_of(thresholds);
                 return unlocked([&] {
                     return std::make_shared<statistics_handle>(
                         statistics_handle{t.measured().at(tau, {products, products})});
                 });
             })
        .def("magnitudes", [](const tensors& t) {
            return unlocked([&] {
                return std::make_shared<magnitudes_handle>(
                    magnitudes_handle{t.measured().magnitudes()});
            });
        });
    py::class_<recorded>(m, "Recorded")
        .def(py::init([](const std::string& path) {
            return unlocked(
                [&] { return std::make_unique<recorded>(hass::read_statistics(path)); });
        }))
        .def_property_readonly("name", [](const recorded& r) { return r.network.name; })
        .def_property_readonly("images", [](const recorded& r) { return r.network.images; })
        .def("network",
             [](const recorded& r) {
                 auto net = std::make_shared<model>();
                 net->net = r.network.net;
                 net->source = r.network.name;
                 return net;
             })
        .def("statistics",
             [](const recorded& r, py::handle thresholds) {
                 const hass::network_thresholds tau = thresholds_of(thresholds);
                 return unlocked([&] {
                     return std::make_shared<statistics_handle>(
                         statistics_handle{r.network.statistics(tau)});
                 });
             })
        .def("accuracy",
             [](const recorded& r, py::handle thresholds) {
                 const hass::network_thresholds tau = thresholds_of(thresholds);
                 return py::make_tuple(r.accuracy.accuracy(tau), r.accuracy.top5_accuracy(tau));
             })
        .def("magnitudes", [](const recorded& r) {
            return std::make_shared<magnitudes_handle>(magnitudes_handle{r.network.magnitudes()});
        });
}

}  // namespace

void bind_statistics(py::module_& m) {
    bind_numbers(m);
    bind_measured(m);
    py::class_<axes>(m, "ThresholdAxes")
        .def(py::init<std::shared_ptr<model>, std::shared_ptr<magnitudes_handle>, double, double,
                      bool, std::vector<std::string>>())
        .def_property_readonly("names",
                               [](const axes& a) {
                                   std::vector<std::string> names;
                                   const hass::space where = a.held.where();
                                   for (const hass::axis& x : where.axes()) names.push_back(x.name);
                                   return names;
                               })
        .def("shortened",
             [](const axes& a, double reach) {
                 axes shorter = a;
                 shorter.held = a.held.shortened(reach);
                 return shorter;
             })
        .def("at", [](const axes& a,
                      py::handle point) { return to_python(a.held.at(numbers(point, "point"))); })
        // accuracy is Python's: called with arguments of hass.Thresholds
        .def("typical_reach", [](const axes& a, const py::function& accuracy, double floor,
                                 std::uint64_t seed, int draws, int steps) {
            const auto ask = [&](const hass::network_thresholds& t) {
                return number(accuracy(to_python(t)), "accuracy(thresholds)");
            };
            return hass::typical_reach(a.held, ask, floor, seed, draws, steps);
        });
}

}  // namespace hass_python
