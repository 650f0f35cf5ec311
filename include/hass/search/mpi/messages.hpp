/// \file messages.hpp
/// What the ranks of a study send each other, as bytes: a trial, and what became of it. Needs no
/// MPI itself; all ranks must be programs of one build and byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <hass/error.hpp>
#include <hass/search/optimizer.hpp>

namespace hass::detail {

/// What a message is for.
enum class tag : int { work = 1, answer, stop, bye, leave, abandon };

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

}  // namespace hass::detail
