// The files that the program reads networks from; apart from what runs them, since their readers
// take long to compile and run once.
#pragma once

#include <hass/statistics/recorded_network.hpp>
#include <hass/workload/model.hpp>
#include <hass/workload/onnx_options.hpp>
#include <string>

namespace hass_search {

/// As `hass::load_onnx`.
hass::model load_network(const std::string& path, const hass::onnx_options& options);

/// As `hass::read_statistics` and `hass::write_statistics`.
hass::recorded_network load_statistics(const std::string& path);
void save_statistics(const std::string& path, const hass::recorded_network& measured);

}  // namespace hass_search
