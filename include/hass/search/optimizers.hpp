/// \file optimizers.hpp
/// The optimizers by name, for command lines.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <hass/search/any_optimizer.hpp>
#include <hass/search/automatic.hpp>
#include <hass/search/cma_es.hpp>
#include <hass/search/gaussian_process.hpp>
#include <hass/search/grid.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/optimizer_names.hpp>
#include <hass/search/random.hpp>
#include <hass/search/sobol.hpp>
#include <hass/search/tpe.hpp>

namespace hass {

/// How an optimizer is called and made.
struct optimizer_entry {
    std::string_view name;                                   ///< as `--optimizer` takes it
    std::string_view summary;                                ///< one line for --help
    any_optimizer (*make)(space where, std::uint64_t seed);  ///< makes one
};

/// Those the library brings. A program with optimizers of its own makes a longer list.
inline constexpr std::array built_in_optimizers{
    optimizer_entry{built_in_optimizer_names[0].name, built_in_optimizer_names[0].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(tpe<>(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[1].name, built_in_optimizer_names[1].summary,
                    [](space where, std::uint64_t seed) {
                        tpe_options options;
                        options.model = tpe_model::univariate;
                        return any_optimizer(tpe<>(std::move(where), seed, options));
                    }},
    optimizer_entry{built_in_optimizer_names[2].name, built_in_optimizer_names[2].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(cma_es(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[3].name, built_in_optimizer_names[3].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(nsga2(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[4].name, built_in_optimizer_names[4].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(sobol_search(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[5].name, built_in_optimizer_names[5].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(random_search(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[6].name, built_in_optimizer_names[6].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(grid_search(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[7].name, built_in_optimizer_names[7].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(gaussian_process<>(std::move(where), seed));
                    }},
    optimizer_entry{built_in_optimizer_names[8].name, built_in_optimizer_names[8].summary,
                    [](space where, std::uint64_t seed) {
                        return any_optimizer(automatic(std::move(where), seed));
                    }},
};

/// The optimizer called `name`. \throws hass::error with the nearest known name
inline any_optimizer make_optimizer(std::string_view name, space where, std::uint64_t seed,
                                    std::span<const optimizer_entry> known = built_in_optimizers) {
    std::vector<std::string_view> names;
    for (const optimizer_entry& entry : known) {
        if (entry.name == name) return entry.make(std::move(where), seed);
        names.push_back(entry.name);
    }
    throw unknown_name("optimizer", name, names);
}

/// The optimizer for who names none: `automatic`.
inline any_optimizer make_optimizer(space where, std::uint64_t seed) {
    return any_optimizer(automatic(std::move(where), seed));
}

}  // namespace hass
