/// \file project_files.hpp
/// What stands beside a design's SystemVerilog: Makefile, FuseSoC core, Vivado script, README.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <hass/rtl/top_level.hpp>
#include <hass/text.hpp>

namespace hass::rtl {

/// Builds and runs the simulations.
inline std::string makefile(const accelerator_text& all) {
    const std::string& name = all.name;
    return text_of(
        {"# make            builds the simulation\n"
         "# make lint       what Verilator thinks of the design\n"
         "# make run IMAGES=images ANSWERS=answers [PAUSES=30] [PACE=20000] [PASSES=2]\n"
         "# make alone      cycles of an image in each stage by itself, fed with streams/\n"
         "VERILATOR ?= verilator\n"
         "VERILATED = -Wall -y modules -y stages\n"
         "BUILD = $(VERILATOR) --cc --exe --build -j 1 -O3 --x-assign fast --x-initial fast "
         "--output-split 30000 -CFLAGS -std=c++17 -MAKEFLAGS "
         "\"OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1\" $(VERILATED)\n"
         "PAUSES ?= 0\nPACE ?= 0\nPASSES ?= 1\n\n"
         "obj_dir/V",
         name,
         ": ",
         name,
         ".sv main.cpp $(wildcard modules/*.sv stages/*.sv)\n\t$(BUILD) --top-module ",
         name,
         " ",
         name,
         ".sv main.cpp\nobj_alone/V",
         name,
         "_alone: ",
         name,
         "_alone.sv alone.cpp $(wildcard modules/*.sv stages/*.sv)\n"
         "\t$(BUILD) --Mdir obj_alone --top-module ",
         name,
         "_alone ",
         name,
         "_alone.sv alone.cpp\n\n"
         ".PHONY: lint run alone clean\n"
         "lint:\n\t$(VERILATOR) --lint-only --top-module ",
         name,
         " $(VERILATED) ",
         name,
         ".sv\nrun: obj_dir/V",
         name,
         "\n\tcd memories && ../obj_dir/V",
         name,
         " $(abspath $(IMAGES)) $(abspath $(ANSWERS)) $(PAUSES) $(PACE) $(PASSES)\n"
         "alone: obj_alone/V",
         name,
         "_alone\n\tcd memories && ../obj_alone/V",
         name,
         "_alone ../streams\n"
         "clean:\n\trm -rf obj_dir obj_alone\n"});
}

/// For FuseSoC (CAPI2): the sources, a lint target and a Vivado target.
/// \param files  SystemVerilog and memories
inline std::string fusesoc_core(const accelerator_text& all, std::span<const file> files) {
    std::string sources, memories;
    for (const file& f : files) {
        const bool memory = f.path.rfind("memories/", 0) == 0;
        if (memory)
            memories += text_of({"      - ", f.path, ": {copyto: ", f.path.substr(9), "}\n"});
        else
            sources += text_of({"      - ", f.path, "\n"});
    }
    return text_of({"CAPI=2:\nname: \"::", all.name,
                    ":0\"\ndescription: An accelerator of one network\n\n"
                    "filesets:\n"
                    "  rtl:\n    files:\n",
                    sources,
                    "    file_type: systemVerilogSource\n"
                    "  memories:\n    files:\n",
                    memories,
                    "    file_type: user\n\n"
                    "targets:\n"
                    "  default: &default\n    filesets: [rtl, memories]\n    toplevel: ",
                    all.name,
                    "\n"
                    "  lint:\n    <<: *default\n    default_tool: verilator\n"
                    "    tools: {verilator: {mode: lint-only, verilator_options: [-Wall]}}\n"});
}

/// Synthesis and place and route, out of context. Nobody has run it.
inline std::string vivado_script(const accelerator_text& all, const std::string& part, double mhz) {
    return text_of(
        {"# Not run: written without a Vivado at hand.\n"
         "# vivado -mode batch -source vivado.tcl",
         part.empty() ? " -tclargs PART" : "",
         "\n"
         "read_verilog -sv [glob modules/*.sv stages/*.sv ",
         all.name,
         ".sv]\n"
         "read_mem [glob memories/*.mem]\n"
         "synth_design -top ",
         all.name, " -part ", part.empty() ? "[lindex $argv 0]" : part,
         " -mode out_of_context -verilog_define HASS_DSP48E2\n"
         "create_clock -period ",
         number(1000.0 / mhz, 4),
         " -name aclk [get_ports aclk]\n"
         "opt_design\nplace_design\nroute_design\n"
         "report_utilization -hierarchical -file utilization.rpt\n"
         "report_timing_summary -file timing.rpt\n"
         "write_checkpoint -force ",
         all.name, ".dcp\n"});
}

namespace detail {

inline std::string port_line(const port& p, const char* prefix, const char* what) {
    return text_of({"| `", prefix, p.words.name, "` | ", what, " '", p.row, "' | ", p.count, " | ",
                    p.words.lanes, " x ", p.words.bits, " | ", p.data_bits(), " |\n"});
}

inline std::string answers_table(const integer_network& net, const accelerator_text& all) {
    std::string table;
    for (const port& p : all.answers)
        for (std::size_t i = 0; i < net.rows.size(); ++i)
            if (name_of(net.net, i) == p.row)
                table += text_of(
                    {"| `m_axis_", p.words.name, "` | q * ", number(net.rows[i].step), " |\n"});
    return table;
}

}  // namespace detail

/// The interface, for whom connects it.
inline std::string readme(const integer_network& net, const accelerator_text& all) {
    std::string ports, stages;
    for (const port& p : all.images) ports += detail::port_line(p, "s_axis_", "the image, for");
    for (const port& p : all.answers) ports += detail::port_line(p, "m_axis_", "answers of");
    for (std::size_t i = 0; i < all.stages.size(); ++i)
        stages += text_of({"| ", i, " | `stages/", all.stages[i].module, ".sv` |\n"});
    return text_of(
        {"# ",
         all.name,
         "\n\nAn accelerator of ",
         net.source.empty() ? "a network" : net.source,
         ": a stage a layer, integers of ",
         net.data_bits,
         " bits, weights of ",
         net.weight_bits,
         " bits.\n\n"
         "| stream | what | words an image | values x bits a word | TDATA "
         "|\n|---|---|---|---|---|\n",
         ports,
         "\nStreams are AXI-Stream (TVALID, TREADY, TDATA; TLAST with the last word of an image's "
         "answers). All\nare synchronous to `aclk`; `aresetn` is synchronous, low for ",
         reset_cycles,
         " cycles or more.\nAn image comes pixel by pixel, row by row, all channels of a pixel in "
         "their "
         "order; the first value of a\nword is the rightmost, two's complement. Answers leave in "
         "the same "
         "order. Several readers of the image each\nhave a stream of their own and take the same "
         "values. "
         "Images follow each other without a gap.\n\nA value q stands for q * ",
         number(net.input_step),
         " in the preprocessed image. Answers:\n\n"
         "| stream | a value q stands for |\n|---|---|\n",
         detail::answers_table(net, all),
         "\n`busy[i]` is high while stage i works, for counting:\n\n| i | stage |\n|---|---|\n",
         stages,
         "\n    make lint\n    make run IMAGES=images ANSWERS=answers\n    make alone\n\n"
         "simulates with Verilator 5; `main.cpp` says what the files are, and counts cycles. `make "
         "alone` feeds\neach stage by itself with streams/, where these are, and prints the cycles "
         "of an image in it. "
         "`",
         all.name,
         ".core` is for FuseSoC.\n`vivado.tcl` has not been run. Where `HASS_DSP48E2` is "
         "defined, multipliers are instances of that primitive.\n"});
}

}  // namespace hass::rtl
