// Every resource model against designs that others built and measured on boards, at the very
// foldings that were built (mlperf_tiny_designs.json, whatever designs it holds): the errors that
// reports state, as `known_error` of each model.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/measured.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/known_error.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/statistics/layer_statistics.hpp>

#include "../mlperf_tiny.hpp"
#include "../mlperf_tiny_network.hpp"

namespace {

using namespace hass;

// Relative, of each design in turn; nothing where no figure was published, or where the figures
// contradict themselves (zybo/kws, in BRAM).
struct errors {
    std::vector<double> dsp, lut, ff, bram18;
};

template <class Resources>
errors errors_of(const std::vector<mlperf_tiny::design>& designs, const Resources& resources,
                 const char* name) {
    const dense_dot<Resources> engine{resources, {9, 8, 24}};
    errors all;
    std::printf("%-24s     DSP     LUT      FF    BRAM\n", name);
    for (const mlperf_tiny::design& d : designs) {
        auto [net, built] = mlperf_tiny::submitted(d);
        if constexpr (!requires { resources.offers_lut_multipliers(engine.widths); })
            for (row_option& c : built) c.multipliers = multiplier::dsp;  // it knows no other
        const usage total =
            evaluate(net, dense_statistics{}, engine, boards::find(d.board), built).total;
        const auto off = [](double said, double measured) { return said / measured - 1.0; };
        all.dsp.push_back(off(total.dsp, d.measured.dsp));
        all.lut.push_back(off(total.lut, d.measured.lut));
        all.ff.push_back(off(total.ff, d.measured.ff));
        std::printf("  %-20s %+6.0f%% %+6.0f%% %+6.0f%%", d.name().c_str(), 100.0 * all.dsp.back(),
                    100.0 * all.lut.back(), 100.0 * all.ff.back());
        if (d.measured.bram36) {
            const double bram = off(total.bram18, 2.0 * *d.measured.bram36);
            std::printf(" %+6.0f%%", 100.0 * bram);
            if (d.name() != "zybo/kws") all.bram18.push_back(bram);
        }
        std::printf("\n");
    }
    return all;
}

// Whether the errors lie where the model says, to within its last digit.
void check(const std::vector<double>& errors, const error_range& said) {
    const auto [least, most] = std::minmax_element(errors.begin(), errors.end());
    CHECK(said.least == Approx(*least).margin(0.006));
    CHECK(said.most == Approx(*most).margin(0.006));
}

void check(const errors& e, const known_error& said) {
    check(e.dsp, said.dsp);
    check(e.lut, said.lut);
    check(e.ff, said.ff);
    check(e.bram18, said.bram18);
}

}  // namespace

TEST_CASE("resource models against designs measured on boards", "[golden]") {
    const auto designs = mlperf_tiny::designs();
    if (!designs) {
        WARN("skipped: no mlperf_tiny_designs.json in HASS_GOLDEN_DIR");
        return;
    }
    calibrated as_built;  // what their back end builds
    as_built.slice = dsp_slice::dsp48e1;
    as_built.requantisation = requantise::dsp;
    as_built.packing = false;
    as_built.lut_multipliers = true;
    const errors built = errors_of(*designs, as_built, "calibrated");
    const errors published = errors_of(*designs, fpgaconvnet::published{}, "published");
    const errors repaired = errors_of(*designs, fpgaconvnet::repaired{}, "repaired");
    const errors measured = errors_of(*designs, fpgaconvnet::measured{}, "measured");
    if (designs->size() != 6) {
        WARN("the stated errors are of six designs; the file holds " << designs->size());
        return;
    }
    {
        INFO("calibrated");
        check(built, calibrated::known_error);
    }
    {
        INFO("published");
        check(published, fpgaconvnet::published::known_error);
    }
    {
        INFO("repaired");
        check(repaired, fpgaconvnet::repaired::known_error);
    }
    {
        INFO("measured");
        check(measured, fpgaconvnet::measured::known_error);
    }
}
