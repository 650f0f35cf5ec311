// What people read: figures that add up, tables that line up, files that are whole.
#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <hass/device/boards.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/files/csv.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/evidence.hpp>
#include <hass/report/fpgaconvnet_file.hpp>
#include <hass/report/html.hpp>
#include <hass/report/json.hpp>
#include <hass/report/progress.hpp>
#include <hass/report/table.hpp>
#include <hass/report/terminal.hpp>
#include <hass/report/verdict.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/zoo.hpp>
#include <sstream>

namespace {

using net = hass::sequential<hass::input<8, 16, 16>, hass::conv2d<8, 16, 3, hass::pad<1>>,
                             hass::relu, hass::pointwise<16, 32>>;

hass::solution_report example(const hass::device& board = hass::boards::zedboard::value) {
    hass::candidate c;
    c.thresholds = {{0.1, 0.2}, {}, {0.3, 0.4}};
    c.measured = {0.9, 0.99, hass::network_statistics(3)};
    c.measured.statistics[0] = {0.4, 0.5, 0.6, 0.65, {}};
    c.measured.statistics[2] = {0.1, 0.2, 0.3, 0.3, {}};
    c.sparsity = hass::average(net{}, c.measured.statistics);
    const hass::sparse_dot<> spe;
    c.hardware = hass::allocate(net{}, c.measured.statistics, spe, board);
    const std::vector<std::string> names{"spe"};
    return hass::describe("example", net{}, c, names, board);
}

std::string slurp(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

struct scratch_folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("hass-report-" + std::to_string(::getpid()));
    scratch_folder() { std::filesystem::create_directories(path); }
    ~scratch_folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a solution's figures follow from its layers") {
    const hass::solution_report d = example();
    hass::usage sum = d.hardware.between;
    double slowest = 0.0;
    for (const hass::layer_report& l : d.layers) {
        sum += l.cost;
        slowest = std::max(slowest, l.interval_cycles);
    }
    CHECK(d.hardware.interval_cycles == Approx(slowest).epsilon(1e-12));
    CHECK(d.hardware.images_per_second == Approx(200e6 / slowest));
    CHECK(d.hardware.total.dsp == sum.dsp);
    CHECK(d.hardware.total.lut == Approx(sum.lut));
    // a chain: fills add up, and the map goes on leaving until the image has passed
    const double fill = d.layers[0].fill_cycles + d.layers[1].fill_cycles + d.layers[2].fill_cycles;
    CHECK(d.hardware.fill_cycles == Approx(fill));
    CHECK(d.hardware.latency_cycles == Approx(fill + slowest * 255 / 256));
    CHECK(d.layers[0].pair_sparsity == 0.65);  // what the engine meets
    CHECK(d.layers[0].engine == "spe");
    CHECK(d.layers[1].engine.empty());
    CHECK(d.layers[2].thresholds.activation == 0.4);
}

TEST_CASE("solution.json holds the same figures") {
    const hass::solution_report d = example();
    const hass::report_json j = hass::report_json::parse(hass::to_json(d).dump());
    CHECK(j["throughput_images_per_s"].get<double>() ==
          j["mhz"].get<double>() * 1e6 / j["interval_cycles"].get<double>());
    CHECK(j["efficiency_images_per_cycle_per_dsp"].get<double>() ==
          1.0 / (j["interval_cycles"].get<double>() * j["dsp"].get<double>()));
    CHECK(j["latency_cycles"] == d.hardware.latency_cycles);
    CHECK(j["single_image_cycles"] == d.hardware.single_image_cycles);
    CHECK(d.hardware.single_image_cycles > d.hardware.interval_cycles);
    CHECK(d.hardware.single_image_cycles <= d.hardware.latency_cycles);
    CHECK(j["layers"].size() == 3);
    CHECK(j["layers"][0]["tau_w"] == 0.1);
    CHECK(j["layers"][0]["parallelism"]["macs"] == d.layers[0].chosen.folding.macs);
    CHECK(j["bottleneck"] == d.bottleneck);
    CHECK(j["bandwidth_gbps"].get<double>() == d.hardware.total.bandwidth);
    CHECK(j["images_gbps"].get<double>() == d.hardware.total.bandwidth);  // weights are on chip
    CHECK(j["between"]["bram18"] == d.hardware.between.bram18);
    CHECK(d.hardware.between.bram18 > 0.0);  // the image comes in and answers go out
    CHECK(j["link_cycles"].get<double>() < j["interval_cycles"].get<double>());
}

TEST_CASE("solution.json says what functions are built of") {
    hass::network levels;
    levels.rows = {hass::conv2d<8, 16, 3, hass::pad<1>>::row({8, 16, 16})};
    for (const auto form : {hass::function_form::table, hass::function_form::rescale,
                            hass::function_form::fused, hass::function_form::wire})
        levels.rows.push_back({.kind = hass::layer_kind::function,
                               .in = {16, 16, 16},
                               .out = {16, 16, 16},
                               .data_bits = 8,
                               .form = form});
    levels.names = {"c", "t", "r", "f", "w"};
    levels.edges = {{hass::network_input, 0}, {0, 1}, {1, 2}, {2, 3}, {3, 4}};
    hass::candidate c;
    c.thresholds.resize(5);
    c.measured = {0.9, 0.99, hass::network_statistics(5)};
    c.measured.statistics[0] = {0.4, 0.5, 0.6, 0.65, {}};
    const hass::device& board = hass::boards::zedboard::value;
    c.hardware = hass::allocate(levels, c.measured.statistics, hass::sparse_dot<>{}, board);
    const std::vector<std::string> names{"spe"};
    const hass::report_json j = hass::to_json(hass::describe("levels", levels, c, names, board));
    CHECK_FALSE(j["layers"][0].contains("form"));
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(j["layers"][i + 1]["form"] == std::vector{"table", "rescale", "fused", "wire"}[i]);
}

TEST_CASE("a report says when the board's link is the bottleneck") {
    hass::device board = hass::boards::zedboard::value;
    board.budget.bandwidth = 0.01;
    const hass::solution_report d = example(board);
    const double bits = 16.0 * (8 * 16 * 16 + 32 * 16 * 16);
    CHECK(d.hardware.images_per_second == Approx(1e7 / bits));
    CHECK(d.bottleneck == "board's bandwidth");
    CHECK_THAT(d.limit, Catch::Contains("the bandwidth of device 'zedboard' is spent"));
    const hass::report_json j = hass::report_json::parse(hass::to_json(d).dump());
    CHECK(j["bandwidth_gbps"].get<double>() == 0.01);
    CHECK(j["link_cycles"] == j["interval_cycles"]);
    const std::vector<hass::solution_report> designs{d};
    CHECK_THAT(hass::comparison_table(designs, board),
               Catch::Contains("0.01 (100 %)") && Catch::Contains("board's bandwidth"));
}

TEST_CASE("what does not fit is not described") {
    hass::candidate c;
    c.hardware.certificate.reason = "too small";
    const std::vector<std::string> names{"spe"};
    CHECK_THROWS_WITH(hass::describe("x", net{}, c, names, hass::boards::zedboard::value),
                      Catch::Contains("too small"));
}

TEST_CASE("tables line up") {
    const std::vector<std::vector<std::string>> rows{{"a", "long head"}, {"longer", "1"}, {"b"}};
    CHECK(hass::text_table(rows) ==
          "a       long head\n"
          "-----------------\n"
          "longer          1\n"
          "b\n");
    const std::vector<hass::solution_report> designs{example()};
    const std::string table = hass::comparison_table(designs, hass::boards::zedboard::value);
    CHECK_THAT(table, Catch::Contains("on zedboard") && Catch::Contains("90.00 %") &&
                          Catch::Contains("images/cycle/DSP") &&
                          Catch::Contains("bandwidth, Gbit/s"));
    CHECK_THAT(table, !Catch::Contains("URAM"));  // the board has none
}

TEST_CASE("numbers for people") {
    CHECK(hass::percent(0.1234) == "12.3 %");
    CHECK(hass::duration_text(8.2) == "8 s");
    CHECK(hass::duration_text(125.0) == "2 min 05 s");
}

TEST_CASE("files are there whole or not at all") {
    const scratch_folder folder;
    const std::filesystem::path file = folder.path / "solution.json";
    hass::write_whole(file, "first");
    hass::write_whole(file, "second");
    CHECK(slurp(file) == "second");
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
    CHECK_THROWS_WITH(hass::write_whole(folder.path / "no" / "such.json", "x"),
                      Catch::Contains("such.json"));
    CHECK_THROWS_WITH(hass::prepare_folder(file / "below"), Catch::Contains("solution.json"));
    hass::prepare_folder(folder.path / "new" / "one");
    CHECK(std::filesystem::is_directory(folder.path / "new" / "one"));
    const auto made = [&](const std::filesystem::path& below) {
        const hass::output_folder out(folder.path / "out" / below);
        return std::filesystem::is_directory(folder.path / "out" / below);
    };
    CHECK(made("a/b"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "out"));  // nothing was written there
    const std::string long_name(300, 'x');
    for (const std::filesystem::path& below :
         {std::filesystem::path(long_name), long_name / std::filesystem::path("b"),
          "a" / std::filesystem::path(long_name)}) {
        CHECK_THROWS_AS(made(below), hass::error);
        CHECK_THROWS_WITH(made(below), Catch::Contains("xxx: ") || Catch::Contains("/b: "));
        CHECK_FALSE(std::filesystem::exists(folder.path / "out"));
    }
    const std::filesystem::path around = folder.path / "around";
    std::filesystem::create_symlink(around, around);
    CHECK_THROWS_AS(hass::output_folder(around / "out"), hass::error);
}

TEST_CASE("progress in a log is about ten lines") {
    const scratch_folder folder;
    const std::filesystem::path file = folder.path / "log";
    std::FILE* const log = std::fopen(file.c_str(), "w");
    REQUIRE(log != nullptr);
    {
        hass::progress_bar bar("search", 100, log);
        for (std::size_t done = 1; done <= 100; ++done) bar.show(done, "best 1");
    }
    std::fclose(log);
    const std::string text = slurp(file);
    CHECK(std::count(text.begin(), text.end(), '\n') == 10);
    CHECK_THAT(text, Catch::Contains(" 10/100") && Catch::Contains("100/100") &&
                         Catch::Contains("best 1"));
}

TEST_CASE("a design that dense beats is said to be, with the reason") {
    const auto design = [](double images_per_second, double interval, double dsp, double lut,
                           double top1, std::string binding) {
        hass::solution_report d;
        d.hardware.images_per_second = images_per_second;
        d.hardware.interval_cycles = interval;
        d.hardware.total.dsp = dsp, d.hardware.total.lut = lut;
        d.score = top1, d.binding = std::move(binding);
        return d;
    };
    const hass::solution_report dense = design(1000, 100, 100, 5000, 0.9, "DSP");

    const auto faster = hass::compare_with_dense(dense, design(2000, 50, 80, 40000, 0.9, "LUT"));
    CHECK(faster.speed == 2.0);
    CHECK(faster.efficiency == Approx(2.5));
    CHECK(!faster.dense_is_better);
    CHECK(faster.verdict == "2.00 x the images/s of dense, 2.50 x its images/cycle/DSP");

    const auto slower = hass::compare_with_dense(dense, design(500, 200, 25, 10000, 0.89, "LUT"));
    CHECK(slower.dense_is_better);
    CHECK(slower.efficiency == Approx(2.0));
    CHECK(slower.verdict ==
          "dense is the better design here where images/s count: 0.50 x the images/s of dense, "
          "2.00 x its images/cycle/DSP, because LUT binds and a DSP comes with 400 LUTs "
          "(dense: 50), and top-1 89.00 % instead of 90.00 %");

    const auto wasteful = hass::compare_with_dense(dense, design(1000, 100, 125, 5000, 0.9, ""));
    CHECK(wasteful.dense_is_better);
    CHECK_THAT(wasteful.verdict, Catch::Contains("here where DSPs count") &&
                                     Catch::Contains("cannot be split further"));
    CHECK_THAT(hass::compare_with_dense(dense, design(500, 200, 200, 5000, 0.9, "DSP")).verdict,
               Catch::StartsWith("dense is the better design here: 0.50 x"));

    CHECK(!hass::compare_with_dense(dense, dense).dense_is_better);
    CHECK(
        hass::compare_with_dense(dense, design(1000, 100, 100, 5000, 0.8, "DSP")).dense_is_better);
    // a network of free stages: nothing to divide by
    const hass::solution_report none = design(1000, 100, 0, 0, 0.9, "");
    CHECK(hass::compare_with_dense(none, none).efficiency == 1.0);
}

TEST_CASE("names are single fields of a CSV line") {
    CHECK(hass::csv_field("/block1/conv1/Conv.weight") == "/block1/conv1/Conv.weight");
    CHECK(hass::csv_field("a,b\"c") == "\"a,b\"\"c\"");
    CHECK(hass::csv_field("two\nlines") == "\"two\nlines\"");
    CHECK(hass::csv_field("").empty());
}

TEST_CASE("a design as fpgaConvNet's configuration: written and read back", "[report]") {
    using hass::zoo::resnet18;
    const hass::network_view net = resnet18;
    hass::design design;
    for (std::size_t i = 0; i < net.size(); ++i) {
        const hass::layer_row& row = net.rows[i];
        hass::row_option o;
        o.folding.in = row.in.channels % 4 == 0 && i % 3 != 0 ? 4 : 1;
        if (hass::is_compute(row)) {
            o.folding.out = i % 2 == 0 ? 8 : 2;
            o.folding.macs = hass::taps(row) % 3 == 0 ? 3 : 1;
            o.memory = i % 2 == 0 ? hass::weight_memory::uram : hass::weight_memory::bram18;
            o.multipliers = i % 5 == 0 ? hass::multiplier::lut : hass::multiplier::dsp;
        }
        design.push_back(o);
    }
    const hass::precision widths{9, 8, 24};
    const std::string text = hass::fpgaconvnet_text(net, design, widths);
    if (const char* written = std::getenv("HASS_WRITTEN_FILES"))  // to be held against its schema
        hass::write_whole(std::filesystem::path(written) / "fpgaconvnet.json", text);
    const auto back = hass::parse_fpgaconvnet(text, "config.json");
    REQUIRE(back.size() == 1);
    CHECK(back[0].widths == widths);
    // flatten renames, and stands in no configuration
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < net.size(); ++i)
        if (net.rows[i].kind != hass::layer_kind::flatten) rows.push_back(i);
    REQUIRE(back[0].network.rows.size() == rows.size());
    for (std::size_t k = 0; k < rows.size(); ++k) {
        INFO(hass::name_of(net, rows[k]));
        CHECK(back[0].network.rows[k] == net.rows[rows[k]]);
        CHECK(back[0].design[k] == design[rows[k]]);
    }
    CHECK(hass::fpgaconvnet_text(back[0].network, back[0].design, widths) == text);
    CHECK(hass::network_streams(back[0].network).edges().size() ==
          hass::network_streams(net).edges().size());
    // squeezes stand exactly where streams differ
    std::size_t squeezes = 0, at = 0;
    const hass::network_streams streams(net);
    for (const hass::stream_edge& e : streams.edges())
        squeezes += hass::words_out(net.rows[e.from], design[e.from]) !=
                    hass::words_in(net.rows[e.to], design[e.to]);
    REQUIRE(squeezes > 0);
    std::size_t written = 0;
    while ((at = text.find("\"SQUEEZE\"", at)) != std::string::npos) ++written, ++at;
    CHECK(written == squeezes);
}

TEST_CASE("fpgaConvNet's configurations: what is wrong is named", "[report]") {
    using Catch::Matchers::Contains;
    const auto parse = [](const std::string& text) {
        return hass::parse_fpgaconvnet(text, "c.json");
    };
    const std::string map =
        R"("rows_in":8,"cols_in":8,"channels_in":4,"rows_out":8,"cols_out":8,"channels_out":4)";
    const auto layer = [&](const std::string& more) {
        return R"({"layers":[{"name":"a","from":["a"],)" + more + "}]}";
    };
    CHECK_THROWS_WITH(parse("{"), Contains("c.json: not JSON"));
    CHECK_THROWS_WITH(parse("[]"), Contains("neither 'partition', 'designs' nor 'layers'"));
    CHECK_THROWS_WITH(parse(R"({"partition":[]})"), Contains("'partition' is empty"));
    CHECK_THROWS_WITH(parse(layer(R"("type":"CONVOLUTON",)" + map)),
                      Contains("did you mean 'CONVOLUTION'?"));
    CHECK_THROWS_WITH(parse(layer(R"("type":"CONVOLUTION","rows_in":8)")),
                      Contains("layer 'a': field 'channels_in' is missing"));
    CHECK_THROWS_WITH(parse(layer(R"("type":"CONVOLUTION","fine":0,)" + map)),
                      Contains("field 'fine' is 0, must be a whole number from 1"));
    CHECK_THROWS_WITH(
        parse(R"({"layers":[{"name":"a","type":"ACTIVATION","from":["b"],)" + map + "}]}"),
        Contains("reads 'b', which no layer before it is"));
    CHECK_THROWS_WITH(
        parse(layer(R"("type":"CONVOLUTION","kernel_rows":3,"kernel_cols":3,)" + map)),
        Contains("does not follow from input"));
    const auto good = parse(layer(R"("type":"CONVOLUTION","coarse_in":2,)" + map));
    CHECK(good[0].design[0].folding.in == 2);
    hass::network odd = good[0].network;
    odd.rows[0].kind = hass::layer_kind::lrn;
    CHECK_THROWS_WITH(hass::fpgaconvnet_text(odd, good[0].design),
                      Contains("layer 'a': a lrn has no type in a configuration"));
    hass::design vector{hass::parallelism{.vector = 2}};
    CHECK_THROWS_WITH(hass::fpgaconvnet_text(good[0].network, vector),
                      Contains("layer 'a' has windows of several channels"));
    CHECK_THROWS_WITH(hass::fpgaconvnet_text(good[0].network, {}),
                      Contains("0 options for 1 rows"));
}

TEST_CASE("trials.csv as a page takes it") {
    using namespace std::string_literals;
    CHECK(hass::detail::base64("") == "");
    CHECK(hass::detail::base64("f") == "Zg==");  // RFC 4648, section 10
    CHECK(hass::detail::base64("fo") == "Zm8=");
    CHECK(hass::detail::base64("foob\0\xff"s) == "Zm9vYgD/");
    const std::string text =
        "study,trial,state,top1,objective,\"a,b.weight\",c.activation\n"
        "s,0,ok,0.25,1.5,0.5,1\n"
        "s,1,infeasible,0.1,nan,0.25,2\n";
    const hass::ordered_json j = hass::trials_json(text, "t");
    CHECK(j["columns"].size() == 5);
    CHECK(j["rows"][0] == hass::ordered_json::parse(R"(["s", 0, "ok", 0.25, 1.5])"));
    CHECK(j["rows"][1][4].is_null());
    CHECK(j["tensors"][0] == "a,b.weight");
    // 0.5, 1, 0.25, 2 as little-endian floats
    CHECK(j["thresholds"] == "AAAAPwAAgD8AAIA+AAAAQA==");
    CHECK(j["incomplete_line"] == false);
    const hass::ordered_json torn = hass::trials_json(text + "s,2,o", "t");
    CHECK(torn["rows"] == j["rows"]);
    CHECK(torn["incomplete_line"] == true);
    CHECK_THROWS_WITH(hass::trials_json("study,trial\n", "t"), Catch::Contains("not a trials.csv"));
    CHECK_THROWS_WITH(hass::trials_json("study,trial,state,objective\ns,0,ok,x1\n", "t"),
                      Catch::Equals("t: line 2: objective 'x1' is no number"));
    CHECK_THROWS_WITH(hass::solution_json("{", "s"), Catch::Contains("s: not JSON"));
    CHECK_THROWS_WITH(hass::solution_json("{}", "s"), Catch::Contains("no field 'network'"));
}

TEST_CASE("a page holds its data, and names cannot leave it") {
    const std::filesystem::path root = std::filesystem::path(HASS_TEST_DATA) / "../..";
    const hass::report_page_parts parts{root / "include/hass/report/page",
                                        root / "third_party/echarts/echarts.min.js"};
    hass::report_run run{"<b>\xff", {}, {}};
    run.solution["network"] = "</script><script>alert(1)</script><!--SCRIPT-->";
    const std::string page = hass::report_page({&run, 1}, parts);
    CHECK_THAT(page, Catch::Contains("<title>HASS report: &lt;b&gt;"));
    CHECK_THAT(page, !Catch::Contains("alert(1)</script>") && !Catch::Contains("<!--SCRIPT-->"));
    CHECK_THAT(page, Catch::Contains("\\u003c/script>\\u003cscript>alert(1)"));
    std::size_t scripts = 0;
    for (std::size_t at = 0; (at = page.find("</script>", at)) != page.npos; ++at) ++scripts;
    CHECK(scripts == 3);  // data, library, the page's own
    CHECK_THROWS_WITH(hass::report_page({}, parts), Catch::Contains("no run"));
    CHECK_THROWS_WITH(hass::report_page({&run, 1}, {parts.page, "none.js"}),
                      Catch::Contains("none.js"));
}

TEST_CASE("what more of a resource buys is what a richer board gives") {
    const std::vector<hass::layer_statistics> statistics{
        {0.4, 0.5, 0.6, 0.65, {}}, {}, {0.1, 0.2, 0.3, 0.3, {}}};
    const hass::sparse_dot<> spe;
    const hass::device board = hass::boards::cora_z7::value;  // the smallest: no URAM
    const auto now = hass::allocate(net{}, statistics, spe, board);
    REQUIRE(now.certificate.binding);
    const double shares[]{0.5, 0.01};
    const auto prices = hass::resource_prices(net{}, statistics, spe, board, shares,
                                              now.estimate.images_per_second);
    CHECK(prices.size() == 2 * (hass::resources.size() - 1));
    for (const hass::resource_price& p : prices) {
        hass::device richer = board;
        richer.budget.*hass::resources[p.resource].field *= 1.0 + p.more;
        const auto a = hass::allocate(net{}, statistics, spe, richer);
        CHECK(p.images_per_second == a.estimate.images_per_second);
        CHECK(p.gain == a.estimate.images_per_second / now.estimate.images_per_second - 1.0);
        CHECK(p.gain_at_most >= p.gain);
        if (p.more == 0.5 && p.resource == *now.certificate.binding) CHECK(p.gain > 0.0);
    }
}

TEST_CASE("magnitudes by quantiles, and where a share lies") {
    const hass::exact_magnitudes m({0.0F, 0.0F, 1.0F, -2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F, 8.0F});
    const hass::report_json j = hass::magnitudes_json(m);
    CHECK(j["zeros"] == 0.2);
    CHECK(j["quantiles"].size() == 21);
    CHECK(j["quantiles"][0].get<double>() == Approx(1.0));
    CHECK(j["quantiles"][10].get<double>() == Approx(4.0));  // half of the eight are below or at 4
    CHECK(j["quantiles"][20].get<double>() == Approx(8.0));
    CHECK(hass::magnitudes_json(hass::exact_magnitudes({0.0F}))["quantiles"].empty());
    // Wilson's interval of 81 of 263, Newcombe 1998 (table I): 0.2553 to 0.3662
    const auto [low, high] = hass::share_interval(81.0 / 263.0, 263.0);
    CHECK(low == Approx(0.2553).margin(5e-5));
    CHECK(high == Approx(0.3662).margin(5e-5));
    CHECK(hass::share_interval(1.0, 20.0).second == 1.0);
}

TEST_CASE("a file gets no colours") {
    std::FILE* const file = std::tmpfile();
    CHECK_FALSE(hass::has_colours(file));
    CHECK(hass::emphasised("text", hass::emphasis::warning, file) == "text");
    std::fclose(file);
}
