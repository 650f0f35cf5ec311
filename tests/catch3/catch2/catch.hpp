// The tests are written for Catch2 2.13 (Debian 12). This stands in for its header where Catch2 is
// version 3 (Ubuntu 24.04).
#pragma once

#include <catch2/catch_all.hpp>
#include <string>

using Catch::Approx;

namespace Catch {
namespace Matchers {
template <std::size_t N>
auto Contains(const char (&text)[N]) {
    return ContainsSubstring(text);
}
inline auto Contains(const std::string& text) {
    return ContainsSubstring(text);
}
}  // namespace Matchers
using namespace Matchers;
}  // namespace Catch

#ifdef CATCH_CONFIG_MAIN
int main(int argc, char** argv) {
    return Catch::Session().run(argc, argv);
}
#endif
