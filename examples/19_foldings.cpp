// Foldings for FINN: the optimal ones beside those of its own SetFolding, at equal budget and at equal
// throughput, with the time that finding them took. The table of docs/foldings.md.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include <hass/device/boards.hpp>
#include <hass/error.hpp>
#include <hass/explore/finn_foldings.hpp>
#include <hass/workload/zoo.hpp>

namespace {

using namespace hass;

double milliseconds() {
    const auto t = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::milli>(t).count();
}

void print(const char* whose, const finn_design& d, double took) {
    const folding_solution& s = d.solution;
    const usage& u = s.total.value;
    std::printf("  %-34s", whose);
    if (!s.fits)
        std::printf("%10s", "-");
    else
        std::printf("%10.1f %9.0f %6.0f %7.0f %6.0f %8.0f", s.images_per_second, u.lut, u.dsp,
                    u.bram18, u.uram, s.between.value.lut);
    if (took > 0.0) std::printf("  %5.1f ms, gap %.2g %%", took, 100.0 * s.gap);
    std::printf("\n");
}

/// The fastest of SetFolding's designs that fits, over targets 2 % apart.
/// \param memories  whether memories and multipliers are chosen beside its parallelism
std::optional<finn_design> best_set_folding(const finn_foldings& of, const network_view& net,
                                            const finn::build& how, bool memories) {
    std::optional<finn_design> best;
    std::vector<finn::folding> before;
    for (double target = 1000.0; target < 1e8; target *= 1.02) {
        std::vector<finn::folding> f = set_folding(of.graph(), {target});
        if (f == before) continue;
        before = f;
        try {
            finn_design d = of.evaluate(f);
            if (memories &&
                (!best || d.solution.images_per_second > best->solution.images_per_second)) {
                finn_foldings fixed(net, how, of.board(), finn::policy::repaired, f);
                d = fixed.least(&usage::lut, d.solution.images_per_second * (1.0 - 1e-9));
            }
            if (d.solution.fits &&
                (!best || d.solution.images_per_second > best->solution.images_per_second))
                best = d;
        } catch (const error&) {
            // HLS does not synthesise it
        }
    }
    return best;
}

void compare(const char* name, const network_view& net, finn::build how, const device& board) {
    how.dsp = finn::dsp_block_of(board.dsp_slice);
    std::printf("%s on %s at %g MHz\n", name, std::string(board.name).c_str(), board.mhz);
    double began = milliseconds();
    finn_foldings of(net, how, board);
    const finn_design fastest = of.fastest();
    print("fastest", fastest, milliseconds() - began);
    for (const bool memories : {false, true}) {
        const auto set = best_set_folding(of, net, how, memories);
        print(memories ? "SetFolding, memories chosen" : "SetFolding", set.value_or(finn_design{}),
              0.0);
        if (!set) continue;
        const double pace = set->solution.images_per_second * (1.0 - 1e-9);
        began = milliseconds();
        const finn_design lut = of.least(&usage::lut, pace);
        print("  as fast, least LUT", lut, milliseconds() - began);
        device without = board;  // of DSPs that SetFolding does not take
        without.budget.dsp = std::max(1.0, set->solution.total.value.dsp);
        finn_foldings same(net, how, without);
        print("  as fast, least LUT, no more DSPs", same.least(&usage::lut, pace), 0.0);
    }
}

}  // namespace

int main() {
    std::printf("%46s %9s %6s %7s %6s %8s\n", "images/s", "LUT", "DSP", "BRAM18", "URAM",
                "between");
    device pynq = boards::pynq_z2::value;
    pynq.mhz = 100.0;  // FINN's default
    compare("CNV w1a1", zoo::cnv, {1, 1, 8, 0, false}, pynq);
    compare("CNV w2a2", zoo::cnv, {2, 2, 8, 0, false}, pynq);
    compare("MobileNetV1 w4a4", zoo::mobilenet_v1, {4, 4, 8, 8, true}, boards::zcu104::value);
    compare("MobileNetV1 w4a4", zoo::mobilenet_v1, {4, 4, 8, 8, true}, boards::u250::value);
    compare("ResNet-50 w1a2", zoo::resnet50, {1, 2, 8, 8, false}, boards::u250::value);
}
