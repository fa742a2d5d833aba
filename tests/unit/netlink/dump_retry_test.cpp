// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Dumps that go wrong in every way, and what is left of them.
#include "netlink/dump_retry.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace tcpledger {
namespace {

ParseResult whole()
{
    ParseResult result;
    result.done = true;
    return result;
}

ParseResult interrupted()
{
    ParseResult result = whole();
    result.interrupted = true;
    return result;
}

ParseResult truncated()
{
    ParseResult result = whole();
    result.truncated = true;
    return result;
}

ParseResult malformed()
{
    ParseResult result = whole();
    result.malformed = 1;
    return result;
}

ParseResult failed(int error_number)
{
    ParseResult result = whole();
    result.error_number = error_number;
    return result;
}

/// One row was there before; each try appends as many as its number.
class DumpRetry : public ::testing::Test {
protected:
    Expected<DumpResult> run(const std::vector<ParseResult>& results,
                             std::uint8_t protocol = IPPROTO_TCP)
    {
        rows_.assign(1, {});
        details_.assign(1, {});
        tries_ = 0;
        return retry_dump({rows_, &details_}, protocol, [&](RowSink sink) {
            ++tries_;
            EXPECT_EQ(sink.rows.size(), 1U) << "rows of a failed try were kept";
            sink.rows.resize(1 + tries_);
            sink.details->resize(1 + tries_);
            return Expected<ParseResult>(results.at(std::min(tries_, results.size()) - 1));
        });
    }

    std::vector<SocketRow> rows_;
    std::vector<SocketDetails> details_;
    std::size_t tries_ = 0;
};

TEST_F(DumpRetry, WholeAtOnce)
{
    const auto result = run({whole()});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->tries, 1U);
    EXPECT_EQ(result->rows, 1U);
    EXPECT_FALSE(result->interrupted);
}

TEST_F(DumpRetry, HolesAreTriedAgainAndForgotten)
{
    for (const ParseResult& bad : {interrupted(), truncated(), malformed(), failed(ENOMEM),
                                   failed(EBUSY), failed(EAGAIN), failed(EBADMSG)}) {
        const auto result = run({bad, bad, whole()});
        ASSERT_TRUE(result);
        EXPECT_EQ(result->tries, 3U);
        EXPECT_EQ(result->rows, 3U);
        EXPECT_FALSE(result->interrupted);
        EXPECT_EQ(rows_.size(), 4U);
        EXPECT_EQ(details_.size(), 4U);
    }
}

TEST_F(DumpRetry, HolesToTheEndAreSaid)
{
    const auto result = run({interrupted()});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->tries, kMaxDumpTries);
    EXPECT_TRUE(result->interrupted);
    EXPECT_EQ(rows_.size(), 1 + kMaxDumpTries);
}

TEST_F(DumpRetry, ErrorsToTheEndAreHandedOn)
{
    const auto result = run({failed(ENOMEM)});
    ASSERT_FALSE(result);
    EXPECT_EQ(tries_, kMaxDumpTries);
    EXPECT_EQ(result.error().error_number, ENOMEM);
    EXPECT_EQ(rows_.size(), 1U);
    EXPECT_EQ(details_.size(), 1U);
}

TEST_F(DumpRetry, ErrorsThatStayAreNotTriedAgain)
{
    struct Case {
        int error_number;
        ErrorKind kind;
    };
    for (const Case& c :
         {Case{ENOENT, ErrorKind::kUnsupported}, Case{EOPNOTSUPP, ErrorKind::kUnsupported},
          Case{EPERM, ErrorKind::kNotPermitted}, Case{EINVAL, ErrorKind::kFailed}}) {
        const auto result = run({failed(c.error_number)});
        ASSERT_FALSE(result);
        EXPECT_EQ(tries_, 1U);
        EXPECT_EQ(result.error().kind, c.kind) << c.error_number;
        EXPECT_EQ(rows_.size(), 1U);
    }
}

TEST_F(DumpRetry, AMissingModuleIsNamed)
{
    EXPECT_EQ(run({failed(ENOENT)}).error().message(),
              "cannot list the TCP sockets: No such file or directory (modprobe tcp_diag)");
    EXPECT_EQ(run({failed(ENOENT)}, IPPROTO_UDP).error().hint, "modprobe udp_diag");
}

TEST_F(DumpRetry, AnErrorOfTheSocketItselfEndsIt)
{
    rows_.assign(1, {});
    const auto result = retry_dump({rows_}, IPPROTO_TCP, [&](RowSink sink) {
        sink.rows.resize(5);
        return Expected<ParseResult>(tl::unexpect, Error::from_code(EIO, "x"));
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(rows_.size(), 1U);
}

} // namespace
} // namespace tcpledger
