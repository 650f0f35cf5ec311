// The ONNX conformance suite (Debian's libonnx-testdata), case by case: what the loader takes must
// be answered as the suite says, the rest refused by a hass::error, each within a second. Prints a
// table by family of operators, which stands in docs/conformance.md, too.
//     conformance <folder of the suite> <docs/conformance.md> [--list]
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <hass/emulate/emulator.hpp>
#include <hass/workload/onnx.hpp>
#include <iterator>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace onnx = hass::detail::onnx;

std::string content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

constexpr std::string_view several = "several in one graph";
constexpr std::string_view others = "all others";

std::string_view family_of(std::string_view op) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> families{{
        {"convolutions", " Conv ConvTranspose ConvInteger QLinearConv "},
        {"pools", " MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool MaxUnpool "},
        {"matrix products", " Gemm MatMul MatMulInteger QLinearMatMul Einsum "},
        {"activations",
         " Relu Clip HardSwish HardSigmoid Sigmoid Softmax LogSoftmax Hardmax Elu Selu Celu "
         "LeakyRelu PRelu Softplus Softsign Tanh ThresholdedRelu Shrink "},
        {"normalisations",
         " BatchNormalization InstanceNormalization LayerNormalization LRN "
         "MeanVarianceNormalization LpNormalization "},
        {"arithmetic", " Add Sub Mul Div Sum Mean Max Min Neg Abs Pow Sqrt Exp Log Mod "},
        {"shapes and copies",
         " Concat Flatten Identity Pad Reshape Squeeze Unsqueeze Transpose Shape Size Slice Split "
         "Dropout Cast Constant ConstantOfShape Expand Tile Gather DepthToSpace SpaceToDepth "},
        {"reductions",
         " ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum "
         "ReduceLogSumExp ReduceSumSquare ArgMax ArgMin "},
    }};
    for (const auto& [family, members] : families)
        if (members.find(" " + std::string(op) + " ") != std::string_view::npos) return family;
    return others;
}

enum class verdict { correct, refused, wrong };

struct result {
    verdict what = verdict::refused;
    std::string why;
};

/// One case's files.
struct test_case {
    std::string model;
    std::vector<std::string> names;   ///< of the graph's inputs
    std::vector<std::string> inputs;  ///< TensorProto each
    std::vector<std::string> outputs;
};

/// Runs a case with input `image` as the data; the others become initializers, as they are
/// constants for the loader.
result run_with(const test_case& c, std::size_t image) try {
    std::string file = c.model;
    for (std::size_t k = 0; k < c.inputs.size() && k < c.names.size(); ++k) {
        if (k == image) continue;
        std::string tensor = c.inputs[k];
        protozero::pbf_writer(tensor).add_string(8, c.names[k]);
        std::string graph;
        protozero::pbf_writer(graph).add_message(5, tensor);
        protozero::pbf_writer(file).add_message(7, graph);
    }
    hass::onnx_options options;
    if (c.outputs.size() > 1) options.output = "all";
    const hass::emulator emulator(hass::parse_onnx(file, "model.onnx", options));

    onnx::budget enough(std::size_t{1} << 20);
    const onnx::tensor_proto given = onnx::read_tensor(c.inputs[image]);
    const std::vector<double> values = onnx::numbers(onnx::file_constant(given), enough);
    const std::vector<float> pixels(values.begin(), values.end());
    hass::image_set images;
    images.each = hass::input_shape(emulator.network());
    images.count = static_cast<std::size_t>(given.dims.at(0));
    images.pixels = hass::make_npy<float>({pixels.size()}, pixels);
    if (images.count * static_cast<std::size_t>(images.each.volume()) != pixels.size())
        return {verdict::wrong, "takes images of another size"};
    const std::vector<float> answers = emulator.logits(images);

    std::vector<double> expected;  // image by image, one output behind the other
    std::vector<std::vector<double>> parts;
    for (const std::string& output : c.outputs) {
        const onnx::tensor_proto wanted = onnx::read_tensor(output);
        parts.push_back(onnx::numbers(onnx::file_constant(wanted), enough));
        if (parts.back().size() % images.count != 0)
            return {verdict::wrong, "an output is of another number of images"};
    }
    for (std::size_t n = 0; n < images.count; ++n)
        for (const std::vector<double>& part : parts) {
            const auto each = static_cast<std::ptrdiff_t>(part.size() / images.count);
            const auto first = part.begin() + static_cast<std::ptrdiff_t>(n) * each;
            expected.insert(expected.end(), first, first + each);
        }
    if (answers.size() != expected.size())
        return {verdict::wrong, std::to_string(answers.size()) + " answers, expected " +
                                    std::to_string(expected.size())};
    double largest = 0.0;
    for (const double e : expected) largest = std::max(largest, std::abs(e));
    for (std::size_t i = 0; i < answers.size(); ++i)
        if (!(std::abs(static_cast<double>(answers[i]) - expected[i]) <= 1e-4 * largest + 1e-6))
            return {verdict::wrong, "answer " + std::to_string(i) + " is " +
                                        std::to_string(answers[i]) + ", expected " +
                                        std::to_string(expected[i])};
    return {verdict::correct, ""};
} catch (const hass::error& e) {
    return {verdict::refused, e.what()};
}

result run(const test_case& c) {
    result first{verdict::refused, "no input"};
    for (std::size_t image = 0; image < std::min(c.inputs.size(), c.names.size()); ++image) {
        const result r = run_with(c, image);
        if (r.what != verdict::refused) return r;
        if (image == 0) first = r;
    }
    return first;
}

test_case read_case(const fs::path& folder, std::string_view& family) {
    test_case c;
    c.model = content_of(folder / "model.onnx");
    const onnx::model_proto m = onnx::read_model(c.model);
    std::set<std::string_view> operators;
    for (const onnx::node_proto& node : m.graph.nodes) operators.insert(node.op_type);
    operators.erase("Constant");
    family = operators.size() == 1 ? family_of(*operators.begin())
             : operators.empty()   ? family_of("Constant")
                                   : several;
    for (const onnx::value_proto& v : m.graph.inputs) c.names.emplace_back(v.name);
    const fs::path data = folder / "test_data_set_0";
    for (int k = 0; fs::exists(data / ("input_" + std::to_string(k) + ".pb")); ++k)
        c.inputs.push_back(content_of(data / ("input_" + std::to_string(k) + ".pb")));
    for (std::size_t k = 0; k < m.graph.outputs.size(); ++k)
        c.outputs.push_back(content_of(data / ("output_" + std::to_string(k) + ".pb")));
    return c;
}

}  // namespace

int main(int argc, char** argv) {
    const fs::path suite = argc > 1 ? argv[1] : "";
    if (!fs::exists(suite / "node" / "test_relu" / "model.onnx")) {
        std::puts("skipped: the ONNX suite (package libonnx-testdata) is not there");
        return 0;
    }
    const bool list = argc > 3 && std::string_view(argv[3]) == "--list";
    std::vector<fs::path> folders;
    for (const auto& entry : fs::recursive_directory_iterator(suite))
        if (entry.path().filename() == "model.onnx") folders.push_back(entry.path().parent_path());
    std::sort(folders.begin(), folders.end());
    std::map<std::string_view, std::array<int, 2>> counts;
    std::array<int, 2> all{};
    int bad = 0;
    for (const fs::path& folder : folders) {
        std::string_view family = others;
        result r;
        const auto start = std::chrono::steady_clock::now();
        try {
            r = run(read_case(folder, family));
        } catch (const hass::error& e) {
            r = {verdict::refused, e.what()};
        } catch (const std::exception& e) {
            r = {verdict::wrong, std::string("not a hass::error: ") + e.what()};
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        if (took.count() > 5.0) r = {verdict::wrong, "took more than five seconds"};
        const std::string name = fs::relative(folder, suite).string();
        if (r.what == verdict::wrong) {
            std::printf("WRONG %s: %s\n", name.c_str(), r.why.c_str());
            ++bad;
            continue;
        }
        if (list)
            std::printf("%s %s %s\n", r.what == verdict::correct ? "correct" : "refused",
                        name.c_str(), r.why.c_str());
        ++counts[family][r.what == verdict::correct ? 0 : 1];
        ++all[r.what == verdict::correct ? 0 : 1];
    }

    const auto line = [](std::string_view what, const std::array<int, 2>& n) {
        std::ostringstream text;
        text << "| " << what << " | " << n[0] << " | " << n[1] << " |";
        return text.str();
    };
    std::vector<std::string> table;
    for (const auto& [family, n] : counts)
        if (family != others && family != several) table.push_back(line(family, n));
    for (const std::string_view last : {several, others})
        if (counts.contains(last)) table.push_back(line(last, counts[last]));
    table.push_back(line("together", all));
    std::puts("| operators | correct | refused |\n|---|---|---|");
    for (const std::string& row : table) std::puts(row.c_str());
    std::printf("%zu cases, %d wrong\n", folders.size(), bad);
    if (bad > 0) return 1;

    // The page's table is of one release of the suite, named there by its number of cases.
    const std::string page = argc > 2 ? content_of(argv[2]) : "";
    if (page.find(std::to_string(folders.size()) + " cases") == std::string::npos) {
        std::puts("another release of the suite than the page's: its table is not compared");
        return 0;
    }
    for (const std::string& row : table)
        if (page.find(row + "\n") == std::string::npos) {
            std::printf("%s lacks the row %s\n", argv[2], row.c_str());
            bad = 1;
        }
    return bad;
}
