// Multiply-accumulates and weights of the zoo, as published for torchvision's networks.
#include <hass/workload/zoo.hpp>

constexpr bool about(std::int64_t count, double published, double tolerance) {
    const double off = static_cast<double>(count) / published - 1.0;
    return off < tolerance && off > -tolerance;
}
static_assert(about(hass::mac_count(hass::zoo::resnet18), 1.814e9, 5e-4));
static_assert(about(hass::mac_count(hass::zoo::resnet50), 4.089e9, 5e-4));
static_assert(about(hass::mac_count(hass::zoo::mobilenet_v1), 0.569e9, 5e-3));
static_assert(about(hass::mac_count(hass::zoo::cnv), 0.0595e9, 5e-3));
static_assert(about(hass::mac_count(hass::zoo::mobilenet_v2), 0.301e9, 5e-3));
static_assert(about(hass::mac_count(hass::zoo::mobilenet_v3_small), 0.0565e9, 5e-3));
static_assert(about(hass::mac_count(hass::zoo::mobilenet_v3_large), 0.217e9, 5e-3));

constexpr hass::shape image{3, 224, 224};
static_assert(hass::input_shape(hass::zoo::resnet18) == image);
static_assert(hass::zoo::resnet50.out(image) == hass::shape{1000, 1, 1});
static_assert(hass::zoo::mobilenet_v3_small.out(image) == hass::shape{1000, 1, 1});
