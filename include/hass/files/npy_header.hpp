/// \file npy_header.hpp
/// The Python dictionary at the head of a .npy file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include <hass/error.hpp>
#include <hass/files/npy_array.hpp>

namespace hass::detail {

/// Reads the Python dictionary in a .npy header. Only what NumPy writes: three known keys with a
/// string, a truth value and a tuple of integers.
class npy_header_parser {
  public:
    npy_header_parser(std::string_view text, const std::string& source)
        : rest_(text), source_(source) {}

    void parse(npy_array& array) {
        expect('{');
        while (!accept('}')) {
            const std::string_view key = quoted("a key");
            expect(':');
            if (key == "descr")
                descr(array);
            else if (key == "fortran_order")
                fortran_order();
            else if (key == "shape")
                shape(array);
            else
                fail("unknown field '" + printable(key) + "'");
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        skip_space();
        if (!rest_.empty()) fail("something follows the dictionary");
        if (!has_descr_) fail("field 'descr' is missing");
        if (!has_order_) fail("field 'fortran_order' is missing");
        if (!has_shape_) fail("field 'shape' is missing");
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw error(source_ + ": .npy header: " + what);
    }

    static std::string printable(std::string_view text) {
        std::string out(text.substr(0, 40));
        for (char& c : out)
            if (c < 0x20 || c > 0x7e) c = '?';
        return out;
    }

    void once(bool& seen, const char* field) const {
        if (std::exchange(seen, true)) fail("field '" + std::string(field) + "' stands twice");
    }

    void skip_space() {
        while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t'))
            rest_.remove_prefix(1);
    }

    bool accept(char c) {
        skip_space();
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void expect(char c) {
        if (!accept(c)) fail(std::string("expected '") + c + "' before '" + printable(rest_) + "'");
    }

    bool accept_word(std::string_view word) {
        skip_space();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    std::string_view quoted(const char* what) {
        skip_space();
        const char quote = rest_.empty() ? '\0' : rest_[0];
        const std::size_t end = quote == '\'' || quote == '"' ? rest_.find(quote, 1) : rest_.npos;
        if (end == rest_.npos) fail(std::string("expected ") + what + " in quotes");
        const std::string_view text = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return text;
    }

    void descr(npy_array& array) {
        once(has_descr_, "descr");
        skip_space();
        if (!rest_.empty() && rest_[0] == '[') fail("field 'descr': structured types are refused");
        const std::string_view text = quoted("the type of 'descr'");
        for (std::size_t i = 0; i < npy_type_names.size(); ++i) {
            if (text.size() != 3 || text.substr(1) != npy_type_names[i]) continue;
            array.type = static_cast<npy_type>(i);
            const bool single = size_of(array.type) == 1;
            if (text[0] == '<' || (single && (text[0] == '|' || text[0] == '>'))) return;
            if (text[0] == '>')
                fail("field 'descr': '" + std::string(text) + "' is big-endian; save it as '<" +
                     std::string(npy_type_names[i]) + "'");
        }
        fail("field 'descr': type '" + printable(text) +
             "' is not supported (known: b1, u1, i1, u2, i2, u4, i4, u8, i8, f2, f4, f8)");
    }

    void fortran_order() {
        once(has_order_, "fortran_order");
        if (accept_word("False")) return;
        if (accept_word("True"))
            fail("field 'fortran_order': Fortran order is refused; save numpy.ascontiguousarray");
        fail("field 'fortran_order' is neither True nor False");
    }

    void shape(npy_array& array) {
        once(has_shape_, "shape");
        expect('(');
        while (!accept(')')) {
            array.shape.push_back(extent());
            if (array.shape.size() > 32) fail("field 'shape' has more than 32 axes");
            if (!accept(',')) {
                expect(')');
                break;
            }
        }
    }

    std::size_t extent() {
        skip_space();
        std::size_t value = 0;
        std::size_t digits = 0;
        while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
            const auto digit = static_cast<std::size_t>(rest_[digits++] - '0');
            if (value > (std::numeric_limits<std::size_t>::max() - digit) / 10)
                fail("field 'shape': an extent is out of range");
            value = value * 10 + digit;
        }
        if (digits == 0)
            fail("field 'shape': expected an extent before '" + printable(rest_) + "'");
        rest_.remove_prefix(digits);
        if (rest_.starts_with('L')) rest_.remove_prefix(1);  // written by Python 2
        return value;
    }

    std::string_view rest_;
    const std::string& source_;
    bool has_descr_ = false;
    bool has_order_ = false;
    bool has_shape_ = false;
};

}  // namespace hass::detail
