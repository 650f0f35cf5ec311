#include "foldings.hpp"

#include <fmt/format.h>

#include <chrono>
#include <hass/engine/finn/types.hpp>
#include <hass/explore/finn_foldings.hpp>
#include <hass/explore/hls4ml_foldings.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/report/toolchain_files.hpp>

#include "reading.hpp"

namespace hass_search {

namespace {

/// The rows of --network, or of --model.
struct rows_of_network {
    hass::model read{};
    hass::network_view view{};

    explicit rows_of_network(const settings& s) {
        view = rows_named(s.network);
        if (view.size() > 0) return;
        read = load_network(s.model, {s.output, s.input_shape});
        view = read;
    }
};

/// The field of `usage` under the name on the command line.
double hass::usage::*resource_named(const std::string& name) {
    for (const hass::resource& r : hass::resources)
        if (fold_resource(std::string(r.name)) == name) return r.field;
    throw hass::error("--least " + name);  // settings have checked it
}

void print(const hass::folding_solution& s, const hass::device& board, double milliseconds) {
    fmt::print("{:.0f} cycles, {:.6g} images/s at {:g} MHz on {}\n", s.interval_cycles,
               s.images_per_second, board.mhz, board.name);
    for (std::size_t r = 0; r < hass::resources.size(); ++r) {
        const hass::resource& of = hass::resources[r];
        const double have = board.budget.*of.field, need = s.total.value.*of.field;
        const char* note = s.total.known[r] ? "" : need > 0.0 ? ", of what has a model" : "";
        if (!s.total.known[r] && need == 0.0)
            fmt::print("  {:<10} not modelled\n", of.name);
        else
            fmt::print("  {:<10} {:>10} of {:>10}{}\n", of.name, hass::amount(need),
                       hass::amount(have), note);
    }
    if (s.between.known[hass::lut_index])
        fmt::print("  between stages: {} LUT, {} BRAM18\n", hass::amount(s.between.value.lut),
                   hass::amount(s.between.value.bram18));
    fmt::print("{}; {}; {:.1f} ms\n", s.reason,
               s.gap <= 0.0 ? "proved optimal" : "within " + hass::percent(s.gap) + " of the bound",
               milliseconds);
}

template <class Foldings>
auto solve(Foldings& of, const settings& s) {
    return s.target_fps > 0.0 ? of.least(resource_named(s.least), s.target_fps) : of.fastest();
}

double now() {
    const auto t = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::milli>(t).count();
}

/// Says what was found. \returns whether something was
bool say(const hass::folding_solution& found, const hass::device& board, double began) {
    if (found.fits)
        print(found, board, now() - began);
    else
        fmt::print("nothing fits: {}\n", found.reason);
    return found.fits;
}

int fold_finn(const settings& s, const hass::network_view& net, const hass::device& board) {
    hass::finn::build how;
    how.weight_bits = s.weight_bits, how.activation_bits = s.activation_bits;
    how.first_weight_bits = s.first_weight_bits;
    how.standalone_thresholds =
        s.thresholds_at == "standalone" || (s.thresholds_at == "auto" && s.activation_bits >= 4);
    how.dsp = hass::finn::dsp_block_of(board.dsp_slice);
    const auto which =
        s.resources == "published" ? hass::finn::policy::published : hass::finn::policy::repaired;
    const double began = now();
    hass::finn_foldings of(net, how, board, which);
    const hass::finn_design d = solve(of, s);
    for (const std::string& note : of.graph().notes) warn(note);
    if (!say(d.solution, board, began)) return 1;
    hass::write_whole(s.out + "/folding_config.json", hass::finn_config_text(of.graph(), d));
    hass::write_whole(s.out + "/foldings.json", hass::finn_report_text(of, d, which));
    fmt::print("{0}/folding_config.json, {0}/foldings.json\n", s.out);
    return 0;
}

int fold_hls4ml(const settings& s, const hass::network_view& net, const hass::device& board) {
    hass::hls4ml::build how;
    how.bits = s.priced_bits();
    how.io = s.io_type == "io_parallel" ? hass::hls4ml::io_type::parallel
                                        : hass::hls4ml::io_type::stream;
    how.how = s.strategy == "Latency" ? hass::hls4ml::strategy::latency
                                      : hass::hls4ml::strategy::resource;
    const double began = now();
    hass::hls4ml_foldings of(net, how, board);
    const hass::hls4ml_design d = solve(of, s);
    if (!say(d.solution, board, began)) return 1;
    hass::write_whole(s.out + "/hls4ml_config.yml", hass::hls4ml_config_text(d));
    hass::write_whole(s.out + "/foldings.json", hass::hls4ml_report_text(of, d));
    fmt::print("{0}/hls4ml_config.yml, {0}/foldings.json\n", s.out);
    return 0;
}

}  // namespace

int fold(const settings& s, const hass::device& board) {
    const rows_of_network net(s);
    hass::device clocked = board;
    if (s.mhz > 0.0) clocked.mhz = s.mhz;
    return s.engine == "finn" ? fold_finn(s, net.view, clocked) : fold_hls4ml(s, net.view, clocked);
}

}  // namespace hass_search
