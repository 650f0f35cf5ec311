/// \file optimizer_names.hpp
/// How the optimizers of the library are called; what they are stands in `optimizers.hpp`, which a
/// command line need not read.
#pragma once

#include <array>
#include <string_view>

namespace hass {

/// How an optimizer is called.
struct optimizer_name {
    std::string_view name;     ///< as `--optimizer` takes it
    std::string_view summary;  ///< one line for --help
};

/// In the order of `built_in_optimizers`.
inline constexpr std::array built_in_optimizer_names{
    optimizer_name{"tpe", "tree-structured Parzen estimator, axes modelled together"},
    optimizer_name{"tpe-univariate", "tree-structured Parzen estimator, axis by axis"},
    optimizer_name{"cma-es", "covariance matrix adaptation, one objective, no categorical axes"},
    optimizer_name{"nsga2", "evolving front, several objectives"},
    optimizer_name{"sobol", "scrambled Sobol points: evenly spread draws"},
    optimizer_name{"random", "independent uniform draws"},
    optimizer_name{"grid", "every point once, in random order; 5 values per continuous axis"},
    optimizer_name{"gaussian-process", "learns from few trials, axes and objectives of any kind"},
    optimizer_name{"automatic",
                   "gaussian-process while it is affordable, then cma-es, tpe or nsga2"},
};

}  // namespace hass
