// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// churn SECONDS [PAIRS]: opens and closes loopback connections as fast as it can
// and prints how many and the CPU time they took, as JSON. A pair is a client and a server thread
// on one CPU, so that PAIRS = CPUs (the default) saturates the host. Each connection is at once
// closed by both ends: about ten transitions. Knows nothing of tracing.
#include "loopback.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace tcpledger::bench {
namespace {

constexpr std::uint16_t kPort = 7777;
constexpr auto kWarmUp = std::chrono::milliseconds(200);

void pin_to(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    // Refused where a cpuset forbids it; the run is then merely less even.
    (void)::sched_setaffinity(0, sizeof set, &set);
}

/// User and system time of this process so far.
double cpu_seconds()
{
    rusage usage{};
    (void)::getrusage(RUSAGE_SELF, &usage); // cannot fail for RUSAGE_SELF
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Until the listener is shut down.
void serve(int listener, unsigned cpu)
{
    pin_to(cpu);
    for (;;) {
        const UniqueFd connection(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection.valid()) {
            return;
        }
    }
}

/// Ports of one address wear out in TIME_WAIT, so it walks 250 addresses.
void connect_again_and_again(unsigned pair, unsigned cpu, const std::atomic<bool>& stop,
                             std::atomic<std::uint64_t>& connections)
{
    pin_to(cpu);
    for (std::uint32_t turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
        const std::uint32_t host = ((pair & 0xffU) << 16U) | ((1 + turn % 250) << 8U) | 1U;
        if (connect_to(loopback(host, static_cast<std::uint16_t>(kPort + pair)))) {
            connections.fetch_add(1, std::memory_order_relaxed);
        }
    }
}

Expected<void> run(unsigned seconds, unsigned pairs)
{
    std::vector<UniqueFd> listeners;
    for (unsigned pair = 0; pair < pairs; ++pair) {
        sockaddr_in any = loopback(0, static_cast<std::uint16_t>(kPort + pair));
        any.sin_addr.s_addr = INADDR_ANY;
        auto listener = listen_on(any);
        if (!listener) {
            return tl::unexpected(listener.error());
        }
        listeners.push_back(std::move(*listener));
    }
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> connections{0};
    std::vector<std::thread> threads;
    for (unsigned pair = 0; pair < pairs; ++pair) {
        const unsigned cpu = pair % std::thread::hardware_concurrency();
        threads.emplace_back(serve, listeners[pair].get(), cpu);
        threads.emplace_back(
            [&, pair, cpu] { connect_again_and_again(pair, cpu, stop, connections); });
    }
    std::this_thread::sleep_for(kWarmUp);
    const std::uint64_t before = connections.load();
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const std::uint64_t made = connections.load() - before;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    stop = true;
    for (const UniqueFd& listener : listeners) {
        ::shutdown(listener.get(), SHUT_RDWR);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const auto total = static_cast<double>(connections.load());
    std::printf("{\"connections_per_s\":%.1f,\"connections_total\":%.0f,\"cpu_s\":%.6f}\n",
                static_cast<double>(made) / elapsed.count(), total, cpu_seconds());
    return {};
}

} // namespace
} // namespace tcpledger::bench

int main(int argc, char** argv)
{
    using namespace tcpledger::bench;
    if (argc < 2 || argc > 3) {
        std::fputs("usage: churn SECONDS [PAIRS]\n", stderr);
        return 2;
    }
    const auto seconds = parse_count(argv[1], 3600);
    const auto pairs = argc == 3
                           ? parse_count(argv[2], 64)
                           : tcpledger::Expected<unsigned>(std::thread::hardware_concurrency());
    if (!seconds || !pairs) {
        std::fprintf(stderr, "churn: %s\n", (seconds ? pairs : seconds).error().message().c_str());
        return 2;
    }
    if (const auto result = run(*seconds, *pairs); !result) {
        std::fprintf(stderr, "churn: %s\n", result.error().message().c_str());
        return 1;
    }
    return 0;
}
