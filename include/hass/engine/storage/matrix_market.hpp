/// \file matrix_market.hpp
/// Reads the structure of a sparse matrix from a Matrix Market file (coordinate format).
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <istream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/engine/storage/sparse_matrix.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

namespace detail {

class matrix_market_reader {
  public:
    matrix_market_reader(std::istream& in, std::string name) : in_(in), name_(std::move(name)) {}

    sparse_matrix read() {
        read_banner();
        read_size();
        std::vector<std::pair<int, int>> positions;
        // The file may claim any number of entries: memory grows with what it really holds.
        for (std::int64_t i = 0; i < entries_; ++i) {
            if (!next_line()) fail(text_of({"ends after ", i, " of ", entries_, " entries"}));
            read_entry(positions);
        }
        if (next_line()) fail(text_of({"more than the ", entries_, " entries announced"}));
        return make_sparse_matrix(rows_, columns_, std::move(positions));
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw error(text_of({name_, ", line ", line_number_, ": ", what}));
    }

    bool next_line() {
        while (std::getline(in_, line_)) {
            ++line_number_;
            const auto first = line_.find_first_not_of(" \t\r");
            if (first != std::string::npos && line_[first] != '%') return true;
        }
        return false;
    }

    template <std::size_t N>
    std::string word(std::istream& words, const char* field,
                     const std::array<std::string_view, N>& valid) {
        std::string w;
        words >> w;
        for (char& c : w) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (std::find(valid.begin(), valid.end(), w) == valid.end())
            fail(unknown_name(field, w, valid).what());
        return w;
    }

    void read_banner() {
        ++line_number_;
        if (!std::getline(in_, line_) || line_.rfind("%%MatrixMarket", 0) != 0)
            fail("does not begin with %%MatrixMarket");
        std::istringstream words(line_.substr(14));
        word(words, "object", std::array<std::string_view, 1>{"matrix"});
        word(words, "format", std::array<std::string_view, 1>{"coordinate"});
        const std::string field = word(
            words, "field",
            std::array<std::string_view, 5>{"real", "double", "integer", "pattern", "complex"});
        const std::string symmetry = word(
            words, "symmetry",
            std::array<std::string_view, 4>{"general", "symmetric", "skew-symmetric", "hermitian"});
        values_ = field == "pattern" ? 0 : field == "complex" ? 2 : 1;
        mirrored_ = symmetry != "general";
    }

    std::int64_t whole(std::istream& words, const char* field, std::int64_t least,
                       std::int64_t most) {
        std::int64_t n = 0;
        if (!(words >> n)) fail(std::string(field) + " is missing or not a whole number");
        if (n < least || n > most)
            fail(text_of({field, " is ", n, ", expected ", least, " to ", most}));
        return n;
    }

    void read_size() {
        if (!next_line()) fail("no line with rows, columns and entries");
        std::istringstream words(line_);
        constexpr std::int64_t most = 1 << 24;  // keeps a lying file from taking all memory
        rows_ = static_cast<int>(whole(words, "number of rows", 1, most));
        columns_ = static_cast<int>(whole(words, "number of columns", 1, most));
        entries_ = whole(words, "number of entries", 0, std::numeric_limits<std::int64_t>::max());
        if (mirrored_ && rows_ != columns_) fail("a symmetric matrix that is not square");
    }

    void read_entry(std::vector<std::pair<int, int>>& positions) {
        std::istringstream words(line_);
        const int r = static_cast<int>(whole(words, "row", 1, rows_)) - 1;
        const int c = static_cast<int>(whole(words, "column", 1, columns_)) - 1;
        bool nonzero = values_ == 0;
        for (int v = 0; v < values_; ++v) {
            double value = 0.0;
            if (!(words >> value)) fail("value is missing or not a number");
            nonzero = nonzero || value != 0.0;
        }
        if (!nonzero) return;
        positions.emplace_back(r, c);
        if (mirrored_) positions.emplace_back(c, r);
    }

    std::istream& in_;
    std::string name_;
    std::string line_{};
    std::int64_t line_number_ = 0;
    int values_ = 1;  // a entry
    bool mirrored_ = false;
    int rows_ = 0;
    int columns_ = 0;
    std::int64_t entries_ = 0;
};

}  // namespace detail

/// Structure of the matrix in a Matrix Market stream. Entries that hold an explicit zero are left
/// out, symmetric matrices are mirrored, repeated positions count once.
/// \param name  what errors call the stream
/// \throws hass::error naming the line and the field
inline sparse_matrix read_matrix_market(std::istream& in, const std::string& name) {
    return detail::matrix_market_reader(in, name).read();
}

/// The same from a file. \throws hass::error also when it cannot be opened
inline sparse_matrix read_matrix_market(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw error("'" + path + "' cannot be opened");
    return read_matrix_market(in, path);
}

}  // namespace hass
