// Whoever has a synthesis tool has better figures than any model: corrections from measured layers.
// The table holds layers of fpgaConvNet's older back end (Vivado HLS, 16 bits) after place and
// route, as biggsbenjamin/fpgaconvnet-hls reports them at 87b17c4 and 81b62f8 (a round of filters).
#include <cstdio>
#include <hass/engine/dense_dot.hpp>
#include <hass/engine/resources/calibrate.hpp>
#include <hass/engine/resources/measured_csv.hpp>
#include <hass/files/whole_file.hpp>
#include <string>
#include <vector>

int main() {
    const std::string file = std::string(HASS_EXAMPLES_DATA) + "/hls_layers.csv";
    const hass::dense_dot<> engine{};
    std::vector<hass::measured_module> modules;
    for (const hass::measured_layer& layer :
         hass::read_measured_csv(hass::read_whole(file), file)) {
        const auto& [row, option] = *layer.built;
        modules.push_back({layer.name, hass::dense_module, hass::size_of(true, option.folding),
                           engine.cost(row, option), layer.measured});
    }
    const hass::calibration mine = hass::calibrate(modules);

    for (std::size_t r = 0; r < hass::corrected_resources; ++r) {
        const hass::correction& c = mine.table.of[hass::dense_module][r];
        if (c.measurements > 0)
            std::printf("%-6s %d layers: off by %.0f %%, corrected by %.0f %% on layers left out\n",
                        hass::resources[r].name.data(), c.measurements, 100 * c.error_before,
                        100 * c.error_after);
    }
    for (const hass::kept_model& k : mine.kept)
        std::printf("%-6s stays what the model says: %s\n", hass::resources[k.resource].name.data(),
                    k.reason.c_str());

    // an engine of one's own silicon: everything that takes an engine takes this one
    const hass::dense_dot<hass::corrected<hass::calibrated>> own{{{}, mine.table}};
    const hass::measured_layer first =
        hass::read_measured_csv(hass::read_whole(file), file).front();
    std::printf("%s: %.0f LUTs measured, %.0f modelled, %.0f corrected\n", first.name.c_str(),
                *first.measured[hass::lut_index],
                engine.cost(first.built->row, first.built->option).lut,
                own.cost(first.built->row, first.built->option).lut);
}
