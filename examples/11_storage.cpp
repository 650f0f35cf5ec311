// What a network's weights take in memory: formats beside patterns, at the density of 4 of 9 taps.
#include <cstdio>
#include <hass/engine/storage/formats.hpp>
#include <hass/workload/zoo.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

using kernels = std::vector<std::pair<int, int>>;  // filters, channels of each 3x3 layer

kernels resnet18() {
    kernels all;
    for (const hass::layer_row& row : hass::network_view(hass::zoo::resnet18).rows)
        if (hass::is_compute(row) && row.kernel_h == 3)
            all.emplace_back(row.out.channels, row.in.channels);
    return all;
}
const kernels vgg16{{64, 3},    {64, 64},   {128, 64},  {128, 128}, {256, 128},
                    {256, 256}, {256, 256}, {512, 256}, {512, 512}, {512, 512},
                    {512, 512}, {512, 512}, {512, 512}};

/// Mean MiB at that density when zeros are anywhere; structured formats always have their size.
template <hass::formats::Format F>
double mebibytes(const F& format, const kernels& layers, int word_bits) {
    double bits = 0.0;
    for (const auto& [filters, channels] : layers) {
        const std::vector<int> extents{filters, channels, 9};
        bits += format.expected_bits(extents, 4.0 / 9.0, word_bits);
    }
    return bits / 8.0 / 1048576.0;
}

void print(const char* name, const kernels& layers, int word_bits) {
    namespace f = hass::formats;
    const auto mib = [&](const auto& format) { return mebibytes(format, layers, word_bits); };
    const double periodic = mib(f::periodic_index{4, 8});
    std::printf("\n%s, 3x3 layers, %d-bit words: MiB, and over the periodic pattern\n", name,
                word_bits);
    for (const auto& [format, size] :
         std::vector<std::pair<std::string, double>>{{"uncompressed", mib(f::uncompressed{})},
                                                     {"bitmask", mib(f::bitmask{})},
                                                     {"run length, 4 bits", mib(f::run_length{4})},
                                                     {"coordinate list", mib(f::coordinate{})},
                                                     {"CSR", mib(f::csr{})},
                                                     {"CSF", mib(f::csf{})},
                                                     {"4 of 9 taps, period 8", periodic}})
        std::printf("  %-22s %8.3f %6.2f\n", format.c_str(), size, size / periodic);
}

}  // namespace

int main() {
    for (const int word_bits : {8, 16}) {
        print("VGG-16", vgg16, word_bits);
        print("ResNet-18", resnet18(), word_bits);
    }
    std::printf(
        "\nSPS (ISLPED 2022) publishes 3.67x without naming the other format or the widths;"
        "\nthe coordinate list in 8 bits comes near, which proves nothing.\n");
}
