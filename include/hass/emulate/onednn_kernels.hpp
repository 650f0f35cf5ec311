/// \file onednn_kernels.hpp
/// oneDNN's convolutions of a program, made as they are needed (see `onednn.hpp`).
#pragma once

#ifdef HASS_WITH_ONEDNN

#include <cstddef>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include <hass/emulate/program.hpp>
#include <hass/error.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// A compute row for one size of batch.
struct onednn_kernel {
    dnnl::convolution_forward product;
    dnnl::memory::desc in, weights, out, bias, scratchpad;
};

/// Those of all compute rows; copies of a backend, and all threads, share them.
class onednn_kernels {
  public:
    /// Of a program that outlives it.
    explicit onednn_kernels(const program& p) : program_(p), of_rows_(p.rows().size()) {}

    static const dnnl::engine& engine() {
        static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
        return cpu;
    }

    static dnnl::memory::dims weight_dims(const layer_row& row) {
        const dnnl::memory::dim filters = filters_per_group(row);
        const dnnl::memory::dim channels = channels_per_group(row);
        if (row.groups > 1) return {row.groups, filters, channels, row.kernel_h, row.kernel_w};
        return {filters, channels, row.kernel_h, row.kernel_w};
    }

    /// The one whose order of weights all others of row i follow.
    const onednn_kernel& usual(std::size_t i) { return of(i, usual_batch); }

    /// \throws hass::error naming the layer, what oneDNN throws
    const onednn_kernel& of(std::size_t i, std::size_t size) {
        const std::scoped_lock lock(guard_);
        auto& known = of_rows_[i];
        const auto found = known.find(size);
        if (found != known.end()) return found->second;
        const auto usual = known.find(usual_batch);
        try {
            return known
                .emplace(size, make(i, size, usual == known.end() ? nullptr : &usual->second))
                .first->second;
        } catch (const dnnl::error& failed) {
            throw error("oneDNN: layer '" + name_of(program_.model.net, i) + "' (" +
                        std::string(name(program_.rows()[i].kind)) + "): " + failed.what());
        }
    }

  private:
    /// oneDNN chooses the order of weights for batches of this size.
    static constexpr std::size_t usual_batch = 8;

    onednn_kernel make(std::size_t i, std::size_t size, const onednn_kernel* usual) const {
        using namespace dnnl;
        using tag = memory::format_tag;
        const layer_row& row = program_.rows()[i];
        const auto map_of = [size](const shape& s) {
            return memory::desc({static_cast<memory::dim>(size), s.channels, s.height, s.width},
                                memory::data_type::f32, tag::nhwc);
        };
        onednn_kernel k;
        k.in = map_of(row.in);
        k.out = map_of(row.out);
        const memory::desc ordered =
            usual != nullptr ? usual->weights
                             : memory::desc(weight_dims(row), memory::data_type::f32, tag::any);
        const bool has_bias = !program_.model.parameters[i].bias.empty();
        if (has_bias) k.bias = memory::desc({row.out.channels}, memory::data_type::f32, tag::x);
        // Padding at the far edge is whatever the extents leave; it may be negative.
        const auto far = [](int out, int in, int taps, int stride, int dilation, int near) {
            return static_cast<memory::dim>((out - 1) * stride + dilation * (taps - 1) + 1 - in -
                                            near);
        };
        const memory::dims strides{row.stride_h, row.stride_w};
        const memory::dims dilations{row.dilation_h - 1, row.dilation_w - 1};
        const memory::dims before{row.pad_top, row.pad_left};
        const memory::dims after{far(row.out.height, row.in.height, row.kernel_h, row.stride_h,
                                     row.dilation_h, row.pad_top),
                                 far(row.out.width, row.in.width, row.kernel_w, row.stride_w,
                                     row.dilation_w, row.pad_left)};
        constexpr auto inference = prop_kind::forward_inference;
        constexpr auto direct = algorithm::convolution_direct;
        const convolution_forward::desc description =
            has_bias ? convolution_forward::desc(inference, direct, k.in, ordered, k.bias, k.out,
                                                 strides, dilations, before, after)
                     : convolution_forward::desc(inference, direct, k.in, ordered, k.out, strides,
                                                 dilations, before, after);
        primitive_attr attributes;
        attributes.set_scratchpad_mode(scratchpad_mode::user);
        const convolution_forward::primitive_desc made(description, attributes, engine());
        k.product = convolution_forward(made);
        k.weights = made.weights_desc();
        k.scratchpad = made.scratchpad_desc();
        return k;
    }

    const program& program_;
    std::mutex guard_;
    std::vector<std::map<std::size_t, onednn_kernel>> of_rows_;  ///< by size of batch
};

}  // namespace hass::detail

#endif  // HASS_WITH_ONEDNN
