/// \file sparse_matrix.hpp
/// The structure of a sparse matrix, and how much work a row-wise product of two of them is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass {

/// Positions of non-zeros, compressed by rows; columns ascend strictly within a row.
struct sparse_matrix {
    int rows = 0;                           ///< of the matrix
    int columns = 0;                        ///< of the matrix
    std::vector<std::size_t> row_start{0};  ///< rows + 1
    std::vector<int> column;                ///< of each non-zero, row after row

    /// How many there are.
    std::size_t nonzeros() const { return column.size(); }
    /// Columns of the non-zeros of a row.
    std::span<const int> row(int r) const {
        const std::size_t first = row_start[static_cast<std::size_t>(r)];
        return {column.data() + first, row_start[static_cast<std::size_t>(r) + 1] - first};
    }
};

/// A matrix from positions (row, column) in any order; repeated positions count once.
/// \throws hass::error for a position outside
inline sparse_matrix make_sparse_matrix(int rows, int columns,
                                        std::vector<std::pair<int, int>> positions) {
    for (const auto& [r, c] : positions)
        if (r < 0 || r >= rows || c < 0 || c >= columns)
            throw error(text_of(
                {"sparse matrix: position (", r, ", ", c, ") outside of ", rows, " x ", columns}));
    std::sort(positions.begin(), positions.end());
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    sparse_matrix m{
        rows, columns, std::vector<std::size_t>(static_cast<std::size_t>(rows) + 1, 0), {}};
    for (const auto& [r, c] : positions) {
        ++m.row_start[static_cast<std::size_t>(r) + 1];
        m.column.push_back(c);
    }
    for (std::size_t r = 1; r < m.row_start.size(); ++r) m.row_start[r] += m.row_start[r - 1];
    return m;
}

/// Columns of the partial products of row r of A B, in the order in which Gustavson's algorithm
/// makes them: for every non-zero A(r, k), the non-zeros of row k of B.
inline void partial_products(const sparse_matrix& a, const sparse_matrix& b, int r,
                             std::vector<int>& columns) {
    columns.clear();
    for (const int k : a.row(r)) {
        const std::span<const int> row = b.row(k);
        columns.insert(columns.end(), row.begin(), row.end());
    }
}

/// Size of a product of sparse matrices.
struct product_size {
    std::int64_t multiplications = 0;  ///< sum over k of nnz(column k of A) nnz(row k of B)
    std::int64_t nonzeros = 0;         ///< of the product's structure
    /// Partial products for each result that is kept, >= 1; 1 for an empty product.
    double bloat() const {
        return nonzeros > 0 ? static_cast<double>(multiplications) / static_cast<double>(nonzeros)
                            : 1.0;
    }
};

/// \throws hass::error when the inner extents differ
inline product_size size_of_product(const sparse_matrix& a, const sparse_matrix& b) {
    if (a.columns != b.rows)
        throw error(text_of({"sparse product: ", a.columns, " columns times ", b.rows, " rows"}));
    product_size size;
    std::vector<int> columns;
    for (int r = 0; r < a.rows; ++r) {
        partial_products(a, b, r, columns);
        size.multiplications += static_cast<std::int64_t>(columns.size());
        std::sort(columns.begin(), columns.end());
        size.nonzeros += std::unique(columns.begin(), columns.end()) - columns.begin();
    }
    return size;
}

}  // namespace hass
