// Stands in for a synthesis tool, and checks what its figures became.
//     as_built report <solution.json> <utilization.rpt>   LUTs are 1.5 x the solution's and 1 % off
//                                                         to either side, the rest as it says
//     as_built names <solution.json> <measured.csv>       the same LUTs and FFs by name
//     as_built check <solution.json> <mine.json> <solution.json under mine.json>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <hass/engine/resources/resource_file.hpp>
#include <hass/engine/resources/utilization_report.hpp>
#include <hass/files/csv.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using json = nlohmann::json;

json read(const std::string& path) {
    std::ifstream in(path);
    return json::parse(in);
}

struct stage {
    std::string name;
    long lut = 0;
    double ff = 0.0, bram18 = 0.0, dsp = 0.0;
};

std::vector<stage> built(const std::string& solution) {
    std::vector<stage> stages;
    const json file = read(solution);
    for (const json& l : file.at("hardware_aware").at("layers")) {
        if (l.at("kind") == "flatten") continue;
        const double off = 0.01 * (static_cast<double>(stages.size() % 3) - 1.0);
        const double luts = 1.5 * l.at("lut").get<double>() * (1.0 + off);
        stages.push_back(
            {l.at("name"), std::lround(luts), l.at("ff"), l.at("bram18"), l.at("dsp")});
    }
    return stages;
}

int report(const std::string& solution, const std::string& path) {
    std::ofstream out(path);
    out << "Utilization Design Information\n\n+---+\n"
        << "| Instance | Module | Total LUTs | Logic LUTs | FFs | RAMB36 | RAMB18 | DSP Blocks |\n"
        << "+---+\n| top | (top) | 9 | 9 | 9 | 0 | 0 | 9 |\n";
    for (const stage& s : built(solution))
        out << "|   " << hass::instance_name(s.name) << " | m | " << s.lut << " | 1 | " << s.ff
            << " | 0 | " << s.bram18 << " | " << s.dsp << " |\n";
    return out.flush() ? 0 : 2;
}

int names(const std::string& solution, const std::string& path) {
    std::ofstream out(path);
    out << "ff,name,lut\n";
    for (const stage& s : built(solution))
        out << s.ff << ',' << hass::csv_field(s.name) << ',' << s.lut << '\n';
    return out.flush() ? 0 : 2;
}

int check(const std::string& plain, const std::string& mine, const std::string& corrected) {
    const hass::resource_file file = hass::read_resource_file(mine);
    const json before = read(plain).at("dense").at("layers");
    const json after = read(corrected).at("dense").at("layers");
    int compared = 0, wrong = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const json &a = before[i], &b = after[i];
        if (a.at("engine") != "dense" || a.at("parallelism") != b.at("parallelism") ||
            a.at("weight_memory") != b.at("weight_memory"))
            continue;
        ++compared;
        const json& p = a.at("parallelism");
        const hass::parallelism folding{p.at("in"), p.at("out"), p.at("group"), p.at("macs"),
                                        p.at("vector")};
        const auto& of = file.measured.table.of[hass::dense_module];
        const double lut = of[hass::lut_index].measurements == 0
                               ? a.at("lut").get<double>()
                               : of[hass::lut_index].of(a.at("lut"), hass::size_of(true, folding));
        if (std::abs(b.at("lut").get<double>() - lut) > 1e-6 * lut || a.at("ff") != b.at("ff"))
            ++wrong,
                std::printf("layer %zu: %s LUTs, not %.1f\n", i, b.at("lut").dump().c_str(), lut);
    }
    std::printf("%d layers compared, %d wrong\n", compared, wrong);
    return compared > 0 && wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "report" && argc == 4) return report(argv[2], argv[3]);
    if (what == "names" && argc == 4) return names(argv[2], argv[3]);
    if (what == "check" && argc == 5) return check(argv[2], argv[3], argv[4]);
    return 2;
}
