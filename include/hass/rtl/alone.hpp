/// \file alone.hpp
/// Every stage of a design by itself: its inputs are always there, its results are taken at once. What an
/// image takes then is the stage's own cycles. In the design a stage waits, too, and what goes on inside of
/// it while it does is not told apart from that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <hass/error.hpp>
#include <hass/rtl/testbench.hpp>
#include <hass/rtl/top_level.hpp>
#include <hass/text.hpp>

namespace hass::rtl {

/// The row of each stage of a design.
inline std::vector<std::size_t> rows_of(const integer_network& net, const accelerator_text& all) {
    std::vector<std::size_t> rows;
    const row_option any{};
    for (std::size_t i = 0; i < net.rows.size() && rows.size() < all.stages.size(); ++i)
        if (all.stages[rows.size()].module == row_view{net, i, any}.id()) rows.push_back(i);
    if (rows.size() != all.stages.size()) throw error("RTL: a stage is no row's");
    return rows;
}

/// The module NAME_alone: all stages side by side, ports STAGE_INPUT_valid, _ready and _data, and
/// STAGE_out_valid.
inline std::string stages_alone(const accelerator_text& all) {
    std::vector<std::string> ports{"input  logic clk", "input  logic rst"};
    for (const stage& s : all.stages) {
        for (const stream& in : s.inputs) {
            const std::string name = text_of({s.module, "_", in.name});
            ports.push_back(text_of({"input  logic ", name, "_valid"}));
            ports.push_back(text_of({"output logic ", name, "_ready"}));
            ports.push_back(text_of({"input  logic [", in.width() - 1, ":0] ", name, "_data"}));
        }
        ports.push_back(text_of({"output logic ", s.module, "_out_valid"}));
        ports.push_back(
            text_of({"output logic [", s.output.width() - 1, ":0] ", s.module, "_out_data"}));
    }
    ports.push_back(text_of({"output logic [", all.stages.size() - 1, ":0] busy"}));
    module_text text("// Each stage by itself: see alone.cpp.\n", all.name + "_alone", ports);
    for (std::size_t k = 0; k < all.stages.size(); ++k) {
        const stage& s = all.stages[k];
        std::vector<std::string> pins{".clk", ".rst"};
        for (const stream& in : s.inputs)
            module_text::connect(pins, in.name, text_of({s.module, "_", in.name}));
        pins.push_back(text_of({".out_valid(", s.module, "_out_valid)"}));
        pins.push_back(".out_ready(1'b1)");
        pins.push_back(text_of({".out_data(", s.module, "_out_data)"}));
        pins.push_back(text_of({".busy(busy[", k, "])"}));
        text.instance(s.module, {}, text_of({"stage_", k}), pins);
    }
    return text.finished();
}

/// alone.cpp of a design: feeds them with what "streams" holds and prints "own STAGE cycles" of each, the
/// mean of all images but the first.
inline std::string alone_testbench(const integer_network& net, const accelerator_text& all) {
    const std::vector<std::size_t> rows = rows_of(net, all);
    std::string sources, stages, offer, take;
    std::size_t n = 0;
    for (std::size_t k = 0; k < all.stages.size(); ++k) {
        const stage& s = all.stages[k];
        for (std::size_t j = 0; j < s.inputs.size(); ++j) {
            const stream& in = s.inputs[j];
            const std::string name = text_of({s.module, "_", in.name});
            sources += text_of({"        {{", in.lanes, ", ", in.bits, "}, read16(folder + \"/",
                                s.module, "_", j, "\")},\n"});
            offer += text_of({"        inputs[", n, "].words.offer(top.", name, "_data, top.", name,
                              "_valid, inputs[", n, "].values, 1e18, true);\n"});
            take += text_of(
                {"        if (inputs[", n, "].words.take(top.", name, "_ready)) moved = cycle;\n"});
            ++n;
        }
        const std::int64_t words = net.net.rows[rows[k]].out.volume() / s.output.lanes;
        stages += text_of({"        {\"", s.module, "\", ", words, "},\n"});
        take += text_of({"        if (top.", s.module, "_out_valid) stages[", k,
                         "].take(cycle), moved = cycle;\n"});
    }
    const std::int64_t values = net.net.rows[rows.front()].in.volume();
    return text_of(
        {"// Each stage of ",
         all.name,
         " by itself: see README.md.\n#include <verilated.h>\n\n"
         "#include <algorithm>\n#include <cstdint>\n#include <cstdio>\n#include <fstream>\n"
         "#include <string>\n#include <type_traits>\n#include <vector>\n\n#include \"V",
         all.name,
         "_alone.h\"\n",
         detail::testbench_body,
         "\n// Integers of 16 bits, lowest byte first.\n"
         "std::vector<value> read16(const std::string& file) {\n"
         "    std::ifstream in(file, std::ios::binary);\n"
         "    std::vector<value> values;\n"
         "    for (std::int16_t x; in.read(reinterpret_cast<char*>(&x), sizeof x);) "
         "values.push_back(x);\n"
         "    return values;\n}\n"
         "struct input {\n    source words;\n    std::vector<value> values;\n};\n"
         "struct alone {\n"
         "    const char* name;\n    std::int64_t words;  // of an image's results\n"
         "    std::int64_t word = 0;\n    std::vector<std::int64_t> done = {};\n\n"
         "    void take(std::int64_t cycle) {\n"
         "        if (++word % words == 0) done.push_back(cycle);\n    }\n};\n\n"
         "int main(int argc, char** argv) {\n"
         "    if (argc != 2) {\n"
         "        std::fprintf(stderr, \"usage: %s streams\\n\", argv[0]);\n        return 2;\n    "
         "}\n"
         "    const std::string folder = argv[1];\n"
         "    std::vector<input> inputs{\n",
         sources,
         "    };\n    std::vector<alone> stages{\n",
         stages,
         "    };\n"
         "    const std::size_t count = inputs[0].values.size() / ",
         values,
         ";\n"
         "    if (count < 2) {\n"
         "        std::fprintf(stderr, \"%s: fewer than two images\\n\", argv[1]);\n"
         "        return 2;\n    }\n"
         "    VerilatedContext context;\n    V",
         all.name,
         "_alone top(&context);\n"
         "    const auto tick = [&] {\n        top.clk = 1;\n        top.eval();\n"
         "        top.clk = 0;\n    };\n"
         "    top.rst = 1;\n    for (int i = 0; i < ",
         reset_cycles,
         "; ++i) top.eval(), tick();\n    top.rst = 0;\n"
         "    const auto runs = [&](const alone& s) { return s.done.size() < count; };\n"
         "    std::int64_t moved = 0;\n"
         "    for (std::int64_t cycle = 0; std::any_of(stages.begin(), stages.end(), runs); "
         "++cycle) {\n"
         "        if (cycle - moved > 1000000) {\n"
         "            std::fprintf(stderr, \"nothing moves since cycle %lld\\n\",\n"
         "                         static_cast<long long>(moved));\n"
         "            return 1;\n        }\n",
         offer,
         "        top.eval();\n",
         take,
         "        tick();\n    }\n    top.final();\n"
         "    for (const alone& s : stages)\n"
         "        std::printf(\"own %s %.2f\\n\", s.name,\n"
         "                    static_cast<double>(s.done[count - 1] - s.done[0]) / "
         "static_cast<double>(count - 1));\n"
         "    return 0;\n}\n"});
}

}  // namespace hass::rtl
