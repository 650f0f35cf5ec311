/// \file boards.hpp
/// A catalogue of boards, each a type (so that it can be a template argument) and an entry of
/// `boards::catalogue` (so that it can be named on a command line).
///
/// DSP, LUT, FF and memory follow the vendor's data sheets (AMD DS890 UltraScale+, DS962 Alveo,
/// DS987 Kria K26, DS180/DS190 7-series); BRAM in 18 Kbit blocks. DSPs are DSP48E1 in 7-series
/// parts (UG479), DSP48E2 in UltraScale+ (UG579). Clocks, off-chip bandwidth and the time of a
/// reconfiguration (82.55 ms) are those that the public fpgaConvNet platform files use. Where those
/// files differ from the data sheet (kv260: LUT, FF, DSP; vc707: BRAM counted in 36 Kbit blocks;
/// u200 and vc709: LUT and FF rounded) the data sheet stands here.
///
/// The smallest are Zynq-7000: 7007S in cora-z7 (sold as Cora Z7-07S), 7010 in zybo and cora-z7-10,
/// 7020 in pynq-z1, pynq-z2 and zedboard. The platform files do not have cora-z7-10 and the pynq
/// boards: their clock is taken as that of the others, their memory is 16 bits wide at 1,050 Mbit/s
/// a pin (Digilent's manuals of Cora Z7 and PYNQ-Z1, TUL's of PYNQ-Z2).
///
/// Beyond the platform files: ultra96 and aup-zu3 (ZU3EG: DS891), zcu106 (ZU7EV, DDR4 of 64 bits at
/// 2,400 Mbit/s a pin: UG1244), kr260 (K26, likewise: DS987), u280 (DS963) and u55c (DS978), whose HBM2
/// carries 460 GB/s (UG1393). ultra96 has LPDDR4 of 32 bits at 2,133 Mbit/s (Avnet's product brief);
/// no data sheet of aup-zu3's memory was at hand: it is given the same. Clocks are taken as those of
/// the families' others.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <hass/device/device.hpp>
#include <hass/error.hpp>

namespace hass::boards {

namespace detail {

/// Makes a type of a board, so that `u250{}` and `u250` both work as devices.
template <class Self>
struct board {
    static constexpr const device& limits() { return Self::value; }
};

}  // namespace detail

// clang-format off
//                                                               name        {  DSP      LUT      FF  BRAM18  URAM  Gbit/s}   MHz
struct u250     : detail::board<u250>     { static constexpr device value{"u250",     {12288, 1728000, 3456000, 5376, 1280,  614.4}, 250}; };
struct u200     : detail::board<u200>     { static constexpr device value{"u200",     { 6840, 1182240, 2364480, 4320,  960,  614.4}, 250}; };
struct u50      : detail::board<u50>      { static constexpr device value{"u50",      { 5952,  871680, 1743360, 2688,  640, 1608.0}, 250}; };
struct vcu1525  : detail::board<vcu1525>  { static constexpr device value{"vcu1525",  { 6840, 1182240, 2364480, 4320,  960,  320.0}, 200}; };
struct zcu102   : detail::board<zcu102>   { static constexpr device value{"zcu102",   { 2520,  274080,  548160, 1824,    0,  153.6}, 200}; };
struct zcu104   : detail::board<zcu104>   { static constexpr device value{"zcu104",   { 1728,  230400,  460800,  624,   96,  153.6}, 200}; };
struct kv260    : detail::board<kv260>    { static constexpr device value{"kv260",    { 1248,  117120,  234240,  288,   64,  100.0}, 200}; };
struct zc706    : detail::board<zc706>    { static constexpr device value{"zc706",    {  900,  218600,  437200, 1090,    0,  102.4}, 200, dsp_slice::dsp48e1}; };
struct zedboard : detail::board<zedboard> { static constexpr device value{"zedboard", {  220,   53200,  106400,  280,    0,   34.1}, 200, dsp_slice::dsp48e1}; };
struct vc707    : detail::board<vc707>    { static constexpr device value{"vc707",    { 2800,  303600,  607200, 2060,    0,  102.4}, 200, dsp_slice::dsp48e1}; };
struct vc709    : detail::board<vc709>    { static constexpr device value{"vc709",    { 3600,  433200,  866400, 2940,    0,  204.8}, 200, dsp_slice::dsp48e1}; };
struct zybo      : detail::board<zybo>     { static constexpr device value{"zybo",      {   80,   17600,   35200,  120,    0,   33.6}, 200, dsp_slice::dsp48e1}; };
struct cora_z7   : detail::board<cora_z7>  { static constexpr device value{"cora-z7",   {   66,   14400,   28800,  100,    0,   16.8}, 200, dsp_slice::dsp48e1}; };
struct cora_z7_10: detail::board<cora_z7_10> { static constexpr device value{"cora-z7-10",{   80,   17600,   35200,  120,    0,   16.8}, 200, dsp_slice::dsp48e1}; };
struct pynq_z1   : detail::board<pynq_z1>  { static constexpr device value{"pynq-z1",   {  220,   53200,  106400,  280,    0,   16.8}, 200, dsp_slice::dsp48e1}; };
struct pynq_z2   : detail::board<pynq_z2>  { static constexpr device value{"pynq-z2",   {  220,   53200,  106400,  280,    0,   16.8}, 200, dsp_slice::dsp48e1}; };
struct ultra96   : detail::board<ultra96>  { static constexpr device value{"ultra96",   {  360,   70560,  141120,  432,    0,   68.3}, 200}; };
struct aup_zu3   : detail::board<aup_zu3>  { static constexpr device value{"aup-zu3",   {  360,   70560,  141120,  432,    0,   68.3}, 200}; };
struct kr260     : detail::board<kr260>    { static constexpr device value{"kr260",     { 1248,  117120,  234240,  288,   64,  153.6}, 200}; };
struct zcu106    : detail::board<zcu106>   { static constexpr device value{"zcu106",    { 1728,  230400,  460800,  624,   96,  153.6}, 200}; };
struct u280      : detail::board<u280>     { static constexpr device value{"u280",      { 9024, 1303680, 2607360, 4032,  960, 3680.0}, 250}; };
struct u55c      : detail::board<u55c>     { static constexpr device value{"u55c",      { 9024, 1303680, 2607360, 4032,  960, 3680.0}, 250}; };
// clang-format on

/// Every board, largest first within its family; those that came later at the end.
inline constexpr std::array<device, 22> catalogue{
    u250::value,    u200::value,   u50::value,     vcu1525::value,    zcu102::value,
    zcu104::value,  kv260::value,  zc706::value,   zedboard::value,   vc707::value,
    vc709::value,   zybo::value,   cora_z7::value, cora_z7_10::value, pynq_z1::value,
    pynq_z2::value, u280::value,   u55c::value,    zcu106::value,     kr260::value,
    ultra96::value, aup_zu3::value};

/// The board of that name. \throws hass::error with the nearest name
inline const device& find(std::string_view name) {
    std::array<std::string_view, catalogue.size()> names;
    for (std::size_t i = 0; i < catalogue.size(); ++i) {
        if (catalogue[i].name == name) return catalogue[i];
        names[i] = catalogue[i].name;
    }
    throw unknown_name("device", name, names);
}

}  // namespace hass::boards
