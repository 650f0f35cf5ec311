// Work of whole dot products, in lanes and in lists, against counting it one multiplication at a
// time.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <vector>

#include <catch2/catch.hpp>
#include <hass/statistics/dot_counts.hpp>
#include <hass/statistics/independent_dots.hpp>
#include <hass/statistics/lane_plan.hpp>
#include <hass/statistics/tensor_statistics.hpp>

#include "random_layers.hpp"

namespace {

using hass::lane_layout;
using hass::layer_row;

/// Every multiply-accumulate of every dot product, in the lanes of one layout.
class one_by_one {
  public:
    one_by_one(const layer_row& row, const std::vector<float>& weights,
               const std::vector<float>& activations)
        : row_(row), weights_(weights), activations_(activations) {}

    /// \param lane  of each channel of a group and tap
    double cycles(const lane_layout& l, const std::vector<int>& lane) const {
        const auto volume = static_cast<std::size_t>(row_.in.volume());
        const int per_group = hass::channels_per_group(row_),
                  filters = hass::filters_per_group(row_);
        const int set = l.shared == 0 ? filters : l.shared;
        double sum = 0.0, products = 0.0;
        for (std::size_t n = 0; n < activations_.size() / volume; ++n)
            for (int y = 0; y < row_.out.height; ++y)
                for (int x = 0; x < row_.out.width; ++x)
                    for (int g = 0; g < row_.groups; g += l.group)
                        for (int f = 0; f < filters; f += set * l.engines) {
                            double fullest = per_group / (l.vector * l.in);  // windows
                            for (int of = g; of < g + l.group; ++of)
                                for (int e = 0; e < l.engines; ++e)
                                    fullest = std::max(
                                        fullest, lanes(activations_.data() + n * volume, y, x,
                                                       of * per_group, of * filters + f + e * set,
                                                       set, l, lane));
                            sum += fullest, products += 1.0;
                        }
        return sum / products;
    }

  private:
    double lanes(const float* image, int y, int x, int channel, int filter, int set,
                 const lane_layout& l, const std::vector<int>& lane) const {
        const int k = hass::taps(row_), per_group = hass::channels_per_group(row_);
        std::vector<double> pairs(static_cast<std::size_t>(l.in * l.macs), 0.0);
        for (int c = 0; c < per_group; ++c)
            for (int t = 0; t < k; ++t) {
                const float* a = test::input_at(row_, image, channel + c, y, x, t / row_.kernel_w,
                                                t % row_.kernel_w);
                bool kept = a != nullptr && *a != 0.0F;
                bool weight = l.shared == 0;
                for (int f = filter; f < filter + set; ++f)
                    weight =
                        weight ||
                        weights_[static_cast<std::size_t>((f * per_group + c) * k + t)] != 0.0F;
                kept = kept && weight;
                const auto at = static_cast<std::size_t>(c * k + t);
                const auto to = static_cast<std::size_t>(lane[at]);
                if (kept) pairs[to] += 1.0;
            }
        return *std::max_element(pairs.begin(), pairs.end());
    }

    const layer_row& row_;
    const std::vector<float>& weights_;
    const std::vector<float>& activations_;
};

const hass::lane_plan::base& base_of(const hass::lane_plan& plan, const lane_layout& l) {
    for (const auto& b : plan.bases(l.shared))
        if (b.vector == l.vector && b.in == l.in && b.macs == l.macs) return b;
    throw hass::error("no such lanes");
}

/// Lane of each channel of the first group and tap, and whether it stands in the last window.
void positions_of(const layer_row& row, const hass::lane_plan& plan, const lane_layout& l,
                  std::vector<int>& lane, std::vector<char>& last) {
    const hass::lane_plan::base& b = base_of(plan, l);
    const int k = hass::taps(row);
    lane.assign(static_cast<std::size_t>(hass::channels_per_group(row) * k), -1);
    last.assign(lane.size(), 0);
    for (std::size_t n = 0; n < b.cells.size(); ++n)
        for (const int cell : b.cells[n])
            for (int c = 0; c < hass::channels_per_group(row); ++c) {
                if (static_cast<int>(plan.stream_of(static_cast<std::size_t>(c))) != cell / k)
                    continue;
                const auto at = static_cast<std::size_t>(c * k + cell % k);
                CHECK(lane[at] == -1);
                lane[at] = static_cast<int>(n);
                last[at] =
                    plan.bit_of(static_cast<std::size_t>(c)) + 1 == plan.cell_bits() &&
                    std::find(b.window[n].begin(), b.window[n].end(), cell) != b.window[n].end();
            }
}

hass::network network_of(const layer_row& row) {
    hass::network net;
    net.rows.push_back(row);
    return net;
}

/// As random_row, with more channels and fewer oddities.
layer_row wider_row(std::mt19937& bits) {
    layer_row r;
    r.kernel_h = r.kernel_w = bits() % 3 == 0 ? 1 : 3;
    r.stride_h = r.stride_w = 1 + static_cast<int>(bits() % 2);
    r.pad_top = r.pad_left = r.pad_bottom = r.pad_right = r.kernel_h / 2;
    r.in = {4 << (bits() % 4), 5, 6};
    r.out.channels = 1 << (bits() % 4);
    if (bits() % 4 == 0) r.out.channels *= 3;
    if (bits() % 4 == 0) r.groups = r.out.channels = r.in.channels;
    r.out.height = hass::window_extent(5, r.kernel_h, r.stride_h, r.pad_top, r.pad_bottom);
    r.out.width = hass::window_extent(6, r.kernel_w, r.stride_w, r.pad_left, r.pad_right);
    return r;
}

// A strided row's engine, window by window: a pixel a slot, a window in every stride_w-th one of a row's last
// line of pixels, and as many of them in front of the engine and in it as `windows_in_front`.
struct row_queue {
    const layer_row& row;
    double pace;  // cycles in which the pixels of a row of windows come

    // Of an image that comes again and again, whose rows of windows have that much work.
    double cycles(std::span<const double> work) const {
        const int room = row.out.width - row.out.width / row.stride_h + 1;
        const double slot = pace / (row.out.width * row.stride_w * row.stride_h);
        std::vector<double> left(static_cast<std::size_t>(room), 0.0);
        double came = 0.0, last = 0.0, before = 0.0;
        std::size_t window = 0;
        for (int pass = 0; pass < 6; ++pass) {
            before = last;
            for (const double of_row : work) {
                came += slot * row.out.width * row.stride_w * (row.stride_h - 1);
                for (int x = 0; x < row.out.width; ++x, ++window) {
                    double& oldest = left[window % left.size()];
                    came = std::max(came + slot * row.stride_w, oldest);
                    last = std::max(last, came) + of_row / row.out.width;
                    oldest = last;
                }
            }
        }
        return last - before;
    }
};

}  // namespace

TEST_CASE("every position of a dot product stands in one lane, and a window's alike in all") {
    std::mt19937 bits(5);
    for (int i = 0; i < 20; ++i) {
        const layer_row row = wider_row(bits);
        INFO(test::describe(row));
        const auto weights =
            test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        const hass::lane_plan plan(row, weights);
        hass::for_each_lane_layout(row, [&](const lane_layout& l) {
            std::vector<int> lane;
            std::vector<char> last;
            positions_of(row, plan, l, lane, last);
            std::vector<int> all(static_cast<std::size_t>(l.in * l.macs)), ends = all;
            for (std::size_t at = 0; at < lane.size(); ++at) {
                REQUIRE(lane[at] >= 0);
                ++all[static_cast<std::size_t>(lane[at])];
                ends[static_cast<std::size_t>(lane[at])] += last[at];
            }
            const int window = l.vector * hass::taps(row);
            const int windows = hass::channels_per_group(row) / (l.vector * l.in);
            for (std::size_t n = 0; n < all.size(); ++n) {
                CHECK(all[n] == windows * ends[n]);  // as many positions of every window
                CHECK(ends[n] >= window / l.macs);
                CHECK(ends[n] <= (window + l.macs - 1) / l.macs);
            }
        });
    }
}

TEST_CASE("lanes' work is that of every multiplication, in every layout") {
    std::mt19937 bits(7);
    std::set<bool> grouped;
    for (int i = 0; i < 24; ++i) {
        layer_row row = i % 2 == 0 ? wider_row(bits) : test::random_row(bits);
        INFO(test::describe(row));
        grouped.insert(row.groups > 1);
        const auto weights =
            test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        const auto activations = test::random_values(
            bits, static_cast<std::size_t>(row.in.volume()) * (i % 5 == 0 ? 12 : 2));
        const auto s = hass::measure_tensors(network_of(row), std::array{std::span(weights)},
                                             std::array{std::span(activations)})
                           .at({{0.0, 0.0}}, {true, false})
                           .front();
        const hass::lane_plan plan(row, weights);
        const one_by_one reference(row, weights, activations);
        std::size_t layouts = 0, wrong = 0;
        hass::for_each_lane_layout(row, [&](const lane_layout& l) {
            const auto at = std::find_if(s.lanes.begin(), s.lanes.end(),
                                         [&](const auto& w) { return w.layout == l; });
            REQUIRE(at != s.lanes.end());
            ++layouts;
            if (layouts % 3 != 0 && s.lanes.size() > 100) return;
            std::vector<int> lane;
            std::vector<char> last;
            if (row.groups > 1) {  // channels of other groups stand where those of the first do
                if (hass::channels_per_group(row) > 1) return;
            }
            positions_of(row, plan, l, lane, last);
            const double expected = reference.cycles(l, lane);
            wrong += std::abs(at->cycles - expected) > 1e-9 * expected ? 1U : 0U;
        });
        CHECK(wrong == 0);
        CHECK(s.lanes.size() == layouts);
    }
    CHECK(grouped.size() == 2);
}

TEST_CASE("lists are as long as the inputs of a pixel that are not zero") {
    std::mt19937 bits(11);
    for (int i = 0; i < 20; ++i) {
        layer_row row = wider_row(bits);
        row.groups = 1;
        INFO(test::describe(row));
        const auto weights =
            test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        const auto activations =
            test::random_values(bits, 3 * static_cast<std::size_t>(row.in.volume()));
        const auto s = hass::measure_tensors(network_of(row), std::array{std::span(weights)},
                                             std::array{std::span(activations)})
                           .at({{0.0, 0.0}}, {false, true})
                           .front();
        REQUIRE(!s.lists.empty());
        for (const hass::list_lengths& l : s.lists) {
            std::vector<double> share(l.share.size(), 0.0);
            for (std::size_t n = 0; n < 3; ++n)
                for (int y = 0; y < row.out.height; ++y)
                    for (int x = 0; x < row.out.width; ++x) {
                        std::vector<std::size_t> length(static_cast<std::size_t>(l.lanes), 0);
                        for (int c = 0; c < row.in.channels; ++c)
                            for (int t = 0; t < hass::taps(row); ++t) {
                                const float* a = test::input_at(
                                    row,
                                    activations.data() +
                                        n * static_cast<std::size_t>(row.in.volume()),
                                    c, y, x, t / row.kernel_w, t % row.kernel_w);
                                if (a != nullptr && *a != 0.0F)
                                    ++length[static_cast<std::size_t>(c % l.lanes)];
                            }
                        share[*std::max_element(length.begin(), length.end())] +=
                            1.0 / static_cast<double>(3 * row.out.pixels());
                    }
            for (std::size_t z = 0; z < share.size(); ++z)
                CHECK(l.share[z] == Approx(share[z]).margin(1e-12));
        }
    }
}

TEST_CASE("rows of windows take what a queue of windows does, at every pace of the input") {
    std::mt19937 bits(17);
    double worst = 0.0, worst_of_rows = 0.0;
    for (int i = 0; i < 16; ++i) {
        layer_row row = wider_row(bits);
        row.stride_h = row.stride_w = 2 + i % 8 / 7;
        row.in.channels = 4, row.groups = 1;
        row.in.height = row.in.width = 24 + 12 * (i % 3);
        row.out.height = hass::window_extent(row.in.height, row.kernel_h, row.stride_h, row.pad_top,
                                             row.pad_bottom);
        row.out.width = row.out.height;
        INFO(test::describe(row));
        const auto volume = static_cast<std::size_t>(row.in.volume());
        const std::size_t images = 3;
        auto activations = test::random_values(bits, images * volume);
        unsigned zeros = 0;  // of 32: rows and images of unlike density
        for (std::size_t n = 0; n < activations.size(); ++n) {
            if (n % static_cast<std::size_t>(row.in.width) == 0) zeros = bits() % 32;
            if (i % 4 != 0 && n % volume / (volume / 4) == 1) zeros = 26;  // for many rows
            if (bits() % 32 < zeros) activations[n] = 0.0F;
        }
        const auto weights =
            test::random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
        const auto s = hass::measure_tensors(network_of(row), std::array{std::span(weights)},
                                             std::array{std::span(activations)})
                           .at({{0.0, 0.0}}, {i % 2 == 0, i % 2 != 0})
                           .front();
        std::vector<double> work;
        for (std::size_t n = 0; n < images; ++n)
            for (int y = 0; y < row.out.height; ++y) {
                work.push_back(0.0);
                for (int x = 0; x < row.out.width; ++x)
                    for (int c = 0; c < row.in.channels; ++c)
                        for (int t = 0; t < hass::taps(row); ++t) {
                            const float* a =
                                test::input_at(row, activations.data() + n * volume, c, y, x,
                                               t / row.kernel_w, t % row.kernel_w);
                            if (a != nullptr && *a != 0.0F) work.back() += 1.0;
                        }
            }
        const auto rows = static_cast<double>(work.size());
        const double mean = std::accumulate(work.begin(), work.end(), 0.0) / rows;
        REQUIRE(s.rows.size() == hass::row_parts);
        CHECK(std::is_sorted(s.rows.begin(), s.rows.end(),
                             [](double a, double b) { return a < b - 1e-12; }));
        for (const double least : {0.0, 0.3, 0.7, 0.9, 1.0, 1.1, 1.5, 4.0}) {
            double exact = 0.0, each = 0.0;
            for (std::size_t n = 0; n < images; ++n)
                exact += row_queue{row, least * mean}.cycles(
                    std::span(work).subspan(n * static_cast<std::size_t>(row.out.height),
                                            static_cast<std::size_t>(row.out.height)));
            for (const double w : work) each += std::max(w, least * mean);
            const double said = hass::longer_of_rows(s.rows, mean, least * mean);
            worst = std::max(worst, std::abs(said / (exact / rows) - 1.0));
            worst_of_rows = std::max(worst_of_rows, std::abs(each / exact - 1.0));
        }
        CHECK(hass::longer_of_rows(s.rows, mean, 0.0) == Approx(mean));
        row.stride_h = 1;
        row.out.height =
            hass::window_extent(row.in.height, row.kernel_h, 1, row.pad_top, row.pad_bottom);
        CHECK(hass::measure_tensors(network_of(row), std::array{std::span(weights)},
                                    std::array{std::span(activations)})
                  .at({{0.0, 0.0}}, {true, true})
                  .front()
                  .rows.empty());
    }
    CAPTURE(worst, worst_of_rows);
    CHECK(worst < 0.0025);
    CHECK(worst_of_rows > 0.02);  // where rows could not level each other out
    CHECK(hass::longer_of_rows({}, 3.0, 4.0) == 4.0);
}

TEST_CASE("balanced lanes are no slower than lanes in order, and dense ones take all positions") {
    std::mt19937 bits(13);
    layer_row row;
    row.in = {16, 6, 6}, row.out = {8, 6, 6};
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    std::vector<float> weights(static_cast<std::size_t>(hass::weight_count(row)));
    for (std::size_t i = 0; i < weights.size(); ++i)  // taps and channels of unlike density
        weights[i] = bits() % 9 < 2 + i % 9 / 2 + i / 9 % 16 / 5 ? 1.0F : 0.0F;
    const auto activations =
        test::random_values(bits, 8 * static_cast<std::size_t>(row.in.volume()));
    const hass::plane_layout layout(row);
    std::vector<float> planes(16 * layout.size());
    const auto mean = [&](hass::lane_deal deal) {
        hass::lane_maxima counted(std::make_shared<hass::lane_plan>(row, weights, deal));
        for (std::size_t n = 0; n < 8; ++n) {
            for (std::size_t c = 0; c < 16; ++c)
                hass::fill_plane(row, layout, activations.data() + (n * 16 + c) * 36, 0.0F, 0.0F,
                                 planes.data() + c * layout.size());
            counted.add(planes.data(), 1, 1e-30F);
        }
        double sum = 0.0;
        for (const auto& w : counted.work()) sum += w.layout.macs > 1 ? w.cycles : 0.0;
        return sum;
    };
    CHECK(mean(hass::lane_deal::balanced) < 0.97 * mean(hass::lane_deal::in_order));

    const std::vector<float> ones(weights.size(), 1.0F), inputs(16 * 36, 1.0F);
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 0;
    row.out.height = row.out.width = 4;
    const auto s = hass::measure_tensors(network_of(row), std::array{std::span(ones)},
                                         std::array{std::span(inputs)})
                       .at({{0.0, 0.0}}, {true, true})
                       .front();
    for (const auto& w : s.lanes)
        CHECK(w.cycles == 16 / w.layout.in * ((9 + w.layout.macs - 1) / w.layout.macs));
    for (const auto& l : s.lists) CHECK(l.share.back() == 1.0);
    for (const auto& w : s.lanes)
        CHECK(hass::independent_lane_cycles(row, s, w.layout) == Approx(w.cycles));
}

TEST_CASE("independent zeros have the work that is said of them") {
    std::mt19937 bits(17);
    layer_row row;
    row.in = {32, 9, 9}, row.out = {32, 7, 7};
    row.kernel_h = row.kernel_w = 3;
    std::vector<float> weights(static_cast<std::size_t>(hass::weight_count(row)));
    std::vector<float> activations(12 * static_cast<std::size_t>(row.in.volume()));
    for (float& w : weights) w = bits() % 10 < 7 ? 1.0F : 0.0F;
    for (float& a : activations) a = bits() % 10 < 5 ? 1.0F : 0.0F;
    const auto s = hass::measure_tensors(network_of(row), std::array{std::span(weights)},
                                         std::array{std::span(activations)})
                       .at({{0.0, 0.0}}, {true, true})
                       .front();
    double worst = 0.0, sum = 0.0, counted = 0.0;
    for (const auto& w : s.lanes) {
        // engines that share activations vary together: less apart than independent ones
        if (w.layout.engines > 1) continue;
        const double error = hass::independent_lane_cycles(row, s, w.layout) / w.cycles - 1.0;
        worst = std::max(worst, std::abs(error)), sum += std::abs(error), counted += 1.0;
    }
    CHECK(worst < 0.07);
    CHECK(sum / counted < 0.02);
    for (const auto& l : s.lists) {
        const auto mean = [](const std::vector<double>& share) {
            double m = 0.0;
            for (std::size_t z = 0; z < share.size(); ++z) m += static_cast<double>(z) * share[z];
            return m;
        };
        CHECK(mean(hass::independent_lists(row, s, l.lanes).share) ==
              Approx(mean(l.share)).epsilon(0.01));
    }
}
