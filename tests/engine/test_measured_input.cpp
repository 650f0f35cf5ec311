// What was measured, as tables of one's own and as Vivado's report.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include <hass/engine/resources/measured_csv.hpp>
#include <hass/engine/resources/utilization_report.hpp>

using Catch::Contains;
using hass::read_measured_csv;
using hass::read_utilization_report;

TEST_CASE("a table of measured layers says shapes, foldings and figures") {
    const auto layers = read_measured_csv(
        "name,kind,channels,height,width,filters,kernel,stride,pad,groups,bias,in,out,macs,memory,"
        "multipliers,lut,ff,dsp,bram18\n"
        "first,convolution,3,49,10,64,10x4,2,4x1,,1,1,4,20,uram,lut,2120.5,,0,3\n"
        "fc,linear,16,2,2,10,,,,,,2,5,,,,,12,,\n"
        "act,relu,64,25,5,,,,,,,4,,,,,130,,,\n",
        "m.csv");
    REQUIRE(layers.size() == 3);
    const hass::layer_row& conv = layers[0].built->row;
    CHECK(conv.kernel_h == 10);
    CHECK(conv.kernel_w == 4);
    CHECK(conv.out == hass::shape{64, 24, 5});
    CHECK(conv.bias);
    CHECK(layers[0].built->option.folding == hass::parallelism{1, 4, 1, 20, 1});
    CHECK(layers[0].built->option.memory == hass::weight_memory::uram);
    CHECK(layers[0].built->option.multipliers == hass::multiplier::lut);
    CHECK(layers[0].measured[hass::lut_index] == 2120.5);
    CHECK(layers[0].measured[hass::dsp_index] == 0.0);
    CHECK(layers[0].measured[hass::bram18_index] == 3.0);
    CHECK_FALSE(layers[0].measured[hass::ff_index]);
    CHECK_FALSE(layers[0].measured[hass::uram_index]);
    CHECK(layers[1].built->row.in == hass::shape{64, 1, 1});
    CHECK(layers[1].built->row.out == hass::shape{10, 1, 1});
    CHECK(layers[2].built->row.out == layers[2].built->row.in);
    CHECK(layers[2].where == "m.csv: line 4");

    const auto named = read_measured_csv("name,ff\nconv1,7\n", "m.csv");
    CHECK(named.front().name == "conv1");
    CHECK_FALSE(named.front().built);
}

TEST_CASE("a broken table of measured layers is refused by line and column") {
    const auto refused = [](const std::string& text, const std::string& why) {
        CHECK_THROWS_WITH(read_measured_csv(text, "m.csv"), Contains(why));
    };
    refused("name,luts\nx,1\n", "unknown column 'luts'; did you mean 'lut'");
    refused("name,kind\nx,relu\n", "no column of lut");
    refused("lut\n1\n", "no column 'name'");
    refused("name,lut\n", "a header and no line");
    refused("name,lut\n,1\n", "line 2: name '': is missing");
    refused("name,macs,lut\nx,3,1\n", "column 'macs' needs a column 'kind'");
    refused("name,lut\nx,12k\n", "line 2: lut '12k': must be a number");
    refused("name,lut\nx,-1\n", "line 2: lut '-1': must be a number, 0 or more");
    refused("name,lut\nx,nan\n", "line 2: lut 'nan'");
    refused("kind,lut\nconvolutoin,1\n", "unknown kind 'convolutoin'; did you mean 'convolution'");
    refused("kind,lut\n,1\n", "line 2: kind '': is missing");
    refused("kind,channels,lut\nconvolution,3,1\n", "line 2: filters '': is missing");
    refused("kind,channels,in,lut\nrelu,0,1,1\n", "channels '0': must be a whole number from 1");
    refused("kind,channels,filters,kernel,lut\nconvolution,3,4,3x,1\n", "kernel '3x'");
    refused("kind,channels,filters,kernel,lut\nconvolution,3,4,3,1\n", "kernel '3': is larger");
    refused("kind,channels,filters,groups,lut\nconvolution,3,4,2,1\n", "groups '2': must divide");
    refused("kind,channels,height,width,lut\nrelu,100000,1000,1000,1\n", "more than 10^9 words");
    refused("kind,memory,lut\nrelu,brma18,1\n", "unknown memory 'brma18'; did you mean 'bram18'");
}

namespace {

const std::string report =
    "Copyright 1986-2019 Xilinx, Inc. All Rights Reserved.\n"
    "| Tool Version : Vivado v.2019.1 (lin64)\n"
    "1. Utilization by Hierarchy\n"
    "---------------------------\n"
    "\n"
    "+------------+------------+------------+------------+---------+------+------+--------+-------"
    "-+--------------+\n"
    "|  Instance  |   Module   | Total LUTs | Logic LUTs | LUTRAMs | SRLs |  FFs | RAMB36 | RAMB18 "
    "| DSP48 Blocks |\n"
    "+------------+------------+------------+------------+---------+------+------+--------+-------"
    "-+--------------+\n"
    "| top        |      (top) |       5200 |       4800 |     300 |  100 | 6100 |      4 |      3 "
    "|           40 |\n"
    "|   (top)    |      (top) |         12 |         12 |       0 |    0 |   20 |      0 |      0 "
    "|            0 |\n"
    "|   conv1    |    conv_64 |       2120 |       2000 |     100 |   20 | 2500 |      1 |      1 "
    "|           36 |\n"
    "|     window |     window |        500 |        400 |     100 |    0 |  300 |      1 |      0 "
    "|            0 |\n"
    "|   relu1    |       relu |     130(1%) |       130 |       0 |    0 |   90 |      0 |      0 "
    "|            0 |\n"
    "+------------+------------+------------+------------+---------+------+------+--------+-------"
    "-+--------------+\n"
    "* Note: The sum of lower-level cells may be larger than their parent cells total.\n";

}  // namespace

TEST_CASE("Vivado's report says what instances take") {
    CHECK(hass::is_utilization_report(report));
    CHECK_FALSE(hass::is_utilization_report("name,lut\nInstance,1\n"));
    const auto instances = read_utilization_report(report, "u.rpt");
    REQUIRE(instances.size() == 4);  // top, conv1, window, relu1
    const hass::utilized_instance* conv = hass::find_instance(instances, "/conv1", "u.rpt");
    REQUIRE(conv != nullptr);
    CHECK(conv->measured[hass::lut_index] == 2120);
    CHECK(conv->measured[hass::ff_index] == 2500);
    CHECK(conv->measured[hass::dsp_index] == 36);
    CHECK(conv->measured[hass::bram18_index] == 3);
    CHECK_FALSE(conv->measured[hass::uram_index]);
    CHECK(hass::find_instance(instances, "relu1", "u.rpt")->measured[hass::lut_index] == 130);
    CHECK(hass::find_instance(instances, "conv2", "u.rpt") == nullptr);
    CHECK(hass::instance_name("/block1/conv1/Conv") == "block1_conv1_Conv");
}

TEST_CASE("a broken report is refused by line") {
    CHECK_THROWS_WITH(read_utilization_report("nothing\n", "u.rpt"), Contains("no table of inst"));
    std::string text = report;
    text.replace(text.find("2120"), 4, "many");
    CHECK_THROWS_WITH(read_utilization_report(text, "u.rpt"),
                      Contains("u.rpt: line 11: Total LUTs 'many' is no number"));
    text = report;
    text.insert(text.find("          36 |"), " 5 |");
    CHECK_THROWS_WITH(read_utilization_report(text, "u.rpt"), Contains("line 11 has 11 cells"));
    text = report;
    text.replace(text.find("window |     window"), 6, "conv1 ");
    CHECK_THROWS_WITH(hass::find_instance(read_utilization_report(text, "u.rpt"), "conv1", "u.rpt"),
                      Contains("lines 11 and 12 are both stage 'conv1'"));
}
