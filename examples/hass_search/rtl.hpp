// A design of the job as SystemVerilog, for --rtl.
#pragma once

#include <hass/device/device.hpp>
#include <hass/emulate/emulator.hpp>
#include <hass/emulate/metric.hpp>
#include <hass/explore/certificate.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/images.hpp>
#include <optional>
#include <vector>

#include "engine_choice.hpp"
#include "settings.hpp"
#include "workbench.hpp"

namespace hass_search {

/// A network with its images.
struct rtl_network {
    const hass::emulator& network;  ///< float32, whatever --bits is
    const hass::image_set& images;
    const std::vector<int>& labels;
};

/// Writes a design into the folder of --rtl, with images to simulate it on, the answers to expect and
/// the cycles that it should take for them.
/// \param fifo_pixels  planned on each edge; empty: what joins and windows need alone
/// \throws hass::error naming a layer that no module computes, before anything is written
written_rtl write_rtl(const settings& s, const rtl_network& n, const hass::network_thresholds& t,
                      const engine_choice& engine, const hass::design& design,
                      const std::vector<std::int64_t>& fifo_pixels, const hass::device& board);

/// \throws hass::error as the above would, for what does not depend on thresholds
void require_rtl(const settings& s, const rtl_network& n, const hass::design& design);

/// How good the network in integers is, on all images: what hardware of --bits answers.
/// \param metric  nothing: top-1
/// \throws hass::error naming a layer that no module computes
double score_in_integers(const settings& s, const rtl_network& n,
                         const std::optional<hass::metric>& metric,
                         const hass::network_thresholds& t);

}  // namespace hass_search
