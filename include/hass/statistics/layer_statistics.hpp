/// \file layer_statistics.hpp
/// What one layer's tensors look like at one operating point: all that an engine may know about
/// data. Plain numbers; where they come from (tensors, a file, an assumption) does not matter
/// here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <hass/error.hpp>
#include <hass/statistics/dot_work.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// How many pairs of a window survive. A window is what a sparse engine takes in at once:
/// `channels` adjacent input channels x the K kernel taps, against one filter; a pair survives when
/// neither weight nor activation is zero. Padding taps are zero activations, as in hardware.
struct window_histogram {
    int channels = 1;  ///< adjacent input channels in a window
    int length = 1;    ///< pairs in a window, M = channels * K
    /// Share of windows with z surviving pairs, for each block of `channels` input channels:
    /// blocks x (length + 1), row-major, each row sums to 1. Averaged over filters of the group,
    /// positions and images. Blocks stand in channel order.
    std::vector<double> share;

    /// Rows of `share`.
    constexpr std::size_t blocks() const {
        return share.size() / (static_cast<std::size_t>(length) + 1);
    }
    constexpr bool operator==(const window_histogram&) const = default;
};

/// One layer at one operating point. Sparsities are shares of zeros in [0, 1].
struct layer_statistics {
    double weight_sparsity = 0.0;      ///< of its weights
    double activation_sparsity = 0.0;  ///< of the layer's input, padding not counted
    /// 1 - (pairs with both factors non-zero) / (pairs whose tap lies inside the image)
    double pair_sparsity = 0.0;
    /// The same over all multiply-accumulates, padding taps counted as zero: what an engine meets.
    double pair_sparsity_padded = 0.0;
    /// Measured windows, by number of channels ascending; empty: zeros are taken as independent
    /// and equally likely everywhere (binomial windows of mean `pair_sparsity_padded`).
    std::vector<window_histogram> windows{};
    /// Measured work of whole dot products, by layout ascending, where it was asked for; empty:
    /// `independent_dots.hpp` says what engines take in its place.
    std::vector<lane_work> lanes{};
    std::vector<list_lengths> lists{};  ///< by number of lanes ascending, as above
    /// Work of rows of windows over their mean, where rows are skipped by strides and one of the above was
    /// asked for: of the lightest 32nd of all rows, .., of the heaviest, as far as what waits in front of the engine does
    /// not level it out (`row_work.hpp`). Empty: all alike.
    std::vector<double> rows{};

    /// The measured windows of `channels` adjacent channels, or nullptr.
    constexpr const window_histogram* windows_of(int channels) const {
        for (const window_histogram& w : windows)
            if (w.channels == channels) return &w;
        return nullptr;
    }
    constexpr bool operator==(const layer_statistics&) const = default;
};

/// Statistics of a network: `at(i)` gives those of row i (only compute rows are asked for).
template <class S>
concept NetworkStatistics = requires(const S& s, std::size_t i) {
    { s.at(i) } -> std::convertible_to<const layer_statistics&>;
};

/// Statistics one has measured or made: one entry a row.
using network_statistics = std::vector<layer_statistics>;

/// The same pair sparsity everywhere, zeros independent; half of it on the weights' side. For
/// budget checks at compile time and for sweeps, not for results.
class uniform_sparsity {
  public:
    /// \param pair share of zero pairs in [0, 1] \throws hass::error outside of it
    constexpr explicit uniform_sparsity(double pair) : pair_(pair) {
        if (!(pair >= 0.0 && pair <= 1.0)) throw error("uniform_sparsity: not within [0, 1]");
    }
    /// The same for every row.
    constexpr layer_statistics at(std::size_t) const { return {pair_, pair_, pair_, pair_, {}}; }

  private:
    double pair_;
};

/// Nothing is zero, anywhere.
struct dense_statistics {
    /// No zeros in any row.
    constexpr layer_statistics at(std::size_t) const { return {}; }
};

/// Averages over a network. Weight sparsity counts weights, activation sparsity counts inputs, pair
/// sparsity counts multiply-accumulates (1 - "operation density" of HASS Figure 1).
struct average_sparsity {
    double weight = 0.0;          ///< of all weights
    double activation = 0.0;      ///< of all inputs of compute rows
    double pair = 0.0;            ///< of all multiply-accumulates
    double pair_of_layers = 0.0;  ///< mean of the layers' pair sparsities, every layer alike
};

/// Over the compute rows of a network.
template <NetworkStatistics S>
constexpr average_sparsity average(const network_view& net, const S& statistics) {
    average_sparsity sum;
    double weights = 0.0;
    double inputs = 0.0;
    double macs = 0.0;
    double layers = 0.0;
    for (std::size_t i = 0; i < net.size(); ++i) {
        const layer_row& row = net.rows[i];
        if (!is_compute(row)) continue;
        const layer_statistics& s = statistics.at(i);
        const auto w = static_cast<double>(weight_count(row));
        const auto x = static_cast<double>(row.in.volume());
        const auto m = static_cast<double>(mac_count(row));
        sum.weight += w * s.weight_sparsity, weights += w;
        sum.activation += x * s.activation_sparsity, inputs += x;
        sum.pair += m * s.pair_sparsity_padded, macs += m;
        sum.pair_of_layers += s.pair_sparsity_padded, layers += 1.0;
    }
    if (weights == 0.0) return {};
    return {sum.weight / weights, sum.activation / inputs, sum.pair / macs,
            sum.pair_of_layers / layers};
}

}  // namespace hass
