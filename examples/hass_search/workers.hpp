// Who judges trials in place of this process: processes that it starts, or the ranks of MPI.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "settings.hpp"

namespace hass_search {

/// Makes the answer to a task; never throws.
using answering = std::function<std::string(const std::string&)>;

/// Letters to and from workers.
class workers {
  public:
    struct letter {
        std::size_t from = 0;
        std::optional<std::string> text;  ///< nullopt: the worker is gone
    };
    virtual ~workers() = default;
    virtual std::size_t size() const = 0;
    virtual void send(std::size_t to, const std::string& text) = 0;
    /// Waits a moment for one.
    virtual std::optional<letter> receive() = 0;
};

/// Starts `count` processes of this program for the same job.
/// \throws hass::error when one cannot be started
std::unique_ptr<workers> start_workers(const settings& s, std::size_t count);

/// The life of such a process: answers until the leader is gone. \returns the exit code
int serve_leader(int channel, const answering& answer);

/// How many such processes have room in memory when each takes as much as this one.
std::size_t workers_with_room();

/// Shares out tasks among workers; one that is lost with a worker goes to another, once.
class crew {
  public:
    /// \param patience  a worker that takes longer over a task counts as lost
    crew(std::unique_ptr<workers> hands, std::chrono::milliseconds patience);

    void give(std::uint64_t number, std::string task);

    struct answer {
        std::uint64_t number = 0;
        std::optional<std::string> text;  ///< nullopt: two workers were lost with it
    };
    /// Waits for the next answer. \throws hass::error when no worker is left
    answer wait();

    std::size_t lost() const { return lost_; }

  private:
    using clock = std::chrono::steady_clock;
    struct assignment {
        std::uint64_t number = 0;
        std::string task;
        bool again = false;
        clock::time_point until{};
    };

    void hand_out();
    /// What becomes of a task whose worker is lost.
    std::optional<answer> lose(std::size_t worker);
    std::optional<answer> lose_late();

    std::unique_ptr<workers> hands_;
    std::chrono::milliseconds patience_;
    std::vector<std::size_t> free_;
    std::deque<assignment> waiting_;
    std::map<std::size_t, assignment> busy_;
    std::map<std::size_t, clock::time_point> late_;  // owe an answer that nobody waits for
    std::size_t lost_ = 0;
};

}  // namespace hass_search
