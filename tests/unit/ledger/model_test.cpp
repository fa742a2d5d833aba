// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Random histories of a little kernel, with dumps at random moments that skip and repeat
// rows, and with lost records. At every step the books' sums are one; once all is quiet
// and swept, the books are the kernel's, owners included.
#include "kernel_model_closing.hpp"

namespace tcpledger {
namespace {

using namespace test;

/// A census in progress: sockets are read one by one while the kernel goes on.
class ModelCensus {
public:
    ModelCensus(KernelModel& kernel, std::set<std::uint64_t>& skipped, unsigned skip_percent)
        : kernel_(kernel), skipped_(skipped), skip_percent_(skip_percent)
    {
        for (const auto& [id, socket] : kernel.sockets) {
            todo_.push_back(id);
        }
        for (std::size_t i = todo_.size(); i > 1; --i) {
            std::swap(todo_[i - 1], todo_[kernel.pick(i)]);
        }
    }

    /// Reads some; true when all is read.
    bool read_on(std::size_t count)
    {
        for (; count > 0 && !todo_.empty(); --count) {
            const std::uint64_t id = todo_.back();
            todo_.pop_back();
            if (!skipped_.contains(id) && kernel_.chance(skip_percent_)) {
                skipped_.insert(id); // never twice in a row
                continue;
            }
            skipped_.erase(id);
            if (const auto row = kernel_.row(id)) {
                rows_.push_back(*row);
                if (kernel_.chance(skip_percent_)) {
                    todo_.insert(todo_.begin(), id); // once more, later
                }
            }
        }
        if (todo_.empty() && !holders_read_) {
            read_holders();
        }
        return todo_.empty();
    }

    SettlementReport settle(Settlement& settlement, bool holders) const
    {
        for (const SocketEvidence& row : rows_) {
            settlement.listed(row);
        }
        if (holders) {
            for (const auto& [sock, task] : held_) {
                settlement.held(
                    {sock.cookie, sock.at(), {task.key(), task.cgroup_id, task.uid, task.comm}});
            }
        }
        return settlement.finish(
            {.netns_inums = kernel_.netns_inums, .holders = holders, .every_process = holders},
            kernel_.now);
    }

private:
    void read_holders()
    {
        holders_read_ = true;
        for (const auto& [pid, task] : kernel_.processes) {
            for (const auto& [id, socket] : kernel_.sockets) {
                if (socket.sort == ModelSocket::Sort::kFull && socket.holders.contains(pid)) {
                    held_.emplace_back(socket.sock, task);
                    if (id % 7 == 0) {
                        held_.emplace_back(socket.sock, task); // a dup()
                    }
                }
            }
        }
    }

    KernelModel& kernel_;
    std::set<std::uint64_t>& skipped_;
    unsigned skip_percent_;
    std::vector<std::uint64_t> todo_;
    std::vector<SocketEvidence> rows_;
    std::vector<std::pair<Sock, Task>> held_;
    bool holders_read_ = false;
};

struct Run {
    const char* name;
    unsigned seed;
    unsigned loss_percent;
    unsigned skip_percent;
    bool twsk_keeps_cookie;
    bool refined;
};

class Histories : public testing::TestWithParam<Run> {
protected:
    KernelModel kernel{{GetParam().seed, GetParam().twsk_keeps_cookie, GetParam().refined}};
    World world;
    std::set<std::uint64_t> skipped;
    std::optional<ModelCensus> census;
    std::uint64_t drift = 0;

    Histories() { world.ledger.expect_told_minis(GetParam().refined, GetParam().refined); }

    void drain(std::size_t records = SIZE_MAX)
    {
        for (; records > 0 && !kernel.ring.empty(); --records) {
            const KernelModel::Record& record = kernel.ring.front();
            world.ledger.apply_record(record.data(), record.size());
            kernel.ring.pop_front();
        }
    }
    void begin_census(unsigned skip_percent)
    {
        world.settlement.begin(kernel.now);
        kernel.now += 1us;
        census.emplace(kernel, skipped, skip_percent);
    }
    void settle_census(bool holders = true)
    {
        if (world.settlement.seeded()) {
            drain(); // as the session does
        }
        drift += census->settle(world.settlement, holders).drift;
        census.reset();
    }
    void quiet_sweep()
    {
        begin_census(0);
        while (!census->read_on(100)) {
        }
        settle_census();
        drain();
        kernel.now += 1s;
    }

    void go_through_history(int steps)
    {
        for (int step = 0; step < steps; ++step) {
            kernel.step();
            if (world.settlement.seeded() || !census || kernel.chance(2)) {
                drain(kernel.pick(20));
            }
            if (!census && kernel.chance(5)) {
                begin_census(GetParam().skip_percent);
            } else if (census && census->read_on(kernel.pick(25))) {
                settle_census(/*holders=*/!kernel.chance(10));
            }
            if (kernel.chance(1)) {
                world.ledger.begin_interval();
            }
            world.check_sums();
            if (HasFatalFailure()) {
                FAIL() << "at step " << step;
            }
        }
    }

    /// Whether the books have this socket's owner right, as far as the kernel can say.
    void check_owner(const ModelSocket& socket, const Connection& connection)
    {
        const Process& owner = world.books().processes().at(connection.owner);
        const std::uint32_t pid = owner.key.pid;
        SCOPED_TRACE(std::string(state_name(socket.state)) + " " + socket.sock.tuple.local.text() +
                     " " + socket.sock.tuple.remote.text() + " on the books of " + owner.comm +
                     " by " + std::string(how_name(connection.how)));
        const bool lossless = GetParam().loss_percent == 0;
        if (socket.sort == ModelSocket::Sort::kRequest || socket.queued) {
            EXPECT_TRUE(connection.unaccepted);
            // Of listeners that share a port any will do: the one it came from may have changed
            // hands while its old owner kept another.
            EXPECT_TRUE(std::ranges::any_of(kernel.sockets, [&](const auto& entry) {
                return entry.second.state == TcpState::kListen &&
                       entry.second.sock.tuple.local.port == socket.sock.tuple.local.port &&
                       entry.second.holders.contains(pid);
            })) << "waits in another's queue";
            return;
        }
        EXPECT_FALSE(connection.unaccepted && socket.sort == ModelSocket::Sort::kFull);
        if (!socket.holders.empty()) {
            EXPECT_TRUE(socket.holders.contains(pid)) << "the owner holds it";
            EXPECT_EQ(owner.key, kernel.processes.at(pid).key());
            if (lossless && socket.author_pid && socket.holders.contains(*socket.author_pid)) {
                EXPECT_EQ(pid, *socket.author_pid);
            }
        } else if (socket.kernels) {
            EXPECT_EQ(connection.owner, kKernelProcess);
        } else if (lossless && socket.author_closed_it && socket.author_pid) {
            EXPECT_EQ(pid, *socket.author_pid) << "who closed it owns it";
        }
    }

    /// Mini-sockets by tuple first, as they may share their cookie with a full one.
    [[nodiscard]] const Connection* on_books(const ModelSocket& socket) const
    {
        const ConnectionId full = world.books().find_by_cookie(socket.sock.cookie);
        const ConnectionId mini = world.books().find_mini(socket.sock.tuple);
        const bool mini_first = socket.sort != ModelSocket::Sort::kFull;
        const ConnectionId id = mini_first ? (mini != kNoConnection ? mini : full)
                                           : (full != kNoConnection ? full : mini);
        return id != kNoConnection ? &world.books().at(id) : nullptr;
    }

    void check_books_are_the_kernels()
    {
        std::size_t count = 0;
        for (const auto& [id, socket] : kernel.sockets) {
            if (!socket.exists()) {
                continue;
            }
            ++count;
            const Connection* connection = on_books(socket);
            ASSERT_NE(connection, nullptr)
                << state_name(socket.state) << " " << socket.sock.tuple.local.text() << " "
                << socket.sock.tuple.remote.text() << " cookie " << socket.sock.cookie;
            EXPECT_EQ(state_name(connection->state), state_name(socket.state));
            EXPECT_EQ(connection->tuple, socket.sock.tuple);
            check_owner(socket, *connection);
        }
        EXPECT_EQ(world.books().size(), count);
    }
};

TEST_P(Histories, EndInBooksThatAreTheKernels)
{
    for (int round = 0; round < 4; ++round) {
        kernel.loss_percent = GetParam().loss_percent;
        go_through_history(1000);
        ASSERT_FALSE(HasFatalFailure());
        kernel.loss_percent = 0;
        if (census) {
            while (!census->read_on(100)) {
            }
            settle_census();
        }
        drain();
        for (int sweep = 0; sweep < 3; ++sweep) {
            quiet_sweep();
        }
        world.check_sums();
        check_books_are_the_kernels();
        if (HasFailure()) {
            FAIL() << "after round " << round;
        }
    }
    EXPECT_EQ(world.ledger.counters().malformed, 0U);
    if (GetParam().loss_percent == 0) {
        EXPECT_EQ(drift, 0U) << "without loss the events told everything";
        EXPECT_EQ(kernel.lost, 0U);
    } else {
        EXPECT_GT(kernel.lost, 0U);
        EXPECT_GT(drift, 0U) << "loss shows";
    }
}

TEST_P(Histories, LeaveNoMiniSocketsBehind)
{
    go_through_history(500);
    kernel.netns_inums = {kNetns}; // the others are torn down: never dumped again
    drain();
    census.reset();
    kernel.let_minis_die();
    quiet_sweep();
    quiet_sweep();
    EXPECT_EQ(world.count(TcpState::kTimeWait), 0U);
}

class RefinedHistories : public Histories {};

/// With refined hooks the books need no census for what the hooks tell.
TEST_P(RefinedHistories, AreExactAtOnce)
{
    quiet_sweep(); // the seed
    for (int step = 0; step < 1000; ++step) {
        kernel.step();
        if (!kernel.chance(20)) {
            continue;
        }
        drain();
        StateCounts truth{};
        for (const auto& [id, socket] : kernel.sockets) {
            truth[static_cast<std::size_t>(socket.state)] += socket.exists() ? 1U : 0U;
        }
        ASSERT_EQ(world.books().totals(), truth) << "at step " << step;
        for (const auto& [id, socket] : kernel.sockets) {
            const Connection* connection = socket.exists() ? on_books(socket) : nullptr;
            ASSERT_EQ(connection != nullptr, socket.exists()) << "at step " << step;
            if (connection != nullptr && connection->how == How::kAccept) {
                const Process& owner = world.books().processes().at(connection->owner);
                EXPECT_FALSE(socket.queued) << "accepted by " << owner.comm;
            } else if (socket.queued) {
                EXPECT_TRUE(connection->unaccepted);
            }
        }
    }
}

std::vector<Run> plain_runs()
{
    std::vector<Run> all;
    for (unsigned seed = 1; seed <= 12; ++seed) {
        const bool even = seed % 2 == 0;
        all.push_back({"lossless", seed, 0, 0, even, false});
        all.push_back({"skipping", 100 + seed, 0, 10, even, false});
        all.push_back({"lossy", 200 + seed, 5, 10, even, false});
        all.push_back({"torn", 300 + seed, 40, 10, even, false});
    }
    return all;
}

std::vector<Run> refined_runs()
{
    std::vector<Run> all;
    for (unsigned seed = 1; seed <= 4; ++seed) {
        const bool even = seed % 2 == 0;
        all.push_back({"lossless", 400 + seed, 0, 0, even, true});
        all.push_back({"skipping", 500 + seed, 0, 10, even, true});
        all.push_back({"lossy", 600 + seed, 5, 10, even, true});
        all.push_back({"torn", 700 + seed, 40, 10, even, true});
    }
    return all;
}

std::string name_of(const testing::TestParamInfo<Run>& run)
{
    return std::string(run.param.name) + "_" + std::to_string(run.param.seed);
}

INSTANTIATE_TEST_SUITE_P(Plain, Histories, testing::ValuesIn(plain_runs()), name_of);
INSTANTIATE_TEST_SUITE_P(Refined, Histories, testing::ValuesIn(refined_runs()), name_of);
INSTANTIATE_TEST_SUITE_P(Refined, RefinedHistories, testing::ValuesIn(refined_runs()), name_of);

} // namespace
} // namespace tcpledger
