#include "engine_choice.hpp"

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/engine_list.hpp>
#include <hass/engine/fpgaconvnet/resources.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/sparse_dot.hpp>
#include <hass/pipeline/service.hpp>
#include <hass/pipeline/squeeze.hpp>
#include <memory>
#include <tuple>
#include <utility>

namespace hass_search {
namespace {

template <class Resources>
class model_of final : public engine_choice::model {
  public:
    explicit model_of(int bits) {
        std::apply(
            [bits](auto&... engine) { ((engine.widths.data = engine.widths.weight = bits), ...); },
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
engine_choice make(const std::string& engines, int bits) {
    const auto model = std::make_shared<const model_of<Resources>>(bits);
    return {engines != "spe",
            engines != "dense",
            {.data = bits, .weight = bits},
            model->lut_per_missing_bram18(),
            {model}};
}

}  // namespace

engine_choice engines_named(const std::string& resources, const std::string& engines, int bits) {
    if (resources == "published") return make<hass::fpgaconvnet::published>(engines, bits);
    if (resources == "repaired") return make<hass::fpgaconvnet::repaired>(engines, bits);
    return make<hass::calibrated>(engines, bits);
}

}  // namespace hass_search
