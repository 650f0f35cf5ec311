// Foldings for FINN and hls4ml, as the text of the files that these read.
#include <hass/device/device_file.hpp>
#include <hass/explore/finn_foldings.hpp>
#include <hass/explore/hls4ml_foldings.hpp>
#include <hass/report/toolchain_files.hpp>
#include <hass/workload/model.hpp>

#include "binding.hpp"

namespace hass_python {

namespace {

using hass::model;

/// What `hass.fold_finn` and `hass.fold_hls4ml` ask of a board.
struct request {
    hass::owned_device board;
    double hass::usage::*least = &hass::usage::lut;
    double images_per_second = 0.0;  ///< 0: as fast as it goes

    /// \param device_json  as `device_text` writes it
    request(const std::string& device_json, const std::string& resource, double wanted)
        : board(hass::parse_device(device_json, "device")), images_per_second(wanted) {
        std::vector<std::string> names;
        for (const hass::resource& r : hass::resources) {
            names.emplace_back(r.name);
            for (char& c : names.back()) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            if (names.back() != resource) continue;
            least = r.field;
            return;
        }
        throw hass::unknown_name("resource", resource, names);
    }
    template <class Foldings>
    auto solve(Foldings& of) const {
        return images_per_second > 0.0 ? of.least(least, images_per_second) : of.fastest();
    }
};

/// (fits, reason, configuration, report); the texts are empty where nothing fits.
py::tuple answer(const hass::folding_solution& s, const std::string& configuration,
                 const std::string& report) {
    return py::make_tuple(s.fits, s.reason, configuration, report);
}

py::tuple fold_finn(const model& net, const std::string& device, const std::string& least,
                    double images_per_second, int weight_bits, int activation_bits,
                    int first_weight_bits, bool standalone, bool published) {
    const request asked(device, least, images_per_second);
    hass::finn::build how;
    how.weight_bits = weight_bits, how.activation_bits = activation_bits;
    how.first_weight_bits = first_weight_bits, how.standalone_thresholds = standalone;
    how.dsp = hass::finn::dsp_block_of(asked.board.limits().dsp_slice);
    const auto which = published ? hass::finn::policy::published : hass::finn::policy::repaired;
    std::string configuration, report;
    hass::finn_design d;
    unlocked([&] {
        hass::finn_foldings of(net.net, how, asked.board, which);
        d = asked.solve(of);
        if (!d.solution.fits) return;
        configuration = hass::finn_config_text(of.graph(), d);
        report = hass::finn_report_text(of, d, which);
    });
    return answer(d.solution, configuration, report);
}

py::tuple fold_hls4ml(const model& net, const std::string& device, const std::string& least,
                      double images_per_second, int bits, bool parallel, bool latency) {
    const request asked(device, least, images_per_second);
    hass::hls4ml::build how;
    how.bits = bits;
    how.io = parallel ? hass::hls4ml::io_type::parallel : hass::hls4ml::io_type::stream;
    how.how = latency ? hass::hls4ml::strategy::latency : hass::hls4ml::strategy::resource;
    std::string configuration, report;
    hass::hls4ml_design d;
    unlocked([&] {
        hass::hls4ml_foldings of(net.net, how, asked.board);
        d = asked.solve(of);
        if (!d.solution.fits) return;
        configuration = hass::hls4ml_config_text(d);
        report = hass::hls4ml_report_text(of, d);
    });
    return answer(d.solution, configuration, report);
}

}  // namespace

void bind_foldings(py::module_& m) {
    m.def("fold_finn", &fold_finn);
    m.def("fold_hls4ml", &fold_hls4ml);
}

}  // namespace hass_python
