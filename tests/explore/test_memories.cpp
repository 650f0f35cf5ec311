// Where weights live: in blocks, as a bitmask, off-chip; and that the allocator takes what pays.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/dot.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/engine/storage/formats.hpp>
#include <hass/explore/allocate.hpp>
#include <hass/explore/partition.hpp>
#include <hass/workload/layers.hpp>

#include "../engine/rows.hpp"

namespace {

using namespace hass;
using Catch::Matchers::Contains;

calibrated storing(double share) {
    calibrated c;
    c.stored = share;
    return c;
}
calibrated reading_at(double mhz) {
    calibrated c;
    c.off_chip_mhz = mhz;
    return c;
}

template <class E>
std::vector<row_option> all(const E& engine, const layer_row& row) {
    std::vector<row_option> found;
    engine.for_each(row, [&](const row_option& c) { found.push_back(c); });
    return found;
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using small = sequential<input<8, 12, 12>, conv2d<8, 32, 3, pad<1>>, conv2d<32, 64, 3, stride<2>>,
                         global_average_pool, flatten, linear<64, 256>>;

/// The smallest interval over every combination of options of a chain, with what stands between
/// them and the link's.
template <class E>
double exhaustive(const network_view& net, const network_statistics& s, const E& engine,
                  const device& board) {
    struct way {
        double cycles;
        usage cost;
        int words;  // that come out
    };
    const auto bits = 16.0 * static_cast<double>(net[0].in.volume() +                // the image's
                                                 net[net.size() - 1].out.volume());  // the answers'
    const auto inputs = [&](std::size_t i) {  // streams from the row before
        const auto count = std::count_if(net.edges.begin(), net.edges.end(), [&](const edge& e) {
            return e.to == static_cast<int>(i);
        });
        return count > 0 ? static_cast<double>(count) : 1.0;
    };
    double least = std::numeric_limits<double>::infinity();
    std::vector<way> sums{{0.0, {}, 0}};
    for (std::size_t i = 0; i < net.size(); ++i) {
        const bool last = i + 1 == net.size();
        std::vector<way> longer;
        for_each_option(engine, net[i], [&](const row_option& c) {
            const bool renames = hass::renames(net[i].kind);
            const way p{row_cycles(engine, net[i], s[i], c), row_cost(engine, net[i], c),
                        words_out(net[i], c)};
            for (const way& before : sums) {
                usage between;
                if (i == 0)
                    between = mover_cost(engine, words_in(net[i], c));
                else if (!renames)
                    between = inputs(i) * squeeze_cost(engine, before.words, words_in(net[i], c));
                if (last) between += mover_cost(engine, p.words);
                const way sum{std::max(before.cycles, p.cycles), before.cost + p.cost + between,
                              renames ? before.words : p.words};
                if (!fits(sum.cost, board.budget)) continue;
                if (!last) {
                    longer.push_back(sum);
                } else if (const double left = board.budget.bandwidth - sum.cost.bandwidth;
                           left > 0.0) {
                    least = std::min(least, std::max(sum.cycles, bits * board.mhz / 1000 / left));
                }
            }
        });
        // of equal costs and cycles one is enough, and what another beats in all is not needed
        std::sort(longer.begin(), longer.end(), [](const way& a, const way& b) {
            if (a.words != b.words) return a.words < b.words;
            return a.cycles != b.cycles ? a.cycles < b.cycles
                                        : to_vector(a.cost) < to_vector(b.cost);
        });
        sums.clear();
        for (const way& p : longer)
            if (std::none_of(sums.begin(), sums.end(), [&](const way& better) {
                    return better.words == p.words &&
                           detail::no_more(to_vector(better.cost), to_vector(p.cost));
                }))
                sums.push_back(p);
    }
    return least;
}

network_statistics zeros(const network_view& net, double weights) {
    network_statistics s(net.size());
    for (layer_statistics& each : s) each = {weights, 0.4, 0.6, 0.6, {}};
    return s;
}

}  // namespace

TEST_CASE("weights lie side by side, in columns of blocks", "[memories]") {
    const calibrated model;
    const auto blocks = [&](std::int64_t depth, std::int64_t words, int bits) {
        return model.weights(weight_memory::bram18, depth, words, 1, bits).bram18;
    };
    CHECK(blocks(512, 9, 16) == 4);   // 144 bits in four columns of 36
    CHECK(blocks(1024, 3, 16) == 3);  // 48 bits: a column of 36 in two blocks, one of 18 in one
    CHECK(blocks(2048, 5, 8) == 5);
    CHECK(blocks(2049, 1, 8) == 2);
    CHECK(model.weights(weight_memory::bram18, 64, 9, 9, 16).lut == 144);  // in LUTs
    CHECK(model.weights(weight_memory::uram, 4096, 9, 9, 16).uram == 2);
}

TEST_CASE("compressed weights take the bits of the bitmask format", "[memories]") {
    for (const double share : {0.25, 0.5, 0.75})
        for (const int words : {4, 9, 64})
            for (const int bits : {8, 16}) {
                calibrated model = storing(share);
                model.off_chip_mhz = 1000.0;  // bandwidth in Gbit/s is then bits a cycle
                const usage u = model.weights(weight_memory::off_chip, 512, words, words, bits);
                const std::vector<int> extents{512, words};
                CHECK(u.bandwidth ==
                      Approx(formats::bitmask{}.expected_bits(extents, share, bits) / 512.0));
                // and are put back to their places by one multiplexer a word
                CHECK(u.lut == words * bits * std::ceil((words - 1) / 3.0));
            }
    const double plain = calibrated{}.weights(weight_memory::bram18, 4096, 36, 9, 16).bram18;
    const double half = storing(0.5).weights(weight_memory::bram18, 4096, 36, 9, 16).bram18;
    CHECK(plain == 128);
    CHECK(half == 72);  // 36 x (8 + 1) bits in nine columns
}

TEST_CASE("weights that do not fit their memory rule a layer out", "[memories]") {
    const sparse_dot<> half{{}, storing(0.5), {}};
    const dense_dot<> dense_half{storing(0.5), {}};
    for (const layer_row& row : draw::rows())
        for (const double zero : {0.0, 0.49, 0.5, 0.9}) {
            const layer_statistics s{zero, 0.2, zero, zero, {}};
            const row_option c{};
            const bool runs = zero >= 0.5;
            CHECK((half.cycles(row, s, c) < ruled_out) == runs);
            CHECK(half.prepare(row, s).cycles(c) == Approx(half.cycles(row, s, c)));
            if (runs) CHECK(half.cycles(row, s, c) == sparse_dot<>{}.cycles(row, s, c));
            if (!dense_half.legal(row, c.folding)) continue;
            CHECK((dense_half.cycles(row, s, c) < ruled_out) == runs);
            CHECK(dense_half.prepare(row, s).cycles(c) == dense_half.cycles(row, s, c));
        }
    const network_view net = small{};
    const auto dense = zeros(net, 0.3);
    const design start(net.size());
    CHECK_FALSE(evaluate(net, dense, half, boards::u250{}, start).fits);
    const allocation none = allocate(net, dense, half, boards::u250{});
    CHECK_FALSE(none.fits);
    CHECK_THAT(none.certificate.reason,
               Contains("no room for the weights of layer 'convolution 0'"));
    CHECK_FALSE(partition(net, dense, half, boards::u250{}).fits);
}

TEST_CASE("what streams from off-chip is what is multiplied", "[memories]") {
    const dense_dot<> dense{reading_at(200.0), {}};
    const sparse_dot<> sparse{{}, reading_at(200.0), {}};
    for (const layer_row& row : draw::rows()) {
        // every weight once for every output pixel
        const double bits = 16.0 * static_cast<double>(mac_count(row));
        dense.for_each(row, [&](const row_option& c) {
            const usage u = dense.cost(row, c);
            CHECK((u.bandwidth > 0.0) == (c.memory == weight_memory::off_chip));
            if (c.memory != weight_memory::off_chip) return;
            const parallelism& p = c.folding;
            const double busy = static_cast<double>(mac_count(row)) / (engine_count(p) * p.macs);
            CHECK(u.bandwidth == Approx(bits / busy * 200.0 / 1000.0));
            CHECK(u.uram == 0.0);
        });
        sparse.for_each(row, [&](const row_option& c) {
            if (c.memory != weight_memory::off_chip) return;
            const folded_row f(row, c.folding);  // a window a cycle is the most that is asked for
            CHECK(sparse.cost(row, c).bandwidth ==
                  Approx(bits / static_cast<double>(f.windows_per_engine(row)) * 0.2));
        });
    }
    const layer_row classifier = linear<512, 1000>::row({512, 1, 1});
    const row_option on{{1, 1, 1, 16, 16}, weight_memory::bram18, 0};
    row_option off = on;
    off.memory = weight_memory::off_chip;
    CHECK(dense.cost(classifier, on).bram18 - dense.cost(classifier, off).bram18 > 450);
    CHECK(dense.cost(classifier, off).bandwidth == Approx(256 * 0.2));
}

TEST_CASE("published weights stream by the published formula", "[memories]") {
    const layer_row row = conv2d<64, 128, 3, pad<1>, no_bias>::row({64, 28, 28});
    for (const fpgaconvnet::stage_kind kind :
         {fpgaconvnet::stage_kind::dense, fpgaconvnet::stage_kind::sparse}) {
        const parallelism p{4, 2, 1, 3, 1};
        const fpgaconvnet::layer_cost layer(kind, row, p, {});
        const auto number = static_cast<double>(layer.weight_arrays());
        const auto depth = static_cast<double>(layer.weight_depth());
        const auto width = static_cast<double>(layer.weight_width());
        const auto unit = layer.weight_shape(weight_memory::bram18).depth;
        for (const bool repaired : {false, true}) {
            const usage all_off = layer.total(weight_memory::off_chip, repaired, 250.0);
            const usage on = layer.total(weight_memory::bram18, repaired);
            const double bits = repaired
                                    ? number * width
                                    : depth * number * width * number / static_cast<double>(unit);
            CHECK(all_off.bandwidth == Approx(bits * 0.25));
            CHECK(on.bram18 - all_off.bram18 ==
                  static_cast<double>(layer.weight_blocks(weight_memory::bram18)) -
                      number * static_cast<double>(bram18_memory(unit, layer.weight_width())));
            CHECK(all_off.lut == on.lut);
        }
    }
}

TEST_CASE("off-chip weights are visited when there is a clock, and no sooner", "[memories]") {
    const layer_row row = draw::rows().front();
    const auto count = [&](const auto& engine, weight_memory kind) {
        const auto found = all(engine, row);
        return std::count_if(found.begin(), found.end(),
                             [&](const row_option& c) { return c.memory == kind; });
    };
    const auto check = [&](const auto& without, const auto& with) {
        CHECK(count(without, weight_memory::off_chip) == 0);
        CHECK(count(with, weight_memory::off_chip) == count(with, weight_memory::uram));
        CHECK(count(with, weight_memory::uram) == count(without, weight_memory::uram));
    };
    check(sparse_dot<>{}, sparse_dot<>{{}, reading_at(250.0), {}});
    check(dense_dot<>{}, dense_dot<>{reading_at(250.0), {}});
    check(fpgaconvnet::sparse_dot<>{}, fpgaconvnet::sparse_dot<>{{288.0, 250.0}, {}});
    check(fpgaconvnet::dense_dot<>{}, fpgaconvnet::dense_dot<>{{288.0, 250.0}, {}});
}

TEST_CASE("storage that makes no sense is named", "[memories]") {
    const layer_row row = draw::rows().front();
    for (const double share : {0.0, -0.5, 1.5, not_a_number})
        CHECK_THROWS_WITH((sparse_dot<>{{}, storing(share), {}}.cost(row, {})),
                          Contains("calibrated: stored = ") && Contains("must be in (0, 1]"));
    const row_option off{{}, weight_memory::off_chip, 0};
    for (const double mhz : {0.0, -1.0, not_a_number, std::numeric_limits<double>::infinity()}) {
        CHECK_THROWS_WITH((dense_dot<>{reading_at(mhz), {}}.cost(row, off)),
                          Contains("calibrated: weights off-chip with off_chip_mhz = "));
        CHECK_THROWS_WITH((fpgaconvnet::dense_dot<>{{288.0, mhz}, {}}.cost(row, off)),
                          Contains("published: weights off-chip with off_chip_mhz = "));
    }
    const sparse_dot<> clockless{{}, reading_at(not_a_number), {}};
    CHECK_THROWS_WITH(allocate(small{}, uniform_sparsity(0.5), clockless, boards::u250{}),
                      Contains("off_chip_mhz"));
}

TEST_CASE("the allocator takes compressed and off-chip weights where they pay", "[memories]") {
    using plain = dense_dot<>;
    using choice = engine_list<plain, plain>;
    const network_view net = small{};
    const auto statistics = zeros(net, 0.5);
    int compressed = 0, off_chip = 0, helped = 0, carrying = 0;
    for (const double bram : {6.0, 14.0, 18.0, 24.0, 40.0})
        for (const double bandwidth : {0.0, 1.0, 3.4, 7.0, 20.0, 200.0}) {
            const device board{"narrow", {400, 60000, 120000, bram, 0, bandwidth}, 200.0};
            const choice either{{plain{reading_at(200.0), {}}, plain{storing(0.5), {}}}};
            const allocation best = allocate(net, statistics, either, board);
            const double least = exhaustive(net, statistics, either, board);
            INFO("BRAM18 " << bram << ", bandwidth " << bandwidth);
            REQUIRE(best.fits == (least < ruled_out));
            if (bandwidth == 0.0)
                CHECK_THAT(best.certificate.reason,
                           Contains("the bandwidth of device 'narrow' is 0 Gbit/s"));
            if (!best.fits) continue;
            carrying += best.estimate.link_binds() &&
                        best.estimate.total.bandwidth > 1.01 * best.estimate.image_gbit_s;
            CHECK(best.certificate.gap == 0.0);
            CHECK(best.estimate.interval_cycles == Approx(least).epsilon(1e-12));
            CHECK(best.estimate.total.bandwidth <= bandwidth);
            for (const row_option& c : best.design) {
                compressed += c.engine == 1;
                off_chip += c.memory == weight_memory::off_chip;
            }
            const allocation on_chip = allocate(net, statistics, plain{}, board);
            if (on_chip.fits)
                CHECK(best.estimate.interval_cycles <= on_chip.estimate.interval_cycles);
            helped +=
                !on_chip.fits || best.estimate.interval_cycles < on_chip.estimate.interval_cycles;
        }
    INFO(compressed << " compressed, " << off_chip << " off-chip, " << helped << " faster, "
                    << carrying << " share the link");
    CHECK(compressed > 0);
    CHECK(carrying > 0);
    CHECK(off_chip > 0);
    CHECK(helped > 0);
}

TEST_CASE("multipliers and memories are chosen as trying every design chooses them", "[memories]") {
    using net_of_types = sequential<input<2, 32, 32>, conv2d<2, 8, 3, pad<1>>,
                                    max_pool<2, stride<2>>, conv2d<8, 12, 3, pad<1>>>;
    calibrated choosing;
    choosing.lut_multipliers = choosing.every_memory = true;
    const network_view net = net_of_types{};
    const auto statistics = zeros(net, 0.5);
    int of_lut = 0, of_both = 0, lutram = 0, uram = 0, helped = 0;
    const auto check = [&](const auto& plain, const auto& engine, const device& board) {
        const allocation best = allocate(net, statistics, engine, board);
        const double least = exhaustive(net, statistics, engine, board);
        INFO("DSP " << board.budget.dsp << ", LUT " << board.budget.lut << ", BRAM18 "
                    << board.budget.bram18 << ", URAM " << board.budget.uram);
        REQUIRE(best.fits == (least < ruled_out));
        if (!best.fits) return;
        CHECK(best.certificate.gap == 0.0);
        CHECK(best.estimate.interval_cycles == Approx(least).epsilon(1e-12));
        int lut_rows = 0;
        for (const row_option& c : best.design) {
            lut_rows += c.multipliers == multiplier::lut;
            lutram += c.memory == weight_memory::lutram || c.maps == weight_memory::lutram;
            uram += c.memory == weight_memory::uram || c.maps == weight_memory::uram;
        }
        of_lut += lut_rows == 2;
        of_both += lut_rows == 1;
        const allocation before = allocate(net, statistics, plain, board);
        helped += !before.fits || best.estimate.interval_cycles < before.estimate.interval_cycles;
        if (before.fits) CHECK(best.estimate.interval_cycles <= before.estimate.interval_cycles);
    };
    for (const double dsp : {2.0, 12.0, 80.0})
        for (const double lut : {6000.0, 25000.0})
            for (const auto& [bram, uram_blocks] : {std::pair{0.0, 0.0}, {2.0, 6.0}, {20.0, 0.0}}) {
                const device board{"narrow", {dsp, lut, 200000, bram, uram_blocks, 100.0}, 200.0};
                check(dense_dot<>{}, dense_dot<>{choosing, {}}, board);
                if (lut > 10000.0 && dsp < 80.0)
                    check(sparse_dot<>{}, sparse_dot<>{{}, choosing, {}}, board);
            }
    INFO(of_lut << " of LUTs alone, " << of_both << " of both, " << lutram << " in LUT-RAM, "
                << uram << " in URAM, " << helped << " helped");
    CHECK(of_lut > 0);
    CHECK(of_both > 0);
    CHECK(lutram > 0);
    CHECK(uram > 0);
    CHECK(helped > 0);
}

TEST_CASE("rows that resize, move and normalise maps are chosen as trying every design",
          "[memories]") {
    const auto row = [](layer_kind kind, const shape& in, const shape& out) {
        layer_row r;
        r.kind = kind, r.in = in, r.out = out;
        return r;
    };
    network net;
    net.rows = {conv2d<2, 8, 3, pad<1>>::row({2, 24, 24}),
                row(layer_kind::resize, {8, 24, 24}, {8, 48, 48}),
                row(layer_kind::group_norm, {8, 48, 48}, {8, 48, 48}),
                row(layer_kind::depth_to_space, {8, 48, 48}, {2, 96, 96}),
                row(layer_kind::reshape, {2, 96, 96}, {2, 9216, 1}),
                row(layer_kind::add_map, {2, 9216, 1}, {2, 9216, 1}),
                row(layer_kind::reorder, {2, 9216, 1}, {9216, 2, 1})};
    net.rows[3].stride_h = net.rows[3].stride_w = 2;
    for (int i = 0; i < static_cast<int>(net.rows.size()); ++i) net.edges.push_back({i - 1, i});
    validate(net);
    const auto statistics = zeros(net, 0.5);
    int fitting = 0, uram = 0;
    for (const double dsp : {12.0, 80.0})
        for (const auto& [bram, uram_blocks] : {std::pair{30.0, 40.0}, {120.0, 0.0}, {90.0, 8.0}}) {
            const device board{"narrow", {dsp, 20000, 200000, bram, uram_blocks, 100.0}, 200.0};
            const allocation best = allocate(net, statistics, sparse_dot<>{}, board);
            const double least = exhaustive(net, statistics, sparse_dot<>{}, board);
            INFO("DSP " << dsp << ", BRAM18 " << bram << ", URAM " << uram_blocks);
            REQUIRE(best.fits == (least < ruled_out));
            if (!best.fits) continue;
            CHECK(best.certificate.gap == 0.0);
            CHECK(best.estimate.interval_cycles == Approx(least).epsilon(1e-12));
            ++fitting;
            for (const row_option& c : best.design) uram += c.memory == weight_memory::uram;
        }
    CHECK(fitting > 2);
    CHECK(uram > 0);
}

TEST_CASE("products of two activations are chosen as trying every design", "[memories]") {
    // tokens that are multiplied with each other, weighed, and multiplied with each other again
    network net;
    net.rows = {pointwise<4, 8>::row({4, 12, 1})};
    const auto stage = [&](layer_kind kind, const shape& in, const shape& out, int groups) {
        layer_row row;
        row.kind = kind, row.in = in, row.out = out, row.groups = groups;
        net.rows.push_back(row);
    };
    stage(layer_kind::matmul, {8, 12, 1}, {24, 12, 1}, 2);
    net.rows.back().transposed = true;
    stage(layer_kind::softmax, {24, 12, 1}, {24, 12, 1}, 2);
    stage(layer_kind::matmul, {24, 12, 1}, {24, 12, 1}, 2);
    net.rows.back().transposed = true;
    stage(layer_kind::layer_norm, {24, 12, 1}, {24, 12, 1}, 1);
    net.edges = {{-1, 0}, {0, 1}, {0, 1}, {1, 2}, {2, 3}, {2, 3}, {3, 4}};
    validate(net);
    const auto statistics = zeros(net, 0.0);
    int fitting = 0, binding = 0;
    for (const double dsp : {24.0, 60.0, 200.0})
        for (const double bram : {20.0, 60.0, 200.0}) {
            const device board{"narrow", {dsp, 9000, 90000, bram, 0.0, 100.0}, 200.0};
            const allocation best = allocate(net, statistics, sparse_dot<>{}, board);
            const double least = exhaustive(net, statistics, sparse_dot<>{}, board);
            INFO("DSP " << dsp << ", BRAM18 " << bram);
            REQUIRE(best.fits == (least < ruled_out));
            if (!best.fits) continue;
            CHECK(best.certificate.gap == 0.0);
            CHECK(best.estimate.interval_cycles == Approx(least).epsilon(1e-12));
            ++fitting;
            binding += best.certificate.binding.has_value();
            for (const row_option& c : best.design) CHECK(c.memory != weight_memory::off_chip);
        }
    CHECK(fitting > 2);
    CHECK(binding > 0);
    // its inputs take memory: the first one, and its filters twice
    const sparse_dot<> engine{};
    const usage product = row_cost(engine, net.rows[1], {});
    CHECK(product.bram18 + product.lut >
          engine.cost(net.rows[1], {}).bram18 + engine.cost(net.rows[1], {}).lut);
    row_option away;
    away.memory = weight_memory::off_chip;
    CHECK_THROWS_WITH(row_cost(engine, net.rows[1], away), Contains("on the chip"));
}
