#include "trials_log.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <hass/error.hpp>
#include <hass/files/csv.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <string>

namespace hass_search {

trials_log::trials_log(const std::filesystem::path& path, const hass::network_view& net,
                       const hass::metric_unit& metric)
    : out_(path), net_(net) {
    out_ << "study,trial,state," << metric.name << (metric.name == "top1" ? ",top5" : "")
         << ",weight_sparsity,activation_sparsity,pair_sparsity,"
            "images_per_s,interval_cycles,dsp,lut,ff,bram18,uram,"
            "efficiency_images_per_cycle_per_dsp,objective";
    for (std::size_t i = 0; i < net_.size(); ++i)
        if (hass::is_compute(net_.rows[i]))
            for (const char* tensor : {".weight", ".activation"})
                out_ << ',' << hass::csv_field(name_of(net_, i) + tensor);
    out_ << '\n' << std::flush;
    if (!out_) throw hass::error(path.string() + ": cannot write");
}

void trials_log::add(const std::string& study, const hass::judged_trial& t) {
    const hass::candidate& c = t.candidate;
    const hass::estimate& e = c.hardware.estimate;
    std::string line = fmt::format(
        "{},{},{},{}{},{},{},{},{},{},{},{},{},{},{},{},{}", study, t.number,
        t.feasible() ? "ok" : "infeasible", c.measured.score,
        c.measured.top5 ? fmt::format(",{}", *c.measured.top5) : std::string(), c.sparsity.weight,
        c.sparsity.activation, c.sparsity.pair, e.images_per_second, e.interval_cycles, e.total.dsp,
        e.total.lut, e.total.ff, e.total.bram18, e.total.uram, e.efficiency(), t.objective);
    for (std::size_t i = 0; i < net_.size(); ++i)
        if (hass::is_compute(net_.rows[i]))
            line += fmt::format(",{},{}", c.thresholds[i].weight, c.thresholds[i].activation);
    out_ << line + "\n" << std::flush;
}

}  // namespace hass_search
