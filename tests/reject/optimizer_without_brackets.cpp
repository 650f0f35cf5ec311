// expect: hass::tpe
#include <hass/search/study.hpp>
#include <hass/search/tpe.hpp>

hass::study<hass::tpe> study(hass::space{{"weight", 0, 1}}, 1);  // hass::tpe<>
