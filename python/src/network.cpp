// Networks: from ONNX files, from rows, and those that the library has the rows of.
#include <algorithm>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx.hpp>

#include "binding.hpp"
#include "hass_search/foldings.hpp"

namespace hass_python {

namespace {

using hass::model;

std::vector<int> ints(py::handle row, const char* name, std::size_t count,
                      const std::string& what) {
    const std::string called = what + "." + name;
    std::vector<int> read;
    for (const py::object& x : items(field(row, name, what), called))
        read.push_back(small(x, called));
    if (read.size() != count)
        throw hass::error(hass::text_of({called, " has ", read.size(), " numbers, not ", count}));
    return read;
}

hass::shape shape_of(py::handle row, const char* name, const std::string& what) {
    const std::vector<int> s = ints(row, name, 3, what);
    return {s[0], s[1], s[2]};
}

hass::layer_row row_of(py::handle r, const std::string& what) {
    const auto at = [&](const char* name) { return field(r, name, what); };
    hass::layer_row row;
    row.kind = named<hass::layer_kind>(at("kind"), hass::layer_kind_names, what + ".kind");
    row.in = shape_of(r, "input", what), row.out = shape_of(r, "output", what);
    const std::vector<int> kernel = ints(r, "kernel", 2, what);
    const std::vector<int> stride = ints(r, "stride", 2, what);
    const std::vector<int> pad = ints(r, "pad", 4, what);
    const std::vector<int> dilation = ints(r, "dilation", 2, what);
    row.kernel_h = kernel[0], row.kernel_w = kernel[1];
    row.stride_h = stride[0], row.stride_w = stride[1];
    row.pad_top = pad[0], row.pad_left = pad[1], row.pad_bottom = pad[2], row.pad_right = pad[3];
    row.dilation_h = dilation[0], row.dilation_w = dilation[1];
    row.groups = small(at("groups"), what + ".groups");
    row.weight_bits = small(at("weight_bits"), what + ".weight_bits");
    row.data_bits = small(at("data_bits"), what + ".data_bits");
    row.widens = flag(at("widens"), what + ".widens");
    row.form = named<hass::function_form>(at("form"), hass::function_form_names, what + ".form");
    row.bias = flag(at("bias"), what + ".bias");
    row.ceil_mode = flag(at("ceil_mode"), what + ".ceil_mode");
    row.transposed = flag(at("transposed"), what + ".transposed");
    return row;
}

py::tuple to_python(const hass::shape& s) {
    return py::make_tuple(s.channels, s.height, s.width);
}

py::dict to_python(const hass::layer_row& r, const std::string& name) {
    py::dict d;
    d["kind"] = hass::name(r.kind);
    d["input"] = to_python(r.in), d["output"] = to_python(r.out);
    d["kernel"] = py::make_tuple(r.kernel_h, r.kernel_w);
    d["stride"] = py::make_tuple(r.stride_h, r.stride_w);
    d["pad"] = py::make_tuple(r.pad_top, r.pad_left, r.pad_bottom, r.pad_right);
    d["dilation"] = py::make_tuple(r.dilation_h, r.dilation_w);
    d["groups"] = r.groups;
    d["weight_bits"] = r.weight_bits, d["data_bits"] = r.data_bits, d["widens"] = r.widens;
    d["form"] = hass::name(r.form);
    d["bias"] = r.bias, d["ceil_mode"] = r.ceil_mode, d["transposed"] = r.transposed;
    d["name"] = name;
    return d;
}

std::shared_ptr<model> of_rows(py::handle rows, py::handle edges, const std::string& source) {
    auto made = std::make_shared<model>();
    made->source = source;
    hass::network& net = made->net;
    for (const py::object& r : items(rows, "rows")) {
        const std::string what = "rows[" + std::to_string(net.rows.size()) + "]";
        net.rows.push_back(row_of(r, what));
        const std::string name = text(field(r, "name", what), what + ".name");
        net.names.push_back(name.empty() ? hass::text_of({hass::name(net.rows.back().kind), " ",
                                                          net.rows.size() - 1})
                                         : name);
    }
    if (edges.is_none()) {
        for (int i = 0; i < static_cast<int>(net.rows.size()); ++i) net.edges.push_back({i - 1, i});
    } else {
        for (const py::object& e : items(edges, "edges")) {
            const std::string what = "edges[" + std::to_string(net.edges.size()) + "]";
            const std::vector<py::object> pair = items(e, what);
            if (pair.size() != 2) throw hass::error(what + " is no pair (from, to)");
            net.edges.push_back({small(pair[0], what), small(pair[1], what)});
        }
    }
    std::vector<std::string> sorted = net.names;
    std::sort(sorted.begin(), sorted.end());
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
        throw hass::error("rows: two are called '" + *twice + "'");
    hass::validate(net);
    return made;
}

std::shared_ptr<model> of_zoo(const std::string& name) {
    const hass::network_view rows = hass_search::rows_named(name);
    if (rows.size() == 0)
        throw hass::unknown_name("network", name, hass_search::networks_of_rows());
    auto made = std::make_shared<model>();
    made->source = name;
    made->net.rows.assign(rows.rows.begin(), rows.rows.end());
    made->net.edges.assign(rows.edges.begin(), rows.edges.end());
    for (std::size_t i = 0; i < rows.size(); ++i) made->net.names.push_back(name_of(rows, i));
    return made;
}

}  // namespace

void bind_network(py::module_& m) {
    py::class_<model, std::shared_ptr<model>>(m, "Network")
        .def_property_readonly("source", [](const model& n) { return n.source; })
        .def_property_readonly("names", [](const model& n) { return n.net.names; })
        .def_property_readonly("trained", [](const model& n) { return !n.parameters.empty(); })
        .def_property_readonly("macs", [](const model& n) { return hass::mac_count(n.net); })
        .def_property_readonly("weights", [](const model& n) { return hass::weight_count(n.net); })
        .def_property_readonly("image_shape",
                               [](const model& n) { return to_python(hass::image_shape(n)); })
        .def_property_readonly("inputs",
                               [](const model& n) {
                                   py::list all;
                                   for (const hass::model_input& i : n.inputs)
                                       all.append(py::make_tuple(i.name, to_python(i.each)));
                                   return all;
                               })
        .def_property_readonly("preprocessing",
                               [](const model& n) -> py::object {
                                   if (!n.input) return py::none();
                                   return py::make_tuple(n.input->scale, n.input->mean,
                                                         n.input->std);
                               })
        .def("edges",
             [](const model& n) {
                 py::list all;
                 for (const hass::edge& e : n.net.edges) all.append(py::make_tuple(e.from, e.to));
                 return all;
             })
        .def("rows",
             [](const model& n) {
                 py::list all;
                 for (std::size_t i = 0; i < n.net.rows.size(); ++i)
                     all.append(to_python(n.net.rows[i], n.net.names[i]));
                 return all;
             })
        .def("parameters",
             [](const model& n, std::size_t row, bool bias) {
                 if (row >= n.parameters.size())
                     throw hass::error(n.source + ": has no parameters of row " +
                                       std::to_string(row));
                 const std::vector<float>& v =
                     bias ? n.parameters[row].bias : n.parameters[row].weights;
                 return py::bytes(reinterpret_cast<const char*>(v.data()), 4 * v.size());
             })
        .def("__len__", [](const model& n) { return n.net.rows.size(); });
    m.def("of_rows", &of_rows);
    m.def("of_zoo", &of_zoo);
    m.def("zoo_names", &hass_search::networks_of_rows);
    m.def("load_onnx", [](const std::string& path, const std::string& output,
                          const std::vector<std::int64_t>& input_shape) {
        return unlocked([&] {
            return std::make_shared<model>(hass::load_onnx(path, {output, input_shape}));
        });
    });
}

}  // namespace hass_python
