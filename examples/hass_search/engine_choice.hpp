// The engines to choose from, under a resource model that the command line names.
#pragma once

#include <functional>
#include <hass/engine/engine.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "settings.hpp"

namespace hass_search {

inline const std::vector<std::string> engine_names{"dense", "spe"};

/// The dense engine, the SPE, or both, layer by layer (concept Engine). Its type does not say under
/// which resource model, so that the allocator is compiled once and not for each of them.
class engine_choice {
  public:
    /// What stands behind it, see engine_choice.cpp.
    class model {
      public:
        class prepared {
          public:
            virtual ~prepared() = default;
            virtual double cycles(const hass::row_option& c) const = 0;
        };
        virtual ~model() = default;
        virtual double cycles(const hass::layer_row&, const hass::layer_statistics&,
                              const hass::row_option&) const = 0;
        virtual hass::usage cost(const hass::layer_row&, const hass::row_option&) const = 0;
        virtual hass::usage stage_cost(const hass::layer_row&, const hass::row_option&,
                                       std::span<const hass::held_input>) const = 0;
        virtual hass::usage squeeze(int from, int to) const = 0;
        virtual std::vector<double> windows(const hass::layer_row&,
                                            const hass::row_option&) const = 0;
        virtual void for_each(const hass::layer_row&,
                              const std::function<void(const hass::row_option&)>& visit) const = 0;
        virtual std::unique_ptr<prepared> prepare(const hass::layer_row&,
                                                  const hass::layer_statistics&) const = 0;
    };
    struct prepared_model {
        std::unique_ptr<model::prepared> held;
        double cycles(const hass::row_option& c) const { return held->cycles(c); }
    };
    struct resource_model {
        std::shared_ptr<const model> held;
        /// The model was made for `widths`, so it needs no width of its own.
        hass::usage squeeze(int from, int to, int /*bits*/) const {
            return held->squeeze(from, to);
        }
    };

    bool dense = true;   ///< whether the dense engine may be chosen
    bool sparse = true;  ///< ... and the SPE
    hass::precision widths{};
    double lut_per_missing_bram18 = 0.0;
    resource_model resources{};

    double cycles(const hass::layer_row& row, const hass::layer_statistics& s,
                  const hass::row_option& c) const {
        return resources.held->cycles(row, s, c);
    }
    hass::usage cost(const hass::layer_row& row, const hass::row_option& c) const {
        return resources.held->cost(row, c);
    }
    hass::usage stage_cost(const hass::layer_row& row, const hass::row_option& c,
                           std::span<const hass::held_input> held) const {
        return resources.held->stage_cost(row, c, held);
    }
    void for_each(const hass::layer_row& row, const auto& visit) const {
        resources.held->for_each(row, [&](const hass::row_option& c) {
            if (c.engine == 0 ? dense : sparse) visit(c);
        });
    }
    /// What `hass::recorded_services` asks for.
    friend std::vector<double> window_table(const engine_choice& engine, const hass::layer_row& row,
                                            const hass::row_option& c) {
        return engine.resources.held->windows(row, c);
    }
    prepared_model prepare(const hass::layer_row& row, const hass::layer_statistics& s) const {
        return {resources.held->prepare(row, s)};
    }
};

/// \param resources  of --resources
/// \param engines    of --engine
engine_choice engines_named(const std::string& resources, const std::string& engines, int bits);

}  // namespace hass_search
