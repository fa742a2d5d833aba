// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Any bytes as what happens to the books: records as they are, records of few sockets in
// every combination of states, and sweeps with any rows. Whatever comes, the books' sums
// stay one and every connection is found by its key.
#include "fuzz/require.hpp"
#include "ledger/overview.hpp"
#include "ledger/settlement.hpp"

#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace tcpledger {
namespace {

/// The input, byte by byte; zeros when it is used up.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

    [[nodiscard]] bool empty() const { return left_ == 0; }
    std::uint8_t byte()
    {
        if (left_ == 0) {
            return 0;
        }
        --left_;
        return *data_++;
    }
    std::uint8_t below(unsigned limit) { return static_cast<std::uint8_t>(byte() % limit); }
    void bytes(void* out, std::size_t size)
    {
        auto* target = static_cast<std::uint8_t*>(out);
        for (std::size_t i = 0; i < size; ++i) {
            target[i] = byte();
        }
    }

private:
    const std::uint8_t* data_;
    std::size_t left_;
};

class Play {
public:
    explicit Play(Input input) : input_(input) {}

    void run()
    {
        while (!input_.empty()) {
            step();
            check();
        }
        ledger_.begin_interval();
        check();
    }

private:
    void step()
    {
        const std::uint8_t first = input_.byte();
        now_ += std::chrono::seconds(first & 0x1f);
        refined_ = first >> 5U;
        if (refined_ == 4) {
            ledger_.expect_told_minis(true, true);
        }
        switch (input_.below(9)) {
        case 0:
            return raw_record();
        case 1:
        case 2:
            return transition();
        case 3:
            return owned_transition();
        case 4:
            return process_event();
        case 5:
            return settlement_.begin(now_);
        case 6:
            return settlement_.listed(row());
        case 7:
            holding_ = true;
            return settlement_.held({input_.below(6), input_.below(6), facts()});
        default:
            return finish();
        }
    }

    void raw_record()
    {
        std::array<std::uint8_t, 200> bytes{};
        const std::size_t size = input_.below(200);
        input_.bytes(bytes.data(), size);
        ledger_.apply_record(bytes.data(), size);
    }
    tl_record_header header(std::uint16_t kind, std::size_t size)
    {
        return {static_cast<std::uint64_t>(now_.count()), kind, static_cast<std::uint16_t>(size),
                0};
    }
    tl_transition make_transition()
    {
        tl_transition event{};
        event.header = header(TL_RECORD_TRANSITION, sizeof(event));
        event.cookie = input_.below(6);
        event.sock = input_.below(6);
        event.listener_sock = input_.below(6);
        const FourTuple tuple = make_tuple();
        event.netns_inum = tuple.netns_inum;
        event.family = input_.byte();
        event.port_origin = event.family % 4;
        event.old_state = input_.below(16);
        event.new_state = input_.below(16);
        event.local_port = tuple.local.port;
        event.remote_port = tuple.remote.port;
        event.error = input_.below(2);
        event.shutdown = input_.byte();
        event.flags = input_.byte();
        if (event.family == AF_INET6) {
            std::memcpy(event.addresses.ipv6.local, tuple.local.address.bytes.data(), 16);
            std::memcpy(event.addresses.ipv6.remote, tuple.remote.address.bytes.data(), 16);
        } else {
            std::memcpy(&event.addresses.ipv4.local, &tuple.local.address.bytes[12], 4);
            std::memcpy(&event.addresses.ipv4.remote, &tuple.remote.address.bytes[12], 4);
        }
        return event;
    }
    void transition()
    {
        tl_transition event = make_transition();
        if (refined_ >= 6) {
            event.header.kind = refined_ == 6 ? TL_RECORD_LEFT_BEHIND : TL_RECORD_MINI_SOCKET;
        }
        ledger_.apply_record(&event, sizeof(event));
    }
    tl_process make_process()
    {
        tl_process process{};
        process.tgid = input_.below(4);
        process.start_ns = std::uint64_t{input_.below(2)} << 30U;
        input_.bytes(process.comm, input_.below(sizeof(process.comm) + 1));
        return process;
    }
    void owned_transition()
    {
        tl_owned_transition event{};
        event.transition = make_transition();
        event.transition.header =
            header(refined_ == 5 ? TL_RECORD_ACCEPTED : TL_RECORD_OWNED_TRANSITION, sizeof(event));
        event.process = make_process();
        ledger_.apply_record(&event, sizeof(event));
    }
    void process_event()
    {
        tl_process_event event{};
        event.header = header(
            input_.below(2) == 0 ? TL_RECORD_PROCESS_EXEC : TL_RECORD_PROCESS_EXIT, sizeof(event));
        event.process = make_process();
        ledger_.apply_record(&event, sizeof(event));
        if (input_.below(4) == 0 && !holding_) {
            ledger_.begin_interval();
        }
    }

    static IpAddress address(std::uint8_t choice)
    {
        IpAddress result;
        if (choice < 2) {
            result = IpAddress::from_ipv4_be(choice);
        } else {
            result.bytes[15] = static_cast<std::uint8_t>(choice - 2);
        }
        return result;
    }
    FourTuple make_tuple()
    {
        return {input_.below(2),
                {address(input_.below(4)), input_.below(3)},
                {address(input_.below(4)), input_.below(3)}};
    }
    SocketEvidence row()
    {
        const FourTuple tuple = make_tuple();
        return {tuple, input_.below(6), input_.below(2), 2,
                static_cast<TcpState>(1 + input_.below(13))};
    }
    ProcessFacts facts()
    {
        static constexpr std::string_view kComm = "holder\x1b[2J";
        return {{input_.below(4), input_.below(2)},
                input_.byte(),
                input_.byte(),
                kComm.substr(0, input_.below(kComm.size()))};
    }
    void finish()
    {
        const std::uint8_t what = input_.byte();
        holding_ = false;
        static constexpr std::array<std::uint32_t, 2> kNetns{1, 0};
        settlement_.finish({.netns_inums = std::span(kNetns).first(what % 3),
                            .holders = (what & 4) != 0,
                            .full_sockets = (what & 8) != 0,
                            .every_process = (what & 16) != 0,
                            .unread_netns = std::span(kNetns).last(what % 2)},
                           now_);
    }

    void check() const
    {
        const Books& books = ledger_.books();
        StateCounts each{};
        std::size_t connections = 0;
        books.for_each([&](ConnectionId id, const Connection& connection) {
            ++connections;
            ++each[static_cast<std::size_t>(shown_state(connection.state))];
            const ConnectionId found =
                connection.kind == SocketKind::kFull     ? books.find_by_cookie(connection.cookie)
                : connection.kind == SocketKind::kEmbryo ? books.find_embryo(connection.sock)
                                                         : books.find_mini(connection.tuple);
            require(found == id, "a connection is found by its key");
            require(books.processes().at(connection.owner).in_use, "an owner is in use");
        });
        require(connections == books.size(), "size() counts the connections");
        require(each == books.totals(), "the totals count the connections");
        StateCounts of_processes{};
        books.processes().for_each([&](ProcessId, const Process& process) {
            std::uint32_t sum = 0;
            for (std::size_t state = 0; state < kStateSlots; ++state) {
                require(process.states[state] <= connections, "no count wraps");
                of_processes[state] += process.states[state];
                sum += process.states[state];
            }
            require(sum == process.connections, "a process's total is its sum");
        });
        require(of_processes == each, "the processes' counts are the totals");
        StateCounts of_netns{};
        for (const auto& [netns, counts] : books.by_netns()) {
            for (std::size_t state = 0; state < kStateSlots; ++state) {
                require(counts[state] <= connections, "no namespace's count wraps");
                of_netns[state] += counts[state];
            }
        }
        require(of_netns == each, "the namespaces' counts are the totals");
        for (std::uint64_t sock = 0; sock < 6; ++sock) {
            const ConnectionId listener = books.find_listener(sock);
            require(listener == kNoConnection || books.at(listener).state == TcpState::kListen,
                    "a listener listens");
        }
        (void)take_overview(ledger_, now_);
    }

    Input input_;
    Ledger ledger_;
    Settlement settlement_{ledger_};
    MonotonicTime now_{};
    unsigned refined_ = 0; ///< of this step: 4 to 7 make it a record of refined hooks
    bool holding_ = false; ///< from the first held() to finish()
};

} // namespace
} // namespace tcpledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    tcpledger::Play(tcpledger::Input(data, size)).run();
    return 0;
}
