#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <hass/device/boards.hpp>
#include <hass/device/device_file.hpp>

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

const json zedboard = json::parse(hass::device_text(hass::boards::find("zedboard")));

hass::owned_device parse(const json& file) {
    return hass::parse_device(file.dump(), "my.json");
}
json with(const char* field, const json& value) {
    json file = zedboard;
    file[field] = value;
    return file;
}

/// A file that is gone at the end of the test.
struct scratch_file {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("hass_device_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".json");
    scratch_file() = default;
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    ~scratch_file() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("every board survives being written and read", "[device]") {
    scratch_file file;
    for (const hass::device& board : hass::boards::catalogue) {
        hass::save_device(board, file.path);
        const hass::owned_device read = hass::load_device(file.path);
        CHECK(read.limits().name == board.name);
        CHECK(read.limits().budget == board.budget);
        CHECK(read.limits().mhz == board.mhz);
        CHECK(read.limits().reconfiguration_s == board.reconfiguration_s);
        CHECK(read.limits().dsp_slice == board.dsp_slice);
    }
}

TEST_CASE("an owned device keeps its name when it moves", "[device]") {
    STATIC_REQUIRE(hass::Device<hass::owned_device>);
    std::vector<hass::owned_device> devices;
    for (const char* name : {"a", "b", "a name longer than any small string buffer would hold"})
        devices.push_back(parse(with("name", name)));
    std::vector<hass::owned_device> moved = std::move(devices);
    const hass::owned_device copy = moved.front();
    moved.erase(moved.begin());
    CHECK(copy.limits().name == "a");
    CHECK(moved[0].limits().name == "b");
    CHECK(moved[1].limits().name.substr(0, 13) == "a name longer");
}

TEST_CASE("reconfiguration and the kind of DSPs may be left out, nothing else", "[device]") {
    json file = zedboard;
    CHECK(parse(file).limits().dsp_slice == hass::dsp_slice::dsp48e1);
    file.erase("reconfiguration_s");
    file.erase("dsp_slice");
    CHECK(parse(file).limits().reconfiguration_s == hass::device{}.reconfiguration_s);
    CHECK(parse(file).limits().dsp_slice == hass::dsp_slice::dsp48e2);
    for (const auto& [field, value] : file.items()) {
        json without = file;
        without.erase(field);
        CHECK_THROWS_WITH(parse(without), Equals("my.json: field '" + field + "' is missing"));
    }
}

TEST_CASE("every field of a device file changes the device", "[device]") {
    const hass::device base = parse(zedboard).limits();
    for (const auto& [field, value] : zedboard.items()) {
        if (field == "name" || field == "dsp_slice") continue;
        const hass::owned_device other = parse(with(field.c_str(), value.get<double>() + 1));
        INFO(field);
        CHECK((other.limits().budget != base.budget || other.limits().mhz != base.mhz ||
               other.limits().reconfiguration_s != base.reconfiguration_s));
    }
}

TEST_CASE("a device file that is wrong names the file and the field", "[device]") {
    CHECK_THROWS_WITH(parse(with("dsp_slices", "dsp48e1")),
                      StartsWith("my.json: unknown field 'dsp_slices'; did you mean 'dsp_slice'?"));
    CHECK_THROWS_WITH(parse(with("dsp_slice", "dsp48e3")),
                      StartsWith("my.json: unknown dsp_slice 'dsp48e3'; did you mean 'dsp48e1'?"));
    CHECK_THROWS_WITH(parse(with("dsp_slice", 1)),
                      Equals("my.json: field 'dsp_slice' must be text"));
    CHECK_THROWS_WITH(parse(with("dps", 3)),
                      StartsWith("my.json: unknown field 'dps'; did you mean 'dsp'?"));
    CHECK_THROWS_WITH(parse(with("bram36", 3)), Contains("did you mean 'bram18'?"));
    CHECK_THROWS_WITH(parse(with("dsp", -3)),
                      Equals("my.json: field 'dsp' is -3, must be 0 or more"));
    CHECK_THROWS_WITH(parse(with("mhz", 0)), Equals("my.json: field 'mhz' is 0, must be above 0"));
    CHECK_THROWS_WITH(parse(with("bandwidth_gbps", 0)),
                      Equals("my.json: field 'bandwidth_gbps' is 0, must be above 0"));
    CHECK_THROWS_WITH(parse(with("lut", 0.5)),
                      Equals("my.json: field 'lut' is 0.5, must be a whole number"));
    CHECK_THROWS_WITH(parse(with("ff", "many")),
                      Equals("my.json: field 'ff' must be a number, not string"));
    CHECK_THROWS_WITH(parse(with("ff", true)), Contains("must be a number, not boolean"));
    CHECK_THROWS_WITH(parse(with("bandwidth_gbps", std::nan(""))),  // written as null
                      Equals("my.json: field 'bandwidth_gbps' must be a number, not null"));
    CHECK_THROWS_WITH(parse(with("name", 7)), Equals("my.json: field 'name' must be text"));
    CHECK_THROWS_WITH(parse(with("name", "")), Equals("my.json: field 'name' must be text"));
    CHECK_THROWS_WITH(parse(json::array({1, 2})), StartsWith("my.json: a device is an object"));
    for (const char* text : {"", "{", "{\"dsp\": NaN}", "{\"dsp\": 1e999}", "\xff\xfe", "[[[["})
        CHECK_THROWS_WITH(hass::parse_device(text, "my.json"), StartsWith("my.json: not JSON: "));
}

TEST_CASE("a device file that cannot be read or written says why", "[device]") {
    CHECK_THROWS_WITH(hass::load_device("missing.json"), Equals("missing.json: no such file"));
    CHECK_THROWS_WITH(hass::load_device("/"), Equals("/: not a regular file"));
    CHECK_THROWS_WITH(hass::save_device(hass::device{}, "missing/folder/my.json"),
                      StartsWith("missing/folder/my.json: cannot write"));
}

TEST_CASE("a board is named by catalogue or by file", "[device]") {
    scratch_file file;
    hass::save_device({"mine", {1, 2, 4, 3, 0, 5}, 100}, file.path);
    CHECK(hass::device_by_name("u50").limits().budget.dsp == 5952);
    CHECK(hass::device_by_name(file.path.string()).limits().name == "mine");
    CHECK_THROWS_WITH(hass::device_by_name("u5O"), Contains("did you mean 'u50'?"));
    CHECK_THROWS_WITH(hass::device_by_name("none.json"), Equals("none.json: no such file"));
}
