#include "engine_choice.hpp"

#include <algorithm>
#include <array>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/lane_dot.hpp>
#include <hass/engine/list_dot.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/resource_file.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/error.hpp>
#include <hass/pipeline/dot_service.hpp>
#include <hass/pipeline/service.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <hass/report/uncertainty.hpp>
#include <hass/rtl/compute_shape.hpp>
#include <hass/text.hpp>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace hass_search {
namespace {

template <class Engines>
class model_of final : public engine_choice::model {
  public:
    explicit model_of(const Engines& engines) : engines_(engines) {}

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
    int words_out(const hass::layer_row& row, const hass::row_option& c) const override {
        return engines_.words_out(row, c);
    }
    hass::usage squeeze(int from, int to, int bits) const override {
        return hass::squeeze_cost(engines_.first(), from, to, bits);
    }
    hass::usage mover(int words) const override {
        return hass::mover_cost(engines_.first(), words);
    }
    hass::usage split(int words, int copies) const override {
        return hass::split_cost(engines_.first(), words, copies);
    }
    hass::window_times windows(const hass::layer_row& row,
                               const hass::row_option& c) const override {
        return window_table(engines_, row, c);
    }
    hass::dot_products dots(const hass::layer_row& row, const hass::row_option& c) const override {
        return dots_of(engines_, row, c);
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

    Engines engines_;
};

/// Engines that a name stands for; the first are offered, the second where there is none of those.
std::pair<engine_set, engine_set> engines_of(const std::string& name, bool all_priced) {
    if (name == "mixed") return {all_priced ? engine_set{0, 1, 2, 3, 4} : engine_set{0, 1}, {}};
    const auto at = static_cast<int>(std::find(engine_names.begin(), engine_names.end(), name) -
                                     engine_names.begin());
    return {{at}, at == 2 || at == 3 ? engine_set{0, 4} : engine_set{}};
}

template <class Engines>
engine_choice make(const Engines& list, const char* name, const std::string& engines, int bits) {
    const auto model = std::make_shared<const model_of<Engines>>(list);
    constexpr bool all_priced = std::tuple_size_v < decltype(list.engines) >> 2;
    const auto [offered, fallback] = engines_of(engines, all_priced);
    if (!all_priced && *offered.rbegin() > 1)
        throw hass::error(hass::text_of({"engine '", engines, "': ", name,
                                         " resources have no price for it; calibrated have"}));
    return {offered,
            fallback,
            {.data = bits, .weight = bits},
            model->lut_per_missing_bram18(),
            {model},
            nullptr,
            hass::uncertainty(name, std::get<0>(list.engines).resources.known_error),
            std::get<0>(list.engines).resources.known_error};
}

/// The engines that a published model prices.
template <class Resources>
engine_choice make_published(const Resources& resources, const char* name,
                             const std::string& engines, int bits) {
    const hass::precision widths{.data = bits, .weight = bits};
    return make(
        hass::engine_list<hass::dense_dot<Resources>,
                          hass::sparse_dot<hass::histogram_interval, Resources>>{
            {{resources, widths}, {{}, resources, widths}}},
        name, engines, bits);
}

/// \param as_rtl  channels come to SPEs in their order, as the modules have them
engine_choice make_calibrated(const hass::calibrated& built, const std::string& engines, int bits,
                              bool as_rtl = false) {
    const hass::precision widths{.data = bits, .weight = bits};
    hass::calibrated cascade = built;
    cascade.cascade = true;
    engine_choice choice = make(
        hass::engine_list<hass::dense_dot<>, hass::sparse_dot<>, hass::lane_dot<>, hass::list_dot<>,
                          hass::dense_dot<>>{{{built, widths},
                                              {{.in_order = as_rtl}, built, widths},
                                              {{built}, widths},
                                              {{built}, widths},
                                              {cascade, widths}}},
        "calibrated", engines, bits);
    if (built.cascade)  // these two are one then
        for (engine_set* set : {&choice.offered, &choice.fallback})
            if (set->contains(0)) set->erase(4);
    return choice;
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
    if (engines != "mixed" && engines != "spe" && engines != "dense")
        throw hass::error(path + ": corrects dense engines and SPEs, not '" + engines + "'");
    engine_choice choice = engines_named(file.base, engines, s, slice);
    if (engines == "mixed") choice.offered = {0, 1};
    choice.corrections = std::make_shared<const hass::correction_table>(file.measured.table);
    choice.known_error = std::nullopt;
    choice.uncertainty = hass::uncertainty(path, file.base, file.measured.table);
    return choice;
}

}  // namespace

hass::dot_products products_of(const settings& s) {
    const bool priced = s.resources == "calibrated";
    return {priced && (s.engine == "mixed" || s.engine == "lanes"),
            priced && (s.engine == "mixed" || s.engine == "lists"),
            !priced || s.engine == "mixed" || s.engine == "spe"};
}

bool engine_choice::has_module(const hass::layer_row& row, const hass::row_option& c) {
    using kind = hass::rtl::engine_kind;
    constexpr std::array kinds{kind::dense, kind::spe, kind::lanes, kind::lists, kind::dense};
    return hass::rtl::missing_module(row, c, kinds[static_cast<std::size_t>(c.engine)]).empty();
}

engine_choice engines_named(const std::string& resources, const std::string& engines,
                            const settings& s, hass::dsp_slice slice) {
    const int bits = s.priced_bits();
    if (resources.ends_with(".json")) return corrected(resources, engines, s, slice);
    // the published models know one kind of slice
    if (resources == "published")
        return make_published(hass::fpgaconvnet::published{}, "published", engines, bits);
    if (resources == "repaired")
        return make_published(hass::fpgaconvnet::repaired{}, "repaired", engines, bits);
    hass::calibrated built;
    built.slice = slice;
    built.lut_multipliers = s.multipliers == "either";
    built.every_memory = s.memories == "every";
    for (const auto how : {hass::requantise::shift, hass::requantise::dsp, hass::requantise::rtl})
        if (s.requantise == hass::name(how)) built.requantisation = how;
    return s.rtl.empty() ? make_calibrated(built, engines, bits)
                         : make_calibrated(hass::as_rtl(built), engines, bits, true);
}

}  // namespace hass_search
