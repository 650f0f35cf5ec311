// Generated designs of small networks, built by Verilator and run: answers bit for bit, cycles beside
// those of `evaluate`.
#include "integer_networks.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/rtl/write_rtl.hpp>

namespace fs = std::filesystem;
using namespace rtl_test;

namespace {

constexpr auto image = hass::network_input;

struct run {
    std::vector<values> answers;  // of each image: the last row's stream
    std::map<std::string, double> numbers;
};

/// Channel by channel to pixel by pixel.
values streamed(const values& map, const hass::shape& s) {
    values stream;
    for (std::int64_t p = 0; p < s.pixels(); ++p)
        for (int c = 0; c < s.channels; ++c)
            stream.push_back(map[static_cast<std::size_t>(c * s.pixels() + p)]);
    return stream;
}

/// Builds the design in `folder` once, and simulates it; at full speed twice, one after the other.
run simulate(const fs::path& folder, const std::vector<values>& images, std::size_t answers,
             int pauses, double pace = 0.0) {
    {
        std::ofstream out(folder / "images", std::ios::binary);
        for (const values& i : images)
            for (const std::int64_t v : i) {
                const auto x = static_cast<std::int32_t>(v);
                out.write(reinterpret_cast<const char*>(&x), sizeof x);
            }
    }
    const std::string make = "make -s -C " + folder.string() +
                             " run VERILATOR=" HASS_VERILATOR
                             " IMAGES=images ANSWERS=answers PAUSES=" +
                             std::to_string(pauses) + " PACE=" + std::to_string(pace) +
                             (pauses == 0 && pace == 0.0 ? " PASSES=2" : "") + " > " +
                             (folder / "log").string() + " 2>&1";
    const int status = std::system(make.c_str());
    std::ifstream log(folder / "log");
    std::stringstream text;
    text << log.rdbuf();
    INFO(text.str());
    REQUIRE(status == 0);
    run r;
    std::string word, name;
    while (text >> word) {
        if (word == "busy" || word == "held") text >> name, word += " " + name;
        double x = 0.0;
        if (text >> x) r.numbers[word] = x;
    }
    std::ifstream in(folder / "answers", std::ios::binary);
    values one;
    for (std::int32_t x; in.read(reinterpret_cast<char*>(&x), sizeof x);) {
        one.push_back(x);
        if (one.size() == answers) r.answers.push_back(std::move(one)), one.clear();
    }
    return r;
}

using kind = hass::rtl::engine_kind;

/// Also the long way: HASS_RTL_IMAGES=100, and with HASS_RTL_ALL every network on every engine, at 8 and
/// at 16 bits.
std::size_t images_of_run() {
    const char* images = std::getenv("HASS_RTL_IMAGES");
    return images == nullptr ? 8 : static_cast<std::size_t>(std::atoi(images));
}
bool runs_all() {
    return std::getenv("HASS_RTL_ALL") != nullptr;
}

void each_option(kind engine, const hass::layer_row& row,
                 const std::function<void(const hass::row_option&)>& visit) {
    if (!hass::is_compute(row)) return hass::for_each_stage(row, visit);
    if (engine == kind::lanes) return hass::lane_dot<>{}.for_each(row, visit);
    if (engine == kind::lists) return hass::list_dot<>{}.for_each(row, visit);
    if (engine == kind::spe) return hass::sparse_dot<>{}.for_each(row, visit);
    hass::dense_dot<>{}.for_each(row, visit);
}

/// The options of every row, the n-th of those that the modules can do; dense ones, as the second engine,
/// where the engine has none.
hass::design design_of(const hass::network_view& net, std::size_t n, kind engine = kind::dense,
                       int most = 12) {
    hass::design design;
    for (std::size_t i = 0; i < net.size(); ++i) {
        std::vector<hass::row_option> options;
        for (const int second : {0, 1}) {
            const kind with = second == 0 ? engine : kind::dense;
            each_option(with, net[i], [&](hass::row_option c) {
                const hass::parallelism& p = c.folding;
                const bool built =
                    !hass::is_compute(net[i]) || hass::rtl::missing_module(net[i], c, with).empty();
                c.engine = hass::is_compute(net[i]) ? second : 0;
                if (built && c.memory == hass::weight_memory::bram18 &&
                    hass::engine_count(p) * p.macs <= most)
                    options.push_back(c);
            });
            if (!options.empty()) break;
        }
        if (net[i].kind == hass::layer_kind::concat) options.resize(1);
        design.push_back(options[(n * (i + 3)) % options.size()]);
    }
    return design;
}

void check(const std::string& name, network_builder& builder, const hass::design& design,
           kind engine = kind::dense) {
    const std::size_t count = images_of_run();
    const hass::integer_network& net = builder.network();
    const hass::network_view view = net.net;
    const fs::path folder = fs::temp_directory_path() / ("hass_rtl_" + name);
    hass::write_rtl(folder, net, design, {.name = name, .engines = {engine, kind::dense}});
    std::vector<values> images, expected;
    for (std::size_t i = 0; i < count; ++i) {
        const values x = builder.image(0.1 * static_cast<double>(i % 5));
        images.push_back(streamed(x, hass::input_shape(view)));
        expected.push_back(streamed(reference(net, x).back(), view[view.size() - 1].out));
    }
    run r;
    for (const int pauses : {40, 0}) {
        r = simulate(folder, images, expected.front().size(), pauses);
        INFO(name << ", idle in " << pauses << " of 100 cycles");
        CHECK(r.answers == expected);
    }
    if (engine != kind::dense) {
        if (std::getenv("HASS_KEEP") == nullptr) fs::remove_all(folder);
        return;
    }
    const hass::estimate e = hass::evaluate(view, hass::dense_statistics{}, hass::dense_dot<>{},
                                            hass::boards::zcu104{}, design);
    const run paced = simulate(folder, images, expected.front().size(), 0, e.interval_cycles);
    CHECK(paced.answers == expected);
    r.numbers["fill"] = paced.numbers.at("fill");
    CHECK(r.numbers["interval"] == Approx(e.interval_cycles).epsilon(0.02));
    std::printf("%-24s interval %9.1f / %9.1f (%+.1f %%)  fill %8.0f / %8.0f (%+.1f %%)\n",
                name.c_str(), r.numbers["interval"], e.interval_cycles,
                100.0 * (r.numbers["interval"] / e.interval_cycles - 1.0), r.numbers["fill"],
                e.fill_cycles, 100.0 * (r.numbers["fill"] / e.fill_cycles - 1.0));
    for (std::size_t i = 0; i < view.size(); ++i) {
        const auto at = r.numbers.find("busy " + hass::rtl::row_view{net, i, design[i]}.id());
        if (at == r.numbers.end()) continue;
        const double cycles = hass::row_cycles(hass::dense_dot<>{}, view[i], {}, design[i]);
        std::printf("    %-30s busy %9.1f / %9.1f\n", at->first.c_str() + 5, at->second, cycles);
        CHECK(at->second <= 1.02 * cycles);
    }
    if (std::getenv("HASS_KEEP") == nullptr) fs::remove_all(folder);
}

/// A network under way, and what it is called.
struct example {
    const char* name;
    network_builder (*make)(int bits);
};

network_builder strides(int bits) {
    network_builder b({4, 12, 12}, bits, 2);
    int x = b.convolution(image, 8, 3, 2, 1, 1, true);
    x = b.convolution(x, 8, 3, 1, 1, 8, true);
    x = b.convolution(x, 12, 1);
    x = b.relu(x);
    x = b.pool(hass::layer_kind::max_pool, x, 2, 2);
    x = b.pool(hass::layer_kind::average_pool, x, 2, 1);
    b.linear(b.flatten(x), 10);
    return b;
}
network_builder joins(int bits) {
    network_builder b({4, 10, 10}, bits, 3);
    const int first = b.convolution(image, 8, 3, 1, 1);
    int x = b.convolution(first, 8, 3, 1, 1, 1, true);
    x = b.convolution(x, 8, 1);
    x = b.add(x, first);
    const int gate = b.table(b.global_pool(x));
    x = b.multiply(x, gate);
    const int deep = b.convolution(x, 8, 3, 1, 1, 8);
    x = b.concat({x, deep, b.convolution(x, 4, 1)});
    x = b.global_pool(x);
    b.linear(b.flatten(x), 5);
    return b;
}
/// The first block of ResNet-18's second stage, and the one behind it, of fewer channels.
network_builder resnet_stage(int bits) {
    network_builder b({8, 12, 12}, bits, 5);
    int x = b.convolution(image, 16, 3, 2, 1, 1, true);
    x = b.convolution(x, 16, 3, 1, 1);
    x = b.relu(b.add(x, b.convolution(image, 16, 1, 2)));
    int y = b.convolution(x, 16, 3, 1, 1, 1, true);
    y = b.convolution(y, 16, 3, 1, 1);
    b.relu(b.add(y, x));
    return b;
}
/// MobileNetV2's inverted residual, of fewer channels.
network_builder inverted_residual(int bits) {
    network_builder b({8, 8, 8}, bits, 6);
    int x = b.convolution(image, 24, 1, 1, 0, 1, true);
    x = b.convolution(x, 24, 3, 1, 1, 24, true);
    x = b.convolution(x, 8, 1);
    b.add(x, image);
    return b;
}

constexpr example strides_and_pools{"strides", strides};
constexpr example of_all_joins{"joins", joins};
constexpr example of_resnet18{"resnet", resnet_stage};
constexpr example of_mobilenetv2{"inverted", inverted_residual};

void check(const example& e, int bits, std::size_t n, kind engine) {
    constexpr const char* names[] = {"dense", "spe", "lanes", "lists"};
    network_builder b = e.make(bits);
    const std::string name = std::string(e.name) + "_" + names[static_cast<int>(engine)] + "_" +
                             std::to_string(bits) + "_" + std::to_string(n);
    check(name, b, design_of(b.network().net, n, engine), engine);
}

}  // namespace

// The second one is the slower one, and its windows pass pixels without one at two channels a cycle.
TEST_CASE("a convolution, and a strided one of wider words", "[write_rtl]") {
    network_builder b({3, 8, 8}, 8, 1);
    b.convolution(b.convolution(image, 8, 3, 1, 1), 8, 3, 2, 1, 8);
    hass::design design(2);
    design[0].folding = {.in = 3, .macs = 9};
    design[1].folding = {.group = 2};
    check("convolution", b, design);
}

TEST_CASE("strides, depthwise and pointwise rows, pools", "[write_rtl]") {
    check(strides_and_pools, 16, 7, kind::lists);
}

TEST_CASE("a skip, a gate, a concatenation, a table", "[write_rtl]") {
    check(of_all_joins, 8, 1, kind::dense);
}

TEST_CASE("a stage of ResNet-18, an inverted residual", "[write_rtl]") {
    check(of_resnet18, 8, 5, kind::lanes);
    check(of_mobilenetv2, 16, 2, kind::spe);
}

TEST_CASE("every network on every engine", "[write_rtl]") {
    if (!runs_all()) return;
    for (const example& e : {strides_and_pools, of_all_joins, of_resnet18, of_mobilenetv2})
        for (const int bits : {8, 16})
            for (const kind engine : {kind::dense, kind::spe, kind::lanes, kind::lists})
                check(e, bits, 11, engine);
}

TEST_CASE("the paper's SPE, sixteen bits", "[write_rtl]") {
    network_builder b({4, 8, 8}, 16, 4);
    const int x = b.convolution(image, 6, 3, 1, 1, 1, true, 0.5);
    b.convolution(x, 4, 1, 1, 0, 1, false, 0.5);
    hass::design design(2);
    design[0].folding = {.in = 2, .out = 3, .macs = 2};
    design[1].folding = {.out = 2, .macs = 1, .vector = 2};
    check("spe", b, design, kind::spe);
}

TEST_CASE("what no module does is named before anything is written", "[write_rtl]") {
    const fs::path folder = fs::temp_directory_path() / "hass_rtl_refused";
    fs::remove_all(folder);
    network_builder b({4, 8, 8}, 8, 1);
    b.convolution(b.convolution(image, 8, 3, 1, 1), 8, 3, 1, 1, 2);
    hass::design design(2);
    const auto refuses = [&](const std::string& what) {
        CHECK_THROWS_WITH(hass::write_rtl(folder, b.network(), design),
                          Catch::Matchers::Contains(what));
        CHECK_FALSE(fs::exists(folder));
        CHECK_FALSE(fs::exists(folder.string() + ".tmp"));
    };
    design[1].folding.group = 2;
    refuses("layer 'convolution/1' (convolution): no module runs several groups");
    design[1].folding = {.in = 3};
    refuses("layer 'convolution/1' (convolution): its folding {in 3,");
    design[1] = {.memory = hass::weight_memory::off_chip};
    refuses("layer 'convolution/1' (convolution): no module reads weights off-chip");
    design[1] = {.multipliers = hass::multiplier::lut};
    refuses("layer 'convolution/1' (convolution): no module has multipliers of LUTs");
    design[1] = {.engine = 1};
    refuses("layer 'convolution/1' (convolution): nothing is known of engine 1");
    design.resize(1);
    refuses("1 options and 2 rows of integers for 2 layers");
}
