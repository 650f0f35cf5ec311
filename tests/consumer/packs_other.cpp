#include "packs.hpp"

packs_counts counts_of_the_other_target();

packs_counts counts_of_the_other_target() {
    return count_with_packs();
}
