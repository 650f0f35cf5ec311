// A network glued from tuples of layers, a board of one's own and a tensor, written and read back.
#include <boost/hana/concat.hpp>
#include <boost/hana/tuple.hpp>
#include <cstdio>
#include <filesystem>
#include <hass/device/device_file.hpp>
#include <hass/files/npy.hpp>
#include <hass/workload/hana.hpp>
#include <hass/workload/layers.hpp>
#include <span>
#include <string>
#include <vector>

int main() {
    namespace hana = boost::hana;
    // The stem's convolution pads as TensorFlow does, and has no bias, as before a normaliser.
    using same = hass::pad_edges<0, 0, 1, 1>;
    constexpr auto stem = hana::make_tuple(
        hass::input<3, 32, 32>{}, hass::conv2d<3, 16, 3, hass::stride<2>, same, hass::no_bias>{},
        hass::relu{});
    constexpr auto head = hana::make_tuple(hass::flatten{}, hass::linear<16 * 16 * 16, 10>{});
    constexpr auto net = hass::network_of(hana::concat(stem, head));
    const hass::network_view view = net;
    std::printf("%zu rows\n", view.size());

    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / "hass_networks_and_files";
    hass::prepare_folder(folder);
    hass::device board = hass::boards::zedboard::value;
    board.name = "mine";
    hass::save_device(board, folder / "mine.json");
    const hass::owned_device mine = hass::load_device(folder / "mine.json");
    std::printf("board '%s'\n", std::string(mine.limits().name).c_str());

    const std::vector<float> weights{0.5F, -0.25F, 0.0F, 1.0F};
    hass::write_npy(folder / "weights.npy", hass::make_npy({2, 2}, std::span(weights)));
    const auto back = hass::read_npy(folder / "weights.npy").as<float>();
    std::filesystem::remove_all(folder);
    return back == weights ? 0 : 1;
}
