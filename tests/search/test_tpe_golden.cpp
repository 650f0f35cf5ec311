// Densities, splits and tables recorded from Optuna 5.0.0.dev and 4.9.0, against this TPE.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

namespace {

using nlohmann::json;

json golden(const std::string& file) {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    const std::string path = std::string(folder != nullptr ? folder : HASS_TEST_DATA) + "/" + file;
    std::ifstream in(path);
    INFO("golden file " << path);
    REQUIRE(in.good());
    return json::parse(in);
}

hass::space space_from(const json& described, std::vector<std::string>& names) {
    std::vector<hass::axis> axes;
    for (const auto& [name, range] : described.items()) {
        names.push_back(name);
        const double low = range.at("low");
        const double high = range.at("high");
        axes.push_back(range.at("log").get<bool>() ? hass::log_axis(name, low, high)
                                                   : hass::real_axis(name, low, high));
    }
    return hass::space(axes);
}

std::vector<double> point_from(const json& params, const std::vector<std::string>& names) {
    std::vector<double> point;
    for (const auto& name : names) point.push_back(params.at(name));
    return point;
}

// Replays the recorded trials in order of number, so that ours get the recorded numbers.
template <class Tpe>
void replay(Tpe& tpe, const json& recorded, const std::vector<std::string>& names) {
    std::vector<hass::direction> directions;
    for (const auto& d : recorded.at("directions"))
        directions.push_back(d == "maximize" ? hass::direction::maximise
                                             : hass::direction::minimise);
    for (const auto& t : recorded.at("trials")) {
        const hass::trial adopted = tpe.adopt(point_from(t.at("params"), names));
        REQUIRE(adopted.number == t.at("number").get<std::uint64_t>());
        if (t.at("state") == "RUNNING") continue;
        if (t.at("state") == "FAIL") {
            tpe.tell(adopted, hass::outcome::failed("recorded"));
            continue;
        }
        REQUIRE(t.at("state") == "COMPLETE");
        std::vector<double> constraints;
        if (!t.at("constraints").is_null())
            constraints = t.at("constraints").get<std::vector<double>>();
        tpe.tell(adopted,
                 hass::outcome::constrained(t.at("values").get<std::vector<double>>(), constraints)
                     .flipped(directions));
    }
}

template <class Mixture>
void check_mixture(const Mixture& mixture, const json& recorded,
                   const std::vector<std::string>& names, std::size_t first_axis) {
    const auto weights = recorded.at("weights").template get<std::vector<double>>();
    REQUIRE(mixture.size() == weights.size());
    for (std::size_t k = 0; k < weights.size(); ++k)
        CHECK(mixture.weights()[k] == Approx(weights[k]).epsilon(1e-12));
    for (const auto& [name, dim] : recorded.at("dims").items()) {
        const auto axis =
            static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
        REQUIRE(axis >= first_axis);
        const auto mu = dim.at("mu").template get<std::vector<double>>();
        const auto sigma = dim.at("sigma").template get<std::vector<double>>();
        for (std::size_t k = 0; k < weights.size(); ++k) {
            CHECK(mixture.mean(axis, k) == Approx(mu[k]).epsilon(1e-12));
            CHECK(mixture.sigma(axis, k) == Approx(sigma[k]).epsilon(1e-12));
        }
    }
}

// The largest difference to the recorded log-densities, and the arg-max of the ratio.
void check_densities(const std::vector<double>& l, const std::vector<double>& g,
                     const json& recorded) {
    std::size_t best = 0;
    for (std::size_t q = 0; q < l.size(); ++q) {
        CHECK(std::fabs(l[q] - recorded.at("log_l")[q].get<double>()) < 1e-10);
        CHECK(std::fabs(g[q] - recorded.at("log_g")[q].get<double>()) < 1e-10);
        if (l[q] - g[q] > l[best] - g[best]) best = q;
    }
    CHECK(best == recorded.at("argmax").get<std::size_t>());
}

template <class Tpe>
void check_case(const json& recorded, bool multivariate, hass::tpe_front_weights front_weights) {
    std::vector<std::string> names;
    const hass::space where = space_from(recorded.at("space"), names);
    const std::string how = multivariate ? "multivariate" : "univariate";
    REQUIRE(!recorded.at("modes").empty());
    if (!recorded.at("modes").contains(how)) return;  // recorded the other way only
    const json& mode = recorded.at("modes").at(how);
    hass::tpe_options options;
    options.model = multivariate ? hass::tpe_model::multivariate : hass::tpe_model::univariate;
    options.front_weights = front_weights;
    Tpe tpe(where, 0, options);
    replay(tpe, recorded, names);

    CHECK(tpe.finished() == mode.at("n_finished").get<std::size_t>());
    const auto sets = tpe.split();
    CHECK(sets.good == mode.at("below").get<std::vector<std::size_t>>());
    CHECK(sets.bad == mode.at("above").get<std::vector<std::size_t>>());
    CHECK(sets.good.size() == mode.at("n_below").get<std::size_t>());

    std::vector<std::vector<double>> queries;  // in model coordinates
    for (const auto& q : recorded.at("queries")) {
        auto point = point_from(q, names);
        for (std::size_t d = 0; d < point.size(); ++d) point[d] = where[d].to_model(point[d]);
        queries.push_back(point);
    }
    if (multivariate) {
        check_mixture(tpe.good(), mode.at("l"), names, 0);
        check_mixture(tpe.bad(), mode.at("g"), names, 0);
        std::vector<double> l;
        std::vector<double> g;
        for (const auto& q : queries) {
            l.push_back(tpe.good().log_density(q));
            g.push_back(tpe.bad().log_density(q));
        }
        check_densities(l, g, mode);
        return;
    }
    for (std::size_t d = 0; d < names.size(); ++d) {
        const json& dim = mode.at("per_dim").at(names[d]);
        check_mixture(tpe.good(), dim.at("l"), names, 0);
        check_mixture(tpe.bad(), dim.at("g"), names, 0);
        std::vector<double> l;
        std::vector<double> g;
        for (const auto& q : queries) {
            l.push_back(tpe.good().log_density(d, q[d]));
            g.push_back(tpe.bad().log_density(d, q[d]));
        }
        check_densities(l, g, dim);
    }
}

}  // namespace

TEST_CASE("TPE has the densities, sets and arg-max of Optuna 5.0", "[golden][tpe]") {
    const json recorded = golden("tpe_densities.json").at("5.0.0.dev");
    REQUIRE(!recorded.at("cases").empty());
    for (const auto& one : recorded.at("cases")) {
        DYNAMIC_SECTION(one.at("name").get<std::string>()) {
            check_case<hass::tpe<>>(one, false, hass::tpe_front_weights::equal);
            check_case<hass::tpe<>>(one, true, hass::tpe_front_weights::equal);
        }
    }
}

TEST_CASE("TPE has the densities, sets and arg-max of Optuna 4.9", "[golden][tpe]") {
    const json recorded = golden("tpe_densities.json").at("4.9.0");
    REQUIRE(!recorded.at("cases").empty());
    for (const auto& one : recorded.at("cases")) {
        DYNAMIC_SECTION(one.at("name").get<std::string>()) {
            check_case<hass::tpe<hass::gamma_tenth_capped>>(one, false,
                                                            hass::tpe_front_weights::contribution);
            check_case<hass::tpe_optuna_4>(one, true, hass::tpe_front_weights::contribution);
        }
    }
}

TEST_CASE("gamma and weights agree with the recorded tables", "[golden][tpe]") {
    const json file = golden("tpe_densities.json");
    for (const char* version : {"5.0.0.dev", "4.9.0"}) {
        const json& recorded = file.at(version);
        for (const auto& [n, sizes] : recorded.at("default_gamma_hyperopt_gamma_mo").items()) {
            const std::size_t count = std::stoul(n);
            CHECK(hass::gamma_tenth{}(count, 1) == sizes[0].get<std::size_t>());
            CHECK(hass::gamma_tenth_capped{}(count, 1) == sizes[0].get<std::size_t>());
            CHECK(hass::gamma_root{}(count, 1) == sizes[1].get<std::size_t>());
            if (sizes.size() > 2)
                CHECK(hass::gamma_tenth{}(count, 2) == sizes[2].get<std::size_t>());
        }
        for (const auto& [n, weights] : recorded.at("default_weights").items()) {
            std::vector<double> ours(std::stoul(n));
            hass::recency_weights{}(ours);
            REQUIRE(ours.size() == weights.size());
            for (std::size_t i = 0; i < ours.size(); ++i)
                CHECK(ours[i] == Approx(weights[i].get<double>()).epsilon(1e-14));
        }
    }
}

TEST_CASE("truncated normals agree with the recorded tables", "[golden][tpe]") {
    const json file = golden("tpe_densities.json");
    for (const char* version : {"5.0.0.dev", "4.9.0"}) {
        for (const auto& one : file.at(version).at("truncnorm")) {
            const double a = one.at("a");
            const double b = one.at("b");
            INFO("[" << a << ", " << b << "]");
            CHECK(hass::log_normal_mass(a, b) ==
                  Approx(one.at("log_mass").get<double>()).epsilon(1e-11));
            for (std::size_t i = 0; i < one.at("q").size(); ++i) {
                const double q = one.at("q")[i];
                const double ppf = one.at("ppf")[i];
                INFO("q " << q);
                // The recorded inverse itself is only good to 1e-15 absolute where it is near 0.
                CHECK(std::fabs(hass::truncated_normal_quantile(a, b, q) - ppf) <=
                      1e-15 + 1e-10 * std::fabs(ppf));
            }
        }
    }
}
