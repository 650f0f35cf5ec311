// JSON with its keys in order, against nlohmann's two kinds.
#include <catch2/catch.hpp>
#include <string>

#include <hass/files/json.hpp>

namespace {

// A walk through all residues of 1009, some of them twice.
std::string key(int i) {
    return "key " + std::to_string(i * 271 % 1009);
}

}  // namespace

TEST_CASE("keys stand in the order in which they came and are found as in a map") {
    for (const int count : {0, 1, 31, 32, 33, 34, 500, 1200}) {
        hass::ordered_json ours;
        nlohmann::ordered_json walked;
        nlohmann::json sorted;
        for (int i = 0; i < count; ++i) ours[key(i)] = i, walked[key(i)] = i, sorted[key(i)] = i;
        INFO(count << " keys");
        CHECK(ours.dump() == walked.dump());
        CHECK(nlohmann::json(ours) == sorted);
        CHECK(hass::ordered_json::parse(ours.dump()) == ours);
        CHECK(hass::ordered_json(sorted).size() == ours.size());
        for (int i = 0; i < count + 3; ++i) {
            const bool there = sorted.contains(key(i));
            REQUIRE(ours.contains(key(i)) == there);
            REQUIRE((ours.find(key(i)) != ours.end()) == there);
            if (there) REQUIRE(ours.at(key(i)).get<int>() == sorted.at(key(i)).get<int>());
        }
    }
}

TEST_CASE("keys are found after others were erased and added") {
    hass::ordered_json ours;
    nlohmann::ordered_json walked;
    for (int i = 0; i < 3000; ++i) {
        if (i % 7 == 3) {
            CHECK(ours.erase(key(i / 2)) == walked.erase(key(i / 2)));
        } else {
            ours[key(i)] = i, walked[key(i)] = i;
        }
        if (i == 2000) ours.clear(), walked.clear();
    }
    CHECK(ours.dump() == walked.dump());
    const hass::ordered_json copy = ours;
    ours.erase(ours.begin());
    CHECK(copy.size() == ours.size() + 1);
    CHECK(copy.at(key(2998)) == 2998);
    CHECK_THROWS_AS(copy.at("no such key"), nlohmann::json::out_of_range);
}
