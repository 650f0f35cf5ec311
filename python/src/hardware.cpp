// What hardware comes to: boards, engines, evaluate, allocate.
#include <hass/device/device_file.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/search/objective.hpp>
#include <hass/workload/model.hpp>
#include <mutex>

#include "binding.hpp"
#include "hass_search/engine_choice.hpp"

namespace hass_python {

namespace {

using hass::model;
using hass_python::to_python;
using hass_search::engine_choice;

/// A `hass.Device`.
hass::owned_device device_of(py::handle d) {
    const auto at = [&](const char* name) {
        return number(field(d, name, "device"), std::string("device.") + name);
    };
    hass::device read;
    read.budget = {at("dsp"), at("lut"), at("ff"), at("bram18"), at("uram"), at("bandwidth")};
    read.mhz = at("mhz");
    read.reconfiguration_s = at("reconfiguration_s");
    read.dsp_slice = named<hass::dsp_slice>(field(d, "dsp_slice", "device"), hass::dsp_slice_names,
                                            "device.dsp_slice");
    return {text(field(d, "name", "device"), "device.name"), read};
}

py::dict to_python(const hass::device& d) {
    py::dict all;
    all["name"] = d.name;
    all["dsp"] = d.budget.dsp, all["lut"] = d.budget.lut, all["ff"] = d.budget.ff;
    all["bram18"] = d.budget.bram18, all["uram"] = d.budget.uram;
    all["bandwidth"] = d.budget.bandwidth;
    all["mhz"] = d.mhz, all["reconfiguration_s"] = d.reconfiguration_s;
    all["dsp_slice"] = hass::name(d.dsp_slice);
    return all;
}

/// A `hass.Engine` on a board.
engine_choice engine_of(py::handle e, const hass::device& board) {
    const auto at = [&](const char* name) {
        return text(field(e, name, "engine"), std::string("engine.") + name);
    };
    const auto one_of = [&](const char* name, const std::vector<std::string>& known) {
        const std::string given = at(name);
        for (const std::string& k : known)
            if (k == given) return given;
        throw hass::unknown_name(std::string("engine.") + name, given, known);
    };
    std::vector<std::string> engines{"mixed"};
    for (const std::string& n : hass_search::engine_names) engines.push_back(n);
    hass_search::settings s;
    s.bits = small(field(e, "bits", "engine"), "engine.bits");
    if (s.bits < 1 || s.bits > 32) throw hass::error("engine.bits must be within 1 and 32");
    s.multipliers = one_of("multipliers", {"dsp", "either"});
    s.memories = one_of("memories", {"weights", "every"});
    s.requantise = one_of("requantise", {"shift", "dsp", "rtl"});
    const std::string resources = at("resources");
    if (!resources.ends_with(".json")) one_of("resources", hass_search::resource_flags);
    s.resources = resources, s.engine = one_of("name", engines);
    if (resources != "calibrated" &&
        (s.multipliers != "dsp" || s.memories != "weights" || s.requantise != "shift"))
        throw hass::error("engine: resource model '" + resources +
                          "' has no price for other multipliers, memories or requantisation");
    return hass_search::engines_named(resources, s.engine, s, board.dsp_slice);
}

hass::row_option option_of(py::handle o, const std::string& what) {
    const auto at = [&](const char* name) {
        return small(field(o, name, what), what + "." + name);
    };
    hass::row_option read;
    read.folding = {at("in_"),    at("out"),    at("group"), at("macs"),
                    at("vector"), at("shared"), at("pixels")};
    read.memory = named<hass::weight_memory>(field(o, "memory", what), hass::weight_memory_names,
                                             what + ".memory");
    read.maps = named<hass::weight_memory>(field(o, "maps", what), hass::weight_memory_names,
                                           what + ".maps");
    read.multipliers = named<hass::multiplier>(field(o, "multipliers", what),
                                               hass::multiplier_names, what + ".multipliers");
    read.engine = named<int>(field(o, "engine", what), hass_search::engine_names, what + ".engine");
    return read;
}

/// In the order of the fields of `hass.RowOption`.
py::list to_python(const hass::design& design) {
    py::list all;
    for (const hass::row_option& c : design) {
        const hass::parallelism& p = c.folding;
        all.append(py::make_tuple(hass_search::engine_names.at(static_cast<std::size_t>(c.engine)),
                                  p.in, p.out, p.group, p.macs, p.vector, p.shared, p.pixels,
                                  hass::name(c.multipliers), hass::name(c.memory),
                                  hass::name(c.maps)));
    }
    return all;
}

py::dict to_python(const hass::estimate& e) {
    py::dict d;
    d["interval_cycles"] = e.interval_cycles, d["bottleneck"] = e.bottleneck;
    d["link_cycles"] = e.link_cycles, d["images_per_second"] = e.images_per_second;
    d["fill_cycles"] = e.fill_cycles, d["latency_cycles"] = e.latency_cycles;
    d["single_image_cycles"] = e.single_image_cycles;
    d["total"] = to_python(e.total), d["between"] = to_python(e.between);
    d["image_gbit_s"] = e.image_gbit_s, d["bram18_from_lut"] = e.bram18_from_lut;
    d["fits"] = e.fits;
    return d;
}

py::dict to_python(const hass::certificate& c) {
    py::dict d;
    d["upper_bound_images_per_second"] = c.upper_bound_images_per_second;
    d["gap"] = c.gap, d["shares"] = c.shares, d["least_shares"] = c.least_shares;
    d["thriftiest"] = c.thriftiest, d["least_need"] = c.least_need;
    d["least_latency_cycles"] = c.least_latency_cycles, d["minimal"] = c.minimal;
    d["binding"] = c.binding ? py::object(py::str(std::string(hass::resources[*c.binding].name)))
                             : py::object(py::none());
    d["missing"] = c.missing, d["limiting_row"] = c.limiting_row, d["reason"] = c.reason;
    return d;
}

/// An allocator with all that it looks at; one call at a time.
class allocator {
  public:
    allocator(std::shared_ptr<model> net, py::handle engine, py::handle device)
        : net_(std::move(net)),
          board_(device_of(device)),
          engine_(engine_of(engine, board_.limits())),
          held_(unlocked([&] { return hass::allocator(net_->net, engine_, board_); })) {}

    hass::allocation solve(const statistics_handle& s) {
        return alone([&] { return held_.solve(s.held); });
    }
    hass::allocation update(std::size_t row, const statistics_handle& one) {
        return alone([&] { return held_.update(row, one.held.at(0)); });
    }
    hass::allocation least(const std::string& resource, double images_per_second) {
        std::vector<std::string> names;
        for (const hass::resource& r : hass::resources) {
            names.emplace_back(r.name);
            for (char& c : names.back()) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            if (names.back() == resource)
                return alone([&] { return held_.least(r.field, images_per_second); });
        }
        throw hass::unknown_name("resource", resource, names);
    }
    hass::allocation lowest_latency(bool alone_in_pipeline) {
        return alone([&] {
            return held_.lowest_latency(alone_in_pipeline ? hass::pace::own : hass::pace::interval);
        });
    }
    std::string uncertainty() const { return engine_.uncertainty; }

  private:
    template <class F>
    hass::allocation alone(F&& f) {
        return unlocked([&] {
            const std::scoped_lock lock(mutex_);
            return f();
        });
    }

    std::shared_ptr<model> net_;
    hass::owned_device board_;
    engine_choice engine_;
    hass::allocator<engine_choice> held_;
    std::mutex mutex_;
};

py::dict evaluate(const model& net, const statistics_handle& s, py::handle engine,
                  py::handle device, py::handle design) {
    const hass::owned_device board = device_of(device);
    const engine_choice engines = engine_of(engine, board.limits());
    hass::design chosen;
    if (s.held.size() != net.net.rows.size())
        throw hass::error(hass::text_of({"evaluate: statistics of ", s.held.size(),
                                         " layers for a network of ", net.net.rows.size()}));
    if (design.is_none())
        chosen.resize(net.net.rows.size());
    else
        for (const py::object& o : items(design, "design"))
            chosen.push_back(option_of(o, "design[" + std::to_string(chosen.size()) + "]"));
    return to_python(
        unlocked([&] { return hass::evaluate(net.net, s.held, engines, board, chosen); }));
}

/// HASS's objective of (accuracy, sparsity, images/s, DSPs): its value, whether it is feasible, the
/// constraints, and why it is not.
py::tuple judge(py::handle terms, py::handle dense, double board_dsp, py::handle weights,
                std::optional<double> floor) {
    const auto read = [](py::handle value, const char* what) {
        const std::vector<double> t = numbers(value, what);
        if (t.size() != 4) throw hass::error(std::string(what) + " are four numbers");
        return hass::measured_terms{t[0], t[1], t[2], t[3]};
    };
    const std::vector<double> l = numbers(weights, "weights");
    if (l.size() != 3) throw hass::error("weights are three: sparsity, throughput, DSPs");
    std::optional<hass::accuracy_floor> least;
    if (floor) least.emplace(*floor);
    const hass::hass_objective objective(read(dense, "dense"), board_dsp, {l[0], l[1], l[2]},
                                         least);
    const hass::measured_terms t = read(terms, "terms");
    const hass::outcome o = objective(t);
    return py::make_tuple(objective.value(t), o.is_ok(), py::cast(o.constraints()),
                          o.is_ok() ? std::string() : o.reason());
}

}  // namespace

void bind_hardware(py::module_& m) {
    m.def("device_names", [] {
        std::vector<std::string> names;
        for (const hass::device& d : hass::boards::catalogue) names.emplace_back(d.name);
        return names;
    });
    m.def("device_by_name",
          [](const std::string& name) { return to_python(hass::device_by_name(name).limits()); });
    m.def("engine_names", [] {
        std::vector<std::string> names{"mixed"};
        names.insert(names.end(), hass_search::engine_names.begin(),
                     hass_search::engine_names.end());
        return names;
    });
    m.def("evaluate", &evaluate);
    m.def("judge", &judge);
    py::class_<hass::allocation>(m, "Allocation")
        .def_readonly("fits", &hass::allocation::fits)
        .def_property_readonly(
            "images_per_second",
            [](const hass::allocation& a) { return a.estimate.images_per_second; })
        .def_property_readonly("dsp",
                               [](const hass::allocation& a) { return a.estimate.total.dsp; })
        .def("design", [](const hass::allocation& a) { return to_python(a.design); })
        .def("stages",
             [](const hass::allocation& a) {
                 py::list all;
                 for (const hass::stage_estimate& s : a.stages)
                     all.append(py::make_tuple(s.cycles, hass_python::to_python(s.cost)));
                 return all;
             })
        .def("estimate", [](const hass::allocation& a) { return to_python(a.estimate); })
        .def("certificate", [](const hass::allocation& a) { return to_python(a.certificate); });
    py::class_<allocator>(m, "Allocator")
        .def(py::init<std::shared_ptr<model>, py::handle, py::handle>())
        .def("solve", &allocator::solve)
        .def("update", &allocator::update)
        .def("least", &allocator::least)
        .def("lowest_latency", &allocator::lowest_latency)
        .def_property_readonly("uncertainty", &allocator::uncertainty);
}

}  // namespace hass_python
