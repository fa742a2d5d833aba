// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/symbol_names.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

TEST(SymbolNames, AreReadable)
{
    const struct {
        const char* symbol;
        const char* readable;
    } cases[] = {
        {"main", "main"},
        {"connect@@GLIBC_2.2.5", "connect"},
        {"take.part.0", "take"},
        {"take.cold", "take"},
        {"_ZN4shop4Pool4takeERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
         "shop::Pool::take"},
        {"_ZNK4shop4PoolclEi", "shop::Pool::operator()"},
        {"_ZN4shop4Pool4takeEi.cold", "shop::Pool::take"},
        {"_ZN4shop5placeIiEEiRNS_4PoolERKT_", "int shop::place<int>"},
        {"_Znot a name", "_Znot a name"},
        {"", ""},
    };
    for (const auto& [symbol, readable] : cases) {
        EXPECT_EQ(readable_function(symbol), readable) << symbol;
    }
}

TEST(SymbolNames, ThatAreHugeStayAsTheyAre)
{
    const std::string huge = "_ZN" + std::string(100'000, '1');
    EXPECT_EQ(readable_function(huge), huge);
}

} // namespace
} // namespace tcpledger
