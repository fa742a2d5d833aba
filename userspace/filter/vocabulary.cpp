// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "filter/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tcpledger::filter {
namespace {

using Result = ParsedValue<Predicate>;

Result refuse(std::string_view expected, const Value& value)
{
    return tl::unexpected(expected_but(expected, value.text));
}

template <Side kSide> Result host(const Value& value, Comparison /*comparison*/, const Names& names)
{
    return parse_host(value.text, names).map([](HostTest test) -> Predicate {
        test.side = kSide;
        return test;
    });
}

template <Side kSide> Result port(const Value& value, Comparison comparison, const Names& names)
{
    auto test = parse_port(value.text, names);
    if (!test) {
        return tl::unexpected(std::move(test.error()));
    }
    if (comparison == Comparison::kEqual) {
        test->side = kSide;
        return *std::move(test);
    }
    if (const std::optional<std::uint16_t> number = test->port) {
        return PortTest{kSide, test->socket_family, comparison, *number};
    }
    return refuse("a port to compare with", value);
}

Result interface(const Value& value, Comparison /*comparison*/, const Names& names)
{
    if (const auto named =
            names.interface_index ? names.interface_index(value.text) : std::nullopt) {
        return InterfaceTest{*named, std::string(value.text)};
    }
    const auto index = parse_number<std::uint32_t>(value.text);
    return index ? Result(InterfaceTest{*index, {}})
                 : refuse("the name or the index of an interface", value);
}

Result mark(const Value& value, Comparison /*comparison*/, const Names& /*names*/)
{
    return parse_mark(value.text);
}

Result cgroup(const Value& value, Comparison /*comparison*/, const Names& names)
{
    const auto id = names.cgroup_id ? names.cgroup_id(value.text) : std::nullopt;
    return id ? Result(CgroupTest{*id}) : refuse("the path of a cgroup (version 2)", value);
}

Result netns(const Value& value, Comparison /*comparison*/, const Names& names)
{
    auto inum = parse_number<std::uint32_t>(value.text);
    if (!inum && names.netns_inum) {
        inum = names.netns_inum(value.text);
    }
    return inum ? Result(NetnsTest{*inum})
                : refuse("the name or the inode number of a network namespace", value);
}

/// A test of one plain number.
template <typename Test, typename Number>
Result number(const Value& value, Comparison /*comparison*/, const Names& /*names*/)
{
    const auto parsed = parse_number<Number>(value.text);
    return parsed ? Result(Test{*parsed}) : refuse("a number", value);
}

/// Hexadecimal with or without 0x: as ss prints it after "sk:".
Result cookie(const Value& value, Comparison /*comparison*/, const Names& /*names*/)
{
    std::string_view digits = value.text;
    if (digits.starts_with("0x")) {
        digits.remove_prefix(2);
    }
    std::uint64_t parsed = 0;
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, parsed, 16);
    return error == std::errc{} && end == last ? Result(CookieTest{parsed})
                                               : refuse("a socket cookie in hexadecimal", value);
}

template <typename Test>
Result pattern(const Value& value, Comparison /*comparison*/, const Names& /*names*/)
{
    return Test{value.pattern};
}

Result owner(const Value& value, Comparison /*comparison*/, const Names& /*names*/)
{
    return OwnerTest{parse_number<std::uint32_t>(value.text), value.pattern};
}

Result age(const Value& value, Comparison comparison, const Names& /*names*/)
{
    return parse_duration(value.text).map([&](std::chrono::nanoseconds duration) -> Predicate {
        return AgeTest{comparison, duration};
    });
}

template <typename Test>
Result flag(const Value& /*value*/, Comparison /*comparison*/, const Names& /*names*/)
{
    return Test{};
}

constexpr std::array kWords = {
    PredicateWord{"src", Takes::kEquality, "an address", host<Side::kLocal>},
    PredicateWord{"dst", Takes::kEquality, "an address", host<Side::kRemote>},
    PredicateWord{"sport", Takes::kOrder, "a port", port<Side::kLocal>},
    PredicateWord{"dport", Takes::kOrder, "a port", port<Side::kRemote>},
    PredicateWord{"dev", Takes::kEquality, "an interface", interface},
    PredicateWord{"fwmark", Takes::kEquality, "a mark", mark},
    PredicateWord{"cgroup", Takes::kEquality, "the path of a cgroup", cgroup},
    PredicateWord{"autobound", Takes::kNothing, {}, flag<AutoboundTest>},
    PredicateWord{"pid", Takes::kEquality, "the number of a process",
                  number<PidTest, std::uint32_t>},
    PredicateWord{"comm", Takes::kEquality, "the name of a process", pattern<CommTest>},
    PredicateWord{"owner", Takes::kEquality, "the number or the name of a process", owner},
    PredicateWord{"container", Takes::kEquality, "a container", pattern<ContainerTest>},
    PredicateWord{"netns", Takes::kEquality, "a network namespace", netns},
    PredicateWord{"uid", Takes::kEquality, "the number of a user", number<UidTest, std::uint32_t>},
    PredicateWord{"ino", Takes::kEquality, "an inode number", number<InodeTest, std::uint32_t>},
    PredicateWord{"sk", Takes::kEquality, "a socket cookie", cookie},
    PredicateWord{"age", Takes::kOrder, "a time", age},
    PredicateWord{"unaccepted", Takes::kNothing, {}, flag<UnacceptedTest>},
};

} // namespace

const PredicateWord* find_predicate(std::string_view word) noexcept
{
    const auto* found = std::ranges::find(kWords, word, &PredicateWord::word);
    return found == kWords.end() ? nullptr : found;
}

std::string predicate_words()
{
    std::string list;
    for (const PredicateWord& word : kWords) {
        if (!list.empty()) {
            list += &word == &kWords.back() ? " or " : ", ";
        }
        list += word.word;
    }
    return list;
}

} // namespace tcpledger::filter
