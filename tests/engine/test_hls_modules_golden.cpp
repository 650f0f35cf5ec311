// Modules and layers of fpgaConvNet's older back end (Vivado HLS, 16 x 16 bits, sums of 30) after
// place and route, against the models here as they are and as the regression of `fit.hpp` corrects
// them. Another back end than the one of `fpgaconvnet/measured.hpp`: nothing of it is committed.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <hass/engine/dense_dot.hpp>
#include <hass/engine/resources/calibrated.hpp>
#include <hass/engine/resources/fit.hpp>
#include <hass/engine/resources/modules.hpp>

namespace {

using json = nlohmann::json;
namespace modules = hass::modules;

constexpr hass::precision width{16, 16, 30};

// A module or layer: what was measured, what the library says, and what a correction may use.
struct built_module {
    hass::usage measured{};
    hass::usage said{};
    std::vector<double> features;  // beside what is said and a constant
};

int of(const json& config, const char* field, int otherwise) {
    const auto at = config.find(field);
    return at == config.end() ? otherwise : at->get<int>();
}

hass::usage usage_of(const modules::module_cost& m) {
    return {m.dsp, m.lut, m.ff, m.bram18, 0.0, 0.0};
}

// Bits of the counters that step through a map.
double counter_bits(const json& c) {
    return hass::detail::bits_for(c.at("rows").get<std::int64_t>() *
                                  c.at("cols").get<std::int64_t>() *
                                  c.at("channels").get<std::int64_t>());
}

// One round of weights: `filters` / `wr_factor` filters are on chip; of several groups, one.
built_module layer(const json& c) {
    const int groups = of(c, "groups", 1), kernel = of(c, "kernel_size", 1), pad = of(c, "pad", 0);
    hass::layer_row row;
    row.in = {c.at("channels_in").get<int>() / groups, c.at("rows_in"), c.at("cols_in")};
    row.kernel_h = row.kernel_w = kernel;
    row.stride_h = row.stride_w = of(c, "stride", 1);
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = pad;
    row.out = {c.at("filters").get<int>() / of(c, "wr_factor", 1),
               hass::window_extent(row.in.height, kernel, row.stride_h, pad, pad),
               hass::window_extent(row.in.width, kernel, row.stride_w, pad, pad)};
    const hass::parallelism p{c.at("coarse_in"), c.at("coarse_out"), 1, c.at("fine"), 1};
    built_module b;
    b.said = hass::calibrated{}.dense(row, {p}, width);
    // multipliers, and words of windows that are handed on in turns
    b.features = {double(p.in * p.out * p.macs),
                  p.macs < hass::taps(row) ? double(p.in * hass::taps(row)) : 0.0};
    return b;
}

// nullopt: a kind that the library does not model.
std::optional<built_module> build(const std::string& kind, const json& c) {
    const int kernel = of(c, "kernel_size", 1);
    built_module b;
    if (kind == "convolution" || kind == "inner_product") return layer(c);
    if (kind == "sliding_window") {
        const int cols = c.at("cols").get<int>() + of(c, "pad_left", 0) + of(c, "pad_right", 0);
        b.said = usage_of(modules::sliding_window(cols, c.at("channels").get<int>(), kernel, kernel,
                                                  1, width.data));
    } else if (kind == "pool") {
        b.said = usage_of(modules::pool(kernel, kernel, 1, width.data));
        b.features = {kernel * kernel * double(hass::detail::bits_for(kernel * kernel))};
    } else if (kind == "relu") {
        b.said = usage_of(modules::relu());
        b.features = {counter_bits(c)};
    } else if (kind == "fork") {
        const int copies = c.at("coarse");
        b.said = usage_of(modules::fork(kernel * kernel, copies, 1, width.data));
        b.features = {double(kernel * kernel * copies), counter_bits(c)};
    } else if (kind == "glue") {
        b.said = usage_of(modules::glue(c.at("coarse_in").get<int>(), c.at("coarse_out").get<int>(),
                                        width.accumulator));
    } else if (kind == "squeeze") {
        b.said = hass::calibrated::squeeze(c.at("coarse_in").get<int>(),
                                           c.at("coarse_out").get<int>(), width.data);
    } else {
        return std::nullopt;
    }
    return b;
}

struct shared_rows {
    std::map<std::string, std::vector<built_module>> kinds;
    int unmodelled = 0;  // rows that were implemented
};

std::optional<shared_rows> rows_or_skip() {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    std::ifstream in(std::string(folder == nullptr ? "" : folder) +
                     "/fpgaconvnet_hls_modules.json");
    if (folder == nullptr || !in) {
        WARN("skipped: no fpgaconvnet_hls_modules.json in HASS_GOLDEN_DIR");
        return std::nullopt;
    }
    shared_rows all;
    const json file = json::parse(in);
    for (const json& r : file.at("rows")) {
        if (!r.at("implemented").get<bool>()) continue;
        std::string kind = r.at("name");
        std::optional<built_module> b = build(kind, r.at("config"));
        if (!b) {
            ++all.unmodelled;
            continue;
        }
        const json& m = r.at("impl");
        b->measured = {m.at("dsp"), m.at("lut"), m.at("ff"), m.at("bram"), 0.0, 0.0};
        if (kind == "inner_product") kind = "convolution";
        all.kinds[kind].push_back(*b);
    }
    return all;
}

// Mean error of a kind's corrected models on rows left out: a little above what they are on the
// shared rows (LUT, FF). 0: too few rows to correct anything.
struct limit {
    const char* kind;
    double lut, ff;
};
constexpr std::array<limit, 7> limits{{{"convolution", .22, .15},
                                       {"sliding_window", .15, .15},
                                       {"pool", .15, .12},
                                       {"relu", .06, .02},
                                       {"fork", .45, .15},
                                       {"glue", 0.0, 0.0},
                                       {"squeeze", 0.0, 0.0}}};

struct module_errors {
    hass::error_summary before{}, after{};
    double bias = 0.0;  // mean of the errors before
    bool corrected = false;
};

module_errors score(const std::vector<built_module>& rows, double hass::usage::*resource) {
    std::vector<hass::observation> data;
    std::vector<double> before;
    module_errors e;
    for (const built_module& b : rows) {
        const double measured = b.measured.*resource, said = b.said.*resource;
        hass::observation o{{said, 1.0}, measured, measured};
        o.features.insert(o.features.end(), b.features.begin(), b.features.end());
        data.push_back(o);
        before.push_back(said / measured - 1.0);
        e.bias += before.back() / static_cast<double>(rows.size());
    }
    e.before = hass::summary(before);
    std::vector<hass::coefficient_prior> priors(data.front().features.size());
    priors.front() = {1.0, 0.01};
    e.corrected = data.size() > priors.size();
    if (e.corrected) e.after = hass::summary(hass::leave_one_out(data, priors));
    return e;
}

}  // namespace

TEST_CASE("modules of the HLS back end, before and after correction", "[golden]") {
    const auto all = rows_or_skip();
    if (!all) return;
    std::printf("%-16s %5s  %-34s %-34s\n", "kind", "rows", "LUT before, left out (mean / worst)",
                "FF");
    for (const auto& of_kind : all->kinds) {
        const std::string& kind = of_kind.first;
        const std::vector<built_module>& rows = of_kind.second;
        INFO(kind);
        const auto at = std::find_if(limits.begin(), limits.end(),
                                     [&](const limit& l) { return l.kind == kind; });
        REQUIRE(at != limits.end());
        std::printf("%-16s %5zu", kind.c_str(), rows.size());
        for (const auto& [resource, most] :
             {std::pair{&hass::usage::lut, at->lut}, std::pair{&hass::usage::ff, at->ff}}) {
            const module_errors e = score(rows, resource);
            std::printf("  %+7.1f %%, ", 100 * e.bias);
            if (e.corrected)
                std::printf("%5.1f / %5.1f %%      ", 100 * e.after.mean, 100 * e.after.worst);
            else
                std::printf("too few to correct    ");
            if (most == 0.0) continue;
            REQUIRE(e.corrected);
            CHECK(e.after.mean <= most);
            CHECK(e.after.mean < e.before.mean);
        }
        std::printf("\n");
    }
    std::printf("%d implemented modules of kinds that are not modelled\n", all->unmodelled);
}

TEST_CASE("DSPs of the HLS back end's layers are exact", "[golden]") {
    const auto all = rows_or_skip();
    if (!all) return;
    const std::vector<built_module>& layers = all->kinds.at("convolution");
    REQUIRE(layers.size() >= 12);
    for (const built_module& b : layers) CHECK(b.said.dsp == b.measured.dsp);
}
