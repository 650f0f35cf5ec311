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
    int out_pixels() const { return out_width * out_height; }
    /// As `list_ring`, without what strides leave.
    int slots() const { return (kernel_h - 1) * width + kernel_w + 2 * replicas * stride; }
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
    std::vector<int> walks;  // cycles of every pixel
    double cycles = 0.0;     // a pixel, if its pixels have come
    double least = 0.0;      // the stated BLOCKS max(entries + CHAIN, taps)
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
                a.walks.push_back(first + (c.blocks - 1) * later);
                a.cycles += a.walks.back();
                a.least += c.blocks * std::max(most + c.chain, c.taps());
                for (int f = 0; f < c.filters(); f += wide)
                    a.sums.emplace_back(sums.begin() + f, sums.begin() + f + wide);
            }
    a.cycles /= pixels * c.replicas;
    a.least /= pixels * c.replicas;
    return a;
}

/// Cycles from the end of the first output pixel to that of the last, step by step: a pixel comes in WORDS
/// cycles once the ring has room for it behind the oldest window that has not ended, and a window goes to
/// the first replica that is free when its last pixel has come.
double in_ring(const convolution& c, const std::vector<int>& walks) {
    const int in_pixels = c.width * c.height;
    std::vector<double> free(at(c.replicas), 0.0), ends;
    double came = 0.0, let_go = 0.0;  // of the last pixel, of the oldest window
    int pixels = 0;
    std::size_t gone = 0;
    const auto corner = [&](int window) {
        const int image = window / c.out_pixels(), i = window % c.out_pixels();
        return image * in_pixels + (i / c.out_width * c.stride - c.top) * c.width +
               i % c.out_width * c.stride - c.left;
    };
    for (int w = 0; w < static_cast<int>(walks.size()); ++w) {
        const int i = w % c.out_pixels();
        const int row = i / c.out_width * c.stride - c.top,
                  column = i % c.out_width * c.stride - c.left;
        const int last = w / c.out_pixels() * in_pixels +
                         std::min(row + c.kernel_h, c.height) * c.width - c.width +
                         std::min(column + c.kernel_w, c.width);
        for (; pixels < last; ++pixels) {
            for (; gone < ends.size() && corner(static_cast<int>(gone)) + c.slots() <= pixels;
                 ++gone)
                let_go = std::max(let_go, ends[gone]);
            came = std::max(came, let_go) + c.words;
        }
        double& replica = *std::min_element(free.begin(), free.end());
        replica = std::max(replica, came) + walks[at(w)];
        ends.push_back(replica);
    }
    return *std::max_element(ends.begin(), ends.end()) - ends.front();
}

/// Every fourth pixel, and some others, hold twice as much as the rest.
std::vector<word> uneven(const convolution& c, int pixels) {
    random_values random(static_cast<unsigned>(c.slot + 40));
    std::vector<word> in;
    for (int p = 0; p < pixels; ++p)
        for (const word& w : random.words(at(c.words), c.lanes, c.data,
                                          p % 4 == 0 || random.below(4) == 0 ? 0.2 : 0.6))
            in.push_back(w);
    return in;
}

arrivals check_sums(const convolution& c, const answer& a, const std::vector<word>& in) {
    return check<Vbench_lists>({{c.slot, c.data, in}}, {{c.slot, c.sum, a.sums}}).front();
}

/// Replicas whose pixels differ: as fast as the step-by-step model says, which next to evenly shared work is.
void check_shared(const convolution& c, const filter_weights& weights) {
    const int images = 40;
    const std::vector<word> in = uneven(c, images * c.width * c.height);
    const answer a = convolved(c, weights, in);
    INFO("replicas on slot " << c.slot);
    const arrivals came = check_sums(c, a, in);
    const auto cycles = static_cast<double>(came.cycles.back() - came.cycles.front());
    const double expected = in_ring(c, a.walks);
    const double even = std::max(a.cycles * (images * c.out_pixels() - 1.0),
                                 double(images) * c.width * c.height * c.words);
    CAPTURE(cycles, expected, even);
    CHECK(cycles == Approx(expected).epsilon(0.01));
    if (c.stride == 1) CHECK(cycles <= 1.03 * even);
}

void check_lists(const convolution& c, const filter_weights& weights, double zeros) {
    const int image = c.width * c.height * c.words;
    const int images = 10000 / image + 2;
    const std::vector<word> in = random_values(static_cast<unsigned>(c.slot))
                                     .words(at(images * image), c.lanes, c.data, zeros);
    const answer a = convolved(c, weights, in);
    INFO("lists on slot " << c.slot << ", zeros " << zeros);
    const arrivals came = check_sums(c, a, in);
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
    {.slot = 8,
     .data = 8,
     .weight = 8,
     .lanes = 1,
     .words = 16,
     .width = 8,
     .height = 4,
     .kernel_w = 1,
     .kernel_h = 1,
     .left = 0,
     .top = 0,
     .out_width = 8,
     .out_height = 4,
     .multipliers = 2,
     .blocks = 6,
     .chain = 2,
     .sum = 24,
     .replicas = 4},
};
const filter_weights weights[] = {
    weights_of(shapes[0], "lists_0"), weights_of(shapes[1], "lists_1"),
    weights_of(shapes[2], "lists_2"), weights_of(shapes[3], "lists_3"),
    weights_of(shapes[4], "lists_4"), weights_of(shapes[5], "lists_5"),
    weights_of(shapes[6], "lists_6"), weights_of(shapes[7], "lists_7"),
    weights_of(shapes[8], "lists_8"),
};

}  // namespace

TEST_CASE("hass_lists: convolutions of lists", "[rtl]") {
    for (std::size_t i = 0; i < std::size(shapes); ++i)
        for (const double zeros : {0.0, 0.5, 0.9, 1.0}) check_lists(shapes[i], weights[i], zeros);
}

TEST_CASE("hass_list_array: replicas share pixels that differ", "[rtl]") {
    for (std::size_t i = 6; i < 9; ++i) check_shared(shapes[i], weights[i]);
}
