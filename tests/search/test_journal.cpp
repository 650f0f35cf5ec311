// Journals: Optuna's own files, round trips, crashes, resumption.

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <hass/files/exclusive_file.hpp>
#include <hass/search/cma_es.hpp>
#include <hass/search/journal.hpp>
#include <hass/search/nsga2.hpp>
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

using Catch::Matchers::Contains;
using hass::outcome;
using hass::trial_state;

namespace {

std::string golden_path(const std::string& file) {
    const char* folder = std::getenv("HASS_GOLDEN_DIR");
    return std::string(folder != nullptr ? folder : HASS_TEST_DATA) + "/" + file;
}

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    INFO("file " << path);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A file of its own that goes away with the test.
struct temporary {
    temporary()
        : path(
              (std::filesystem::temp_directory_path() /
               ("hass_journal_" +
                std::to_string(hass::random_stream(static_cast<std::uint64_t>(
                                                       std::filesystem::file_time_type::clock::now()
                                                           .time_since_epoch()
                                                           .count()))
                                   .next())))
                  .string()) {}
    ~temporary() {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
    }
    std::string path;
};

hass::space mixed() {
    return hass::space({hass::real_axis("x", -2.0, 2.0), hass::log_axis("lr", 1e-5, 1e-1),
                        hass::integer_axis("k", 1, 8), hass::stepped_axis("s", 0.0, 1.0, 0.25),
                        hass::categorical_axis("c", {"relu", "gelu \"q\""})});
}

// Every kind of outcome, decided by the point alone.
outcome moody(std::span<const double> p) {
    if (p[2] == 3.0) return outcome::failed("bench \"3\" is broken");
    if (p[2] == 5.0) return outcome::infeasible({2.5}, "too big");
    if (p[2] == 6.0) return outcome::pruned(4, p[0]);
    return outcome::constrained({p[0] * p[0] + std::fabs(std::log(p[1] / 1e-3)) + p[3]},
                                {p[0] - 1.5, -1.0});
}

bool same(const hass::trial_record& a, const hass::trial_record& b) {
    return a.number == b.number && a.point == b.point && a.enqueued == b.enqueued &&
           a.state() == b.state() && a.result->values() == b.result->values() &&
           a.result->constraints() == b.result->constraints() &&
           a.result->reason() == b.result->reason() && a.result->step() == b.result->step();
}

}  // namespace

TEST_CASE("journals written by Optuna open here", "[golden][journal]") {
    for (const char* file :
         {"journal_optuna_3.1.0.log", "journal_optuna_5.0.0.dev.log", "journal_handwritten.log"}) {
        INFO(file);
        const auto contents = hass::read_journal(golden_path(file));
        CHECK(contents.warning.empty());
        REQUIRE(contents.studies.size() == 2);
        std::size_t finished = 0;
        for (const auto& study : contents.studies) {
            CHECK(!study.name.empty());
            for (const auto& t : study.trials) {
                CHECK(t.params.size() == t.axes.size());
                for (const auto& [name, value] : t.params)
                    CHECK_NOTHROW(t.axes.at(name).check(value));
                if (t.state != hass::journal_trial::state_code::complete) continue;
                CHECK(t.values.size() == study.directions.size());
            }
            finished += study.told.size();
        }
        CHECK(finished >= 6);
        CHECK(contents.studies[1].directions.size() == 2);
    }
    const auto optuna = hass::read_journal(golden_path("journal_optuna_3.1.0.log"));
    const auto& first = optuna.studies[0];
    CHECK(first.name == "single");
    CHECK(first.user_attrs.at("device") == "zcu102");
    CHECK(first.trials[0].params.at("x") == 1.2553300705386103);
    CHECK(first.trials[0].axes.at("lr").log);
    CHECK(first.trials[0].axes.at("k").kind == hass::axis_kind::integer);
    CHECK(first.trials[0].axes.at("c").choices ==
          std::vector<std::string>{"relu", "gelu", "3", "null"});
    CHECK(first.trials[0].axes.at("s").step == 0.25);
    CHECK(first.trials[0].values == std::vector<double>{1.5758535859984724});
    CHECK(first.trials[0].user_attrs.at("acc") == 0.5);
    int pruned = 0;
    int failed = 0;
    for (const auto& t : first.trials) {
        pruned += t.state == hass::journal_trial::state_code::pruned ? 1 : 0;
        failed += t.state == hass::journal_trial::state_code::failed ? 1 : 0;
    }
    CHECK(pruned >= 1);
    CHECK(failed >= 1);
}

TEST_CASE("what is written is read back", "[journal]") {
    const temporary file;
    std::vector<hass::trial_record> written;
    {
        hass::journal log(file.path, "moody", mixed());
        hass::study<hass::tpe<>> study(mixed(), 5, {.trials = 40});
        study.enqueue({0.1, 1e-2, 2.0, 0.5, 1.0});
        log.run(study, moody);
        written = study.history();
    }
    hass::journal again(file.path, "moody", mixed());
    CHECK(again.warning().empty());
    const auto read = again.records();
    REQUIRE(read.size() == written.size());
    std::size_t states[5] = {};
    for (std::size_t i = 0; i < read.size(); ++i) {
        CHECK(same(read[i], written[i]));
        ++states[static_cast<std::size_t>(read[i].state())];
    }
    for (const auto s :
         {trial_state::ok, trial_state::infeasible, trial_state::failed, trial_state::pruned})
        CHECK(states[static_cast<std::size_t>(s)] > 0);
    CHECK_THROWS_WITH(hass::journal(file.path, "moody", mixed(), {hass::direction::maximise}),
                      Contains("other directions"));
    hass::space other({hass::real_axis("y", 0.0, 1.0)});
    CHECK_THROWS_WITH(hass::journal(file.path, "moody", other).records(),
                      Contains("no parameter 'y'"));
    // Several studies share a file.
    hass::journal second(file.path, "front", other,
                         {hass::direction::minimise, hass::direction::maximise});
    hass::study<hass::nsga2> front(
        other, 1,
        {.directions = {hass::direction::minimise, hass::direction::maximise}, .trials = 10});
    second.run(front, [](std::span<const double> p) { return outcome::ok({p[0], 1.0 - p[0]}); });
    CHECK(hass::journal(file.path, "front", other,
                        {hass::direction::minimise, hass::direction::maximise})
              .records()
              .size() == 10);
    CHECK(hass::journal(file.path, "moody", mixed()).records().size() == 40);
}

TEST_CASE("attributes and names of constraints stand as Optuna 5 has them", "[journal]") {
    const temporary file;
    const hass::space where({hass::real_axis("x", 0.0, 1.0)});
    const std::vector<hass::direction> up{hass::direction::maximise};
    const hass::journal_options named{.constraints = {"b", "a"}};
    {
        hass::journal log(file.path, "n", where, up, named);
        log.set_user_attr("board", "zedboard");
        log.append({0, {0.5}, outcome::constrained({2.0}, {1.0, -3.0}, "too slow")},
                   {{"lut", 12}, {"share", 0.1}});
        CHECK_THROWS_WITH(log.append({1, {0.5}, outcome::constrained({2.0}, {1.0})}),
                          Contains("1 constraints, of which 2 have names"));
    }
    const std::string text = text_of(file.path);
    CHECK_THAT(text,
               Contains(R"("op_code":2,"worker_id":"hass","study_id":0,"user_attr":{"board")"));
    CHECK_THAT(text, Contains(R"("constraints:b":1.0,"constraints:a":-3.0)"));
    hass::journal again(file.path, "n", where, up, named);
    CHECK(again.past().user_attrs.at("board") == "zedboard");
    CHECK(again.past().trials[0].user_attrs.at("share") == 0.1);
    CHECK(again.records()[0].result->constraints() == std::vector<double>{1.0, -3.0});
    CHECK(again.records()[0].result->reason() == "too slow");
    // Optuna's own: one attribute each, and a list by those who do not know their names
    const auto optuna = hass::read_journal(golden_path("journal_optuna_5.0.0.dev.log"));
    const auto& trial = optuna.studies[1].trials[1];
    CHECK(hass::detail::result_of(trial, std::vector<std::string>{"lut"}).constraints() ==
          std::vector<double>{0.2203244934421581});
    CHECK(hass::detail::result_of(trial).state() == trial_state::infeasible);
}

TEST_CASE("a trial under way is running in the file, and goes on after a crash", "[journal]") {
    const temporary file;
    const hass::space where({hass::real_axis("x", 0.0, 1.0)});
    using code = hass::journal_trial::state_code;
    const auto trials = [&](std::size_t study) {
        return hass::read_journal(file.path).studies[study].trials;
    };
    {
        hass::journal log(file.path, "a", where);
        hass::journal other(file.path, "b", where);  // of the same file, meanwhile
        log.begin({0, {0.25}, {}});
        other.begin({0, {0.5}, {}});
        other.append({0, {0.5}, outcome::ok(3.0)}, {{"lut", 12}, {"share", 0.1}});
        log.begin({1, {0.75}, {}});
        log.append({1, {0.75}, outcome::pruned(4, 2.0, "slow")});
        REQUIRE(trials(0).size() == 2);
        CHECK(trials(0)[0].state == code::running);
        CHECK(trials(0)[0].params.at("x") == 0.25);
        CHECK(trials(0)[1].state == code::pruned);
        CHECK(trials(0)[1].intermediate_values.at(4) == 2.0);
        REQUIRE(trials(1).size() == 1);
        CHECK(trials(1)[0].values == std::vector<double>{3.0});
        CHECK(trials(1)[0].user_attrs.at("lut") == 12);
    }
    hass::journal again(file.path, "a", where);
    REQUIRE(again.records().size() == 1);  // what runs is not told
    CHECK(again.records()[0].number == 1);
    again.begin({2, {0.1}, {}});
    again.append({2, {0.1}, outcome::ok(5.0)});
    again.begin({0, {0.25}, {}});
    again.append({0, {0.25}, outcome::constrained({7.0}, {1.0}, "too slow")});
    CHECK(trials(0).size() == 3);  // the same trial
    CHECK(trials(0)[0].state == code::complete);
    CHECK(trials(0)[0].values == std::vector<double>{7.0});
    const auto records = hass::journal(file.path, "a", where).records();
    REQUIRE(records.size() == 3);
    CHECK(records[2].number == 0);
    CHECK(records[2].result->reason() == "too slow");
    CHECK(records[2].result->constraints() == std::vector<double>{1.0});
    // At another point it is another trial.
    hass::journal(file.path, "a", where).begin({3, {0.5}, {}});
    hass::journal(file.path, "a", where).begin({3, {0.75}, {}});
    CHECK(trials(0).size() == 5);
}

TEST_CASE("a lock left from a crash is broken after its patience", "[journal]") {
    const temporary file;
    const hass::space where({hass::real_axis("x", 0.0, 1.0)});
    using std::chrono::milliseconds;
    const auto open = [&](int patience) {
        return hass::journal(file.path, "l", where, {hass::direction::minimise},
                             {.lock_patience = milliseconds(patience)});
    };
    open(1000);
    std::filesystem::create_symlink(std::filesystem::path(file.path).filename(),
                                    file.path + ".lock");
    const auto start = std::chrono::steady_clock::now();
    open(50);
    CHECK(std::chrono::steady_clock::now() - start > milliseconds(50));
    CHECK(!std::filesystem::is_symlink(file.path + ".lock"));
}

TEST_CASE("an exclusive file is had by one only", "[journal]") {
    const temporary file;
    {
        const hass::exclusive_file held(file.path);
        CHECK_THROWS_WITH(hass::exclusive_file(file.path),
                          Contains("is in use by another process"));
    }
    CHECK_NOTHROW(hass::exclusive_file(file.path));
    CHECK_THROWS_WITH(hass::exclusive_file("/nowhere/a.log"), Contains("cannot be opened"));
}

template <class Optimizer>
void check_resume(const hass::space& where, outcome (*f)(std::span<const double>)) {
    const std::size_t trials = 60;
    hass::study<Optimizer> whole(where, 9, {.trials = trials});
    whole.enqueue(where.snap(std::vector<double>(where.size(), 1.0)));
    whole.run(f);
    const temporary file;
    for (const std::size_t until : {1U, 13U, 14U, 35U, 60U}) {  // killed and restarted
        hass::journal log(file.path, "r", where);
        hass::study<Optimizer> part(where, 9, {.trials = trials});
        part.enqueue(where.snap(std::vector<double>(where.size(), 1.0)));
        CHECK(log.resume(part) == 0);
        while (part.history().size() < until) {
            const auto t = part.ask();
            log.begin(part.record(t->number));
            part.tell(*t, f(*t));
            log.append(part.record(t->number));
        }
        if (until == trials) break;
        const auto t = part.ask();  // in flight when the process dies
        log.begin(part.record(t->number));
    }
    CHECK(hass::read_journal(file.path).studies[0].trials.size() == trials);
    const auto read = hass::journal(file.path, "r", where).records();
    const auto history = whole.history();
    REQUIRE(read.size() == history.size());
    for (std::size_t i = 0; i < read.size(); ++i) CHECK(same(read[i], history[i]));
}

TEST_CASE("run, kill and resume gives the trials of one run", "[journal]") {
    check_resume<hass::tpe<>>(mixed(), moody);
    check_resume<hass::nsga2>(mixed(), moody);
    check_resume<hass::cma_es>(
        hass::space({hass::real_axis("x", -2.0, 2.0), hass::real_axis("y", -2.0, 2.0)}),
        [](std::span<const double> p) { return outcome::ok(p[0] * p[0] + 10.0 * p[1] * p[1]); });
}

TEST_CASE("batches resume with their lost trials", "[journal]") {
    const auto where = mixed();
    // Batches of four, told out of order; the last batch loses two.
    hass::study<hass::tpe<>> one(where, 2, {.trials = 48});
    hass::study<hass::tpe<>> two(where, 2, {.trials = 48});
    const temporary file;
    hass::journal log(file.path, "b", where);
    const auto tell = [&](hass::study<hass::tpe<>>& study, const hass::trial& t) {
        study.tell(t, moody(t));
    };
    for (int round = 0; round < 8; ++round) {
        auto batch = one.ask_batch(4);
        std::swap(batch[0], batch[2]);
        for (std::size_t i = 0; i < 4; ++i) {
            if (round == 7 && i >= 2) continue;
            tell(one, batch[i]);
            log.append(one.record(batch[i].number));
        }
    }
    hass::journal again(file.path, "b", where);
    CHECK(again.resume(two) == 0);
    const auto lost = two.ask_batch(2);
    CHECK(lost[0].number == 28);
    CHECK(lost[0].point == one.record(28).point);
    CHECK(lost[1].number == 29 + 2);
    for (const auto& t : lost) {
        tell(one, t);
        tell(two, t);
    }
    for (int i = 0; i < 10; ++i) {
        const auto a = one.ask();
        const auto b = two.ask();
        CHECK(a->number == b->number);
        CHECK(a->point == b->point);
        tell(one, *a);
        tell(two, *b);
    }
}

TEST_CASE("a journal of another seed is learnt from all the same", "[journal]") {
    const temporary file;
    hass::journal log(file.path, "s", mixed());
    hass::study<hass::tpe<>> first(mixed(), 1, {.trials = 30});
    log.run(first, moody);
    hass::study<hass::tpe<>> other(mixed(), 2, {.trials = 60});
    CHECK(hass::journal(file.path, "s", mixed()).resume(other) == 30);
    CHECK(other.history().size() == 30);
    other.run(moody);
    CHECK(other.history().size() == 60);
    CHECK(other.best()->result->values()[0] <= first.best()->result->values()[0]);
    CHECK_THROWS_WITH(log.resume(other), Contains("after the first ask"));
}

TEST_CASE("a torn last line is dropped, earlier damage is named", "[journal]") {
    const temporary file;
    {
        hass::journal log(file.path, "t", mixed());
        hass::study<hass::tpe<>> study(mixed(), 1, {.trials = 5});
        log.run(study, moody);
    }
    const std::string whole = text_of(file.path);
    const auto lines = std::count(whole.begin(), whole.end(), '\n');
    std::ofstream(file.path, std::ios::binary) << whole.substr(0, whole.size() - 40);
    {
        hass::journal log(file.path, "t", mixed());
        CHECK_THAT(log.warning(),
                   Contains(":" + std::to_string(lines) + ": the last line is torn"));
        CHECK(log.records().size() == 4);
        hass::study<hass::tpe<>> study(mixed(), 1, {.trials = 5});
        CHECK(log.resume(study) == 0);
        log.run(study, moody);
    }
    const auto read = hass::journal(file.path, "t", mixed()).records();
    CHECK(read.size() == 5);
    std::string damaged = whole;
    damaged.insert(damaged.find('\n') + 1, "{\"op_code\": 4, oops\n");
    CHECK_THROWS_WITH(hass::read_journal_text(damaged, "a.log"), Contains("a.log:2: damaged line"));
    CHECK_THROWS_WITH(hass::read_journal_text(whole + "\n" + whole, "a.log"),
                      Contains("a.log:" + std::to_string(lines + 1) + ": damaged line"));
    CHECK_THROWS_WITH(hass::read_journal_text("{\"op_code\":5,\"trial_id\":3}\n", "a.log"),
                      Contains("a.log:1: trial 3 is unknown"));
    // Numbers of trials, studies and steps are whole, and within what can be counted.
    const auto refused = [](const std::string& line, const std::string& why) {
        CHECK_THROWS_WITH(hass::read_journal_text(line + "\n{}\n", "a.log"),
                          Contains("a.log:1: " + why));
    };
    refused(R"({"op_code":5,"trial_id":1e300})", "trial_id is not a whole number");
    refused(R"({"op_code":5,"trial_id":-1})", "trial_id is negative");
    refused(R"({"op_code":5,"trial_id":18446744073709551615})", "trial_id is too large");
    refused(R"({"op_code":0.5})", "op_code is not a whole number");
    refused(R"({"op_code":0,"study_name":"s","directions":[3]})", "direction 3");
    refused(R"({"op_code":5,"trial_id":1e999})", "damaged line");  // beyond double
    CHECK_THROWS_WITH(hass::read_journal("/nowhere/a.log"), Contains("no such file"));
    CHECK_THROWS_AS(hass::journal("/nowhere/a.log", "t", mixed()), hass::error);
}

TEST_CASE("garbage in a journal ends in an error, never worse", "[journal]") {
    const std::string text = text_of(golden_path("journal_handwritten.log"));
    hass::random_stream random(8);
    for (int i = 0; i < 300; ++i) {
        std::string broken = text.substr(0, 1 + random.below(text.size()));
        for (std::uint64_t k = random.below(4); k > 0; --k)
            broken[random.below(broken.size())] = static_cast<char>(random.below(256));
        try {
            hass::read_journal_text(broken, "f");
        } catch (const hass::error&) {
        }
    }
    const std::string nan =
        "{\"op_code\":0,\"worker_id\":\"w\",\"study_name\":\"NaN\",\"directions\":[1]}\n"
        "{\"op_code\":4,\"study_id\":0,\"datetime_start\":null}\n"
        "{\"op_code\":6,\"trial_id\":0,\"state\":1,\"values\":[NaN],\"datetime_complete\":\"x\"}\n";
    const auto contents = hass::read_journal_text(nan, "f");
    CHECK(contents.studies[0].name == "NaN");
    CHECK(contents.studies[0].trials[0].bad_value);
}

TEST_CASE("Optuna 3.1 opens and continues a study written here", "[journal][optuna]") {
    if (std::system("/usr/bin/python3 -c 'import optuna' > /dev/null 2>&1") != 0) {
        WARN("skipped: python3-optuna is not installed");
        return;
    }
    const temporary file;
    {
        hass::journal log(file.path, "from_here", mixed());
        hass::study<hass::tpe<>> study(mixed(), 5, {.trials = 30});
        log.run(study, moody);
    }
    const std::string script =
        "import optuna, sys; optuna.logging.set_verbosity(optuna.logging.ERROR)\n"
        "s = optuna.load_study(study_name='from_here', storage=optuna.storages.JournalStorage("
        "optuna.storages.JournalFileStorage(sys.argv[1])))\n"
        "assert len(s.trials) == 30, len(s.trials)\n"
        "def f(t):\n"
        "    x = t.suggest_float('x', -2, 2); t.suggest_float('lr', 1e-5, 1e-1, log=True)\n"
        "    t.suggest_int('k', 1, 8); t.suggest_float('s', 0, 1, step=0.25)\n"
        "    t.suggest_categorical('c', ['relu', 'gelu \\\"q\\\"']); return x * x\n"
        "s.optimize(f, n_trials=3)\n"
        "assert len(s.trials) == 33 and s.best_value <= 4\n";
    const temporary program;
    std::ofstream(program.path) << script;
    CHECK(std::system(
              ("/usr/bin/python3 -W ignore '" + program.path + "' '" + file.path + "'").c_str()) ==
          0);
    const auto read = hass::journal(file.path, "from_here", mixed()).records();
    CHECK(read.size() == 33);
}
