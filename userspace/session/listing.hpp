// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sockets of one moment as a command asks for them: which protocols, states and
// namespaces, which filter, with or without their owners. What the kernel can leave out it
// leaves out. What only events tell (most ages, who closed) is unknown here.
#pragma once

#include "base/error.hpp"
#include "filter/filter.hpp"
#include "session/holder_index.hpp"
#include "session/host_names.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpledger {

/// The states that `ss` asks for with -a: all that it names.
inline constexpr StateSet kStatesOfSsAll = 0xffe;

struct ListingRequest {
    bool tcp = true;
    bool udp = false;
    Families families = Families::kBoth;
    StateSet states = kStatesOfSsAll; ///< where the filter names none
    std::optional<StateSet> only;     ///< and of these only
    DetailRequest details{};
    bool with_details = false;
    bool with_owners = false;         ///< also where the filter asks about processes
    std::size_t processes_denied = 0; ///< of the NamespaceList: they may hold what nobody sees
};

/// One socket with what is known of it. Valid during the visit only.
struct ListedSocket {
    const SocketRow& row;
    const SocketDetails* details = nullptr;
    std::span<const CensusHolder* const> holders; ///< in the order of the walk: by pid, then fd
    ListedOwner owner;
    std::string_view container; ///< the owner's, where the filter asked for it
};

/// Time in TIME_WAIT so far, which its timer tells; nothing for other states.
[[nodiscard]] std::optional<std::chrono::milliseconds> time_wait_age(const SocketRow& row);

/// The container of a process; empty for none.
using ContainerLookup = std::function<std::string_view(const CensusHolder&)>;

/// What a filter asks about that costs more than the dump.
struct FilterNeeds {
    bool owners = false;
    bool container = false;
    bool age = false;
    bool port_range = false; ///< autobound
    bool interface = false;
    bool mark = false;

    /// What the ledger keeps only where it is asked for; see SessionOptions.
    [[nodiscard]] bool bindings() const { return port_range || interface || mark; }
};

[[nodiscard]] FilterNeeds needs_of(const Filter& filter);

/// The states that the kernel is asked for: ss's, or others where only those are wanted.
[[nodiscard]] StateSet wanted_states(const Filter& filter, const ListingRequest& request);

/// A namespace and the filter as its names read there.
struct ListedNamespace {
    const NetworkNamespace* netns = nullptr;
    std::shared_ptr<const Filter> filter; ///< not null
    PortRange ports;
};

class Listing {
public:
    /// `namespaces` outlive the listing. Whose descriptors may not be seen owns
    /// nothing, and a note says so. Fails where not a single namespace could be dumped.
    [[nodiscard]] static Expected<Listing> take(std::vector<ListedNamespace> namespaces,
                                                const ListingRequest& request);

    /// Calls visit(const ListedSocket&) for each socket that matches, once each, in ss's order:
    /// IPv4 before IPv6, else as the kernel gave them. `container` is asked only where the
    /// filter needs it.
    template <typename Visit> void for_each(const ContainerLookup& container, Visit&& visit)
    {
        seen_.clear();
        seen_.reserve(census_.rows.size());
        for (const Dump& dump : dumps_) {
            for (const int family : {AF_INET, AF_INET6}) {
                for (std::size_t at = dump.begin; at < dump.end; ++at) {
                    if (census_.rows[at].family == family && is_new(census_.rows[at])) {
                        ListedSocket socket = socket_at(at);
                        if (matches(namespaces_[dump.netns], socket, container)) {
                            visit(std::as_const(socket));
                        }
                    }
                }
            }
        }
    }

    /// What could not be seen, for the user.
    [[nodiscard]] const std::vector<std::string>& notes() const { return census_.notes; }
    /// Rows dumped, those that do not match included.
    [[nodiscard]] std::size_t size() const { return census_.rows.size(); }
    /// There is a listener on its local port; false where owners were not asked for.
    [[nodiscard]] bool is_served(const SocketRow& row) const
    {
        return index_ && index_->is_listened_on(row);
    }

private:
    explicit Listing(std::vector<ListedNamespace> namespaces) : namespaces_(std::move(namespaces))
    {
    }

    /// The rows of one namespace and protocol: [begin, end).
    struct Dump {
        std::size_t netns = 0; ///< in namespaces_
        std::size_t begin = 0;
        std::size_t end = 0;
    };

    void dump(std::size_t place, const ListingRequest& request);
    void dump_protocol(SockDiag& diag, std::size_t netns, const ListingRequest& request,
                       std::uint8_t protocol);
    /// `walk` may have gone on beside the dump.
    void find_owners(const ListingRequest& request, const CensusTaker& taker,
                     std::optional<HolderWalk> walk);
    [[nodiscard]] bool every_connection_is_held();
    [[nodiscard]] ListedSocket socket_at(std::size_t at);
    [[nodiscard]] bool is_new(const SocketRow& row);
    [[nodiscard]] bool matches(const ListedNamespace& listed, ListedSocket& socket,
                               const ContainerLookup& container);

    std::vector<ListedNamespace> namespaces_;
    std::vector<Dump> dumps_;
    Census census_;
    std::vector<SocketDetails> details_;
    std::vector<SocketRow> listeners_;
    FilterNeeds needs_;
    std::optional<HolderIndex> index_;
    struct RowKey {
        std::uint64_t cookie;
        std::uint64_t ports;
        bool operator==(const RowKey&) const = default;
    };
    struct RowKeyHash {
        std::size_t operator()(const RowKey& key) const noexcept
        {
            return IntegerHash()(key.cookie) ^ key.ports;
        }
    };
    tsl::robin_set<RowKey, RowKeyHash> seen_; ///< a dump can repeat a socket
    std::vector<ProcessView> views_;          ///< scratch of matches()
};

} // namespace tcpledger
