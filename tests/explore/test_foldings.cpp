// Foldings of FINN and hls4ml: optimal against brute force, legal whatever the network, no worse than
// SetFolding, and written as those toolchains read them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/explore/finn_foldings.hpp>
#include <hass/explore/foldings.hpp>
#include <hass/explore/hls4ml_foldings.hpp>
#include <hass/report/toolchain_files.hpp>
#include <hass/workload/zoo.hpp>

// of its own: units of several files know other helpers
namespace foldings_test {

using namespace hass;
namespace finn = hass::finn;

namespace {

int between_numbers(std::mt19937& draw, int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(draw);
}

folding_problem random_problem(std::mt19937& draw) {
    folding_problem p;
    const int stages = between_numbers(draw, 2, 5);
    for (int i = 0; i < stages; ++i) {
        std::vector<folding_option>& options = p.add("stage " + std::to_string(i));
        for (int k = between_numbers(draw, 2, 6); k > 0; --k) {
            folding_option o;
            o.cycles = between_numbers(draw, 1, 20);
            o.needs = modelled_usage{}.without(ff_index);
            o.needs.value.lut = between_numbers(draw, 0, 40);
            o.needs.value.dsp = between_numbers(draw, 0, 10);
            o.bits_in = between_numbers(draw, 1, 3), o.bits_out = between_numbers(draw, 1, 3);
            options.push_back(o);
        }
        if (i > 0)
            p.streams.push_back({static_cast<std::size_t>(i) - 1, static_cast<std::size_t>(i)});
    }
    if (stages > 3) p.streams.push_back({0, 3});
    p.between = [](std::size_t, int from, int to) {
        modelled_usage u;
        u.value.lut = from == to ? 1.0 : 5.0 * std::abs(from - to);
        return u;
    };
    return p;
}

/// Calls visit(solution) for every choice there is.
template <class Visit>
void every_choice(const folding_problem& p, const device& board, Visit visit) {
    std::vector<std::size_t> at(p.size(), 0);
    for (;;) {
        visit(price(p, board, at));
        std::size_t i = 0;
        while (i < at.size() && ++at[i] == p.options(i).size()) at[i++] = 0;
        if (i == at.size()) return;
    }
}

// finn.md, "Legal foldings": written anew, from the text.
void check_divides(const finn::graph& g, const std::vector<finn::folding>& foldings) {
    REQUIRE(foldings.size() == g.nodes.size());
    for (std::size_t n = 0; n < foldings.size(); ++n) {
        INFO(g.nodes[n].name);
        const finn::folding& f = foldings[n];
        if (const auto* m = std::get_if<finn::mvau>(&g.nodes[n].kind)) {
            CHECK(m->mh % f.pe == 0);
            CHECK(m->mw % f.simd == 0);
            if (m->built == finn::back_end::hls) CHECK(1024LL * f.simd >= m->mw);
        } else if (const auto* v = std::get_if<finn::vvau>(&g.nodes[n].kind)) {
            CHECK(v->channels % f.pe == 0);
            CHECK(v->kernel % f.simd == 0);
            CHECK((f.simd == 1 || f.pe == v->channels));
            REQUIRE(std::holds_alternative<finn::sliding_window>(g.nodes[n - 1].kind));
            CHECK(foldings[n - 1].simd == f.pe);
            CHECK(foldings[n - 1].parallel_window == (f.simd > 1));
        } else if (const auto* w = std::get_if<finn::sliding_window>(&g.nodes[n].kind)) {
            CHECK(w->channels % f.simd == 0);
            if (f.parallel_window && !w->depthwise) CHECK(f.simd == w->channels);
        } else if (const auto* pad = std::get_if<finn::padding>(&g.nodes[n].kind)) {
            CHECK(pad->channels % f.simd == 0);
        } else if (const auto* l = std::get_if<finn::label_select>(&g.nodes[n].kind)) {
            CHECK(l->labels % f.pe == 0);
        } else if (const auto* pool = std::get_if<finn::window_pool>(&g.nodes[n].kind)) {
            CHECK(pool->channels % f.pe == 0);
            CHECK(foldings[n - 1].simd == f.pe);
        } else if (const auto* t = std::get_if<finn::thresholding>(&g.nodes[n].kind)) {
            CHECK(t->channels % f.pe == 0);
        } else if (const auto* a = std::get_if<finn::add_streams>(&g.nodes[n].kind)) {
            CHECK(a->channels % f.pe == 0);
        } else if (const auto* d = std::get_if<finn::duplicate_streams>(&g.nodes[n].kind)) {
            CHECK(d->channels % f.pe == 0);
        } else if (const auto* whole = std::get_if<finn::global_pool>(&g.nodes[n].kind)) {
            CHECK(whole->channels % f.pe == 0);
        } else {
            CHECK(std::holds_alternative<finn::streaming_max_pool>(g.nodes[n].kind));
        }
    }
}

// What ApplyConfig may set of these nodes.
const std::set<std::string> finn_keys{"PE",
                                      "SIMD",
                                      "ram_style",
                                      "resType",
                                      "mem_mode",
                                      "parallel_window",
                                      "ram_style_thresholds",
                                      "outFIFODepths"};

void check_written(const finn_foldings& of, const finn_design& d) {
    const auto file = nlohmann::ordered_json::parse(finn_config_text(of.graph(), d));
    std::vector<std::string> names;
    for (const auto& [name, node] : file.items()) {
        if (name == "Defaults") continue;
        names.push_back(name);
        for (const auto& [key, value] : node.items()) CHECK(finn_keys.count(key) == 1);
        if (node.contains("outFIFODepths"))
            for (const auto& depth : node.at("outFIFODepths")) CHECK(depth.get<int>() >= 2);
    }
    const auto report = nlohmann::json::parse(finn_report_text(of, d, finn::policy::published));
    CHECK(report.at("interval_cycles") == d.solution.interval_cycles);
    CHECK(report.at("resources").at("FF").is_null());
    CHECK(report.at("resources_of_what_is_modelled").at("LUT") == d.solution.total.value.lut);
    CHECK(report.at("nodes").size() == of.graph().nodes.size());
    std::vector<std::string> expected;
    for (const finn::node& n : of.graph().nodes) expected.push_back(n.name);
    CHECK(names == expected);
}

/// Converters and FIFOs between neighbours, each once.
double between_lut(const finn::graph& g, const finn_design& d) {
    double lut = 0.0;
    for (std::size_t e = 0; e < g.streams.size(); ++e) {
        const finn::stream& s = g.streams[e];
        const int from = finn::bits_out(finn::folded(g.nodes[s.from].kind, d.foldings[s.from]));
        const int to = finn::bits_in(finn::folded(g.nodes[s.to].kind, d.foldings[s.to]));
        const auto price = [](const auto& n) {
            return n.needs(finn::policy::published, finn::dsp_block::dsp48e2).value.lut;
        };
        finn::fifo first = finn::fifo::of(d.fifo_depths[e], from);
        if (first.style == finn::fifo_style::vivado) first.ram_style = finn::ram_style::block;
        lut += price(first);
        if (from != to)
            lut += price(finn::width_converter{from, to}) + price(finn::fifo::of(2, to));
    }
    return lut;
}

void check_design(const finn_foldings& of, const finn_design& d) {
    REQUIRE(d.solution.fits);
    check_divides(of.graph(), d.foldings);
    check_written(of, d);
    // whatever `fits` says includes converters: all of it again, node by node
    const finn_design again = of.evaluate(d.foldings);
    CHECK(again.solution.fits);
    CHECK(again.solution.interval_cycles == d.solution.interval_cycles);
    CHECK(again.solution.total.value.lut == d.solution.total.value.lut);
    CHECK(again.solution.total.value.dsp == d.solution.total.value.dsp);
    CHECK(again.solution.total.value.bram18 == d.solution.total.value.bram18);
    CHECK(again.solution.total.value.uram == d.solution.total.value.uram);
    CHECK(again.solution.between.value.lut == between_lut(of.graph(), d));
    CHECK_FALSE(d.solution.total.at(ff_index).has_value());
}

layer_row conv_row(std::mt19937& draw, const shape& in, int kernel, bool depthwise) {
    static const int widths[] = {3, 4, 6, 8, 12, 16};
    layer_row r;
    r.in = in;
    r.kernel_h = r.kernel_w = kernel;
    r.stride_h = r.stride_w = between_numbers(draw, 1, 2);
    if (between_numbers(draw, 0, 1) == 1)
        r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = kernel / 2;
    r.groups = depthwise ? in.channels : 1;
    r.out = {depthwise ? in.channels : widths[between_numbers(draw, 0, 5)],
             window_extent(in.height, kernel, r.stride_h, r.pad_top, r.pad_bottom),
             window_extent(in.width, kernel, r.stride_w, r.pad_left, r.pad_right)};
    return r;
}

network random_network(std::mt19937& draw) {
    network net;
    shape at{between_numbers(draw, 1, 4), 16, 16};
    const auto add = [&](layer_row r) {
        net.edges.push_back(
            {static_cast<int>(net.rows.size()) - 1, static_cast<int>(net.rows.size())});
        net.names.push_back("row" + std::to_string(net.rows.size()));
        at = r.out;
        net.rows.push_back(r);
    };
    const auto same = [&](layer_kind kind) {
        layer_row r;
        r.kind = kind, r.in = r.out = at;
        add(r);
    };
    for (int i = between_numbers(draw, 1, 4); i > 0; --i) {
        const int kernel = at.height >= 3 ? 1 + 2 * between_numbers(draw, 0, 1) : 1;
        add(conv_row(draw, at, kernel, between_numbers(draw, 0, 3) == 0));
        same(layer_kind::relu);
        if (between_numbers(draw, 0, 2) == 0) {  // a residual around one convolution
            const int from = static_cast<int>(net.rows.size()) - 1;
            layer_row r;
            r.in = r.out = at;
            r.kernel_h = r.kernel_w = 3;
            r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = 1;
            add(r);
            layer_row sum;
            sum.kind = layer_kind::add, sum.in = sum.out = at;
            add(sum);
            net.edges.insert(net.edges.end() - 1, {from, static_cast<int>(net.rows.size()) - 1});
            same(layer_kind::relu);
        }
        if (at.height >= 4 && between_numbers(draw, 0, 2) == 0) {
            layer_row r;
            r.kind = layer_kind::max_pool, r.in = at;
            r.kernel_h = r.kernel_w = between_numbers(draw, 2, 3);
            r.stride_h = r.stride_w = 2;
            r.out = {at.channels, window_extent(at.height, r.kernel_h, 2, 0, 0),
                     window_extent(at.width, r.kernel_w, 2, 0, 0)};
            add(r);
        }
    }
    layer_row whole;
    whole.kind = layer_kind::global_average_pool, whole.in = at, whole.out = {at.channels, 1, 1};
    add(whole);
    layer_row last;
    last.kind = layer_kind::linear, last.in = at, last.out = {10, 1, 1};
    add(last);
    return net;
}

}  // namespace

TEST_CASE("foldings are optimal: against every choice there is", "[foldings]") {
    std::mt19937 draw(1);
    int found = 0;
    for (int trial = 0; trial < 300; ++trial) {
        INFO("trial " << trial);
        const folding_problem p = random_problem(draw);
        device board{"small", {}, 100.0};
        board.budget = {.dsp = double(between_numbers(draw, 4, 30)),
                        .lut = double(between_numbers(draw, 20, 150)),
                        .ff = 1.0,
                        .bram18 = 1.0,
                        .bandwidth = 1.0};
        double interval = std::numeric_limits<double>::infinity();
        every_choice(p, board, [&](const folding_solution& s) {
            if (s.fits) interval = std::min(interval, s.interval_cycles);
        });
        folding_allocator a(p, board);
        const folding_solution best = a.fastest();
        REQUIRE(best.fits == (interval < 1e9));
        if (!best.fits) {
            CHECK_FALSE(best.reason.empty());
            continue;
        }
        ++found;
        CHECK(best.interval_cycles == interval);
        CHECK(best.gap == 0.0);
        const double wanted = interval + between_numbers(draw, 0, 6);
        double lut = std::numeric_limits<double>::infinity();
        every_choice(p, board, [&](const folding_solution& s) {
            if (s.fits && s.interval_cycles <= wanted) lut = std::min(lut, s.total.value.lut);
        });
        const folding_solution least = a.least(&usage::lut, 1e8 / wanted * (1 - 1e-12));
        REQUIRE(least.fits);
        CHECK(least.total.value.lut >= lut);
        CHECK(least.least_need <= lut);
        if (least.gap == 0.0) CHECK(least.total.value.lut == lut);
        CHECK_THROWS_WITH(a.least(&usage::ff, 1.0), Catch::Contains("not modelled"));
    }
    CHECK(found > 100);
}

TEST_CASE("whatever FINN's nodes are folded to is legal, and converters are priced",
          "[foldings][finn]") {
    std::mt19937 draw(7);
    for (int trial = 0; trial < 40; ++trial) {
        INFO("trial " << trial);
        const network net = random_network(draw);
        finn::build how;
        how.weight_bits = between_numbers(draw, 1, 8);
        how.activation_bits = between_numbers(draw, 1, 8);
        how.standalone_thresholds = how.activation_bits > 3;
        const device board =
            boards::catalogue[static_cast<std::size_t>(between_numbers(draw, 0, 21))];
        how.dsp = finn::dsp_block_of(board.dsp_slice);
        const auto which = finn::policy(between_numbers(draw, 0, 1));
        finn_foldings of(net, how, board, which);
        const finn_design best = of.fastest();
        check_design(of, best);
        const finn_design least = of.least(&usage::lut, best.solution.images_per_second / 7.0);
        check_design(of, least);
        CHECK(least.solution.images_per_second >= best.solution.images_per_second / 7.0);
        CHECK(least.solution.total.value.lut <= best.solution.total.value.lut);
        for (const double target : {10.0, 300.0, 10000.0}) {
            const auto set = set_folding(of.graph(), {target});
            check_divides(of.graph(), set);
        }
    }
}

TEST_CASE("CNV: nodes as FINN names them; faster than SetFolding within a pynq-z2",
          "[foldings][finn]") {
    finn::build how{1, 1, 8, 0, false};
    how.dsp = finn::dsp_block::dsp48e1;
    finn_foldings of(zoo::cnv, how, boards::pynq_z2{});
    const std::set<std::string> some{"MVAU_hls_0", "MVAU_hls_8", "LabelSelect_hls_0",
                                     "ConvolutionInputGenerator_rtl_5", "StreamingMaxPool_hls_1"};
    std::set<std::string> names;
    for (const finn::node& n : of.graph().nodes) names.insert(n.name);
    CHECK(names.size() == 18);  // as the synthesised CNV of finn_synthesis.json, image aside
    for (const std::string& n : some) CHECK(names.count(n) == 1);
    const finn_design best = of.fastest();
    check_design(of, best);
    CHECK(best.solution.gap == 0.0);
    double set_fastest = 0.0;
    for (double target = 2000.0; target < 4e6; target *= 1.05) {
        const auto f = set_folding(of.graph(), {target});
        check_divides(of.graph(), [&] {
            // SetFolding does not know that HLS refuses SIMD < MW / 1024
            auto ours = f;
            for (std::size_t n = 0; n < ours.size(); ++n)
                if (const auto* m = std::get_if<finn::mvau>(&of.graph().nodes[n].kind))
                    if (1024LL * ours[n].simd < m->mw) ours[n].simd = m->mw;
            return ours;
        }());
        try {
            const finn_design set = of.evaluate(f);
            if (!set.solution.fits) continue;
            set_fastest = std::max(set_fastest, set.solution.images_per_second);
            const finn_design same = of.least(&usage::lut, set.solution.images_per_second);
            REQUIRE(same.solution.fits);
            CHECK(same.solution.total.value.lut <=
                  set.solution.total.value.lut * (1.0 + same.solution.gap));
        } catch (const error& refused) {
            CHECK_THAT(refused.what(), Catch::Contains("SIMD is below MW / 1024"));
        }
    }
    CHECK(set_fastest > 0.0);
    CHECK(best.solution.images_per_second >= set_fastest);
    CHECK_THROWS_WITH(of.evaluate({}), Catch::Contains("0 foldings for 18 nodes"));
    device tiny = boards::pynq_z2::value;
    tiny.budget.lut = 3000;
    finn_foldings none(zoo::cnv, how, tiny);
    CHECK_FALSE(none.fastest().solution.fits);
    CHECK_THAT(none.fastest().solution.reason, Catch::Contains("LUT"));
}

TEST_CASE("FINN: rows without a node are refused by name", "[foldings][finn]") {
    CHECK_THROWS_WITH(finn::graph_of(zoo::mobilenet_v3_small), Catch::Contains("hardswish"));
    network grouped;
    layer_row r;
    r.in = {8, 4, 4}, r.out = {8, 4, 4}, r.groups = 2;
    grouped.rows = {r}, grouped.edges = {{-1, 0}};
    const finn::graph as_dense = finn::graph_of(grouped);
    REQUIRE(as_dense.notes.size() == 1);
    CHECK_THAT(as_dense.notes[0], Catch::Contains("2 groups of 4 channels"));
    layer_row dense = r;
    dense.groups = 1;
    network ungrouped = grouped;
    ungrouped.rows = {dense};
    const finn::graph same = finn::graph_of(ungrouped);
    CHECK(same.notes.empty());
    REQUIRE(as_dense.nodes.size() == same.nodes.size());
    for (std::size_t n = 0; n < same.nodes.size(); ++n)
        CHECK(as_dense.nodes[n].kind == same.nodes[n].kind);
    r.kind = layer_kind::matmul, r.groups = 1;
    grouped.rows = {r};
    CHECK_THROWS_WITH(finn::graph_of(grouped), Catch::Contains("matmul"));
    CHECK_THROWS_WITH(finn::graph_of(zoo::cnv, {9, 4}), Catch::Contains("1 to 8 bits"));
}

TEST_CASE("hls4ml: fewest DSPs at a throughput, within budgets of what is modelled",
          "[foldings][hls4ml]") {
    hls4ml::build how;
    device board = boards::pynq_z2::value;
    hls4ml_foldings of(zoo::cnv, how, board);
    const hls4ml_design best = of.fastest();
    REQUIRE(best.solution.fits);
    CHECK(best.solution.gap == 0.0);
    CHECK(best.layers.size() == 9);
    CHECK(best.solution.total.value.dsp <= board.budget.dsp);
    for (const std::size_t r : {lut_index, ff_index, bram18_index, uram_index})
        CHECK_FALSE(best.solution.total.at(r).has_value());
    for (const hls4ml::layer& l : best.layers) CHECK(l.refusal().empty());
    const hls4ml_design least = of.least(&usage::dsp, best.solution.images_per_second / 4.0);
    REQUIRE(least.solution.fits);
    CHECK(least.solution.total.value.dsp < best.solution.total.value.dsp);
    CHECK_THROWS_WITH(of.least(&usage::lut, 1.0), Catch::Contains("LUT, which is not modelled"));
    const std::string yaml = hls4ml_config_text(least);
    const auto report = nlohmann::json::parse(hls4ml_report_text(of, least));
    CHECK(report.at("resources").at("LUT").is_null());
    CHECK(report.at("resources").at("DSP") == least.solution.total.value.dsp);
    CHECK_THAT(yaml, Catch::StartsWith("IOType: io_stream\nHLSConfig:\n"));
    CHECK_THAT(yaml, Catch::Contains("ReuseFactor: " + std::to_string(least.layers[0].reuse)));
    CHECK_THROWS_WITH(hls4ml_foldings(zoo::mobilenet_v1, how, board), Catch::Contains("groups"));
}

}  // namespace foldings_test
