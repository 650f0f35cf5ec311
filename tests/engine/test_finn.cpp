// FINN's estimates against figures recorded from its own functions, and against builds.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <variant>

#include "finn_json.hpp"

namespace {

using golden::json;
using namespace hass::finn;

void check_estimate(const golden::finn_node& node, const json& c) {
    std::visit(
        [&](const auto& n) {
            CHECK(n.cycles() == c.at("cycles").get<double>());
            for (std::size_t d = 0; d < dsp_block_names.size(); ++d) {
                const hass::modelled_usage u = n.needs(policy::published, dsp_block(d));
                CHECK(u.value.dsp == c.at("dsp").at(std::string(dsp_block_names[d])).get<double>());
                CHECK(u.value.lut == c.at("lut").get<double>());
                CHECK(u.value.bram18 == c.at("bram").get<double>());
                CHECK(u.value.uram == c.at("uram").get<double>());
                CHECK_FALSE(u.at(hass::ff_index).has_value());
            }
            if (!c.contains("stream_bits")) return;
            CHECK(n.bits_in() == c.at("stream_bits").at("in").get<std::int64_t>());
            CHECK(n.bits_out() == c.at("stream_bits").at("out").get<std::int64_t>());
        },
        node);
    if (c.contains("wmem")) {
        const double words = c.at("wmem").get<double>();
        if (const auto* m = std::get_if<mvau>(&node)) CHECK(m->wmem() == words);
        if (const auto* v = std::get_if<vvau>(&node))
            CHECK(static_cast<double>(v->wmem()) == words);
    }
    if (const auto* w = std::get_if<sliding_window>(&node)) {
        CHECK(w->buffer_depth() == c.at("buffer_depth").get<std::int64_t>());
        CHECK((w->parallel() ? "parallel" : "default") == c.at("impl_style").get<std::string>());
    }
}

}  // namespace

TEST_CASE("FINN's estimates are exact, and what it refuses is refused", "[golden][finn]") {
    const json file = golden::read("finn_layers.json");
    REQUIRE_FALSE(file.at("cases").empty());
    for (const json& c : file.at("cases")) {
        INFO(c.dump());
        const golden::finn_node node = golden::node_of(c.at("op"), c.at("attributes"));
        const std::string refusal = std::visit([](const auto& n) { return n.refusal(); }, node);
        CHECK(refusal.empty() != c.contains("refused"));
        if (c.contains("cycles")) check_estimate(node, c);
    }
}
