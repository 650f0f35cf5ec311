// Drives the streams of a Verilated test bench: a module whose ports are arrays of streams, each
// device under test on a slot of its own (see streams.svh).
#pragma once

#include <verilated.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace rtl_test {

using word = std::vector<std::int64_t>;  // values, the rightmost in the word first

/// The words that enter or shall leave by a slot.
struct stream {
    std::size_t slot = 0;
    int bits = 0;  // of a value
    std::vector<word> words;
};

/// What left by a slot.
struct arrivals {
    std::size_t words = 0;
    std::size_t wrong = 0;
    std::size_t unstable = 0;  // words withdrawn or changed before they were taken
    std::size_t first_wrong = 0;
    std::vector<std::int64_t> cycles;  // of every word, 0 when the first one was offered

    double cycles_a_word() const {
        return static_cast<double>(cycles.back() - cycles.front()) / static_cast<double>(words - 1);
    }
};

/// How often a source has a word, and a sink takes one.
struct rates {
    double in = 1.0;
    double out = 1.0;
};

template <class Port>
void put(Port& port, const word& values, int bits) {
    for (std::size_t i = 0; i < values.size(); ++i)
        for (int b = 0; b < bits; ++b) {
            const std::size_t at = i * static_cast<std::size_t>(bits) + static_cast<std::size_t>(b);
            const std::uint32_t bit = std::uint32_t{1} << (at % 32);
            if ((values[i] >> b) & 1) {
                port[at / 32] |= bit;
            } else {
                port[at / 32] &= ~bit;
            }
        }
}

template <class Port>
word get(const Port& port, std::size_t lanes, int bits) {
    word values(lanes);
    for (std::size_t i = 0; i < lanes; ++i) {
        std::uint64_t x = 0;
        for (int b = 0; b < bits; ++b) {
            const std::size_t at = i * static_cast<std::size_t>(bits) + static_cast<std::size_t>(b);
            x |= std::uint64_t{(port[at / 32] >> (at % 32)) & 1U} << b;
        }
        values[i] = static_cast<std::int64_t>(x << (64 - bits)) >> (64 - bits);
    }
    return values;
}

/// Feeds `in`, compares what comes with `out`, and stops when all has come or nothing moves any
/// more. Values are compared as two's complement of their bits.
template <class Model>
std::vector<arrivals> run(const std::vector<stream>& in, const std::vector<stream>& out,
                          const rates& rate, unsigned seed = 1) {
    VerilatedContext context;
    Model model(&context);
    std::mt19937 random(seed);
    const auto happens = [&](double p) {
        return p >= 1.0 || static_cast<double>(random()) < p * 4294967296.0;
    };

    model.in_valid = model.out_ready = 0;
    model.rst = 1;
    const auto tick = [&] {
        model.clk = 1;
        model.eval();
        model.clk = 0;
    };
    for (int i = 0; i < 4; ++i) {
        model.eval();
        tick();
    }
    model.rst = 0;

    std::vector<std::size_t> next(in.size(), 0);
    std::vector<bool> offered(in.size(), false);
    std::vector<arrivals> result(out.size());
    std::vector<word> held(out.size());
    for (std::int64_t cycle = 0, moved = 0; cycle - moved < 20000; ++cycle) {
        bool done = true;
        for (std::size_t i = 0; i < in.size(); ++i) {
            const std::uint64_t bit = std::uint64_t{1} << in[i].slot;
            model.in_valid &= ~bit;
            if (next[i] == in[i].words.size()) continue;
            done = false;
            if (!offered[i] && happens(rate.in)) {
                offered[i] = true;
                put(model.in_data[in[i].slot], in[i].words[next[i]], in[i].bits);
            }
            if (offered[i]) model.in_valid |= bit;
        }
        model.out_ready = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            done = done && result[i].words == out[i].words.size();
            if (happens(rate.out)) model.out_ready |= std::uint64_t{1} << out[i].slot;
        }
        if (done) moved = std::min(moved, cycle - 19000);  // does anything more come?
        model.eval();
        for (std::size_t i = 0; i < in.size(); ++i)
            if (offered[i] && (model.in_ready >> in[i].slot & 1) != 0) {
                ++next[i];
                offered[i] = false;
                moved = cycle;
            }
        for (std::size_t i = 0; i < out.size(); ++i) {
            arrivals& a = result[i];
            if ((model.out_valid >> out[i].slot & 1) == 0) {
                if (!held[i].empty()) ++a.unstable;
                held[i].clear();
                continue;
            }
            const word came =
                get(model.out_data[out[i].slot], out[i].words.front().size(), out[i].bits);
            if (!held[i].empty() && held[i] != came) ++a.unstable;
            held[i] = came;
            if ((model.out_ready >> out[i].slot & 1) == 0) continue;
            held[i].clear();
            if (a.words >= out[i].words.size() || out[i].words[a.words] != came) {
                if (a.wrong++ == 0) a.first_wrong = a.words;
            }
            ++a.words;
            a.cycles.push_back(cycle);
            moved = cycle;
        }
        tick();
    }
    model.final();
    return result;
}

/// Runs with sources and sinks that often pause, and at full speed; every word must come as
/// expected, and once. \returns what came at full speed
template <class Model>
std::vector<arrivals> check(const std::vector<stream>& in, const std::vector<stream>& out) {
    std::vector<arrivals> result;
    for (const rates& rate : {rates{0.5, 0.5}, rates{0.3, 1.0}, rates{1.0, 1.0}}) {
        result = run<Model>(in, out, rate);
        for (std::size_t i = 0; i < out.size(); ++i) {
            INFO("slot " << out[i].slot << ", sources at " << rate.in << ", sinks at " << rate.out
                         << ", first wrong word " << result[i].first_wrong);
            CHECK(result[i].words == out[i].words.size());
            CHECK(result[i].wrong == 0);
            CHECK(result[i].unstable == 0);
        }
    }
    return result;
}

/// Values of two's complement, the extremes among them, a share of them zero.
class random_values {
  public:
    explicit random_values(unsigned seed) : random_(seed) {}

    std::int64_t operator()(int bits, double zeros = 0.0) {
        if (static_cast<double>(random_()) < zeros * 4294967296.0) return 0;
        const std::uint64_t half = std::uint64_t{1} << (bits - 1);
        if (random_() % 16 == 0)
            return random_() % 2 == 0 ? -static_cast<std::int64_t>(half)
                                      : static_cast<std::int64_t>(half - 1);
        const std::uint64_t x = (std::uint64_t{random_()} << 32 | random_()) & (2 * half - 1);
        return static_cast<std::int64_t>(x) - static_cast<std::int64_t>(half);
    }

    std::vector<word> words(std::size_t count, int lanes, int bits, double zeros = 0.0) {
        std::vector<word> all(count, word(static_cast<std::size_t>(lanes)));
        for (word& w : all)
            for (std::int64_t& x : w) x = (*this)(bits, zeros);
        return all;
    }

    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_()) % n; }

  private:
    std::mt19937 random_;
};

/// Writes a memory image: a line a word, its first value rightmost.
inline void write_memory(const std::string& file, const std::vector<word>& lines, int bits) {
    std::ofstream out(file);
    for (const word& line : lines) {
        const std::size_t width = line.size() * static_cast<std::size_t>(bits);
        std::vector<std::uint32_t> packed(width / 32 + 1, 0);
        put(packed, line, bits);
        for (std::size_t digit = (width + 3) / 4; digit-- > 0;)
            out << "0123456789abcdef"[packed[digit / 8] >> (digit % 8 * 4) & 15];
        out << '\n';
    }
}

}  // namespace rtl_test
