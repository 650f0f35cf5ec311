// Rows, networks of types and the networks of the zoo.

#include <catch2/catch.hpp>
#include <hass/error.hpp>
#include <hass/workload/layers.hpp>
#include <hass/workload/network.hpp>
#include <hass/workload/zoo.hpp>
#include <vector>

using Catch::Matchers::Contains;
using hass::layer_kind;

namespace {

/// Windows that step over the padded input while they fit; with ceil mode also the one that covers
/// what is left, the first one included, unless it starts in the padding at the end.
int enumerated(int in, int kernel, int stride, int before, int after, int dilation, bool ceil) {
    int windows = 0;
    const int span = dilation * (kernel - 1) + 1;
    for (int start = 0; start < in + before + after; start += stride) {
        const int end = in + before + after;
        const bool covers_rest = start - stride + span < end && start < in + before;
        if (start + span <= end || (ceil && covers_rest)) ++windows;
    }
    return windows;
}

template <class Net>
void check_zoo(double gmac, std::int64_t weights) {
    constexpr hass::network_view net = Net{};
    hass::validate(net);
    CHECK(static_cast<double>(hass::mac_count(net)) / 1e9 == Approx(gmac).epsilon(0.01));
    CHECK(hass::weight_count(net) == weights);
    CHECK(hass::input_shape(net) == hass::shape{3, 224, 224});
    CHECK(net.rows.back().out == hass::shape{1000, 1, 1});
}

/// One convolution and what follows it, to be spoilt by the tests below.
hass::network small() {
    hass::network net;
    hass::layer_row row;
    row.in = {3, 8, 8}, row.out = {4, 8, 8};
    row.kernel_h = row.kernel_w = 3;
    row.pad_top = row.pad_left = row.pad_bottom = row.pad_right = 1;
    net.rows.push_back(row);
    hass::layer_row relu;
    relu.kind = layer_kind::relu, relu.in = relu.out = row.out;
    net.rows.push_back(relu);
    net.edges = {{-1, 0}, {0, 1}};
    net.names = {"conv", "relu"};
    return net;
}

}  // namespace

TEST_CASE("extents of windows equal their enumeration", "[layers]") {
    int compared = 0;
    for (int in = 1; in <= 12; ++in)
        for (int kernel = 1; kernel <= 4; ++kernel)
            for (int stride = 1; stride <= 4; ++stride)
                for (int before = 0; before <= 3; ++before)
                    for (int after = 0; after <= 3; ++after)
                        for (int dilation = 1; dilation <= 2; ++dilation)
                            for (const bool ceil : {false, true}) {
                                const int got = hass::window_extent(in, kernel, stride, before,
                                                                    after, dilation, ceil);
                                const int want =
                                    enumerated(in, kernel, stride, before, after, dilation, ceil);
                                if (got != want)
                                    FAIL_CHECK(in << " " << kernel << " " << stride << " " << before
                                                  << " " << after << " " << dilation << " " << ceil
                                                  << ": " << got << " is not " << want);
                                ++compared;
                            }
    CHECK(compared == 12 * 4 * 4 * 16 * 4);
}

TEST_CASE("zoo networks have the published multiply-accumulates and weights", "[layers]") {
    // torchvision's parameter counts (11'689'512, 25'557'032, 3'504'872, 2'542'856, 5'483'032)
    // without batch norms and biases
    check_zoo<hass::zoo::types::resnet18>(1.814, 11'678'912);
    check_zoo<hass::zoo::types::resnet50>(4.089, 25'502'912);
    check_zoo<hass::zoo::types::mobilenet_v2>(0.301, 3'469'760);
    check_zoo<hass::zoo::types::mobilenet_v3_small>(0.0565, 2'525'832);
    check_zoo<hass::zoo::types::mobilenet_v3_large>(0.217, 5'451'272);
}

TEST_CASE("sequences, residuals, gates and concats lower to rows and edges", "[layers]") {
    using net = hass::sequential<
        hass::input<3, 9, 9>, hass::conv2d<3, 8, 3, hass::stride<2>, hass::pad<1>>, hass::relu,
        hass::residual<hass::sequential<hass::depthwise<8, 3, hass::pad<1>>, hass::relu6>>,
        hass::gated<hass::sequential<hass::global_average_pool, hass::sigmoid>>,
        hass::concat<hass::pointwise<8, 4>, hass::conv2d<8, 2, 3, hass::pad<1>, hass::no_bias>>,
        hass::max_pool<2, hass::stride<2>, hass::ceil_mode>, hass::flatten, hass::linear<54, 10>,
        hass::softmax>;
    constexpr hass::network_view view = net{};
    hass::validate(view);
    REQUIRE(view.size() == 15);
    const std::vector<layer_kind> kinds{
        layer_kind::convolution, layer_kind::relu,     layer_kind::convolution,
        layer_kind::relu6,       layer_kind::add,      layer_kind::global_average_pool,
        layer_kind::sigmoid,     layer_kind::multiply, layer_kind::convolution,
        layer_kind::convolution, layer_kind::concat,   layer_kind::max_pool,
        layer_kind::flatten,     layer_kind::linear,   layer_kind::softmax};
    for (std::size_t i = 0; i < kinds.size(); ++i) CHECK(view[i].kind == kinds[i]);
    const std::vector<hass::edge> edges{{-1, 0}, {0, 1},  {1, 2},   {2, 3},   {3, 4},   {1, 4},
                                        {4, 5},  {5, 6},  {4, 7},   {6, 7},   {7, 8},   {7, 9},
                                        {8, 10}, {9, 10}, {10, 11}, {11, 12}, {12, 13}, {13, 14}};
    CHECK(std::vector<hass::edge>(view.edges.begin(), view.edges.end()) == edges);
    CHECK(view[10].out == hass::shape{6, 5, 5});
    CHECK(view[11].out == hass::shape{6, 3, 3});
    CHECK(hass::name_of(view, 4) == "add 4");
    static_assert(hass::mac_count(view[0]) == 3 * 8 * 9 * 25);
    static_assert(hass::mac_count(view[2]) == 8 * 9 * 25);
    static_assert(hass::weight_count(view[1]) == 0);
}

TEST_CASE("validate names the row and the field", "[layers]") {
    CHECK_NOTHROW(hass::validate(small()));
    const auto spoilt = [](auto change) {
        hass::network net = small();
        change(net);
        try {
            hass::validate(net);
        } catch (const hass::error& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK_THAT(spoilt([](auto& n) { n.rows.clear(); }), Contains("no layers"));
    CHECK_THAT(spoilt([](auto& n) { n.rows[0].in.height = 0; }),
               Contains("'conv'") && Contains("empty axis"));
    CHECK_THAT(spoilt([](auto& n) { n.rows[0].stride_h = 0; }), Contains("at least 1"));
    CHECK_THAT(spoilt([](auto& n) { n.rows[0].pad_left = -1; }), Contains("negative"));
    CHECK_THAT(spoilt([](auto& n) { n.rows[0].groups = 2; }), Contains("groups = 2"));
    CHECK_THAT(spoilt([](auto& n) { n.rows[0].out.height = 7; }), Contains("does not follow"));
    CHECK_THAT(spoilt([](auto& n) {
                   n.rows[1].in = n.rows[1].out = {4, 8, 7};
               }),
               Contains("'relu'") && Contains("expects 4x8x7 but 'conv' gives 4x8x8"));
    CHECK_THAT(spoilt([](auto& n) { n.edges[1] = {1, 0}; }), Contains("topological order"));
    CHECK_THAT(spoilt([](auto& n) { n.edges[1] = {0, 5}; }), Contains("topological order"));
    CHECK_THAT(spoilt([](auto& n) { std::swap(n.edges[0], n.edges[1]); }),
               Contains("edge -1 -> 0 stands behind one that leads to row 1"));
    CHECK_THAT(spoilt([](auto& n) { n.edges.pop_back(); }),
               Contains("'relu'") && Contains("no input"));
    CHECK_THAT(spoilt([](auto& n) { n.rows[1].kind = layer_kind::linear; }), Contains("vectors"));
}
