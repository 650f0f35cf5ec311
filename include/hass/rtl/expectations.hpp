/// \file expectations.hpp
/// What a written design is checked with: images, the answers to expect of them, and the cycles that
/// `evaluate` states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <hass/emulate/integer_emulator.hpp>
#include <hass/error.hpp>
#include <hass/files/whole_file.hpp>
#include <hass/rtl/stage.hpp>
#include <hass/text.hpp>
#include <hass/workload/images.hpp>

namespace hass {

/// Cycles of a design, of an image.
struct expected_cycles {
    double interval = 0.0;       ///< cycles between images
    double fill = 0.0;           ///< at the pace of the interval
    std::vector<double> rows{};  ///< of each row by itself
};

/// Writes beside a design (`write_rtl`) the files "images", "expected" and "estimate": what its
/// testbench reads, what it has to write, and lines "interval N", "fill N", "busy STAGE N".
/// \param count  the first so many images
/// \throws hass::error for fewer images, rows of another number, a file that cannot be written
inline void write_expectations(const std::filesystem::path& folder,
                               const integer_emulator& hardware, const image_set& images,
                               std::size_t count, std::span<const row_option> chosen,
                               const expected_cycles& cycles) {
    const integer_network& net = hardware.network();
    if (count > images.count)
        throw error(text_of({"rtl: ", count, " images to check with, of ", images.count}));
    if (cycles.rows.size() != net.rows.size() || chosen.size() != net.rows.size())
        throw error(text_of({"rtl: ", cycles.rows.size(), " cycles and ", chosen.size(),
                             " options for ", net.rows.size(), " layers"}));
    std::string in, out;
    const auto append = [](std::string& to, const std::vector<std::int16_t>& values) {
        for (const std::int32_t x : values)
            for (int byte = 0; byte < 4; ++byte)
                to += static_cast<char>(static_cast<std::uint32_t>(x) >> (8 * byte) & 0xffU);
    };
    for (std::size_t i = 0; i < count; ++i) {
        const auto streams = hardware.streams(images, i);
        append(in, streams.front());
        append(out, streams.back());
    }
    std::string estimate = text_of(
        {"interval ", number(cycles.interval, 10), "\nfill ", number(cycles.fill, 10), "\n"});
    for (std::size_t i = 0; i < net.rows.size(); ++i)
        estimate += text_of({"busy ", rtl::row_view{net, i, chosen[i]}.id(), " ",
                             number(cycles.rows[i], 10), "\n"});
    write_whole(folder / "images", in);
    write_whole(folder / "expected", out);
    write_whole(folder / "estimate", estimate);
}

}  // namespace hass
