// FINN's nodes from the attributes that recorded cases give.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <hass/engine/finn/movement.hpp>
#include <hass/engine/finn/mvau.hpp>
#include <hass/engine/finn/types.hpp>
#include <hass/engine/finn/window.hpp>
#include <hass/error.hpp>

#include "golden.hpp"

namespace golden {

using finn_node =
    std::variant<hass::finn::mvau, hass::finn::vvau, hass::finn::sliding_window,
                 hass::finn::padding, hass::finn::thresholding, hass::finn::channelwise,
                 hass::finn::fifo, hass::finn::width_converter, hass::finn::add_streams,
                 hass::finn::duplicate_streams, hass::finn::global_pool, hass::finn::window_pool,
                 hass::finn::streaming_max_pool, hass::finn::label_select>;

namespace detail {

template <class Enum, class Names>
Enum choice(const json& a, const char* key, const Names& names, Enum otherwise) {
    if (!a.contains(key)) return otherwise;
    const auto given = a.at(key).get<std::string>();
    const auto found = std::find(names.begin(), names.end(), given);
    if (found == names.end()) throw hass::unknown_name(key, given, names);
    return static_cast<Enum>(found - names.begin());
}

inline std::int64_t product(const json& list) {
    std::int64_t p = 1;
    for (const json& n : list) p *= n.get<std::int64_t>();
    return p;
}

inline hass::finn::data_type type(const json& a, const char* key, const char* otherwise = nullptr) {
    if (otherwise != nullptr && !a.contains(key)) return hass::finn::parse_data_type(otherwise);
    return hass::finn::parse_data_type(a.at(key).get<std::string>());
}

inline hass::finn::ram_style ram(const json& a, hass::finn::ram_style otherwise,
                                 const char* key = "ram_style") {
    return choice(a, key, hass::finn::ram_style_names, otherwise);
}

template <class Unit>
void dot(const json& a, hass::finn::back_end built, Unit& u) {
    u.built = built;
    u.pe = a.value("PE", 1), u.simd = a.value("SIMD", 1);
    u.weight = type(a, "weightDataType"), u.input = type(a, "inputDataType");
    u.output = type(a, "outputDataType"), u.accumulator = type(a, "accDataType", "INT32");
    u.activation = a.value("noActivation", 0) == 0;
    u.res_type = choice(a, "resType", hass::finn::res_type_names, u.res_type);
    u.mem_mode = choice(a, "mem_mode", hass::finn::mem_mode_names, u.mem_mode);
    u.ram_style = ram(a, u.ram_style);
    u.threshold_ram_style = ram(a, u.threshold_ram_style, "ram_style_thresholds");
}

template <class Node>
void channels(const json& a, Node& n) {
    n.channels = a.at("NumChannels"), n.pe = a.at("PE");
    n.vectors = product(a.value("numInputVectors", json::array({1})));
    n.input = type(a, "inputDataType");
}

inline finn_node window(const json& a) {
    hass::finn::sliding_window w;
    w.channels = a.at("IFMChannels"), w.simd = a.at("SIMD");
    w.kernel_h = a.at("ConvKernelDim")[0], w.kernel_w = a.at("ConvKernelDim")[1];
    w.height = a.at("IFMDim")[0], w.width = a.at("IFMDim")[1];
    w.out_height = a.at("OFMDim")[0], w.out_width = a.at("OFMDim")[1];
    const json one = json::array({1, 1});
    w.stride_h = a.value("Stride", one)[0], w.stride_w = a.value("Stride", one)[1];
    w.dilation_h = a.value("Dilation", one)[0], w.dilation_w = a.value("Dilation", one)[1];
    w.input = type(a, "inputDataType");
    w.depthwise = a.value("depthwise", 0) != 0;
    w.parallel_window = a.value("parallel_window", 0) != 0;
    w.ram_style = ram(a, hass::finn::ram_style::distributed);
    return w;
}

}  // namespace detail

/// \throws hass::error for an operator that is not modelled
inline finn_node node_of(const std::string& op, const json& a) {
    using namespace hass::finn;
    const auto built = op.ends_with("_rtl") ? back_end::rtl : back_end::hls;
    const std::string kind = op.substr(0, op.rfind('_'));
    if (kind == "MVAU") {
        mvau u;
        detail::dot(a, built, u);
        u.mw = a.at("MW"), u.mh = a.at("MH");
        u.vectors = detail::product(a.value("numInputVectors", json::array({1})));
        return u;
    }
    if (kind == "VVAU") {
        vvau u;
        detail::dot(a, built, u);
        u.channels = a.at("Channels");
        u.kernel = static_cast<int>(detail::product(a.at("Kernel")));
        u.pixels = detail::product(a.at("Dim"));
        return u;
    }
    if (kind == "ConvolutionInputGenerator" && built == back_end::rtl) return detail::window(a);
    if (kind == "FMPadding") {
        const json& pad = a.at("Padding");
        const std::int64_t h =
            a.at("ImgDim")[0].get<std::int64_t>() + pad[0].get<int>() + pad[2].get<int>();
        const std::int64_t w =
            a.at("ImgDim")[1].get<std::int64_t>() + pad[1].get<int>() + pad[3].get<int>();
        return padding{a.at("NumChannels"), a.at("SIMD"), h * w, detail::type(a, "inputDataType")};
    }
    if (kind == "Thresholding") {
        thresholding t;
        detail::channels(a, t);
        t.built = built;
        t.threshold = detail::type(a, "weightDataType"),
        t.output = detail::type(a, "outputDataType");
        t.ram_style = detail::ram(a, t.ram_style);
        t.bram_trigger = a.value("depth_trigger_bram", 0);
        t.uram_trigger = a.value("depth_trigger_uram", 0);
        t.uniform = a.value("uniform_thres", 0) != 0;
        return t;
    }
    if (kind == "ChannelwiseOp") {
        channelwise c;
        detail::channels(a, c);
        c.output = detail::type(a, "outputDataType");
        c.ram_style = detail::ram(a, c.ram_style);
        return c;
    }
    if (kind == "StreamingFIFO") {
        const auto bits =
            a.at("folded_shape").back().get<std::int64_t>() * detail::type(a, "dataType").bits;
        return fifo{a.at("depth"), bits,
                    detail::choice(a, "impl_style", fifo_style_names, fifo_style::rtl),
                    detail::ram(a, ram_style::automatic)};
    }
    if (kind == "StreamingDataWidthConverter")
        return width_converter{a.at("inWidth"), a.at("outWidth")};
    if (kind == "AddStreams") {
        add_streams n;
        detail::channels(a, n);
        return n;
    }
    if (kind == "DuplicateStreams") {
        duplicate_streams n;
        detail::channels(a, n);
        n.copies = a.at("NumOutputStreams");
        return n;
    }
    if (kind == "GlobalAccPool") {
        global_pool n;
        detail::channels(a, n);
        return n;
    }
    if (kind == "Pool")
        return window_pool{a.at("Channels"),
                           a.at("PE"),
                           static_cast<int>(detail::product(a.at("KernelSize"))),
                           detail::product(a.at("OutImgDims")),
                           detail::type(a, "InputDataType"),
                           detail::type(a, "OutputDataType")};
    if (kind == "StreamingMaxPool")
        return streaming_max_pool{
            a.at("NumChannels"), a.at("PE"),         a.at("ImgDim")[0],          a.at("ImgDim")[1],
            a.at("PoolDim")[0],  a.at("PoolDim")[1], detail::type(a, "dataType")};
    if (kind == "LabelSelect")
        return label_select{a.at("Labels"), a.at("PE"), detail::type(a, "inputDataType")};
    throw hass::error("operator '" + op + "' is not modelled");
}

}  // namespace golden
