// List engines against convolutions of integers, and their cycles against what they state.
#include <algorithm>
#include <numeric>

#include "Vbench_lists.h"
#include "bench.hpp"

using namespace rtl_test;

namespace {

struct convolution {
    std::size_t slot;
    int data, weight, lanes, words, width, height;
    int kernel_w = 3, kernel_h = 3, stride = 1, left = 1, top = 1;
    int out_width, out_height, multipliers, blocks, chain;
    int sum = 48;
    int replicas = 1;
    bool fills_ahead = true;  // has slots for the pixels of the next window, too

    int channels() const { return lanes * words; }
    int filters() const { return multipliers * blocks; }
    int taps() const { return kernel_w * kernel_h; }
};

std::size_t at(int i) {
    return static_cast<std::size_t>(i);
}

/// [filter][tap][channel]
using filter_weights = std::vector<std::vector<word>>;

/// Random weights, written as the engine reads them.
filter_weights weights_of(const convolution& c, const std::string& name) {
    random_values random(static_cast<unsigned>(c.slot + 70));
    filter_weights weights;
    for (int f = 0; f < c.filters(); ++f)
        weights.push_back(random.words(at(c.taps()), c.channels(), c.weight, 0.2));
    for (int n = 0; n < c.lanes; ++n) {
        std::vector<word> lines;
        for (int b = 0; b < c.blocks; ++b)
            for (int t = 0; t < c.taps(); ++t)
                for (int w = 0; w < c.words; ++w) {
                    lines.emplace_back();
                    for (int f = 0; f < c.multipliers; ++f)
                        lines.back().push_back(
                            weights[at(b * c.multipliers + f)][at(t)][at(w * c.lanes + n)]);
                }
        write_memory(name + "_0" + std::to_string(n) + ".mem", lines, c.weight);
    }
    return weights;
}

/// The cycle in which a lane is through with the lists of a window's taps, of which `lists` has the
/// lengths, when its scanner has been started in cycle 0 and the walker may go from cycle `run` on.
int walk(const word& lists, int run) {
    int examined = 0, walked = run - 1;  // the last tap's cycle, the last entry's cycle
    int next = 1;                        // the next tap's cycle
    for (const std::int64_t entries : lists) {
        examined = next++;
        if (entries == 0) continue;
        const int taken = std::max(examined + 1, walked == run - 1 ? 0 : walked);
        walked = std::max(taken, run - 1) + static_cast<int>(entries);
        next = taken;
    }
    return std::max({examined + 1, walked, run});
}

/// The sums of all pixels in words of multipliers / chain, and what the engine has to walk for them.
struct answer {
    std::vector<word> sums;
    double cycles = 0.0;  // a pixel, if its pixels have come
    double least = 0.0;   // the stated BLOCKS max(entries + CHAIN, taps)
};

answer convolved(const convolution& c, const filter_weights& weights, const std::vector<word>& in) {
    answer a;
    const int image = c.width * c.height * c.words;
    const int wide = c.multipliers / c.chain;
    int pixels = 0;
    for (int start = 0; start < static_cast<int>(in.size()); start += image)
        for (int oy = 0; oy < c.out_height; ++oy)
            for (int ox = 0; ox < c.out_width; ++ox, ++pixels) {
                word sums(at(c.filters()), 0);
                std::vector<word> entries(at(c.lanes), word(at(c.taps()), 0));  // [lane][tap]
                for (int t = 0; t < c.taps(); ++t) {
                    const int y = oy * c.stride - c.top + t / c.kernel_w;
                    const int x = ox * c.stride - c.left + t % c.kernel_w;
                    if (y < 0 || y >= c.height || x < 0 || x >= c.width) continue;
                    for (int channel = 0; channel < c.channels(); ++channel) {
                        const std::int64_t value =
                            in[at(start + (y * c.width + x) * c.words + channel / c.lanes)]
                              [at(channel % c.lanes)];
                        entries[at(channel % c.lanes)][at(t)] += value != 0;
                        for (std::size_t f = 0; f < sums.size(); ++f)
                            sums[f] += value * weights[f][at(t)][at(channel)];
                    }
                }
                int first = 0, later = 0, most = 0;  // cycles of the first block and of those after
                for (const word& lane : entries) {
                    first = std::max(first, walk(lane, c.chain) + 1);
                    later = std::max(later, walk(lane, c.chain + 1));
                    most = std::max(most, static_cast<int>(std::accumulate(lane.begin(), lane.end(),
                                                                           std::int64_t{0})));
                }
                a.cycles += first + (c.blocks - 1) * later;
                a.least += c.blocks * std::max(most + c.chain, c.taps());
                for (int f = 0; f < c.filters(); f += wide)
                    a.sums.emplace_back(sums.begin() + f, sums.begin() + f + wide);
            }
    a.cycles /= pixels * c.replicas;
    a.least /= pixels * c.replicas;
    return a;
}

void check_lists(const convolution& c, const filter_weights& weights, double zeros) {
    const int image = c.width * c.height * c.words;
    const int images = 10000 / image + 2;
    const std::vector<word> in = random_values(static_cast<unsigned>(c.slot))
                                     .words(at(images * image), c.lanes, c.data, zeros);
    const answer a = convolved(c, weights, in);
    INFO("lists on slot " << c.slot << ", zeros " << zeros);
    const arrivals came =
        check<Vbench_lists>({{c.slot, c.data, in}}, {{c.slot, c.sum, a.sums}}).front();
    const std::size_t pixels = at(images * c.out_width * c.out_height);
    const std::size_t last = came.cycles.size() - a.sums.size() / pixels;  // pixel's first word
    const double cycles =
        static_cast<double>(came.cycles[last] - came.cycles[0]) / static_cast<double>(pixels - 1);
    const double filling = static_cast<double>(image) / (c.out_width * c.out_height);
    CHECK(cycles >= 0.995 * std::max(a.cycles, filling));
    if (c.fills_ahead && a.cycles > 1.2 * filling) {
        CHECK(cycles <= 1.005 * a.cycles);
    } else {
        CHECK(cycles <= 1.005 * (a.cycles + filling));
    }
    CHECK(a.cycles >= 0.999 * a.least);
}

const convolution shapes[] = {
    {.slot = 0,
     .data = 16,
     .weight = 16,
     .lanes = 1,
     .words = 16,
     .width = 8,
     .height = 6,
     .out_width = 8,
     .out_height = 6,
     .multipliers = 8,
     .blocks = 2,
     .chain = 4},
    {.slot = 1,
     .data = 8,
     .weight = 8,
     .lanes = 2,
     .words = 6,
     .width = 7,
     .height = 7,
     .stride = 2,
     .out_width = 4,
     .out_height = 4,
     .multipliers = 4,
     .blocks = 3,
     .chain = 4,
     .sum = 24},
    {.slot = 2,
     .data = 16,
     .weight = 16,
     .lanes = 2,
     .words = 8,
     .width = 5,
     .height = 4,
     .kernel_w = 1,
     .kernel_h = 1,
     .left = 0,
     .top = 0,
     .out_width = 5,
     .out_height = 4,
     .multipliers = 16,
     .blocks = 1,
     .chain = 8},
    {.slot = 3,
     .data = 8,
     .weight = 8,
     .lanes = 1,
     .words = 3,
     .width = 6,
     .height = 5,
     .kernel_w = 5,
     .kernel_h = 5,
     .left = 2,
     .top = 2,
     .out_width = 6,
     .out_height = 5,
     .multipliers = 2,
     .blocks = 2,
     .chain = 2},
    {.slot = 4,
     .data = 8,
     .weight = 8,
     .lanes = 4,
     .words = 1,
     .width = 6,
     .height = 8,
     .stride = 2,
     .left = 0,
     .top = 0,
     .out_width = 2,
     .out_height = 3,
     .multipliers = 3,
     .blocks = 1,
     .chain = 1,
     .fills_ahead = false},
    {.slot = 5,
     .data = 16,
     .weight = 16,
     .lanes = 1,
     .words = 64,
     .width = 1,
     .height = 1,
     .kernel_w = 1,
     .kernel_h = 1,
     .left = 0,
     .top = 0,
     .out_width = 1,
     .out_height = 1,
     .multipliers = 2,
     .blocks = 5,
     .chain = 2},
    {.slot = 6,
     .data = 8,
     .weight = 8,
     .lanes = 2,
     .words = 4,
     .width = 7,
     .height = 5,
     .out_width = 7,
     .out_height = 5,
     .multipliers = 4,
     .blocks = 2,
     .chain = 2,
     .sum = 24,
     .replicas = 3},
    {.slot = 7,
     .data = 16,
     .weight = 16,
     .lanes = 1,
     .words = 6,
     .width = 6,
     .height = 6,
     .stride = 2,
     .out_width = 3,
     .out_height = 3,
     .multipliers = 6,
     .blocks = 2,
     .chain = 6,
     .replicas = 2,
     .fills_ahead = false},
};
const filter_weights weights[] = {
    weights_of(shapes[0], "lists_0"), weights_of(shapes[1], "lists_1"),
    weights_of(shapes[2], "lists_2"), weights_of(shapes[3], "lists_3"),
    weights_of(shapes[4], "lists_4"), weights_of(shapes[5], "lists_5"),
    weights_of(shapes[6], "lists_6"), weights_of(shapes[7], "lists_7"),
};

}  // namespace

TEST_CASE("hass_lists: convolutions of lists", "[rtl]") {
    for (std::size_t i = 0; i < std::size(shapes); ++i)
        for (const double zeros : {0.0, 0.5, 0.9, 1.0}) check_lists(shapes[i], weights[i], zeros);
}
