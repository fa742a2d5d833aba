// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/libbpf_log.hpp"

#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>

#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

namespace tcpledger {
namespace {

/// libbpf's callback has no argument of ours, so its warnings gather per thread.
thread_local std::string warnings;

__attribute__((format(printf, 2, 0))) int on_message(libbpf_print_level level, const char* format,
                                                     va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    // Whole, however long: the cause stands at the end of the verifier's log.
    std::string buffer(length > 0 ? static_cast<std::size_t>(length) + 1 : 1, '\0');
    std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
    std::string_view text = buffer.c_str();
    while (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    if (level == LIBBPF_WARN) {
        warnings.append(text).append("\n");
    }
    spdlog::debug("{}", text);
    return length;
}

} // namespace

void route_libbpf_messages()
{
    libbpf_set_print(on_message);
}

std::string take_libbpf_warnings()
{
    return std::exchange(warnings, {});
}

} // namespace tcpledger
