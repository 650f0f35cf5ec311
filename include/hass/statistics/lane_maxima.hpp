/// \file lane_maxima.hpp
/// Work of lanes, exactly: of every image, position and filter the pairs in each lane of the whole
/// dot product, and the maximum over lanes, or the dot product's windows where these are more.
///
/// Nothing is multiplied and no histogram of lanes is kept: activation masks of some positions side
/// by side meet the masks of every filter once, cell by cell, and every layout's lanes are sums of
/// cells. All counts are integers and add up in any order, so results do not depend on the number
/// of threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <hass/statistics/lane_plan.hpp>
#include <hass/statistics/planes.hpp>

namespace hass {

namespace detail {

/// Positions that are counted side by side.
inline constexpr std::size_t lane_batch = 256;
using lane_counts = std::array<std::int16_t, lane_batch>;

/// Bits of every mask, added to `sum`. Without multiplication or table: it vectorises everywhere.
template <class Mask>
void add_bits(const Mask* masks, Mask weights, lane_counts& sum) {
    constexpr int bits = 8 * static_cast<int>(sizeof(Mask));
    constexpr auto each = [](unsigned byte) {
        return static_cast<Mask>(static_cast<Mask>(~Mask{0}) / 255U * byte);
    };
    for (std::size_t i = 0; i < lane_batch; ++i) {
        auto x = static_cast<Mask>(masks[i] & weights);
        x = static_cast<Mask>(x - ((x >> 1) & each(0x55)));
        x = static_cast<Mask>((x & each(0x33)) + ((x >> 2) & each(0x33)));
        x = static_cast<Mask>((x + (x >> 4)) & each(0x0f));
        for (int half = 8; half < bits; half *= 2) x = static_cast<Mask>(x + (x >> half));
        sum[i] = static_cast<std::int16_t>(sum[i] + static_cast<std::int16_t>(x & 0x7f));
    }
}

/// to = op(a, b), position by position; `to` may be one of them. In pieces, so that compilers see
/// whole vectors.
template <class Operation>
void combine(const lane_counts& a, const lane_counts& b, lane_counts& to, Operation op) {
    constexpr std::size_t piece = 16;
    std::array<std::int16_t, piece> x;
    for (std::size_t i = 0; i < lane_batch; i += piece) {
        for (std::size_t k = 0; k < piece; ++k)
            x[k] = static_cast<std::int16_t>(op(a[i + k], b[i + k]));
        std::copy_n(x.begin(), piece, to.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

/// ... of two counts.
inline constexpr auto lane_sum = [](std::int16_t x, std::int16_t y) { return x + y; };
inline constexpr auto lane_maximum = [](std::int16_t x, std::int16_t y) { return x > y ? x : y; };

}  // namespace detail

/// Adds up the work of a row's lanes over images. Mergeable. At most 256 positions are held: 512
/// bytes a tap and 16 channels, 2 KiB a tap and 64 of wider layers.
class lane_maxima {
  public:
    /// Nothing counted yet.
    explicit lane_maxima(std::shared_ptr<const lane_plan> plan)
        : lane_maxima(std::move(plan), nullptr) {}

    /// Of one layout alone, of which the work of every position is kept (`position_cycles`).
    lane_maxima(std::shared_ptr<const lane_plan> plan, const lane_layout& only)
        : lane_maxima(std::move(plan), &only) {}

    /// Work of every position of the images that were added, in their order: of its dot products
    /// together, those of all groups and filters (of one filter where `shared` is 0).
    const std::vector<float>& position_cycles() {
        flush();
        return cycles_;
    }

    /// Adds images given as planes (`fill_plane`, 0 outside), in.channels x images x
    /// plane_layout(row).size(); values with |x| < keep count as zero.
    void add(const float* planes, std::size_t images, float keep) {
        if (classes_.empty()) return;
        const auto width = static_cast<std::size_t>(plan_->row().out.width);
        for (std::size_t n = 0; n < images; ++n)
            for (int y = 0; y < plan_->row().out.height; ++y)
                for (std::size_t x = 0; x < width;) {
                    const std::size_t take = std::min(width - x, detail::lane_batch - filled_);
                    if (narrow())
                        mark(narrow_, planes, images, n, y, x, take, keep);
                    else
                        mark(wide_, planes, images, n, y, x, take, keep);
                    x += take, filled_ += take;
                    if (filled_ == detail::lane_batch) flush();
                }
    }

    /// \param other  of the same plan; is left with what it held counted
    void merge(lane_maxima& other) {
        flush(), other.flush();
        positions_ += other.positions_;
        for (std::size_t c = 0; c < classes_.size(); ++c)
            for (std::size_t i = 0; i < classes_[c].sums.size(); ++i)
                classes_[c].sums[i] += other.classes_[c].sums[i];
    }

    /// By layout, ascending.
    std::vector<lane_work> work() {
        flush();
        std::vector<lane_work> all;
        const layer_row& row = plan_->row();
        for (const filter_class& c : classes_) {
            const auto& bases = plan_->bases(c.shared);
            for (std::size_t b = 0; b < bases.size(); ++b)
                for (std::size_t r = 0; r < c.runs.size() && wanted(bases[b]); ++r) {
                    lane_layout l{bases[b].in, 1, bases[b].macs, bases[b].vector, c.shared, 1};
                    (row.groups > 1 ? l.group : l.engines) = c.runs[r];
                    const double products = static_cast<double>(positions_) *
                                            (row.groups > 1 ? filters_per_group(row) : 1) *
                                            (c.units / c.runs[r]);
                    all.push_back(
                        {l, static_cast<double>(c.sums[b * c.runs.size() + r]) / products});
                }
        }
        std::sort(all.begin(), all.end(),
                  [](const lane_work& a, const lane_work& b) { return a.layout < b.layout; });
        return all;
    }

  private:
    /// Units whose maxima run on over one another: sets of `shared` filters, or groups.
    struct filter_class {
        int shared = 1;
        int units = 1;
        std::vector<int> runs{};            ///< lengths, divisors of `units`
        std::vector<std::uint64_t> sums{};  ///< of maxima, bases x runs
    };

    lane_maxima(std::shared_ptr<const lane_plan> plan, const lane_layout* only)
        : plan_(std::move(plan)), layout_(plan_->row()) {
        const layer_row& row = plan_->row();
        if (plan_->cells() == 0) return;
        if (only != nullptr) {
            only_ = *only;
            const int units = row.groups > 1       ? row.groups
                              : only_->shared == 0 ? 1
                                                   : row.out.channels / only_->shared;
            classes_.push_back(
                {only_->shared, units, {row.groups > 1 ? only_->group : only_->engines}, {}});
            classes_.back().sums.assign(plan_->bases(only_->shared).size(), 0);
        } else if (row.groups > 1) {
            add_class(1, row.groups);
        } else {
            add_class(0, 1);
            for (int shared = 1; shared <= most_masked && row.out.channels % shared == 0;
                 shared *= 2)
                add_class(shared, row.out.channels / shared);
        }
        const std::size_t masks = static_cast<std::size_t>(row.groups) * plan_->cells() *
                                  plan_->words() * detail::lane_batch;
        if (narrow())
            narrow_.assign(masks, 0);
        else
            wide_.assign(masks, 0);
    }

    bool narrow() const { return plan_->cell_bits() <= 16; }
    bool wanted(const lane_plan::base& b) const {
        return !only_ || (b.vector == only_->vector && b.in == only_->in && b.macs == only_->macs);
    }

    void add_class(int shared, int units) {
        filter_class c{shared, units, {}, {}};
        for_each_divisor(units, [&](int run) { c.runs.push_back(run); });
        c.sums.assign(plan_->bases(shared).size() * c.runs.size(), 0);
        classes_.push_back(std::move(c));
    }

    /// Takes in the masks of `take` positions of one output row.
    template <class Mask>
    void mark(std::vector<Mask>& masks, const float* planes, std::size_t images, std::size_t n,
              int y, std::size_t x, std::size_t take, float keep) {
        const layer_row& row = plan_->row();
        const std::uint32_t least = detail::magnitude_bits(keep);
        const auto k = static_cast<std::size_t>(taps(row));
        const auto per_group = static_cast<std::size_t>(channels_per_group(row));
        for (std::size_t c = 0; c < static_cast<std::size_t>(row.in.channels); ++c)
            for (std::size_t t = 0; t < k; ++t) {
                const std::size_t cell =
                    c / per_group * plan_->cells() + plan_->stream_of(c) * k + t;
                const std::size_t bit = plan_->bit_of(c);
                const int tap = static_cast<int>(t);
                const float* from = planes + (c * images + n) * layout_.size() +
                                    layout_.at(row, y, tap / row.kernel_w, tap % row.kernel_w) + x;
                Mask* to = masks.data() + (cell * plan_->words() + bit / 64) * detail::lane_batch +
                           filled_;
                for (std::size_t i = 0; i < take; ++i) {
                    const Mask flag = detail::magnitude_bits(from[i]) >= least ? 1 : 0;
                    to[i] = static_cast<Mask>(to[i] | static_cast<Mask>(flag << (bit % 64)));
                }
            }
    }

    /// Counts what is held.
    void flush() {
        if (filled_ == 0) return;
        positions_ += filled_;
        if (only_) cycles_.resize(positions_, 0.0F);
        for (filter_class& c : classes_)
            if (narrow())
                count(c, narrow_);
            else
                count(c, wide_);
        filled_ = 0;
        std::fill(narrow_.begin(), narrow_.end(), std::uint16_t{0});
        std::fill(wide_.begin(), wide_.end(), std::uint64_t{0});
    }

    template <class Mask>
    void count(filter_class& c, const std::vector<Mask>& masks) {
        const layer_row& row = plan_->row();
        const auto& bases = plan_->bases(c.shared);
        std::vector<std::uint64_t> weights(plan_->cells() * plan_->words());
        std::vector<detail::lane_counts> maxima(c.sums.size());
        fullest_.resize(bases.size());
        const int filters = row.groups > 1 ? filters_per_group(row) : 1;
        for (int f = 0; f < filters; ++f)
            for (int unit = 0; unit < c.units; ++unit) {
                const bool grouped = row.groups > 1;
                const int first = grouped ? unit * filters + f : unit * c.shared;
                unite(static_cast<std::size_t>(first), static_cast<std::size_t>(c.shared), weights);
                const std::size_t group = grouped ? static_cast<std::size_t>(unit) : 0;
                count_cells(masks.data() + group * weights.size() * detail::lane_batch, weights);
                for (std::size_t b = 0; b < bases.size(); ++b) {
                    if (!wanted(bases[b])) continue;
                    const std::size_t like = only_ ? b : bases[b].like;
                    if (like == b) fullest_lane(bases[b], fullest_[b]);
                    const detail::lane_counts& fullest = fullest_[like];
                    const int windows = channels_per_group(row) / (bases[b].vector * bases[b].in);
                    for (std::size_t r = 0; r < c.runs.size(); ++r)
                        run_on(fullest, unit, c.runs[r], static_cast<std::int16_t>(windows),
                               maxima[b * c.runs.size() + r], c.sums[b * c.runs.size() + r]);
                }
            }
    }

    /// Weights that are not zero for any of some filters; all of them for none.
    void unite(std::size_t first, std::size_t filters, std::vector<std::uint64_t>& weights) const {
        std::fill(weights.begin(), weights.end(),
                  filters == 0 ? ~std::uint64_t{0} : std::uint64_t{0});
        for (std::size_t f = first; f < first + filters; ++f)
            for (std::size_t i = 0; i < weights.size(); ++i) weights[i] |= plan_->filter(f)[i];
    }

    /// Pairs in every cell.
    template <class Mask>
    void count_cells(const Mask* masks, const std::vector<std::uint64_t>& weights) {
        const std::size_t words = plan_->words();
        pairs_.resize(plan_->cells());
        for (std::size_t cell = 0; cell < plan_->cells(); ++cell) {
            pairs_[cell].fill(0);
            for (std::size_t w = cell * words; w < (cell + 1) * words; ++w)
                if (weights[w] != 0)
                    detail::add_bits(masks + w * detail::lane_batch, static_cast<Mask>(weights[w]),
                                     pairs_[cell]);
        }
    }

    /// Pairs in the fullest lane of a base.
    void fullest_lane(const lane_plan::base& b, detail::lane_counts& fullest) const {
        detail::lane_counts sum;
        fullest.fill(0);
        for (const std::vector<int>& cells : b.cells) {
            if (cells.size() == 1) {
                detail::combine(fullest, pairs_[static_cast<std::size_t>(cells.front())], fullest,
                                detail::lane_maximum);
                continue;
            }
            add(cells, sum);
            detail::combine(fullest, sum, fullest, detail::lane_maximum);
        }
    }

    /// Pairs of two cells or more.
    void add(const std::vector<int>& cells, detail::lane_counts& to) const {
        const auto at = [&](std::size_t k) -> const detail::lane_counts& {
            return pairs_[static_cast<std::size_t>(cells[k])];
        };
        detail::combine(at(0), at(1), to, detail::lane_sum);
        for (std::size_t k = 2; k < cells.size(); ++k)
            detail::combine(to, at(k), to, detail::lane_sum);
    }

    /// \param windows  that are taken in, one a cycle
    void run_on(const detail::lane_counts& fullest, int unit, int run, std::int16_t windows,
                detail::lane_counts& maxima, std::uint64_t& sum) {
        if (unit % run == 0)
            maxima = fullest;
        else
            detail::combine(maxima, fullest, maxima, detail::lane_maximum);
        if ((unit + 1) % run != 0) return;
        std::uint32_t total = 0;
        for (std::size_t i = 0; i < filled_; ++i)
            total += static_cast<std::uint32_t>(detail::lane_maximum(maxima[i], windows));
        sum += total;
        if (!only_) return;
        float* const cycles = cycles_.data() + (positions_ - filled_);
        for (std::size_t i = 0; i < filled_; ++i)
            cycles[i] += static_cast<float>(detail::lane_maximum(maxima[i], windows));
    }

    std::shared_ptr<const lane_plan> plan_;
    plane_layout layout_;
    std::vector<filter_class> classes_;
    std::optional<lane_layout> only_;
    std::vector<float> cycles_;          ///< of every position, where one layout alone is counted
    std::uint64_t positions_ = 0;        ///< counted
    std::size_t filled_ = 0;             ///< positions that are held
    std::vector<std::uint16_t> narrow_;  ///< groups x cells x positions, up to 16 bits a cell
    std::vector<std::uint64_t> wide_;    ///< groups x cells x words x positions
    std::vector<detail::lane_counts> pairs_;    ///< of each cell
    std::vector<detail::lane_counts> fullest_;  ///< lane, of bases that are like no other
};

}  // namespace hass
