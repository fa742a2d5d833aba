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

std::uint32_t KernelTypes::function_id(const char* function) const
{
    const int id = types_ ? btf__find_by_name_kind(types_.get(), function, BTF_KIND_FUNC) : 0;
    return id > 0 ? static_cast<std::uint32_t>(id) : 0;
}

std::optional<unsigned> KernelTypes::parameters(const char* function) const
{
    const std::uint32_t id = function_id(function);
    const btf_type* found = id != 0 ? btf__type_by_id(types_.get(), id) : nullptr;
    const btf_type* prototype =
        found != nullptr ? btf__type_by_id(types_.get(), found->type) : nullptr;
    return prototype != nullptr && btf_is_func_proto(prototype)
               ? std::optional(unsigned{btf_vlen(prototype)})
               : std::nullopt;
}

std::map<std::uint32_t, std::string> KernelTypes::enumerators(const char* name) const
{
    std::map<std::uint32_t, std::string> found;
    const int id = types_ ? btf__find_by_name_kind(types_.get(), name, BTF_KIND_ENUM) : 0;
    if (id <= 0) {
        return found;
    }
    const btf_type* type = btf__type_by_id(types_.get(), static_cast<unsigned>(id));
    const auto* values = btf_enum(type);
    for (unsigned index = 0; index < btf_vlen(type); ++index) {
        const char* text = btf__name_by_offset(types_.get(), values[index].name_off);
        found.emplace(static_cast<std::uint32_t>(values[index].val), text != nullptr ? text : "");
    }
    return found;
}

} // namespace tcpledger
