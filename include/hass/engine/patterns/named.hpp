/// \file named.hpp
/// Patterns by a name, as a command line has them:
///
///     gh2:4           at most 2 of 4 adjacent input channels
///     hss4:8/2:4      the same rank upon rank, the outermost first; hss alone is this one
///     block4x4        whole blocks of 4 filters x 4 input channels (2x2, 4x4, 8x8; block: 4x4)
///     channel         whole input channels
///
/// `gh` and `hss` say themselves how much stays; blocks and channels keep the share that they are
/// given, or one of their own: channel:0.5, block8x8:0.25.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hass/engine/patterns/coarse.hpp>
#include <hass/engine/patterns/pattern.hpp>
#include <hass/engine/patterns/structured.hpp>
#include <hass/error.hpp>
#include <hass/text.hpp>

namespace hass::patterns {

/// See the head of the file.
class named_pattern {
  public:
    /// \throws hass::error for a name that is none, or ranks or a share that cannot be
    explicit named_pattern(const std::string& text) : name_(text) {
        std::string_view rest = text;
        const auto begins = [&](std::string_view word) {
            const bool is = rest.starts_with(word);
            if (is) rest.remove_prefix(word.size());
            return is;
        };
        if (begins("gh")) {
            read_rank(rest);
            if (!rest.empty()) throw wrong("one rank of G:H is expected");
        } else if (begins("hss")) {
            if (rest.empty()) rest = "4:8/2:4";
            for (read_rank(rest); !rest.empty(); read_rank(rest))
                if (!begins("/")) throw wrong("ranks of G:H are expected, '/' between them");
            std::reverse(inner_first_.begin(), inner_first_.end());
        } else if (begins("block")) {
            edge_ = 4;
            for (const int edge : {2, 4, 8})
                if (begins(text_of({edge, "x", edge}))) edge_ = edge;
            read_share(rest);
        } else if (begins("channel")) {
            read_share(rest);
        } else {
            throw unknown_name("pattern", text,
                               std::vector<std::string>{"gh2:4", "hss", "block", "channel"});
        }
    }

    /// As it was given.
    const std::string& name() const { return name_; }
    /// Whether how much stays is a matter of `share`.
    bool takes_share() const { return inner_first_.empty() && !share_; }

    /// Zeroes weights of a compute row so that they conform; of those that do, the nearest.
    /// \param share  of weights that stay, in [0, 1], where the pattern says none; at least one block
    ///               or channel does
    void project(const layer_row& row, std::span<float> weights, double share) const {
        const weight_extents e = extents_of(row);
        if (!inner_first_.empty()) return detail::ranked_project(inner_first_, e, weights);
        const auto units = [&](auto of) {
            using pattern = decltype(of);
            const double one = 1.0 / static_cast<double>(pattern::units(e));
            pattern(std::clamp(share_.value_or(share), one, 1.0)).project(e, weights);
        };
        switch (edge_) {
            case 2:
                return units(block<2, 2>(1.0));
            case 4:
                return units(block<4, 4>(1.0));
            case 8:
                return units(block<8, 8>(1.0));
            default:
                return units(channel(1.0));
        }
    }

  private:
    error wrong(const std::string& why) const { return error("pattern '" + name_ + "': " + why); }

    /// G:H at the beginning of `rest`.
    void read_rank(std::string_view& rest) {
        rank r;
        const auto whole = [&](int& number) {
            const auto [end, bad] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
            if (bad != std::errc{}) throw wrong("ranks of G:H are expected, like 2:4");
            rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        };
        whole(r.keep);
        if (!rest.starts_with(":")) throw wrong("ranks of G:H are expected, like 2:4");
        rest.remove_prefix(1);
        whole(r.of);
        constexpr int most = 1024;
        if (r.keep < 1 || r.keep > r.of || r.of > most)
            throw wrong(text_of({"1 <= G <= H <= ", most, " in G:H"}));
        inner_first_.push_back(r);
    }

    void read_share(std::string_view rest) {
        if (rest.empty()) return;
        double share = 0.0;
        const auto [end, bad] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), share);
        if (rest[0] != ':' || bad != std::errc{} || end != rest.data() + rest.size() ||
            !(share > 0.0 && share <= 1.0))
            throw wrong("behind a colon a share to keep is expected, above 0 and at most 1");
        share_ = share;
    }

    std::string name_;
    std::vector<rank> inner_first_;
    std::optional<double> share_;
    int edge_ = 0;  ///< of square blocks; 0: channels
};

}  // namespace hass::patterns
