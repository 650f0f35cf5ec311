// Skew buffers against a simulation with FIFOs of limited depth in front of joins: with the depth
// that the library asks for no pipeline blocks and each keeps the pace of its interval; the depths
// at which pipelines do block are near.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/pipeline/skew.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/zoo.hpp>

#include "../engine/rows.hpp"
#include "image_rows.hpp"

namespace {

using namespace hass;
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
constexpr std::size_t images = 4;

std::size_t index(int i) {
    return static_cast<std::size_t>(i);
}

// The last input pixel that an output pixel needs, where all inputs have the row's own shape.
std::size_t last_needed(const layer_row& row, std::size_t r) {
    if (row.out.pixels() == 1 || row.kind == layer_kind::matmul)
        return static_cast<std::size_t>(row.in.pixels()) - 1;
    if (test::is_image_row(row)) {
        std::size_t last = 0;  // of all firings so far
        for (std::size_t k = 0; k <= r; ++k)
            for (const std::size_t p : test::image_taps(row, static_cast<int>(k) / row.out.width,
                                                        static_cast<int>(k) % row.out.width))
                last = std::max(last, p);
        return last;
    }
    if (row.kind != layer_kind::convolution && row.kind != layer_kind::max_pool) return r;
    const int y = static_cast<int>(r) / row.out.width, x = static_cast<int>(r) % row.out.width;
    const int v = y * row.stride_h + row.dilation_h * (row.kernel_h - 1) - row.pad_top;
    const int u = x * row.stride_w + row.dilation_w * (row.kernel_w - 1) - row.pad_left;
    return static_cast<std::size_t>(std::clamp(v, 0, row.in.height - 1) * row.in.width +
                                    std::clamp(u, 0, row.in.width - 1));
}

// A FIFO along one edge, of pixels: when each came in and when it was taken out.
struct fifo {
    int from, to;
    std::size_t depth = unlimited;
    std::size_t port = 0;
    std::vector<shape> parts{};  // stack: its inputs, this one last
    std::vector<double> in{}, out{};
    bool room() const { return depth == unlimited || in.size() - out.size() < depth; }
    // When the place for the next pixel got free.
    double free_since() const {
        return depth == unlimited || in.size() < depth ? 0.0 : out[in.size() - depth];
    }
};

// Stages fire whenever data and room are there; times follow from what each firing waited for.
class pipeline {
  public:
    pipeline(const network& net, const std::vector<double>& cycles) : net_(net), cycles_(cycles) {
        for (const edge& e : net.edges) {
            fifo f{e.from, e.to};
            if (!fifos.empty() && fifos.back().to == e.to)
                f.parts = fifos.back().parts, f.port = fifos.back().port + 1;
            f.parts.push_back(e.from < 0 ? net.rows[index(e.to)].in : net.rows[index(e.from)].out);
            fifos.push_back(std::move(f));
        }
        idle_.assign(net.rows.size(), 0.0);
        made_.assign(net.rows.size(), 0);
        done_.resize(net.rows.size());
    }

    std::vector<fifo> fifos;

    // Runs some images, whose pixels come at the pace of the interval. False: it got stuck.
    bool run(double interval) {
        for (fifo& f : fifos) {
            if (f.from != network_input) continue;
            const auto pixels = static_cast<std::size_t>(net_.rows[index(f.to)].in.pixels());
            for (std::size_t k = 0; k < images * pixels; ++k)
                f.in.push_back(static_cast<double>(k) * interval / static_cast<double>(pixels));
        }
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t i = 0; i < net_.rows.size(); ++i)
                while (fire(i)) moved = true;
        }
        for (std::size_t i = 0; i < net_.rows.size(); ++i)
            if (made_[i] < images * static_cast<std::size_t>(net_.rows[i].out.pixels()))
                return false;
        return true;
    }

    // When the last pixel of each image left the last row.
    std::vector<double> ends() const {
        const auto pixels = static_cast<std::size_t>(net_.rows.back().out.pixels());
        std::vector<double> t;
        for (std::size_t n = 1; n <= images; ++n) t.push_back(done_.back()[n * pixels - 1]);
        return t;
    }

  private:
    // Makes the next output pixel of row i if that can be.
    bool fire(std::size_t i) {
        const layer_row& row = net_.rows[i];
        const auto pixels_in = static_cast<std::size_t>(row.in.pixels());
        const auto pixels_out = static_cast<std::size_t>(row.out.pixels());
        if (made_[i] == images * pixels_out) return false;
        const std::size_t image = made_[i] / pixels_out, r = made_[i] % pixels_out;
        double start = idle_[i];
        for (const fifo& f : fifos) {
            if (index(f.to) == i) {
                const std::size_t end = end_of(f, row, image, r, pixels_in);
                if (f.in.size() < end) return false;
                if (end > 0) start = std::max(start, f.in[end - 1]);
            } else if (f.from >= 0 && index(f.from) == i) {
                if (!f.room()) return false;
                start = std::max(start, f.free_since());
            }
        }
        const bool adds_up = row.kind == layer_kind::global_average_pool;
        idle_[i] = start + cycles_[i] / static_cast<double>(adds_up ? pixels_in : pixels_out);
        ++made_[i];
        for (fifo& f : fifos) {
            if (index(f.to) == i)  // what this output was the last to wait for leaves the FIFO
                for (const std::size_t end = end_of(f, row, image, r, pixels_in);
                     f.out.size() + (last_is_kept(f, row, r) ? 1 : 0) < end &&
                     f.out.size() < f.in.size();)
                    f.out.push_back(idle_[i]);
            if (f.from >= 0 && index(f.from) == i) f.in.push_back(idle_[i]);
        }
        done_[i].push_back(idle_[i]);
        return true;
    }

    bool gate(const fifo& f, const layer_row& row) const {
        return f.from >= 0 && net_.rows[index(f.from)].out.pixels() == 1 && row.in.pixels() > 1;
    }
    // Pixels of all images that have to be there for an output.
    std::size_t end_of(const fifo& f, const layer_row& row, std::size_t image, std::size_t r,
                       std::size_t pixels_in) const {
        if (row.kind == layer_kind::stack) {
            std::size_t end = image * static_cast<std::size_t>(f.parts.back().pixels());
            for (std::size_t k = 0; k <= r; ++k)
                end += test::stack_taps(row, f.parts, f.port, static_cast<int>(k) / row.out.width,
                                        static_cast<int>(k) % row.out.width)
                           .size();
            return end;
        }
        return gate(f, row) ? image + 1 : image * pixels_in + last_needed(row, r) + 1;
    }
    // A gate's value stays until the last pixel of its image.
    bool last_is_kept(const fifo& f, const layer_row& row, std::size_t r) const {
        return gate(f, row) && r + 1 < static_cast<std::size_t>(row.out.pixels());
    }

    const network& net_;
    const std::vector<double>& cycles_;
    std::vector<double> idle_;
    std::vector<std::size_t> made_;
    std::vector<std::vector<double>> done_;
};

// Networks whose branches part behind a row and join again, nested.
class builder {
  public:
    explicit builder(std::uint64_t seed) : from_(seed) {}

    network operator()() {
        net_ = {};
        last_ = network_input;
        at_ = {4, 3 + from_.below(7), 3 + from_.below(7)};
        append(detail::plain_layer<layer_kind::relu>::row(at_));
        for (int blocks = 1 + from_.below(2); blocks-- > 0;) block(2);
        validate(net_);
        return std::move(net_);
    }

  private:
    void append(const layer_row& row) {
        net_.edges.push_back({last_, static_cast<int>(net_.rows.size())});
        net_.rows.push_back(row);
        last_ = static_cast<int>(net_.rows.size()) - 1;
        at_ = row.out;
    }
    void keep_shape() {
        switch (from_.below(4)) {
            case 0:
                return append(detail::plain_layer<layer_kind::relu>::row(at_));
            case 1:
                return append(pointwise<4, 4>::row(at_));
            case 2:
                return append(conv2d<4, 4, 3, pad<1>>::row(at_));
            default:
                return append(conv2d<4, 4, 5, pad<2>>::row(at_));
        }
    }
    void body(int depth) {
        for (int n = 1 + from_.below(3); n-- > 0;)
            if (depth > 0 && from_.below(4) == 0)
                block(depth - 1);
            else
                keep_shape();
    }
    void join(layer_kind kind, const std::vector<int>& inputs) {
        layer_row row = detail::plain_layer<layer_kind::add>::row(at_);
        row.kind = kind;
        if (kind == layer_kind::concat) row.out.channels *= static_cast<int>(inputs.size());
        for (const int i : inputs) net_.edges.push_back({i, static_cast<int>(net_.rows.size())});
        net_.rows.push_back(row);
        last_ = static_cast<int>(net_.rows.size()) - 1;
        at_ = row.out;
    }
    void multiply(const layer_row& row, int first, int second) {
        for (const int i : {first, second})
            net_.edges.push_back({i, static_cast<int>(net_.rows.size())});
        net_.rows.push_back(row);
        last_ = static_cast<int>(net_.rows.size()) - 1;
        at_ = row.out;
    }
    void block(int depth) {
        const int split = last_;
        const shape before = at_;
        const int kind = from_.below(depth == 2 ? 7 : 3);
        if (kind == 0) {  // identity
            body(depth);
            join(layer_kind::add, {last_, split});
        } else if (kind == 1) {  // gate
            append(global_average_pool::row(at_));
            for (int n = from_.below(3); n-- > 0;) append(pointwise<4, 4>::row(at_));
            at_ = before;
            join(layer_kind::multiply, {split, last_});
        } else if (kind == 2) {  // branches
            std::vector<int> ends;
            for (int n = 2 + from_.below(2); n-- > 0;) {
                last_ = split, at_ = before;
                body(depth);
                ends.push_back(last_);
            }
            join(layer_kind::add, ends);
        } else if (kind == 6) {  // pixels weighed by how they look at each other, as attention does
            keep_shape();
            const int question = last_;
            last_ = split, at_ = before;
            body(0);
            layer_row row = detail::plain_layer<layer_kind::matmul>::row(at_);
            row.transposed = true, row.out.channels = static_cast<int>(at_.pixels());
            multiply(row, question, last_);
            append(detail::plain_layer<layer_kind::softmax>::row(at_));
            row = detail::plain_layer<layer_kind::matmul>::row(at_);
            row.out.channels = before.channels;
            multiply(row, last_, split);
            join(layer_kind::add, {last_, split});
        } else if (kind == 4) {  // a long skip around smaller maps, as in the neck of a detector
            append(conv2d<4, 4, 3, stride<2>, pad<1>>::row(at_));
            body(0);
            layer_row up = detail::plain_layer<layer_kind::resize>::row(at_);
            up.out = before;
            if (from_.below(2) == 0) up.kernel_h = up.kernel_w = 2, up.stride_h = up.stride_w = 2;
            append(up);
            join(layer_kind::add, {last_, split});
        } else if (kind == 5) {  // maps behind one another, of different extents
            body(0);
            const int left = last_;
            last_ = split, at_ = before;
            const bool below = from_.below(2) == 0;
            append(below ? conv2d<4, 4, 3, stride<2, 1>, pad<1>>::row(at_)
                         : conv2d<4, 4, 3, stride<1, 2>, pad<1>>::row(at_));
            if (from_.below(2) == 0) keep_shape();
            const shape small = at_;
            at_ = before;
            layer_row row = detail::plain_layer<layer_kind::stack>::row(at_);
            (below ? row.out.height : row.out.width) += below ? small.height : small.width;
            for (const int i : {left, last_})
                net_.edges.push_back({i, static_cast<int>(net_.rows.size())});
            net_.rows.push_back(row);
            last_ = static_cast<int>(net_.rows.size()) - 1, at_ = row.out;
        } else {  // smaller maps
            append(conv2d<4, 4, 3, stride<2>, pad<1>>::row(at_));
            if (from_.below(2) == 0) append(conv2d<4, 4, 3, pad<1>>::row(at_));
            const int left = last_;
            last_ = split, at_ = before;
            append(pointwise<4, 4, stride<2>>::row(at_));
            join(layer_kind::add, {left, last_});
        }
    }

    draw::source from_;
    network net_;
    int last_ = network_input;
    shape at_;
};

// Pixels of each edge that the library wants to hold; what is not held still has to be handed over.
std::vector<std::size_t> depths(const network& net) {
    const network_skew skew(net);
    std::vector<std::size_t> pixels;
    for (std::size_t k = 0, port = 0; k < net.edges.size(); ++k) {
        const edge& e = net.edges[k];
        port = k > 0 && net.edges[k - 1].to == e.to ? port + 1 : 0;
        const auto held = skew.held(index(e.to));
        const bool joins = (k > 0 && net.edges[k - 1].to == e.to) ||
                           (k + 1 < net.edges.size() && net.edges[k + 1].to == e.to);
        if (!joins || e.from == network_input)
            pixels.push_back(unlimited);
        else
            pixels.push_back(1 + std::max<std::size_t>(
                                     1, held.empty() ? 0
                                                     : static_cast<std::size_t>(
                                                           held[port].words /
                                                           net.rows[index(e.from)].out.channels)));
        // a product has both of its inputs in memories of its own, twice
        if (net.rows[index(e.to)].kind == layer_kind::matmul && e.from != network_input)
            pixels.back() += 2 * static_cast<std::size_t>(net.rows[index(e.from)].out.pixels());
    }
    return pixels;
}

std::vector<double> random_cycles(const network& net, double interval, draw::source& from) {
    std::vector<double> cycles;
    for (const layer_row& row : net.rows)
        cycles.push_back(std::min(detail::slowest_cycles(row),
                                  from.below(2) == 0 ? interval : from.unit() * interval));
    return cycles;
}

bool runs(const network& net, const std::vector<double>& cycles,
          const std::vector<std::size_t>& depth, double interval) {
    pipeline p(net, cycles);
    for (std::size_t k = 0; k < depth.size(); ++k) p.fifos[k].depth = depth[k];
    return p.run(interval);
}

}  // namespace

TEST_CASE("with its skew buffers no pipeline blocks, and each keeps pace", "[skew]") {
    draw::source from(41);
    std::size_t held = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        const network net = builder(seed)();
        double interval = 1.0;
        for (const layer_row& row : net.rows)
            interval = std::max(interval,
                                static_cast<double>(std::max(row.in.pixels(), row.out.pixels())));
        interval *= 1.0 + from.below(40);
        const auto cycles = random_cycles(net, interval, from);
        const auto depth = depths(net);
        for (const std::size_t d : depth) held += d != unlimited && d > 1;
        pipeline p(net, cycles);
        for (std::size_t k = 0; k < depth.size(); ++k) p.fifos[k].depth = depth[k];
        INFO("seed " << seed);
        REQUIRE(p.run(interval));
        std::vector<stage_estimate> stages;
        for (const double c : cycles) stages.push_back({c, {}});
        const estimate e = evaluate_pipeline(net, design(net.rows.size()), stages,
                                             boards::u250::value, 0.0, 16.0 * image_words(net));
        for (std::size_t n = 0; n < images; ++n)
            REQUIRE(p.ends()[n] <= (static_cast<double>(n) * interval +
                                    e.latency_cycles * interval / e.interval_cycles) *
                                       (1 + 1e-9));
    }
    CHECK(held > 400);
}

TEST_CASE("with much smaller buffers pipelines block", "[skew]") {
    // Three 3x3 windows on 9 x 7 maps look ahead 3 rows and 3 pixels.
    using bottleneck =
        sequential<input<4, 9, 7>, relu,
                   residual<sequential<conv2d<4, 4, 3, pad<1>>, relu, conv2d<4, 4, 3, pad<1>>, relu,
                                       conv2d<4, 4, 3, pad<1>>>>>;
    const network_view view = bottleneck{};
    const network net{
        {view.rows.begin(), view.rows.end()}, {view.edges.begin(), view.edges.end()}, {}};
    const std::vector<double> cycles(net.rows.size(), 63.0);
    auto places = depths(net);
    CHECK(places.back() == 24 + 5 + 1 + 1);  // and a pixel in each of five stages
    std::size_t enough = 1;
    while (places.back() = enough, !runs(net, cycles, places, 63.0)) ++enough;
    CHECK(enough == 24 + 1);
    std::size_t blocked = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const network random = builder(seed)();
        const network_skew skew(random);
        const auto depth = depths(random);
        const std::vector<double> fast(random.rows.size(), 1.0);
        REQUIRE(runs(random, fast, depth, 1000.0));
        for (std::size_t k = 0; k < depth.size(); ++k) {
            // where the split itself feeds the join, nothing but this FIFO can hold its pixels
            const edge& e = random.edges[k];
            if (e.from != skew.since(index(e.to)) || depth[k] == unlimited) continue;
            if (depth[k] <= static_cast<std::size_t>(e.to - e.from) + 2) continue;  // no windows
            auto less = depth;
            less[k] = 1;
            INFO("seed " << seed << ", edge " << e.from << " -> " << e.to);
            REQUIRE_FALSE(runs(random, fast, less, 1000.0));
            ++blocked;
        }
    }
    CHECK(blocked > 50);
}

TEST_CASE("a gate holds a map, and its value for the map", "[skew]") {
    using gate = sequential<input<8, 6, 6>, relu,
                            gated<sequential<global_average_pool, pointwise<8, 8>, hardsigmoid>>>;
    const network_skew skew{gate{}};
    REQUIRE(skew.held(4).size() == 2);
    CHECK(skew.since(4) == 0);
    // 35 / 36 until the last pixel, which the pool takes 1 / 36 at most for, then one interval at
    // most for the product (64 of at least 36 cycles) and 8 cycles for the hardsigmoid
    CHECK(skew.held(4)[0].words == (36 + 36 + 8 + 1) * 8);
    CHECK(skew.held(4)[1] == held_input{8, 0});
    CHECK(skew.held(1).empty());
}

TEST_CASE("branches of the image wait in memory", "[skew]") {
    using net = sequential<input<8, 6, 6>, residual<conv2d<8, 8, 3, pad<1>>>>;
    const network_skew skew{net{}};
    CHECK(skew.held(0).empty());
    CHECK(skew.held(1).empty());
}

TEST_CASE("skew buffers cost memory, in the allocator as in evaluate", "[skew]") {
    using net = sequential<
        input<3, 64, 64>, conv2d<3, 32, 3, pad<1>>, relu,
        residual<sequential<conv2d<32, 32, 3, pad<1>>, relu, conv2d<32, 32, 3, pad<1>>>>>;
    const network_view view = net{};
    const network_skew skew(view);
    const auto held = skew.held(view.size() - 1);
    REQUIRE(held.size() == 2);
    const std::int64_t words = held[1].words;
    CHECK(words == (2 * 65 + 3 + 1) * 32);
    const layer_row& add = view.rows.back();
    const row_option four{{4, 1, 1, 1, 1}, weight_memory::bram18, 0};
    const usage with = row_cost(sparse_dot<>{}, add, four, held);
    const usage without = row_cost(sparse_dot<>{}, add, four);
    // 64 bits wide and 1,072 words deep, and a few for the adder trees: columns of 18 bits x 2,048
    // words, three for 54 bits and one for the other ten
    CHECK(with.bram18 - without.bram18 == 8.0);
    CHECK(with.lut > without.lut);
    row_option uram = four;
    uram.memory = weight_memory::uram;
    CHECK(row_cost(sparse_dot<>{}, add, uram, held).uram == 1.0);
    CHECK(row_cost(fpgaconvnet::sparse_dot<>{}, add, four, held) ==
          row_cost(fpgaconvnet::sparse_dot<>{}, add, four));

    const uniform_sparsity half(0.5);
    const allocation best = allocate(view, half, sparse_dot<>{}, boards::zcu104{});
    const estimate again = evaluate(view, half, sparse_dot<>{}, boards::zcu104{}, best.design);
    CHECK(best.estimate.total == again.total);
    network chain{{view.rows.begin(), view.rows.end()}, {}, {}};
    for (int i = 0; i < static_cast<int>(view.size()); ++i) chain.edges.push_back({i - 1, i});
    const estimate unheld = evaluate(chain, half, sparse_dot<>{}, boards::zcu104{}, best.design);
    CHECK(again.total.bram18 + again.total.uram > unheld.total.bram18 + unheld.total.uram);
}
