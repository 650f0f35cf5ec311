/// \file testbench.hpp
/// The program that simulates a design: images in, answers out, and the cycles that it took.
#pragma once

#include <string>

#include <hass/rtl/top_level.hpp>
#include <hass/text.hpp>

namespace hass::rtl {

namespace detail {

/// The part that is the same for every design.
inline constexpr const char* testbench_body = R"cpp(
    using value = std::int32_t;

    // A signal of any width as bits.
    template <class Signal>
    void set_bit(Signal& signal, int at, bool bit) {
        if constexpr (std::is_integral_v<Signal>) {
            const Signal one = static_cast<Signal>(Signal{1} << at);
            signal = static_cast<Signal>(bit ? signal | one : signal & ~one);
        } else {
            const std::uint32_t one = std::uint32_t{1} << (at % 32);
            signal[at / 32] = bit ? signal[at / 32] | one : signal[at / 32] & ~one;
        }
    }
    template <class Signal>
    bool bit_of(const Signal& signal, int at) {
        if constexpr (std::is_integral_v<Signal>)
            return (signal >> at & 1) != 0;
        else
            return (signal[at / 32] >> (at % 32) & 1) != 0;
    }

    // Feeds all images to one reader of them.
    struct source {
        int lanes, bits;
        std::size_t next = 0;  // value
        bool offered = false;

        template <class Signal>
        void offer(Signal& data, CData& valid, const std::vector<value>& values, double came,
                   bool may) {
            if (!offered && may && next < values.size() && static_cast<double>(next) <= came) {
                for (int l = 0; l < lanes; ++l)
                    for (int b = 0; b < bits; ++b)
                        set_bit(data, l * bits + b, (values[next + l] >> b & 1) != 0);
                offered = true;
            }
            valid = offered;
        }
        bool take(bool ready) {
            if (!offered || !ready) return false;
            next += static_cast<std::size_t>(lanes);
            offered = false;
            return true;
        }
    };

    // Takes the answers of one stream.
    struct sink {
        int lanes, bits;
        std::size_t words, pixel;  // words of an image, of a pixel
        std::vector<value> values = {};
        std::vector<std::int64_t> done = {};   // cycle of each image's last word
        std::vector<std::int64_t> first = {};  // ... and of its first pixel
        std::size_t word = 0;
        bool ends_right = true;

        template <class Signal>
        bool take(const Signal& data, bool valid, bool ready, bool last, std::int64_t cycle) {
            if (!valid || !ready) return false;
            for (int l = 0; l < lanes; ++l) {
                std::uint32_t x = 0;
                for (int b = 0; b < 32; ++b)
                    x |= std::uint32_t{bit_of(data, l * bits + (b < bits ? b : bits - 1))} << b;
                values.push_back(static_cast<value>(x));
            }
            if (++word == pixel) first.push_back(cycle);
            if (word == words) word = 0, done.push_back(cycle);
            ends_right = ends_right && last == (word == 0);
            return true;
        }
    };

    std::vector<value> read(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        std::vector<value> values;
        for (value x; in.read(reinterpret_cast<char*>(&x), sizeof x);) values.push_back(x);
        return values;
    }
)cpp";

inline std::string testbench_main(const accelerator_text& all) {
    std::string sources, sinks, offer, take, ready, collect, done;
    std::size_t values = 0;
    for (std::size_t k = 0; k < all.images.size(); ++k) {
        const port& p = all.images[k];
        const std::string axis = "top.s_axis_" + p.words.name;
        values = static_cast<std::size_t>(p.count) * static_cast<std::size_t>(p.words.lanes);
        sources += text_of({k > 0 ? ", " : "", "{", p.words.lanes, ", ", p.words.bits, "}"});
        offer += text_of({"        sources[", k, "].offer(", axis, "_tdata, ", axis,
                          "_tvalid, images, came, happens());\n"});
        take += text_of({"        if (sources[", k, "].take(", axis, "_tready)) moved = cycle;\n"});
    }
    for (std::size_t k = 0; k < all.answers.size(); ++k) {
        const port& p = all.answers[k];
        const std::string axis = "top.m_axis_" + p.words.name;
        sinks += text_of({k > 0 ? ", " : "", "{", p.words.lanes, ", ", p.words.bits, ", ", p.count,
                          ", ", p.pixel, "}"});
        ready += text_of({"        ", axis, "_tready = happens();\n"});
        collect += text_of({"        if (sinks[", k, "].take(", axis, "_tdata, ", axis, "_tvalid, ",
                            axis, "_tready, ", axis, "_tlast, cycle)) moved = cycle;\n"});
    }
    std::string names;
    for (std::size_t k = 0; k < all.stages.size(); ++k)
        names += text_of({k > 0 ? ", " : "", "\"", all.stages[k].module, "\""});
    return text_of(
        {"\n// \"images\" and \"answers\" hold integers of 32 bits: of an image all channels of a "
         "pixel,\n"
         "// pixel by pixel, row by row; of its answers the same, stream by stream. \"pauses\": in "
         "how\n"
         "// many of 100 cycles a source or a sink is idle. \"pace\": cycles in which an image "
         "comes,\n"
         "// each when the one before has left; what it takes to the first pixel of an answer is "
         "then "
         "the\n"
         "// mean of all of them. \"passes\": how many times all images come; the answers are "
         "those "
         "of\n"
         "// the first, which the others' have to equal, and the interval is the last one's: the "
         "first\n"
         "// image finds the FIFOs empty, and leaves sooner than those behind it can.\n"
         "int main(int argc, char** argv) {\n"
         "    if (argc < 3 || argc > 6) {\n"
         "        std::fprintf(stderr, \"usage: %s images answers [pauses [pace "
         "[passes]]]\\n\", argv[0]);\n"
         "        return 2;\n"
         "    }\n"
         "    std::vector<value> images = read(argv[1]);\n"
         "    constexpr std::size_t image_values = ",
         values,
         ";\n"
         "    const std::size_t once = images.size() / image_values;\n"
         "    if (once == 0 || images.size() % image_values != 0) {\n"
         "        std::fprintf(stderr, \"%s: no images of %zu values\\n\", argv[1], "
         "image_values);\n"
         "        return 2;\n"
         "    }\n"
         "    const unsigned pauses = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 0;\n"
         "    const double pace = argc > 4 ? std::atof(argv[4]) : 0.0;\n"
         "    const int passes = argc > 5 ? std::atoi(argv[5]) : 1;\n"
         "    if (passes < 1) {\n"
         "        std::fprintf(stderr, \"%s passes of the images\\n\", argv[5]);\n"
         "        return 2;\n"
         "    }\n"
         "    const std::size_t count = once * static_cast<std::size_t>(passes);\n"
         "    images.reserve(count * image_values);\n"
         "    for (std::size_t i = once * image_values; i < count * image_values; ++i)\n"
         "        images.push_back(images[i - once * image_values]);\n"
         "    std::mt19937 random(1);\n"
         "    const auto happens = [&] { return pauses == 0 || random() % 100 >= pauses; };\n"
         "    const std::vector<const char*> stages{",
         names,
         "};\n"
         "    std::vector<source> sources{",
         sources,
         "};\n"
         "    std::vector<sink> sinks{",
         sinks,
         "};\n"
         "    std::vector<std::int64_t> busy(stages.size(), 0), held(stages.size(), 0);\n"
         "    std::vector<std::int64_t> begins{0};  // cycles at which images may begin to come\n"
         "\n"
         "    VerilatedContext context;\n"
         "    V",
         all.name,
         " top(&context);\n"
         "    const auto tick = [&] {\n"
         "        top.aclk = 1;\n"
         "        top.eval();\n"
         "        top.aclk = 0;\n"
         "    };\n"
         "    top.aresetn = 0;\n"
         "    for (int i = 0; i < ",
         reset_cycles,
         "; ++i) top.eval(), tick();\n"
         "    top.aresetn = 1;\n"
         "\n"
         "    std::int64_t cycle = 0;\n"
         "    for (std::int64_t moved = 0; sinks[0].done.size() < count; ++cycle) {\n"
         "        if (cycle - moved > 1000000) {\n"
         "            std::fprintf(stderr, \"nothing moves since cycle %lld\\n\",\n"
         "                         static_cast<long long>(moved));\n"
         "            return 1;\n"
         "        }\n",
         "        // with a pace, as much of the image behind those that have left as has come\n"
         "        const double come = std::min(static_cast<double>(cycle - begins.back()) / pace "
         "*\n"
         "                                         image_values, image_values - 1.0);\n"
         "        const double came =\n"
         "            pace > 0.0 ? static_cast<double>((begins.size() - 1) * image_values) + come "
         ": "
         "1e18;\n",
         offer,
         ready,
         "        top.eval();\n"
         "        for (std::size_t s = 0; s < stages.size(); ++s) {\n"
         "            const bool works = bit_of(top.busy, static_cast<int>(s));\n"
         "            busy[s] += works;\n"
         "            held[s] += !works && bit_of(top.held, static_cast<int>(s));\n"
         "        }\n",
         take,
         collect,
         "        bool left = true;\n"
         "        for (const sink& s : sinks) left = left && s.done.size() >= begins.size();\n"
         "        if (left) begins.push_back(cycle + 1);\n"
         "        tick();\n"
         "    }\n"
         "    top.final();\n"
         "\n"
         "    std::ofstream out(argv[2], std::ios::binary);\n"
         "    for (std::size_t i = 0; i < once; ++i)\n"
         "        for (const sink& s : sinks) {\n"
         "            const std::size_t n = s.words * static_cast<std::size_t>(s.lanes);\n"
         "            out.write(reinterpret_cast<const char*>(s.values.data() + i * n),\n"
         "                      static_cast<std::streamsize>(n * sizeof(value)));\n"
         "        }\n"
         "    for (const sink& s : sinks)\n"
         "        if (!s.ends_right || s.done.size() != count) {\n"
         "            std::fprintf(stderr, \"answers end in the wrong place\\n\");\n"
         "            return 1;\n"
         "        }\n"
         "    for (const sink& s : sinks) {\n"
         "        const std::size_t n = s.words * static_cast<std::size_t>(s.lanes);\n"
         "        for (std::size_t i = once * n; i < count * n; ++i)\n"
         "            if (s.values[i] != s.values[i - once * n]) {\n"
         "                std::fprintf(stderr, \"image %zu is answered otherwise in pass "
         "%zu\\n\",\n"
         "                             i / n % once, i / n / once + 1);\n"
         "                return 1;\n"
         "            }\n"
         "    }\n"
         "    const sink& s = sinks[0];\n"
         "    double fill = static_cast<double>(s.first[0]);\n"
         "    for (std::size_t i = 1; pace > 0.0 && i < count; ++i)\n"
         "        fill += static_cast<double>(s.first[i] - begins[i]);\n"
         "    if (pace > 0.0) fill /= static_cast<double>(count);\n"
         "    const std::size_t before = passes > 1 ? count - once - 1 : 0;\n"
         "    const double images_between = count > 1 ? static_cast<double>(count - 1 - before) : "
         "1.0;\n"
         "    std::printf(\"images %zu\\ncycles %lld\\nfill %.2f\\nlatency %lld\\ninterval "
         "%.2f\\n\", count,\n"
         "                static_cast<long long>(cycle), fill,\n"
         "                static_cast<long long>(s.done[0]),\n"
         "                static_cast<double>(s.done.back() - s.done[before]) / images_between);\n"
         "    for (std::size_t i = 0; i < stages.size(); ++i)\n"
         "        std::printf(\"busy %s %.2f\\nheld %s %.2f\\n\", stages[i],\n"
         "                    static_cast<double>(busy[i]) / static_cast<double>(count), "
         "stages[i],\n"
         "                    static_cast<double>(held[i]) / static_cast<double>(count));\n"
         "    return 0;\n"
         "}\n"});
}

}  // namespace detail

/// main.cpp of a design.
inline std::string testbench(const accelerator_text& all) {
    return text_of({"// Simulates ", all.name,
                    ": see README.md.\n#include <verilated.h>\n\n"
                    "#include <algorithm>\n#include <cstdint>\n#include <cstdio>\n#include "
                    "<cstdlib>\n#include <fstream>\n"
                    "#include <random>\n#include <string>\n#include <type_traits>\n"
                    "#include <vector>\n\n#include \"V",
                    all.name, ".h\"\n", detail::testbench_body, detail::testbench_main(all)});
}

}  // namespace hass::rtl
