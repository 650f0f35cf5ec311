/// \file dot_work.hpp
/// Work of whole dot products, for engines that do not stop at windows. Two kinds: pairs in lanes,
/// of which the fullest one counts (`lane_work`), and non-zero activations in lists
/// (`list_lengths`). Both are exact where they were measured from masks (`lane_maxima.hpp`,
/// `list_counts.hpp`); `independent_dots.hpp` takes their place where nothing was measured.
#pragma once

#include <compare>
#include <vector>

namespace hass {

/// How the positions of a dot product are dealt to lanes that meet only at its end. A window is
/// `vector` adjacent input channels x K taps; `in` windows side by side enter `in * macs` lanes.
struct lane_layout {
    int in = 1;       ///< streams of input channels
    int group = 1;    ///< groups whose dot products end together
    int macs = 1;     ///< lanes of one window
    int vector = 1;   ///< channels a window
    int shared = 1;   ///< filters that skip alike: what is zero for all of them; 0: all filters of
                      ///< the layer, whose weights are not looked at
    int engines = 1;  ///< such sets of filters whose dot products end together

    constexpr auto operator<=>(const lane_layout&) const = default;
};

/// Cycles until the fullest lane is through, of a dot product of one group and set of filters: its
/// pairs that are not skipped; the windows of the dot product, which come one a cycle, where they are
/// more. The mean over images, positions and sets of filters.
struct lane_work {
    lane_layout layout{};  ///< what it was counted for
    double cycles = 0.0;   ///< mean of a dot product

    constexpr bool operator==(const lane_work&) const = default;
};

/// Share of a layer's output pixels of which the longest of `lanes` lists has z non-zero
/// activations, z = 0 .. K C / lanes; input channel c stands in list c mod `lanes`, padding in none.
struct list_lengths {
    int lanes = 1;                ///< lists a pixel
    std::vector<double> share{};  ///< by length of the longest list

    constexpr bool operator==(const list_lengths&) const = default;
};

/// What is to be counted beside sparsities, which are always. Who asks for less is answered sooner.
struct dot_products {
    bool lanes = false;   ///< count `layer_statistics::lanes`
    bool lists = false;   ///< count `layer_statistics::lists`
    bool windows = true;  ///< count `layer_statistics::windows`, which SPEs need

    constexpr bool operator==(const dot_products&) const = default;
};

}  // namespace hass
