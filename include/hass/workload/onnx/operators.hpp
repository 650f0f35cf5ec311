/// \file operators.hpp
/// The two tables of ONNX operators (opset 7 to 23) that the loader knows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <hass/workload/layer.hpp>
#include <hass/workload/onnx/activations.hpp>
#include <hass/workload/onnx/affine.hpp>
#include <hass/workload/onnx/arithmetic.hpp>
#include <hass/workload/onnx/attention.hpp>
#include <hass/workload/onnx/fold_arrays.hpp>
#include <hass/workload/onnx/fold_shapes.hpp>
#include <hass/workload/onnx/folding.hpp>
#include <hass/workload/onnx/grouped_convolution.hpp>
#include <hass/workload/onnx/importer.hpp>
#include <hass/workload/onnx/joining.hpp>
#include <hass/workload/onnx/layouts.hpp>
#include <hass/workload/onnx/linear.hpp>
#include <hass/workload/onnx/masks.hpp>
#include <hass/workload/onnx/normalisation.hpp>
#include <hass/workload/onnx/operation.hpp>
#include <hass/workload/onnx/proto.hpp>
#include <hass/workload/onnx/quantised.hpp>
#include <hass/workload/onnx/reductions.hpp>
#include <hass/workload/onnx/reshaping.hpp>
#include <hass/workload/onnx/resizing.hpp>
#include <hass/workload/onnx/sampling.hpp>
#include <hass/workload/onnx/tokens.hpp>
#include <hass/workload/onnx/transposed_convolution.hpp>
#include <hass/workload/onnx/value.hpp>
#include <hass/workload/onnx/windows.hpp>
#include <hass/workload/value_function.hpp>

namespace hass::detail::onnx {

// Those that change nothing in inference.

inline void pass_first(const operation& op) {
    op.pass(0);
}

inline void dropout(const operation& op) {
    const bool trains = op.has(2) && op.scalar(2, "training_mode") != 0.0;
    if (trains && !(op.has(1) && op.scalar(1, "the ratio") == 0.0))
        throw op.fail("training_mode is not supported");
    op.pass(0);
}

/// Whether input `i` is whole numbers, of whatever type.
inline bool is_whole(const operation& op, std::size_t i) {
    const value& x = op.raw(i);
    return x.form == form::constant ? !x.number->floating : x.whole || x.boolean;
}

/// Add, Sub, Mul, Div: of whole numbers come such, but for quotients.
inline void arithmetic(const operation& op) {
    bool whole = op.type() != "Div";
    for (std::size_t i = 0; i < op.inputs(); ++i) whole = whole && is_whole(op, i);
    op.type() == "Mul" ? multiply(op) : add(op);
    op.given().whole = whole, op.given().boolean = false;
}

inline void cast(const operation& op) {
    // floats of any width are computed in float32, and whole numbers are what they are anyway
    const std::int64_t to = op.integer("to", 0);
    const bool integer = to == static_cast<std::int64_t>(data_type::int32) ||
                         to == static_cast<std::int64_t>(data_type::int64);
    if (to == static_cast<std::int64_t>(data_type::boolean)) return to_boolean(op);
    if (!is_floating(to) && !(integer && is_whole(op, 0)))
        throw op.fail("to " + data_type_name(op.integer("to", 0)) + " is not supported");
    op.pass(0);
}

/// Data as the second input's type has them.
inline void cast_like(const operation& op) {
    if (!op.has(1)) throw op.fail("needs two inputs");
    const value& like = op.raw(1);
    if (like.form == form::constant ? !like.number->floating : like.whole || like.boolean)
        throw op.fail("to whole numbers is not supported");
    op.pass(0);
}

/// One line an operator: its name, and what it does.
struct table_entry {
    std::string_view op_type;
    handler run;
};

/// Operators on data of an image.
inline constexpr std::array table{
    table_entry{"Abs", [](const operation& op) { function(op, value_function::absolute); }},
    table_entry{"Acos", [](const operation& op) { function(op, value_function::arccosine); }},
    table_entry{"Acosh", [](const operation& op) { function(op, value_function::arcosh); }},
    table_entry{"Add", arithmetic},
    table_entry{"And", logic},
    table_entry{"ArgMax", arg_max},
    table_entry{"Asin", [](const operation& op) { function(op, value_function::arcsine); }},
    table_entry{"Asinh", [](const operation& op) { function(op, value_function::arsinh); }},
    table_entry{"Atan", [](const operation& op) { function(op, value_function::arctangent); }},
    table_entry{"Atanh", [](const operation& op) { function(op, value_function::artanh); }},
    table_entry{"AveragePool", [](const operation& op) { pool(op, layer_kind::average_pool); }},
    table_entry{"BatchNormalization", batch_normalization},
    table_entry{"BipolarQuant", bipolar},
    table_entry{"Cast", cast},
    table_entry{"CastLike", cast_like},
    table_entry{"Ceil", [](const operation& op) { function(op, value_function::ceiling); }},
    table_entry{"Celu", celu},
    table_entry{"Clip", clip},
    table_entry{"Concat", join},
    table_entry{"Conv",
                [](const operation& op) {
                    if (!convolution_of_groups(op)) convolution(op);
                }},
    table_entry{"ConvTranspose", transposed_convolution},
    table_entry{"Cos", [](const operation& op) { function(op, value_function::cosine); }},
    table_entry{"Cosh", [](const operation& op) { function(op, value_function::cosh); }},
    table_entry{"CumSum", running_sum},
    table_entry{"DepthToSpace", depth_to_space},
    table_entry{"DequantizeLinear", dequantize_linear},
    table_entry{"Div", arithmetic},
    table_entry{"Dropout", dropout},
    table_entry{
        "Elu",
        [](const operation& op) { function(op, value_function::elu, op.number("alpha", 1.0F)); }},
    table_entry{"Equal", compare},
    table_entry{"Erf", [](const operation& op) { function(op, value_function::erf); }},
    table_entry{"Exp", [](const operation& op) { function(op, value_function::exponential); }},
    table_entry{"Expand", expand},
    table_entry{"Flatten", flatten},
    table_entry{"Floor", [](const operation& op) { function(op, value_function::floor); }},
    table_entry{"Gather", gather},
    table_entry{"Gelu", gelu},
    table_entry{"Gemm", token_gemm},
    table_entry{"GlobalAveragePool",
                [](const operation& op) {
                    const value& x = pooled_input(op);
                    global_average(op, x, x.rank);
                }},
    table_entry{"GlobalMaxPool",
                [](const operation& op) {
                    const value& x = pooled_input(op);
                    covering_pool(op, x, layer_kind::max_pool, true, true, x.rank);
                }},
    table_entry{"Greater", compare},
    table_entry{"GreaterOrEqual", compare},
    table_entry{"GridSample", grid_sample},
    table_entry{"GroupNormalization", group_normalization},
    table_entry{"HardSigmoid", hard_sigmoid},
    table_entry{"HardSwish", [](const operation& op) { unary(op, layer_kind::hardswish); }},
    table_entry{"Identity", pass_first},
    table_entry{"InstanceNormalization", group_normalization},
    table_entry{"LRN", local_response},
    table_entry{"LayerNormalization", layer_normalization},
    table_entry{"LeakyRelu", leaky_relu},
    table_entry{"Less", compare},
    table_entry{"LessOrEqual", compare},
    table_entry{"Log", [](const operation& op) { function(op, value_function::logarithm); }},
    table_entry{"LogSoftmax", token_softmax},
    table_entry{"MatMul", matrix_product},
    table_entry{"Max", extreme},
    table_entry{"MaxPool", [](const operation& op) { pool(op, layer_kind::max_pool); }},
    table_entry{"Min", extreme},
    table_entry{"Mish", [](const operation& op) { function(op, value_function::mish); }},
    table_entry{"Mul", arithmetic},
    table_entry{"Neg", [](const operation& op) { function(op, value_function::negate); }},
    table_entry{"Not", negation},
    table_entry{"OneHot", one_hot},
    table_entry{"Or", logic},
    table_entry{"PRelu", leaky_relu},
    table_entry{"Pad", pad},
    table_entry{"Pow", power},
    table_entry{"Quant", quant},
    table_entry{"QuantizeLinear", quantize_linear},
    table_entry{"RMSNormalization", layer_normalization},
    table_entry{"Reciprocal",
                [](const operation& op) { function(op, value_function::reciprocal); }},
    table_entry{"ReduceMax", reduce},
    table_entry{"ReduceMean", token_reduce},
    table_entry{"ReduceProd", reduce_product},
    table_entry{"ReduceSum", token_reduce},
    table_entry{"Relu", relu},
    table_entry{"Reshape", reshape},
    table_entry{"Resize", resize},
    table_entry{"Round", [](const operation& op) { function(op, value_function::rounded); }},
    table_entry{"Selu", selu},
    table_entry{"Shape", fold_shape},
    table_entry{"Shrink",
                [](const operation& op) {
                    function(op, value_function::shrink, op.number("lambd", 0.5F),
                             op.number("bias", 0.0F));
                }},
    table_entry{"Sigmoid", [](const operation& op) { unary(op, layer_kind::sigmoid); }},
    table_entry{"Sign", [](const operation& op) { function(op, value_function::sign); }},
    table_entry{"Sin", [](const operation& op) { function(op, value_function::sine); }},
    table_entry{"Sinh", [](const operation& op) { function(op, value_function::sinh); }},
    table_entry{"Size", fold_size},
    table_entry{"Slice", slice},
    table_entry{"Softmax", token_softmax},
    table_entry{"Softplus", [](const operation& op) { function(op, value_function::softplus); }},
    table_entry{"Softsign", [](const operation& op) { function(op, value_function::softsign); }},
    table_entry{"SpaceToDepth", space_to_depth},
    table_entry{"Split", split},
    table_entry{"Sqrt", [](const operation& op) { function(op, value_function::square_root); }},
    table_entry{"Squeeze", squeeze},
    table_entry{"Sub", arithmetic},
    table_entry{"Sum", sum},
    table_entry{"Tan", [](const operation& op) { function(op, value_function::tangent); }},
    table_entry{"Tanh", [](const operation& op) { function(op, value_function::tanh); }},
    table_entry{"ThresholdedRelu",
                [](const operation& op) {
                    function(op, value_function::thresholded_relu, op.number("alpha", 1.0F));
                }},
    table_entry{"Tile", tile},
    table_entry{"Transpose", transpose},
    table_entry{"Trilu", triangle_of_data},
    table_entry{"Trunc", trunc_levels},
    table_entry{"Unsqueeze", unsqueeze},
    table_entry{"Upsample", resize},
    table_entry{"Where", choose},
    table_entry{"Xor", logic},
};

/// Operators whose inputs are all constant.
inline constexpr std::array fold_table{
    table_entry{"Abs", fold_unary},
    table_entry{"Acos", fold_unary},
    table_entry{"Acosh", fold_unary},
    table_entry{"Add", fold_binary},
    table_entry{"And", fold_binary},
    table_entry{"Asin", fold_unary},
    table_entry{"Asinh", fold_unary},
    table_entry{"Atan", fold_unary},
    table_entry{"Atanh", fold_unary},
    table_entry{"BipolarQuant", fold_bipolar},
    table_entry{"Cast", fold_cast},
    table_entry{"Ceil", fold_unary},
    table_entry{"Concat", fold_concat_axis},
    table_entry{"Constant", fold_constant},
    table_entry{"ConstantOfShape", fold_fill},
    table_entry{"Cos", fold_unary},
    table_entry{"Cosh", fold_unary},
    table_entry{"DequantizeLinear", fold_dequantize},
    table_entry{"Div", fold_binary},
    table_entry{"Equal", fold_binary},
    table_entry{"Erf", fold_unary},
    table_entry{"Exp", fold_unary},
    table_entry{"Expand", fold_expand},
    table_entry{"Flatten", fold_flatten},
    table_entry{"Floor", fold_unary},
    table_entry{"Gather", fold_gather_axis},
    table_entry{"Greater", fold_binary},
    table_entry{"GreaterOrEqual", fold_binary},
    table_entry{"Identity", pass_first},
    table_entry{"Less", fold_binary},
    table_entry{"LessOrEqual", fold_binary},
    table_entry{"Log", fold_unary},
    table_entry{"MatMul", fold_matmul},
    table_entry{"Max", fold_binary},
    table_entry{"Min", fold_binary},
    table_entry{"Mod", fold_binary},
    table_entry{"Mul", fold_binary},
    table_entry{"Neg", fold_unary},
    table_entry{"NonZero", fold_nonzero},
    table_entry{"Not", fold_unary},
    table_entry{"Or", fold_binary},
    table_entry{"Pow", fold_binary},
    table_entry{"Quant", fold_quant},
    table_entry{"QuantizeLinear", fold_quantize},
    table_entry{"Range", fold_range},
    table_entry{"Reciprocal", fold_unary},
    table_entry{"ReduceMax", fold_reduce},
    table_entry{"ReduceMean", fold_reduce},
    table_entry{"ReduceMin", fold_reduce},
    table_entry{"ReduceProd", fold_reduce},
    table_entry{"ReduceSum", fold_reduce},
    table_entry{"Relu", fold_unary},
    table_entry{"Reshape", fold_reshape},
    table_entry{"Round", fold_unary},
    table_entry{"ScatterND", fold_scatter},
    table_entry{"Shape", fold_shape},
    table_entry{"Sigmoid", fold_unary},
    table_entry{"Sign", fold_unary},
    table_entry{"Sin", fold_unary},
    table_entry{"Sinh", fold_unary},
    table_entry{"Size", fold_size},
    table_entry{"Slice", fold_slice},
    table_entry{"Split", fold_split},
    table_entry{"Sqrt", fold_unary},
    table_entry{"Squeeze", fold_squeeze},
    table_entry{"Sub", fold_binary},
    table_entry{"Sum", fold_binary},
    table_entry{"Tan", fold_unary},
    table_entry{"Tanh", fold_unary},
    table_entry{"Tile", fold_tile},
    table_entry{"Transpose", fold_transpose_axes},
    table_entry{"Trilu", fold_triangle},
    table_entry{"Unsqueeze", fold_unsqueeze},
    table_entry{"Where", fold_where},
    table_entry{"Xor", fold_binary},
};

template <std::size_t N>
constexpr handler look_up(const std::array<table_entry, N>& entries, std::string_view op_type) {
    for (const table_entry& entry : entries)
        if (entry.op_type == op_type) return entry.run;
    return nullptr;
}

/// Both tables, for the importer.
inline constexpr operator_set known_operators{
    [](std::string_view op_type) { return look_up(table, op_type); },
    [](std::string_view op_type) { return look_up(fold_table, op_type); }};

}  // namespace hass::detail::onnx
