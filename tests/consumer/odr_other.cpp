#include <hass/hass.hpp>

const void* catalogue_of_the_other_file();

const void* catalogue_of_the_other_file() {
    return hass::boards::catalogue.data();
}
