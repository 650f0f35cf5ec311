/// \file program.hpp
/// A trained network made ready to be run: checked, its buffers placed, and what every backend
/// needs to know of it whatever its kernels are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/kernels.hpp>
#include <hass/emulate/level_sums.hpp>
#include <hass/emulate/more_kernels.hpp>
#include <hass/emulate/quantizer.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/emulate/token_kernels.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>
#include <hass/workload/model.hpp>

namespace hass {

/// A model and how images become its input. Constructing one checks that rows and parameters fit
/// each other.
struct program {
    hass::model model;                            ///< what is computed
    hass::preprocessing input;                    ///< how pixels become its input
    detail::schedule schedule;                    ///< which buffer each row writes
    std::vector<detail::sliding_window> windows;  ///< one a row; of use where windows slide
    std::vector<detail::source_places> places;    ///< one a row, empty but for those that `moves`
    /// Grids that the input of a row is rounded to: one, one a channel, or none (float32). Empty:
    /// none for any row.
    std::vector<std::vector<quantizer>> quantizers;
    std::vector<detail::level_sums> sums;  ///< one a row, of quantised files

    /// \throws hass::error when parameters and rows do not fit each other or are not finite, the
    ///         preprocessing has another number of channels than the network's input or is refused
    ///         by `validate`, or there are quantizers for another number of rows or channels
    program(hass::model m, preprocessing p, std::vector<std::vector<quantizer>> g = {})
        : model(std::move(m)),
          input(std::move(p)),
          schedule(checked(model)),
          quantizers(std::move(g)) {
        spread(input.mean, 0.0F, "mean");
        spread(input.std, 1.0F, "std");
        try {
            validate(input);
        } catch (const error& e) {
            throw error(where() + e.what());
        }
        for (std::size_t i = 0; i < rows().size(); ++i) {
            const layer_row& row = rows()[i];
            const bool slides = is_compute(row) || row.kind == layer_kind::max_pool ||
                                row.kind == layer_kind::average_pool;
            windows.emplace_back(slides ? row : layer_row{});
            places.emplace_back();
            try {
                if (moves(row.kind) && row.kind != layer_kind::reshape)
                    places[i] = detail::places_of(row, model.parameters[i].order);
            } catch (const error& e) {
                detail::require(false, model.net, i, e.what());
            }
        }
        quantizers.resize(quantizers.empty() ? rows().size() : quantizers.size());
        if (quantizers.size() != rows().size())
            throw error(text_of(
                {where(), "quantizers of ", quantizers.size(), " rows for ", rows().size()}));
        for (std::size_t i = 0; i < quantizers.size(); ++i)
            detail::require(
                quantizers[i].size() <= 1 ||
                    quantizers[i].size() == static_cast<std::size_t>(rows()[i].in.channels),
                model.net, i, text_of({quantizers[i].size(), " quantizers"}));
        const detail::level_rows with_levels(model);
        for (std::size_t i = 0; i < rows().size(); ++i)  // a grid asked for is not the file's
            sums.push_back(quantizers[i].empty() ? with_levels[i] : detail::level_sums{});
    }

    /// With the preprocessing that the model states; pixels as they are where it states none.
    explicit program(hass::model m) : program(own_input(std::move(m))) {}

    /// Of the model.
    const std::vector<layer_row>& rows() const { return model.net.rows; }
    /// Numbers that the network answers an image with.
    std::size_t classes() const { return static_cast<std::size_t>(rows().back().out.volume()); }

  private:
    explicit program(std::pair<hass::model, preprocessing> with)
        : program(std::move(with.first), std::move(with.second)) {}
    static std::pair<hass::model, preprocessing> own_input(hass::model m) {
        preprocessing p = m.input.value_or(preprocessing{});
        return {std::move(m), std::move(p)};
    }

    std::string where() const { return model.source.empty() ? std::string() : model.source + ": "; }

    static const hass::model& checked(const hass::model& m) {
        validate(m.net);
        if (m.parameters.size() != m.net.rows.size())
            throw error(text_of({m.source, ": ", m.parameters.size(), " parameter entries for ",
                                 m.net.rows.size(), " rows"}));
        const network_view net = m.net;
        for (std::size_t i = 0; i < net.size(); ++i) {
            const layer_row& row = net[i];
            const layer_parameters& p = m.parameters[i];
            detail::require(detail::all_finite(p.weights) && detail::all_finite(p.bias), net, i,
                            "weights and biases must be finite");
            try {
                detail::check_numbers(row, p);
                detail::check_token_numbers(row, p);
            } catch (const error& e) {
                detail::require(false, net, i, e.what());
            }
            if (!has_weights(row)) continue;
            detail::require(p.weights.size() == static_cast<std::size_t>(weight_count(row)), net, i,
                            text_of({p.weights.size(), " weights, expected ", weight_count(row)}));
            detail::require(
                p.bias.empty() || p.bias.size() == static_cast<std::size_t>(row.out.channels), net,
                i, text_of({p.bias.size(), " biases, expected ", row.out.channels}));
            const bool steps = std::all_of(p.weight_steps.begin(), p.weight_steps.end(),
                                           [](float s) { return s > 0.0F && std::isfinite(s); });
            detail::require(
                steps && (p.weight_steps.size() <= 1 ||
                          p.weight_steps.size() == static_cast<std::size_t>(row.out.channels)),
                net, i, "weight_steps must be positive, none, one or one a filter");
        }
        return m;
    }

    /// One value a channel.
    void spread(std::vector<float>& values, float missing, const std::string& field) const {
        const auto channels = static_cast<std::size_t>(input_shape(model.net).channels);
        if (values.empty()) values.assign(channels, missing);
        if (values.size() == 1) values.assign(channels, values.front());
        if (values.size() != channels)
            throw error(text_of({where(), "preprocessing: ", values.size(), " values of '", field,
                                 "' for images of ", channels, " channels"}));
    }
};

}  // namespace hass
