// Statistics files: what is read is what was written, and whatever is wrong is named.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>
#include <string>

#include <hass/statistics/store.hpp>

#include "random_recorded.hpp"

namespace {

namespace fs = std::filesystem;

/// A file with checksums and lengths made right again, so that what lies behind them is seen.
std::string sealed(const std::string& header, const std::string& body, std::uint32_t version = 1) {
    std::string file(hass::statistics_magic);
    hass::detail::put(file, version);
    hass::detail::put(file, static_cast<std::uint32_t>(header.size()));
    hass::detail::put(file, hass::detail::crc(header));
    hass::detail::put(file, hass::detail::crc(body));
    return file + header + body;
}

struct parts {
    std::string header;
    std::string body;

    explicit parts(const std::string& file) {
        std::string_view length = std::string_view(file).substr(12);
        const auto size = hass::detail::take<std::uint32_t>(length);
        header = file.substr(24, size);
        body = file.substr(24 + size);
    }
};

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    INFO(what << " in " << text);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

/// One 2x2 convolution of two channels, two thresholds and one measured of either tensor.
hass::recorded_network one_layer() {
    hass::layer_row row;
    row.in = {2, 4, 4}, row.out = {3, 3, 3}, row.kernel_h = row.kernel_w = 2;
    hass::recorded_network m;
    m.name = "one", m.weights = 0xabc, m.sources = {7}, m.images = 100;
    m.net = {{row}, {{hass::network_input, 0}}, {"conv"}};
    m.untouched = {90, 99, 0.5};
    const hass::sampled_magnitudes values{{0.0F, 0.5F}, {0, 30000}, {0, 10, 20000, 40000}};
    const hass::sensitivity_curve curve{{0.5F}, {{80, 95, 0.75}}};
    m.layers = {{0, values, values, curve, curve, {}}};
    m.layers[0].natural.windows = {{1, 4, {0.0, 0.0, 0.0, 0.0, 1.0, 0.2, 0.2, 0.2, 0.2, 0.2}}};
    hass::detail::round_to_steps(m.layers[0].natural.windows[0]);
    return m;
}

void refused(const std::string& file, const std::string& why) {
    INFO(why);
    CHECK_THROWS_WITH(hass::parse_statistics(file, "f.hass"),
                      Catch::StartsWith("f.hass: ") && Catch::Contains(why));
}

}  // namespace

TEST_CASE("what a statistics file gives back is what was written") {
    std::mt19937 bits(17);
    for (int i = 0; i < 200; ++i) {
        const hass::recorded_network m = test::random_measured(bits);
        const std::string file = hass::format_statistics(m);
        CHECK(hass::parse_statistics(file, "f") == m);
    }
    hass::recorded_network m = one_layer();
    const std::string bare = hass::format_statistics(m);  // rows at their defaults say no more
    for (const char* field : {"bits", "form", "transposed", "widens"})
        CHECK(bare.find('"' + std::string(field) + '"') == std::string::npos);
    for (const auto form : {hass::function_form::table, hass::function_form::rescale,
                            hass::function_form::fused, hass::function_form::wire}) {
        hass::layer_row levels{
            .kind = hass::layer_kind::function, .in = {3, 3, 3}, .out = {3, 3, 3}};
        levels.data_bits = 5, levels.form = form;
        levels.widens = form == hass::function_form::table;
        m.net.rows = {m.net.rows[0], levels}, m.net.names = {"conv", "levels"};
        m.net.rows[0].weight_bits = 4, m.net.rows[0].data_bits = 8;
        m.net.edges = {{hass::network_input, 0}, {0, 1}};
        const hass::recorded_network read = hass::parse_statistics(hass::format_statistics(m), "f");
        CHECK(read == m);
        CHECK_NOTHROW(read.check(m.net));
    }
    const fs::path path = fs::temp_directory_path() / "hass_test.statistics";
    hass::write_statistics(path, m);
    CHECK(hass::read_statistics(path) == m);
    CHECK_FALSE(fs::exists(path.string() + ".tmp"));
    fs::remove(path);
    CHECK_THROWS_WITH(hass::read_statistics(path), path.string() + ": no such file");
    CHECK_THROWS_AS(hass::write_statistics("/no/such/folder/f", m), hass::error);
    m.layers[0].natural.windows.clear();  // a file that nobody could read
    CHECK_THROWS_WITH(hass::format_statistics(m),
                      "statistics of layer 'conv': its windows were not counted, or are of another "
                      "layer");
}

TEST_CASE("the layout of a statistics file is the documented one") {
    const std::string file = hass::format_statistics(one_layer());
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(file.at(i)); };
    CHECK(file.substr(0, 8) == "HASSSTAT");
    CHECK((at(8) == 1 && at(9) == 0 && at(10) == 0 && at(11) == 0));
    const std::size_t header = at(12) + 256U * at(13);
    CHECK(file.at(24) == '{');
    CHECK(file.at(23 + header) == '}');
    // 4 sparsities; 2 blocks x 5 shares; twice 2 thresholds, 2 + 4 shares, 1 measured
    CHECK(file.size() == 24 + header + 4 * 8 + 10 * 2 + 2 * (2 * 4 + 6 * 2 + 20));
    const std::size_t windows = 24 + header + 32;
    CHECK(at(windows + 8) + 256U * at(windows + 9) == 65535);    // certain: four pairs
    CHECK(at(windows + 10) + 256U * at(windows + 11) == 13107);  // a fifth
    CHECK(hass::detail::crc("123456789") == 0xcbf43926U);        // the CRC-32 of everybody
}

TEST_CASE("a statistics file cut short, lengthened or changed anywhere is refused") {
    std::mt19937 bits(18);
    const std::string good = hass::format_statistics(test::random_measured(bits));
    for (std::size_t length = 0; length < good.size(); length += 1 + length / 50)
        CHECK_THROWS_AS(hass::parse_statistics(good.substr(0, length), "f"), hass::error);
    refused(good + '\0', "1 bytes too many");
    refused(good.substr(0, good.size() - 1), "cut short");
    refused(good.substr(0, 20), "cut short in front of the header");
    refused("GIF89a", "is not a statistics file");
    for (int i = 0; i < 500; ++i) {
        std::string bad = good;
        const std::size_t at = bits() % bad.size();
        bad[at] = static_cast<char>(bad[at] ^ (1 << bits() % 8));
        CHECK_THROWS_AS(hass::parse_statistics(bad, "f"), hass::error);
    }
}

TEST_CASE("a header that says nonsense is refused by field") {
    const parts good(hass::format_statistics(one_layer()));
    CHECK_NOTHROW(hass::parse_statistics(sealed(good.header, good.body), "f"));
    refused(sealed(good.header, good.body, 2), "version 2, this library reads 1");
    const auto changed = [&](const std::string& what, const std::string& by) {
        return sealed(replaced(good.header, what, by), good.body);
    };
    refused(sealed("[1, 2", good.body), "the header is not JSON");
    refused(sealed("[1, 2]", good.body), "the header is not an object");
    refused(changed("\"images\":100", "\"image\":100"),
            "unknown field 'image'; did you mean 'images'?");
    refused(changed("\"images\":100,", ""), "'images' is missing");
    refused(changed("\"images\":100", "\"images\":0"), "'images' is not within 1");
    refused(changed("\"images\":100", "\"images\":1.5"), "'images' is not an integer");
    refused(changed("\"images\":100", "\"images\":18446744073709551615"), "'images' is not within");
    refused(changed("\"top1\":90", "\"top1\":101"), "'top1' is not within 0 and 100");
    refused(changed("\"top1\":90", "\"top1\":100"), "100 and 99 right answers");
    refused(changed("\"loss\":0.5", "\"loss\":-0.5"), "a loss that is not within");
    refused(changed("\"loss\":0.5", "\"loss\":1e999"), "the header is not JSON");
    refused(changed("0000000000000abc", "0000000000000abx"), "'weights' is not a number of 16");
    refused(changed("\"convolution\"", "\"convolutoin\""), "did you mean 'convolution'?");
    refused(changed("\"convolution\"", "\"add\""), "is not the next convolution");
    refused(changed("\"in\":[2,4,4]", "\"in\":[2,4]"), "'rows[0].in' is not a list of 3");
    refused(changed("\"in\":[2,4,4]", "\"in\":[2,4,5]"), "layer 'conv'");
    refused(changed("\"in\":[2,4,4]", "\"in\":[2,4,0]"), "'rows[0].in' is not within 1");
    refused(changed("\"in\":[2,4,4]", "\"on\":[2,4,4]"), "unknown field 'rows[0].on'");
    refused(changed("\"kernel\":[2,2]", "\"kernel\":[2,99999999]"), "'rows[0].kernel'");
    const auto with = [&](const std::string& field) {
        return changed("\"kernel\":[2,2]", "\"kernel\":[2,2]," + field);
    };
    refused(with("\"bits\":[8,65]"), "'rows[0].bits' is not within 0 and 64");
    refused(with("\"form\":[4]"), "'rows[0].form' is not within 0 and 3");
    refused(with("\"form\":[3]"), "'rows[0].form' is of functions only");
    refused(with("\"transposed\":[1]"), "'rows[0].transposed' is of matmuls only");
    refused(changed("[[-1,0]]", "[[-1,1]]"), "topological order");
    refused(changed("[[-1,0]]", "[]"), "has no input");
    refused(changed("\"thresholds\":[2,2]", "\"thresholds\":[2,0]"), "thresholds' is not within 1");
    refused(changed("\"thresholds\":[2,2]", "\"thresholds\":[2,4097]"),
            "thresholds' is not within");
    refused(changed("\"thresholds\":[2,2]", "\"thresholds\":[2,4096]"), "cut short");
    refused(changed("\"measured\":[1,1]", "\"measured\":[1,0]"), "20 bytes too many");
    refused(changed("\"row\":0", "\"row\":1"), "'layers[0].row' is not the next");
    refused(sealed(replaced(good.header, "\"layers\":[{", "\"layers\":[{},{"), good.body),
            "'layers[0].row' is missing");
    // Shapes whose windows would take gigabytes are refused by the file's length alone.
    std::string large = replaced(good.header, "\"in\":[2,4,4]", "\"in\":[1048576,4,4]");
    refused(sealed(large, good.body), "cut short");
}

TEST_CASE("numbers of the body that cannot be are refused by layer") {
    const hass::recorded_network good = one_layer();
    const auto bad = [&](const auto& change, const std::string& why) {
        hass::recorded_network m = good;
        change(m, m.layers[0]);
        refused(hass::format_statistics(m), why);
    };
    using net = hass::recorded_network;
    using layer = hass::recorded_layer;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const auto nan_f = std::numeric_limits<float>::quiet_NaN();
    bad([&](net&, layer& l) { l.natural.pair_sparsity = nan; }, "layer 'conv': a sparsity");
    bad([&](net&, layer& l) { l.natural.weight_sparsity = 1.01; }, "layer 'conv': a sparsity");
    bad([&](net&, layer& l) { l.weights.thresholds[1] = nan_f; }, "weights: thresholds");
    bad(
        [&](net&, layer& l) {
            l.activations.thresholds = {0.5F, 0.5F};
        },
        "activations: thresholds");
    bad([&](net&, layer& l) { l.weights.thresholds[0] = 0.1F; }, "the first threshold is not 0");
    bad([&](net&, layer& l) { l.weights.whole = {3, 2}; }, "weights: shares of zeros");
    bad([&](net&, layer& l) { l.weights.channels[1] = 40001; }, "weights: shares of zeros");
    bad([&](net&, layer& l) { l.weight_curve.thresholds[0] = 0.0F; }, "not above 0");
    bad([&](net&, layer& l) { l.weight_curve.answered[0].top5 = 101; },
        "101 right answers for 100");
    bad([&](net&, layer& l) { l.weight_curve.answered[0].loss = nan; },
        "a loss that is not within");
    const auto with_dots = [](layer& l) {  // as the row has them
        hass::layer_row row;
        row.in = {2, 4, 4}, row.out = {3, 3, 3}, row.kernel_h = row.kernel_w = 2;
        hass::for_each_lane_layout(row, [&](const hass::lane_layout& x) {
            l.natural.lanes.push_back({x, 1.5});
        });
        std::sort(l.natural.lanes.begin(), l.natural.lanes.end(),
                  [](const auto& a, const auto& b) { return a.layout < b.layout; });
        l.natural.lists = {{1, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0}}};
    };
    hass::recorded_network dots = good;
    with_dots(dots.layers[0]);
    CHECK(hass::parse_statistics(hass::format_statistics(dots), "f") == dots);
    CHECK((dots.products() == hass::dot_products{true, true}));
    CHECK((good.products() == hass::dot_products{}));
    const auto bad_dots = [&](const auto& change, const std::string& why) {
        bad([&](net&, layer& l) { with_dots(l), change(l.natural); }, why);
    };
    using statistics = hass::layer_statistics;
    bad_dots([&](statistics& s) { s.lanes[0].cycles = nan; },
             "cycles of lanes that are not within");
    bad_dots([&](statistics& s) { s.lanes[1].layout.macs = 77; },
             "lanes that the row does not have");
    bad_dots([&](statistics& s) { s.lanes.pop_back(); }, "lanes that the row does not have");
    bad_dots([&](statistics& s) { s.lists[0].lanes = 2; }, "are not those that the row can have");
    bad_dots([&](statistics& s) { s.lists[0].lanes = 9; },
             "'layers[0].lists' is not within 1 and 4");
    hass::recorded_network strided = dots;
    strided.layers[0].natural.rows.assign(hass::row_parts, 1.0);
    CHECK(hass::parse_statistics(hass::format_statistics(strided), "f") == strided);
    bad_dots([&](statistics& s) { s.rows.assign(3, 1.0); }, "'layers[0].row_parts' is not within");
    for (const double part : {0.5, nan, -1.0})
        bad_dots([&](statistics& s) { s.rows.assign(hass::row_parts, 1.0), s.rows[5] = part; },
                 "work of rows of windows does not ascend");
    const parts counted(hass::format_statistics(dots));
    std::string wrong = counted.body;
    wrong[wrong.size() - 1] = 1;  // the last share of the list
    refused(sealed(counted.header, wrong), "shares of 1 lists do not sum to 1");
    const parts file(hass::format_statistics(good));
    std::string body = file.body;
    body[32] = 1;  // the first share of the first window
    refused(sealed(file.header, body), "do not sum to 1");
}
