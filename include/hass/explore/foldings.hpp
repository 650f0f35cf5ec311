/// \file foldings.hpp
/// Foldings of other toolchains' stages, found and proved by `exact`: the smallest interval within a
/// board, or least of a resource at a throughput. A stage says of each of its options what it takes,
/// its cycles, and how wide its streams are in bits; what stands between stages depends on the widths
/// at both ends. Resources that no stage has a model of are not held against the board.
///
///     folding_allocator a(problem, board);
///     folding_solution s = a.fastest();           s.chosen, s.interval_cycles, s.gap
///     folding_solution t = a.least(&usage::lut, 100.0);
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hass/device/device.hpp>
#include <hass/device/validate.hpp>
#include <hass/engine/modelled_usage.hpp>
#include <hass/error.hpp>
#include <hass/explore/exact.hpp>
#include <hass/explore/policy.hpp>
#include <hass/explore/priced_edges.hpp>
#include <hass/explore/priced_options.hpp>
#include <hass/explore/resource_vector.hpp>
#include <hass/pipeline/link.hpp>
#include <hass/text.hpp>

namespace hass {

/// One way to build a stage.
struct folding_option {
    double cycles = 0.0;            ///< for one image
    modelled_usage needs{};         ///< without what stands between stages
    int bits_in = 1, bits_out = 1;  ///< of its streams, each cycle
};

/// Stages, what they may be, and what stands between them.
struct folding_problem {
    std::vector<std::string> names;                  ///< one a stage
    std::vector<std::vector<folding_option>> lists;  ///< of options; none empty
    std::vector<std::size_t> list_of;                ///< which of them each stage has
    std::vector<stream_edge> streams{};              ///< between stages
    /// between(stream, from, to): what a stream of that index takes at these widths, >= 0
    std::function<modelled_usage(std::size_t, int, int)> between{};
    double image_bits = 0.0;  ///< that the board's link carries for an image

    std::size_t size() const { return list_of.size(); }
    /// Of stage `i`.
    const std::vector<folding_option>& options(std::size_t i) const { return lists[list_of[i]]; }
    /// One more stage, with options of its own.
    std::vector<folding_option>& add(std::string name) {
        names.push_back(std::move(name)), list_of.push_back(lists.size());
        return lists.emplace_back();
    }
    /// One more, with those of an earlier stage.
    void add_like(std::size_t stage, std::string name) {
        names.push_back(std::move(name)), list_of.push_back(list_of[stage]);
    }
};

/// One option a stage, and what is proved about them.
struct folding_solution {
    bool fits = false;                  ///< false: nothing is chosen, and `reason` says why
    std::vector<std::size_t> chosen{};  ///< one a stage, indices into its options
    double interval_cycles = 0.0;       ///< of the slowest stage, or of the board's link
    double images_per_second = 0.0;     ///< at the board's clock
    std::size_t slowest = 0;            ///< stage
    modelled_usage total{};             ///< stages and what stands between them
    modelled_usage between{};           ///< of it what stands between stages
    double least_interval = 0.0;        ///< no foldings have a smaller one (`fastest`)
    double least_need = 0.0;            ///< none need less of the resource asked for (`least`)
    double gap = 0.0;                   ///< above the proved bound; 0: optimal
    std::string reason{};               ///< what stops it from being better, or from being at all
};

/// What chosen options take, and at which interval.
/// \param chosen  one option a stage
inline folding_solution price(const folding_problem& p, const device& board,
                              std::vector<std::size_t> chosen) {
    folding_solution s;
    const auto at = [&](std::size_t i) -> const folding_option& { return p.options(i)[chosen[i]]; };
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        s.total += at(i).needs;
        if (at(i).cycles > s.interval_cycles) s.interval_cycles = at(i).cycles, s.slowest = i;
    }
    for (std::size_t e = 0; p.between && e < p.streams.size(); ++e)
        s.between += p.between(e, at(p.streams[e].from).bits_out, at(p.streams[e].to).bits_in);
    s.total += s.between;
    if (!p.between)  // nothing is said of what stands between stages
        s.between = s.between.without(dsp_index, lut_index, ff_index, bram18_index, uram_index);
    const image_link link = link_of(board, p.image_bits);
    s.interval_cycles = std::max(s.interval_cycles, link.cycles(0.0));
    s.total.value.bandwidth = link.traffic(s.interval_cycles);
    s.images_per_second = board.mhz * 1e6 / s.interval_cycles;
    s.fits = true;
    for (std::size_t r = 0; r < resources.size(); ++r)
        s.fits = s.fits && s.total.value.*resources[r].field <= board.budget.*resources[r].field;
    s.chosen = std::move(chosen);
    return s;
}

/// See the head of the file. Keeps the options in order of their needs between questions.
class folding_allocator {
  public:
    /// \throws hass::error for a problem without stages or a stage without options, a board that is
    ///         none, options or streams that take less than nothing
    template <Device D>
    folding_allocator(folding_problem problem, const D& board)
        : problem_(std::move(problem)), board_(board.limits()) {
        validate(board_);
        if (problem_.size() == 0) throw error("foldings: there are no stages");
        budget_ = modelled_budget();
        collect();
        link_ = link_of(board_, problem_.image_bits);
    }
    folding_allocator(const folding_allocator&) = delete;
    folding_allocator& operator=(const folding_allocator&) = delete;

    /// As it was given.
    const folding_problem& problem() const { return problem_; }
    const device& board() const { return board_; }

    /// The smallest interval, with the least sum of shares of the board.
    folding_solution fastest() {
        if (!blocked_.empty()) return nothing(blocked_);
        const allocation_choice c = policy_(question());
        if (!c.found) return nothing(too_little(c));
        folding_solution s = solution(c);
        s.least_interval = std::max(c.proved_interval, link_.cycles(0.0));
        s.gap = std::max(0.0, s.interval_cycles / s.least_interval - 1.0);
        s.reason = limit(s, c.obstacle);
        return s;
    }

    /// Least of one resource at a throughput.
    /// \param resource           that is modelled
    /// \param images_per_second  > 0
    /// \throws hass::error for a resource that no stage has a model of, a throughput that is not > 0
    folding_solution least(double usage::*resource, double images_per_second) {
        const std::size_t r = index_of(resource);
        if (r == resources.size() || r == bandwidth_index || !modelled_[r])
            throw error(text_of({"foldings: least of ",
                                 r == resources.size() ? "no resource" : resources[r].name,
                                 ", which is not modelled"}));
        if (!(images_per_second > 0.0))
            throw error(text_of({"foldings: required throughput is ", images_per_second,
                                 " images/s, must be above zero"}));
        if (!blocked_.empty()) return nothing(blocked_);
        const double interval = board_.mhz * 1e6 / images_per_second;
        const allocation_choice c = policy_.minimise(question(), r, interval);
        if (!c.found) {
            const bool proved = c.proved_interval == infinity;
            return nothing(text_of({images_per_second, " images/s are not reached on device '",
                                    board_.name, "'", proved ? "" : " (not proved)", ": ",
                                    resources[c.obstacle].name, " is spent"}));
        }
        folding_solution s = solution(c);
        s.least_need = c.least;
        const double need = s.total.value.*resource;
        s.gap = c.minimal || need <= c.least ? 0.0
                : c.least > 0.0              ? need / c.least - 1.0
                                             : infinity;
        s.reason =
            text_of({resources[r].name, " is minimised at ", images_per_second, " images/s"});
        return s;
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    /// The board's, of what some stage has a model of.
    resource_vector modelled_budget() {
        for (const auto& list : problem_.lists)
            for (const folding_option& o : list)
                for (std::size_t r = 0; r < resources.size(); ++r)
                    modelled_[r] = modelled_[r] || o.needs.known[r];
        resource_vector budget = to_vector(board_.budget);
        for (std::size_t r = 0; r < budget.size(); ++r)
            if (!modelled_[r] && r != bandwidth_index) budget[r] = infinity;
        return budget;
    }

    void collect() {
        const std::size_t lists = problem_.lists.size();
        rows_.resize(problem_.size()), cycles_.resize(lists), options_.resize(lists);
        std::vector<resource_vector> least(lists);
        for (std::size_t l = 0; l < lists; ++l) least[l] = least_of(l);
        resource_vector least_of_all{};
        for (const std::size_t l : problem_.list_of)
            for (std::size_t r = 0; r < least_of_all.size(); ++r) least_of_all[r] += least[l][r];
        for (std::size_t r = 0; r < budget_.size(); ++r)
            if (least_of_all[r] > budget_[r])
                blocked_ =
                    text_of({"device '", board_.name, "' has ", budget_[r], " ", resources[r].name,
                             ", the smallest foldings need ", least_of_all[r]});
        for (std::size_t l = 0; l < lists && blocked_.empty(); ++l) {
            resource_vector room = budget_;
            for (std::size_t r = 0; r < room.size(); ++r)
                if (room[r] < infinity)
                    room[r] = std::max(least[l][r], room[r] - (least_of_all[r] - least[l][r]));
            take(l, room);
        }
        if (blocked_.empty()) connect();
    }

    resource_vector least_of(std::size_t l) const {
        const std::string& name = name_of_list(l);
        if (problem_.lists[l].empty())
            throw error(text_of({"foldings: '", name, "' has no option"}));
        resource_vector least;
        least.fill(infinity);
        for (const folding_option& o : problem_.lists[l]) {
            const resource_vector v = to_vector(o.needs.value);
            for (std::size_t r = 0; r < v.size(); ++r) {
                if (!(v[r] >= 0.0))
                    throw error(text_of({"foldings: an option of '", name, "' takes ", v[r], " ",
                                         resources[r].name}));
                least[r] = std::min(least[r], v[r]);
            }
        }
        return least;
    }

    /// Of the first stage that has the list.
    const std::string& name_of_list(std::size_t l) const {
        const auto at = std::find(problem_.list_of.begin(), problem_.list_of.end(), l);
        return problem_.names[static_cast<std::size_t>(at - problem_.list_of.begin())];
    }

    /// Options that nothing else of the same widths beats.
    void take(std::size_t l, const resource_vector& room) {
        const std::vector<folding_option>& all = problem_.lists[l];
        std::vector<std::size_t> order(all.size());
        for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
        const auto widths = [&](std::size_t k) {
            return std::pair(all[k].bits_in, all[k].bits_out);
        };
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return std::pair(widths(a), all[a].cycles) < std::pair(widths(b), all[b].cycles);
        });
        std::vector<std::size_t> kept;
        for (const std::size_t k : order) {
            bool beaten = false;
            for (std::size_t j = kept.size(); j-- > 0 && widths(kept[j]) == widths(k) && !beaten;)
                beaten = detail::no_more(to_vector(all[kept[j]].needs.value),
                                         to_vector(all[k].needs.value));
            if (!beaten) kept.push_back(k);
        }
        for (const std::size_t k : kept)
            options_[l].add({.engine = static_cast<int>(k)}, to_vector(all[k].needs.value));
        options_[l].finish(room, budget_);
        if (options_[l].size() == 0)
            blocked_ = text_of({"no folding of '", name_of_list(l),
                                "' leaves room for the others on device '", board_.name, "'"});
        for (const row_option& o : options_[l].options())
            cycles_[l].push_back(all[index(o)].cycles);
    }

    void connect() {
        const std::size_t n = problem_.size();
        if (problem_.between) {
            priced_edges::option_words gives(n), takes(n);
            for (std::size_t i = 0; i < n; ++i)
                for (const row_option& o : row(i).options()) {
                    gives[i].push_back(problem_.options(i)[index(o)].bits_out);
                    takes[i].push_back(problem_.options(i)[index(o)].bits_in);
                }
            const auto price = [&](std::size_t s, int from, int to) {
                return to_vector(problem_.between(s, from, to).value);
            };
            edges_ = priced_edges(gives, takes, problem_.streams, price, 1);
        }
        for (std::size_t i = 0; i < n; ++i) {
            rows_[i] = {&row(i), cycles_[problem_.list_of[i]], 1};
            if (!edges_.empty())
                rows_[i].ports = edges_.ports(i), rows_[i].rises = &edges_.rises(i);
        }
    }

    const priced_options& row(std::size_t i) const { return options_[problem_.list_of[i]]; }
    static std::size_t index(const row_option& o) { return static_cast<std::size_t>(o.engine); }

    allocation_problem question() const {
        return {rows_, budget_, false, link_, edges_.empty() ? nullptr : &edges_};
    }

    folding_solution solution(const allocation_choice& c) const {
        std::vector<std::size_t> chosen;
        for (std::size_t i = 0; i < c.options.size(); ++i)
            chosen.push_back(index(row(i).options()[c.options[i]]));
        return price(problem_, board_, std::move(chosen));
    }

    folding_solution nothing(std::string reason) const {
        folding_solution s;
        s.reason = std::move(reason);
        s.gap = infinity;
        return s;
    }

    std::string too_little(const allocation_choice& c) const {
        return text_of({"device '", board_.name, "' is too small",
                        c.proved_interval == infinity ? "" : " (not proved)", ": ",
                        resources[c.obstacle].name, " is missing"});
    }

    std::string limit(const folding_solution& s, std::size_t obstacle) const {
        if (s.interval_cycles <= link_.cycles(0.0))
            return text_of({"the bandwidth of device '", board_.name, "' is spent"});
        for (std::size_t i = 0; i < problem_.size(); ++i)
            if (std::ranges::min(rows_[i].cycles) >= s.interval_cycles)
                return text_of({"no faster folding of '", problem_.names[i],
                                "' exists, or leaves room for the others"});
        return text_of({resources[obstacle].name, " is spent (",
                        amount(s.total.value.*resources[obstacle].field), " of ", budget_[obstacle],
                        "): the next smaller interval needs more than is left"});
    }

    folding_problem problem_;
    device board_;
    resource_vector budget_{};
    std::array<bool, resources.size()> modelled_{};
    image_link link_{};
    std::string blocked_;                      ///< why nothing fits
    std::vector<priced_options> options_;      ///< of each list
    std::vector<std::vector<double>> cycles_;  ///< of every option of it
    std::vector<row_options> rows_;
    priced_edges edges_;
    exact policy_;
};

}  // namespace hass
