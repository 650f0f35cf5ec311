/// \file flag_planes.hpp
/// Maps of up to 32 channels as bits (`channel_flags.hpp`) in the form of a plane (`planes.hpp`), and the
/// places of it that are output positions, a register at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <hass/error.hpp>
#include <hass/pack_width.hpp>
#include <hass/statistics/channel_flags.hpp>
#include <hass/statistics/planes.hpp>
#include <hass/statistics/thresholds.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {
inline namespace HASS_PACKS {

/// For each of its input channels the least magnitude that is kept, as `magnitude_bits`.
inline std::vector<std::uint32_t> least_magnitudes(const layer_row& row,
                                                   const layer_thresholds& tau) {
    std::vector<std::uint32_t> least(static_cast<std::size_t>(row.in.channels));
    for (std::size_t c = 0; c < least.size(); ++c)
        least[c] = magnitude_bits(keep_from(tau.activation_of(c)));
    return least;
}

/// One word of channels at a time.
class flag_planes {
  public:
    explicit flag_planes(const layer_row& row) : row_(row), layout_(row) {}

    /// Where a tap of output row 0 stands.
    std::size_t offset(int tap) const {
        return layout_.at(row_, 0, tap / row_.kernel_w, tap % row_.kernel_w);
    }

    /// Takes channels [first, first + least.size()) of maps. \returns values that are not zero
    /// \param least  one a channel, as `pack_channels`
    /// \throws hass::error where the images have 2^27 output positions or more
    std::uint64_t take(const map_batch& maps, std::size_t images, std::size_t first,
                       std::span<const std::uint32_t> least) {
        reserve(images);
        pack_maps(maps, static_cast<std::size_t>(row_.in.channels), map_flags_.size(), first, least,
                  0, map_flags_);
        for (std::size_t n = 0; n < images; ++n) spread(n);
        return count_bits(map_flags_);
    }

    /// Packs of output positions, a multiple of `bit_counter::together`.
    std::size_t packs() const { return from_.size(); }
    /// Flags that a tap meets in the positions of one pack.
    flag_pack at(std::size_t place, std::size_t offset) const {
        return load_flags(flags_.data() + from_[place] + offset);
    }
    /// All bits of those of its places that are positions.
    flag_pack positions(std::size_t place) const {
        return load_flags(positions_.data() + place * flag_lanes);
    }

  private:
    /// In one batch: what `bit_counter` and its counts of 32 bits can hold, however wide a pack is.
    static constexpr std::size_t most_positions = (std::size_t{1} << 27) - bit_counter::together;

    void reserve(std::size_t images) {
        if (images > most_positions / static_cast<std::size_t>(row_.out.pixels()))
            throw error("statistics: 2^27 or more output positions in a batch; use smaller ones");
        const std::size_t values = images * static_cast<std::size_t>(row_.in.pixels());
        if (map_flags_.size() == values) return;  // as many images as before
        from_.clear();
        positions_.clear();
        const auto width = static_cast<std::size_t>(row_.out.width);
        for (std::size_t n = 0; n < images; ++n)
            for (int y = 0; y < row_.out.height; ++y)
                for (std::size_t x = 0; x < width; x += flag_lanes) {
                    from_.push_back(n * layout_.size() + layout_.at(row_, y, 0, 0) + x);
                    for (std::size_t k = 0; k < flag_lanes; ++k)
                        positions_.push_back(x + k < width ? ~0U : 0U);
                }
        while (from_.size() % bit_counter::together != 0) from_.push_back(0);
        positions_.resize(from_.size() * flag_lanes, 0U);
        flags_.assign(images * layout_.size() + flag_lanes, 0U);
        map_flags_.resize(values);
    }

    /// Flags of the n-th map as a plane; what is outside of the map stays 0.
    void spread(std::size_t n) {
        const std::uint32_t* from =
            map_flags_.data() + n * static_cast<std::size_t>(row_.in.pixels());
        std::uint32_t* to = flags_.data() + n * layout_.size() +
                            static_cast<std::size_t>(row_.pad_top) * layout_.row_size;
        with_stride(row_, [&](auto stride) {
            for_each_run(
                row_, layout_, stride,
                [=](std::size_t first, std::size_t run, std::size_t begin, std::size_t count) {
                    for (std::size_t x = 0; x < count; ++x)
                        to[run + begin + x] = from[first + x * stride];
                });
        });
    }

    layer_row row_;
    plane_layout layout_;
    std::vector<std::size_t> from_;         ///< packs of output positions, in the planes
    std::vector<std::uint32_t> positions_;  ///< all bits where a place of a pack is one
    std::vector<std::uint32_t> map_flags_;  ///< of the maps
    std::vector<std::uint32_t> flags_;      ///< ... as planes, and a pack more
};

}  // namespace HASS_PACKS
}  // namespace hass::detail
