/// \file validate.hpp
/// What statistics of a layer have to hold, whoever made them.
#pragma once

#include <cstddef>
#include <string>

#include <hass/error.hpp>
#include <hass/statistics/layer_statistics.hpp>
#include <hass/text.hpp>
#include <hass/workload/layer.hpp>
#include <hass/workload/network.hpp>

namespace hass {

namespace detail {

/// The layer that a message is about, if it is known.
struct layer_in_question {
    const network_view* net = nullptr;
    std::size_t row = 0;

    error wrong(const std::string& what) const {
        if (net == nullptr) return error("layer statistics: " + what);
        return error("statistics of layer '" + name_of(*net, row) + "': " + what);
    }
};

/// \param words  what the value is; `field` where it stands
constexpr void validate_share(const layer_in_question& layer, const char* words, const char* field,
                              double v) {
    if (v >= 0.0 && v <= 1.0) return;
    throw layer.wrong(text_of({words, " is ", v, ", not within [0, 1] (", field, " = ", v, ")"}));
}

constexpr void validate_sparsities(const layer_in_question& layer, const layer_statistics& s) {
    validate_share(layer, "weight sparsity", "weight_sparsity", s.weight_sparsity);
    validate_share(layer, "activation sparsity", "activation_sparsity", s.activation_sparsity);
    validate_share(layer, "pair sparsity", "pair_sparsity", s.pair_sparsity);
    validate_share(layer, "pair sparsity (padded)", "pair_sparsity_padded", s.pair_sparsity_padded);
}

/// \param channels  input channels of the layer; the last window may be cut short
/// \param taps      kernel taps of the layer
constexpr void validate_windows(const layer_in_question& layer, const window_histogram& w,
                                int channels, int taps) {
    const auto wrong = [&](const std::string& what) {
        return layer.wrong(text_of({"windows of ", w.channels, " channels ", what}));
    };
    if (w.channels < 1 || w.length != w.channels * taps)
        throw wrong(text_of({"have length ", w.length, " instead of ", w.channels * taps}));
    const std::size_t bins = static_cast<std::size_t>(w.length) + 1;
    const auto wide = static_cast<std::size_t>(w.channels);
    const std::size_t blocks = (static_cast<std::size_t>(channels) + wide - 1) / wide;
    if (w.share.empty() || w.share.size() != blocks * bins)
        throw wrong(
            text_of({"hold ", w.share.size(), " shares, expected ", blocks, " blocks x ", bins}));
    for (std::size_t b = 0; b < blocks; ++b) {
        double sum = 0.0;
        bool sound = true;
        for (std::size_t z = 0; z < bins; ++z) {
            const double v = w.share[b * bins + z];
            sound = sound && v >= 0.0;
            sum += v;
        }
        if (!(sound && sum > 1.0 - 1e-6 && sum < 1.0 + 1e-6))
            throw wrong(text_of({"do not sum to one in block ", b, ": they sum to ", number(sum)}));
    }
}

/// Work of rows of windows: none, or ascending, and 1 in the mean.
constexpr void validate_rows(const layer_in_question& layer, const layer_statistics& s) {
    double last = 0.0, sum = 0.0;
    for (const double r : s.rows) {
        if (!(r >= last * (1.0 - 1e-9) && r <= 1e9))
            throw layer.wrong("work of rows of windows does not ascend (rows)");
        last = r, sum += r;
    }
    const auto n = static_cast<double>(s.rows.size());
    if (!(sum >= n * (1.0 - 1e-6) && sum <= n * (1.0 + 1e-6)))
        throw layer.wrong("work of rows of windows is not 1 in the mean (rows)");
}

}  // namespace detail

/// What can be said without the layer.
/// \throws hass::error for a sparsity that is not within [0, 1] (or not a number), or work of rows of
///         windows that does not ascend or is not 1 in the mean
constexpr void validate(const layer_statistics& s) {
    detail::validate_sparsities({}, s);
    detail::validate_rows({}, s);
}

/// Checks windows against the layer that they are used for.
/// \param channels  input channels of the layer
/// \param taps      kernel taps of the layer
/// \throws hass::error naming the field: wrong width, wrong number of blocks, shares that are
///         negative, not a number, or do not sum to 1 within 1e-6
constexpr void validate(const window_histogram& windows, int channels, int taps) {
    detail::validate_windows({}, windows, channels, taps);
}

/// Checks statistics of row `i`.
/// \throws hass::error naming the layer, for what the two above refuse
inline void validate(const network_view& net, std::size_t i, const layer_statistics& s) {
    detail::validate_sparsities({&net, i}, s);
    detail::validate_rows({&net, i}, s);
    for (const window_histogram& w : s.windows)
        detail::validate_windows({&net, i}, w, net.rows[i].in.channels, taps(net.rows[i]));
}

}  // namespace hass
