#include "reading.hpp"

#include <hass/statistics/store.hpp>
#include <hass/workload/onnx.hpp>

namespace hass_search {

hass::model load_network(const std::string& path, const hass::onnx_options& options) {
    return hass::load_onnx(path, options);
}

hass::recorded_network load_statistics(const std::string& path) {
    return hass::read_statistics(path);
}

void save_statistics(const std::string& path, const hass::recorded_network& measured) {
    hass::write_statistics(path, measured);
}

}  // namespace hass_search
