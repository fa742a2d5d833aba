// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Numbers and texts to bytes and back, between two processes of one build. Reading is total: past
// the end everything is 0 or empty, and ok() says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tcpledger {

class ByteWriter {
public:
    template <typename T>
        requires std::is_trivially_copyable_v<T>
    void put(const T& value)
    {
        append(&value, sizeof(value));
    }
    void put(std::string_view text)
    {
        put(static_cast<std::uint32_t>(text.size()));
        append(text.data(), text.size());
    }
    void put(const std::string& text) { put(std::string_view(text)); }
    /// The number of what follows.
    void put_count(std::size_t count) { put(static_cast<std::uint32_t>(count)); }
    template <typename T> void put_all(std::span<const T> values)
    {
        put_count(values.size());
        append(values.data(), values.size_bytes());
    }

    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

private:
    void append(const void* data, std::size_t size)
    {
        const auto* first = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), first, first + size);
    }

    std::vector<std::byte> bytes_;
};

class ByteReader {
public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    /// All was there, and all was read.
    [[nodiscard]] bool complete() const { return ok_ && bytes_.empty(); }
    [[nodiscard]] bool ok() const { return ok_; }

    template <typename T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] T get()
    {
        T value{};
        if (const auto part = cut(sizeof(T)); !part.empty()) {
            std::memcpy(&value, part.data(), sizeof(T));
        }
        return value;
    }
    [[nodiscard]] std::string get_text()
    {
        const auto part = cut(get<std::uint32_t>());
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }
    /// At most `most`; more is no message.
    [[nodiscard]] std::size_t get_count(std::size_t most)
    {
        const std::size_t count = get<std::uint32_t>();
        ok_ = ok_ && count <= most;
        return ok_ ? count : 0;
    }
    template <typename T> [[nodiscard]] std::vector<T> get_all(std::size_t most)
    {
        std::vector<T> values;
        const std::size_t count = get_count(most);
        if (const auto part = cut(count * sizeof(T)); !part.empty()) {
            values.resize(count);
            std::memcpy(values.data(), part.data(), part.size());
        }
        return values;
    }

private:
    [[nodiscard]] std::span<const std::byte> cut(std::size_t size)
    {
        if (!ok_ || size > bytes_.size()) {
            ok_ = false;
            return {};
        }
        const auto part = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return part;
    }

    std::span<const std::byte> bytes_;
    bool ok_ = true;
};

} // namespace tcpledger
