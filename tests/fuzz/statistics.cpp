// libFuzzer target: whatever the bytes are, the statistics reader gives a measured network or one
// hass::error. Checksums are made right first, so that what lies behind them is reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <hass/error.hpp>
#include <hass/statistics/additive_accuracy.hpp>
#include <hass/statistics/store.hpp>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string file(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t prelude = 24;
    if (size >= prelude) {
        std::string_view field = std::string_view(file).substr(12);
        const auto length =
            std::min<std::size_t>(hass::detail::take<std::uint32_t>(field), size - prelude);
        std::string sums;
        hass::detail::put(sums, hass::detail::crc(std::string_view(file).substr(prelude, length)));
        hass::detail::put(sums, hass::detail::crc(std::string_view(file).substr(prelude + length)));
        file.replace(16, 8, sums);
    }
    try {
        const hass::recorded_network m = hass::parse_statistics(file, "fuzz");
        if (hass::parse_statistics(hass::format_statistics(m), "again") != m) std::abort();
        const hass::network_thresholds some(m.net.rows.size(), {0.1, 0.1});
        m.statistics(some);
        const double top1 = hass::additive_accuracy(m).accuracy(some);
        if (!(top1 >= 0.0 && top1 <= 1.0)) std::abort();
    } catch (const hass::error&) {
    }
    return 0;
}
