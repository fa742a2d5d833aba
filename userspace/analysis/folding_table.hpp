// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A table of figures by key that never holds more than so many: when it is full, the quarter that
// weighs least is folded into one row, others(). So what is heavy has a row of its own, whatever
// else comes by. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tcpledger {

/// `Figures` has merge(Figures) and weight(), which grows with what it counts.
template <typename Key, typename Figures, typename Hash> class FoldingTable {
public:
    explicit FoldingTable(std::size_t most) : most_(std::max<std::size_t>(most, 4)) {}

    /// The figures of this key, made when new. Valid until the next call for a new key.
    Figures& at(const Key& key)
    {
        if (const auto known = rows_.find(key); known != rows_.end()) {
            return known->second;
        }
        if (rows_.size() >= most_) {
            fold_least();
        }
        return rows_[key];
    }

    /// Puts the figures of each key for which renamed(key) is another one there.
    template <typename Rename> void rename(Rename&& renamed)
    {
        std::vector<std::pair<Key, Figures>> moved;
        for (auto row = rows_.begin(); row != rows_.end();) {
            Key target = renamed(row->first);
            if (target == row->first) {
                ++row;
                continue;
            }
            moved.emplace_back(std::move(target), std::move(row->second));
            row = rows_.erase(row);
        }
        for (const auto& [key, figures] : moved) {
            at(key).merge(figures);
        }
    }

    void clear()
    {
        rows_.clear();
        others_ = {};
        folded_ = 0;
    }

    [[nodiscard]] const std::unordered_map<Key, Figures, Hash>& rows() const { return rows_; }
    [[nodiscard]] std::unordered_map<Key, Figures, Hash>& rows() { return rows_; }
    /// What was folded together.
    [[nodiscard]] const Figures& others() const { return others_; }
    /// How many rows were folded; a key that came again after it counts again.
    [[nodiscard]] std::uint64_t folded() const { return folded_; }

private:
    void fold_least()
    {
        std::vector<std::uint64_t> weights;
        weights.reserve(rows_.size());
        for (const auto& [key, figures] : rows_) {
            weights.push_back(figures.weight());
        }
        const auto quarter = weights.begin() + static_cast<std::ptrdiff_t>(weights.size() / 4);
        std::ranges::nth_element(weights, quarter);
        std::size_t left = weights.size() / 4 + 1;
        for (auto row = rows_.begin(); row != rows_.end() && left > 0;) {
            if (row->second.weight() > *quarter) {
                ++row;
                continue;
            }
            others_.merge(row->second);
            ++folded_;
            --left;
            row = rows_.erase(row);
        }
    }

    std::size_t most_;
    std::unordered_map<Key, Figures, Hash> rows_;
    Figures others_{};
    std::uint64_t folded_ = 0;
};

} // namespace tcpledger
