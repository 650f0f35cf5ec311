/// \file memories.hpp
/// How many memory primitives an array of `depth` words of `width` bits takes in the published model
/// (fpgaconvnet-model, tools/resource_analytical_model; block RAM shapes after AMD UG573). What the
/// vendor's tool builds is in `vivado_memory.hpp`.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <hass/engine/arithmetic.hpp>

namespace hass {

/// An aspect ratio of a memory block.
struct memory_shape {
    std::int64_t width = 0;  ///< bits
    std::int64_t depth = 0;  ///< words

    constexpr bool operator==(const memory_shape&) const = default;
};

/// Of a block RAM of 18 Kbit, narrowest first.
inline constexpr std::array<memory_shape, 6> bram18_shapes{
    {{1, 16384}, {2, 8192}, {4, 4096}, {9, 2048}, {18, 1024}, {36, 512}}};
/// Of an UltraRAM, narrowest first.
inline constexpr std::array<memory_shape, 7> uram_shapes{
    {{1, 262144}, {2, 131072}, {4, 65536}, {9, 32768}, {18, 16384}, {36, 8192}, {72, 4096}}};

namespace detail {

/// The narrowest shape that is as wide as the array, or the widest one.
template <std::size_t N>
constexpr const memory_shape& shape_for(const std::array<memory_shape, N>& shapes,
                                        std::int64_t width) {
    for (const memory_shape& s : shapes)
        if (s.width >= width) return s;
    return shapes.back();
}

template <std::size_t N>
constexpr std::int64_t blocks_for(const std::array<memory_shape, N>& shapes, std::int64_t depth,
                                  std::int64_t width) {
    const memory_shape& s = shape_for(shapes, width);
    // no division by anything that is known at run time only: depths are powers of two, and one
    // block is wide enough unless the widest is not
    const std::int64_t across =
        width <= s.width ? std::int64_t{width > 0} : ceil_div(width, shapes.back().width);
    return across *
           ((depth + s.depth - 1) >> std::countr_zero(static_cast<std::uint64_t>(s.depth)));
}

}  // namespace detail

/// 18 Kbit blocks of a memory; 0 below 1,024 bits, which go to LUTs.
constexpr std::int64_t bram18_memory(std::int64_t depth, std::int64_t width) {
    if (depth == 0 || width == 0 || depth * width < 1024) return 0;
    return detail::blocks_for(bram18_shapes, depth, width);
}

/// 18 Kbit blocks of a FIFO; 0 up to 32 words or 1,024 bits, which go to LUTs.
constexpr std::int64_t bram18_fifo(std::int64_t depth, std::int64_t width) {
    if (depth == 0 || width == 0 || depth <= 32 || depth * width <= 1024) return 0;
    return detail::blocks_for(bram18_shapes, depth, width);
}

/// 288 Kbit blocks of a memory, however small it is.
constexpr std::int64_t uram_memory(std::int64_t depth, std::int64_t width) {
    if (depth == 0 || width == 0) return 0;
    return detail::blocks_for(uram_shapes, depth, width);
}

/// LUT-RAM primitives of a queue: 16 bits x 32 words, or 8 bits x 64 words when it is deeper.
constexpr std::int64_t lutram_queue(std::int64_t depth, std::int64_t width) {
    if (depth == 0 || width == 0) return 0;
    const memory_shape s = depth <= 32 ? memory_shape{16, 32} : memory_shape{8, 64};
    return detail::ceil_div(width + 1, s.width) * detail::ceil_div(depth, s.depth);
}

}  // namespace hass
