// An ONNX graph that is written node by node and computed beside it, in double, by the operators'
// definitions: an N-dimensional tensor each, of one image, whatever the loader makes of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../workload/onnx_writer.hpp"
#include "networks.hpp"

namespace test {

struct tensor {
    std::vector<std::int64_t> dims;  // the batch of one image included
    std::vector<double> values;

    std::size_t rank() const { return dims.size(); }
    std::vector<std::int64_t> strides() const {
        std::vector<std::int64_t> s(rank(), 1);
        for (std::size_t k = rank(); k-- > 1;) s[k - 1] = s[k] * dims[k];
        return s;
    }
};

// Calls visit(flat place, index along each axis).
template <class Visit>
void for_each_index(const std::vector<std::int64_t>& dims, Visit visit) {
    std::int64_t count = 1;
    for (const std::int64_t d : dims) count *= d;
    std::vector<std::int64_t> at(dims.size(), 0);
    for (std::int64_t n = 0; n < count; ++n) {
        visit(static_cast<std::size_t>(n), at);
        for (std::size_t k = dims.size(); k-- > 0;) {
            if (++at[k] < dims[k]) break;
            at[k] = 0;
        }
    }
}

inline tensor transposed(const tensor& x, const std::vector<std::int64_t>& perm) {
    tensor y;
    for (const std::int64_t p : perm) y.dims.push_back(x.dims[static_cast<std::size_t>(p)]);
    y.values.resize(x.values.size());
    const auto s = x.strides();
    for_each_index(y.dims, [&](std::size_t n, const auto& at) {
        std::int64_t from = 0;
        for (std::size_t k = 0; k < perm.size(); ++k)
            from += at[k] * s[static_cast<std::size_t>(perm[k])];
        y.values[n] = x.values[static_cast<std::size_t>(from)];
    });
    return y;
}

inline double at_broadcast(const tensor& x, const std::vector<std::int64_t>& index) {
    const auto s = x.strides();
    std::int64_t from = 0;
    for (std::size_t k = 0; k < x.rank(); ++k)
        from += (x.dims[k] == 1 ? 0 : index[index.size() - x.rank() + k]) * s[k];
    return x.values[static_cast<std::size_t>(from)];
}

inline tensor combined(const tensor& a, const tensor& b,
                       const std::function<double(double, double)>& f) {
    tensor y;
    y.dims.resize(std::max(a.rank(), b.rank()), 1);
    for (const tensor* x : {&a, &b})
        for (std::size_t k = 0; k < x->rank(); ++k) {
            std::int64_t& d = y.dims[y.rank() - x->rank() + k];
            d = std::max(d, x->dims[k]);
        }
    for_each_index(y.dims, [&](std::size_t, const auto& at) {
        y.values.push_back(f(at_broadcast(a, at), at_broadcast(b, at)));
    });
    return y;
}

inline tensor product(const tensor& a, const tensor& b) {
    tensor y, left = a, right = b;
    const std::size_t rank = std::max(a.rank(), b.rank());
    left.dims.insert(left.dims.begin(), rank - a.rank(), 1);
    right.dims.insert(right.dims.begin(), rank - b.rank(), 1);
    for (std::size_t k = 0; k + 2 < rank; ++k)
        y.dims.push_back(std::max(left.dims[k], right.dims[k]));
    y.dims.push_back(left.dims[rank - 2]), y.dims.push_back(right.dims[rank - 1]);
    for_each_index(y.dims, [&](std::size_t, std::vector<std::int64_t> at) {
        double sum = 0.0;
        const std::int64_t column = at.back(), row = at[rank - 2];
        for (std::int64_t k = 0; k < left.dims.back(); ++k) {
            at[rank - 2] = row, at[rank - 1] = k;
            const double x = at_broadcast(left, at);
            at[rank - 2] = k, at[rank - 1] = column;
            sum += x * at_broadcast(right, at);
        }
        y.values.push_back(sum);
    });
    return y;
}

// Runs f on each line along `axis`.
inline tensor along(const tensor& x, std::size_t axis,
                    const std::function<void(std::vector<double>&)>& f) {
    tensor y = x;
    const auto stride = static_cast<std::size_t>(x.strides()[axis]);
    const auto extent = static_cast<std::size_t>(x.dims[axis]);
    for_each_index(x.dims, [&](std::size_t n, const auto& at) {
        if (at[axis] != 0) return;
        std::vector<double> line;
        for (std::size_t k = 0; k < extent; ++k) line.push_back(x.values[n + k * stride]);
        f(line);
        for (std::size_t k = 0; k < extent; ++k) y.values[n + k * stride] = line[k];
    });
    return y;
}

inline void softmax(std::vector<double>& line) {
    const double most = *std::max_element(line.begin(), line.end());
    double sum = 0.0;
    for (double& v : line) sum += v = std::exp(v - most);
    for (double& v : line) v /= sum;
}

// x less its mean over its deviation; its root mean square where it is not centred.
inline std::function<void(std::vector<double>&)> norm(double epsilon, bool centred) {
    return [=](std::vector<double>& line) {
        double mean = 0.0, square = 0.0;
        for (const double v : line) mean += v / static_cast<double>(line.size());
        if (!centred) mean = 0.0;
        for (const double v : line)
            square += (v - mean) * (v - mean) / static_cast<double>(line.size());
        for (double& v : line) v = (v - mean) / std::sqrt(square + epsilon);
    };
}

class tensor_graph {
  public:
    explicit tensor_graph(std::mt19937& bits, std::int64_t opset = 17)
        : file_(opset), bits_(bits) {}

    writer::graph& file() { return file_; }
    std::string name() { return "t" + std::to_string(count_++); }

    // A tensor of random numbers in the file, and its value.
    std::pair<std::string, tensor> weight(const std::vector<std::int64_t>& dims,
                                          float scale = 1.0F) {
        tensor t;
        t.dims = dims;
        std::vector<float> values;
        for_each_index(dims, [&](std::size_t, const auto&) {
            values.push_back(scale * uniform(bits_, -1.0F, 1.0F));
            t.values.push_back(static_cast<double>(values.back()));
        });
        const std::string named = name();
        file_.weight(named, dims, values);
        return {named, t};
    }
    std::string number(double v) {
        const std::string named = name();
        file_.weight(named, {}, {static_cast<float>(v)});
        return named;
    }
    std::string whole(const std::vector<std::int64_t>& values) {
        const std::string named = name();
        file_.whole(named, values);
        return named;
    }
    std::string node(const std::string& op, const std::vector<std::string>& inputs,
                     const writer::attributes& with = {}) {
        const std::string named = name();
        file_.node(op, named, inputs, with);
        return named;
    }

  private:
    writer::graph file_;
    std::mt19937& bits_;
    int count_ = 0;
};

}  // namespace test
