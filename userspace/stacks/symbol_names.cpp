// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/symbol_names.hpp"

#include <cxxabi.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace tcpledger {
namespace {

/// A longer one is taken as it is: what is nested deeply takes the demangler long.
constexpr std::size_t kMostMangledBytes = 4096;

/// "open(int) const" → "open"; the parameter list is the last pair of parentheses.
std::string_view without_parameters(std::string_view name)
{
    const std::size_t last = name.rfind(')');
    if (last == std::string_view::npos) {
        return name;
    }
    std::size_t depth = 0;
    for (std::size_t at = last + 1; at-- > 0;) {
        depth += name[at] == ')' ? 1U : 0U;
        depth -= name[at] == '(' ? 1U : 0U;
        if (depth == 0) {
            return at == 0 ? name : name.substr(0, at);
        }
    }
    return name;
}

struct FreeDeleter {
    void operator()(char* text) const { std::free(text); } // NOLINT(*-no-malloc): the ABI's rule
};

} // namespace

std::string readable_function(std::string_view symbol)
{
    std::string plain(symbol.substr(0, symbol.find('@')));
    if (!plain.starts_with("_Z")) {
        return plain.substr(0, plain.find(".part.")).substr(0, plain.find(".cold"));
    }
    if (plain.size() > kMostMangledBytes) {
        return plain;
    }
    int status = 0;
    const std::unique_ptr<char, FreeDeleter> demangled(
        abi::__cxa_demangle(plain.c_str(), nullptr, nullptr, &status));
    if (status != 0 || !demangled) {
        return plain;
    }
    const std::string_view name(demangled.get());
    return std::string(without_parameters(name.substr(0, name.find(" [clone "))));
}

} // namespace tcpledger
