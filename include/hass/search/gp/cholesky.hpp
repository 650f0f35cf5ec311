/// \file cholesky.hpp
/// A Cholesky factor that grows row by row, and what is solved with it.
///
/// Sums run in one fixed order, eight partial sums at a time, whatever the width of the machine's
/// vectors: a library whose order follows the instruction set (Eigen, a BLAS) would give a seed
/// other trials on another machine.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <hass/search/stable_math.hpp>

namespace hass {

namespace detail {

/// Sum of a_i b_i for i < n.
inline double dot(const double* a, const double* b, std::size_t n) {
    constexpr std::size_t lanes = 8;
    std::array<double, lanes> sums{};
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (std::size_t l = 0; l < lanes; ++l) sums[l] += a[i + l] * b[i + l];
    double rest = 0.0;
    for (; i < n; ++i) rest += a[i] * b[i];
    return rest + (((sums[0] + sums[4]) + (sums[2] + sums[6])) +
                   ((sums[1] + sums[5]) + (sums[3] + sums[7])));
}

/// to_i += weight * from_i for i < n.
inline void add_scaled(double* to, const double* from, double weight, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) to[i] += weight * from[i];
}

}  // namespace detail

/// Lower triangular L with A = L L^T, of a positive definite A given row by row.
class cholesky_factor {
  public:
    std::size_t size() const { return diagonal_.size(); }

    /// Element (i, j) of L, j <= i.
    double operator()(std::size_t i, std::size_t j) const { return rows_[start(i) + j]; }

    /// Appends a row of A: its size() + 1 elements up to the diagonal.
    /// \returns false, and appends nothing, when A would not be positive definite any more
    bool append(std::span<const double> row) {
        const std::size_t n = size();
        rows_.resize(start(n) + n + 1);
        double* const l = rows_.data() + start(n);
        double square = 0.0;
        for (std::size_t j = 0; j < n; ++j) {
            l[j] = (row[j] - detail::dot(l, rows_.data() + start(j), j)) / diagonal_[j];
            square += l[j] * l[j];
        }
        const double rest = row[n] - square;
        if (!(rest > 1e-14 * row[n])) {
            rows_.resize(start(n));
            return false;
        }
        l[n] = std::sqrt(rest);
        diagonal_.push_back(l[n]);
        return true;
    }

    /// Keeps the first `size` rows.
    void shrink(std::size_t size) {
        diagonal_.resize(size);
        rows_.resize(start(size));
    }

    /// x <- L^-1 x.
    void solve_lower(std::span<double> x) const {
        for (std::size_t i = 0; i < size(); ++i)
            x[i] = (x[i] - detail::dot(rows_.data() + start(i), x.data(), i)) / diagonal_[i];
    }

    /// x <- L^-T x.
    void solve_upper(std::span<double> x) const {
        for (std::size_t i = size(); i-- > 0;) {
            x[i] /= diagonal_[i];
            detail::add_scaled(x.data(), rows_.data() + start(i), -x[i], i);
        }
    }

    /// ln det A.
    double log_determinant() const {
        double sum = 0.0;
        for (const double d : diagonal_) sum += stable_log(d);
        return 2.0 * sum;
    }

    /// A^-1, row major, both triangles.
    std::vector<double> inverse() const {
        const std::size_t n = size();
        // Row i holds column i of L^-1, whose elements before i are 0.
        std::vector<double> columns(n * n, 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            double* const column = columns.data() + i * n;
            column[i] = 1.0 / diagonal_[i];
            for (std::size_t k = i + 1; k < n; ++k)
                column[k] =
                    -detail::dot(rows_.data() + start(k) + i, column + i, k - i) / diagonal_[k];
        }
        std::vector<double> result(n * n);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j <= i; ++j)
                result[i * n + j] = result[j * n + i] =
                    detail::dot(columns.data() + i * n + i, columns.data() + j * n + i, n - i);
        return result;
    }

  private:
    static std::size_t start(std::size_t row) { return row * (row + 1) / 2; }

    std::vector<double> rows_;      // packed: row i has i + 1 elements
    std::vector<double> diagonal_;  // of L
};

}  // namespace hass
