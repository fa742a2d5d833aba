// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel's own description of its types and functions: BTF.
#pragma once

#include <bpf/btf.h>

#include <filesystem>
#include <memory>
#include <optional>

namespace tcpledger {

class KernelTypes {
public:
    /// Reads `sys`/kernel/btf/vmlinux; finds nothing where that cannot be read.
    [[nodiscard]] static KernelTypes read(const std::filesystem::path& sys = "/sys");

    [[nodiscard]] bool known() const { return types_ != nullptr; }
    /// `kind` is one of BTF_KIND_*.
    [[nodiscard]] bool has(const char* name, unsigned kind) const;
    /// The number of parameters of a function.
    [[nodiscard]] std::optional<unsigned> parameters(const char* function) const;

private:
    struct Deleter {
        void operator()(btf* types) const { btf__free(types); }
    };
    std::unique_ptr<btf, Deleter> types_;
};

} // namespace tcpledger
