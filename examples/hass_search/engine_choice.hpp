// The engines to choose from, under a resource model that the command line names.
#pragma once

#include <functional>
#include <hass/engine/engine.hpp>
#include <hass/engine/resources/corrected.hpp>
#include <hass/engine/resources/dsp.hpp>
#include <hass/engine/resources/known_error.hpp>
#include <hass/pipeline/service.hpp>
#include <hass/statistics/dot_work.hpp>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "settings.hpp"

namespace hass_search {

inline const std::vector<std::string> engine_names{"dense", "spe", "lanes", "lists", "cascade"};

/// Those of them that a user's own measurements correct.
inline const std::vector<std::string> corrected_engines{"dense", "spe"};

/// Engines by their places in `engine_names`.
using engine_set = std::set<int>;

/// What engines of --engine have to know of data, under --resources.
hass::dot_products products_of(const settings& s);

/// One engine, or several layer by layer (concept Engine). Its type does not say under
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
        virtual int words_out(const hass::layer_row&, const hass::row_option&) const = 0;
        virtual hass::usage squeeze(int from, int to, int bits) const = 0;
        virtual hass::usage mover(int words) const = 0;
        virtual hass::usage split(int words, int copies) const = 0;
        virtual hass::window_times windows(const hass::layer_row&,
                                           const hass::row_option&) const = 0;
        virtual hass::dot_products dots(const hass::layer_row&, const hass::row_option&) const = 0;
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
        hass::usage squeeze(int from, int to, int bits) const {
            return held->squeeze(from, to, bits);
        }
        /// The model was made for `widths`, so it needs no width of its own.
        hass::usage mover(int words, int /*bits*/) const { return held->mover(words); }
        hass::usage split(int words, int copies, int /*bits*/) const {
            return held->split(words, copies);
        }
    };

    engine_set offered{};   ///< engines that may be chosen
    engine_set fallback{};  ///< ... for layers that none of those can run
    hass::precision widths{};
    double lut_per_missing_bram18 = 0.0;
    resource_model resources{};
    std::shared_ptr<const hass::correction_table> corrections{};  ///< of a user's own; or none
    std::string uncertainty{};  ///< how far the resource model was off where it was measured
    std::optional<hass::known_error> known_error{};  ///< the same; nullopt: of a user's own
    bool as_rtl = false;                             ///< options that have modules alone

    double cycles(const hass::layer_row& row, const hass::layer_statistics& s,
                  const hass::row_option& c) const {
        return resources.held->cycles(row, s, c);
    }
    hass::usage cost(const hass::layer_row& row, const hass::row_option& c) const {
        const hass::usage said = resources.held->cost(row, c);
        return corrections ? corrections->apply(row, c, c.engine == 1, said) : said;
    }
    hass::usage stage_cost(const hass::layer_row& row, const hass::row_option& c,
                           std::span<const hass::held_input> held) const {
        const hass::usage said = resources.held->stage_cost(row, c, held);
        return corrections ? corrections->apply(row, c, false, said) : said;
    }
    void for_each(const hass::layer_row& row, const auto& visit) const {
        bool found = false;
        const auto visit_of = [&](const engine_set& engines) {
            resources.held->for_each(row, [&](const hass::row_option& c) {
                if (!engines.contains(c.engine) || (as_rtl && !has_module(row, c))) return;
                visit(c), found = true;
            });
        };
        visit_of(offered);
        if (!found) visit_of(fallback);
    }
    /// Whether the option can be written as RTL.
    static bool has_module(const hass::layer_row& row, const hass::row_option& c);
    /// Whether all that is chosen is dense, and its cycles do not depend on data.
    bool is_dense() const { return offered == engine_set{0} || offered == engine_set{4}; }
    int words_out(const hass::layer_row& row, const hass::row_option& c) const {
        return resources.held->words_out(row, c);
    }
    /// What `hass::recorded_services` asks for.
    friend hass::window_times window_table(const engine_choice& engine, const hass::layer_row& row,
                                           const hass::row_option& c) {
        return engine.resources.held->windows(row, c);
    }
    friend hass::dot_products dots_of(const engine_choice& engine, const hass::layer_row& row,
                                      const hass::row_option& c) {
        return engine.resources.held->dots(row, c);
    }
    prepared_model prepare(const hass::layer_row& row, const hass::layer_statistics& s) const {
        return {resources.held->prepare(row, s)};
    }
};

/// \param resources  of --resources: a model's name, or a .json file that corrects one
/// \param engines    of --engine
/// \param s          for what is built how, and how wide
/// \param slice      what the board's DSPs are, for resource models that tell them apart
/// \throws hass::error naming file and field, or the width that the file was measured at; for
///         engines that the resources have no price for
engine_choice engines_named(const std::string& resources, const std::string& engines,
                            const settings& s, hass::dsp_slice slice);

}  // namespace hass_search
