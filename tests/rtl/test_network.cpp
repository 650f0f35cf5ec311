// Modules wired up to a small network, against the same network in integers.
#include "Vbench_network.h"
#include "bench.hpp"

#include <hass/emulate/integer_arithmetic.hpp>

using namespace rtl_test;

namespace {

constexpr int side = 8, channels = 4, classes = 6;

std::size_t at(int i) {
    return static_cast<std::size_t>(i);
}

/// A file a lane for hass_dense and hass_lanes, of [dot product][word][filter][position].
void write_lanes(const std::string& name, const std::vector<std::vector<word>>& windows,
                 int lanes) {
    const int positions = static_cast<int>(windows.front().front().size());
    for (int n = 0; n < lanes; ++n) {
        std::vector<word> lines;
        for (const std::vector<word>& filters : windows)
            for (int k = 0; k < (positions + lanes - 1) / lanes; ++k) {
                lines.emplace_back();
                for (const word& filter : filters)
                    lines.back().push_back(k * lanes + n < positions ? filter[at(k * lanes + n)]
                                                                     : 0);
            }
        write_memory(name + "_0" + std::to_string(n) + ".mem", lines, 8);
    }
}

struct small_network {
    std::vector<word> conv =
        random_values(1).words(channels, channels * 9, 8, 0.3);  // [filter][c, tap]
    std::vector<word> depthwise = random_values(2).words(channels, 9, 8);
    std::vector<word> fully = random_values(3).words(classes, channels, 8);
    std::vector<word> conv_by = random_values(4).words(channels, 1, 16);
    std::vector<word> depthwise_by = random_values(5).words(channels, 1, 16);

    small_network() {
        // Convolution: two dot products of two filters, each of a window a channel.
        std::vector<std::vector<word>> windows;
        std::vector<word> masks;
        for (int d = 0; d < 2; ++d)
            for (int c = 0; c < channels; ++c) {
                windows.emplace_back();
                masks.emplace_back(9, 0);
                for (int f = 2 * d; f < 2 * d + 2; ++f) {
                    const auto from = conv[at(f)].begin() + c * 9;
                    windows.back().emplace_back(from, from + 9);
                    for (std::size_t t = 0; t < 9; ++t)
                        masks.back()[t] |= windows.back().back()[t] != 0;
                }
            }
        write_lanes("conv", windows, 3);
        write_memory("conv_masks.mem", masks, 1);
        windows.clear();
        for (const word& filter : depthwise) windows.push_back({filter});
        write_lanes("depthwise", windows, 2);
        write_constants("conv_requantise.mem", conv_by);
        write_constants("depthwise_requantise.mem", depthwise_by);
        write_memory("mean.mem", {{0, 1}}, 2);  // the bias is rightmost
        // Fully connected: two blocks of three filters, a line a channel.
        std::vector<word> lines;
        for (int b = 0; b < 2; ++b)
            for (int c = 0; c < channels; ++c) {
                lines.emplace_back();
                for (int f = 0; f < 3; ++f) lines.back().push_back(fully[at(3 * b + f)][at(c)]);
            }
        write_memory("classes_00.mem", lines, 8);
    }

    static hass::requantisation by(const word& constant) {
        return {constant[0] * 2, 20000 + std::abs(constant[0]), 22};
    }

    static void write_constants(const std::string& file, const std::vector<word>& constants) {
        std::vector<word> lines;
        for (const word& c : constants) {
            const hass::requantisation q = by(c);
            lines.push_back({q.multiplier << 24 | (q.bias & 0xffffff)});
        }
        write_memory(file, lines, 42);
    }

    /// The words of one image in, those of its classes out.
    std::vector<word> operator()(const word& image) const {
        const auto pixel = [](const word& map, int y, int x, int c) {
            const bool inside = y >= 0 && y < side && x >= 0 && x < side;
            return inside ? map[at((y * side + x) * channels + c)] : 0;
        };
        word added(image.size());
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x)
                for (int f = 0; f < channels; ++f) {
                    std::int64_t sum = 0;
                    for (int c = 0; c < channels; ++c)
                        for (int t = 0; t < 9; ++t)
                            sum += conv[at(f)][at(c * 9 + t)] *
                                   pixel(image, y - 1 + t / 3, x - 1 + t % 3, c);
                    added[at((y * side + x) * channels + f)] =
                        hass::scaled_sum(hass::requantised(sum, by(conv_by[at(f)]), {0, 127}), 3,
                                         pixel(image, y, x, f), 2, 2, hass::integer_range::of(8));
                }
        word total(channels, 0);
        for (int y = 0; y < side; y += 2)
            for (int x = 0; x < side; x += 2)
                for (int c = 0; c < channels; ++c) {
                    std::int64_t sum = 0;
                    for (int t = 0; t < 9; ++t)
                        sum +=
                            depthwise[at(c)][at(t)] * pixel(added, y - 1 + t / 3, x - 1 + t % 3, c);
                    total[at(c)] += hass::requantised(sum, by(depthwise_by[at(c)]), {0, 127});
                }
        std::vector<word> logits(classes, word(1, 0));
        for (std::size_t f = 0; f < logits.size(); ++f)
            for (std::size_t c = 0; c < total.size(); ++c)
                logits[f][0] += fully[f][c] *
                                hass::requantised(total[c], {0, 1, 4}, hass::integer_range::of(8));
        return logits;
    }
};

const small_network network;

}  // namespace

TEST_CASE("a small network of all kinds of modules", "[rtl]") {
    random_values random(9);
    stream in{0, 8, {}}, out{0, 20, {}};
    for (int i = 0; i < 40; ++i) {
        word image;
        for (int x = 0; x < side * side * channels; ++x)
            image.push_back(random(8, 0.05 * (i % 20)));
        for (const std::int64_t x : image) in.words.push_back({x});
        for (const word& w : network(image)) out.words.push_back(w);
    }
    CHECK(std::any_of(out.words.begin(), out.words.end(), [](const word& w) { return w[0] > 0; }));
    CHECK(std::any_of(out.words.begin(), out.words.end(), [](const word& w) { return w[0] < 0; }));
    check<Vbench_network>({in}, {out});
}
