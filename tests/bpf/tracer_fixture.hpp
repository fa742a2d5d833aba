// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A tracer of the test's own, in a network of the test's own, and the transitions it records there.
#pragma once

#include "kernel/libbpf_log.hpp"
#include "kernel/tracer.hpp"
#include "private_network.hpp"
#include "shared/events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace tcpledger::test {

enum State {
    kEstab = 1,
    kSynSent,
    kSynRecv,
    kFin1,
    kFin2,
    kTimeWait,
    kClose,
    kCloseWait,
    kLastAck,
    kListen
};

using Path = std::vector<std::pair<int, int>>; ///< transitions, from and to

struct Seen {
    tl_transition transition{};
    tl_process process{};
    bool owned = false;
};

class TracerTest : public testing::Test {
protected:
    void SetUp() override { open({.hooks = HookMode::kTracepoints}); }

    void open(const TracerOptions& options)
    {
        route_libbpf_messages();
        Expected<Tracer> opened = Tracer::open(options);
        ASSERT_TRUE(opened) << opened.error().message();
        tracer_.emplace(std::move(*opened));
    }

    /// The transitions of this test's namespace since the last call.
    std::vector<Seen> drain()
    {
        network_.wait_until_quiet();
        std::vector<Seen> seen;
        tracer_->drain([&](const void* data, std::size_t size) {
            tl_record_header header{};
            ASSERT_GE(size, sizeof(header));
            std::memcpy(&header, data, sizeof(header));
            EXPECT_EQ(header.size_bytes, size);
            Seen one;
            if (header.kind == TL_RECORD_OWNED_TRANSITION) {
                tl_owned_transition record{};
                ASSERT_EQ(size, sizeof(record));
                std::memcpy(&record, data, sizeof(record));
                one = {record.transition, record.process, true};
            } else if (header.kind == TL_RECORD_TRANSITION) {
                ASSERT_EQ(size, sizeof(one.transition));
                std::memcpy(&one.transition, data, sizeof(one.transition));
            } else if (header.kind == TL_RECORD_NETNS_BEGIN) {
                tl_netns_begin record{};
                ASSERT_EQ(size, sizeof(record));
                std::memcpy(&record, data, sizeof(record));
                begun_.push_back(record.netns_inum);
            } else {
                std::memcpy(&process_events_.emplace_back(), data,
                            std::min(size, sizeof(tl_process_event)));
                return;
            }
            if (one.transition.netns_inum == network_.inum()) {
                seen.push_back(one);
            }
        });
        return seen;
    }

    static std::vector<Seen> of(const std::vector<Seen>& all, std::uint64_t cookie)
    {
        std::vector<Seen> chosen;
        std::ranges::copy_if(all, std::back_inserter(chosen),
                             [&](const Seen& seen) { return seen.transition.cookie == cookie; });
        return chosen;
    }

    static Path path(const std::vector<Seen>& all)
    {
        Path steps;
        for (const Seen& seen : all) {
            steps.emplace_back(seen.transition.old_state, seen.transition.new_state);
        }
        return steps;
    }

    PrivateNetwork network_;
    std::optional<Tracer> tracer_;
    std::vector<tl_process_event> process_events_;
    std::vector<std::uint32_t> begun_; ///< namespaces that came after others of their numbers
};

} // namespace tcpledger::test
