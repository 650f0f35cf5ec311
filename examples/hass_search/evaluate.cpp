#include "evaluate.hpp"

#include <fmt/format.h>

#include <hass/device/device_file.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/measured.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/report/fpgaconvnet_file.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <optional>
#include <string>

namespace hass_search {

namespace {

using hass::configured_design;

/// A figure, and how far it is off what was measured.
std::string beside(double said, const std::optional<double>& measured) {
    if (!measured) return hass::amount(said);
    return fmt::format("{} ({:+.0f} %)", hass::amount(said), 100.0 * (said / *measured - 1.0));
}

void print_row(const std::string& model, const std::string& dsp, const std::string& lut,
               const std::string& ff, const std::string& bram, const std::string& speed) {
    fmt::print("  {:<12}{:>16}{:>18}{:>18}{:>16}  {}\n", model, dsp, lut, ff, bram, speed);
}

/// A dense engine of that model at the foldings of the file.
template <class Resources>
void price(const char* model, const Resources& resources, const configured_design& d,
           const hass::device& board) {
    const hass::dense_dot<Resources> engine{resources, d.widths};
    hass::design built = d.design;
    bool luts = false;
    if constexpr (!requires { resources.offers_lut_multipliers(engine.widths); })
        for (hass::row_option& c : built)  // it knows no other
            luts = luts || c.multipliers == hass::multiplier::lut,
            c.multipliers = hass::multiplier::dsp;
    const hass::estimate e =
        hass::evaluate(d.network, hass::dense_statistics{}, engine, board, built);
    const double single = board.mhz * 1e6 / e.single_image_cycles;
    print_row(model, beside(e.total.dsp, d.measured.dsp), beside(e.total.lut, d.measured.lut),
              beside(e.total.ff, d.measured.ff), beside(e.total.bram18, d.measured.bram18),
              fmt::format("{:.6g} images/s, one at a time {}{}{}", e.images_per_second,
                          beside(single, d.measured.images_per_second),
                          e.fits ? "" : "; does not fit", luts ? "; all multipliers in DSPs" : ""));
}

void price_all(const configured_design& d, const hass::device& board) {
    fmt::print("{} on {} at {:g} MHz: {} rows, {} x {} bits\n", d.name, board.name, board.mhz,
               d.network.rows.size(), d.widths.data, d.widths.weight);
    print_row("", "DSP", "LUT", "FF", "BRAM18", "");
    const auto figure = [](const std::optional<double>& x) {
        return x ? hass::amount(*x) : std::string("-");
    };
    const hass::measured_design& m = d.measured;
    if (m.dsp || m.lut || m.ff || m.bram18 || m.images_per_second)
        print_row("measured", figure(m.dsp), figure(m.lut), figure(m.ff), figure(m.bram18),
                  "one at a time " + figure(m.images_per_second) + " images/s");
    hass::calibrated as_built;  // what fpgaConvNet's back end builds
    as_built.slice = board.dsp_slice;
    as_built.requantisation = hass::requantise::dsp;
    as_built.packing = false;
    as_built.lut_multipliers = true;
    price("calibrated", as_built, d, board);
    price("published", hass::fpgaconvnet::published{}, d, board);
    price("repaired", hass::fpgaconvnet::repaired{}, d, board);
    price("fitted", hass::fpgaconvnet::measured{}, d, board);
}

}  // namespace

void evaluate_file(const settings& s) {
    for (const configured_design& d :
         hass::parse_fpgaconvnet(hass::read_whole(s.evaluate), s.evaluate)) {
        if (d.board.empty() && !s.device_given)
            throw hass::error(s.evaluate + ": design '" + d.name +
                              "' names no board; say --device");
        const hass::owned_device board = hass::device_by_name(s.device_given ? s.device : d.board);
        hass::device clocked = board.limits();
        if (d.mhz > 0.0) clocked.mhz = d.mhz;
        if (s.mhz > 0.0) clocked.mhz = s.mhz;
        price_all(d, clocked);
    }
}

}  // namespace hass_search
