// Window generators, pools and what replays, against loops over an image.
#include <algorithm>
#include <numeric>

#include "Vbench_windows.h"
#include "bench.hpp"

using namespace rtl_test;

namespace {

constexpr std::size_t many = 10000;

struct window_shape {
    std::size_t slot;
    int bits, lanes, words, width, height;
    int kernel_w = 3, kernel_h = 3, stride_w = 1, stride_h = 1, left = 1, top = 1;
    int out_width, out_height;
    std::int64_t fill = 0;
};

/// The windows of a row of images, word by word.
std::vector<word> windows(const std::vector<word>& in, const window_shape& s) {
    std::vector<word> result;
    const int image = s.width * s.height * s.words;
    for (int start = 0; start < static_cast<int>(in.size()); start += image)
        for (int oy = 0; oy < s.out_height; ++oy)
            for (int ox = 0; ox < s.out_width; ++ox)
                for (int g = 0; g < s.words; ++g) {
                    result.emplace_back();
                    for (int r = 0; r < s.kernel_h; ++r)
                        for (int c = 0; c < s.kernel_w; ++c) {
                            const int y = oy * s.stride_h - s.top + r;
                            const int x = ox * s.stride_w - s.left + c;
                            const bool inside = y >= 0 && y < s.height && x >= 0 && x < s.width;
                            const int at = start + (y * s.width + x) * s.words + g;
                            for (int l = 0; l < s.lanes; ++l)
                                result.back().push_back(inside ? in[static_cast<std::size_t>(at)]
                                                                   [static_cast<std::size_t>(l)]
                                                               : s.fill);
                        }
                }
    return result;
}

void check_windows(const window_shape& s) {
    random_values random(static_cast<unsigned>(s.slot));
    const std::size_t image = static_cast<std::size_t>(s.width * s.height * s.words);
    const std::size_t images = many / image + 2;
    const stream in{s.slot, s.bits, random.words(images * image, s.lanes, s.bits)};
    const stream out{s.slot, s.bits, windows(in.words, s)};
    INFO("window on slot " << s.slot);
    const arrivals a = check<Vbench_windows>({in}, {out}).front();

    // From the first window to the last one: whole images, and the slots between the two.
    const int pixels = (static_cast<int>(images) - 1) * s.width * s.height +
                       (s.out_height - 1) * s.stride_h * s.width + (s.out_width - 1) * s.stride_w;
    CHECK(a.cycles.back() - a.cycles.front() == pixels * s.words + s.words - 1);
    const int first = (s.kernel_h - 1 - s.top) * s.width + s.kernel_w - 1 - s.left;
    CHECK(a.cycles.front() == first * s.words + 2);
}

/// One stream in and one out, given; how many cycles a word at full speed.
double check_stream(std::size_t slot, int in_bits, const std::vector<word>& in, int out_bits,
                    const std::vector<word>& out) {
    return check<Vbench_windows>({{slot, in_bits, in}}, {{slot, out_bits, out}})
        .front()
        .cycles_a_word();
}

/// What becomes of the values of each lane of each window.
template <class F>
void check_pool(std::size_t slot, int positions, int lanes, int in_bits, int out_bits, F&& f) {
    const std::vector<word> in =
        random_values(static_cast<unsigned>(slot)).words(many, positions * lanes, in_bits);
    std::vector<word> out;
    for (const word& w : in) {
        out.emplace_back();
        for (int l = 0; l < lanes; ++l) {
            word values;
            for (int p = 0; p < positions; ++p)
                values.push_back(w[static_cast<std::size_t>(p * lanes + l)]);
            out.back().push_back(f(values));
        }
    }
    CHECK(check_stream(slot, in_bits, in, out_bits, out) == 1.0);
}

void check_global_sum(std::size_t slot, int lanes, std::size_t words, std::size_t pixels, int bits,
                      int sum_bits) {
    const std::size_t images = many / (words * pixels) + 1;
    const std::vector<word> in =
        random_values(static_cast<unsigned>(slot)).words(images * words * pixels, lanes, bits);
    std::vector<word> out(images * words, word(static_cast<std::size_t>(lanes)));
    for (std::size_t i = 0; i < in.size(); ++i)
        for (std::size_t l = 0; l < in[i].size(); ++l)
            out[i / (words * pixels) * words + i % words][l] += in[i][l];
    const arrivals a = check<Vbench_windows>({{slot, bits, in}}, {{slot, sum_bits, out}}).front();
    CHECK(a.cycles.back() == static_cast<std::int64_t>(in.size()));
}

void check_replay(std::size_t slot, std::size_t words, std::size_t times) {
    const std::vector<word> in =
        random_values(static_cast<unsigned>(slot)).words(many / words * words, 1, 12);
    std::vector<word> out;
    for (std::size_t i = 0; i < in.size(); i += words)
        for (std::size_t t = 0; t < times; ++t)
            for (std::size_t w = 0; w < words; ++w) out.push_back(in[i + w]);
    CHECK(check_stream(slot, 12, in, 12, out) == 1.0);
}

}  // namespace

TEST_CASE("hass_window: windows of an image, a pixel a slot, padding free of charge", "[rtl]") {
    check_windows({.slot = 0,
                   .bits = 8,
                   .lanes = 1,
                   .words = 1,
                   .width = 8,
                   .height = 8,
                   .out_width = 8,
                   .out_height = 8});
    check_windows({.slot = 1,
                   .bits = 8,
                   .lanes = 2,
                   .words = 3,
                   .width = 7,
                   .height = 5,
                   .stride_w = 2,
                   .stride_h = 2,
                   .out_width = 4,
                   .out_height = 3});
    check_windows({.slot = 2,
                   .bits = 8,
                   .lanes = 1,
                   .words = 2,
                   .width = 8,
                   .height = 6,
                   .stride_w = 2,
                   .stride_h = 2,
                   .left = 0,
                   .top = 0,
                   .out_width = 4,
                   .out_height = 3});
    check_windows({.slot = 3,
                   .bits = 8,
                   .lanes = 1,
                   .words = 4,
                   .width = 9,
                   .height = 7,
                   .kernel_w = 5,
                   .kernel_h = 5,
                   .left = 2,
                   .top = 2,
                   .out_width = 9,
                   .out_height = 7});
    check_windows({.slot = 4,
                   .bits = 8,
                   .lanes = 1,
                   .words = 1,
                   .width = 6,
                   .height = 6,
                   .left = 0,
                   .top = 0,
                   .out_width = 4,
                   .out_height = 4});
    check_windows({.slot = 5,
                   .bits = 8,
                   .lanes = 1,
                   .words = 1,
                   .width = 10,
                   .height = 49,
                   .kernel_w = 4,
                   .kernel_h = 10,
                   .stride_w = 2,
                   .stride_h = 2,
                   .left = 1,
                   .top = 4,
                   .out_width = 5,
                   .out_height = 25});
    check_windows({.slot = 6,
                   .bits = 16,
                   .lanes = 2,
                   .words = 2,
                   .width = 6,
                   .height = 4,
                   .kernel_w = 1,
                   .kernel_h = 1,
                   .stride_w = 2,
                   .stride_h = 2,
                   .left = 0,
                   .top = 0,
                   .out_width = 3,
                   .out_height = 2});
    check_windows({.slot = 7,
                   .bits = 16,
                   .lanes = 1,
                   .words = 3,
                   .width = 4,
                   .height = 4,
                   .kernel_w = 2,
                   .kernel_h = 2,
                   .stride_w = 2,
                   .stride_h = 2,
                   .left = 0,
                   .top = 0,
                   .out_width = 2,
                   .out_height = 2});
    check_windows({.slot = 8,
                   .bits = 8,
                   .lanes = 1,
                   .words = 70,
                   .width = 4,
                   .height = 3,
                   .stride_w = 2,
                   .out_width = 2,
                   .out_height = 3,
                   .fill = -128});
    check_windows({.slot = 9,
                   .bits = 8,
                   .lanes = 1,
                   .words = 1,
                   .width = 2,
                   .height = 2,
                   .out_width = 2,
                   .out_height = 2});
    check_windows({.slot = 10,
                   .bits = 8,
                   .lanes = 1,
                   .words = 2,
                   .width = 1,
                   .height = 20,
                   .kernel_w = 1,
                   .left = 0,
                   .out_width = 1,
                   .out_height = 20});
}

TEST_CASE("hass_pool_max and hass_pool_sum: over a window, lane by lane", "[rtl]") {
    const auto largest = [](const word& w) { return *std::max_element(w.begin(), w.end()); };
    const auto sum = [](const word& w) {
        return std::accumulate(w.begin(), w.end(), std::int64_t{0});
    };
    check_pool(20, 9, 2, 8, 8, largest);
    check_pool(21, 4, 1, 16, 16, largest);
    check_pool(22, 9, 2, 8, 12, sum);
    check_pool(23, 2, 1, 16, 17, sum);
}

TEST_CASE("hass_global_sum: over an image, channel by channel", "[rtl]") {
    check_global_sum(24, 2, 3, 49, 8, 14);
    check_global_sum(25, 1, 1, 64, 16, 22);
    check_global_sum(26, 1, 5, 1, 16, 16);
}

TEST_CASE("hass_replay: the same words again", "[rtl]") {
    check_replay(27, 5, 3);
    check_replay(28, 1, 4);
    check_replay(29, 4, 1);
}
