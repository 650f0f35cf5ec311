// Recomputes what a solution.json claims from the fields of its layers:
// check_solution <solution.json>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using nlohmann::json;

int failures = 0;

void check(bool holds, const std::string& where, const std::string& what) {
    if (holds) return;
    std::printf("%s: %s\n", where.c_str(), what.c_str());
    ++failures;
}

bool close(double a, double b) {
    return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)});
}

void check_layer(const std::string& where, const json& layer) {
    for (const char* share : {"weight_sparsity", "activation_sparsity", "pair_sparsity"}) {
        const double s = layer.at(share);
        check(s >= 0.0 && s <= 1.0, where, std::string(share) + " is no share");
    }
    for (const char* factor : {"in", "out", "macs", "shared", "pixels"})
        check(layer.at("parallelism").at(factor).get<int>() >= 1, where, "parallelism below 1");
    check(layer.at("tau_w").get<double>() >= 0.0 && layer.at("tau_a").get<double>() >= 0.0, where,
          "negative threshold");
}

void check_design(const std::string& name, const json& design, const json& budget) {
    const json& layers = design.at("layers");
    double slowest = 0.0;
    std::string bottleneck;
    for (const json& layer : layers) {
        check_layer(name + " " + layer.at("name").get<std::string>(), layer);
        const double cycles = layer.at("interval_cycles");
        if (cycles > slowest) slowest = cycles, bottleneck = layer.at("name");
    }
    const double interval = design.at("interval_cycles");
    const double mhz = design.at("mhz");
    const double link = design.at("link_cycles");
    check(close(interval, std::max(slowest, link)), name,
          "the interval is not that of the slowest layer or of the board's link");
    if (link > slowest) bottleneck = "board's bandwidth";
    check(design.at("bottleneck") == bottleneck, name, "the bottleneck is not the slowest layer");
    check(close(design.at("throughput_images_per_s"), mhz * 1e6 / interval), name,
          "throughput is not clock / interval");
    check(close(design.at("efficiency_images_per_cycle_per_dsp").get<double>() * interval *
                    design.at("dsp").get<double>(),
                1.0),
          name, "efficiency is not 1 / (interval * DSP)");
    check(design.at("top1").get<double>() >= 0.0 && design.at("top1").get<double>() <= 1.0, name,
          "top1 is no share");
    for (const char* resource : {"dsp", "lut", "ff", "bram18", "uram", "bandwidth_gbps"}) {
        double sum = 0.0;
        for (const json& layer : layers) sum += layer.at(resource).get<double>();
        if (std::string(resource) == "bandwidth_gbps")
            sum += design.at("images_gbps").get<double>();
        else
            sum += design.at("between").at(resource).get<double>();
        const double total = design.at(resource);
        // block RAMs that the board lacks are built from LUTs
        const double built = design.at("bram18_from_lut");
        if (std::string(resource) == "bram18") sum -= built;
        if (std::string(resource) == "lut" && built > 0.0) sum += 288.0 * built;
        check(close(sum, total), name,
              std::string(resource) + " is not the sum of the layers' and of what is between them");
        check(total <= budget.at(resource).get<double>(), name,
              std::string(resource) + " is over budget");
    }
}

}  // namespace

int main(int argc, char** argv) try {
    const json solution = json::parse(std::ifstream(argc > 1 ? argv[1] : "solution.json"));
    for (const char* field : {"network", "device", "engine", "optimizer", "seed", "trials"})
        check(solution.contains(field), "solution", std::string("no ") + field);
    for (const char* design : {"dense", "activation_only", "software_only", "hardware_aware"})
        check_design(design, solution.at(design), solution.at("budget"));
    check(!solution.at("pareto").empty(), "pareto", "is empty");
    return failures == 0 ? 0 : 1;
} catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
}
