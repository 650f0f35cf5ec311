// Axes, spaces, and spaces reflected from a struct.

#include <boost/hana/adapt_struct.hpp>
#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include <hass/search/reflect.hpp>
#include <hass/search/space.hpp>

using Catch::Matchers::Contains;

namespace {

struct knobs {
    hass::real_knob threshold{.low = 0.0, .high = 0.5, .value = 0.25};
    hass::real_knob rate{.low = 1e-4, .high = 1.0, .log = true};
    hass::integer_knob macs{.low = 1, .high = 16};
    hass::choice_knob engine{.choices = {"spe", "dense"}};
    hass::switch_knob clip;
};

}  // namespace

BOOST_HANA_ADAPT_STRUCT(knobs, threshold, rate, macs, engine, clip);

TEST_CASE("axes map the unit interval onto their values", "[space]") {
    const auto real = hass::real_axis("x", -2.0, 6.0);
    CHECK(real.at(0.0) == -2.0);
    CHECK(real.at(0.5) == 2.0);
    CHECK(real.cardinality() == 0);
    const auto log = hass::log_axis("x", 1e-4, 1.0);
    CHECK(log.at(0.5) == Approx(1e-2).epsilon(1e-14));
    CHECK(log.at(0.0) == Approx(1e-4).epsilon(1e-15));
    CHECK(log.at(0.0) >= 1e-4);  // exp(log()) may round outside
    const auto stepped = hass::stepped_axis("x", 0.0, 1.1, 0.25);
    CHECK(stepped.high == 1.0);
    CHECK(stepped.cardinality() == 5);
    CHECK(stepped.at(0.999) == 1.0);
    CHECK(stepped.at(0.3) == 0.25);
    const auto integer = hass::integer_axis("n", 1, 10, 3);
    CHECK(integer.cardinality() == 4);
    CHECK(integer.high == 10.0);
    CHECK(integer.snap(5.0) == 4.0);
    CHECK(integer.snap(99.0) == 10.0);
    CHECK(integer.snap(std::numeric_limits<double>::quiet_NaN()) == 1.0);
    const auto log_integer = hass::integer_axis("n", 1, 1024, 1, true);
    CHECK(log_integer.at(0.5) == 23.0);  // sqrt(0.5 * 1024.5) = 22.6
    const auto category = hass::categorical_axis("c", {"a", "b", "c"});
    CHECK(category.cardinality() == 3);
    CHECK(category.at(0.99) == 2.0);
    CHECK(category.text(1.0) == "b");
    CHECK(category.parse("c") == 2.0);
    CHECK_THROWS_WITH(hass::categorical_axis("c", {"relu", "gelu"}).parse("relo"),
                      Contains("did you mean 'relu'"));
    CHECK(real.parse("1.5") == 1.5);
    CHECK_THROWS_WITH(real.parse("1.5x"), Contains("not a number"));
    CHECK_THROWS_WITH(real.parse("7"), Contains("outside [-2, 6]"));
}

TEST_CASE("a wrong axis is refused by name", "[space]") {
    using hass::space;
    const auto refused = [](hass::axis a, const std::string& why) {
        CHECK_THROWS_WITH(space({std::move(a)}), Contains(why));
    };
    refused(hass::real_axis("", 0.0, 1.0), "has no name");
    refused(hass::real_axis("x", 1.0, 0.0), "axis 'x': low 1 is above high 0");
    hass::axis wide = hass::integer_axis("n", 0, 1);
    wide.high = 1e300;
    refused(wide, "axis 'n': an integer range reaches beyond 2^53");
    CHECK(hass::stepped_axis("s", 0.0, 1e300, 1e-300).cardinality() == ~std::uint64_t{0});
    refused(hass::real_axis("x", 0.0, std::numeric_limits<double>::infinity()), "not finite");
    refused(hass::real_axis("x", std::numeric_limits<double>::quiet_NaN(), 1.0), "not finite");
    refused(hass::log_axis("x", 0.0, 1.0), "log scale needs low above 0");
    refused(hass::stepped_axis("x", 0.0, 1.0, -0.5), "step is negative");
    refused(hass::integer_axis("n", 0, 4, 0), "integer step is below 1");
    refused(hass::integer_axis("n", 0, 4, 1, true), "log scale needs low above");
    refused(hass::categorical_axis("c", {}), "no choices");
    refused(hass::categorical_axis("c", {"a", "a"}), "given twice");
    CHECK_THROWS_WITH(space({hass::real_axis("x", 0, 1), hass::real_axis("x", 0, 1)}),
                      Contains("used twice"));
}

TEST_CASE("a space finds, fixes, checks and snaps", "[space]") {
    hass::space where({hass::real_axis("conv1.weight", 0.0, 1.0), hass::integer_axis("macs", 1, 8),
                       hass::categorical_axis("engine", {"spe", "dense"})});
    CHECK(where.index("macs") == 1);
    CHECK_THROWS_WITH(where.index("conv1.weigth"), Contains("did you mean 'conv1.weight'"));
    CHECK_NOTHROW(where.check(std::vector<double>{0.5, 3.0, 1.0}));
    CHECK_THROWS_WITH(where.check(std::vector<double>{0.5, 3.0}), Contains("2 values"));
    CHECK_THROWS_WITH(where.check(std::vector<double>{0.5, 3.5, 1.0}), Contains("multiple"));
    CHECK_THROWS_WITH(where.check(std::vector<double>{0.5, 3.0, 2.0}), Contains("outside"));
    CHECK(where.snap(std::vector<double>{2.0, 3.4, 0.6}) == std::vector<double>{1.0, 3.0, 1.0});
    CHECK(where.cardinality() == 0);
    CHECK_THROWS_WITH(where.fix("macs", 9.0), Contains("outside"));
    where.fix("conv1.weight", 0.25);
    CHECK(where.cardinality() == 16);
    CHECK_THROWS_WITH(where.check(std::vector<double>{0.5, 3.0, 1.0}), Contains("is fixed at"));
    where.release("conv1.weight");
    CHECK_NOTHROW(where.check(std::vector<double>{0.5, 3.0, 1.0}));
}

TEST_CASE("threshold spaces have two axes a layer", "[space]") {
    const std::vector<std::string> layers{"conv1", "conv2"};
    const auto where = hass::threshold_space(layers, std::vector<double>{0.9, 0.8, 1.0, 0.5});
    REQUIRE(where.size() == 4);
    CHECK(where[1].name == "conv1.activation");
    CHECK(where[2].high == 1.0);
    CHECK_THROWS_WITH(hass::threshold_space(layers, std::vector<double>{0.9}), Contains("limits"));
    CHECK_THROWS_WITH(hass::threshold_space(layers, std::vector<double>{0.9, 1.5, 1.0, 1.0}),
                      Contains("above 1"));
    CHECK_NOTHROW(hass::threshold_space(layers, std::vector<double>{0.9, 1.5, 1.0, 1.0},
                                        hass::threshold_unit::magnitude));
}

TEST_CASE("an adapted struct is a space and a point", "[space][hana]") {
    const hass::space where = hass::space_of(knobs{});
    REQUIRE(where.size() == 5);
    CHECK(where[0].name == "threshold");
    CHECK(where[1].log);
    CHECK(where[2].cardinality() == 16);
    CHECK(where[3].choices[1] == "dense");
    CHECK(where[4].choices[1] == "on");
    const knobs at = hass::with_point(knobs{}, std::vector<double>{0.5, 0.01, 7.0, 1.0, 1.0});
    CHECK(at.threshold.value == 0.5);
    CHECK(at.macs.value == 7);
    CHECK(at.engine.value == 1);
    CHECK(at.clip.value);
    CHECK(hass::point_of(at) == std::vector<double>{0.5, 0.01, 7.0, 1.0, 1.0});
    CHECK_THROWS_WITH(hass::with_point(knobs{}, std::vector<double>{0.6, 0.01, 7.0, 1.0, 1.0}),
                      Contains("axis 'threshold'"));
}
