// Modules that take words and give words, against a few lines of integer arithmetic each.
#include <cmath>

#include "Vbench_words.h"
#include "bench.hpp"

#include <hass/emulate/integer_arithmetic.hpp>

using namespace rtl_test;
using hass::integer_range;

namespace {

constexpr std::size_t many = 10000;

/// One stream in, one out, a function of the value and of its channel; at full speed a word a cycle, the
/// first after `latency` cycles.
template <class F>
void check_values(std::size_t slot, int lanes, int in_bits, int out_bits, int latency, F&& f) {
    random_values random(static_cast<unsigned>(slot));
    const stream in{slot, in_bits, random.words(many, lanes, in_bits)};
    stream out{slot, out_bits, in.words};
    for (std::size_t i = 0; i < many; ++i)
        for (std::size_t l = 0; l < out.words[i].size(); ++l)
            out.words[i][l] = f(in.words[i][l], i, l);
    const arrivals a = check<Vbench_words>({in}, {out}).front();
    CHECK(a.cycles_a_word() == 1.0);
    CHECK(a.cycles.front() == latency);
}

/// The same values in words of another size.
std::vector<word> regrouped(const std::vector<word>& words, std::size_t lanes) {
    std::vector<word> result;
    for (const word& w : words)
        for (const std::int64_t x : w) {
            if (result.empty() || result.back().size() == lanes) result.emplace_back();
            result.back().push_back(x);
        }
    if (result.back().size() != lanes) result.pop_back();
    return result;
}

void check_regrouped(std::size_t slot, int bits, int in, int out, double cycles_a_word) {
    random_values random(static_cast<unsigned>(slot));
    const stream narrow{slot, bits, random.words(many + 2 - (many % 6), in, bits)};
    stream whole = narrow;
    while (whole.words.size() * static_cast<std::size_t>(in) % static_cast<std::size_t>(out) != 0)
        whole.words.pop_back();
    const stream to{slot, bits, regrouped(whole.words, static_cast<std::size_t>(out))};
    const arrivals a = check<Vbench_words>({whole}, {to}).front();
    CHECK(a.cycles_a_word() == Approx(cycles_a_word).epsilon(0.001));
}

/// Two streams in, one out.
template <class F>
void check_pairs(std::size_t slot, int lanes, int bits, F&& f) {
    random_values random(static_cast<unsigned>(slot));
    const stream a{slot, bits, random.words(many, lanes, bits)};
    const stream b{slot + 1, bits, random.words(many, lanes, bits)};
    stream out{slot, bits, a.words};
    for (std::size_t i = 0; i < many; ++i)
        for (std::size_t l = 0; l < out.words[i].size(); ++l)
            out.words[i][l] = f(a.words[i][l], b.words[i][l]);
    const arrivals came = check<Vbench_words>({a, b}, {out}).front();
    CHECK(came.cycles_a_word() == 1.0);
    CHECK(came.cycles.front() == 4);
}

/// The constants of a hass_requantise, written where the bench reads them.
struct requantise_table {
    std::size_t slot;
    int lanes, bias_bits, multiplier_bits, shift;
    std::vector<word> biases, multipliers;  // [word of a pixel][lane]

    requantise_table(std::size_t at, const std::string& file, int width, std::size_t words,
                     int bits_of_bias, int bits_of_multiplier, int right)
        : slot(at),
          lanes(width),
          bias_bits(bits_of_bias),
          multiplier_bits(bits_of_multiplier),
          shift(right) {
        random_values random(static_cast<unsigned>(slot + 100));
        biases = random.words(words, lanes, bias_bits);
        multipliers = random.words(words, lanes, multiplier_bits);
        std::vector<word> lines = multipliers;  // a lane: {multiplier, bias}
        for (std::size_t w = 0; w < words; ++w)
            for (std::size_t l = 0; l < lines[w].size(); ++l)
                lines[w][l] = multipliers[w][l] << bias_bits |
                              (biases[w][l] & ((std::int64_t{1} << bias_bits) - 1));
        write_memory(file, lines, bias_bits + multiplier_bits);
    }

    void check(int in, int out, integer_range to) const {
        check_values(slot, lanes, in, out, 5, [&](std::int64_t x, std::size_t i, std::size_t l) {
            const std::size_t w = i % biases.size();
            return hass::requantise(x, {biases[w][l], multipliers[w][l], shift}, to);
        });
    }
};

std::vector<word> lookup_table(const std::string& file, std::size_t lines, int bits) {
    std::vector<word> table = random_values(7).words(lines, 1, bits);
    write_memory(file, table, bits);
    return table;
}

// Every model reads all memories of the bench.
const requantise_table requantise_0(6, "requantise_0.mem", 1, 3, 18, 16, 14);
const requantise_table requantise_1(7, "requantise_1.mem", 2, 5, 32, 18, 36);
const requantise_table requantise_2(8, "requantise_2.mem", 4, 1, 8, 2, 0);
const requantise_table requantise_3(9, "requantise_3.mem", 1, 1, 12, 4, 1);
const std::vector<word> lookup_0 = lookup_table("lookup_0.mem", 256, 8);
const std::vector<word> lookup_1 = lookup_table("lookup_1.mem", 1024, 16);

}  // namespace

TEST_CASE("halves go to the even integer, and what does not fit saturates", "[rtl]") {
    for (int x = -1024; x < 1024; ++x)
        for (int shift = 0; shift < 6; ++shift)
            CHECK(hass::shift_half_even(x, shift) == std::llrint(std::ldexp(x, -shift)));
    static_assert(hass::shift_half_even(-3, 1) == -2 && hass::shift_half_even(5, 1) == 2);
    static_assert(hass::saturate(200, integer_range::of(8)) == 127);
    static_assert(hass::clip(-5, 5) == 0 && hass::clip(6, 5) == 6);
    static_assert(hass::requantise(-40, {.bias = 10, .multiplier = 3, .shift = 2}, {-20, 20}) ==
                  -20);
}

TEST_CASE("hass_clip: small magnitudes become zero", "[rtl]") {
    check_values(0, 3, 8, 8, 1, [](auto x, auto...) { return hass::clip(x, 5); });
    check_values(1, 1, 16, 16, 1, [](auto x, auto...) { return hass::clip(x, 0); });
    check_values(2, 2, 16, 16, 1, [](auto x, auto...) { return hass::clip(x, 32767); });
}

TEST_CASE("hass_clamp: ReLU, ReLU6 and a symmetric one", "[rtl]") {
    check_values(3, 4, 8, 8, 1, [](auto x, auto...) { return hass::saturate(x, {0, 127}); });
    check_values(4, 1, 16, 16, 1, [](auto x, auto...) { return hass::saturate(x, {0, 12288}); });
    check_values(5, 1, 8, 8, 1, [](auto x, auto...) { return hass::saturate(x, {-20, 20}); });
}

TEST_CASE("hass_requantise: bias, multiplier and shift, each channel its own", "[rtl]") {
    requantise_0.check(20, 8, integer_range::of(8));
    requantise_1.check(42, 16, {0, 32767});
    requantise_2.check(8, 8, {-100, 90});
    requantise_3.check(12, 8, integer_range::of(8));
}

TEST_CASE("hass_skid and hass_fifo give what they got, a word a cycle", "[rtl]") {
    const auto same = [](auto x, auto...) { return x; };
    check_values(10, 1, 12, 12, 1, same);
    // Two cycles, and one after the reset in which a FIFO takes nothing.
    check_values(11, 1, 16, 16, 3, same);
    check_values(12, 1, 16, 16, 3, same);
    check_values(13, 2, 35, 35, 3, same);
}

TEST_CASE("hass_fifo holds its depth and one word", "[rtl]") {
    VerilatedContext context;
    Vbench_words model(&context);
    model.rst = 1;
    std::size_t taken = 0, taken_5 = 0;
    for (int cycle = 0; cycle < 60; ++cycle) {
        model.rst = cycle < 4;
        model.in_valid = (std::uint64_t{1} << 11) | (std::uint64_t{1} << 12);
        model.out_ready = 0;
        model.eval();
        if (model.rst == 0) taken += model.in_ready >> 11 & 1, taken_5 += model.in_ready >> 12 & 1;
        model.clk = 1;
        model.eval();
        model.clk = 0;
    }
    CHECK(taken == 17);
    CHECK(taken_5 == 6);
}

TEST_CASE("hass_lookup: a table is a function", "[rtl]") {
    check_values(14, 2, 8, 8, 1, [](auto x, auto...) { return lookup_0[std::size_t(x & 255)][0]; });
    check_values(15, 1, 10, 16, 1,
                 [](auto x, auto...) { return lookup_1[std::size_t(x & 1023)][0]; });
}

TEST_CASE("converters: the same values in words of another size", "[rtl]") {
    check_regrouped(16, 16, 1, 3, 3.0);
    check_regrouped(17, 16, 3, 1, 1.0);
    check_regrouped(18, 8, 2, 3, 1.5);
    check_regrouped(19, 8, 4, 2, 1.0);
    check_regrouped(20, 8, 1, 8, 8.0);
    check_regrouped(21, 8, 3, 3, 1.0);
}

TEST_CASE("hass_add and hass_multiply: two streams, scaled", "[rtl]") {
    check_pairs(22, 2, 8, [](auto a, auto b) {
        return hass::scaled_sum(a, 300, b, -211, 9, integer_range::of(8));
    });
    check_pairs(24, 1, 16, [](auto a, auto b) {
        return hass::scaled_sum(a, 65536, b, 98304, 17, {0, 32767});
    });
    check_pairs(26, 1, 8, [](auto a, auto b) {
        return hass::scaled_sum(a, 1, b, 1, 0, integer_range::of(8));
    });
    check_pairs(28, 2, 8, [](auto a, auto b) {
        return hass::requantise(a * b, {0, 1000, 17}, integer_range::of(8));
    });
    check_pairs(30, 1, 16, [](auto a, auto b) {
        return hass::requantise(a * b, {0, 1, 15}, integer_range::of(16));
    });
}

TEST_CASE("hass_concat: pixel behind pixel", "[rtl]") {
    const auto check_concat = [](std::size_t slot, int bits, std::size_t a_words,
                                 std::size_t b_words) {
        random_values random(static_cast<unsigned>(slot));
        const std::size_t pixels = many / (a_words + b_words);
        const stream a{slot, bits, random.words(pixels * a_words, 1, bits)};
        const stream b{slot + 1, bits, random.words(pixels * b_words, 1, bits)};
        stream out{slot, bits, {}};
        for (std::size_t p = 0; p < pixels; ++p) {
            for (std::size_t i = 0; i < a_words; ++i) out.words.push_back(a.words[p * a_words + i]);
            for (std::size_t i = 0; i < b_words; ++i) out.words.push_back(b.words[p * b_words + i]);
        }
        CHECK(check<Vbench_words>({a, b}, {out}).front().cycles_a_word() == 1.0);
    };
    check_concat(32, 8, 3, 2);
    check_concat(34, 16, 1, 1);
}

TEST_CASE("hass_fork: both ways get every word", "[rtl]") {
    random_values random(36);
    const stream in{36, 16, random.words(many, 1, 16)};
    const std::vector<stream> out{{36, 16, in.words}, {37, 16, in.words}};
    for (const arrivals& a : check<Vbench_words>({in}, out)) CHECK(a.cycles_a_word() == 1.0);
}
