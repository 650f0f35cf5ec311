/// \file json.hpp
/// JSON as every file here is read and written: keys stand in the order in which they came, and are
/// found in constant time, however many a file has (nlohmann::ordered_json walks through all keys
/// for each one, which takes n^2 steps for a file of n). One type for both: what it costs to
/// compile is paid once.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

namespace hass {

namespace detail {

/// An ordered map that looks keys up in an index once there are many. The index is kept by what
/// adds keys; where that has been passed by (copies of ranges, erasing) the map walks, as its base
/// does, until the next key is added.
template <class Key, class T, class Less = std::less<Key>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class indexed_map : public nlohmann::ordered_map<Key, T, Less, Allocator> {
    using base = nlohmann::ordered_map<Key, T, Less, Allocator>;

  public:
    using typename base::const_iterator;
    using typename base::iterator;
    using typename base::key_type;
    using typename base::size_type;
    using typename base::value_type;

    using base::base;

    std::pair<iterator, bool> emplace(const key_type& key, T&& value) {
        if (this->size() < many) return base::emplace(key, std::move(value));
        catch_up();
        const auto [at, added] = index_.emplace(key, this->size());
        if (added) this->emplace_back(key, std::move(value)), ++indexed_;
        return {position(at->second), added};
    }
    std::pair<iterator, bool> insert(value_type&& value) {
        return emplace(value.first, std::move(value.second));
    }
    std::pair<iterator, bool> insert(const value_type& value) {
        return emplace(value.first, T(value.second));
    }
    template <class Iterator>
    void insert(Iterator first, Iterator last) {
        for (; first != last; ++first) insert(*first);
    }

    T& operator[](const key_type& key) {
        const iterator known = find(key);
        return known != this->end() ? known->second : emplace(key, T{}).first->second;
    }

    iterator find(const key_type& key) {
        if (!is_indexed()) return base::find(key);
        const auto at = index_.find(key);
        return at == index_.end() ? this->end() : position(at->second);
    }
    const_iterator find(const key_type& key) const {
        if (!is_indexed()) return base::find(key);
        const auto at = index_.find(key);
        return at == index_.end() ? this->end()
                                  : this->begin() + static_cast<std::ptrdiff_t>(at->second);
    }
    size_type count(const key_type& key) const { return find(key) == this->end() ? 0 : 1; }

    /// \name The same for what a key can be made of
    /// @{
    template <class Like>
    std::pair<iterator, bool> emplace(const Like& key, T&& value) {
        return emplace(key_type(key), std::move(value));
    }
    template <class Like>
    iterator find(const Like& key) {
        return find(key_type(key));
    }
    template <class Like>
    const_iterator find(const Like& key) const {
        return find(key_type(key));
    }
    template <class Like>
    size_type count(const Like& key) const {
        return count(key_type(key));
    }
    /// @}

    template <class... At>
    auto erase(At&&... at) {
        index_.clear(), indexed_ = 0;
        return base::erase(std::forward<At>(at)...);
    }
    void clear() {
        index_.clear(), indexed_ = 0;
        base::clear();
    }

  private:
    static constexpr size_type many = 32;

    bool is_indexed() const { return indexed_ > 0 && indexed_ == this->size(); }
    iterator position(size_type at) { return this->begin() + static_cast<std::ptrdiff_t>(at); }

    void catch_up() {
        if (indexed_ > this->size()) index_.clear(), indexed_ = 0;
        for (; indexed_ < this->size(); ++indexed_)
            index_.emplace(position(indexed_)->first, indexed_);
    }

    std::unordered_map<key_type, size_type> index_;  ///< where each key stands
    size_type indexed_ = 0;                          ///< how many entries it knows
};

}  // namespace detail

/// See the head of the file. Converts to and from `nlohmann::json`.
using ordered_json = nlohmann::basic_json<detail::indexed_map>;

}  // namespace hass
