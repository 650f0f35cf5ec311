#include "engine_choice.hpp"

#include <algorithm>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/resource_file.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/service.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/report/uncertainty.hpp>
#include <hass/text.hpp>
#include <memory>
#include <tuple>
#include <utility>

namespace hass_search {
namespace {

template <class Resources>
class model_of final : public engine_choice::model {
  public:
    model_of(const Resources& resources, int bits) {
        std::apply(
            [&](auto&... engine) {
                ((engine.resources = resources, engine.widths.data = engine.widths.weight = bits),
                 ...);
            },
            engines_.engines);
    }

    double lut_per_missing_bram18() const { return hass::lut_per_missing_bram18(engines_.first()); }
    double cycles(const hass::layer_row& row, const hass::layer_statistics& s,
                  const hass::row_option& c) const override {
        return engines_.cycles(row, s, c);
    }
    hass::usage cost(const hass::layer_row& row, const hass::row_option& c) const override {
        return engines_.cost(row, c);
    }
    hass::usage stage_cost(const hass::layer_row& row, const hass::row_option& c,
                           std::span<const hass::held_input> held) const override {
        return engines_.stage_cost(row, c, held);
    }
    hass::usage squeeze(int from, int to) const override {
        return hass::squeeze_cost(engines_.first(), from, to);
    }
    hass::usage mover(int words) const override {
        return hass::mover_cost(engines_.first(), words);
    }
    hass::usage split(int words, int copies) const override {
        return hass::split_cost(engines_.first(), words, copies);
    }
    std::vector<double> windows(const hass::layer_row& row,
                                const hass::row_option& c) const override {
        return window_table(engines_, row, c);
    }
    void for_each(const hass::layer_row& row,
                  const std::function<void(const hass::row_option&)>& visit) const override {
        engines_.for_each(row, visit);
    }
    std::unique_ptr<prepared> prepare(const hass::layer_row& row,
                                      const hass::layer_statistics& s) const override {
        return std::make_unique<prepared_of<decltype(engines_.prepare(row, s))>>(
            engines_.prepare(row, s));
    }

  private:
    template <class Prepared>
    struct prepared_of final : prepared {
        explicit prepared_of(Prepared p) : held(std::move(p)) {}
        double cycles(const hass::row_option& c) const override { return held.cycles(c); }
        Prepared held;
    };

    hass::engine_list<hass::dense_dot<Resources>,
                      hass::sparse_dot<hass::histogram_interval, Resources>>
        engines_{};
};

template <class Resources>
engine_choice make(const Resources& resources, const char* name, const std::string& engines,
                   int bits) {
    const auto model = std::make_shared<const model_of<Resources>>(resources, bits);
    return {engines != "spe",
            engines != "dense",
            {.data = bits, .weight = bits},
            model->lut_per_missing_bram18(),
            {model},
            nullptr,
            hass::uncertainty(name, Resources::known_error)};
}

/// A user's own silicon.
engine_choice corrected(const std::string& path, const std::string& engines, const settings& s,
                        hass::dsp_slice slice) {
    const int bits = s.priced_bits();
    const hass::resource_file file = hass::read_resource_file(path);
    if (std::find(resource_flags.begin(), resource_flags.end(), file.base) == resource_flags.end())
        throw hass::error(path + ": " +
                          hass::unknown_name("base", file.base, resource_flags).what());
    if (file.bits != bits)
        throw hass::error(hass::text_of({path, ": was measured at ", file.bits,
                                         " bits, which says nothing of ", bits, ": see --bits"}));
    if (file.slice != slice)
        throw hass::error(
            hass::text_of({path, ": was measured on a part with ", hass::name(file.slice),
                           " slices, the device has ", hass::name(slice)}));
    engine_choice choice = engines_named(file.base, engines, s, slice);
    choice.corrections = std::make_shared<const hass::correction_table>(file.measured.table);
    choice.uncertainty = hass::uncertainty(path, file.base, file.measured.table);
    return choice;
}

}  // namespace

engine_choice engines_named(const std::string& resources, const std::string& engines,
                            const settings& s, hass::dsp_slice slice) {
    const int bits = s.priced_bits();
    if (resources.ends_with(".json")) return corrected(resources, engines, s, slice);
    // the published models know one kind of slice
    if (resources == "published")
        return make(hass::fpgaconvnet::published{}, "published", engines, bits);
    if (resources == "repaired")
        return make(hass::fpgaconvnet::repaired{}, "repaired", engines, bits);
    hass::calibrated built;
    built.slice = slice;
    built.lut_multipliers = s.multipliers == "either";
    built.every_memory = s.memories == "every";
    built.requantisation = s.requantise == "dsp" ? hass::requantise::dsp : hass::requantise::shift;
    return make(built, "calibrated", engines, bits);
}

}  // namespace hass_search
