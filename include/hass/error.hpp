/// \file error.hpp
/// What the library throws when data from outside is wrong, and the "did you mean" that goes with
/// it. Nothing in the library asserts on data.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace hass {

/// Bad input: the message names the file or object, the field and, where there is one, the nearest
/// valid name. Programs print it on one line and leave with exit code 2.
class error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Number of single-character insertions, deletions and substitutions that turn `a` into `b`
/// (Levenshtein). O(|a| |b|).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] =
                std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

/// The error for a name that is not one of `valid`:
/// "unknown device 'u25O'; did you mean 'u250'? (known: u250, u200)".
/// \param what   the kind of thing named, e.g. "device"
/// \param name   what was given
/// \param valid  any range of names convertible to std::string_view
template <class Names>
error unknown_name(std::string_view what, std::string_view name, const Names& valid) {
    std::string text = "unknown " + std::string(what) + " '" + std::string(name) + "'";
    std::string_view nearest;
    std::size_t best = name.size() / 2 + 2;
    std::string all;
    for (const auto& candidate_name : valid) {
        const std::string_view candidate{candidate_name};
        if (const std::size_t d = edit_distance(name, candidate); d < best) {
            best = d;
            nearest = candidate;
        }
        all += (all.empty() ? "" : ", ") + std::string(candidate);
    }
    if (!nearest.empty()) text += "; did you mean '" + std::string(nearest) + "'?";
    return error(text + " (known: " + all + ")");
}

}  // namespace hass
