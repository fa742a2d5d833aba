// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Laws that every filter obeys, over random expressions.
#include "random_expression.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): operator new has no object
std::atomic<long> allocations{0};

} // namespace

// The whole test program counts: that matches() allocates nothing is one of the laws.
// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory): this is the allocator
// noinline: else GCC 12 takes the library's new for one not replaced (GCC bug 103993).
[[gnu::noinline]] void* operator new(std::size_t size)
{
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size)) {
        return memory;
    }
    throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept
{
    std::free(memory);
}

[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept
{
    std::free(memory);
}
// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)

namespace tcpledger {
namespace {

class FilterProperty : public testing::Test {
protected:
    test::MemberSet selected(const std::string& expression)
    {
        const auto filter = test::parse(expression);
        if (!filter) {
            ADD_FAILURE() << filter.error().message();
            return 0;
        }
        return test::selected_by(*filter, population_);
    }

    test::Population population_;
    test::ExpressionMaker maker_{population_, test::all_leaves(), 20261120};
};

TEST_F(FilterProperty, MeansWhatSetArithmeticSays)
{
    for (int i = 0; i < 600; ++i) {
        const test::RandomExpression expression = maker_.make(4);
        ASSERT_EQ(selected(expression.text), expression.members) << expression.text;
    }
}

TEST_F(FilterProperty, NotNotXIsX)
{
    for (int i = 0; i < 200; ++i) {
        const std::string x = maker_.make(3).text;
        ASSERT_EQ(selected(fmt::format("not not ( {} )", x)), selected(x)) << x;
        ASSERT_EQ(selected(fmt::format("not ( not ( {} ) )", x)), selected(x)) << x;
        ASSERT_EQ(selected(fmt::format("!({})", x)) ^ selected(x), 0xffffU) << x;
    }
}

TEST_F(FilterProperty, DeMorgan)
{
    for (int i = 0; i < 200; ++i) {
        const std::string x = maker_.make(3).text;
        const std::string y = maker_.make(3).text;
        ASSERT_EQ(selected(fmt::format("not (({}) and ({}))", x, y)),
                  selected(fmt::format("not ({}) or not ({})", x, y)));
        ASSERT_EQ(selected(fmt::format("not (({}) or ({}))", x, y)),
                  selected(fmt::format("not ({}) and not ({})", x, y)));
    }
}

TEST_F(FilterProperty, AndDistributesOverOr)
{
    for (int i = 0; i < 200; ++i) {
        const std::string x = maker_.make(2).text;
        const std::string y = maker_.make(2).text;
        const std::string z = maker_.make(2).text;
        ASSERT_EQ(selected(fmt::format("({0}) and (({1}) or ({2}))", x, y, z)),
                  selected(fmt::format("({0}) and ({1}) or ({0}) ({2})", x, y, z)));
    }
}

TEST_F(FilterProperty, StepsGoForwardOnly)
{
    for (int i = 0; i < 200; ++i) {
        const auto filter = test::parse(maker_.make(5).text);
        ASSERT_TRUE(filter);
        const auto steps = filter->steps();
        for (std::size_t at = 0; at < steps.size(); ++at) {
            for (const std::uint32_t target : {steps[at].on_true, steps[at].on_false}) {
                ASSERT_TRUE(target == kAccepted || target == kRejected ||
                            (target > at && target < steps.size()));
            }
        }
    }
}

TEST_F(FilterProperty, MatchingAllocatesNothing)
{
    const long counted_before = allocations.load();
    const std::string sanity(1000, 'x');
    ASSERT_GT(allocations.load(), counted_before) << "not counted: " << sanity.size();

    for (int i = 0; i < 200; ++i) {
        const auto filter = test::parse(maker_.make(4).text);
        ASSERT_TRUE(filter);
        const long before = allocations.load();
        test::MemberSet set = 0;
        for (int round = 0; round < 3; ++round) {
            set |= test::selected_by(*filter, population_);
        }
        ASSERT_EQ(allocations.load(), before) << set;
    }
}

} // namespace
} // namespace tcpledger
