// Comma-separated tables.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include <hass/files/csv.hpp>

using Catch::Contains;
using hass::read_csv;

TEST_CASE("a table reads back the fields that were written") {
    const std::vector<std::string> fields{"plain",      "",   "a, b", "say \"so\"",
                                          "two\nlines", "\"", " "};
    std::string text = "one,two,three,four,five,six,seven\r\n";
    for (std::size_t i = 0; i < fields.size(); ++i)
        text += (i == 0 ? "" : ",") + hass::csv_field(fields[i]);
    text += "\r\n\r\n1,2,3,4,5,6,7";
    const hass::csv_table table = read_csv(text, "t.csv");
    CHECK(table.columns.at(6) == "seven");
    REQUIRE(table.rows.size() == 2);
    CHECK(table.rows[0].fields == fields);
    CHECK(table.rows[0].line == 2);
    CHECK(table.rows[1].fields.back() == "7");
    CHECK(table.rows[1].line == 5);
    CHECK(read_csv("\xEF\xBB\xBFname\nx\n", "t.csv").columns.front() == "name");
}

TEST_CASE("a broken table is refused by line") {
    CHECK_THROWS_WITH(read_csv("", "t.csv"), Contains("t.csv: no header"));
    CHECK_THROWS_WITH(read_csv("a,b\n1,2\n3\n", "t.csv"),
                      Contains("t.csv: line 3 has 1 fields; the header has 2"));
    CHECK_THROWS_WITH(read_csv("a,b\n1,\"2\n3,4\n", "t.csv"), Contains("line 2: a quote is not"));
    CHECK_THROWS_WITH(read_csv("a,b,a\n", "t.csv"), Contains("column 'a' stands twice"));
}
