// How good the optimizers are against recorded runs of their peers. Hidden: takes a minute; run
// with
//     hass_test_search "[quality]"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <hass/search/cma_es.hpp>
#include <hass/search/composite.hpp>
#include <hass/search/gaussian_process.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/pareto.hpp>
#include <hass/search/tpe.hpp>

namespace {

// Catch runs hidden tests too when it is given exclusions only, hence a variable.
bool asked_for() {
    if (std::getenv("HASS_QUALITY") != nullptr) return true;
    WARN("skipped: takes minutes, set HASS_QUALITY=1");
    return false;
}

using nlohmann::json;
using function = std::function<double(std::span<const double>)>;
constexpr double pi = 3.14159265358979323846;
constexpr std::array<int, 3> budgets{96, 200, 500};

json read(const std::string& name) {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    const std::string path = std::string(folder != nullptr ? folder : HASS_TEST_DATA) + name;
    std::ifstream in(path);
    INFO("golden file " << path);
    REQUIRE(in.good());
    return json::parse(in);
}

const json& recorded() {
    static const json file = read("/search_quality.json");
    return file;
}

std::vector<double> numbers(const json& j) {
    return j.get<std::vector<double>>();
}

function make_function(const std::string& name) {
    const json& d = recorded().at("functions").at(name);
    if (name == "rosenbrock5")
        return [](std::span<const double> x) {
            double sum = 0.0;
            for (std::size_t i = 0; i + 1 < x.size(); ++i)
                sum += 100.0 * std::pow(x[i + 1] - x[i] * x[i], 2) + std::pow(1.0 - x[i], 2);
            return sum;
        };
    if (name == "hartmann6")
        return [a = d.at("A").get<std::vector<std::vector<double>>>(),
                p = d.at("P").get<std::vector<std::vector<double>>>(),
                al = numbers(d.at("al"))](std::span<const double> x) {
            double sum = 0.0;
            for (std::size_t i = 0; i < 4; ++i) {
                double e = 0.0;
                for (std::size_t j = 0; j < 6; ++j) e += a[i][j] * std::pow(x[j] - p[i][j], 2);
                sum -= al[i] * std::exp(-e);
            }
            return sum;
        };
    if (name == "hass40")
        return [s = numbers(d.at("s")), c = numbers(d.at("c"))](std::span<const double> x) {
            double accuracy = 1.0;
            double slowest = 0.0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                accuracy -= s[i] * x[i] * x[i] * x[i];
                slowest = std::max(slowest, c[i] * (1.0 - 0.9 * x[i]));
            }
            return -(accuracy + 0.3 / slowest);
        };
    return [name, o = numbers(d.at("o"))](std::span<const double> x) {
        double square = 0.0;
        double wave = 0.0;
        const double n = static_cast<double>(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double z = x[i] - o[i];
            square += z * z;
            wave += std::cos(2.0 * pi * z);
        }
        if (name == "sphere5") return square;
        if (name == "rastrigin10") return 10.0 * n + square - 10.0 * wave;
        return -20.0 * std::exp(-0.2 * std::sqrt(square / n)) - std::exp(wave / n) + 20.0 +
               std::exp(1.0);
    };
}

hass::space make_space(const std::string& name) {
    const json& d = recorded().at("functions").at(name);
    std::vector<hass::axis> axes;
    for (int i = 0; i < d.at("d").get<int>(); ++i)
        axes.push_back(
            hass::real_axis(std::string("x").append(std::to_string(i)), d.at("low"), d.at("high")));
    return hass::space(axes);
}

double quantile(std::vector<double> values, double p) {
    std::sort(values.begin(), values.end());
    const double at = p * static_cast<double>(values.size() - 1);
    const auto i = static_cast<std::size_t>(at);
    const std::size_t next = std::min(i + 1, values.size() - 1);
    return values[i] + (at - static_cast<double>(i)) * (values[next] - values[i]);
}

// Best value after each budget, one row a budget, over `seeds` seeds.
template <class Make>
std::array<std::vector<double>, 3> best_values(const std::string& name, Make make, int seeds,
                                               int trials = 500) {
    const function f = make_function(name);
    std::array<std::vector<double>, 3> best;
    for (int seed = 0; seed < seeds; ++seed) {
        auto optimizer = make(make_space(name), static_cast<std::uint64_t>(seed));
        double least = 1e300;
        for (int t = 1; t <= trials; ++t) {
            const auto trial = optimizer.ask();
            const double value = f(trial->point);
            optimizer.tell(*trial, hass::outcome::ok(value));
            least = std::min(least, value);
            for (std::size_t b = 0; b < budgets.size(); ++b)
                if (t == budgets[b]) best[b].push_back(least);
        }
    }
    return best;
}

// Chance that `ours` would rank as high above `theirs` as it does, were both the same (Mann and
// Whitney, one-sided; normal approximation, ties count half). Small: ours are worse.
double same_chance(const std::vector<double>& ours, const std::vector<double>& theirs) {
    double above = 0.0;
    for (const double a : ours)
        for (const double b : theirs) above += a > b ? 1.0 : a == b ? 0.5 : 0.0;
    const auto n = static_cast<double>(ours.size());
    const auto m = static_cast<double>(theirs.size());
    const double z = (above - 0.5 * n * m) / std::sqrt(n * m * (n + m + 1.0) / 12.0);
    return 0.5 * std::erfc(z / std::sqrt(2.0));
}

template <class Make>
void compare(const std::string& ours, const std::string& peer, Make make, int seeds = 20) {
    double chances = 0.0;
    for (const char* name :
         {"sphere5", "rosenbrock5", "rastrigin10", "hartmann6", "ackley10", "hass40"}) {
        const auto best = best_values(name, make, seeds);
        const json& theirs = recorded().at("single_objective").at(name).at(peer);
        for (std::size_t b = 0; b < budgets.size(); ++b) {
            const json& row = theirs.at("b" + std::to_string(budgets[b]));
            const double median = quantile(best[b], 0.5);
            const double chance = same_chance(best[b], numbers(row.at("values")));
            std::printf("| %s | %s | %d | %.4g / %.4g / %.4g | %.4g / %.4g / %.4g | %.2f |\n",
                        ours.c_str(), name, budgets[b], quantile(best[b], 0.25), median,
                        quantile(best[b], 0.75), row.at("q1").get<double>(),
                        row.at("median").get<double>(), row.at("q3").get<double>(), chance);
            INFO(ours << " on " << name << " after " << budgets[b] << ", chance " << chance);
            // The quartile ranges meet or ours is lower, and by ranks ours are not worse either, at
            // 1 % over the 18 comparisons.
            CHECK(quantile(best[b], 0.25) <= row.at("q3").get<double>());
            CHECK(chance >= 0.01 / 18);
            chances += chance;
        }
    }
    // And all in all: of equals it is a half on average.
    INFO(ours << ", mean chance " << chances / 18);
    CHECK(chances / 18 >= 0.3);
}

template <class Make>
double front_volume(const std::string& name, Make make, int trials = 200) {
    std::vector<double> volumes;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        auto optimizer = make(make_space(name), seed);
        std::vector<std::vector<double>> points;
        for (int t = 0; t < trials; ++t) {
            const auto trial = optimizer.ask();
            const auto& x = trial->point;
            double g = 1.0;
            for (std::size_t i = 1; i < x.size(); ++i)
                g += 9.0 * x[i] / static_cast<double>(x.size() - 1);
            const double ratio = x[0] / g;
            points.push_back(
                {x[0], g * (1.0 - (name == "zdt1_10" ? std::sqrt(ratio) : ratio * ratio))});
            optimizer.tell(*trial, hass::outcome::ok(points.back()));
        }
        volumes.push_back(hass::hypervolume(points, std::vector<double>{11.0, 11.0}));
    }
    std::cout << name << " hypervolume: " << quantile(volumes, 0.25) << " "
              << quantile(volumes, 0.5) << " " << quantile(volumes, 0.75) << "\n";
    return quantile(volumes, 0.5);
}

}  // namespace

TEST_CASE("TPE is not worse than Optuna's", "[.][quality]") {
    if (!asked_for()) return;
    compare("tpe", "tpe_mv (5.0.0.dev)", [](hass::space where, std::uint64_t seed) {
        return hass::tpe<>(std::move(where), seed);
    });
}

TEST_CASE("univariate TPE is not worse than Optuna's", "[.][quality]") {
    if (!asked_for()) return;
    const auto make = [](hass::space where, std::uint64_t seed) {
        hass::tpe_options options;
        options.model = hass::tpe_model::univariate;
        return hass::tpe<>(std::move(where), seed, options);
    };
    compare("tpe-univariate", "tpe_uni (5.0.0.dev)", make, 100);
}

TEST_CASE("CMA-ES is not worse than its peer", "[.][quality]") {
    if (!asked_for()) return;
    compare("cma-es", "cmaes (3.1.0)", [](hass::space where, std::uint64_t seed) {
        return hass::cma_es(std::move(where), seed);
    });
}

TEST_CASE("composite search comes near the optimum of hass40 within 96 trials", "[.][quality]") {
    if (!asked_for()) return;
    const std::vector<double> c = numbers(recorded().at("functions").at("hass40").at("c"));
    const auto known = [&c](std::span<const double> x) {
        double slowest = 0.0;
        for (std::size_t i = 0; i < x.size(); ++i)
            slowest = std::max(slowest, c[i] * (1.0 - 0.9 * x[i]));
        return -0.3 / slowest;
    };
    const auto best = best_values(
        "hass40",
        [&known](hass::space where, std::uint64_t seed) {
            return hass::composite(std::move(where), seed, known);
        },
        20, 96);
    std::cout << "composite hass40 96: " << quantile(best[0], 0.25) << " " << quantile(best[0], 0.5)
              << " " << quantile(best[0], 0.75) << "\n";
    CHECK(quantile(best[0], 0.5) <= -1.38);
}

TEST_CASE("the Gaussian process is not worse than Optuna's GPSampler", "[.][quality]") {
    if (!asked_for()) return;
    const auto make = [](hass::space where, std::uint64_t seed) {
        return hass::gaussian_process<>(std::move(where), seed);
    };
    const json peer = read("/search_quality_gp.json");
    std::array<int, 2> better{};
    for (const char* name :
         {"sphere5", "rosenbrock5", "rastrigin10", "hartmann6", "ackley10", "hass40"}) {
        const auto best = best_values(name, make, 20, 200);
        for (std::size_t b = 0; b < 2; ++b) {
            const json& row =
                peer.at("single_objective").at(name).at("b" + std::to_string(budgets[b]));
            const double median = quantile(best[b], 0.5);
            std::printf(
                "| gaussian-process | %s | %d | %.4g / %.4g / %.4g | %.4g / %.4g / %.4g |\n", name,
                budgets[b], quantile(best[b], 0.25), median, quantile(best[b], 0.75),
                row.at("q1").get<double>(), row.at("median").get<double>(),
                row.at("q3").get<double>());
            INFO(name << " after " << budgets[b]);
            CHECK(median <= row.at("q3").get<double>());
            better[b] += median < row.at("median").get<double>() ? 1 : 0;
            if (std::string(name) == "hass40") CHECK(median <= (b == 0 ? -1.34 : -1.38));
        }
    }
    CHECK(better[0] >= 3);
    CHECK(better[1] >= 3);
    for (const char* name : {"zdt1_10", "zdt2_10"})
        CHECK(front_volume(name, make, 100) >=
              peer.at("multi_objective").at(name).at("median").get<double>());
}

TEST_CASE("fronts of ZDT1 and ZDT2 cover as much as the best peer's", "[.][quality]") {
    if (!asked_for()) return;
    const auto nsga2 = [](hass::space where, std::uint64_t seed) {
        return hass::nsga2(std::move(where), seed);
    };
    const auto tpe = [](hass::space where, std::uint64_t seed) {
        return hass::tpe<>(std::move(where), seed);
    };
    std::cout << "nsga2 ";
    CHECK(front_volume("zdt1_10", nsga2) >= 110.1);
    std::cout << "nsga2 ";
    CHECK(front_volume("zdt2_10", nsga2) >= 97.9);
    std::cout << "tpe ";
    CHECK(front_volume("zdt1_10", tpe) >= 108.0);  // Optuna 5: 108.6, quartiles 106.8 to 111.2
    std::cout << "tpe ";
    CHECK(front_volume("zdt2_10", tpe) >= 97.0);  // Optuna 5: 97.1
}
