/// \file link.hpp
/// What the board's link carries beside weights: every image in, and its answers out. With W Gbit/s
/// of the link's B spent on weights that are read from off-chip memory,
///
///     interval   >= bits of an image and its answers x MHz / (1000 (B - W))  cycles
///     bandwidth  =  W + bits x MHz / (1000 interval)                         Gbit/s, <= B
///
/// so the link acts as a stage of the pipeline whose cycles depend on what all the others read. It
/// is one link for everything: images, answers and weights.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// The link of one board at one clock, and what it carries for an image.
struct image_link {
    double gbit_s = 0.0;  ///< for everything; 0 carries nothing, infinity whatever there is
    double mhz = 0.0;     ///< clock of the accelerator
    double bits = 0.0;    ///< of one image and its answers; 0: they are not carried

    constexpr bool operator==(const image_link&) const = default;

    /// Least cycles between images when weights take `weights` Gbit/s; infinite when they leave
    /// nothing.
    constexpr double cycles(double weights) const {
        if (!(bits > 0.0)) return 0.0;
        const double left = gbit_s - weights;
        return left > 0.0 ? bits * mhz / 1000.0 / left : std::numeric_limits<double>::infinity();
    }

    /// Gbit/s of the images and answers, one each `interval` cycles.
    constexpr double traffic(double interval) const {
        return bits > 0.0 && interval > 0.0 ? bits * mhz / 1000.0 / interval : 0.0;
    }
};

/// Values of the answers that rows first .. last - 1 give: of rows that no row reads. A network
/// without edges is a chain.
constexpr double answer_words(const network_view& net, std::size_t first, std::size_t last) {
    std::vector<int> read(net.size(), net.edges.empty() ? 1 : 0);
    if (net.edges.empty() && !read.empty()) read.back() = 0;
    for (const edge& e : net.edges)
        if (e.from != network_input) read[static_cast<std::size_t>(e.from)] = 1;
    double words = 0.0;
    for (std::size_t i = first; i < last; ++i)
        if (read[i] == 0) words += static_cast<double>(net.rows[i].out.volume());
    return words;
}

/// Values of an image and its answers.
constexpr double image_words(const network_view& net) {
    return static_cast<double>(input_shape(net).volume()) + answer_words(net, 0, net.size());
}

/// The link of a board whose images and answers have `bits` bits together.
constexpr image_link link_of(const device& board, double bits) {
    return {board.budget.bandwidth, board.mhz, bits};
}

}  // namespace hass
