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

namespace detail {

/// The stream of values that reaches an input of a row, as hardware has it: flattening changes no order.
inline std::size_t stream_into(const network_view& net, int from) {
    while (from != network_input) {
        const auto row = static_cast<std::size_t>(from);
        if (net.rows[row].kind != layer_kind::flatten) return row + 1;
        from = inputs_of(net, row).front();
    }
    return 0;
}

}  // namespace detail

/// Writes beside a design (`write_rtl`) the files "images", "expected" and "estimate": what its
/// testbench reads, what it has to write, and lines "interval N", "fill N", "own STAGE N"; and
/// "streams/STAGE_N", what enters by its N-th input, 16 bits a value, for `make alone`.
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
    struct entering {
        std::string name;
        std::size_t stream;
        std::string values{};
    };
    const auto append = [](std::string& to, const std::vector<std::int16_t>& values, int bytes) {
        for (const std::int32_t x : values)
            for (int byte = 0; byte < bytes; ++byte)
                to += static_cast<char>(static_cast<std::uint32_t>(x) >> (8 * byte) & 0xffU);
    };
    std::vector<entering> streams_in;
    for (std::size_t i = 0; i < net.rows.size(); ++i) {
        if (net.rows[i].passes || net.net.rows[i].kind == layer_kind::flatten) continue;  // wires
        const std::vector<int> from = inputs_of(net.net, i);
        for (std::size_t k = 0; k < from.size(); ++k)
            streams_in.push_back({text_of({rtl::row_view{net, i, chosen[i]}.id(), "_", k}),
                                  detail::stream_into(net.net, from[k])});
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto streams = hardware.streams(images, i);
        append(in, streams.front(), 4);
        append(out, streams.back(), 4);
        for (entering& s : streams_in) append(s.values, streams[s.stream], 2);
    }
    std::string estimate = text_of(
        {"interval ", number(cycles.interval, 10), "\nfill ", number(cycles.fill, 10), "\n"});
    for (std::size_t i = 0; i < net.rows.size(); ++i)
        estimate += text_of(
            {"own ", rtl::row_view{net, i, chosen[i]}.id(), " ", number(cycles.rows[i], 10), "\n"});
    write_whole(folder / "images", in);
    write_whole(folder / "expected", out);
    write_whole(folder / "estimate", estimate);
    prepare_folder(folder / "streams");
    for (const entering& s : streams_in) write_whole(folder / "streams" / s.name, s.values);
}

}  // namespace hass
