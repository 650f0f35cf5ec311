/// \file pipeline_run.hpp
/// All stages of a pipeline under way: how `simulate` works.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/pipeline/critical_path.hpp>
#include <hass/pipeline/firing.hpp>
#include <hass/pipeline/simulation.hpp>
#include <hass/pipeline/time_ring.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass::detail {

/// All stages of a pipeline under way.
class pipeline_run {
  public:
    pipeline_run(const network_view& net, std::span<const service_trace> services,
                 const fifo_depths& depths, const simulation_options& options);

    simulation operator()();

  private:
    struct stage {
        std::int64_t firings = 1, outputs = 1;  // an image
        std::int64_t served = 0, given = 0;     // firings
        std::int64_t ahead = 1, most_ahead = 1, behind = 0;
        std::vector<double> free{};  // when each lane has done its last
        double least_free = 0.0;
        time_ring ready{}, done{};                       // by firing
        time_ring out{};                                 // by output
        std::vector<std::size_t> inputs{}, consumers{};  // edges
        std::vector<std::int32_t> since{};  // firing at which each lane, and the data, went on last
                                            // after a wait; where the critical path is asked for
        std::vector<firing_cause> causes{};
    };

    bool gives(const stage& s, std::int64_t firing) const {
        return s.outputs == s.firings || (firing + 1) % s.firings == 0;
    }
    bool serve(std::size_t i);
    bool give(std::size_t i);
    std::int64_t starved(const stage& s) const;  // edge, or -1
    std::int64_t no_room(const stage& s) const;
    void set_room(connection& c, std::int64_t depth);
    std::size_t culprit() const;
    double take(connection& c, std::int64_t needed) const;
    double serve_lanes(std::size_t i, stage& s, double start);
    void remember_waits(stage& s, double start) const;
    static std::int32_t busy_since(const stage& s, double ready);
    critical_waits critical() const;
    std::int64_t depth_used(const connection& c) const;

    network_view net_;
    std::span<const service_trace> services_;
    simulation_options options_;
    fifo_depths depths_;
    std::vector<connection> edges_;
    std::vector<stage> stages_;
    std::vector<double> blocked_, ends_;
};

inline pipeline_run::pipeline_run(const network_view& net, std::span<const service_trace> services,
                                  const fifo_depths& depths, const simulation_options& options)
    : net_(net),
      services_(services),
      options_(options),
      depths_(depths),
      stages_(net.size()),
      blocked_(net.size(), 0.0),
      ends_(options.images, 0.0) {
    if (services.size() != net.size() || depths.ahead.size() != net.size() ||
        depths.edge.size() != net.edges.size())
        throw error(text_of({"simulate: ", services.size(), " services, ", depths.ahead.size(),
                             " rows' and ", depths.edge.size(), " edges' depths for a network of ",
                             net.size(), " rows and ", net.edges.size(), " edges"}));
    if (options.images < 1) throw error("simulate: no images");
    const auto images = static_cast<std::int64_t>(options.images);
    for (std::size_t i = 0; i < net.size(); ++i) {
        stage& s = stages_[i];
        const service_trace& t = services[i];
        s.firings = firing_count(net[i]);
        s.outputs = net[i].out.pixels();
        const auto each = static_cast<std::size_t>(s.firings) * t.lanes;
        if (t.lanes > 0 ? t.cycles.empty() || t.cycles.size() % each != 0 : !t.cycles.empty())
            throw error(
                text_of({"simulate: layer '", name_of(net, i), "' has ", t.cycles.size(),
                         " service times, which are no images of ", s.firings, " x ", t.lanes}));
        if (depths.ahead[i] < 1)
            throw error(text_of({"simulate: layer '", name_of(net, i),
                                 "': ahead = ", depths.ahead[i], ", must be at least 1"}));
        s.ahead = t.lanes == 0 ? 1 : std::min(depths.ahead[i], images * s.firings);
        s.free.assign(t.lanes, 0.0);
        s.ready.reserve(s.ahead + 1);
        s.done.reserve(s.ahead + 1);
        if (!options.critical) continue;
        s.since.assign(t.lanes + 1, 0);
        s.causes.resize(static_cast<std::size_t>(images * s.firings));
    }
    edges_.reserve(net.edges.size());
    std::vector<shape> inputs;  // of the row whose edges these are
    for (std::size_t k = 0; k < net.edges.size(); ++k) {
        const edge& e = net.edges[k];
        if (e.to < 0 || static_cast<std::size_t>(e.to) >= net.size() || e.from >= e.to)
            throw error(text_of({"simulate: edge ", e.from, " -> ", e.to, " is out of order"}));
        const auto to = static_cast<std::size_t>(e.to);
        const bool image = e.from == network_input;
        const std::size_t from = image ? net.size() : static_cast<std::size_t>(e.from);
        if (depths.edge[k] < 0)
            throw error(text_of(
                {"simulate: edge ", e.from, " -> ", e.to, " is ", depths.edge[k], " deep"}));
        inputs = stages_[to].inputs.empty() ? std::vector<shape>() : std::move(inputs);
        const bool second = takes_second(net[to]) && !inputs.empty();
        const shape map = !image ? net[from].out : second ? second_input(net[to]) : net[to].in;
        inputs.push_back(map);
        const std::int64_t first = stack_offset(net[to], inputs, inputs.size() - 1);
        edges_.push_back({from, to, firings_of(net[to], map, first)});
        if (edges_[k].firings.pixels > 1 || net[to].in.pixels() == 1)  // no gate
            edges_[k].intake = services[to].intake;
        edges_[k].intake_room = std::max(services[to].intake_room, edges_[k].firings.window);
        stages_[to].inputs.push_back(k);
        if (image) continue;
        stages_[from].consumers.push_back(k);
        set_room(edges_[k], depths.edge[k]);
    }
}

inline void pipeline_run::set_room(connection& c, std::int64_t depth) {
    stage& from = stages_[c.from];
    const std::int64_t all = static_cast<std::int64_t>(options_.images) * c.firings.pixels;
    c.room = depth > all ? unlimited : depth + c.firings.window;
    const std::int64_t kept =
        c.room == unlimited ? all : std::min(all, c.room + c.firings.early + 1);
    from.out.reserve(kept);
    c.released.reserve(kept);
}

/// The first input that the next firing waits for.
inline std::int64_t pipeline_run::starved(const stage& s) const {
    const std::int64_t image = s.served / s.firings;
    const auto r = static_cast<std::size_t>(s.served % s.firings);
    for (const std::size_t k : s.inputs) {
        const connection& c = edges_[k];
        if (c.from == net_.size()) continue;
        if (stages_[c.from].out.count() < image * c.firings.pixels + c.firings.needed[r])
            return static_cast<std::int64_t>(k);
    }
    return -1;
}

/// The first FIFO that has no room for the output that waits.
inline std::int64_t pipeline_run::no_room(const stage& s) const {
    for (const std::size_t k : s.consumers)
        if (edges_[k].room != unlimited &&
            s.out.count() >= edges_[k].released.count() + edges_[k].room)
            return static_cast<std::int64_t>(k);
    return -1;
}

inline double pipeline_run::serve_lanes(std::size_t i, stage& s, double start) {
    const service_trace& t = services_[i];
    double earliest = s.least_free;
    s.least_free = std::max(s.least_free, start) + t.least;
    double ready = s.least_free;
    if (t.lanes == 0) return ready;
    const std::size_t all = t.cycles.size();
    const float* cycles =
        t.cycles.data() + static_cast<std::size_t>(s.served) % (all / t.lanes) * t.lanes;
    double* free = s.free.data();
    if (s.most_ahead < s.ahead)  // as long as that says how much is needed
        for (std::size_t l = 0; l < t.lanes; ++l) earliest = std::min(earliest, free[l]);
    constexpr std::size_t wide = 8;  // maxima side by side, which compilers make vectors of
    double most[wide] = {};
    std::size_t l = 0;
    for (; l + wide <= t.lanes; l += wide)
        for (std::size_t k = 0; k < wide; ++k) {
            const double begin = free[l + k] > start ? free[l + k] : start;
            const double end = begin + static_cast<double>(cycles[l + k]);
            free[l + k] = end;
            most[k] = most[k] > end ? most[k] : end;
        }
    for (; l < t.lanes; ++l) {
        free[l] = std::max(free[l], start) + static_cast<double>(cycles[l]);
        ready = std::max(ready, free[l]);
    }
    for (const double end : most) ready = std::max(ready, end);
    if (s.most_ahead < s.ahead) {
        earliest = std::max(earliest, start);
        while (s.behind < s.given && s.done[s.behind] <= earliest) ++s.behind;
        s.most_ahead = std::max(s.most_ahead, s.served - s.behind + 1);
    }
    return ready;
}

/// Which lanes wait before the next firing begins.
inline void pipeline_run::remember_waits(stage& s, double start) const {
    const auto firing = static_cast<std::int32_t>(s.served);
    for (std::size_t l = 0; l < s.free.size(); ++l)
        s.since[l] = s.free[l] > start ? s.since[l] : firing;
    if (s.least_free <= start) s.since.back() = firing;
}

/// Since which firing the lane has been busy that was the last.
inline std::int32_t pipeline_run::busy_since(const stage& s, double ready) {
    for (std::size_t l = 0; l < s.free.size(); ++l)
        if (s.free[l] == ready) return s.since[l];
    return s.since.back();
}

/// Takes pixels of an input in, one after the other. \returns when the last of them is
inline double pipeline_run::take(connection& c, std::int64_t needed) const {
    for (; c.taken < needed; ++c.taken) {
        double came = c.from == net_.size()
                          ? options_.source_cycles * static_cast<double>(c.taken) /
                                static_cast<double>(c.firings.pixels)
                          : stages_[c.from].out[c.taken];
        if (c.from != net_.size() && c.taken >= c.intake_room)
            came = std::max(came, c.released[c.taken - c.intake_room]);
        const double next = c.taken > 0 ? c.last_in + c.intake : 0.0;
        if (came >= next) c.since = c.taken;
        c.last_in = std::max(came, next);
    }
    return c.last_in;
}

/// Begins and does the next firing of row i if that can be.
inline bool pipeline_run::serve(std::size_t i) {
    stage& s = stages_[i];
    if (s.served == static_cast<std::int64_t>(options_.images) * s.firings ||
        s.served - s.given >= s.ahead || starved(s) >= 0)
        return false;
    const std::int64_t image = s.served / s.firings;
    const auto r = static_cast<std::size_t>(s.served % s.firings);
    double start = s.served >= s.ahead ? s.done[s.served - s.ahead] : 0.0;
    firing_cause cause;
    for (const std::size_t k : s.inputs) {
        connection& c = edges_[k];
        const double in = take(c, image * c.firings.pixels + c.firings.needed[r]);
        if (in < start) continue;
        start = in;
        cause.start = static_cast<std::int16_t>(k);
        cause.word = static_cast<std::int32_t>(c.since);
    }
    if (options_.critical) remember_waits(s, start);
    const double ready = serve_lanes(i, s, start);
    if (options_.critical) {
        cause.since = busy_since(s, ready);
        s.causes[static_cast<std::size_t>(s.served)] = cause;
    }
    s.ready.push(ready);
    ++s.served;
    for (const std::size_t k : s.inputs) {
        connection& c = edges_[k];
        if (c.from == net_.size()) continue;
        const std::int64_t released = image * c.firings.pixels + c.firings.released[r];
        while (c.released.count() < released) c.released.push(ready);
    }
    return true;
}

/// Hands over the next output of row i if there is room.
inline bool pipeline_run::give(std::size_t i) {
    stage& s = stages_[i];
    if (s.given == s.served) return false;
    const double ready = s.ready[s.given];
    double done = ready;
    if (gives(s, s.given)) {
        if (no_room(s) >= 0) return false;
        for (const std::size_t k : s.consumers) {
            const connection& c = edges_[k];
            if (c.room == unlimited || s.out.count() < c.room) continue;
            const double free = c.released[s.out.count() - c.room];
            if (free <= done) continue;
            done = free;
            if (options_.critical)
                s.causes[static_cast<std::size_t>(s.given)].done = static_cast<std::int16_t>(k);
        }
        s.out.push(done);
        blocked_[i] += done - ready;
        if (s.consumers.empty() && s.out.count() % s.outputs == 0) {
            double& end = ends_[static_cast<std::size_t>(s.out.count() / s.outputs) - 1];
            end = std::max(end, done);
        }
    }
    s.done.push(done);
    ++s.given;
    return true;
}

/// Where nothing moves any more, each stage waits for another one, and some of them in a circle:
/// the full FIFO on it in front of a stage that waits for another input. With more room there, the
/// circle breaks.
inline std::size_t pipeline_run::culprit() const {
    const auto images = static_cast<std::int64_t>(options_.images);
    std::size_t at = 0;
    while (stages_[at].given == images * stages_[at].firings) ++at;
    // after as many steps as there are stages, the rest is on the circle
    for (std::size_t step = 0;; ++step) {
        const stage& s = stages_[at];
        const bool waits_for_room = s.given < s.served;
        const std::int64_t k = waits_for_room ? no_room(s) : starved(s);
        const connection& c = edges_[static_cast<std::size_t>(k)];
        if (waits_for_room && step >= stages_.size() && stages_[c.to].given == stages_[c.to].served)
            return static_cast<std::size_t>(k);
        at = waits_for_room ? c.to : c.from;
    }
}

/// Pixels beside the window that an edge held at most, by the times of all of them. What leaves as
/// another one comes may leave because it does, where stages take no time: it counts.
inline std::int64_t pipeline_run::depth_used(const connection& c) const {
    const time_ring& out = stages_[c.from].out;
    std::int64_t most = 0, gone = 0;
    for (std::int64_t k = 0; k < out.count(); ++k) {
        while (gone <= k && gone < c.released.count() && c.released[gone] < out[k]) ++gone;
        most = std::max(most, k + 1 - gone);
    }
    return std::max<std::int64_t>(0, most - c.firings.window);
}

inline critical_waits pipeline_run::critical() const {
    std::vector<critical_row> rows;
    std::size_t last = 0;
    for (std::size_t i = 0; i < stages_.size(); ++i) {
        const stage& s = stages_[i];
        rows.push_back({s.firings, s.outputs, s.ahead, s.causes});
        if (s.consumers.empty() && s.done[s.given - 1] == ends_.back()) last = i;
    }
    critical_waits waits = critical_path(rows, edges_, last);
    for (std::size_t i = 0; i < stages_.size();
         ++i)  // with one lane there is nobody to be ahead of
        if (stages_[i].free.empty()) waits.ahead[i] = 0;
    return waits;
}

inline simulation pipeline_run::operator()() {
    simulation result;
    const auto images = static_cast<std::int64_t>(options_.images);
    std::int64_t first_stuck = -1;
    for (std::size_t open = stages_.size(); open > 0;) {
        bool moved = false;
        open = 0;
        for (std::size_t i = 0; i < stages_.size(); ++i) {
            while (give(i) || serve(i)) moved = true;
            open += stages_[i].given < images * stages_[i].firings ? 1U : 0U;
        }
        if (moved || open == 0) continue;
        const std::size_t k = culprit();
        if (first_stuck < 0) first_stuck = static_cast<std::int64_t>(k);
        set_room(edges_[k], ++depths_.edge[k]);
    }
    if (first_stuck >= 0 && !options_.grow) {
        const auto k = static_cast<std::size_t>(first_stuck);
        throw error(text_of({"simulate: the pipeline blocks for good: the FIFO on the edge '",
                             name_of(net_, edges_[k].from), "' -> '", name_of(net_, edges_[k].to),
                             "' needs ", depths_.edge[k], " pixels"}));
    }
    for (const stage& s : stages_) result.words += static_cast<std::uint64_t>(s.given);
    if (options_.critical) result.critical = critical();
    result.ends = std::move(ends_);
    result.used = depths_;
    for (std::size_t k = 0; k < edges_.size(); ++k)
        if (edges_[k].from == net_.size())
            result.used.edge[k] = 0;
        else if (edges_[k].room == unlimited)
            result.used.edge[k] = depth_used(edges_[k]);
    for (std::size_t i = 0; i < stages_.size(); ++i)
        result.used.ahead[i] = std::min(stages_[i].most_ahead, depths_.ahead[i]);
    result.depths = std::move(depths_);
    result.blocked = std::move(blocked_);
    return result;
}

}  // namespace hass::detail
