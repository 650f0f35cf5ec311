// libFuzzer target: whatever the text is, the Matrix Market reader gives a matrix within the size
// that the text announces, or one hass::error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <hass/engine/storage/matrix_market.hpp>
#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
    try {
        const hass::sparse_matrix m = hass::read_matrix_market(in, "fuzz");
        // An entry takes four characters at least, and a mirrored one stands for two.
        if (m.nonzeros() > size / 2) std::abort();
        for (int r = 0; r < m.rows; ++r) {
            int last = -1;
            for (const int c : m.row(r)) {
                if (c <= last || c >= m.columns) std::abort();
                last = c;
            }
        }
    } catch (const hass::error&) {
    }
    return 0;
}
