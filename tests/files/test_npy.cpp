// The .npy reader and writer: what NumPy writes is read, everything else is one named error.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <hass/files/npy.hpp>
#include <hass/files/npz.hpp>
#include <hass/workload/images.hpp>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

using Catch::Matchers::Contains;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

/// A .npy file with the header as given, padded as NumPy does not even ask for.
std::vector<std::byte> file(const std::string& header, const std::string& body, int version = 1) {
    std::string out = "\x93NUMPY";
    out += static_cast<char>(version);
    out += '\0';
    for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
        out += static_cast<char>(header.size() >> (8 * i) & 0xff);
    return bytes_of(out + header + body);
}

std::string message(const std::vector<std::byte>& content) {
    try {
        hass::parse_npy(content, "x.npy");
    } catch (const hass::error& e) {
        return e.what();
    }
    return "";
}

template <class T>
void round_trip(std::vector<T> values, const std::vector<std::size_t>& shape) {
    const hass::npy_array made = hass::make_npy(shape, std::span<const T>(values));
    const std::vector<std::byte> content = hass::format_npy(made);
    const hass::npy_array back = hass::parse_npy(content, "x.npy");
    INFO(hass::name(made.type));
    CHECK((content.size() - back.bytes.size()) % 64 == 0);
    CHECK(back.shape == shape);
    CHECK(back.type == hass::npy_type_of<T>());
    CHECK(back.as<T>() == values);
}

}  // namespace

TEST_CASE("arrays of every type come back as they were written", "[npy]") {
    std::mt19937 draw(1);
    const auto random = [&]<class T>(T, std::size_t n) {
        std::vector<T> values;
        for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<T>(draw()));
        return values;
    };
    const std::vector<std::vector<std::size_t>> shapes{{}, {1}, {6}, {2, 3}, {1, 2, 3, 1}, {0, 4}};
    for (const auto& shape : shapes) {
        std::size_t n = 1;
        for (const std::size_t extent : shape) n *= extent;
        round_trip(random(std::uint8_t{}, n), shape);
        round_trip(random(std::int8_t{}, n), shape);
        round_trip(random(std::uint16_t{}, n), shape);
        round_trip(random(std::int16_t{}, n), shape);
        round_trip(random(std::uint32_t{}, n), shape);
        round_trip(random(std::int32_t{}, n), shape);
        round_trip(random(std::uint64_t{}, n), shape);
        round_trip(random(std::int64_t{}, n), shape);
        round_trip(random(float{}, n), shape);
        round_trip(random(double{}, n), shape);
    }
    const auto path = std::filesystem::temp_directory_path() / "hass_test_round_trip.npy";
    const std::vector<float> values{1.0F, -2.5F, 3e30F, 0.0F};
    hass::write_npy(path, hass::make_npy({2, 2}, std::span<const float>(values)));
    CHECK(hass::read_npy(path).as<float>() == values);
    CHECK_FALSE(std::filesystem::exists(path.string() + ".part"));
    std::filesystem::remove(path);
    CHECK_THROWS_WITH(hass::make_npy({3}, std::span<const float>(values)), Contains("do not fill"));
}

TEST_CASE("all three header versions and the spellings of other writers are read", "[npy]") {
    const std::string body("\x01\x00\x02\x00\x03\x00", 6);
    const std::string plain = "{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }";
    for (const int version : {1, 2, 3})
        CHECK(hass::parse_npy(file(plain, body, version), "x").as<int>() ==
              std::vector<int>{1, 2, 3});
    for (const std::string header :
         {"{\"shape\":(3L,),\"descr\":\"<i2\",\"fortran_order\":False}",
          "{ 'fortran_order' : False , 'shape' : (1, 3) , 'descr' : '<i2' }  \n",
          "{'descr': '<i2', 'fortran_order': False, 'shape': (3)}"})
        CHECK(hass::parse_npy(file(header, body), "x").size() == 3);
    const std::string flags = "{'descr': '|b1', 'fortran_order': False, 'shape': (6,)}";
    CHECK(hass::parse_npy(file(flags, body), "x").as<int>() == std::vector{1, 0, 1, 0, 1, 0});
}

TEST_CASE("a damaged .npy header is named with its field", "[npy]") {
    const auto header = [](const std::string& text) { return message(file(text, "12345678")); };
    CHECK_THAT(message({}), Contains("x.npy: is empty"));
    CHECK_THAT(message(bytes_of("PK\3\4 something else")), Contains("not a .npy file"));
    CHECK_THAT(message(file("{}", "", 4)), Contains("version 4"));
    CHECK_THAT(header("{}"), Contains("'descr' is missing"));
    CHECK_THAT(header("{'descr': '<f4', 'shape': (2,)}"), Contains("'fortran_order' is missing"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False}"), Contains("'shape' is missing"));
    CHECK_THAT(header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}"),
               Contains("big-endian"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}"),
               Contains("Fortran order"));
    CHECK_THAT(header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}"),
               Contains("structured"));
    CHECK_THAT(header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}"),
               Contains("'<c8' is not supported"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}"),
               Contains("needs more than the 8 bytes"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"),
               Contains("leaves 4 bytes"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}"),
               Contains("'shape': expected an extent"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
               Contains("out of range"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False, "
                      "'shape': (4294967296, 4294967296, 4294967296)}"),
               Contains("needs more than"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': False, "
                      "'shape': (0, 18446744073709551615, 18446744073709551615)}"),
               Contains("leaves 8 bytes"));
    CHECK_THAT(header("{'descr': '<f4', 'descr': '<f4'}"), Contains("'descr' stands twice"));
    CHECK_THAT(header("{'colour': 1}"), Contains("unknown field 'colour'"));
    CHECK_THAT(header("{'descr': '<f4', 'fortran_order': 0"), Contains("neither True nor False"));
    CHECK_THROWS_WITH(hass::read_npy("/nonexistent/a.npy"), Contains("no such file"));
    CHECK_THROWS_WITH(hass::read_npy("/"), Contains("not a regular file"));
}

TEST_CASE("truncated and flipped .npy files give an array or hass::error", "[npy]") {
    const std::vector<std::int16_t> values{1, 2, 3, 4, 5, 6};
    const std::vector<std::byte> good =
        hass::format_npy(hass::make_npy({1, 2, 3}, std::span<const std::int16_t>(values)));
    for (std::size_t size = 0; size < good.size(); ++size) {
        const std::vector<std::byte> cut(good.begin(),
                                         good.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_THROWS_AS(hass::parse_npy(cut, "cut"), hass::error);
    }
    std::size_t read = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            std::vector<std::byte> flipped = good;
            flipped[at] = static_cast<std::byte>(value);
            try {
                const hass::npy_array array = hass::parse_npy(flipped, "flipped");
                read += array.bytes.size() == array.size() * hass::size_of(array.type) ? 1U : 0U;
                hass::to_labels(array);
            } catch (const hass::error&) {
            }
        }
    }
    CHECK(read > 0);
}

TEST_CASE("numbers that a type cannot hold are refused, not changed", "[npy]") {
    const auto array = []<class T>(std::vector<T> values) {
        return hass::make_npy({values.size()}, std::span<const T>(values));
    };
    CHECK(array(std::vector<double>{-128.0, 127.0}).as<std::int8_t>() ==
          std::vector<std::int8_t>{-128, 127});
    CHECK_THROWS_WITH(array(std::vector<double>{128.0}).as<std::int8_t>(),
                      Contains("element 0 is 128") && Contains("'i1'"));
    CHECK_THROWS_AS(array(std::vector<double>{0.5}).as<int>(), hass::error);
    CHECK_THROWS_AS(array(std::vector<double>{std::nan("")}).as<int>(), hass::error);
    CHECK_THROWS_AS(array(std::vector<double>{9223372036854775808.0}).as<std::int64_t>(),
                    hass::error);
    CHECK(array(std::vector<double>{-9223372036854775808.0}).at<std::int64_t>(0) ==
          std::numeric_limits<std::int64_t>::min());
    CHECK_THROWS_AS(array(std::vector<double>{-1.0}).as<std::uint8_t>(), hass::error);
    CHECK_THROWS_AS(array(std::vector<double>{1e300}).as<float>(), hass::error);
    CHECK(std::isinf(array(std::vector<double>{HUGE_VAL}).at<float>(0)));
    CHECK_THROWS_AS(array(std::vector<std::uint64_t>{1ULL << 63}).as<std::int64_t>(), hass::error);
    CHECK_THROWS_AS(array(std::vector<std::int64_t>{-1}).as<std::uint64_t>(), hass::error);
    CHECK_THROWS_AS(array(std::vector<int>{2}).as<bool>(), hass::error);
    CHECK_THROWS_AS(array(std::vector<int>{2}).at<int>(1), hass::error);
}

TEST_CASE("float16 arrays widen exactly", "[npy]") {
    const hass::npy_array half = hass::parse_npy(
        file("{'descr': '<f2', 'fortran_order': False, 'shape': (7,), }",
             std::string("\x00\x3c\x00\xc0\x01\x00\xff\x7b\xff\x03\x00\x7c\x00\x80", 14)),
        "half.npy");
    const std::vector<float> values = half.as<float>();
    CHECK(values ==
          std::vector<float>{1.0F, -2.0F, 0x1p-24F, 65504.0F, 0x1.ff8p-15F, HUGE_VALF, -0.0F});
    CHECK(std::signbit(values[6]));
    CHECK(half.at<int>(1) == -2);
}

TEST_CASE("arrays of an .npz file, stored and compressed", "[npy]") {
    const std::string path = HASS_TEST_DATA "/arrays.npz";
    const std::vector<hass::npz_member> members = hass::read_npz(path);
    REQUIRE(members.size() == 3);
    CHECK(members[0].name == "stored");
    const std::vector<double> half{1, -2, 0x1p-24, 65504, 0x1.554p-2, 0};
    CHECK(members[0].array.as<double>() == half);
    CHECK(members[2].array.as<double>() == half);  // fixed codes
    std::vector<int> squares;
    for (int i = 0; i < 3000; ++i)
        squares.push_back(static_cast<int>(std::int64_t{i} * i * 7919 % 1000));
    CHECK(hass::read_array(path + ":packed").as<int>() == squares);  // codes of its own
    CHECK_THROWS_WITH(hass::read_array(path), Contains("stored, packed, short"));
    CHECK_THROWS_WITH(hass::read_array(path + ":pakced"), Contains("did you mean 'packed'"));

    // whatever is damaged is found by its checksum at the latest, and nothing is read beyond the end
    const std::vector<std::byte> good = hass::read_whole_bytes(path);
    std::mt19937 draw(7);
    for (int n = 0; n < 2000; ++n) {
        std::vector<std::byte> bad = good;
        bad[draw() % bad.size()] ^= static_cast<std::byte>(1 + draw() % 255);
        if (n % 4 == 0) bad.resize(draw() % bad.size());
        try {
            for (const hass::npz_member& m : hass::parse_npz(bad, "bad.npz"))
                for (const hass::npz_member& g : members)
                    if (g.name == m.name) CHECK(g.array.bytes == m.array.bytes);
        } catch (const hass::error&) {
        }
    }
}
