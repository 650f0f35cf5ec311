/// \file mpi.hpp
/// A study over many processes or machines: rank 0 asks and tells, the other ranks evaluate.
///
///     hass::mpi_world world(argc, argv);
///     if (!world.leads()) return hass::serve(world, objective);
///     hass::study<hass::tpe<>> study(where, seed);
///     const hass::mpi_report report = hass::lead(world, study, {.patience = 60s});
///     std::puts(study.conclusion().c_str());
///     return world.leave(0);
///
/// Needs an MPI library (its C interface); all ranks must run on machines of one byte order.
///
/// A rank that answers too late loses its trial, which fails with the reason; it gets no other one
/// before it answers, and the late answer is thrown away. A rank whose process died is late for
/// ever. Whether the others survive its death is up to the launcher: `mpirun` of Open MPI ends all
/// ranks unless it is told `--enable-recovery`.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

// The old C++ interface of MPI is not used and need not be there to link.
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <hass/search/study.hpp>
#include <hass/text.hpp>

namespace hass {

/// How a study is led.
struct mpi_options {
    /// A trial that takes longer has failed. Above zero.
    std::chrono::milliseconds patience{60'000};
    /// 0: every rank gets a trial as soon as it is free, and every result counts as soon as it is
    /// there: nobody waits, but what is suggested depends on which result came first.
    /// Above 0: so many trials are asked for at once and told in order of number when all are
    /// there, so that the result depends on the batch size and not on the number of ranks or their
    /// speed, as long as none is late.
    std::size_t batch = 0;
};

/// What became of the ranks.
struct mpi_report {
    std::size_t late_trials = 0;  ///< failed because their rank did not answer in time
    std::vector<int> lost;        ///< ranks that still owe an answer
    /// False: every rank was lost, and trials are left.
    bool complete = true;
};

namespace detail {

enum class tag : int { work = 1, answer, stop, bye, leave, abandon };

/// Between two looks at the network: a blocking receive would keep a core busy.
inline constexpr std::chrono::microseconds pause{500};

template <class T>
void put(std::vector<char>& message, const T& value) requires std::is_trivially_copyable_v<T> {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    message.insert(message.end(), bytes, bytes + sizeof(T));
}
template <class T>
void put(std::vector<char>& message, std::span<const T> values) {
    put(message, values.size());
    for (const T& v : values) put(message, v);
}

/// Reads what `put` wrote; only ever fed by this program's own ranks.
class reader {
  public:
    explicit reader(const std::vector<char>& message) : left_(message) {}

    template <class T>
    T get() {
        if (left_.size() < sizeof(T)) throw error("mpi: a message is too short");
        T value;
        std::memcpy(&value, left_.data(), sizeof(T));
        left_ = left_.subspan(sizeof(T));
        return value;
    }
    template <class T>
    std::vector<T> get_all() {
        const auto count = get<std::size_t>();
        if (count > left_.size() / sizeof(T)) throw error("mpi: a message is too short");
        std::vector<T> values(count);
        for (T& v : values) v = get<T>();
        return values;
    }

  private:
    std::span<const char> left_;
};

inline std::vector<char> encode(const trial& t) {
    std::vector<char> message;
    put(message, t.number);
    put(message, std::span<const double>(t.point));
    return message;
}

inline trial decode_trial(const std::vector<char>& message) {
    reader in(message);
    const auto number = in.get<std::uint64_t>();
    return {number, in.get_all<double>()};
}

inline std::vector<char> encode(std::uint64_t number, const outcome& result) {
    std::vector<char> message;
    put(message, number);
    put(message, result.state());
    put(message, result.step());
    put(message, std::span<const double>(result.values()));
    put(message, std::span<const double>(result.constraints()));
    put(message, std::span<const char>(result.reason()));
    return message;
}

inline std::pair<std::uint64_t, outcome> decode_outcome(const std::vector<char>& message) {
    reader in(message);
    const auto number = in.get<std::uint64_t>();
    const auto state = in.get<trial_state>();
    const auto step = in.get<std::int64_t>();
    std::vector<double> values = in.get_all<double>();
    std::vector<double> constraints = in.get_all<double>();
    const std::vector<char> text = in.get_all<char>();
    std::string reason(text.begin(), text.end());
    if (state == trial_state::pruned)
        return {number, outcome::pruned(step, values.at(0), std::move(reason))};
    if (state == trial_state::failed) return {number, outcome::failed(std::move(reason))};
    if (state == trial_state::infeasible && values.empty())
        return {number, outcome::infeasible(std::move(constraints), std::move(reason))};
    return {number,
            outcome::constrained(std::move(values), std::move(constraints), std::move(reason))};
}

}  // namespace detail

/// MPI from its beginning to its end; one in a program, made first in main().
class mpi_world {
  public:
    /// \throws hass::error when MPI cannot start, or there is only one rank
    mpi_world(int& argc, char**& argv) {
        int provided = 0;
        if (MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
            throw error("mpi: cannot start");
        if (provided < MPI_THREAD_FUNNELED)
            throw error("mpi: this library allows no threads beside the one that calls it");
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
        MPI_Comm_size(MPI_COMM_WORLD, &size_);
    }
    mpi_world(const mpi_world&) = delete;
    mpi_world& operator=(const mpi_world&) = delete;

    int rank() const { return rank_; }
    int size() const { return size_; }
    /// Rank 0 leads.
    bool leads() const { return rank_ == 0; }

    /// Ends all ranks that serve, then MPI; the last call of the leader. A rank whose objective
    /// still runs goes too. Where a rank is dead the others can not be ended in order: then the
    /// launcher is told to end them, and this process with them.
    /// \returns `code`, for main()
    int leave(int code) {
        std::vector<int> silent;
        for (int r = 1; r < size_; ++r) {
            send(r, detail::tag::stop, {});
            silent.push_back(r);
        }
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!silent.empty() && std::chrono::steady_clock::now() < until) {
            const auto message = receive();
            if (!message) std::this_thread::sleep_for(detail::pause);
            if (message && message->what == detail::tag::bye) std::erase(silent, message->from);
        }
        const auto last = silent.empty() ? detail::tag::leave : detail::tag::abandon;
        for (int r = 1; r < size_; ++r) send(r, last, {});
        if (!silent.empty()) {  // MPI_Finalize would wait for the dead
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
            std::fflush(nullptr);
            MPI_Abort(MPI_COMM_WORLD, code);
            std::_Exit(code);
        }
        finish_sending();
        MPI_Finalize();
        return code;
    }

    /// Ranks that owe an answer which nobody waits for, and since when. Kept by `lead`.
    std::map<int, std::chrono::steady_clock::time_point> late;

    struct letter {
        int from = 0;
        detail::tag what{};
        std::vector<char> bytes;
    };

    /// What has arrived, if anything. \throws hass::error when MPI reports one
    std::optional<letter> receive() {
        release_sent();
        int there = 0;
        MPI_Status status;
        check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status));
        if (there == 0) return std::nullopt;
        int length = 0;
        MPI_Get_count(&status, MPI_BYTE, &length);
        letter m{status.MPI_SOURCE, static_cast<detail::tag>(status.MPI_TAG), {}};
        m.bytes.resize(static_cast<std::size_t>(length));
        check(MPI_Recv(m.bytes.data(), length, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG,
                       MPI_COMM_WORLD, &status));
        return m;
    }

    /// Sends without waiting; what cannot be sent is lost, as its receiver is.
    void send(int to, detail::tag what, std::vector<char> bytes) {
        auto& kept = sent_.emplace_back(std::move(bytes), MPI_REQUEST_NULL);
        if (MPI_Isend(kept.first.data(), static_cast<int>(kept.first.size()), MPI_BYTE, to,
                      static_cast<int>(what), MPI_COMM_WORLD, &kept.second) != MPI_SUCCESS)
            sent_.pop_back();
    }

    /// Waits until everything is sent; for ranks that end.
    void finish_sending() {
        while (!sent_.empty()) {
            release_sent();
            std::this_thread::sleep_for(detail::pause);
        }
    }

  private:
    static void check(int code) {
        if (code == MPI_SUCCESS) return;
        char text[MPI_MAX_ERROR_STRING];
        int length = 0;
        MPI_Error_string(code, text, &length);
        throw error("mpi: " + std::string(text, static_cast<std::size_t>(length)));
    }

    void release_sent() {
        std::erase_if(sent_, [](auto& kept) {
            int done = 0;
            return MPI_Test(&kept.second, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS || done != 0;
        });
    }

    int rank_ = 0;
    int size_ = 1;
    std::list<std::pair<std::vector<char>, MPI_Request>> sent_;  // kept until they are gone
};

/// Evaluates whatever the leader sends, until it says that it is over. An objective that throws a
/// std::exception fails its trial only.
///
/// The objective runs on a thread of its own, so that this rank can end while it hangs: then the
/// process ends here, without returning, and without destructors.
/// \returns 0, for main()
template <Objective F>
int serve(mpi_world& world, F&& objective) {
    using detail::tag;
    std::thread at_work;
    std::atomic<bool> done{false};
    std::optional<outcome> result;
    trial one;
    bool stopped = false;
    while (true) {
        if (at_work.joinable() && done && !stopped) {
            at_work.join();
            world.send(0, tag::answer, detail::encode(one.number, *result));
        }
        const auto message = world.receive();
        if (!message) {
            std::this_thread::sleep_for(detail::pause);
        } else if (message->what == tag::work) {
            one = detail::decode_trial(message->bytes);
            done = false;
            at_work = std::thread([&] {
                result = outcome_at(objective, one.point);
                done = true;
            });
        } else if (message->what == tag::stop) {
            stopped = true;  // nobody waits for an answer any more
            world.send(0, tag::bye, {});
        } else if (message->what == tag::leave) {
            break;
        } else if (message->what == tag::abandon) {
            std::fflush(nullptr);
            std::_Exit(0);
        }
    }
    world.finish_sending();
    MPI_Finalize();
    if (at_work.joinable()) {
        if (!done) {
            std::fflush(nullptr);
            std::_Exit(0);
        }
        at_work.join();
    }
    return 0;
}

/// Runs a study to its end on the ranks that serve.
/// \throws hass::error when patience is not above zero, there is no other rank, or MPI reports one
template <Optimizer O>
mpi_report lead(mpi_world& world, study<O>& study, mpi_options options = {}) {
    using clock = std::chrono::steady_clock;
    using detail::tag;
    if (options.patience.count() <= 0) throw error("mpi: patience must be above zero");
    if (world.size() < 2) throw error("mpi: one rank leads, so at least two are needed");

    struct assignment {
        trial one;
        clock::time_point until;
    };
    mpi_report report;
    std::vector<int> free;  // a late rank is free when it has answered
    for (int r = world.size() - 1; r > 0; --r)
        if (!world.late.contains(r)) free.push_back(r);
    std::map<int, assignment> running;  // by rank
    auto& late = world.late;
    for (auto& [rank, since] : late) since = clock::now();
    std::deque<trial> waiting;                  // asked, not sent
    std::map<std::uint64_t, outcome> answered;  // of the batch, not told
    const auto settle = [&](std::uint64_t number, outcome result) {
        if (options.batch == 0)
            study.tell(number, result);
        else
            answered.emplace(number, std::move(result));
    };
    while (true) {
        if (options.batch == 0 && waiting.empty() && (!free.empty() || running.empty()))
            if (auto one = study.ask()) waiting.push_back(std::move(*one));
        if (options.batch > 0 && waiting.empty() && running.empty()) {
            for (const auto& [number, result] : answered) study.tell(number, result);
            answered.clear();
            for (trial& one : study.ask_batch(options.batch)) waiting.push_back(std::move(one));
        }
        if (waiting.empty() && running.empty()) break;
        while (!waiting.empty() && !free.empty()) {
            const int rank = free.back();
            free.pop_back();
            world.send(rank, tag::work, detail::encode(waiting.front()));
            running[rank] = {std::move(waiting.front()), clock::now() + options.patience};
            waiting.pop_front();
        }
        if (const auto message = world.receive()) {
            if (message->what != tag::answer) continue;
            free.push_back(message->from);
            if (late.erase(message->from) > 0) continue;
            auto [number, result] = detail::decode_outcome(message->bytes);
            running.erase(message->from);
            settle(number, std::move(result));
            continue;
        }
        const auto now = clock::now();
        for (auto r = running.begin(); r != running.end();) {
            if (now < r->second.until) {
                ++r;
                continue;
            }
            ++report.late_trials;
            settle(r->second.one.number,
                   outcome::failed(text_of({"rank ", r->first, " did not answer within ",
                                            options.patience.count(), " ms"})));
            late[r->first] = now;
            r = running.erase(r);
        }
        // All are late: one more patience, then nobody is left to wait for.
        if (free.empty() && running.empty() &&
            std::all_of(late.begin(), late.end(),
                        [&](const auto& l) { return now - l.second > options.patience; })) {
            report.complete = false;
            for (const trial& one : waiting)
                settle(one.number, outcome::failed("no rank is left to evaluate it"));
            for (const auto& [number, result] : answered) study.tell(number, result);
            break;
        }
        std::this_thread::sleep_for(detail::pause);
    }
    for (const auto& [rank, since] : late) report.lost.push_back(rank);
    return report;
}

}  // namespace hass
