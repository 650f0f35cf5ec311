// expect: e.cycles(row, s, c)
#include <hass/pipeline/evaluate.hpp>

struct costs_only {
    hass::usage cost(const hass::layer_row&, const hass::row_option&) const { return {}; }
    void for_each(const hass::layer_row&, auto visit) const { visit(hass::row_option{}); }
};
hass::usage cost = hass::row_cost(costs_only{}, {}, {});
