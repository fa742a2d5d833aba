// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Takes a census: every TCP socket of every network namespace and who holds it, by
// dumps and iterators, at about one moment. Evidence only; it judges nothing.
#pragma once

#include "base/error.hpp"
#include "kernel/task_file_scan.hpp"
#include "ledger/settlement.hpp"
#include "netlink/sock_diag.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tcpledger {

/// One descriptor of one TCP socket.
struct CensusHolder {
    std::uint64_t cookie = 0;
    std::uint64_t sock = 0; ///< address of the struct sock; 0 = not known
    std::uint32_t pid = 0;
    std::uint32_t fd = 0;
    std::uint64_t start_ticks = 0;
    std::uint64_t cgroup_id = 0; ///< 0 = not known
    std::uint32_t uid = 0;
    PortOrigin port_origin = PortOrigin::kUnknown;
    std::uint8_t comm_size = 0;
    std::array<char, TL_COMM_BYTES> comm_bytes{};

    [[nodiscard]] std::string_view comm() const { return {comm_bytes.data(), comm_size}; }
};

struct Census {
    MonotonicTime started{};
    MonotonicTime finished{};
    std::vector<SocketRow> rows;
    std::vector<CensusHolder> holders;
    std::vector<std::uint32_t> netns_inums;  ///< those dumped whole
    std::vector<std::uint32_t> unread_netns; ///< those that exist but could not be
    bool holders_complete = false;
    bool marked = false;             ///< the sockets of those whom the marks are for, on the way
    bool every_netns = false;        ///< each that exists is named in one of the two
    bool every_process = false;      ///< the descriptors of none were hidden
    std::vector<std::string> notes;  ///< what could not be seen, for the user
    std::uint32_t mini_states = ~0U; ///< state_bit()s: mini-sockets in these were asked for
    std::vector<ProcessKey> exited;  ///< of those asked about
    std::chrono::nanoseconds cpu{};  ///< CPU time it took
};

/// The states that ss shows. Bound but unconnected sockets (bit 13) are not among
/// them, and would make the kernel walk one more table.
inline constexpr std::uint32_t kStatesOfSs = 0x1ffe;

/// Of mini-sockets.
inline constexpr std::uint32_t kHalfOpenStates =
    state_bit(TcpState::kSynRecv) | state_bit(TcpState::kNewSynRecv);
inline constexpr std::uint32_t kMiniStates =
    kHalfOpenStates | state_bit(TcpState::kFinWait2) | state_bit(TcpState::kTimeWait);

struct CensusRequest {
    std::vector<ProcessKey> processes; ///< whose end is to be noticed
    /// Without them a census is cheaper, and leaves the mini-sockets that may be in that state to
    /// others.
    bool time_wait = true;
    bool urgent = false; ///< before whatever else wants the CPU
};

/// One walk over the descriptors of every process, which needs no dump: it can go on beside one.
struct HolderWalk {
    std::vector<CensusHolder> holders;
    /// Of MPTCP connections, by inode: which TCP sockets those are only a dump tells.
    std::vector<std::pair<std::uint64_t, CensusHolder>> mptcp;
    Expected<void> done;
};

class CensusTaker {
public:
    /// Prefers iter/task_file, falls back to /proc. Never fails: what is missing is a note.
    /// `want_udp`: find_holders() looks for UDP sockets too. `marks`: see TaskFileScan::open().
    [[nodiscard]] static CensusTaker open(bool want_udp = false, const SocketMarks& marks = {});

    /// Dumps all namespaces, then the holders; then looks which of the processes that hold
    /// nothing have ended. Safe to call from one thread at a time.
    [[nodiscard]] Census take(const CensusRequest& request = {}) const;

    /// Fills in who holds what: all holders there are, those of sockets in `census.rows` at
    /// least. Sets holders_complete and notes.
    void find_holders(Census& census) const;

    /// The two halves of it. walk() is nothing where only /proc can tell.
    [[nodiscard]] std::optional<HolderWalk> walk() const;
    void find_holders(Census& census, std::optional<HolderWalk> walk) const;

    /// The network namespaces that a thread is in, whoever may look at it; nothing where no
    /// iterator tells.
    [[nodiscard]] std::optional<std::set<std::uint32_t>> netns_of_tasks() const;

private:
    static void dump_namespaces(Census& census, std::uint32_t state_mask);
    static void find_holders_in_proc(Census& census);
    void find_unread_namespaces(Census& census) const;
    static void find_exited(const std::vector<ProcessKey>& processes, Census& census);

    std::optional<TaskFileScan> scan_;
    bool marks_ = false; ///< it marks
    std::string scan_note_;
};

[[nodiscard]] SocketEvidence evidence_of(const SocketRow& row);

/// Hands a census to the settlement, which `begin` has prepared. Calls `pause` between rows, see
/// RowPauses.
SettlementReport settle(Settlement& settlement, const Census& census,
                        const std::function<void()>& pause = {});

} // namespace tcpledger
