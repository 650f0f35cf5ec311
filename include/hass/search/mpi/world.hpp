/// \file world.hpp
/// The ranks that MPI has started, and letters between them that nobody waits for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// The old C++ interface of MPI is not used and need not be there to link.
#ifndef OMPI_SKIP_MPICXX
/// The C++ interface of MPI is not used.
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
/// The C++ interface of MPI is not used.
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <hass/error.hpp>
#include <hass/search/mpi/messages.hpp>

namespace hass {

namespace detail {

/// Between two looks at the network: a blocking receive would keep a core busy.
inline constexpr std::chrono::microseconds pause{500};

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

    /// Of this process.
    int rank() const { return rank_; }
    /// Processes.
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

    /// What has come.
    struct letter {
        int from = 0;             ///< rank
        detail::tag what{};       ///< kind of message
        std::vector<char> bytes;  ///< as they were sent
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

}  // namespace hass
