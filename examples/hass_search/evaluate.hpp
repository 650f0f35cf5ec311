// Somebody's design under every resource model: --evaluate config.json.
#pragma once

#include "settings.hpp"

namespace hass_search {

/// Prints what each design of the file takes and how fast it is, model by model, beside measured
/// figures where the file has any.
/// \throws hass::error naming file, layer and field; for a design that no board is named for
void evaluate_file(const settings& s);

}  // namespace hass_search
