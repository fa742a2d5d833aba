// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/load_error.hpp"

#include "kernel/abilities.hpp"
#include "kernel/libbpf_log.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tcpledger {
namespace {

/// The one line of libbpf's warnings that tells the cause: the verifier's, where it
/// names a function this kernel lacks, else the first.
std::string telling_line(const std::string& text)
{
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        if (line.find("unknown func") != std::string::npos ||
            line.find("invalid func") != std::string::npos ||
            line.find("not allowed") != std::string::npos) {
            return line + ": this kernel is too old";
        }
        begin = end + 1;
    }
    return text.substr(0, text.find('\n'));
}

} // namespace

std::string privileges_hint()
{
    return "needs CAP_BPF and CAP_PERFMON, and CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_SYS_ADMIN and "
           "CAP_DAC_READ_SEARCH for owners and for other network namespaces, and CAP_SYS_NICE for "
           "busy hosts: run it with sudo, or: setcap cap_bpf,cap_perfmon,cap_net_admin,"
           "cap_sys_ptrace,cap_sys_admin,cap_dac_read_search,cap_sys_nice+ep tcpledger";
}

Error load_error(int error_number, std::string what)
{
    const std::string said = telling_line(take_libbpf_warnings());
    const bool denied = error_number == EPERM || error_number == EACCES;
    if (denied && !held_capabilities().can_trace()) {
        return {ErrorKind::kNotPermitted, error_number, std::move(what), privileges_hint()};
    }
    Error error = Error::from_code(error_number, std::move(what), said);
    const bool short_of =
        error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
    error.kind = short_of ? ErrorKind::kFailed : ErrorKind::kUnsupported;
    return error;
}

Error trampoline_error(int error_number, std::string what)
{
    // ENOTSUPP, which has no name here, is what architectures without trampolines say.
    constexpr int kNotSupported = 524;
    Error error = load_error(error_number, std::move(what));
    if (error.kind == ErrorKind::kUnsupported &&
        (error_number == EPERM || error_number == kNotSupported)) {
        error.hint = "this kernel refuses BPF trampolines: no fentry, no fexit";
    }
    return error;
}

} // namespace tcpledger
