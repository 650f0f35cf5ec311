/// \file inflate.hpp
/// Data compressed by DEFLATE (RFC 1951), as members of .npz files are, and CRC-32 to check it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hass/error.hpp>

namespace hass::detail {

/// CRC-32 as ZIP files state it (polynomial 0xEDB88320, reflected).
inline std::uint32_t crc32(std::span<const std::byte> bytes) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t c = i;
            for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
            t[i] = c;
        }
        return t;
    }();
    std::uint32_t crc = 0xffffffffU;
    for (const std::byte b : bytes)
        crc = table[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xffU] ^ (crc >> 8);
    return crc ^ 0xffffffffU;
}

/// Symbols by canonical prefix codes: of each length the first code, and symbols in their order.
class prefix_code {
  public:
    static constexpr int longest = 15;

    /// \throws hass::error for lengths that are no code
    explicit prefix_code(std::span<const std::uint8_t> lengths) : symbols_(lengths.size()) {
        for (const std::uint8_t length : lengths) ++count_[length];
        count_[0] = 0;
        int left = 1;
        for (int length = 1; length <= longest; ++length) {
            left = 2 * left - count_[static_cast<std::size_t>(length)];
            if (left < 0) throw error("compressed data: more codes than fit");
        }
        std::array<std::size_t, longest + 2> first{};
        for (std::size_t l = 1; l <= longest; ++l)
            first[l + 1] = first[l] + static_cast<std::size_t>(count_[l]);
        for (std::size_t s = 0; s < lengths.size(); ++s)
            if (lengths[s] != 0) symbols_[first[lengths[s]]++] = static_cast<std::uint16_t>(s);
    }

    /// \param bit gives the next bit of the data
    template <class Bit>
    int decode(Bit bit) const {
        int code = 0, first = 0, index = 0;
        for (std::size_t length = 1; length <= longest; ++length) {
            code |= bit();
            if (code - first < count_[length])
                return symbols_[static_cast<std::size_t>(index + code - first)];
            index += count_[length];
            first = (first + count_[length]) << 1;
            code <<= 1;
        }
        throw error("compressed data: a code that stands for nothing");
    }

  private:
    std::array<int, longest + 1> count_{};
    std::vector<std::uint16_t> symbols_;
};

/// Decompresses into a known number of bytes.
class inflater {
  public:
    explicit inflater(std::span<const std::byte> in) : in_(in) {}

    /// \throws hass::error for damaged data, or data of another size than `size`
    std::vector<std::byte> run(std::size_t size) {
        // no code is shorter than two bits for 258 bytes
        if (size / 1032 > in_.size()) throw error("compressed data: too short for what it states");
        size_ = size;
        out_.reserve(size);
        bool last = false;
        while (!last) {
            last = bits(1) != 0;
            switch (bits(2)) {
                case 0:
                    stored();
                    break;
                case 1:
                    coded(fixed_literals(), prefix_code(std::vector<std::uint8_t>(30, 5)));
                    break;
                case 2:
                    dynamic();
                    break;
                default:
                    throw error("compressed data: a block of an unknown kind");
            }
        }
        if (out_.size() != size) throw error("compressed data: shorter than stated");
        return std::move(out_);
    }

  private:
    int bit() {
        if (left_ == 0) {
            if (at_ == in_.size()) throw error("compressed data: truncated");
            held_ = std::to_integer<unsigned>(in_[at_++]);
            left_ = 8;
        }
        const auto b = static_cast<int>(held_ & 1U);
        held_ >>= 1, --left_;
        return b;
    }
    unsigned bits(int count) {
        unsigned value = 0;
        for (int i = 0; i < count; ++i) value |= static_cast<unsigned>(bit()) << i;
        return value;
    }
    void put(std::byte b) {
        if (out_.size() == size_) throw error("compressed data: longer than stated");
        out_.push_back(b);
    }

    void stored() {
        left_ = 0;
        const unsigned size = bits(16);
        if ((bits(16) ^ size) != 0xffffU) throw error("compressed data: a damaged stored block");
        if (size > in_.size() - at_) throw error("compressed data: truncated");
        for (unsigned i = 0; i < size; ++i) put(in_[at_++]);
    }

    static prefix_code fixed_literals() {
        std::vector<std::uint8_t> lengths(288, 8);
        std::fill(lengths.begin() + 144, lengths.begin() + 256, std::uint8_t{9});
        std::fill(lengths.begin() + 256, lengths.begin() + 280, std::uint8_t{7});
        return prefix_code(lengths);
    }

    void dynamic() {
        static constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                            11, 4,  12, 3, 13, 2, 14, 1, 15};
        const std::size_t literals = bits(5) + 257;
        const std::size_t distances = bits(5) + 1;
        const std::size_t given = bits(4) + 4;
        std::array<std::uint8_t, 19> of_lengths{};
        for (std::size_t i = 0; i < given; ++i)
            of_lengths[order[i]] = static_cast<std::uint8_t>(bits(3));
        const prefix_code code(of_lengths);
        std::vector<std::uint8_t> lengths;
        while (lengths.size() < literals + distances) {
            const int symbol = code.decode([this] { return bit(); });
            if (symbol < 16) {
                lengths.push_back(static_cast<std::uint8_t>(symbol));
                continue;
            }
            if (symbol == 16 && lengths.empty()) throw error("compressed data: repeats nothing");
            const std::uint8_t again = symbol == 16 ? lengths.back() : std::uint8_t{0};
            const unsigned times = symbol == 16   ? 3 + bits(2)
                                   : symbol == 17 ? 3 + bits(3)
                                                  : 11 + bits(7);
            lengths.insert(lengths.end(), times, again);
        }
        if (lengths.size() != literals + distances || literals > 286 || distances > 30)
            throw error("compressed data: damaged code lengths");
        const std::span all(lengths);
        coded(prefix_code(all.first(literals)), prefix_code(all.subspan(literals)));
    }

    void coded(const prefix_code& literals, const prefix_code& distances) {
        static constexpr std::array<std::uint16_t, 29> length_from{
            3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
            31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
        static constexpr std::array<std::uint8_t, 29> length_bits{
            0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
        static constexpr std::array<std::uint16_t, 30> distance_from{
            1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
            193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
        static constexpr std::array<std::uint8_t, 30> distance_bits{
            0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
            6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
        const auto next = [this] { return bit(); };
        for (;;) {
            const int symbol = literals.decode(next);
            if (symbol == 256) return;
            if (symbol < 256) {
                put(static_cast<std::byte>(symbol));
                continue;
            }
            const auto l = static_cast<std::size_t>(symbol - 257);
            if (l >= length_from.size()) throw error("compressed data: an unknown length");
            const std::size_t length = length_from[l] + bits(length_bits[l]);
            const auto d = static_cast<std::size_t>(distances.decode(next));
            if (d >= distance_from.size()) throw error("compressed data: an unknown distance");
            const std::size_t distance = distance_from[d] + bits(distance_bits[d]);
            if (distance > out_.size()) throw error("compressed data: points before its beginning");
            for (std::size_t i = 0; i < length; ++i) put(out_[out_.size() - distance]);
        }
    }

    std::span<const std::byte> in_;
    std::size_t at_ = 0;
    unsigned held_ = 0;
    int left_ = 0;
    std::size_t size_ = 0;
    std::vector<std::byte> out_;
};

}  // namespace hass::detail
