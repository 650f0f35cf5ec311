/// \file usage.hpp
/// Resources: what a stage takes and what a device has, in one struct.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace hass {

/// FPGA resources in their native units: DSP slices, LUTs, flip-flops, 18 Kbit block RAMs, 288 Kbit
/// URAMs, and off-chip traffic in Gbit/s.
struct usage {
    double dsp = 0.0;        ///< DSP slices
    double lut = 0.0;        ///< look-up tables
    double ff = 0.0;         ///< registers
    double bram18 = 0.0;     ///< block RAMs of 18 Kbit
    double uram = 0.0;       ///< UltraRAMs
    double bandwidth = 0.0;  ///< of off-chip memory, Gbit/s

    constexpr bool operator==(const usage&) const = default;

    /// Member by member.
    constexpr usage& operator+=(const usage& o) {
        dsp += o.dsp, lut += o.lut, ff += o.ff;
        bram18 += o.bram18, uram += o.uram, bandwidth += o.bandwidth;
        return *this;
    }
    /// Member by member.
    friend constexpr usage operator+(usage a, const usage& b) { return a += b; }
    /// Every member k times.
    friend constexpr usage operator*(double k, const usage& u) {
        return {k * u.dsp, k * u.lut, k * u.ff, k * u.bram18, k * u.uram, k * u.bandwidth};
    }
};

/// The fields of `usage` by name, for reports and for loops over resources.
struct resource {
    std::string_view name;  ///< as tables show it
    double usage::*field;   ///< its member of `usage`
};
/// All members of `usage`, in their order.
inline constexpr std::array<resource, 6> resources{{{"DSP", &usage::dsp},
                                                    {"LUT", &usage::lut},
                                                    {"FF", &usage::ff},
                                                    {"BRAM18", &usage::bram18},
                                                    {"URAM", &usage::uram},
                                                    {"bandwidth", &usage::bandwidth}}};

/// Position of a field in `resources`; resources.size() for a null pointer.
constexpr std::size_t index_of(double usage::*field) {
    std::size_t r = 0;
    while (r < resources.size() && resources[r].field != field) ++r;
    return r;
}

/// Place of DSPs in `resources`.
inline constexpr std::size_t dsp_index = index_of(&usage::dsp);
/// Place of LUTs.
inline constexpr std::size_t lut_index = index_of(&usage::lut);
/// Place of FFs.
inline constexpr std::size_t ff_index = index_of(&usage::ff);
/// Place of block RAMs.
inline constexpr std::size_t bram18_index = index_of(&usage::bram18);
/// Place of UltraRAMs.
inline constexpr std::size_t uram_index = index_of(&usage::uram);
/// Of weights alone wherever rows are summed.
inline constexpr std::size_t bandwidth_index = index_of(&usage::bandwidth);

/// Whether `need` is within `have` in every resource.
constexpr bool fits(const usage& need, const usage& have) {
    for (const resource& r : resources)
        if (need.*r.field > have.*r.field) return false;
    return true;
}

/// A sum that is over what there is by rounding alone counts as all of it.
constexpr void spend_all(usage& need, const usage& have) {
    for (const resource& r : resources)
        if (need.*r.field > have.*r.field && need.*r.field <= have.*r.field * (1.0 + 1e-12))
            need.*r.field = have.*r.field;
}

/// Builds the block RAMs that `have` lacks from LUTs: `need` is then what is really taken.
/// \param lut_each  LUTs for one missing 18 Kbit block; 0: blocks cannot be replaced
/// \return blocks built from LUTs
constexpr double build_missing_bram18(usage& need, const usage& have, double lut_each) {
    const double missing = need.bram18 - have.bram18;
    if (!(lut_each > 0.0 && missing > 0.0)) return 0.0;
    need.bram18 = have.bram18;
    need.lut += lut_each * missing;
    return missing;
}

/// The resource of which `need` takes the largest share of `have`, as an index into `resources`.
/// A resource that is needed where there is none counts as infinitely short.
constexpr std::size_t tightest(const usage& need, const usage& have) {
    std::size_t worst = 0;
    double worst_share = -1.0;
    for (std::size_t i = 0; i < resources.size(); ++i) {
        const double n = need.*resources[i].field;
        const double h = have.*resources[i].field;
        const double share = n == 0.0 ? 0.0 : h > 0.0 ? n / h : 1e300;
        if (share > worst_share) worst = i, worst_share = share;
    }
    return worst;
}

}  // namespace hass
