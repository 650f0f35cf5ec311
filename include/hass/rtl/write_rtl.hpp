/// \file write_rtl.hpp
/// A design as SystemVerilog, and what it takes to simulate and to build it:
///
///     hass::write_rtl("rtl", integers, design, {.name = "fashion"});
///
///     rtl/fashion.sv     the top level: stages and the streams between them
///     rtl/stages/        a module a row
///     rtl/modules/       what they are made of, the same for every design
///     rtl/memories/      weights, constants, tables: a line a word, for $readmemh
///     rtl/Makefile main.cpp fashion.core vivado.tcl README.md
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hass/emulate/integer_network.hpp>
#include <hass/engine/engine.hpp>
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/rtl/alone.hpp>
#include <hass/rtl/compute_stage.hpp>
#include <hass/rtl/project_files.hpp>
#include <hass/rtl/stream_stages.hpp>
#include <hass/rtl/testbench.hpp>
#include <hass/rtl/top_level.hpp>

namespace hass {

namespace rtl {

/// Where the modules lie: HASS_RTL_MODULES where that is defined, else beside this header, as the
/// compiler was told it. A program that runs elsewhere than where it was compiled has to say.
inline std::filesystem::path default_modules() {
#ifdef HASS_RTL_MODULES
    return HASS_RTL_MODULES;
#else
    return std::filesystem::path(__FILE__).parent_path() / "modules";
#endif
}

}  // namespace rtl

/// How a design is written.
struct rtl_options {
    /// Of the top level's module and of its files: letters, digits, underscores.
    std::string name = "accelerator";
    /// What executes the dot products of an option's `engine`: one an engine of the list that the
    /// design was made with.
    std::vector<rtl::engine_kind> engines{rtl::engine_kind::dense};
    /// Pixels that find room on each edge beside the window of what reads it (`fifo_depths::edge`);
    /// what joins and windows need is there in any case. Empty: nothing more.
    std::vector<std::int64_t> fifo_pixels{};
    /// Where the modules lie; by default `rtl::default_modules()`.
    std::filesystem::path modules = rtl::default_modules();
    /// For the Vivado script alone, which asks for the part where it is empty.
    std::string part = "xczu7ev-ffvc1156-2-e";
    double mhz = 200.0;  ///< for the Vivado script's constraint
};

namespace rtl {

/// A row as a module; one without text where the row is wires alone.
/// \throws hass::error naming the layer, and what no module does
inline stage make_stage(const row_view& r, const std::vector<engine_kind>& engines) {
    if (r.integers().passes || r.row().kind == layer_kind::flatten) return {};
    if (!is_compute(r.row())) return stream_stage(r)();
    const auto engine = static_cast<std::size_t>(r.option.engine);
    r.require(engine < engines.size(), text_of({"nothing is known of engine ", engine}));
    return compute_stage(r, engines[engine])();
}

/// Names of modules of `modules` in a text: words that begin with "hass_".
inline std::set<std::string> modules_in(std::string_view text) {
    std::set<std::string> names;
    const auto in_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    for (std::size_t at = text.find("hass_"); at != std::string_view::npos;
         at = text.find("hass_", at + 1)) {
        if (at > 0 && in_word(text[at - 1])) continue;
        std::size_t end = at;
        while (end < text.size() && in_word(text[end])) ++end;
        names.insert(std::string(text.substr(at, end - at)));
    }
    return names;
}

/// The modules that a design is made of, and those that they are made of.
/// \throws hass::error naming a file that is not there
inline std::vector<file> used_modules(const accelerator_text& all,
                                      const std::filesystem::path& modules) {
    std::set<std::string> wanted = modules_in(all.text), done;
    for (const stage& s : all.stages) wanted.merge(modules_in(s.text));
    std::vector<file> files;
    while (!wanted.empty()) {
        const std::string name = *wanted.begin();
        wanted.erase(wanted.begin());
        if (!done.insert(name).second) continue;
        const std::string text = read_whole(modules / (name + ".sv"));
        for (const std::string& used : modules_in(text))
            if (done.count(used) == 0 &&
                std::filesystem::exists(modules / (used + ".sv")))  // or a word of a comment
                wanted.insert(used);
        files.push_back({"modules/" + name + ".sv", text});
    }
    return files;
}

/// Every file of a design.
/// \throws hass::error naming the layer, and what is missing for it
inline std::vector<file> design_files(const integer_network& net,
                                      std::span<const row_option> chosen,
                                      const rtl_options& options) {
    const network_view view = net.net;
    if (chosen.size() != view.size() || net.rows.size() != view.size())
        throw error(text_of({"rtl: ", chosen.size(), " options and ", net.rows.size(),
                             " rows of integers for ", view.size(), " layers"}));
    if (options.name != identifier(options.name) || options.name.rfind("hass_", 0) == 0)
        throw error("rtl: '" + options.name + "' is no name of a module of a user's own; '" +
                    identifier("a_" + options.name) + "' would be");
    if (!options.fifo_pixels.empty() && options.fifo_pixels.size() != view.edges.size())
        throw error(text_of(
            {"rtl: ", options.fifo_pixels.size(), " FIFOs for ", view.edges.size(), " edges"}));
    validate(view);
    std::vector<stage> stages;
    for (std::size_t i = 0; i < view.size(); ++i)
        stages.push_back(make_stage({net, i, chosen[i]}, options.engines));
    const accelerator_text all =
        top_level(net, options.name, std::move(stages), options.fifo_pixels)();

    std::vector<file> files = used_modules(all, options.modules);
    for (const stage& s : all.stages) {
        files.push_back({"stages/" + s.module + ".sv", s.text});
        for (const file& m : s.memories) files.push_back({"memories/" + m.path, m.content});
    }
    files.push_back({all.name + ".sv", all.text});
    const std::vector<file> hardware = files;
    files.push_back({"main.cpp", testbench(all)});
    files.push_back({all.name + "_alone.sv", stages_alone(all)});
    files.push_back({"alone.cpp", alone_testbench(net, all)});
    files.push_back({"Makefile", makefile(all)});
    files.push_back({all.name + ".core", fusesoc_core(all, hardware)});
    files.push_back({"vivado.tcl", vivado_script(all, options.part, options.mhz)});
    files.push_back({"README.md", readme(net, all)});
    return files;
}

}  // namespace rtl

namespace rtl {

/// \throws hass::error for a folder that holds something else than an earlier design
inline void require_place(const std::filesystem::path& folder) {
    namespace fs = std::filesystem;
    const bool earlier = fs::exists(folder / "modules") && fs::exists(folder / "memories");
    if (fs::exists(folder) && !earlier && !(fs::is_directory(folder) && fs::is_empty(folder)))
        throw error(folder.string() + ": is there already, and no design");
}

}  // namespace rtl

/// Writes a design as SystemVerilog: see the head of the file. The folder is there whole or not at
/// all: it is written beside its place and renamed.
/// \param folder   is made; an earlier design's in its place is replaced, anything else is not
/// \param net      of integers (`make_integer_network`)
/// \param chosen   one option a row; every folding must be legal for its engine
/// \throws hass::error naming the layer and what is missing, before anything is written; naming the
///         file or folder that cannot be read or written
inline void write_rtl(const std::filesystem::path& folder, const integer_network& net,
                      std::span<const row_option> chosen, const rtl_options& options = {}) {
    namespace fs = std::filesystem;
    const std::vector<rtl::file> files = rtl::design_files(net, chosen, options);
    const fs::path place = folder.has_filename() ? folder : folder.parent_path();
    std::error_code failed;
    rtl::require_place(place);
    const fs::path temporary = fs::path(place).concat(".tmp");
    fs::remove_all(temporary, failed);
    try {
        for (const char* part : {"modules", "stages", "memories"}) prepare_folder(temporary / part);
        for (const rtl::file& f : files) write_whole(temporary / f.path, f.content);
    } catch (const error&) {
        fs::remove_all(temporary, failed);
        throw;
    }
    fs::remove_all(place, failed);
    fs::rename(temporary, place, failed);
    if (failed) throw error(place.string() + ": cannot replace: " + failed.message());
}

}  // namespace hass
