// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's own description of its types and functions: BTF.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace tcpledger {

class KernelTypes {
public:
    /// Reads `sys`/kernel/btf/vmlinux; finds nothing where that cannot be read.
    [[nodiscard]] static KernelTypes read(const std::filesystem::path& sys = "/sys");

    [[nodiscard]] bool known() const { return types_ != nullptr; }
    /// The number that BPF programs name a type or function by; 0 where there is none of that name.
    /// `kind` is one of BTF_KIND_*.
    [[nodiscard]] std::uint32_t id(const char* name, unsigned kind) const;
    [[nodiscard]] bool has(const char* name, unsigned kind) const { return id(name, kind) != 0; }
    /// The number of parameters of a function.
    [[nodiscard]] std::optional<unsigned> parameters(const char* function) const;
    /// The values and names of an enum; empty where there is none of that name.
    [[nodiscard]] std::map<std::uint32_t, std::string> enumerators(const char* name) const;

private:
    struct Deleter {
        void operator()(btf* types) const { btf__free(types); }
    };
    std::unique_ptr<btf, Deleter> types_;
};

} // namespace tcpledger
