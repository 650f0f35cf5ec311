// Foldings for FINN: the optimal ones beside those of its own SetFolding, at equal budget and at equal
// throughput, with the time that finding them took. The table of docs/foldings.md; of networks of one's
// own, at 4 bits:
//
//     20_foldings zcu104 net.onnx ...
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

#include <hass/device/boards.hpp>
#include <hass/error.hpp>
#include <hass/explore/finn_foldings.hpp>
#include <hass/workload/onnx.hpp>
#include <hass/workload/zoo.hpp>

namespace {

using namespace hass;

/// Of the processor.
double milliseconds() {
    return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void print(const char* whose, const finn_design& d, double took) {
    const folding_solution& s = d.solution;
    const usage& u = s.total.value;
    std::printf("  %-36s", whose);
    if (!s.fits)
        std::printf("%10s", "-");
    else
        std::printf("%10.1f %9.0f %6.0f %7.0f %6.0f %8.0f", s.images_per_second, u.lut, u.dsp,
                    u.bram18, u.uram, s.between.value.lut);
    if (took > 0.0) std::printf("  %5.1f ms, gap %.2g %%", took, 100.0 * s.gap);
    std::printf("\n");
}

/// The fastest of SetFolding's designs that fits, over targets 2 % apart.
/// \param chosen  whether its width limit is tried at 36 bits (FINN's default) and above, and
///                memories and multipliers are chosen beside its parallelism
std::optional<finn_design> best_set_folding(const finn_foldings& of, const network_view& net,
                                            const finn::build& how, bool chosen) {
    std::optional<finn_design> best;
    const auto faster = [&](const finn_design& d) {
        return !best || d.solution.images_per_second > best->solution.images_per_second;
    };
    const auto consider = [&](const std::vector<finn::folding>& f) {
        finn_design d = of.evaluate(f);
        if (!faster(d)) return;
        if (chosen) {
            const double pace = d.solution.images_per_second * (1.0 - 1e-9);
            d = finn_foldings(net, how, of.board(), finn::policy::repaired, f)
                    .least(&usage::lut, pace);
        }
        if (d.solution.fits && faster(d)) best = d;
    };
    std::vector<finn::folding> before;
    for (const int width : {36, 144, 10000}) {
        for (double target = 1000.0; target < 1e8; target *= 1.02) {
            const std::vector<finn::folding> f = set_folding(of.graph(), {target, width});
            if (f == before) continue;
            before = f;
            try {
                consider(f);
            } catch (const error&) {
                // HLS does not synthesise it
            }
        }
        if (!chosen) break;
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
    for (const bool chosen : {false, true}) {
        const auto set = best_set_folding(of, net, how, chosen);
        print(chosen ? "SetFolding, widths, memories chosen" : "SetFolding",
              set.value_or(finn_design{}), 0.0);
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

int main(int argc, char** argv) try {
    std::printf("%48s %9s %6s %7s %6s %8s\n", "images/s", "LUT", "DSP", "BRAM18", "URAM",
                "between");
    for (int k = 2; k < argc; ++k) {
        const std::filesystem::path file(argv[k]);
        try {
            compare(file.stem().string().c_str(), load_onnx(file), {4, 4, 8, 8, true},
                    boards::find(argv[1]));
        } catch (const error& refused) {
            std::printf("%s: %s\n", file.stem().string().c_str(), refused.what());
        }
    }
    if (argc > 1) return 0;
    device pynq = boards::pynq_z2::value;
    pynq.mhz = 100.0;  // FINN's default
    compare("CNV w1a1", zoo::cnv, {1, 1, 8, 0, false}, pynq);
    compare("CNV w2a2", zoo::cnv, {2, 2, 8, 0, false}, pynq);
    compare("MobileNetV1 w4a4", zoo::mobilenet_v1, {4, 4, 8, 8, true}, boards::zcu104::value);
    compare("MobileNetV1 w4a4", zoo::mobilenet_v1, {4, 4, 8, 8, true}, boards::u250::value);
    compare("ResNet-50 w1a2", zoo::resnet50, {1, 2, 8, 8, false}, boards::u250::value);
} catch (const error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
