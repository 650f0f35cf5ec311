/// \file workers.hpp
/// Work shared out among threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace hass::detail {

inline std::size_t worker_count(int threads, std::size_t count) {
    const std::size_t wanted = threads > 0
                                   ? static_cast<std::size_t>(threads)
                                   : std::max<std::size_t>(1, std::thread::hardware_concurrency());
    return std::max<std::size_t>(1, std::min(wanted, count));
}

/// Calls work(worker, i) for every i below `count` on up to `threads` workers; each takes the next
/// one when it is done.
template <class Work>
void in_parallel(int threads, std::size_t count, Work work) {
    const std::size_t workers = worker_count(threads, count);
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_guard;
    const auto loop = [&](std::size_t worker) {
        try {
            for (std::size_t i = next++; i < count; i = next++) work(worker, i);
        } catch (...) {
            const std::scoped_lock lock(failure_guard);
            if (!failure) failure = std::current_exception();
            next = count;
        }
    };
    {
        std::vector<std::jthread> others;
        for (std::size_t w = 1; w < workers; ++w) others.emplace_back(loop, w);
        loop(0);
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace hass::detail
