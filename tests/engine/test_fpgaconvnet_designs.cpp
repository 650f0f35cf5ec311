// Whole designs of the public explorer, evaluated with its own parallelism.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/fpgaconvnet/pipeline.hpp>
#include <hass/pipeline/evaluate.hpp>

#include "golden.hpp"

namespace {

using golden::json;

hass::layer_row row_of(const json& s) {
    hass::layer_row r;
    r.in = {s.at("channels_in"), s.at("rows_in"), s.at("cols_in")};
    r.out = {s.at("channels_out"), s.at("rows_out"), s.at("cols_out")};
    r.kernel_h = s.value("kernel_rows", 1), r.kernel_w = s.value("kernel_cols", 1);
    r.stride_h = s.value("stride_rows", 1), r.stride_w = s.value("stride_cols", 1);
    r.pad_top = s.value("pad_top", 0), r.pad_bottom = s.value("pad_bottom", 0);
    r.pad_left = s.value("pad_left", 0), r.pad_right = s.value("pad_right", 0);
    r.groups = s.value("groups", 1);
    r.bias = s.value("has_bias", 0) != 0;
    return r;
}

hass::window_histogram binomial(const hass::layer_row& row, double sparsity) {
    hass::window_histogram h{1, hass::taps(row), {}};
    const auto share = hass::binomial_window(h.length, 1.0 - sparsity);
    for (int c = 0; c < row.in.channels; ++c)
        h.share.insert(h.share.end(), share.begin(), share.end());
    return h;
}

hass::fpgaconvnet::stage compute(const json& s, hass::layer_row row, double sparsity) {
    using hass::fpgaconvnet::stage_kind;
    const hass::row_option c{
        {s.at("coarse_in"), s.at("coarse_out"), s.value("coarse_group", 1), s.value("fine", 1), 1},
        s.at("use_uram").get<bool>() ? hass::weight_memory::uram : hass::weight_memory::bram18,
        0};
    const hass::precision width{s.at("data_bits"), s.at("weight_bits"), 32};
    REQUIRE(s.at("stream_weights") == 0);
    hass::fpgaconvnet::stage_kind kind = hass::fpgaconvnet::stage_kind::dense;
    if (s.at("type") == "INNER_PRODUCT") {
        row.kind = hass::layer_kind::linear;
        kind = hass::fpgaconvnet::stage_kind::inner_product;
    } else if (s.at("op_type") == "sparse") {
        kind = hass::fpgaconvnet::stage_kind::sparse;
    } else if (s.at("op_type") == "pointwise_sparse") {
        kind = hass::fpgaconvnet::stage_kind::pointwise;
    }
    const hass::window_histogram windows = binomial(row, sparsity);
    return hass::fpgaconvnet::compute_stage(kind, row, c, width, &windows,
                                            s.value("skip_all_zero_window", true));
}

hass::fpgaconvnet::stage stage(const json& s, double sparsity) {
    const std::string type = s.at("type");
    hass::layer_row row = row_of(s);
    const hass::precision width{s.at("data_bits"), 16, 30};
    const int streams = s.at("coarse_in");
    if (type == "CONVOLUTION" || type == "INNER_PRODUCT") return compute(s, row, sparsity);
    if (type == "SQUEEZE")
        return hass::fpgaconvnet::squeeze_stage(row.in, streams, s.at("coarse_out"), width);
    if (type == "SPLIT")
        return hass::fpgaconvnet::split_stage(row.in, s.at("ports_out"), streams, width);
    const std::map<std::string, hass::layer_kind> kinds{
        {"RELU", hass::layer_kind::relu},
        {"POOLING", hass::layer_kind::max_pool},
        {"AVERAGE_POOLING", hass::layer_kind::global_average_pool},
        {"ELTWISE", hass::layer_kind::add}};
    row.kind = kinds.at(type);
    return hass::fpgaconvnet::plain_stage(row, streams, width);
}

void check(const hass::usage& u, const json& expected) {
    CHECK(u.lut == expected.at("LUT").get<double>());
    CHECK(u.ff == expected.at("FF").get<double>());
    CHECK(u.dsp == expected.at("DSP").get<double>());
    CHECK(u.bram18 == expected.at("BRAM").get<double>());
    CHECK(u.uram == expected.value("URAM", 0.0));
}

}  // namespace

TEST_CASE("published model: whole designs of the public explorer", "[golden]") {
    const json file = golden::read("fpgaconvnet_designs.json");
    for (const auto& [name, design] : file.items()) {
        if (name.front() == '_') continue;
        INFO("design " << name);
        const json& recorded = design.at("stages");
        std::map<std::string, std::size_t> index;
        std::vector<hass::fpgaconvnet::stage> stages;
        for (const json& s : recorded) {
            stages.push_back(stage(s, design.at("pair_sparsity")));
            index[s.at("name")] = stages.size() - 1;
            for (const json& input : s.at("inputs"))
                stages.back().inputs.push_back(index.at(input.get<std::string>()));
        }
        hass::fpgaconvnet::add_fifos(stages);
        for (std::size_t i = 0; i < stages.size(); ++i) {
            INFO("stage " << recorded[i].at("name"));
            CHECK(std::abs(stages[i].latency - recorded[i].at("cycles").get<double>()) <= 1.0);
            check(stages[i].cost, recorded[i].at("resources"));
        }
        const hass::usage u250{12288, 1728000, 3456000, 5376, 1280, 614.4};
        const hass::fpgaconvnet::totals t = hass::fpgaconvnet::total(stages, u250);
        const json& summary = design.at("summary");
        check(t.raw, summary.at("rsc_raw"));
        check(t.reported, summary.at("rsc_reported"));
        CHECK(t.interval_cycles == summary.at("interval").get<double>());
        CHECK(t.depth_cycles == Approx(summary.at("pipeline_depth").get<double>()).epsilon(1e-10));
        CHECK(hass::fpgaconvnet::batch_cycles(t, design.at("batch")) ==
              design.at("network").at("cycles"));
    }
}

namespace {

using list = hass::engine_list<hass::fpgaconvnet::dense_dot<>, hass::fpgaconvnet::sparse_dot<>>;

/// A recorded design as rows, options and edges, without the squeezes and splits between them.
struct recorded_design {
    hass::network net;
    hass::design chosen;
    hass::usage stages{};    ///< rows and the squeezes between them, as recorded, less FIFOs
    hass::usage by_split{};  ///< splits, and the squeezes in front of and behind them
};

recorded_design rows_of(const json& recorded) {
    recorded_design d;
    std::map<std::string, int> row_of_stage;  // the row whose output a stage has
    std::map<std::string, std::string> type;
    for (const json& s : recorded) type[s.at("name")] = s.at("type");
    const auto splits = [&](const std::string& name) { return type.at(name) == "SPLIT"; };
    std::vector<std::string> in_front;  // of splits
    for (const json& s : recorded)
        if (s.at("type") == "SPLIT") in_front.push_back(s.at("inputs").at(0));
    for (const json& s : recorded) {
        const std::string name = s.at("name"), kind = s.at("type");
        const hass::usage cost = stage(s, 0.5).cost;
        if (kind == "SPLIT" || kind == "SQUEEZE") {
            const std::string from = s.at("inputs").at(0);
            row_of_stage[name] = row_of_stage.at(from);
            const bool at_split = kind == "SPLIT" || splits(from) ||
                                  std::count(in_front.begin(), in_front.end(), name) > 0;
            (at_split ? d.by_split : d.stages) += cost;
            continue;
        }
        hass::layer_row row = ::row_of(s);
        hass::row_option c{{s.at("coarse_in"), 1, 1, 1, 1}, hass::weight_memory::bram18, 0};
        const bool linear = kind == "INNER_PRODUCT";
        if (linear) row.kind = hass::layer_kind::linear;
        if (kind == "CONVOLUTION" || linear) {
            c.folding = {s.at("coarse_in"), s.at("coarse_out"), s.value("coarse_group", 1),
                         s.value("fine", 1), 1};
            if (s.at("use_uram").get<bool>()) c.memory = hass::weight_memory::uram;
            c.engine = !linear && s.at("op_type") != "dense" ? 1 : 0;
        } else {
            const std::map<std::string, hass::layer_kind> kinds{
                {"RELU", hass::layer_kind::relu},
                {"POOLING", hass::layer_kind::max_pool},
                {"AVERAGE_POOLING", hass::layer_kind::global_average_pool},
                {"ELTWISE", hass::layer_kind::add}};
            row.kind = kinds.at(kind);
        }
        // the explorer's pools accumulate 30 bits, its convolutions 32: here both are the engine's
        const hass::precision width{s.at("data_bits"), 16, 32};
        d.stages += row.kind == hass::layer_kind::global_average_pool
                        ? hass::fpgaconvnet::plain_stage(row, c.folding.in, width).cost
                        : cost;
        const int index = static_cast<int>(d.net.rows.size());
        row_of_stage[name] = index;
        for (const json& input : s.at("inputs"))
            d.net.edges.push_back({row_of_stage.at(input.get<std::string>()), index});
        if (s.at("inputs").empty()) d.net.edges.push_back({hass::network_input, index});
        d.net.rows.push_back(row), d.chosen.push_back(c);
    }
    return d;
}

}  // namespace

TEST_CASE("evaluate at recorded foldings: the recorded stages and squeezes", "[golden]") {
    const json file = golden::read("fpgaconvnet_designs.json");
    for (const auto& [name, design] : file.items()) {
        if (name.front() == '_') continue;
        INFO("design " << name);
        const recorded_design d = rows_of(design.at("stages"));
        list engines;
        const json& first = design.at("stages").at(0);
        const hass::precision width{first.at("data_bits"), first.at("weight_bits"), 32};
        std::get<0>(engines.engines).widths = std::get<1>(engines.engines).widths = width;
        const hass::estimate e = hass::evaluate(d.net, hass::uniform_sparsity(0.5), engines,
                                                hass::boards::u250{}, d.chosen);
        // The explorer's splits are stages that it folds by themselves (to one stream in these
        // designs), with squeezes in front of and behind them. Here a stage's output is copied as
        // wide as it is, and every copy is squeezed.
        const hass::network_streams streams(d.net);
        hass::usage copies;
        for (std::size_t i = 0; i < d.net.rows.size(); ++i)
            copies += hass::split_cost(engines, hass::words_out(d.net.rows[i], d.chosen[i]),
                                       streams.ends(i).copies);
        for (const hass::stream_edge& s : streams.edges())
            if (streams.ends(s.from).copies > 1)
                copies += hass::squeeze_cost(engines,
                                             hass::words_out(d.net.rows[s.from], d.chosen[s.from]),
                                             hass::words_in(d.net.rows[s.to], d.chosen[s.to]));
        hass::usage raw = e.total;
        if (e.bram18_from_lut > 0.0) {
            raw.bram18 += e.bram18_from_lut;
            raw.lut -= 288.0 * e.bram18_from_lut;
        }
        raw.bandwidth = 0.0;
        const hass::usage expected = d.stages + copies;
        CHECK(raw.dsp == expected.dsp);
        CHECK(raw.lut == Approx(expected.lut).epsilon(1e-12));
        CHECK(raw.ff == Approx(expected.ff).epsilon(1e-12));
        CHECK(raw.bram18 == Approx(expected.bram18).epsilon(1e-12));
        CHECK(raw.uram == expected.uram);
        CHECK(e.between.lut > 0.9 * copies.lut);
        WARN(name << ": splits " << d.by_split.lut << " LUT as recorded, " << copies.lut
                  << " here; FIFOs of additions "
                  << design.at("summary").at("rsc_raw").at("BRAM").get<double>() -
                         (d.stages.bram18 + d.by_split.bram18)
                  << " BRAM18");
    }
}
