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

std::uint32_t KernelTypes::id(const char* name, unsigned kind) const
{
    const int found = types_ ? btf__find_by_name_kind(types_.get(), name, kind) : 0;
    return found > 0 ? static_cast<std::uint32_t>(found) : 0;
}

std::optional<unsigned> KernelTypes::parameters(const char* function) const
{
    const std::uint32_t number = id(function, BTF_KIND_FUNC);
    const btf_type* found = number != 0 ? btf__type_by_id(types_.get(), number) : nullptr;
    const btf_type* prototype =
        found != nullptr ? btf__type_by_id(types_.get(), found->type) : nullptr;
    return prototype != nullptr && btf_is_func_proto(prototype)
               ? std::optional(unsigned{btf_vlen(prototype)})
               : std::nullopt;
}

std::map<std::uint32_t, std::string> KernelTypes::enumerators(const char* name) const
{
    std::map<std::uint32_t, std::string> found;
    const std::uint32_t number = id(name, BTF_KIND_ENUM);
    if (number == 0) {
        return found;
    }
    const btf_type* type = btf__type_by_id(types_.get(), number);
    const auto* values = btf_enum(type);
    for (unsigned index = 0; index < btf_vlen(type); ++index) {
        const char* text = btf__name_by_offset(types_.get(), values[index].name_off);
        found.emplace(static_cast<std::uint32_t>(values[index].val), text != nullptr ? text : "");
    }
    return found;
}

} // namespace tcpledger
