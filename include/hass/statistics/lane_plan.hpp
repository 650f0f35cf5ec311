/// \file lane_plan.hpp
/// What a layer's weights settle about its lanes before any image is seen: which channels and taps
/// stand in which lane, and which pairs are left to the activations.
///
/// Lanes are balanced by the weights alone, at no cost in hardware: a lane's taps are a choice of
/// wires, and which channel comes when is the order of the filters before.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <hass/statistics/lane_layouts.hpp>
#include <hass/statistics/power.hpp>
#include <hass/workload/layer.hpp>

namespace hass {

/// How positions are put into lanes.
enum class lane_deal : std::uint8_t {
    balanced,  ///< by the weights that are not zero, heaviest first
    in_order   ///< position k of a window in lane k mod N, channels as they come
};

/// See the head of the file. The positions of a dot product are held in cells, of which every lane
/// of every layout is a union: a cell is a tap and a share of the channels.
class lane_plan {
  public:
    /// A layout's lanes, whatever they are shared by.
    struct base {
        /// Channels a window, streams, multipliers.
        int vector = 1, in = 1, macs = 1;
        std::vector<std::vector<int>> cells{};   ///< of each lane
        std::vector<std::vector<int>> window{};  ///< ... those that one window takes from
        std::size_t like = 0;                    ///< first of the bases with the same lanes
    };

    /// \param weights  out.channels x in.channels / groups x kernel_h x kernel_w, clipped
    lane_plan(const layer_row& row, std::span<const float> weights,
              lane_deal deal = lane_deal::balanced)
        : row_(row), deal_(deal), per_group_(static_cast<std::size_t>(channels_per_group(row))) {
        for_each_lane_window(row, [&](int vector, int in) {
            streams_ = std::max(streams_, taps(row) > 1 ? in : vector * in);
        });
        if (streams_ == 0) return;
        masks_words_ = (per_group_ / static_cast<std::size_t>(streams_) + 63) / 64;
        mask_of(weights);
        places_ = places();
        make_bases(0);
        for (int shared = 1; shared <= (row.groups > 1 ? 1 : most_masked); shared *= 2)
            if (row.out.channels % shared == 0) make_bases(shared);
    }

    const layer_row& row() const { return row_; }
    /// Cells of a group, at most 64; 0: the row has no lanes.
    std::size_t cells() const {
        return static_cast<std::size_t>(streams_) * static_cast<std::size_t>(taps(row_));
    }
    /// 64-bit words of a cell's mask.
    std::size_t words() const { return masks_words_; }
    /// Channels of a cell.
    std::size_t cell_bits() const { return per_group_ / static_cast<std::size_t>(streams_); }
    /// The stream of cells that a channel (of all groups) stands in, and its bit.
    std::size_t stream_of(std::size_t channel) const { return stream_[channel]; }
    /// Where a channel's zero stands in a mask.
    std::size_t bit_of(std::size_t channel) const { return bit_[channel]; }

    /// Lanes where so many filters skip alike (`lane_layout::shared`).
    const std::vector<base>& bases(int shared) const {
        return bases_[static_cast<std::size_t>(shared)];
    }

    /// Mask of weights that are not zero: words of every cell, of one filter.
    const std::uint64_t* filter(std::size_t f) const {
        return weights_.data() + f * cells() * words();
    }

  private:
    /// Lane of cell or stream `s` of `n` when they are folded onto `onto`, light ones upon heavy.
    static int folded(int s, int n, int onto) {
        for (; n > onto; n /= 2) s = std::min(s, n - 1 - s);
        return s;
    }

    void mask_of(std::span<const float> weights) {
        const auto k = static_cast<std::size_t>(taps(row_));
        const auto filters = static_cast<std::size_t>(row_.out.channels);
        const auto of_group = static_cast<std::size_t>(filters_per_group(row_));
        const auto at = [&](std::size_t f, std::size_t c, std::size_t t) {
            return weights[(f * per_group_ + c) * k + t] != 0.0F;
        };
        std::vector<double> load(static_cast<std::size_t>(row_.in.channels), 0.0);
        for (std::size_t f = 0; f < filters; ++f)
            for (std::size_t c = 0; c < per_group_; ++c)
                for (std::size_t t = 0; t < k; ++t) {
                    load[f / of_group * per_group_ + c] += at(f, c, t) ? 1.0 : 0.0;
                }
        stream_.resize(load.size()), bit_.resize(load.size());
        for (std::size_t first = 0; first < load.size(); first += per_group_)
            deal_channels(std::span(load).subspan(first, per_group_), first);
        weights_.assign(filters * cells() * words(), 0);
        for (std::size_t f = 0; f < filters; ++f)
            for (std::size_t c = 0; c < per_group_; ++c) {
                const std::size_t channel = f / of_group * per_group_ + c;
                for (std::size_t t = 0; t < k; ++t) {
                    const std::size_t cell = stream_[channel] * k + t;
                    weights_[(f * cells() + cell) * words() + bit_[channel] / 64] |=
                        std::uint64_t{at(f, c, t)} << (bit_[channel] % 64);
                }
            }
    }

    /// Heaviest first, forth and back.
    void deal_channels(std::span<const double> load, std::size_t first) {
        std::vector<std::size_t> order(load.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        if (deal_ == lane_deal::balanced)
            std::stable_sort(order.begin(), order.end(),
                             [&](std::size_t a, std::size_t b) { return load[a] > load[b]; });
        const auto streams = static_cast<std::size_t>(streams_);
        for (std::size_t p = 0; p < order.size(); ++p) {
            const std::size_t round = p / streams, s = p % streams;
            const bool back = deal_ == lane_deal::balanced && round % 2 != 0;
            stream_[first + order[p]] = back ? streams - 1 - s : s;
            bit_[first + order[p]] = round;
        }
    }

    /// Output positions that meet the same taps inside the map.
    struct place {
        double positions = 0.0;
        std::vector<char> inside{};  ///< of each tap
    };

    std::vector<place> places() const {
        const auto along = [](int out, int in, int stride, int pad, int dilation, int kernel) {
            std::map<std::vector<char>, int> of;
            for (int o = 0; o < out; ++o) {
                std::vector<char> inside(static_cast<std::size_t>(kernel));
                for (int t = 0; t < kernel; ++t) {
                    const int i = o * stride + t * dilation - pad;
                    inside[static_cast<std::size_t>(t)] = i >= 0 && i < in;
                }
                ++of[inside];
            }
            return of;
        };
        std::vector<place> all;
        for (const auto& [rows, high] : along(row_.out.height, row_.in.height, row_.stride_h,
                                              row_.pad_top, row_.dilation_h, row_.kernel_h))
            for (const auto& [columns, wide] :
                 along(row_.out.width, row_.in.width, row_.stride_w, row_.pad_left, row_.dilation_w,
                       row_.kernel_w)) {
                all.push_back({static_cast<double>(high) * wide, {}});
                for (const char y : rows)
                    for (const char x : columns) all.back().inside.push_back(y != 0 && x != 0);
            }
        return all;
    }

    /// Lane of each tap: from tap t in lane t mod N, taps change places as long as that evens out
    /// what lanes meet, at the borders of maps too.
    std::vector<int> deal_taps(int macs, const std::vector<double>& tap_load) const {
        const auto k = static_cast<std::size_t>(taps(row_));
        std::vector<int> lane(k);
        for (std::size_t t = 0; t < k; ++t) lane[t] = static_cast<int>(t) % macs;
        if (deal_ == lane_deal::in_order) return lane;
        // the maximum of lanes that vary is near a high moment
        const auto unevenness = [&] {
            double sum = 0.0;
            for (const place& p : places_) {
                std::vector<double> load(static_cast<std::size_t>(macs), 0.0);
                for (std::size_t t = 0; t < k; ++t)
                    if (p.inside[t] != 0) load[static_cast<std::size_t>(lane[t])] += tap_load[t];
                for (const double x : load) sum += p.positions * detail::power(x, 8);
            }
            return sum;
        };
        double least = unevenness();
        for (int pass = 0; pass < 4; ++pass) {
            bool moved = false;
            for (std::size_t a = 0; a < k; ++a)
                for (std::size_t b = a + 1; b < k; ++b) {
                    if (lane[a] == lane[b]) continue;
                    std::swap(lane[a], lane[b]);
                    const double now = unevenness();
                    if (now < least * (1.0 - 1e-9))
                        least = now, moved = true;
                    else
                        std::swap(lane[a], lane[b]);
                }
            if (!moved) break;
        }
        return lane;
    }

    /// Share of a tap's weights that are not zero for all of `shared` filters.
    std::vector<double> tap_load(int shared) const {
        const auto k = static_cast<std::size_t>(taps(row_));
        if (shared == 0) return std::vector<double>(k, 1.0);
        std::vector<double> load(k, 0.0);
        const std::size_t each = cells() * words();
        for (std::size_t first = 0; first < weights_.size();
             first += each * static_cast<std::size_t>(shared))
            for (std::size_t i = 0; i < each; ++i) {
                std::uint64_t any = 0;
                for (std::size_t f = 0; f < static_cast<std::size_t>(shared); ++f)
                    any |= weights_[first + f * each + i];
                load[i / words() % k] += std::popcount(any);
            }
        const double all =
            static_cast<double>(row_.out.channels / shared) * static_cast<double>(per_group_);
        for (double& x : load) x /= all;
        return load;
    }

    void make_bases(int shared) {
        const int k = taps(row_);
        const std::vector<double> loads = tap_load(shared);
        for_each_lane_window(row_, [&](int vector, int in) {
            for_each_lane_count(vector * k, [&](int macs) {
                base b{vector, in, macs, {}, {}, 0};
                b.cells.resize(static_cast<std::size_t>(in * macs));
                b.window.resize(b.cells.size());
                const std::vector<int> lane_of_tap =
                    k > 1 ? deal_taps(macs, loads) : std::vector<int>{};
                for (int s = 0; s < streams_; ++s)
                    for (int t = 0; t < k; ++t) {
                        const int lane = k > 1 ? folded(s, streams_, in) * macs +
                                                     lane_of_tap[static_cast<std::size_t>(t)]
                                               : folded(s, streams_, in * macs);
                        const auto to = static_cast<std::size_t>(lane);
                        b.cells[to].push_back(s * k + t);
                        if (k > 1 ? s < in
                                  : b.window[to].size() * static_cast<std::size_t>(macs) <
                                        static_cast<std::size_t>(vector))
                            b.window[to].push_back(s * k + t);
                    }
                std::vector<base>& all = bases_[static_cast<std::size_t>(shared)];
                while (b.like < all.size() && all[b.like].cells != b.cells) ++b.like;
                all.push_back(std::move(b));
            });
        });
    }

    layer_row row_;
    lane_deal deal_;
    std::size_t per_group_;
    int streams_ = 0;  ///< of cells
    std::size_t masks_words_ = 0;
    std::vector<place> places_;
    std::vector<std::size_t> stream_, bit_;  ///< of each channel
    std::vector<std::uint64_t> weights_;     ///< filters x cells x words
    std::array<std::vector<base>, most_masked + 1> bases_;
};

}  // namespace hass
