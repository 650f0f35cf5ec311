// One program for two targets: units with packs of another width share no function on them.
#include <cstdio>

#include "packs.hpp"

packs_counts counts_of_the_other_target();

int main() {
    if (!__builtin_cpu_supports("avx2")) {
        std::puts("skipped: this processor has no AVX2");
        return 0;
    }
    const packs_counts here = count_with_packs();
    packs_counts other = counts_of_the_other_target();
    std::printf("packs of %zu and %zu bytes: %llu and %llu pairs\n", here.pack, other.pack,
                static_cast<unsigned long long>(here.pairs),
                static_cast<unsigned long long>(other.pairs));
    if (here.pack == other.pack || here.pairs == 0) return 1;
    other.pack = here.pack;
    return other == here ? 0 : 1;
}
