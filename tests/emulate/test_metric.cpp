// Metrics against values worked out by hand or by brute force, heads against boxes written into
// them, and the sequential test on a mean against what it promises.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <hass/emulate/mean_limit.hpp>
#include <hass/emulate/metric.hpp>
#include <hass/emulate/read_boxes.hpp>
#include <hass/files/whole_file.hpp>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

using Catch::Matchers::Contains;
using hass::detection;

TEST_CASE("metrics of single images", "[metric]") {
    const std::vector<float> answers{1, 3, 2, 5, 4, 6};  // two images, three numbers
    CHECK(hass::top_k(1, {1, 0}, {3, 1, false}, std::nullopt)(answers, 2) == 0.5);
    CHECK(hass::top_k(2, {2, 0}, {3, 1, false}, std::nullopt)(answers, 2) == 1.0);
    CHECK_THROWS_WITH(hass::top_k(1, {3}, {3, 1, false}, std::nullopt), Contains("3 classes"));
    CHECK_THROWS_WITH(hass::top_k(1, {1}, {1, 1, false}, std::nullopt), Contains("one number"));
    const std::vector<float> before{0, 9, 1, 7, 8, 0};
    CHECK(hass::agreement(before, {3, 1, false})(answers, 2) == 0.5);
    // the same numbers as three positions of one class each, cut at 3.5
    CHECK(hass::agreement(before, {1, 3, false}, 3.5F)(answers, 2) == Approx(4.0 / 6));
    CHECK_THROWS_WITH(hass::agreement(before, {3, 1, false})(std::vector<float>(9), 3),
                      Contains("none for image 2"));
    CHECK(hass::fidelity({3, 4, 0, 1, 0, 0})(std::vector<float>{6, 8, 0, 1, 1, 0}, 2) ==
          Approx((1.0 + std::sqrt(0.5)) / 2));
    CHECK(hass::closeness({3, 4})(std::vector<float>{3, 3}, 1) == Approx(1.0 - 1.0 / 5.0));
    CHECK(hass::closeness({3, 4})(std::vector<float>{9, 12}, 1) == Approx(-1.0));
    // rounded to 0..255: errors 0, 1, 0, 5
    CHECK(hass::psnr({10, 20, 0, 255})(std::vector<float>{10.4F, 21.2F, -7.0F, 250.0F}, 1) ==
          Approx(10.0 * std::log10(255.0 * 255.0 / (26.0 / 4.0))));
    CHECK(hass::psnr({1, 2})(std::vector<float>{1, 2}, 1) == 100.0);
    CHECK(hass::iou({1, 1, 0, 0, 0, 0})(std::vector<float>{0.9F, 0.1F, 0.8F, 0, 0, 0}, 2) ==
          Approx((1.0 / 3.0 + 1.0) / 2));
}

TEST_CASE("metrics of all images together", "[metric]") {
    // classes x positions, two images of two positions: decided 0 1 | 1 1, wanted 0 0 | 1 255
    const std::vector<float> maps{5, 1, 2, 4, 0, 0, 1, 1};
    const hass::metric miou = hass::mean_iou({0, 0, 1, 255}, {2, 2, false});
    CHECK(miou(maps, 2) == Approx((1.0 / 2 + 1.0 / 2) / 2));
    CHECK_FALSE(miou.is_mean());
    CHECK_THROWS_WITH(hass::mean_iou({0, 7}, {2, 2, false})(std::span(maps).first(4), 1),
                      Contains("class 7 of 2"));
    // channels last: the same numbers in the other order
    const std::vector<float> turned{5, 2, 1, 4, 0, 1, 0, 1};
    CHECK(hass::mean_iou({0, 0, 1, 255}, {2, 2, true})(turned, 2) == miou(maps, 2));

    std::mt19937 draw(3);
    std::vector<float> scores;
    std::vector<int> labels;
    for (int i = 0; i < 200; ++i) {
        labels.push_back(static_cast<int>(draw() % 2));
        scores.push_back(static_cast<float>(draw() % 20) +
                         3.0F * static_cast<float>(labels.back()));
    }
    double wins = 0.0, pairs = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i)
        for (std::size_t k = 0; k < scores.size(); ++k)
            if (labels[i] == 1 && labels[k] == 0) {
                pairs += 1.0;
                wins += scores[i] > scores[k] ? 1.0 : scores[i] == scores[k] ? 0.5 : 0.0;
            }
    CHECK(hass::auc(labels)(scores, scores.size()) == Approx(wins / pairs).epsilon(1e-12));
    CHECK_THROWS_WITH(hass::auc({1, 1})(std::vector<float>{1, 2}, 2), Contains("all labels"));
}

TEST_CASE("a metric of one's own: a mean of a functor, or of all answers", "[metric]") {
    const hass::metric mean = hass::mean_metric(
        {"hits", "hits", ""}, [](std::span<const float> answer, std::size_t image) {
            return answer[image] > 0.5F ? 1.0 : 0.0;
        });
    CHECK(mean(std::vector<float>{1, 0, 0, 0}, 2) == 0.5);
    CHECK(mean.unit.text(0.5) == "50.00 %");
    const hass::metric whole = hass::whole_metric(
        {"spread", "spread", "m"},
        [](std::span<const float> answers, std::size_t) { return answers[0] - answers[1]; });
    CHECK(whole(std::vector<float>{3, 1}, 2) == 2.0);
    CHECK(whole.unit.text(2.0) == "2.00 m");
}

TEST_CASE("heads of detectors are read back to the boxes written into them", "[metric]") {
    const hass::shape input{3, 64, 32};
    constexpr std::size_t cells = 8 * 4 + 4 * 2 + 2 * 1;
    constexpr std::size_t classes = 3;
    // box 10..26 x 20..44, class 2 of score 0.8, in row 5 (cell x 1, y 1 of stride 8)
    const auto read = [&](hass::detector_head head, std::vector<float> answer) {
        const hass::box_decoder decode({head}, input, answer.size());
        REQUIRE(decode.classes() == classes);
        const std::vector<detection> found = decode(answer);
        REQUIRE(found.size() == 1);
        CHECK(found[0].x1 == Approx(10.0));
        CHECK(found[0].y1 == Approx(20.0));
        CHECK(found[0].x2 == Approx(26.0));
        CHECK(found[0].y2 == Approx(44.0));
        CHECK(found[0].label == 2);
        CHECK(found[0].score == Approx(0.8));
        const hass::labelled_picture narrow{{}, 24.0F, 30.0F};
        CHECK(decode(answer, narrow)[0].x2 == 24.0F);
        CHECK(decode(answer, narrow)[0].y2 == 30.0F);
    };
    const auto rows = [&](std::size_t count, const std::vector<float>& row) {
        std::vector<float> answer(count * row.size(), 0.0F);
        std::copy(row.begin(), row.end(),
                  answer.begin() + static_cast<std::ptrdiff_t>(5 * row.size()));
        return answer;
    };
    read(hass::detector_head::yolov5, rows(3 * cells, {18, 32, 16, 24, 0.8F, 0.1F, 0.2F, 1.0F}));
    read(hass::detector_head::yolox, rows(cells, {18.0F / 8 - 1, 32.0F / 8 - 1, std::log(2.0F),
                                                  std::log(3.0F), 1.0F, 0.1F, 0.2F, 0.8F}));
    std::vector<float> across(7 * cells, 0.0F);
    const std::vector<float> column{18, 32, 16, 24, 0.1F, 0.2F, 0.8F};
    for (std::size_t c = 0; c < column.size(); ++c) across[c * cells + 5] = column[c];
    read(hass::detector_head::yolov8, across);
    CHECK_THROWS_WITH(hass::box_decoder({}, input, cells * 8 + 1), Contains("boxes with their"));
    CHECK_THROWS_WITH(hass::detector_head_named("yolv8"), Contains("'yolov8'"));

    // of two boxes of one class that overlap the weaker goes, of two classes neither
    std::vector<float> two = rows(cells, {1, 1, 0.7F, 0.7F, 1.0F, 0.0F, 0.0F, 0.8F});
    const std::vector<float> beside{0.05F, 1, 0.7F, 0.7F, 1.0F, 0.0F, 0.0F, 0.7F};
    std::copy(beside.begin(), beside.end(), two.begin() + 6 * 8);
    const hass::box_decoder decode({}, input, two.size());
    CHECK(decode(two).size() == 1);
    std::swap(two[6 * 8 + 6], two[6 * 8 + 7]);
    CHECK(decode(two).size() == 2);
}

TEST_CASE("mean average precision as COCO's evaluation has it", "[metric]") {
    const auto box = [](float x, int label, float score) {
        return detection{x, 0, x + 10, 10, label, score};
    };
    // one class: right, wrong, right: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1
    const std::vector<std::vector<detection>> truth{{box(0, 0, 1), box(100, 0, 1)}};
    const std::vector<std::vector<detection>> found{
        {box(0, 0, 0.9F), box(50, 0, 0.8F), box(100, 0, 0.7F)}};
    const hass::average_precision ap = hass::mean_average_precision(found, truth);
    CHECK(ap.at_50 == Approx((51.0 * 1.0 + 50.0 * 2.0 / 3.0) / 101.0));
    CHECK(ap.at_50_to_95 == Approx(ap.at_50));
    // shifted by 2 of 10: overlap 8/12 = 2/3 counts at 0.5, 0.55, 0.6 and 0.65
    const auto shifted = hass::mean_average_precision({{box(2, 0, 1)}}, {{box(0, 0, 1)}});
    CHECK(shifted.at_50 == Approx(1.0));
    CHECK(shifted.at_50_to_95 == Approx(0.4));
    // a box found twice counts once, classes count alike, one that is not there does not count
    const auto twice = hass::mean_average_precision(
        {{box(0, 0, 0.9F), box(0, 0, 0.8F), box(0, 5, 0.9F)}}, {{box(0, 0, 1), box(40, 1, 1)}});
    CHECK(twice.at_50 == Approx(0.5));
    CHECK(hass::mean_average_precision({{}}, {{box(0, 0, 1)}}).at_50 == 0.0);
}

TEST_CASE("true boxes come from JSON", "[metric]") {
    const auto path = std::filesystem::temp_directory_path() / "hass_boxes.json";
    const auto read = [&](const std::string& text) {
        hass::write_whole(path, text);
        return hass::read_boxes(path);
    };
    const auto pictures = read(
        R"([{"boxes": [[1, 2, 3, 4.5]], "classes": [7], "width": 640, "height": 320, "scale": 0.5},
            {"boxes": [], "classes": []}])");
    REQUIRE(pictures.size() == 2);
    CHECK(pictures[0].boxes[0].y2 == 4.5F);
    CHECK(pictures[0].boxes[0].label == 7);
    CHECK(pictures[0].width == 320.0F);
    CHECK(std::isinf(pictures[1].width));
    for (const char* bad :
         {"", "{}", "[]", "[1]", R"([{"boxes": [[1, 2, 3]], "classes": [1]}])",
          R"([{"boxes": [], "classes": [1]}])", R"([{"boxes": [[1, 2, 3, 4]], "classes": [-1]}])",
          R"([{"boxes": [[1, 2, 3, "4"]], "classes": [1]}])",
          R"([{"boxes": [[1, 2, 3, 4]], "classes": [1.5]}])",
          R"([{"boxes": [], "classes": [], "width": 0, "height": 1, "scale": 1}])"})
        CHECK_THROWS_AS(read(bad), hass::error);
    std::filesystem::remove(path);
}

TEST_CASE("a mean near its limit is misjudged no more often than stated", "[metric]") {
    constexpr std::size_t images = 200;
    constexpr double error = 0.1;
    std::mt19937 draw(11);
    const auto uniform = [&] { return static_cast<double>(draw()) / 4294967296.0; };
    int wrong = 0, early = 0;
    constexpr int runs = 400;
    for (int run = 0; run < runs; ++run) {
        std::vector<double> reference, scores;
        double mean = 0.0;
        for (std::size_t n = 0; n < images; ++n) {
            reference.push_back(uniform());
            const double moved = uniform() < 0.1 ? -0.5 * uniform() : 0.0;
            scores.push_back(std::clamp(reference.back() + moved, 0.0, 1.0));
            mean += scores.back() / images;
        }
        const bool above = run % 2 == 0;  // just met, just missed
        const double floor = above ? mean - 1e-6 : mean + 1e-6;
        hass::mean_limit_test test({floor, error}, reference, {0.0, 1.0});
        hass::limit_verdict verdict = hass::limit_verdict::open;
        for (const std::size_t n : hass::shuffled(images, static_cast<std::uint64_t>(run))) {
            test.see(n, scores[n]);
            if (verdict == hass::limit_verdict::open) verdict = test.look();
        }
        wrong +=
            verdict == (above ? hass::limit_verdict::missed : hass::limit_verdict::met) ? 1 : 0;
        // far from the limit it ends early, and right
        hass::mean_limit_test far({mean + 0.05, error}, reference, {0.0, 1.0});
        std::size_t seen = 0;
        for (const std::size_t n : hass::shuffled(images, static_cast<std::uint64_t>(run))) {
            far.see(n, scores[n]);
            ++seen;
            if (far.look() != hass::limit_verdict::open) break;
        }
        CHECK(far.look() == hass::limit_verdict::missed);
        CHECK(far.estimate(far.look()) < mean + 0.05);
        early += seen < images ? 1 : 0;
    }
    // three deviations of a binomial count above what is allowed
    CHECK(wrong <= runs * error + 3.0 * std::sqrt(runs * error * (1.0 - error)));
    CHECK(early > runs / 2);
    // certain at last, whatever the error
    hass::mean_limit_test sure({0.5, 0.0}, {1.0, 1.0}, {0.0, 1.0});
    sure.see(0, 1.0);
    CHECK(sure.look() == hass::limit_verdict::open);
    sure.see(1, 0.25);
    CHECK(sure.look() == hass::limit_verdict::met);
    CHECK_THROWS_WITH(hass::mean_limit_test({0.5, 1.0}, {1.0}, {0.0, 1.0}), Contains("error"));
}
