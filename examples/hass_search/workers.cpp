#include "workers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <hass/error.hpp>
#include <limits>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

namespace hass_search {
namespace {

/// Writes all of it. \returns whether somebody is there to read it
bool write_all(int channel, const char* bytes, std::size_t count) {
    while (count > 0) {
        const ssize_t n = ::send(channel, bytes, count, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes += n;
        count -= static_cast<std::size_t>(n);
    }
    return true;
}

bool read_all(int channel, char* bytes, std::size_t count) {
    while (count > 0) {
        const ssize_t n = ::recv(channel, bytes, count, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes += n;
        count -= static_cast<std::size_t>(n);
    }
    return true;
}

/// A letter is its length and its text.
bool write_letter(int channel, const std::string& text) {
    const std::uint64_t length = text.size();
    return write_all(channel, reinterpret_cast<const char*>(&length), sizeof length) &&
           write_all(channel, text.data(), text.size());
}

std::optional<std::string> read_letter(int channel) {
    std::uint64_t length = 0;
    if (!read_all(channel, reinterpret_cast<char*>(&length), sizeof length)) return std::nullopt;
    std::string text(static_cast<std::size_t>(length), '\0');
    if (!read_all(channel, text.data(), text.size())) return std::nullopt;
    return text;
}

/// A process of this program and the channel to it; the process ends with this object.
struct child {
    pid_t process = -1;
    int channel = -1;

    child() = default;
    child(child&& other) noexcept
        : process(std::exchange(other.process, -1)), channel(std::exchange(other.channel, -1)) {}
    child& operator=(child&&) = delete;
    ~child() { end(); }

    void end() {
        if (channel >= 0) ::close(std::exchange(channel, -1));
        if (process < 0) return;
        ::kill(process, SIGKILL);  // whatever it is at nobody waits for
        ::waitpid(std::exchange(process, -1), nullptr, 0);
    }
};

child start(std::vector<std::string> command) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        throw hass::error(fmt::format("--workers: {}", std::strerror(errno)));
    command.insert(command.end(), {"--judge-for-channel", std::to_string(ends[1])});
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const std::string self =
        std::filesystem::exists("/proc/self/exe") ? "/proc/self/exe" : command[0];
    ::fcntl(ends[0], F_SETFD, FD_CLOEXEC);  // or later workers keep it open
    const pid_t leader = ::getpid();
    const pid_t process = ::fork();
    if (process == 0) {  // async-signal-safe calls only
#if defined(__linux__)
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        if (::getppid() != leader) ::_exit(0);
        ::execvp(self.c_str(), arguments.data());
        ::_exit(127);
    }
    const int why = errno;
    ::close(ends[1]);
    child made;
    made.process = process;
    made.channel = ends[0];
    if (process < 0) throw hass::error(fmt::format("--workers: {}", std::strerror(why)));
    return made;
}

class processes final : public workers {
  public:
    processes(const settings& s, std::size_t count) {
        std::vector<std::string> command = s.command;
        if (s.threads == 0) {
            const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
            const auto each = std::max<std::size_t>(1, cores / count);
            command.insert(command.end(), {"--threads", std::to_string(each)});
        }
        for (std::size_t i = 0; i < count; ++i) children_.push_back(start(command));
    }
    std::size_t size() const override { return children_.size(); }
    void send(std::size_t to, const std::string& text) override {
        write_letter(children_[to].channel, text);  // who is gone is found by `receive`
    }
    std::optional<letter> receive() override {
        std::vector<pollfd> ready;
        std::vector<std::size_t> who;
        for (std::size_t i = 0; i < children_.size(); ++i)
            if (children_[i].channel >= 0) {
                ready.push_back({children_[i].channel, POLLIN, 0});
                who.push_back(i);
            }
        if (::poll(ready.data(), ready.size(), 100) <= 0) return std::nullopt;
        for (std::size_t k = 0; k < ready.size(); ++k) {
            if (ready[k].revents == 0) continue;
            std::optional<std::string> text = read_letter(ready[k].fd);
            if (!text) children_[who[k]].end();
            return letter{who[k], std::move(text)};
        }
        return std::nullopt;
    }

  private:
    std::vector<child> children_;
};

/// Bytes that may still be had: of the machine, or of the group that this process is limited to.
double memory_available() {
    double bytes = std::numeric_limits<double>::infinity();
    std::ifstream machine("/proc/meminfo");
    for (std::string key, unit; machine >> key;) {
        double value = 0.0;
        machine >> value;
        std::getline(machine, unit);
        if (key == "MemAvailable:") bytes = value * 1024.0;
    }
    double limit = 0.0, used = 0.0;
    std::ifstream most("/sys/fs/cgroup/memory.max"), now("/sys/fs/cgroup/memory.current");
    if (most >> limit && now >> used) bytes = std::min(bytes, limit - used);
    return bytes;
}

}  // namespace

std::unique_ptr<workers> start_workers(const settings& s, std::size_t count) {
    return std::make_unique<processes>(s, count);
}

int serve_leader(int channel, const answering& answer) {
    // An interrupt of the terminal reaches all; the leader says when it is over.
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);
    while (const auto task = read_letter(channel))
        if (!write_letter(channel, answer(*task))) break;
    return 0;
}

std::size_t workers_with_room() {
    rusage own{};
    ::getrusage(RUSAGE_SELF, &own);
    const double each = std::max(1.0, static_cast<double>(own.ru_maxrss) * 1024.0);
    return static_cast<std::size_t>(std::clamp(memory_available() / each, 1.0, 1e6));
}

crew::crew(std::unique_ptr<workers> hands, std::chrono::milliseconds patience)
    : hands_(std::move(hands)), patience_(patience) {
    for (std::size_t i = hands_->size(); i-- > 0;) free_.push_back(i);
}

void crew::give(std::uint64_t number, std::string task) {
    waiting_.push_back({number, std::move(task)});
}

void crew::hand_out() {
    while (!waiting_.empty() && !free_.empty()) {
        const std::size_t worker = free_.back();
        free_.pop_back();
        assignment& one = busy_[worker] = std::move(waiting_.front());
        waiting_.pop_front();
        one.until = clock::now() + patience_;
        hands_->send(worker, one.task);
    }
}

std::optional<crew::answer> crew::lose(std::size_t worker) {
    if (late_.erase(worker) == 0) ++lost_;
    std::erase(free_, worker);
    const auto at = busy_.find(worker);
    if (at == busy_.end()) return std::nullopt;
    assignment one = std::move(at->second);
    busy_.erase(at);
    if (one.again) return answer{one.number, std::nullopt};
    one.again = true;
    waiting_.push_front(std::move(one));
    return std::nullopt;
}

std::optional<crew::answer> crew::lose_late() {
    const auto now = clock::now();
    for (const auto& [worker, one] : busy_)
        if (now >= one.until) {
            const std::size_t who = worker;
            auto answered = lose(who);
            late_[who] = now;
            return answered;
        }
    return std::nullopt;
}

crew::answer crew::wait() {
    while (true) {
        hand_out();
        const bool hope = std::any_of(late_.begin(), late_.end(), [&](const auto& l) {
            return clock::now() - l.second < patience_;
        });
        if (busy_.empty() && free_.empty() && !hope)
            throw hass::error("no worker is left; what the journal has stays");
        const auto letter = hands_->receive();
        if (!letter) {
            if (auto failed = lose_late()) return *failed;
            continue;
        }
        if (!letter->text) {
            if (auto failed = lose(letter->from)) return *failed;
            continue;
        }
        free_.push_back(letter->from);
        if (late_.erase(letter->from) > 0) continue;  // nobody waits for it any more
        const auto at = busy_.find(letter->from);
        answer answered{at->second.number, letter->text};
        busy_.erase(at);
        return answered;
    }
}

}  // namespace hass_search
