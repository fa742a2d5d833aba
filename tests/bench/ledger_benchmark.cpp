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
