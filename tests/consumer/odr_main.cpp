// Everything in two translation units of one program: it links, and both see one catalogue.
#include <hass/hass.hpp>

const void* catalogue_of_the_other_file();

int main() {
    return catalogue_of_the_other_file() == hass::boards::catalogue.data() ? 0 : 1;
}
