// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the books cost in user space, without a kernel: one record applied, at
// several sizes of the table, and the bytes one connection occupies.
#include "ledger/ledger.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace tcpledger {
namespace {

constexpr std::uint16_t kFamilyInet = 2;

struct Step {
    TcpState from;
    TcpState to;
    bool owned;
};

/// The client's half of a connection that it closes itself, as the kernel tells it.
constexpr std::array kClientLife{
    Step{TcpState::kClose, TcpState::kSynSent, true},
    Step{TcpState::kSynSent, TcpState::kEstablished, false},
    Step{TcpState::kEstablished, TcpState::kFinWait1, true},
    Step{TcpState::kFinWait1, TcpState::kFinWait2, false},
    Step{TcpState::kFinWait2, TcpState::kClose, false},
};

tl_owned_transition record_of(const Step& step, std::uint64_t cookie)
{
    tl_owned_transition record{};
    tl_transition& transition = record.transition;
    const std::size_t size = step.owned ? sizeof(tl_owned_transition) : sizeof(tl_transition);
    transition.header.time_ns = cookie * 1000;
    transition.header.kind = step.owned ? TL_RECORD_OWNED_TRANSITION : TL_RECORD_TRANSITION;
    transition.header.size_bytes = static_cast<std::uint16_t>(size);
    transition.cookie = cookie;
    transition.sock = 0xffff888000000000ULL + cookie * 4096;
    transition.netns_inum = 4026531840U;
    transition.family = kFamilyInet;
    transition.old_state = static_cast<std::uint8_t>(step.from);
    transition.new_state = static_cast<std::uint8_t>(step.to);
    transition.local_port = static_cast<std::uint16_t>(1024 + cookie % 60000);
    transition.remote_port = 443;
    transition.addresses.ipv4.remote = static_cast<std::uint32_t>(cookie / 60000);
    record.process.start_ns = 1'000'000'000;
    record.process.tgid = 4242;
    record.process.cgroup_id = 7;
    std::memcpy(record.process.comm, "bench", 5);
    return record;
}

void apply(Ledger& ledger, const Step& step, std::uint64_t cookie)
{
    const tl_owned_transition record = record_of(step, cookie);
    ledger.apply_record(&record, record.transition.header.size_bytes);
}

constexpr std::uint64_t kListenerSock = 0xffff888000001000ULL;

/// One step of either end of a loopback connection, as the kernel tells it.
struct LoopbackStep {
    bool at_server;
    Step step;
};

constexpr std::array kLoopbackLife{
    LoopbackStep{false, kClientLife[0]},
    LoopbackStep{false, kClientLife[1]},
    LoopbackStep{true, {TcpState::kListen, TcpState::kSynRecv, false}},
    LoopbackStep{true, {TcpState::kSynRecv, TcpState::kEstablished, false}},
    LoopbackStep{false, kClientLife[2]},
    LoopbackStep{true, {TcpState::kEstablished, TcpState::kCloseWait, false}},
    LoopbackStep{false, kClientLife[3]},
    LoopbackStep{true, {TcpState::kCloseWait, TcpState::kLastAck, true}},
    LoopbackStep{false, kClientLife[4]},
    LoopbackStep{true, {TcpState::kLastAck, TcpState::kClose, false}},
};

tl_owned_transition loopback_record(const LoopbackStep& step, std::uint64_t number)
{
    constexpr std::uint32_t kServerAddress = 0x0100007f; // 127.0.0.1
    const bool is_clone = step.step.from == TcpState::kListen;
    tl_owned_transition record = record_of(step.step, 2 * number + (step.at_server ? 1 : 0));
    tl_transition& event = record.transition;
    const auto client_port = static_cast<std::uint16_t>(32768 + number % 28000);
    const std::uint32_t client_address =
        kServerAddress + static_cast<std::uint32_t>(number / 28000);
    const bool no_port_yet = step.step.from == TcpState::kClose;
    event.local_port = no_port_yet ? 0 : client_port;
    event.addresses.ipv4 = {client_address, kServerAddress};
    if (step.at_server) {
        event.local_port = 443;
        event.remote_port = is_clone ? 0 : client_port;
        event.addresses.ipv4 = {kServerAddress, is_clone ? 0 : client_address};
        event.cookie = is_clone ? 0 : event.cookie;
        event.listener_sock = is_clone ? kListenerSock : 0;
    }
    event.sock = 0xffff888000000000ULL + (number % 64) * 8192 + (step.at_server ? 4096 : 0);
    event.flags = TL_FLAG_FIN_RECEIVED | TL_FLAG_ORPHANED;
    event.shutdown = 3;
    return record;
}

tl_owned_transition listening()
{
    tl_owned_transition record = record_of({TcpState::kClose, TcpState::kListen, true}, 1);
    record.transition.sock = kListenerSock;
    record.transition.local_port = 443;
    record.transition.remote_port = 0;
    record.transition.addresses.ipv4 = {};
    return record;
}

/// A churn as loopback makes it, both ends and what they leave in TIME_WAIT, of records that are
/// not in the cache any more.
void apply_loopback(benchmark::State& state)
{
    const auto connections = static_cast<std::uint64_t>(state.range(0));
    std::vector<tl_owned_transition> records{listening()};
    for (std::uint64_t number = 1; number <= connections; ++number) {
        for (const LoopbackStep& step : kLoopbackLife) {
            records.push_back(loopback_record(step, number));
        }
    }
    for (auto iteration : state) {
        Ledger ledger;
        for (const tl_owned_transition& record : records) {
            ledger.apply_record(&record, record.transition.header.size_bytes);
        }
        if (ledger.books().totals()[static_cast<std::size_t>(TcpState::kTimeWait)] != connections) {
            state.SkipWithError("not all are in TIME_WAIT");
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records.size()));
}

/// `count` established connections with cookies from 1.
void establish(Ledger& ledger, std::uint64_t count)
{
    for (std::uint64_t cookie = 1; cookie <= count; ++cookie) {
        apply(ledger, kClientLife[0], cookie);
        apply(ledger, kClientLife[1], cookie);
    }
}

/// Whole lives of new connections beside `state.range(0)` standing ones.
void apply_record(benchmark::State& state, bool with_dwells)
{
    Ledger ledger;
    if (with_dwells) {
        ledger.keep_dwells({});
    }
    const auto standing = static_cast<std::uint64_t>(state.range(0));
    establish(ledger, standing);
    constexpr std::uint64_t kLives = 1000;
    std::vector<tl_owned_transition> records;
    std::uint64_t next = standing + 1;
    for (auto iteration : state) {
        state.PauseTiming();
        records.clear();
        for (std::uint64_t life = 0; life < kLives; ++life, ++next) {
            for (const Step& step : kClientLife) {
                records.push_back(record_of(step, next));
            }
        }
        ledger.begin_interval();
        state.ResumeTiming();
        for (const tl_owned_transition& record : records) {
            ledger.apply_record(&record, record.transition.header.size_bytes);
        }
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(kLives * kClientLife.size()));
}

/// Bytes of the books per established connection.
void memory_per_connection(benchmark::State& state)
{
    const auto count = static_cast<std::uint64_t>(state.range(0));
    double bytes = 0;
    for (auto iteration : state) {
        Ledger ledger;
        const std::size_t before = ledger.books().memory_bytes();
        establish(ledger, count);
        bytes = static_cast<double>(ledger.books().memory_bytes() - before) /
                static_cast<double>(count);
    }
    state.counters["bytes_per_connection"] = bytes;
}

} // namespace
} // namespace tcpledger

int main(int argc, char** argv)
{
    for (const bool with_dwells : {false, true}) {
        benchmark::RegisterBenchmark(with_dwells ? "apply_record_dwells" : "apply_record",
                                     tcpledger::apply_record, with_dwells)
            ->Arg(0)
            ->Arg(10'000)
            ->Arg(200'000)
            ->Iterations(200);
    }
    benchmark::RegisterBenchmark("apply_loopback", tcpledger::apply_loopback)
        ->Arg(130'000)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("memory_per_connection", tcpledger::memory_per_connection)
        ->Arg(10'000)
        ->Arg(200'000)
        ->Unit(benchmark::kMillisecond);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
