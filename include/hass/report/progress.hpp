/// \file progress.hpp
/// One line that says how far a long job is, on a terminal redrawn in place, elsewhere printed now
/// and then so that a log stays readable.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace hass {

/// Seconds as people read them: "8 s", "2 min 05 s".
inline std::string duration_text(double seconds) {
    const auto whole = static_cast<long>(seconds + 0.5);
    if (whole < 60) return fmt::format("{} s", whole);
    return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

/// Progress of `total` steps on a stream (stderr as a rule; nullptr: nothing is shown).
class progress_bar {
  public:
    /// A line that is drawn over, where the stream is a terminal. \param total  of what is counted.
    progress_bar(std::string label, std::size_t total, std::FILE* stream = stderr)
        : label_(std::move(label)),
          total_(total),
          stream_(stream),
          terminal_(stream != nullptr && isatty(fileno(stream)) == 1) {}
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;
    ~progress_bar() { finish(); }

    /// \param done  steps finished, 0 .. total
    /// \param note  what to show beside the bar, e.g. the best objective so far
    void show(std::size_t done, std::string_view note) { show(done, total_, note); }

    /// The same where the number of steps becomes known on the way.
    void show(std::size_t done, std::size_t total, std::string_view note) {
        total_ = total;
        if (stream_ == nullptr) return;
        using namespace std::chrono;
        const double elapsed = duration<double>(steady_clock::now() - begin_).count();
        const double left =
            done == 0 ? 0.0
                      : elapsed / static_cast<double>(done) * static_cast<double>(total_ - done);
        const std::size_t filled = total_ == 0 ? width : done * width / total_;
        // Logs get about ten lines a job.
        const std::size_t every = std::max<std::size_t>(1, total_ / 10);
        if (!terminal_ && done % every != 0 && done != total_) return;
        const std::string line =
            fmt::format("{:<16} [{:#<{}}{:.<{}}] {:>{}}/{}  {}  {}", label_, "", filled, "",
                        width - filled, done, std::to_string(total_).size(), total_, note,
                        done < total_ ? duration_text(left) + " left" : duration_text(elapsed));
        if (terminal_) {
            fmt::print(stream_, "\r\033[K{}", line);
            open_ = true;
        } else {
            fmt::print(stream_, "{}\n", line);
        }
        std::fflush(stream_);
    }

    /// Ends the line; done by the destructor as well.
    void finish() {
        if (open_) fmt::print(stream_, "\n");
        open_ = false;
    }

  private:
    static constexpr std::size_t width = 24;
    std::string label_;
    std::size_t total_;
    std::FILE* stream_;
    bool terminal_;
    bool open_ = false;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace hass
