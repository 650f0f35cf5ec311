#include "rtl.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <hass/emulate/integer_emulator.hpp>
#include <hass/emulate/make_integer_network.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/rtl/expectations.hpp>
#include <hass/rtl/write_rtl.hpp>
#include <utility>

namespace hass_search {
namespace {

hass::integer_network integers_of(const settings& s, const rtl_network& n,
                                  const hass::network_thresholds& t,
                                  const hass::emulation_options& options) {
    const int bits = s.priced_bits();
    return hass::make_integer_network(n.network, n.images, t,
                                      {.weight_bits = bits, .data_bits = bits}, options);
}

hass::rtl_options options_of(const settings& s) {
    using kind = hass::rtl::engine_kind;
    hass::rtl_options options;
    options.name = hass::rtl::identifier(std::filesystem::path(s.model).stem().string());
    options.engines = {kind::dense, kind::spe, kind::lanes, kind::lists, kind::dense};
    options.part.clear();  // the board's file does not say
    return options;
}

}  // namespace

void require_rtl(const settings& s, const rtl_network& n, const hass::design& design) {
    const hass::integer_network net = integers_of(
        s, n, hass::network_thresholds(design.size()),
        {.threads = s.threads, .statistics_images = std::min<std::size_t>(50, n.images.count)});
    hass::rtl::design_files(net, design, options_of(s));
    hass::rtl::require_place(s.rtl);
}

written_rtl write_rtl(const settings& s, const rtl_network& n, const hass::network_thresholds& t,
                      const engine_choice& engine, const hass::design& design,
                      const std::vector<std::int64_t>& fifo_pixels, const hass::device& board) {
    const hass::integer_emulator hardware(integers_of(s, n, t, {.threads = s.threads}));
    hass::rtl_options options = options_of(s);
    options.mhz = board.mhz;
    options.fifo_pixels = fifo_pixels;
    hass::write_rtl(s.rtl, hardware.network(), design, options);

    // cycles of just these images
    const auto count = static_cast<std::size_t>(s.rtl_images);
    hass::image_set first = n.images;
    first.count = count;
    const std::vector<int> labels(n.labels.begin(),
                                  n.labels.begin() + static_cast<std::ptrdiff_t>(count));
    hass::emulation_options counted{.threads = s.threads};
    counted.products = products_of(s);
    const hass::emulator network =
        s.bits == 0 ? n.network
                    : hass::in_fixed_point(n.network, n.images, {s.bits, s.bits}, counted);
    const hass::network_statistics statistics = network.run(first, labels, t, counted).statistics;
    const hass::network_view net = hardware.network().net;
    const hass::estimate e = hass::evaluate(net, statistics, engine, board, design);
    hass::expected_cycles cycles{e.interval_cycles, e.fill_cycles, {}};
    for (std::size_t i = 0; i < net.size(); ++i)
        cycles.rows.push_back(hass::row_cycles(engine, net[i], statistics[i], design[i]));
    hass::write_expectations(s.rtl, hardware, first, count, design, cycles);
    return {s.rtl, count};
}

double score_in_integers(const settings& s, const rtl_network& n,
                         const std::optional<hass::metric>& metric,
                         const hass::network_thresholds& t) {
    const hass::emulation_options options{.threads = s.threads};
    const hass::integer_emulator hardware(integers_of(s, n, t, options));
    if (!metric) return hardware.accuracy(n.images, n.labels, options);
    std::vector<float> answers;
    for (const std::int16_t y : hardware.logits(n.images, options))
        answers.push_back(static_cast<float>(y * hardware.logit_step()));
    return (*metric)(answers, n.images.count);
}

}  // namespace hass_search
