// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output/csv.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <limits>

namespace tcpledger {
namespace {

using namespace std::chrono_literals;

TEST(CsvWriter, ARowOfEachType)
{
    CsvWriter csv;
    csv.value(std::chrono::system_clock::time_point{})
        .value(812)
        .value("a,b")
        .value(TcpState::kCloseWait)
        .value(IpAddress::from_ipv4_be(htonl(0x0a000001)))
        .milliseconds(1'234'567ns)
        .value(true)
        .value(0.5);
    EXPECT_EQ(csv.take_line(),
              "1970-01-01T00:00:00.000000Z,812,\"a,b\",CLOSE_WAIT,10.0.0.1,1.234,true,0.5");
}

TEST(CsvWriter, NumbersStayNumbers)
{
    CsvWriter csv;
    EXPECT_EQ(csv.value(-5).value(std::uint8_t{200}).milliseconds(-1ms).take_line(),
              "-5,200,-1.000");
}

TEST(CsvWriter, WhatIsUnknownIsEmpty)
{
    CsvWriter csv;
    csv.null()
        .value(std::optional<int>())
        .milliseconds({})
        .value(std::numeric_limits<double>::infinity());
    EXPECT_EQ(csv.take_line(), ",,,");
}

TEST(CsvWriter, OneBufferServesManyRows)
{
    CsvWriter csv;
    EXPECT_EQ(csv.value("PID").value("=COMM").take_line(), "PID,\\x3dCOMM");
    EXPECT_EQ(csv.value(1).take_line(), "1");
    EXPECT_EQ(csv.take_line(), "");
}

} // namespace
} // namespace tcpledger
