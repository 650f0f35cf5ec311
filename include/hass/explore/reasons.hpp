/// \file reasons.hpp
/// Why a design is not faster, and why there is none: the sentences of certificates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <hass/device/device.hpp>
#include <hass/explore/certificate.hpp>
#include <hass/explore/policy.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/evaluate.hpp>
#include <hass/text.hpp>

namespace hass::detail {

/// Says what a choice takes of the board at an interval; images take the same share of the link in
/// whatever choice.
inline void say_shares(const allocation_problem& p, const allocation_choice& choice,
                       double interval, certificate& c) {
    const resource_vector share = share_weights(p.budget);
    const double images = p.link.traffic(interval) * share[bandwidth_index];
    c.shares = dot(share, p.total(choice.options)) + images;
    c.least_shares = choice.minimal ? c.shares : choice.least + images;
    c.thriftiest = choice.minimal;
}

/// \name What stops a design from being faster
/// @{

/// A resource, if one is what stops it, and how.
struct limit {
    std::optional<std::size_t> binding;
    std::string reason;
};

/// The board's link sets the interval.
/// \param image_bits  what it carries for an image beside weights
inline limit link_is_spent(const device& board, const estimate& e, double image_bits) {
    std::string reason = text_of({"the bandwidth of device '", board.name, "' is spent: of its ",
                                  board.budget.bandwidth, " Gbit/s, "});
    if (e.total.bandwidth > e.image_gbit_s * (1.0 + 1e-9))
        reason += text_of({"weights take ", number(e.total.bandwidth - e.image_gbit_s, 4), ", "});
    reason += text_of({"images and their answers take ", number(e.image_gbit_s, 4), " (",
                       image_bits, " bits each)"});
    return {bandwidth_index, reason};
}

/// A row has no faster option that leaves room for the others.
/// \param too_dear  the resource of which a faster one needs too much; nullopt: there is none
inline limit row_is_fastest(const std::string& row, std::optional<std::size_t> too_dear) {
    if (!too_dear)
        return {too_dear, "no faster option of '" + row +
                              "' exists: it is at its largest parallelism, or at the rate at which "
                              "its data moves"};
    return {too_dear, "any faster option of '" + row + "' needs more " +
                          std::string(resources[*too_dear].name) + " than the other layers leave"};
}

/// All rows together have no faster options that fit.
/// \param r  the resource in the way
inline limit resource_is_spent(const device& board, const estimate& e, std::size_t r) {
    const auto of_budget = [&](double usage::*field) {
        return text_of({amount(e.total.*field), " of ", board.budget.*field});
    };
    std::string reason =
        std::string(resources[r].name) + " is spent (" + of_budget(resources[r].field);
    if (r == bram18_index && e.bram18_from_lut > 0.0)
        reason += text_of(
            {" and ", amount(e.bram18_from_lut), " from LUTs: ", of_budget(&usage::lut), " LUT"});
    return {r, reason + "): the next smaller interval needs more than is left"};
}
/// @}

/// \name Why there is no design
/// @{

/// \param missing  of the resource that is in the way
inline certificate no_design(std::optional<std::size_t> binding, double missing,
                             std::string reason) {
    certificate c;
    c.gap = std::numeric_limits<double>::infinity();
    c.binding = binding;
    c.missing = missing;
    c.reason = std::move(reason);
    return c;
}

/// Only memories that are too small for a row fit.
inline certificate no_room(const device& board, std::size_t row, const std::string& name) {
    certificate c = no_design(std::nullopt, 0.0,
                              "whatever fits device '" + std::string(board.name) +
                                  "' has no room for the weights of layer '" + name + "'");
    c.limiting_row = row;
    return c;
}

/// A throughput was not reached.
/// \param proved          that it cannot be
/// \param link_floor      least cycles in which the board's link carries an image
inline certificate not_reached(const device& board, double images_per_second, bool proved,
                               std::size_t obstacle, double link_floor) {
    const double hz = board.mhz * 1e6;
    std::string reason = text_of({images_per_second, " images/s ",
                                  (proved ? "cannot be reached" : "were not reached"),
                                  " on device '", board.name, "'"});
    if (hz / images_per_second < link_floor)
        reason += text_of({": its bandwidth of ", board.budget.bandwidth,
                           " Gbit/s carries at most ", hz / link_floor, " images/s"});
    certificate c = no_design(obstacle, 0.0, reason);
    c.upper_bound_images_per_second = images_per_second;
    return c;
}

/// The board's link cannot carry images beside the least weights.
/// \param weights  Gbit/s
inline certificate link_carries_nothing(const device& board, double weights) {
    std::string reason = text_of(
        {"the bandwidth of device '", board.name, "' is ", board.budget.bandwidth, " Gbit/s"});
    if (weights > 0.0) reason += ", all of which weights take";
    return no_design(bandwidth_index, 0.0, reason + ": images and answers cannot be carried");
}

/// The resource that the least needs exceed most, in shares of the budget.
inline std::optional<std::size_t> shortest(const resource_vector& least,
                                           const resource_vector& budget) {
    std::optional<std::size_t> shortest;
    double worst = 0.0;
    for (std::size_t r = 0; r < least.size(); ++r) {
        const double over = least[r] - budget[r];
        const double share = over <= 0.0 ? 0.0 : budget[r] > 0.0 ? over / budget[r] : 1e300;
        if (share > worst) worst = share, shortest = r;
    }
    return shortest;
}

/// Even the smallest design is short of resource `r`.
/// \param least     its need, and what there is, in the form of `to_needs`
/// \param lut_each  for a missing block RAM; 0: none may be missing
inline certificate too_small(const device& board, std::size_t r, double least, double budget,
                             double lut_each) {
    const double missing = least - budget;
    const std::string name(resources[r].name);
    const std::string on = "device '" + std::string(board.name) + "'";
    if (r == bram18_index && lut_each > 0.0)
        return no_design(
            r, missing / lut_each,
            text_of({"the smallest design lacks ", amount(missing / lut_each), " ", name, " on ",
                     on, " after all LUTs that are left stand in for ", name}));
    return no_design(r, missing,
                     text_of({"the smallest design needs ", amount(least), " ", name, ", ", on,
                              " has ", budget, " (", amount(missing), " missing)"}));
}

/// What the option of a row needs whose largest share of the budget is least.
inline const resource_vector& leanest(const priced_options& options,
                                      const resource_vector& budget) {
    double least = std::numeric_limits<double>::infinity();
    const resource_vector* cheapest = nullptr;
    for (const auto* costs : {&options.costs(), &options.dropped_costs()})
        for (const resource_vector& cost : *costs) {
            double share = 0.0;
            for (std::size_t r = 0; r < cost.size(); ++r)
                if (cost[r] > 0.0)
                    share = std::max(share, budget[r] > 0.0 ? cost[r] / budget[r] : 1e300);
            if (share < least) least = share, cheapest = &cost;
        }
    return *cheapest;
}

/// Every resource alone would do, but not together.
/// \param small     what a small design needs, and what there is, in the form of `to_needs`
/// \param obstacle  the resource to name where the small design is short of none
/// \param lut_each  for a missing block RAM; 0: none may be missing
/// \param proved    that there is no design
inline certificate too_small_together(const device& board, const resource_vector& small,
                                      const resource_vector& budget, std::size_t obstacle,
                                      double lut_each, bool proved) {
    std::size_t r = tightest(to_usage(small), to_usage(budget));
    if (small[r] <= budget[r]) r = obstacle;
    double missing = std::max(0.0, small[r] - budget[r]);
    const std::string name(resources[r].name);
    std::string reason = proved
                             ? "no design is within all resources of device '"
                             : "no design was found (it is not proved that there is none) within "
                               "all resources of device '";
    reason += std::string(board.name) + "' at once; ";
    if (r == bram18_index && lut_each > 0.0) {
        missing /= lut_each;
        reason += name + " and the LUTs to build it from stand in the way";
    } else if (missing > 0.0) {
        reason += text_of({"a small one needs ", amount(small[r]), " ", name, " of ", budget[r],
                           " (", amount(missing), " missing)"});
    } else {
        reason += text_of({name, " stands in the way (budget ", budget[r], ")"});
    }
    return no_design(r, missing, reason);
}
/// @}

}  // namespace hass::detail
