// Hash accumulation against a step-by-step table; Matrix Market files; sizes of products.
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hass/engine/arrays/hash_accumulate.hpp>
#include <hass/engine/storage/matrix_market.hpp>

#include "draw.hpp"

namespace {

static_assert(hass::ArrayEngine<hass::hash_array>);

// The table as a map of slots; a line that leaves has the rest of its cluster taken out and put
// back in order, which is the textbook's other way of deleting.
hass::hash_run simulate(const std::vector<int>& columns, int slots, int comparators,
                        hass::eviction policy) {
    std::map<int, int> table;  // slot -> column
    std::map<int, int> left;
    for (const int c : columns) ++left[c];
    hass::hash_run run;
    const auto insert = [&](int c) {
        int slot = c % slots;
        while (table.count(slot) != 0) slot = (slot + 1) % slots;
        table[slot] = c;
    };
    for (const int c : columns) {
        int slot = c % slots;
        int passed = 0;
        while (table.count(slot) != 0 && table[slot] != c) slot = (slot + 1) % slots, ++passed;
        if (table.count(slot) == 0) {
            table[slot] = c;
            ++run.lines;
        }
        run.peak = std::max(run.peak, static_cast<std::int64_t>(table.size()));
        ++run.requests;
        run.passed += passed;
        int cycles = 1;
        for (int seen = passed + 1; seen >= comparators; seen -= comparators) ++cycles;
        run.cycles += cycles;
        if (policy == hass::eviction::rolling && --left[c] == 0) {
            ++run.cycles;
            table.erase(slot);
            for (int s = (slot + 1) % slots; table.count(s) != 0; s = (s + 1) % slots) {
                const int moved = table[s];
                table.erase(s);
                insert(moved);
            }
        }
    }
    run.cycles += static_cast<std::int64_t>(table.size());
    return run;
}

hass::sparse_matrix parse(const std::string& text) {
    std::istringstream in(text);
    return hass::read_matrix_market(in, "test.mtx");
}

std::vector<std::vector<int>> dense(const hass::sparse_matrix& m) {
    std::vector<std::vector<int>> d(static_cast<std::size_t>(m.rows),
                                    std::vector<int>(static_cast<std::size_t>(m.columns), 0));
    for (int r = 0; r < m.rows; ++r)
        for (const int c : m.row(r))
            d[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] = 1;
    return d;
}

void check_sizes(const hass::sparse_matrix& a, const hass::sparse_matrix& b) {
    const auto da = dense(a), db = dense(b);
    std::int64_t multiplications = 0, nonzeros = 0;
    for (std::size_t i = 0; i < da.size(); ++i)
        for (std::size_t j = 0; j < db[0].size(); ++j) {
            int meet = 0;
            for (std::size_t k = 0; k < db.size(); ++k) meet += da[i][k] * db[k][j];
            multiplications += meet;
            nonzeros += meet > 0 ? 1 : 0;
        }
    const auto size = hass::size_of_product(a, b);
    CHECK(size.multiplications == multiplications);
    CHECK(size.nonzeros == nonzeros);
    // What the pad does is the same work.
    const auto run = hass::hash_pad{64, 1, hass::eviction::rolling}.product(a, b);
    CHECK(run.requests == multiplications);
    CHECK(run.lines == nonzeros);
}

}  // namespace

TEST_CASE("probes and cycles are those of a step-by-step table", "[hash]") {
    std::uint64_t state = 21;
    for (const int slots : {1, 2, 5, 16, 61})
        for (const int comparators : {1, 2, 4})
            for (const auto policy : {hass::eviction::at_end, hass::eviction::rolling})
                for (int round = 0; round < 30; ++round) {
                    const auto distinct = 1 + test::draw(state) % static_cast<std::uint64_t>(slots);
                    std::vector<int> names(distinct), columns(test::draw(state) % 120);
                    for (std::size_t i = 0; i < names.size(); ++i)
                        names[i] = static_cast<int>(test::draw(state) % 1000);
                    for (int& c : columns) c = names[test::draw(state) % distinct];
                    const auto run = hass::hash_pad{slots, comparators, policy}.accumulate(columns);
                    const auto expected = simulate(columns, slots, comparators, policy);
                    REQUIRE(run.requests == expected.requests);
                    REQUIRE(run.lines == expected.lines);
                    REQUIRE(run.passed == expected.passed);
                    REQUIRE(run.cycles == expected.cycles);
                    REQUIRE(run.peak == expected.peak);
                }
}

TEST_CASE("rolling eviction takes less room and fewer probes", "[hash]") {
    std::vector<int> columns;
    for (int i = 0; i < 200; ++i) columns.push_back(i * 8), columns.push_back(i * 8);
    const hass::hash_pad rolling{256, 1, hass::eviction::rolling};
    const hass::hash_pad at_end{256, 1, hass::eviction::at_end};
    CHECK(rolling.accumulate(columns).peak == 1);
    CHECK(at_end.accumulate(columns).peak == 200);
    CHECK(rolling.accumulate(columns).passed < at_end.accumulate(columns).passed);
    CHECK_THROWS_WITH((hass::hash_pad{16, 1, hass::eviction::at_end}.accumulate(columns)),
                      Catch::Contains("16 slots are full and column 128 is missing"));
}

TEST_CASE("random tables pass as many slots as Knuth says", "[hash]") {
    std::uint64_t state = 22;
    constexpr int slots = 4096;
    for (const double load : {0.3, 0.6, 0.8}) {
        double hits = 0.0;
        constexpr int tables = 40;
        const auto lines = static_cast<std::size_t>(load * slots);
        for (int t = 0; t < tables; ++t) {
            // Filling passes as many slots as finding every line once; distinct with 2^31 names
            std::vector<int> columns(lines);
            for (int& c : columns) c = static_cast<int>(test::draw(state) >> 33);
            hits += static_cast<double>(
                hass::hash_pad{slots, 1, hass::eviction::at_end}.accumulate(columns).passed);
        }
        CHECK(hits / (tables * static_cast<double>(lines)) ==
              Approx(hass::expected_passed_hit(load)).epsilon(0.05));
        // A miss at the final load, as the difference of filling a little further
        double more = 0.0;
        constexpr int extra = 40;
        for (int t = 0; t < tables; ++t) {
            std::vector<int> columns(lines + extra);
            for (int& c : columns) c = static_cast<int>(test::draw(state) >> 33);
            const hass::hash_pad pad{slots, 1, hass::eviction::at_end};
            more += static_cast<double>(
                pad.accumulate(columns).passed -
                pad.accumulate(std::span<const int>(columns).first(lines)).passed);
        }
        CHECK(more / (tables * extra) ==
              Approx(hass::expected_passed_miss(load)).epsilon(0.2).margin(0.05));
    }
}

TEST_CASE("a social network, squared", "[hash]") {
    const auto karate = hass::read_matrix_market(std::string(HASS_TEST_DATA) + "/lit_karate.mtx");
    CHECK(karate.rows == 34);
    CHECK(karate.nonzeros() == 2 * 78);
    const auto d = dense(karate);
    int triangles = 0;  // 45 in the literature
    for (std::size_t i = 0; i < 34; ++i)
        for (std::size_t j = i + 1; j < 34; ++j)
            for (std::size_t k = j + 1; k < 34; ++k) triangles += d[i][j] * d[j][k] * d[i][k];
    CHECK(triangles == 45);
    check_sizes(karate, karate);
    CHECK(hass::size_of_product(karate, karate).multiplications == 1212);  // sum of degrees^2
}

TEST_CASE("products of a grid's Laplacian and of rectangles", "[hash]") {
    // 5-point stencil of n x m points, squared: the 13-point stencil.
    constexpr int n = 6, m = 5;
    std::vector<std::pair<int, int>> positions;
    for (int y = 0; y < n; ++y)
        for (int x = 0; x < m; ++x)
            for (const auto& [dy, dx] : {std::pair{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}})
                if (y + dy >= 0 && y + dy < n && x + dx >= 0 && x + dx < m)
                    positions.emplace_back(y * m + x, (y + dy) * m + x + dx);
    const auto grid = hass::make_sparse_matrix(n * m, n * m, positions);
    check_sizes(grid, grid);
    // 13 n m less what sticks out at the rims
    CHECK(hass::size_of_product(grid, grid).nonzeros ==
          n * m + 2 * ((n - 1) * m + n * (m - 1) + (n - 2) * m + n * (m - 2)) +
              4 * (n - 1) * (m - 1));

    std::uint64_t state = 23;
    std::vector<std::pair<int, int>> left, right;
    for (int i = 0; i < 30; ++i)
        left.emplace_back(test::draw(state) % 9, test::draw(state) % 12),
            right.emplace_back(test::draw(state) % 12, test::draw(state) % 20);
    check_sizes(hass::make_sparse_matrix(9, 12, left), hass::make_sparse_matrix(12, 20, right));
    CHECK(hass::product_size{}.bloat() == 1.0);
    CHECK_THROWS_WITH(hass::size_of_product(grid, hass::make_sparse_matrix(2, 2, {})),
                      Catch::Contains("30 columns times 2 rows"));
}

TEST_CASE("matrix Market files of every field and symmetry", "[hash]") {
    const auto general = parse(
        "%%MatrixMarket matrix coordinate real general\n% comment\n\n2 3 4\n2 1 1.5\n1 3 -2\n"
        "1 1 0\n1 3 7\n");
    CHECK(general.row_start == std::vector<std::size_t>{0, 1, 2});
    CHECK(general.column == std::vector<int>{2, 0});
    const auto symmetric =
        parse("%%MatrixMarket MATRIX Coordinate Integer Symmetric\n3 3 2\n2 1 1\n3 3 1\n");
    CHECK(symmetric.nonzeros() == 3);
    CHECK(
        parse("%%MatrixMarket matrix coordinate complex hermitian\n2 2 1\n2 1 0 1\n").nonzeros() ==
        2);
    CHECK(parse("%%MatrixMarket matrix coordinate pattern general\n2 2 1\n2 1\n").nonzeros() == 1);
}

TEST_CASE("bad Matrix Market files are named", "[hash]") {
    const std::string head = "%%MatrixMarket matrix coordinate real general\n";
    const auto fails = [](const std::string& text, const std::string& expected) {
        CHECK_THROWS_WITH(parse(text), Catch::Contains(expected));
    };
    fails("", "line 1: does not begin with %%MatrixMarket");
    fails("%%MatrixMarket matrix array real general\n", "unknown format 'array'");
    fails("%%MatrixMarket matrix coordinate reel general\n", "did you mean 'real'?");
    fails(head, "no line with rows");
    fails(head + "2 x 1\n", "line 2: number of columns is missing or not a whole number");
    fails(head + "2 0 1\n", "number of columns is 0");
    fails(head + "2 2 2\n1 1 1\n", "ends after 1 of 2 entries");
    fails(head + "2 2 1\n1 1 1\n2 2 1\n", "line 4: more than the 1 entries");
    fails(head + "2 2 1\n3 1 1\n", "line 3: row is 3, expected 1 to 2");
    fails(head + "2 2 1\n1 1\n", "value is missing");
    fails(head + "2 2 99999999999999999\n", "ends after 0 of");
    fails("%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n", "not square");
    CHECK_THROWS_WITH(hass::read_matrix_market(std::string("no/such.mtx")),
                      Catch::Contains("'no/such.mtx' cannot be opened"));
}

TEST_CASE("damaged Matrix Market files are read or refused, never worse", "[hash]") {
    const std::string whole =
        "%%MatrixMarket matrix coordinate real symmetric\n% c\n4 4 3\n1 1 2.5\n3 1 -1e3\n4 2 0\n";
    std::uint64_t state = 25;
    int refused = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string text = whole.substr(0, test::draw(state) % (whole.size() + 1));
        for (std::uint64_t n = test::draw(state) % 4; n > 0 && !text.empty(); --n)
            text[test::draw(state) % text.size()] = static_cast<char>(test::draw(state) % 256);
        try {
            const auto m = parse(text);
            REQUIRE(m.row_start.size() == static_cast<std::size_t>(m.rows) + 1);
            REQUIRE(m.row_start.back() == m.column.size());
        } catch (const hass::error&) {
            ++refused;
        }
    }
    CHECK(refused > 1000);
}

TEST_CASE("adjacent columns never collide, so layers pass nothing", "[hash]") {
    std::uint64_t state = 24;
    std::vector<int> columns(3000);
    for (int& c : columns) c = 700 + static_cast<int>(test::draw(state) % 256);
    CHECK(hass::hash_pad{256, 1, hass::eviction::rolling}.accumulate(columns).passed == 0);
    const auto run =
        hass::hash_array{1, 2}.run(hass::as_row(2, 3, 4), hass::independent_statistics(0.0, 0.0));
    CHECK(run.cycles == 24.0 + 8.0);
}
