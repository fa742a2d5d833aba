// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/sandbox.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tcpledger {
namespace {

constexpr unsigned kNobody = 65534;
constexpr rlim_t kMostDataBytes = rlim_t{1} << 30U;

// A sanitizer's shadow memory is larger than any limit.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

bool drop_identity()
{
    if (::geteuid() != 0) {
        return true; // nothing to change it with
    }
    return ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
           ::setresuid(kNobody, kNobody, kNobody) == 0;
}

bool drop_capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, 2> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

/// What malloc, libdw, the channel and an orderly end ask of the kernel.
constexpr std::array kAllowed = {
    SCMP_SYS(read),           SCMP_SYS(pread64),      SCMP_SYS(write),
    SCMP_SYS(close),          SCMP_SYS(fstat),        SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),          SCMP_SYS(fcntl),        SCMP_SYS(dup),
    SCMP_SYS(mmap),           SCMP_SYS(munmap),       SCMP_SYS(mprotect),
    SCMP_SYS(mremap),         SCMP_SYS(madvise),      SCMP_SYS(brk),
    SCMP_SYS(recvmsg),        SCMP_SYS(sendmsg),      SCMP_SYS(poll),
    SCMP_SYS(ppoll),          SCMP_SYS(futex),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),     SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),  SCMP_SYS(tgkill),
    SCMP_SYS(getpid),         SCMP_SYS(gettid),       SCMP_SYS(clock_gettime),
    SCMP_SYS(getrandom),      SCMP_SYS(sched_yield),  SCMP_SYS(restart_syscall),
};

bool restrict_system_calls()
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == nullptr) {
        return false;
    }
    bool complete = true;
    for (const int call : kAllowed) {
        // Negative: this architecture has no such call.
        complete = complete && (call < 0 || seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0);
    }
    complete = complete && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return complete;
}

} // namespace

bool enter_sandbox()
{
    const rlimit memory{kMostDataBytes, kMostDataBytes};
    const rlimit no_core{0, 0};
    return (kIsSanitized || ::setrlimit(RLIMIT_DATA, &memory) == 0) &&
           ::setrlimit(RLIMIT_CORE, &no_core) == 0 && drop_identity() && drop_capabilities() &&
           ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && restrict_system_calls();
}

} // namespace tcpledger
