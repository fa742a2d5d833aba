// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/process_watch.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

namespace tcpledger {

Expected<ProcessWatch> ProcessWatch::open(std::uint32_t pid)
{
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd.valid()) {
        return tl::unexpected(Error::from_errno("cannot watch process " + std::to_string(pid)));
    }
    return ProcessWatch(std::move(fd));
}

bool ProcessWatch::ended() const
{
    pollfd watched{fd_.get(), POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
}

} // namespace tcpledger
