/// \file compressed_formats.hpp
/// Formats with pointers: compressed sparse rows and columns, and fibres, which do the same rank
/// upon rank.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hass/engine/storage/format.hpp>

namespace hass::formats {

namespace detail {

/// Both compressed matrices: the first extent is the rows, the others together the columns;
/// pointers run along rows, or along columns when `Transposed`.
template <bool Transposed>
struct compressed_matrix {
    struct shape2 {
        std::int64_t rows;
        std::int64_t columns;
        /// Lines that have a pointer, and positions within one.
        std::int64_t lines() const { return Transposed ? columns : rows; }
        std::int64_t places() const { return Transposed ? rows : columns; }
        std::size_t at(std::int64_t line, std::int64_t place) const {
            return static_cast<std::size_t>(Transposed ? place * columns + line
                                                       : line * columns + place);
        }
    };
    static shape2 matrix(std::span<const int> extents) {
        return {extents.front(), volume(extents) / extents.front()};
    }

    static std::int64_t bits(const tensor_view& t) {
        check(t);
        const shape2 m = matrix(t.extents);
        const std::int64_t nnz = nonzeros(t.words);
        return nnz * (t.word_bits + bits_for(m.places())) + (m.lines() + 1) * bits_for(nnz + 1);
    }
    static double expected_bits(std::span<const int> extents, double density, int word_bits) {
        const shape2 m = matrix(extents);
        const std::int64_t n = volume(extents);
        return density * static_cast<double>(n) * (word_bits + bits_for(m.places())) +
               static_cast<double>(m.lines() + 1) * expected_counter_bits(n, density);
    }
    static encoded encode(const tensor_view& t) {
        encoded c = start(t);
        const shape2 m = matrix(t.extents);
        const std::int64_t nnz = nonzeros(t.words);
        c.counts = {static_cast<std::size_t>(nnz)};
        std::uint32_t before = 0;
        c.stream.push(before, bits_for(nnz + 1));
        for (std::int64_t line = 0; line < m.lines(); ++line) {
            for (std::int64_t p = 0; p < m.places(); ++p)
                before += t.words[m.at(line, p)] != 0 ? 1U : 0U;
            c.stream.push(before, bits_for(nnz + 1));
        }
        for (std::int64_t line = 0; line < m.lines(); ++line)
            for (std::int64_t p = 0; p < m.places(); ++p)
                if (const std::uint32_t w = t.words[m.at(line, p)]; w != 0) {
                    c.stream.push(static_cast<std::uint32_t>(p), bits_for(m.places()));
                    c.stream.push(w, t.word_bits);
                }
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(size_of(c.extents));
        const shape2 m = matrix(c.extents);
        bit_stream::reader in(c.stream);
        std::vector<std::uint32_t> pointer(static_cast<std::size_t>(m.lines()) + 1);
        for (std::uint32_t& p : pointer)
            p = in.pull(bits_for(static_cast<std::int64_t>(c.counts.at(0)) + 1));
        for (std::int64_t line = 0; line < m.lines(); ++line)
            for (std::uint32_t k = pointer[static_cast<std::size_t>(line)];
                 k < pointer[static_cast<std::size_t>(line) + 1]; ++k) {
                const std::int64_t place = in.pull(bits_for(m.places()));
                if (place >= m.places()) throw error("format: an index outside the matrix");
                words[m.at(line, place)] = in.pull(c.word_bits);
            }
        return words;
    }
};

}  // namespace detail

/// Compressed sparse rows; rows are the first extent.
struct csr : detail::compressed_matrix<false> {};
/// Compressed sparse columns; columns are all extents after the first.
struct csc : detail::compressed_matrix<true> {};

/// Compressed sparse fibres: at each rank the coordinates of the subtrees that are not empty, and
/// pointers from each of them to its children.
struct csf {
    static std::int64_t bits(const tensor_view& t) {
        detail::check(t);
        const auto nodes = levels(t);
        std::int64_t sum = 0;
        for (std::size_t l = 0; l < nodes.size(); ++l) {
            const auto count = static_cast<std::int64_t>(nodes[l].size());
            sum += count * detail::bits_for(t.extents[l]);
            if (l + 1 < nodes.size())
                sum += (count + 1) *
                       detail::bits_for(static_cast<std::int64_t>(nodes[l + 1].size()) + 1);
        }
        return sum + static_cast<std::int64_t>(nodes.back().size()) * t.word_bits;
    }
    /// Numbers of coordinates are exact means; the width of a pointer is taken at the mean number
    /// of what it counts, so that near a power of two the mean size is a little off.
    static double expected_bits(std::span<const int> extents, double density, int word_bits) {
        const std::int64_t n = detail::volume(extents);
        const auto mean_nodes = [&](std::int64_t prefixes) {
            return static_cast<double>(prefixes) *
                   (1.0 - detail::power(1.0 - density, n / prefixes));
        };
        double sum = density * static_cast<double>(n) * word_bits;
        std::int64_t prefixes = 1;
        for (std::size_t l = 0; l < extents.size(); ++l) {
            prefixes *= extents[l];
            sum += mean_nodes(prefixes) * detail::bits_for(extents[l]);
            if (l + 1 < extents.size()) {
                const auto below =
                    static_cast<std::int64_t>(mean_nodes(prefixes * extents[l + 1]) + 0.5);
                sum += (mean_nodes(prefixes) + 1.0) * detail::bits_for(below + 1);
            }
        }
        return sum;
    }
    static encoded encode(const tensor_view& t) {
        encoded c = detail::start(t);
        const auto nodes = levels(t);
        for (std::size_t l = 0; l < nodes.size(); ++l) {
            c.counts.push_back(nodes[l].size());
            const auto extent = static_cast<std::size_t>(t.extents[l]);
            for (const std::size_t prefix : nodes[l])
                c.stream.push(static_cast<std::uint32_t>(prefix % extent),
                              detail::bits_for(t.extents[l]));
            if (l + 1 == nodes.size()) break;
            const int width = detail::bits_for(static_cast<std::int64_t>(nodes[l + 1].size()) + 1);
            const auto below = static_cast<std::size_t>(t.extents[l + 1]);
            std::size_t child = 0;
            c.stream.push(0, width);
            for (const std::size_t prefix : nodes[l]) {
                while (child < nodes[l + 1].size() && nodes[l + 1][child] / below == prefix)
                    ++child;
                c.stream.push(static_cast<std::uint32_t>(child), width);
            }
        }
        for (const std::size_t i : nodes.back()) c.stream.push(t.words[i], t.word_bits);
        return c;
    }
    static std::vector<std::uint32_t> decode(const encoded& c) {
        std::vector<std::uint32_t> words(detail::size_of(c.extents));
        bit_stream::reader in(c.stream);
        std::vector<std::size_t> prefix;  // of each node of the level
        std::vector<std::uint32_t> pointer{0, static_cast<std::uint32_t>(c.counts.at(0))};
        std::vector<std::size_t> parents{0};
        for (std::size_t l = 0; l < c.extents.size(); ++l) {
            prefix.clear();
            for (std::size_t p = 0; p < parents.size(); ++p)
                for (std::uint32_t k = pointer[p]; k < pointer[p + 1]; ++k)
                    prefix.push_back(parents[p] * static_cast<std::size_t>(c.extents[l]) +
                                     in.pull(detail::bits_for(c.extents[l])));
            if (l + 1 < c.extents.size()) {
                pointer.resize(prefix.size() + 1);
                for (std::uint32_t& p : pointer)
                    p = in.pull(
                        detail::bits_for(static_cast<std::int64_t>(c.counts.at(l + 1)) + 1));
                parents = prefix;
            }
        }
        for (const std::size_t i : prefix) {
            if (i >= words.size()) throw error("format: a coordinate outside the tensor");
            words[i] = in.pull(c.word_bits);
        }
        return words;
    }

  private:
    /// Row-major numbers of the non-empty prefixes of each rank, ascending.
    static std::vector<std::vector<std::size_t>> levels(const tensor_view& t) {
        std::vector<std::vector<std::size_t>> nodes(t.extents.size());
        for (std::size_t i = 0; i < t.words.size(); ++i)
            if (t.words[i] != 0) nodes.back().push_back(i);
        for (std::size_t l = nodes.size() - 1; l > 0; --l)
            for (const std::size_t child : nodes[l]) {
                const std::size_t prefix = child / static_cast<std::size_t>(t.extents[l]);
                if (nodes[l - 1].empty() || nodes[l - 1].back() != prefix)
                    nodes[l - 1].push_back(prefix);
            }
        return nodes;
    }
};

}  // namespace hass::formats
