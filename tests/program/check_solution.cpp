// Recomputes what a solution.json claims from the fields of its layers:
// check_solution <solution.json>
// or compares a price with a run on a board that has more of the resource:
// check_solution <solution.json> <solution.json of that run> <resource>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

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

/// With --bits every design says how good the network in integers is, a count of images as top-1 is;
/// without, or where a network has no integers, it does not.
void check_integers(const std::string& name, const json& design, const json& solution) {
    const bool asked = solution.at("fixed_point_emulated").get<bool>() || solution.contains("rtl");
    if (!asked || !solution.at("no_integers").is_null()) {
        check(asked || !design.contains("top1_in_integers"), name, "integers nobody asked for");
        return;
    }
    const double score = design.at("top1_in_integers");
    const double images = solution.at("images").get<double>() * score;
    check(score >= 0.0 && score <= 1.0 && std::abs(images - std::round(images)) < 1e-6, name,
          "top1_in_integers is no share of images");
    // one image in fifty: scales that are wrong cost more
    check(std::abs(score - design.at("top1").get<double>()) <= 0.02, name,
          "in integers the network answers something else");
}

/// What stands beside the designs, as far as the designs say it too.
void check_evidence(const json& solution) {
    const json& last = solution.at("hardware_aware");
    const json& natural = solution.at("activation_only").at("layers");
    for (std::size_t i = 0; i < natural.size(); ++i)
        for (const int from : natural[i].at("inputs").get<std::vector<int>>())
            check(from >= -1 && from < static_cast<int>(i), "inputs", "come from a later stage");
    std::size_t row = 0;
    const bool measured = solution.at("dense").contains("top1_interval");
    for (const json& m : solution.at("magnitudes")) {
        while (natural.at(row).at("name") != m.at("name")) ++row;
        const double zeros = m.at("weights").at("zeros");
        // of recorded statistics the page has the distribution, which is kept in steps of 2^-14
        check(measured ? close(zeros, natural[row].at("weight_sparsity"))
                       : std::abs(zeros - natural[row].at("weight_sparsity").get<double>()) < 1e-4,
              "magnitudes", "weights have other zeros than nothing clipped leaves");
        for (const char* tensor : {"weights", "activations"}) {
            const std::vector<double> q = m.at(tensor).at("quantiles");
            check(std::is_sorted(q.begin(), q.end()), "magnitudes", "quantiles are not in order");
        }
    }
    for (const json& search : solution.at("searches")) {
        double best = -1e300;
        for (const auto& [trial, value] :
             search.at("best_so_far").get<std::vector<std::pair<int, double>>>()) {
            check(value > best, "searches", "what is best so far is no better than before");
            best = value;
        }
    }
    const double now = last.at("throughput_images_per_s");
    for (const json& price : solution.at("prices")) {
        const double gain = price.at("gain");
        check(gain >= 0.0 && gain <= price.at("gain_at_most").get<double>(), "prices",
              "the gain is beyond what is proved");
        check(close(price.at("images_per_s"), now * (1.0 + gain)), "prices",
              "the gain is not over the design's images/s");
    }
    for (const json& board : solution.at("boards"))
        if (board.at("device") == solution.at("device")) {
            check(close(board.at("images_per_s"), now), "boards", "this one gives other images/s");
            check(close(board.at("dense_images_per_s"),
                        solution.at("dense").at("throughput_images_per_s")),
                  "boards", "this one gives other images/s when dense");
        }
    check(close(last.at("upper_bound_images_per_s"), now * (1.0 + last.at("gap").get<double>())),
          "hardware_aware", "the gap is not that to the bound");
}

/// One per cent more of a resource, priced in one run and had in the other.
void check_price(const json& priced, const json& richer, const std::string& resource) {
    for (const json& price : priced.at("prices"))
        if (price.at("resource") == resource && price.at("more") == 0.01)
            return check(close(price.at("images_per_s"),
                               richer.at("hardware_aware").at("throughput_images_per_s")),
                         "price of " + resource, "is not what a board with that much gives");
    check(false, "price of " + resource, "is not there");
}

}  // namespace

int main(int argc, char** argv) try {
    const json solution = json::parse(std::ifstream(argc > 1 ? argv[1] : "solution.json"));
    if (argc > 3) {
        check_price(solution, json::parse(std::ifstream(argv[2])), argv[3]);
        return failures == 0 ? 0 : 1;
    }
    for (const char* field : {"network", "device", "engine", "optimizer", "seed", "trials"})
        check(solution.contains(field), "solution", std::string("no ") + field);
    for (const char* design : {"dense", "activation_only", "software_only", "hardware_aware"})
        if (const json& d = solution.at(design); !d.is_null()) {  // of a search that was asked for
            check_design(design, d, solution.at("budget"));
            check_integers(design, d, solution);
        } else {
            check(std::string(design) == "software_only", design, "is not there");
        }
    check(!solution.at("pareto").empty(), "pareto", "is empty");
    check_evidence(solution);
    return failures == 0 ? 0 : 1;
} catch (const std::exception& e) {
    std::printf("%s\n", e.what());
    return 1;
}
