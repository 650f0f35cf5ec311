// The measured table: what it predicts, and that its file survives a round trip or says why not.
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <hass/statistics/store.hpp>

#include "random_layers.hpp"

namespace {

namespace fs = std::filesystem;

hass::network two_layers() {
    hass::layer_row conv;
    conv.in = {2, 5, 5}, conv.out = {3, 5, 5}, conv.kernel_h = conv.kernel_w = 3;
    conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 1;
    hass::layer_row pool;
    pool.kind = hass::layer_kind::global_average_pool, pool.in = {3, 5, 5}, pool.out = {3, 1, 1};
    hass::layer_row fc;
    fc.kind = hass::layer_kind::linear, fc.in = {3, 1, 1}, fc.out = {4, 1, 1};
    return {{conv, pool, fc}, {{-1, 0}, {0, 1}, {1, 2}}, {"conv", "pool", "fc"}};
}

hass::tensor_sensitivity tensor(std::vector<double> top1, std::vector<double> channels) {
    return {{0.0, 0.1, 0.4}, {0.1, 0.3, 0.6}, std::move(top1), std::move(channels)};
}

hass::measured_table table() {
    const hass::network net = two_layers();
    hass::measured_table t;
    t.network = "two.onnx", t.images = 100, t.top1 = 0.9, t.top5 = 0.99, t.rows = 3;
    t.places = {0, 2};
    t.layers = {
        {"conv", net.rows[0], tensor({0.9, 0.88, 0.7}, {0.1, 0.1, 0.2, 0.4, 0.5, 0.7}),
         tensor({0.9, 0.9, 0.8}, {0.0, 0.2, 0.2, 0.4, 0.6, 0.6})},
        {"fc", net.rows[2], tensor({0.9, 0.85, 0.6}, {0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6}),
         tensor({0.9, 0.91, 0.9}, {0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.6, 0.6, 0.6})}};
    return t;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

}  // namespace

static_assert(hass::MagnitudeDistribution<hass::exact_magnitudes>);
static_assert(hass::MagnitudeDistribution<hass::magnitude_histogram>);

TEST_CASE("losses of single tensors add up") {
    const hass::measured_table t = table();
    hass::network_thresholds tau(3);
    CHECK(t.accuracy(tau) == Approx(0.9));
    tau[0].weight = 0.1;
    CHECK(t.accuracy(tau) == Approx(0.88));
    tau[2].weight = 0.25;  // half way between two measurements
    CHECK(t.accuracy(tau) == Approx(0.88 - 0.175));
    tau[0].activation = 0.8;  // twice the last threshold: twice its loss
    CHECK(t.accuracy(tau) == Approx(0.88 - 0.175 - 0.2));
    tau[2].activation = 0.1;
    CHECK(t.accuracy(tau) == Approx(0.88 - 0.175 - 0.2 + 0.01));
    tau[0].weight = 100.0;
    CHECK(t.accuracy(tau) == 0.0);
    CHECK_THROWS_AS(t.accuracy({}), hass::error);
}

TEST_CASE("statistics follow from the channels' sparsities") {
    const hass::measured_table t = table();
    const hass::network_statistics s = t.statistics({{0.1, 0.1}, {}, {0.25, 0.0}});
    REQUIRE(s.size() == 3);
    CHECK(s[0].weight_sparsity == Approx(0.3));
    CHECK(s[0].activation_sparsity == Approx(0.3));
    const double alive = (0.8 * 0.8 + 0.6 * 0.6) / 2.0;
    CHECK(s[0].pair_sparsity == Approx(1.0 - alive));
    CHECK(s[0].pair_sparsity_padded ==
          Approx(1.0 - alive * static_cast<double>(hass::inside_mac_count(t.layers[0].row)) /
                           static_cast<double>(hass::mac_count(t.layers[0].row))));
    CHECK(s[2].weight_sparsity == Approx(0.45));
    CHECK(s[2].pair_sparsity == Approx(1.0 - 0.55 * 0.9));
    REQUIRE(s[0].windows.size() == 1);
    REQUIRE(s[0].windows[0].blocks() == 2);
    double mean = 0.0;
    for (std::size_t block = 0; block < 2; ++block) {
        const auto row = s[0].windows[0].share.begin() + static_cast<std::ptrdiff_t>(10 * block);
        CHECK(std::accumulate(row, row + 10, 0.0) == Approx(1.0));
        for (int z = 0; z < 10; ++z) mean += z * row[z] / 18.0;
    }
    CHECK(mean == Approx(1.0 - s[0].pair_sparsity_padded));
}

TEST_CASE("resampled magnitudes have the table's sparsities") {
    const hass::network_magnitudes m = table().magnitudes();
    REQUIRE(m.size() == 3);
    for (const double tau : {0.0, 0.1, 0.4}) {
        const double expected = tau == 0.0 ? 0.1 : tau == 0.1 ? 0.3 : 0.6;
        CHECK(m[0].weights.sparsity(tau) == Approx(expected).margin(0.001));
        CHECK(m[2].activations.sparsity(tau) == Approx(expected).margin(0.01));
    }
    CHECK(m[0].weights.threshold(0.6) == Approx(0.4).margin(0.001));
}

TEST_CASE("a table is the same after its file") {
    const hass::measured_table t = table();
    CHECK(hass::parse_table(hass::format_table(t), "text") == t);
    const fs::path path = fs::temp_directory_path() / "hass_table_test.json";
    hass::write_table(path, t);
    CHECK(hass::read_table(path, two_layers()) == t);
    CHECK_FALSE(fs::exists(path.string() + ".part"));
    fs::remove(path);
    CHECK_THROWS_WITH(hass::read_table(path), path.string() + ": cannot be opened for reading");
    CHECK_THROWS_AS(hass::write_table("/no/such/folder/t.json", t), hass::error);
}

TEST_CASE("a table of another network is refused") {
    const hass::measured_table t = table();
    CHECK_NOTHROW(t.check(two_layers()));
    hass::network other = two_layers();
    other.rows[2].out.channels = 5;
    CHECK_THROWS_WITH(t.check(other),
                      "statistics of 'two.onnx' are of another network: layer 'fc' "
                      "is not what was measured");
    other = two_layers();
    other.rows.pop_back();
    other.edges.pop_back();
    CHECK_THROWS_AS(t.check(other), hass::error);
}

TEST_CASE("a file that is wrong is refused with the field's name") {
    const std::string good = hass::format_table(table());
    const auto refused = [](const std::string& content, const std::string& why) {
        INFO(why);
        CHECK_THROWS_WITH(hass::parse_table(content, "f.json"),
                          Catch::StartsWith("f.json: ") && Catch::Contains(why));
    };
    for (std::size_t length = 0; length + 2 < good.size(); length += 7)
        CHECK_THROWS_AS(hass::parse_table(good.substr(0, length), "f.json"), hass::error);
    refused(good.substr(0, good.size() / 2), "cut short");
    refused("[]", "'format' is missing");
    refused(replaced(good, "hass measured table", "something"), "'format' is not a measured table");
    refused(replaced(good, "\"version\":1", "\"version\":2"),
            "'version' is 2, this library reads 1");
    refused(replaced(good, "\"images\":100", "\"images\":0"), "'images' is not within");
    refused(replaced(good, "\"images\":100", "\"images\":1e300"), "'images' is not an integer");
    refused(replaced(good, "\"images\":100", "\"images\":18446744073709551615"), "not within");
    refused(replaced(good, "\"top1\":0.9,", "\"top1\":1.5,"), "'top1' is not within 0 and 1");
    refused(replaced(good, "\"place\":2", "\"place\":3"), "'layers[1].place' is not within");
    refused(replaced(good, "\"place\":2", "\"place\":0"), "'layers[1].place' does not ascend");
    refused(replaced(good, "\"kind\":\"linear\"", "\"kind\":\"add\""), "'layers[1].row.kind'");
    refused(replaced(good, "[0.0,0.1,0.4]", "[0.0,0.4,0.1]"), "thresholds' does not ascend");
    refused(replaced(good, "[0.0,0.1,0.4]", "[0.1,0.2,0.4]"), "thresholds' does not begin with 0");
    refused(replaced(good, "[0.0,0.1,0.4]", "[]"), "thresholds' is not a list of numbers");
    refused(replaced(good, "[0.1,0.3,0.6]", "[0.1,0.3]"), "sparsity' is not a list of 3");
    refused(replaced(good, "[0,200,200,400,600,600]", "[0,200]"), "channels' is not a list of 6");
    refused(replaced(good, "[0,200,200,400,600,600]", "[0,200,200,400,600,6000]"),
            "'layers[0].activation.channels' is not within 0 and 1000");
}
