// trials.csv: one line a trial, of all studies.
#pragma once

#include <filesystem>
#include <fstream>
#include <hass/search/threshold_search.hpp>
#include <hass/workload/network.hpp>
#include <string>

namespace hass_search {

class trials_log {
  public:
    /// \param net  must outlive this object
    /// \throws hass::error when the file cannot be written
    trials_log(const std::filesystem::path& path, const hass::network_view& net,
               const hass::metric_unit& metric);

    /// Flushed: what has finished stays usable whatever happens next.
    void add(const std::string& study, const hass::judged_trial& t);

  private:
    std::ofstream out_;
    hass::network_view net_;
};

}  // namespace hass_search
