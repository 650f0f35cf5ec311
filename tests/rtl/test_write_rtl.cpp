// Generated designs of small networks, built by Verilator and run: answers bit for bit, cycles beside
// those of `evaluate`.
#include "integer_networks.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>
#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
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

/// Builds the design in `folder` once, and simulates it.
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
                             std::to_string(pauses) + " PACE=" + std::to_string(pace) + " > " +
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
        if (word == "busy") text >> name, word += " " + name;
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

/// The options of every row, the n-th of those that the modules can do.
hass::design design_of(const hass::network_view& net, std::size_t n, int most = 12) {
    hass::design design;
    for (std::size_t i = 0; i < net.size(); ++i) {
        std::vector<hass::row_option> options;
        const auto take = [&](const hass::row_option& c) {
            const hass::parallelism& p = c.folding;
            const bool built = p.group == 1 || (hass::channels_per_group(net[i]) == 1 &&
                                                p.out == hass::filters_per_group(net[i]));
            if (built && c.memory == hass::weight_memory::bram18 &&
                hass::engine_count(p) * p.macs <= most)
                options.push_back(c);
        };
        if (hass::is_compute(net[i]))
            hass::dense_dot<>{}.for_each(net[i], take);
        else
            hass::for_each_stage(net[i], take);
        if (net[i].kind == hass::layer_kind::concat) options.resize(1);
        design.push_back(options[(n * (i + 3)) % options.size()]);
    }
    return design;
}

void check(const std::string& name, network_builder& builder, const hass::design& design,
           hass::rtl::engine_kind kind = hass::rtl::engine_kind::dense) {
    constexpr std::size_t count = 8;
    const hass::integer_network& net = builder.network();
    const hass::network_view view = net.net;
    const fs::path folder = fs::temp_directory_path() / ("hass_rtl_" + name);
    hass::write_rtl(folder, net, design, {.name = name, .engines = {kind}});
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
    if (kind != hass::rtl::engine_kind::dense) return;
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

}  // namespace

TEST_CASE("a convolution", "[write_rtl]") {
    network_builder b({3, 8, 8}, 8, 1);
    b.convolution(image, 6, 3, 1, 1);
    check("convolution", b, design_of(b.network().net, 5));
}

TEST_CASE("strides, depthwise and pointwise rows, pools", "[write_rtl]") {
    network_builder b({4, 12, 12}, 8, 2);
    int x = b.convolution(image, 8, 3, 2, 1, 1, true);
    x = b.convolution(x, 8, 3, 1, 1, 8, true);
    x = b.convolution(x, 12, 1);
    x = b.relu(x);
    x = b.pool(hass::layer_kind::max_pool, x, 2, 2);
    x = b.pool(hass::layer_kind::average_pool, x, 2, 1);
    b.linear(b.flatten(x), 10);
    for (const std::size_t n : {3U, 7U})
        check("strides_" + std::to_string(n), b, design_of(b.network().net, n));
}

TEST_CASE("a skip, a gate, a concatenation, a table", "[write_rtl]") {
    network_builder b({4, 10, 10}, 8, 3);
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
    for (const std::size_t n : {1U, 6U})
        check("joins_" + std::to_string(n), b, design_of(b.network().net, n));
}

TEST_CASE("the paper's SPE, sixteen bits", "[write_rtl]") {
    network_builder b({4, 8, 8}, 16, 4);
    const int x = b.convolution(image, 6, 3, 1, 1, 1, true, 0.5);
    b.convolution(x, 4, 1, 1, 0, 1, false, 0.5);
    hass::design design(2);
    design[0].folding = {.in = 2, .out = 3, .macs = 2};
    design[1].folding = {.out = 2, .macs = 1, .vector = 2};
    check("spe", b, design, hass::rtl::engine_kind::spe);
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
