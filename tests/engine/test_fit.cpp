// The regression behind resource models from measurements.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <hass/engine/resources/fit.hpp>

#include "rows.hpp"

namespace {

using hass::coefficient_prior;
using hass::observation;

double loss(const std::vector<observation>& data, const std::vector<coefficient_prior>& priors,
            const std::vector<double>& c) {
    double sum = 0.0;
    for (const observation& o : data) sum += std::pow(hass::relative_error(o, c), 2);
    for (std::size_t j = 0; j < c.size(); ++j)
        sum += priors[j].pull * std::pow(c[j] - priors[j].value, 2);
    return sum;
}

std::vector<observation> drawn_data(draw::source& from, std::size_t rows, std::size_t features) {
    std::vector<observation> data(rows);
    for (observation& o : data) {
        for (std::size_t j = 0; j < features; ++j)
            o.features.push_back(std::pow(10.0, double(from.below(4))) * from.unit());
        o.measured = 10.0 + 1000.0 * from.unit();
        o.scale = o.measured;
    }
    return data;
}

}  // namespace

TEST_CASE("a fit finds the coefficients that made the data") {
    draw::source from{3};
    const std::vector<double> truth{0.8, 0.0, 104.0, 12.5};
    std::vector<observation> data = drawn_data(from, 12, truth.size());
    for (observation& o : data) o.scale = o.measured = hass::predicted(o, truth);
    const std::vector<coefficient_prior> none(truth.size());
    const std::vector<double> c = hass::fit(data, none);
    for (std::size_t j = 0; j < c.size(); ++j) CHECK(c[j] == Approx(truth[j]).margin(1e-8));
    CHECK(hass::summary(hass::leave_one_out(data, none)).worst < 1e-7);
}

TEST_CASE("no step that keeps coefficients above zero makes a fit better") {
    draw::source from{11};
    for (int trial = 0; trial < 200; ++trial) {
        const std::size_t features = 1 + static_cast<std::size_t>(from.below(6));
        const std::vector<observation> data =
            drawn_data(from, 2 + static_cast<std::size_t>(from.below(12)), features);
        std::vector<coefficient_prior> priors(features);
        for (coefficient_prior& p : priors) p = {from.unit(), 0.01 + from.unit()};
        const std::vector<double> c = hass::fit(data, priors);
        const double least = loss(data, priors, c);
        for (std::size_t j = 0; j < features; ++j) {
            REQUIRE(c[j] >= 0.0);
            for (const double step : {1e-4, -1e-4, 1e-2, -1e-2}) {
                std::vector<double> other = c;
                other[j] = std::max(0.0, c[j] + step);
                REQUIRE(loss(data, priors, other) >= least * (1.0 - 1e-9));
            }
        }
    }
}

TEST_CASE("what data cannot tell apart still gets a finite fit") {
    // two columns alike, one that never occurs, and fewer rows than coefficients
    const std::vector<observation> data{{{2.0, 2.0, 0.0}, 6.0, 6.0}, {{1.0, 1.0, 0.0}, 3.0, 3.0}};
    const std::vector<coefficient_prior> none(3);
    const std::vector<double> c = hass::fit(data, none);
    CHECK(c[0] + c[1] == Approx(3.0));
    CHECK(c[2] == 0.0);
    // a prior decides what they do not
    const std::vector<coefficient_prior> drawn{{1.0, 1e-3}, {}, {1.0, 0.5}};
    CHECK(hass::fit(data, drawn)[2] == Approx(1.0));
}

TEST_CASE("a prior holds on until data outweigh it") {
    const std::vector<coefficient_prior> prior{{1.0, 0.04}};
    const observation twice{{100.0}, 200.0, 200.0};
    std::vector<observation> data;
    double last = 1.0;
    for (int n = 1; n <= 100; n *= 10) {
        data.resize(static_cast<std::size_t>(n), twice);
        const double c = hass::fit(data, prior).front();
        // n / 4 (c - 2) + 0.04 (c - 1) = 0
        CHECK(c == Approx((0.5 * n + 0.04) / (0.25 * n + 0.04)));
        CHECK(c > last);
        last = c;
    }
}

TEST_CASE("groups are left out together, and an error names what is wrong") {
    // the second factor comes with the second half alone: it cannot be told without it
    std::vector<observation> data;
    for (int i = 1; i <= 4; ++i) data.push_back({{10.0 * i, 0.0}, 20.0 * i, 20.0 * i});
    for (int i = 1; i <= 4; ++i) data.push_back({{0.0, 10.0 * i}, 30.0 * i, 30.0 * i});
    const std::vector<coefficient_prior> priors{{1.0, 0.01}, {1.0, 0.01}};
    const std::vector<std::size_t> halves{0, 0, 0, 0, 1, 1, 1, 1};
    const std::vector<double> apart = hass::cross_validated(data, priors, halves);
    CHECK(apart[0] == Approx(-0.5));
    CHECK(apart[7] == Approx(-2.0 / 3.0));
    CHECK(hass::summary(hass::leave_one_out(data, priors)).worst < 0.02);

    data[5].features.pop_back();
    CHECK_THROWS_WITH(hass::fit(data, priors), Catch::Contains("observation 5 has 1 features"));
    data[5].features.push_back(std::numeric_limits<double>::quiet_NaN());
    CHECK_THROWS_WITH(hass::fit(data, priors), Catch::Contains("observation 5"));
}
