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
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/mpi/messages.hpp>
#include <hass/search/mpi/world.hpp>
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
    bool complete = true;  ///< all trials have finished
};

/// Answers whatever work the leader sends, until it says that it is over.
///
/// The answers are made on a thread of their own, so that this rank can end while one hangs: then
/// the process ends here, without returning, and without destructors.
/// \param answer  of the bytes of a letter, which must not throw
/// \returns 0, for main()
template <class Answer>
int serve_letters(mpi_world& world, Answer&& answer) {
    using detail::tag;
    std::thread at_work;
    std::atomic<bool> done{false};
    std::vector<char> work, result;
    bool stopped = false;
    while (true) {
        if (at_work.joinable() && done && !stopped) {
            at_work.join();
            world.send(0, tag::answer, std::move(result));
        }
        const auto message = world.receive();
        if (!message) {
            std::this_thread::sleep_for(detail::pause);
        } else if (message->what == tag::work) {
            work = message->bytes;
            done = false;
            at_work = std::thread([&] {
                result = answer(std::as_const(work));
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

/// Evaluates whatever trials the leader sends, as serve_letters does. An objective that throws a
/// std::exception fails its trial only.
/// \returns 0, for main()
template <Objective F>
int serve(mpi_world& world, F&& objective) {
    return serve_letters(world, [&](const std::vector<char>& bytes) {
        const trial one = detail::decode_trial(bytes);
        return detail::encode(one.number, outcome_at(objective, one.point));
    });
}

namespace detail {

/// The leader's side of one study: asks for trials, hands them to ranks that are free, and tells
/// what comes back.
template <Optimizer O>
class leader {
  public:
    leader(mpi_world& world, study<O>& study, mpi_options options)
        : world_(world), study_(study), options_(options) {
        for (int r = world.size() - 1; r > 0; --r)
            if (!world.late.contains(r)) free_.push_back(r);
        for (auto& [rank, since] : world.late) since = clock::now();
    }

    mpi_report run() {
        while (true) {
            ask();
            if (waiting_.empty() && running_.empty()) break;
            hand_out();
            if (const auto message = world_.receive()) {
                take(*message);
                continue;
            }
            const auto now = clock::now();
            give_up_late(now);
            if (nobody_left(now)) {
                give_up_all();
                break;
            }
            std::this_thread::sleep_for(pause);
        }
        for (const auto& [rank, since] : world_.late) report_.lost.push_back(rank);
        return report_;
    }

  private:
    using clock = std::chrono::steady_clock;

    struct assignment {
        trial one;
        clock::time_point until;
    };

    void ask() {
        if (!waiting_.empty()) return;
        if (options_.batch == 0) {
            if (free_.empty() && !running_.empty()) return;
            if (auto one = study_.ask()) waiting_.push_back(std::move(*one));
        } else if (running_.empty()) {
            tell_batch();
            for (trial& one : study_.ask_batch(options_.batch)) waiting_.push_back(std::move(one));
        }
    }

    void hand_out() {
        while (!waiting_.empty() && !free_.empty()) {
            const int rank = free_.back();
            free_.pop_back();
            world_.send(rank, tag::work, encode(waiting_.front()));
            running_[rank] = {std::move(waiting_.front()), clock::now() + options_.patience};
            waiting_.pop_front();
        }
    }

    /// A rank that answers is free again; the answer counts unless it is late.
    void take(const mpi_world::letter& message) {
        if (message.what != tag::answer) return;
        free_.push_back(message.from);
        if (world_.late.erase(message.from) > 0) return;
        auto [number, result] = decode_outcome(message.bytes);
        running_.erase(message.from);
        settle(number, std::move(result));
    }

    void give_up_late(clock::time_point now) {
        for (auto r = running_.begin(); r != running_.end();) {
            if (now < r->second.until) {
                ++r;
                continue;
            }
            ++report_.late_trials;
            settle(r->second.one.number,
                   outcome::failed(text_of({"rank ", r->first, " did not answer within ",
                                            options_.patience.count(), " ms"})));
            world_.late[r->first] = now;
            r = running_.erase(r);
        }
    }

    /// All are late, and one more patience has passed.
    bool nobody_left(clock::time_point now) const {
        return free_.empty() && running_.empty() &&
               std::all_of(world_.late.begin(), world_.late.end(),
                           [&](const auto& l) { return now - l.second > options_.patience; });
    }

    void give_up_all() {
        report_.complete = false;
        for (const trial& one : waiting_)
            settle(one.number, outcome::failed("no rank is left to evaluate it"));
        tell_batch();
    }

    void settle(std::uint64_t number, outcome result) {
        if (options_.batch == 0)
            study_.tell(number, result);
        else
            answered_.emplace(number, std::move(result));
    }

    void tell_batch() {
        for (const auto& [number, result] : answered_) study_.tell(number, result);
        answered_.clear();
    }

    mpi_world& world_;
    study<O>& study_;
    mpi_options options_;
    mpi_report report_;
    std::vector<int> free_;                      // a late rank is free when it has answered
    std::map<int, assignment> running_;          // by rank
    std::deque<trial> waiting_;                  // asked, not sent
    std::map<std::uint64_t, outcome> answered_;  // of the batch, not told
};

}  // namespace detail

/// Runs a study to its end on the ranks that serve.
/// \throws hass::error when patience is not above zero, there is no other rank, or MPI reports one
template <Optimizer O>
mpi_report lead(mpi_world& world, study<O>& study, mpi_options options = {}) {
    if (options.patience.count() <= 0) throw error("mpi: patience must be above zero");
    if (world.size() < 2) throw error("mpi: one rank leads, so at least two are needed");
    return detail::leader<O>(world, study, options).run();
}

}  // namespace hass
