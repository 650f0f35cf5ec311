// Which engine should I build? The shipped network and ResNet-18 on arrays of 1,024 multipliers and
// on a board, each engine with the sparsity that it can use, without retraining.
#include <cstdio>
#include <hass/compare/compare.hpp>
#include <hass/engine/arrays/folded_array.hpp>
#include <hass/hass.hpp>
#include <string>
#include <vector>

namespace {

namespace pt = hass::patterns;
constexpr double mhz = 500.0;  // of the arrays

// Rows with fewer than `channels` input channels (first and depthwise layers) stay dense.
constexpr int channels = 16;

std::vector<hass::contender> contenders(const hass::device& board) {
    const auto dense = hass::unpruned();
    const auto half = hass::make_pattern("half", pt::unstructured{0.5}, channels);
    const auto g2h4 = hass::make_pattern("2:4", pt::gh<2, 4>{}, channels);
    const auto g2h8 = hass::make_pattern("2:8", pt::gh<2, 8>{}, channels);
    using deep = pt::hss<pt::gh<4, 6>, pt::gh<2, 3>>;  // 4/9
    const auto hss = hass::make_pattern("4:6 2:3", deep{}, 18);
    using taps4 = pt::periodic<9, 4, 8>;
    const auto pps = hass::make_pattern("4 of 9 taps", taps4{}, 8);

    constexpr int size = 1024;
    hass::eyeriss_v2_pe eyeriss;
    eyeriss.macs_per_cycle = size;  // as many PEs, perfectly balanced
    hass::sdpe_array flaash;
    flaash.engines = size;
    hass::hash_array hash{size, 2};
    const auto folded_dense = hass::fold(hass::dense_dot<>{}, hass::all_pairs{}, size);
    const auto spe = hass::fold(hass::sparse_dot<>{}, hass::surviving_pairs{}, size);
    const auto pass = hass::fold(hass::pass<>{}, hass::activation_pairs{}, size);
    const auto periodic = hass::sps::of(taps4{});
    const auto sps = hass::fold(
        periodic, [=](const hass::layer_row& row, const auto&) { return periodic.macs(row); },
        size);

    std::vector<hass::contender> list;
    const auto array = [&](const char* name, const auto& engine, const auto& weights) {
        list.push_back(hass::array_contender(name, engine, weights, mhz));
    };
    array("dense array", hass::dense_array{}, dense);
    array("dense dot products", folded_dense, dense);
    array("PASS", pass, dense);
    array("HASS SPE", spe, dense);
    array("HASS SPE", spe, half);
    array("HighLight", hass::highlight::of(deep{}), hss);
    array("SPS", sps, pps);
    array("tensor core 2:4", hass::tensor_cores::sparse, g2h4);
    array("tensor core 2:8", hass::tensor_cores::flexible, g2h8);
    array("dual compressed", hass::tensor_cores::dual_compressed, g2h4);
    array("dual-side core", hass::dual_side_cores::four_tall, half);
    array("Eyeriss v2 PEs", eyeriss, half);
    array("FLAASH SDPEs", flaash, half);
    array("hash accumulate", hash, half);
    for (const auto& weights : {dense, half})
        list.push_back(hass::board_contender("SPE on a " + std::string(board.name),
                                             hass::sparse_dot<>{}, board, weights));
    return list;
}

void print(const char* title, const std::vector<hass::comparison>& rows) {
    std::printf("\n%s\n%-19s %-12s %6s %9s %11s %6s %9s %10s %6s\n", title, "engine", "weights",
                "top-1", "KiB", "images/s", "util.", "MAC uJ", "MAC EDP", "front");
    for (const hass::comparison& c : rows) {
        const hass::performance& p = c.achieved;
        const auto cell = [](const auto& value, double scale, const char* format) {
            char text[32] = "-";  // not modelled
            if (value)
                std::snprintf(text, sizeof text, format, static_cast<double>(*value) * scale);
            return std::string(text);
        };
        std::printf(
            "%-19s %-12s %6s %9.1f %11.1f %6s %9s %10s %4s%s\n", c.name.c_str(), c.pattern.c_str(),
            cell(c.accuracy, 100.0, "%.1f").c_str(), static_cast<double>(c.storage_bits) / 8192.0,
            p.images_per_second, cell(p.utilisation, 100.0, "%.0f%%").c_str(),
            cell(p.compute_pj, 1e-6, "%.3f").c_str(), cell(c.compute_edp, 1.0, "%.4g").c_str(),
            c.on_throughput_front ? "T" : "", c.on_edp_front ? "E" : "");
    }
}

}  // namespace

int main() try {
    const std::string data = HASS_EXAMPLES_DATA;
    const hass::model fashion = hass::load_onnx(data + "/fashion.onnx");
    hass::image_set images = hass::read_images(data + "/fashion_images.npy");
    std::vector<int> labels = hass::read_labels(data + "/fashion_labels.npy");
    images.count = 200;
    labels.resize(images.count);
    print("The shipped network, measured on 200 images",
          hass::compare(fashion, contenders(hass::boards::zcu104::value),
                        hass::emulated(fashion, images, labels)));

    // ResNet-18 as it was measured on ImageNet: neither weights nor images are here, so accuracy
    // after projection is not known.
    const auto resnet = hass::read_statistics(data + "/statistics/resnet18.statistics");
    print("ResNet-18 from its statistics, weights as sparse as their pattern, top-1 not measured",
          hass::compare(resnet, contenders(hass::boards::u250::value), hass::recorded(resnet)));

    std::printf(
        "\nT: no other is as accurate and faster; E: ... and has a smaller EDP of its"
        " multipliers.\nEDP in uJ us; arrays at %.0f MHz; '-': not published.\n",
        mhz);
    return 0;
} catch (const hass::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 2;
}
