// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/kernel_types.hpp"

namespace tcpledger {

KernelTypes KernelTypes::read(const std::filesystem::path& sys)
{
    KernelTypes types;
    const std::filesystem::path path = sys / "kernel/btf/vmlinux";
    types.types_.reset(btf__parse(path.c_str(), nullptr));
    return types;
}

bool KernelTypes::has(const char* name, unsigned kind) const
{
    return types_ && btf__find_by_name_kind(types_.get(), name, kind) > 0;
}

std::optional<unsigned> KernelTypes::parameters(const char* function) const
{
    if (!types_) {
        return std::nullopt;
    }
    const int id = btf__find_by_name_kind(types_.get(), function, BTF_KIND_FUNC);
    const btf_type* found =
        id > 0 ? btf__type_by_id(types_.get(), static_cast<unsigned>(id)) : nullptr;
    const btf_type* prototype =
        found != nullptr ? btf__type_by_id(types_.get(), found->type) : nullptr;
    return prototype != nullptr && btf_is_func_proto(prototype)
               ? std::optional(unsigned{btf_vlen(prototype)})
               : std::nullopt;
}

} // namespace tcpledger
