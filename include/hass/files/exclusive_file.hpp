/// \file exclusive_file.hpp
/// A file that one process has to itself for as long as it runs.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <hass/error.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#define HASS_EXCLUSIVE_POSIX 1
#endif

namespace hass {

/// Holds a file, which is made where there is none; the system lets go of it when the process ends,
/// however it does. Only those that ask in this way are kept out. Elsewhere than on POSIX systems
/// nobody is.
class exclusive_file {
  public:
    /// \throws hass::error when the file cannot be opened for writing, or somebody else has it
    explicit exclusive_file(const std::string& path) {
#if defined(HASS_EXCLUSIVE_POSIX)
        file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file_ < 0)
            throw error(path + ": cannot be opened for writing: " + std::strerror(errno));
        if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
        const int why = errno;
        ::close(file_);
        if (why == EWOULDBLOCK) throw error(path + ": is in use by another process");
        throw error(path + ": cannot be locked: " + std::strerror(why));
#else
        (void)path;
#endif
    }
    exclusive_file(exclusive_file&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    exclusive_file& operator=(exclusive_file&&) = delete;
    ~exclusive_file() {
#if defined(HASS_EXCLUSIVE_POSIX)
        if (file_ >= 0) ::close(file_);
#endif
    }

  private:
    int file_ = -1;
};

}  // namespace hass
