// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What BTF tells of a kernel's functions; of BTF made here, good and bad.
#include "kernel/kernel_types.hpp"

#include "../procfs/stub_tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpledger {
namespace {

constexpr const char* kBtf = "kernel/btf/vmlinux";

/// BTF with a function of so many parameters, and a struct of the name "record".
std::string btf_with_function(const char* name, int parameters)
{
    const std::unique_ptr<btf, decltype(&btf__free)> types(btf__new_empty(), &btf__free);
    const int number = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
    EXPECT_GT(btf__add_struct(types.get(), "record", 0), 0);
    const int prototype = btf__add_func_proto(types.get(), number);
    for (int i = 0; i < parameters; ++i) {
        EXPECT_EQ(btf__add_func_param(types.get(), "p", number), 0);
    }
    EXPECT_GT(btf__add_func(types.get(), name, BTF_FUNC_STATIC, prototype), 0);
    std::uint32_t size = 0;
    const void* bytes = btf__raw_data(types.get(), &size);
    return {static_cast<const char*>(bytes), size};
}

TEST(KernelTypes, NamesEnumerators)
{
    const std::unique_ptr<btf, decltype(&btf__free)> made(btf__new_empty(), &btf__free);
    EXPECT_GT(btf__add_enum(made.get(), "sk_rst_reason", 4), 0);
    EXPECT_EQ(btf__add_enum_value(made.get(), "SK_RST_REASON_NOT_SPECIFIED", 0), 0);
    EXPECT_EQ(btf__add_enum_value(made.get(), "SK_RST_REASON_TCP_STATE", 14), 0);
    std::uint32_t size = 0;
    const void* bytes = btf__raw_data(made.get(), &size);
    const StubTree sys;
    sys.file(kBtf, std::string(static_cast<const char*>(bytes), size));
    const KernelTypes types = KernelTypes::read(sys.root());
    const std::map<std::uint32_t, std::string> wanted = {{0, "SK_RST_REASON_NOT_SPECIFIED"},
                                                         {14, "SK_RST_REASON_TCP_STATE"}};
    EXPECT_EQ(types.enumerators("sk_rst_reason"), wanted);
    EXPECT_TRUE(types.enumerators("no_such").empty());
    const StubTree without;
    EXPECT_TRUE(KernelTypes::read(without.root()).enumerators("sk_rst_reason").empty());
}

TEST(KernelTypes, CountsParameters)
{
    for (const int count : {0, 1, 2, 4, 12}) {
        const StubTree sys;
        sys.file(kBtf, btf_with_function("inet_csk_accept", count));
        const KernelTypes types = KernelTypes::read(sys.root());
        EXPECT_TRUE(types.known());
        EXPECT_EQ(types.parameters("inet_csk_accept"), std::optional(static_cast<unsigned>(count)));
    }
}

TEST(KernelTypes, WhatIsNoFunctionHasNone)
{
    const StubTree sys;
    sys.file(kBtf, btf_with_function("inet_csk_accept", 2));
    const KernelTypes types = KernelTypes::read(sys.root());
    EXPECT_EQ(types.parameters("record"), std::nullopt);
    EXPECT_EQ(types.parameters("int"), std::nullopt);
    EXPECT_EQ(types.parameters("inet_csk"), std::nullopt);
    EXPECT_EQ(types.parameters(""), std::nullopt);
    EXPECT_TRUE(types.has("record", BTF_KIND_STRUCT));
    EXPECT_FALSE(types.has("record", BTF_KIND_FUNC));
}

TEST(KernelTypes, WithoutBtfNothingIsKnown)
{
    const std::string good = btf_with_function("inet_csk_accept", 2);
    for (const std::string& bytes : {std::string(), std::string("garbage"), std::string(99, '\xff'),
                                     good.substr(0, good.size() / 2)}) {
        const StubTree sys;
        sys.file(kBtf, bytes);
        const KernelTypes types = KernelTypes::read(sys.root());
        EXPECT_FALSE(types.known());
        EXPECT_EQ(types.parameters("inet_csk_accept"), std::nullopt);
        EXPECT_FALSE(types.has("record", BTF_KIND_STRUCT));
    }
    EXPECT_FALSE(KernelTypes::read("/nonexistent").known());
}

} // namespace
} // namespace tcpledger
