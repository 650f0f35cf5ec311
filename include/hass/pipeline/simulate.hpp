/// \file simulate.hpp
/// The pipeline as it runs: an event simulation of all stages, word by word, with FIFOs of limited
/// depth between them. `evaluate` takes the mean of each stage; where a stage's cycles depend on
/// data, FIFOs have to level them out, and this says what the pipeline keeps of the mean.
///
/// A word is one pixel of a map with all its channels. Stage i makes output k in three steps:
///
///     start    when the window's pixels are there, and output k - ahead has left the stage
///     ready    when the slowest of its lanes has done it: each begins when it has done k - 1 and
///              takes its own time; one more takes `least`, whatever the data (moving words)
///     done     when every FIFO behind has room for it
///
/// At `ready` the window lets go what no later output needs. An edge holds the consumer's window
/// (`input_firings::window`, its line buffer) and a FIFO of some pixels more. Joins wait for all
/// inputs; an output goes to all consumers at once. Images come back to back without a gap. Times
/// follow from what each step waited for, so that no cycle is visited in which nothing happens.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/pipeline/firing.hpp>
#include <hass/text.hpp>
#include <hass/workload/network.hpp>

namespace hass {

/// How long the firings of one row take.
struct service_trace {
    double least = 0.0;     ///< cycles of every firing at least; all of them where lanes = 0
    std::size_t lanes = 0;  ///< engines side by side, each at its own pace
    /// Cycles, images x firings x lanes; when more images run than there are, from the first again.
    std::vector<float> cycles{};

    /// Cycles for an image when nothing ever waits: the mean of the slowest lane.
    /// \param firings  an image, `firing_count`
    double mean(std::int64_t firings) const {
        double slowest = least * static_cast<double>(firings);
        std::vector<double> sums(lanes, 0.0);
        for (std::size_t k = 0; k < cycles.size(); k += lanes)
            for (std::size_t l = 0; l < lanes; ++l) sums[l] += static_cast<double>(cycles[k + l]);
        const double images = lanes == 0 ? 1.0 : static_cast<double>(cycles.size() / lanes);
        for (const double sum : sums)
            slowest = std::max(slowest, sum / images * static_cast<double>(firings));
        return slowest;
    }
};

inline constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

/// Room between and within stages.
struct fifo_depths {
    std::vector<std::int64_t> edge;   ///< pixels of the FIFO on each edge, beside the window; >= 0
    std::vector<std::int64_t> ahead;  ///< outputs of each row under way at once, >= 1; 1: lanes
                                      ///< begin a pixel together

    /// The same everywhere.
    static fifo_depths all(const network_view& net, std::int64_t edge, std::int64_t ahead = 1) {
        return {std::vector<std::int64_t>(net.edges.size(), edge),
                std::vector<std::int64_t>(net.size(), ahead)};
    }
    bool operator==(const fifo_depths&) const = default;
};

/// How to run the pipeline.
struct simulation_options {
    std::size_t images = 2;      ///< that run, back to back
    double source_cycles = 0.0;  ///< between images at least, by the link that they come on
    bool grow = false;           ///< makes FIFOs as deep as the pipeline needs not to block for
                                 ///< good, instead of refusing them
};

/// What came of it.
struct simulation {
    std::vector<double> ends;       ///< cycles at which each image had left the pipeline
    fifo_depths depths;             ///< as they were at last, see `simulation_options::grow`
    fifo_depths used;               ///< of what was unlimited: room that would have been enough not
                                    ///< to hold anything up; else as in `depths`
    std::vector<double> blocked{};  ///< cycles a row's finished outputs waited for room
    std::uint64_t words = 0;        ///< firings of all stages

    /// Mean cycles between images, of all but the first `warm_up` >= 1.
    double interval(std::size_t warm_up = 1) const {
        if (warm_up < 1 || warm_up >= ends.size())
            throw error(text_of({"simulation: an interval of ", ends.size(), " images, ", warm_up,
                                 " of them to warm up"}));
        return (ends.back() - ends[warm_up - 1]) / static_cast<double>(ends.size() - warm_up);
    }
};

namespace detail {

/// Time stamps of the last words of a stream, by number.
class time_ring {
  public:
    void reserve(std::int64_t words) {
        const auto size = std::bit_ceil(static_cast<std::size_t>(words));
        if (size <= at_.size()) return;
        std::vector<double> larger(size, 0.0);
        for (std::int64_t k =
                 std::max<std::int64_t>(0, end_ - static_cast<std::int64_t>(at_.size()));
             k < end_; ++k)
            larger[static_cast<std::size_t>(k) & (size - 1)] = (*this)[k];
        at_ = std::move(larger);
    }
    void push(double time) { at_[static_cast<std::size_t>(end_++) & (at_.size() - 1)] = time; }
    double operator[](std::int64_t k) const {
        return at_[static_cast<std::size_t>(k) & (at_.size() - 1)];
    }
    std::int64_t count() const { return end_; }

  private:
    std::vector<double> at_ = std::vector<double>(1, 0.0);
    std::int64_t end_ = 0;
};

/// All stages of a pipeline under way.
class pipeline_run {
  public:
    pipeline_run(const network_view& net, std::span<const service_trace> services,
                 const fifo_depths& depths, const simulation_options& options);

    simulation operator()();

  private:
    struct connection {
        std::size_t from, to;  // from: number of rows for the image
        input_firings firings;
        std::int64_t room = unlimited;  // pixels, the window's included
        time_ring released{};
    };
    struct stage {
        std::int64_t firings = 1, outputs = 1;  // an image
        std::int64_t served = 0, given = 0;     // firings
        std::int64_t ahead = 1, most_ahead = 1, behind = 0;
        std::vector<double> free{};  // when each lane has done its last
        double least_free = 0.0;
        time_ring ready{}, done{};                       // by firing
        time_ring out{};                                 // by output
        std::vector<std::size_t> inputs{}, consumers{};  // edges
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
    double serve_lanes(std::size_t i, stage& s, double start);
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
    }
    edges_.reserve(net.edges.size());
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
        edges_.push_back({from, to, firings_of(net[to], image ? net[to].in : net[from].out)});
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
    from.out.reserve(c.room == unlimited ? all : std::min(all, c.room + 1));
    c.released.reserve(c.room == unlimited ? all : std::min(all, c.room + c.firings.early + 1));
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
    s.least_free = std::max(s.least_free, start) + t.least;
    double ready = s.least_free;
    if (t.lanes == 0) return ready;
    const std::size_t all = t.cycles.size();
    const float* cycles =
        t.cycles.data() + static_cast<std::size_t>(s.served) % (all / t.lanes) * t.lanes;
    double* free = s.free.data();
    double earliest = std::numeric_limits<double>::infinity();
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

/// Begins and does the next firing of row i if that can be.
inline bool pipeline_run::serve(std::size_t i) {
    stage& s = stages_[i];
    if (s.served == static_cast<std::int64_t>(options_.images) * s.firings ||
        s.served - s.given >= s.ahead || starved(s) >= 0)
        return false;
    const std::int64_t image = s.served / s.firings;
    const auto r = static_cast<std::size_t>(s.served % s.firings);
    double start = s.served >= s.ahead ? s.done[s.served - s.ahead] : 0.0;
    for (const std::size_t k : s.inputs) {
        const connection& c = edges_[k];
        const std::int64_t needed = image * c.firings.pixels + c.firings.needed[r];
        start = std::max(start, c.from == net_.size()
                                    ? options_.source_cycles * static_cast<double>(needed - 1) /
                                          static_cast<double>(c.firings.pixels)
                                    : stages_[c.from].out[needed - 1]);
    }
    const double ready = serve_lanes(i, s, start);
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
            if (c.room != unlimited && s.out.count() >= c.room)
                done = std::max(done, c.released[s.out.count() - c.room]);
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

/// Pixels beside the window that an edge held at most, by the times of all of them.
inline std::int64_t pipeline_run::depth_used(const connection& c) const {
    const time_ring& out = stages_[c.from].out;
    std::int64_t most = 0, gone = 0;
    for (std::int64_t k = 0; k < out.count(); ++k) {
        while (gone <= k && gone < c.released.count() && c.released[gone] <= out[k]) ++gone;
        most = std::max(most, k + 1 - gone);
    }
    return std::max<std::int64_t>(0, most - c.firings.window);
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

}  // namespace detail

/// Runs images through the pipeline.
/// \param services  one a row; the cycles of a compute row depend on data, see `service.hpp`
/// \param depths    room on every edge and in every row; edges of the image wait in memory instead
/// \throws hass::error where sizes do not match or edges are out of order; naming the edge and the
///         depth that it needs, when a FIFO is so small that the pipeline blocks for good
inline simulation simulate(const network_view& net, std::span<const service_trace> services,
                           const fifo_depths& depths, const simulation_options& options = {}) {
    return detail::pipeline_run(net, services, depths, options)();
}

}  // namespace hass
