/// \file onednn_kernels.hpp
/// oneDNN's convolutions of a program, made as they are needed (see `onednn.hpp`).
#pragma once

#ifdef HASS_WITH_ONEDNN

#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <utility>
#include <vector>

#include <hass/emulate/program.hpp>
#include <hass/emulate/schedule.hpp>
#include <hass/emulate/value_bounds.hpp>
#include <hass/error.hpp>
#include <hass/workload/layer.hpp>

namespace hass::detail {

/// A compute row for one size of batch.
struct onednn_kernel {
    dnnl::convolution_forward product;
    dnnl::memory::desc in, weights, out, bias, scratchpad;
    bool clamps = false;  ///< itself: to the bounds of the activation that is folded into the row
};

/// Those of all compute rows; copies of a backend, and all threads, share them.
class onednn_kernels {
  public:
    /// Of images whose values are no larger than this, kernels may clamp: those of normalised images,
    /// or of pixels as they are. Others are computed all the same.
    static constexpr float most_image = 1024.0F;

    /// Of a program that outlives it.
    explicit onednn_kernels(const program& p)
        : program_(p), bounds_(value_bounds(p, most_image)), of_rows_(p.rows().size()) {}

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
    const onednn_kernel& usual(std::size_t i) { return of(i, usual_batch, true); }

    /// \param bounded  whether no value of the images is larger than `most_image`
    /// \throws hass::error naming the layer, what oneDNN throws
    const onednn_kernel& of(std::size_t i, std::size_t size, bool bounded) {
        const bool clamps = bounded && may_clamp(i);
        const std::scoped_lock lock(guard_);
        auto& known = of_rows_[i];
        const auto found = known.find({size, clamps});
        if (found != known.end()) return found->second;
        const auto usual = known.find({usual_batch, may_clamp(i)});
        try {
            return known
                .emplace(std::pair(size, clamps),
                         make(i, size, clamps, usual == known.end() ? nullptr : &usual->second))
                .first->second;
        } catch (const dnnl::error& failed) {
            throw error("oneDNN: layer '" + name_of(program_.model.net, i) + "' (" +
                        std::string(name(program_.rows()[i].kind)) + "): " + failed.what());
        }
    }

  private:
    /// oneDNN chooses the order of weights for batches of this size.
    static constexpr std::size_t usual_batch = 8;

    /// Whether oneDNN may clamp what row i gives, for bounded images. It turns what is not a number
    /// into a bound, and so would hide it: only where nothing can overflow.
    bool may_clamp(std::size_t i) const {
        constexpr float infinity = std::numeric_limits<float>::infinity();
        const clamp& bounds = program_.schedule[i].bounds;
        return (bounds.lower > -infinity || bounds.upper < infinity) && std::isfinite(bounds_[i]);
    }

    onednn_kernel make(std::size_t i, std::size_t size, bool clamps,
                       const onednn_kernel* usual) const {
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
        if (clamps) {
            const clamp& bounds = program_.schedule[i].bounds;
            const bool below_alone = bounds.upper == std::numeric_limits<float>::infinity();
            post_ops activation;
            if (below_alone && bounds.lower == 0.0F)
                activation.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
            else
                activation.append_eltwise(1.0F, algorithm::eltwise_clip, bounds.lower,
                                          bounds.upper);
            attributes.set_post_ops(activation);
        }
        const convolution_forward::primitive_desc made(description, attributes, engine());
        k.product = convolution_forward(made);
        k.clamps = clamps;
        k.weights = made.weights_desc();
        k.scratchpad = made.scratchpad_desc();
        return k;
    }

    const program& program_;
    std::vector<double> bounds_;  ///< of each row, for bounded images
    std::mutex guard_;
    /// By size, and whether they clamp.
    std::vector<std::map<std::pair<std::size_t, bool>, onednn_kernel>> of_rows_;
};

}  // namespace hass::detail

#endif  // HASS_WITH_ONEDNN
