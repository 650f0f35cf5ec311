// Measured networks of random shapes and numbers, as a measurement could have given them.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <hass/statistics/pairs.hpp>
#include <hass/statistics/recorded_network.hpp>
#include <hass/statistics/row_work.hpp>

#include "random_layers.hpp"

namespace test {

/// In [0, below).
inline std::uint32_t draw(std::mt19937& bits, std::uint32_t below) {
    return static_cast<std::uint32_t>(bits() % below);
}
inline double unit(std::mt19937& bits) {
    return static_cast<double>(bits() % 100001U) / 1e5;
}

inline std::vector<float> random_thresholds(std::mt19937& bits, std::size_t count, float first) {
    std::vector<float> tau{first};
    while (tau.size() < count) tau.push_back(tau.back() + 0.001F + static_cast<float>(unit(bits)));
    tau.resize(count);
    return tau;
}

inline hass::sampled_magnitudes random_magnitudes(std::mt19937& bits, std::size_t channels) {
    hass::sampled_magnitudes s;
    const std::size_t count = 1 + bits() % 5;
    s.thresholds = random_thresholds(bits, count, 0.0F);
    const auto ascending = [&](std::size_t columns) {
        std::vector<std::uint16_t> all(count * columns);
        for (std::size_t c = 0; c < columns; ++c) {
            std::vector<std::uint16_t> one(count);
            for (std::uint16_t& x : one) x = static_cast<std::uint16_t>(bits() % 65536U);
            std::sort(one.begin(), one.end());
            for (std::size_t i = 0; i < count; ++i) all[i * columns + c] = one[i];
        }
        return all;
    };
    s.whole = ascending(1);
    s.channels = ascending(channels);
    return s;
}

inline hass::answers random_answers(std::mt19937& bits, std::uint32_t images) {
    hass::answers a;
    a.top5 = draw(bits, images + 1);
    a.top1 = draw(bits, a.top5 + 1);
    a.loss = 7.0 * unit(bits);
    return a;
}

inline hass::sensitivity_curve random_curve(std::mt19937& bits, std::uint32_t images) {
    hass::sensitivity_curve c;
    c.thresholds = random_thresholds(bits, bits() % 4, 0.125F);
    for (std::size_t i = 0; i < c.thresholds.size(); ++i)
        c.answered.push_back(random_answers(bits, images));
    return c;
}

/// Work of whole dot products of any size, in every second network by its rows' heights.
inline void add_random_dots(std::mt19937& bits, const hass::layer_row& row,
                            hass::layer_statistics& s) {
    if (row.in.height % 2 == 0) return;
    hass::for_each_lane_layout(row, [&](const hass::lane_layout& l) {
        s.lanes.push_back({l, 100.0 * unit(bits)});
    });
    std::sort(s.lanes.begin(), s.lanes.end(),
              [](const auto& a, const auto& b) { return a.layout < b.layout; });
    hass::for_each_list_count(row, [&](int lists) {
        const auto most = static_cast<std::size_t>(hass::taps(row) * row.in.channels / lists);
        std::vector<double> share(most + 1);
        double sum = 0.0;
        for (double& x : share) x = unit(bits), sum += x;
        for (double& x : share) x /= sum;
        s.lists.push_back({lists, share});
        hass::detail::round_to_steps(s.lists.back());
    });
    if (!hass::skips_rows(row)) return;
    for (std::size_t k = 0; k < hass::row_parts; ++k)
        s.rows.push_back((2.0 * static_cast<double>(k) + 1.0) / hass::row_parts);
}

/// Joint statistics of a layer with random tensors, counted.
inline hass::layer_statistics random_statistics(std::mt19937& bits, const hass::layer_row& row) {
    const auto weights = random_values(bits, static_cast<std::size_t>(hass::weight_count(row)));
    const auto image = random_values(bits, static_cast<std::size_t>(row.in.volume()));
    const hass::plane_layout layout(row);
    std::vector<float> planes(static_cast<std::size_t>(row.in.channels) * layout.size());
    for (int c = 0; c < row.in.channels; ++c)
        hass::fill_plane(row, layout, image.data() + c * row.in.pixels(), 0.0F, 0.0F,
                         planes.data() + static_cast<std::size_t>(c) * layout.size());
    hass::activation_windows windows(row);
    windows.add(planes.data(), 1);
    hass::layer_statistics s =
        hass::joint_statistics(windows, hass::weight_windows(row, weights, 0.0));
    for (hass::window_histogram& h : s.windows) hass::detail::round_to_steps(h);
    add_random_dots(bits, row, s);
    return s;
}

/// 1 to 4 convolutions side by side, a pool between them.
inline hass::recorded_network random_measured(std::mt19937& bits) {
    hass::recorded_network m;
    m.name = "net \"" + std::to_string(bits()) + "\"";
    m.weights = bits() * 0x123456789ULL;
    for (std::size_t i = 1 + bits() % 2; i > 0; --i) m.sources.push_back(bits() + i);
    std::sort(m.sources.begin(), m.sources.end());
    m.images = 1 + draw(bits, 1000);
    m.untouched = random_answers(bits, m.images);
    for (std::size_t count = 1 + bits() % 4; m.layers.size() < count;) {
        const auto place = m.net.rows.size();
        hass::layer_row row = random_row(bits);
        const bool pool = bits() % 3 == 0;
        if (pool) row.kind = hass::layer_kind::max_pool, row.out.channels = row.in.channels;
        if (pool) row.groups = 1;
        m.net.rows.push_back(row);
        m.net.edges.push_back({hass::network_input, static_cast<int>(place)});
        m.net.names.push_back("row " + std::to_string(place));
        if (pool) continue;
        const auto channels = static_cast<std::size_t>(row.in.channels);
        m.layers.push_back({place, random_magnitudes(bits, channels),
                            random_magnitudes(bits, channels), random_curve(bits, m.images),
                            random_curve(bits, m.images), random_statistics(bits, row)});
    }
    return m;
}

}  // namespace test
