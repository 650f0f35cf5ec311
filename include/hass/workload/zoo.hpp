/// \file zoo.hpp
/// Networks of the literature, 224x224 ImageNet versions, as torchvision builds them
/// (torchvision.models.resnet, mobilenetv2, mobilenetv3): values such as `zoo::resnet18`, whose
/// types are `zoo::types::resnet18`. Batch norms are folded, so every convolution has a bias.
/// Multiply-accumulates, padding taps included: ResNet-18 1.814 G, ResNet-50 4.089 G, MobileNetV2
/// 0.301 G, MobileNetV3-Small 0.0565 G, -Large 0.217 G. Beside them two that FINN's users build:
/// MobileNetV1 (Howard et al., 2017), 0.569 G, and CNV (Umuroglu et al., FPGA 2017) for 32x32 images
/// of CIFAR-10, 0.0595 G.
#pragma once

#include <hass/workload/layers.hpp>

namespace hass::zoo {

namespace detail {

// ResNet (He et al., CVPR 2016), figure 5: two 3x3 convolutions, or 1x1 - 3x3 - 1x1.
template <int In, int Out, int Stride>
using basic_body =
    sequential<conv2d<In, Out, 3, stride<Stride>, pad<1>>, relu, conv2d<Out, Out, 3, pad<1>>>;
template <int In, int Out, int Stride>
using projection = pointwise<In, Out, stride<Stride>>;
template <int C>
using basic = sequential<residual<basic_body<C, C, 1>>, relu>;
template <int In, int Out>
using basic_down = sequential<residual<basic_body<In, Out, 2>, projection<In, Out, 2>>, relu>;

template <int In, int Width, int Stride>
using bottleneck_body =
    sequential<pointwise<In, Width>, relu, conv2d<Width, Width, 3, stride<Stride>, pad<1>>, relu,
               pointwise<Width, 4 * Width>>;
template <int Width>
using bottleneck = sequential<residual<bottleneck_body<4 * Width, Width, 1>>, relu>;
template <int In, int Width, int Stride>
using bottleneck_down =
    sequential<residual<bottleneck_body<In, Width, Stride>, projection<In, 4 * Width, Stride>>,
               relu>;

template <int Out>
using resnet_stem = sequential<input<3, 224, 224>, conv2d<3, Out, 7, stride<2>, pad<3>>, relu,
                               max_pool<3, stride<2>, pad<1>>>;
template <int In>
using classifier = sequential<global_average_pool, flatten, linear<In, 1000>>;

}  // namespace detail

namespace types {

/// He et al. 2015, ImageNet, basic blocks.
using resnet18 =
    sequential<detail::resnet_stem<64>, detail::basic<64>, detail::basic<64>,
               detail::basic_down<64, 128>, detail::basic<128>, detail::basic_down<128, 256>,
               detail::basic<256>, detail::basic_down<256, 512>, detail::basic<512>,
               detail::classifier<512>>;

/// He et al. 2015, ImageNet, bottlenecks.
using resnet50 =
    sequential<detail::resnet_stem<64>, detail::bottleneck_down<64, 64, 1>, detail::bottleneck<64>,
               detail::bottleneck<64>, detail::bottleneck_down<256, 128, 2>,
               detail::bottleneck<128>, detail::bottleneck<128>, detail::bottleneck<128>,
               detail::bottleneck_down<512, 256, 2>, detail::bottleneck<256>,
               detail::bottleneck<256>, detail::bottleneck<256>, detail::bottleneck<256>,
               detail::bottleneck<256>, detail::bottleneck_down<1024, 512, 2>,
               detail::bottleneck<512>, detail::bottleneck<512>, detail::classifier<2048>>;

}  // namespace types

namespace detail {

// Depthwise separable convolution (Howard et al., 2017, table 1).
template <int In, int Out, int Stride = 1>
using separable =
    sequential<depthwise<In, 3, stride<Stride>, pad<1>>, relu, pointwise<In, Out>, relu>;

template <int In, int Out>
using cnv_conv = sequential<conv2d<In, Out, 3>, relu>;

}  // namespace detail

namespace types {

/// Howard et al. 2017, ImageNet, width 1.
using mobilenet_v1 = sequential<
    input<3, 224, 224>, conv2d<3, 32, 3, stride<2>, pad<1>>, relu, detail::separable<32, 64>,
    detail::separable<64, 128, 2>, detail::separable<128, 128>, detail::separable<128, 256, 2>,
    detail::separable<256, 256>, detail::separable<256, 512, 2>, detail::separable<512, 512>,
    detail::separable<512, 512>, detail::separable<512, 512>, detail::separable<512, 512>,
    detail::separable<512, 512>, detail::separable<512, 1024, 2>, detail::separable<1024, 1024>,
    detail::classifier<1024>>;

/// FINN's network for CIFAR-10.
using cnv =
    sequential<input<3, 32, 32>, detail::cnv_conv<3, 64>, detail::cnv_conv<64, 64>,
               max_pool<2, stride<2>>, detail::cnv_conv<64, 128>, detail::cnv_conv<128, 128>,
               max_pool<2, stride<2>>, detail::cnv_conv<128, 256>, detail::cnv_conv<256, 256>,
               flatten, linear<256, 512>, relu, linear<512, 512>, relu, linear<512, 10>>;

}  // namespace types

namespace detail {

// Inverted residual (Sandler et al., CVPR 2018): expand 1x1, depthwise 3x3, project 1x1.
template <int In, int Out, int Stride, int Expand>
struct inverted {
    static constexpr int hidden = In * Expand;
    using body =
        sequential<pointwise<In, hidden>, relu6, depthwise<hidden, 3, stride<Stride>, pad<1>>,
                   relu6, pointwise<hidden, Out>>;
};
template <int In, int Out, int Stride>
struct inverted<In, Out, Stride, 1> {
    using body = sequential<depthwise<In, 3, stride<Stride>, pad<1>>, relu6, pointwise<In, Out>>;
};
template <int In, int Out, int Stride = 1, int Expand = 6>
using mbv2 = typename inverted<In, Out, Stride, Expand>::body;
template <int C>
using mbv2_same = residual<mbv2<C, C>>;

}  // namespace detail

namespace types {

/// Sandler et al. 2018, ImageNet, width 1.
using mobilenet_v2 = sequential<
    input<3, 224, 224>, conv2d<3, 32, 3, stride<2>, pad<1>>, relu6, detail::mbv2<32, 16, 1, 1>,
    detail::mbv2<16, 24, 2>, detail::mbv2_same<24>, detail::mbv2<24, 32, 2>, detail::mbv2_same<32>,
    detail::mbv2_same<32>, detail::mbv2<32, 64, 2>, detail::mbv2_same<64>, detail::mbv2_same<64>,
    detail::mbv2_same<64>, detail::mbv2<64, 96>, detail::mbv2_same<96>, detail::mbv2_same<96>,
    detail::mbv2<96, 160, 2>, detail::mbv2_same<160>, detail::mbv2_same<160>,
    detail::mbv2<160, 320>, pointwise<320, 1280>, relu6, detail::classifier<1280>>;

}  // namespace types

namespace detail {

/// torchvision's _make_divisible(c, 8): nearest multiple of 8, never below 90 % of c.
constexpr int divisible_by_8(int c) {
    const int rounded = (c + 4) / 8 * 8 < 8 ? 8 : (c + 4) / 8 * 8;
    return rounded * 10 < c * 9 ? rounded + 8 : rounded;
}

// Squeeze-and-excitation of MobileNetV3 (Howard et al., ICCV 2019): relu inside, hardsigmoid gate.
template <int C>
using squeeze_excite = gated<sequential<global_average_pool, pointwise<C, divisible_by_8(C / 4)>,
                                        relu, pointwise<divisible_by_8(C / 4), C>, hardsigmoid>>;
struct no_gate {
    template <int>
    using with = sequential<>;
};
struct se {
    template <int C>
    using with = squeeze_excite<C>;
};

template <int In, int K, int Hidden, int Out, class Gate, class Act, int Stride>
struct v3_block {
    using tail = sequential<depthwise<Hidden, K, stride<Stride>, pad<K / 2>>, Act,
                            typename Gate::template with<Hidden>, pointwise<Hidden, Out>>;
    using body = sequential<pointwise<In, Hidden>, Act, tail>;
};
template <int In, int K, int Out, class Gate, class Act, int Stride>
struct v3_block<In, K, In, Out, Gate, Act, Stride> {
    using body = sequential<depthwise<In, K, stride<Stride>, pad<K / 2>>, Act,
                            typename Gate::template with<In>, pointwise<In, Out>>;
};
template <int In, int K, int Hidden, int Out, class Gate, class Act, int Stride>
using v3 = typename v3_block<In, K, Hidden, Out, Gate, Act, Stride>::body;
template <int C, int K, int Hidden, class Gate, class Act>
using v3_same = residual<v3<C, K, Hidden, C, Gate, Act, 1>>;

template <int In, int Hidden, int Mid>
using v3_head = sequential<pointwise<In, Hidden>, hardswish, global_average_pool, flatten,
                           linear<Hidden, Mid>, hardswish, linear<Mid, 1000>>;
using v3_stem = sequential<input<3, 224, 224>, conv2d<3, 16, 3, stride<2>, pad<1>>, hardswish>;

}  // namespace detail

namespace types {

/// Howard et al. 2019, ImageNet.
using mobilenet_v3_small =
    sequential<detail::v3_stem, detail::v3<16, 3, 16, 16, detail::se, relu, 2>,
               detail::v3<16, 3, 72, 24, detail::no_gate, relu, 2>,
               detail::v3_same<24, 3, 88, detail::no_gate, relu>,
               detail::v3<24, 5, 96, 40, detail::se, hardswish, 2>,
               detail::v3_same<40, 5, 240, detail::se, hardswish>,
               detail::v3_same<40, 5, 240, detail::se, hardswish>,
               detail::v3<40, 5, 120, 48, detail::se, hardswish, 1>,
               detail::v3_same<48, 5, 144, detail::se, hardswish>,
               detail::v3<48, 5, 288, 96, detail::se, hardswish, 2>,
               detail::v3_same<96, 5, 576, detail::se, hardswish>,
               detail::v3_same<96, 5, 576, detail::se, hardswish>, detail::v3_head<96, 576, 1024>>;

/// Howard et al. 2019, ImageNet.
using mobilenet_v3_large = sequential<
    detail::v3_stem, detail::v3_same<16, 3, 16, detail::no_gate, relu>,
    detail::v3<16, 3, 64, 24, detail::no_gate, relu, 2>,
    detail::v3_same<24, 3, 72, detail::no_gate, relu>,
    detail::v3<24, 5, 72, 40, detail::se, relu, 2>, detail::v3_same<40, 5, 120, detail::se, relu>,
    detail::v3_same<40, 5, 120, detail::se, relu>,
    detail::v3<40, 3, 240, 80, detail::no_gate, hardswish, 2>,
    detail::v3_same<80, 3, 200, detail::no_gate, hardswish>,
    detail::v3_same<80, 3, 184, detail::no_gate, hardswish>,
    detail::v3_same<80, 3, 184, detail::no_gate, hardswish>,
    detail::v3<80, 3, 480, 112, detail::se, hardswish, 1>,
    detail::v3_same<112, 3, 672, detail::se, hardswish>,
    detail::v3<112, 5, 672, 160, detail::se, hardswish, 2>,
    detail::v3_same<160, 5, 960, detail::se, hardswish>,
    detail::v3_same<160, 5, 960, detail::se, hardswish>, detail::v3_head<160, 960, 1280>>;

}  // namespace types

/// A network of types as a value. Its types are looked at when it is used: naming it costs nothing.
template <class Net>
struct named_network {
    constexpr operator network_view() const { return Net{}; }
    /// Shape of the result for images of shape `in`.
    static constexpr shape out(shape in) { return Net::out(in); }
};

inline constexpr named_network<types::resnet18> resnet18{};
inline constexpr named_network<types::resnet50> resnet50{};
inline constexpr named_network<types::mobilenet_v1> mobilenet_v1{};
inline constexpr named_network<types::cnv> cnv{};
inline constexpr named_network<types::mobilenet_v2> mobilenet_v2{};
inline constexpr named_network<types::mobilenet_v3_small> mobilenet_v3_small{};
inline constexpr named_network<types::mobilenet_v3_large> mobilenet_v3_large{};

}  // namespace hass::zoo
