// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "netlink/namespaces.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>

namespace tcpledger {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// The whole of `text` as a number.
std::optional<std::uint32_t> read_number(std::string_view text)
{
    std::uint32_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && rest == end && !text.empty() ? std::optional(number)
                                                                : std::nullopt;
}

/// "net:[4026531840]" → 4026531840
std::optional<std::uint32_t> read_link_text(std::string_view text)
{
    constexpr std::string_view kPrefix = "net:[";
    if (!text.starts_with(kPrefix) || !text.ends_with(']')) {
        return std::nullopt;
    }
    text.remove_prefix(kPrefix.size());
    text.remove_suffix(1);
    return read_number(text);
}

bool is_denied(int error_number)
{
    return error_number == EACCES || error_number == EPERM;
}

bool is_out_of_descriptors(int error_number)
{
    return error_number == EMFILE || error_number == ENFILE;
}

/// Collects namespaces; knows each by its number.
class Finder {
public:
    Expected<void> add_own(int proc_fd);
    Expected<void> add_processes(DIR* proc);
    Expected<void> add_names(DIR* run_netns);

    NamespaceList take() { return std::move(list_); }

private:
    Expected<void> add_process(int proc_fd, const char* directory, std::uint32_t pid);
    /// The entry of the namespace behind `path`; nothing where it vanished, is denied or is none.
    Expected<NetworkNamespace*> open_at(int directory_fd, const char* path);

    NamespaceList list_;
    std::unordered_map<std::uint32_t, std::size_t> index_;
    dev_t device_ = 0; ///< of the kernel's file system of namespaces
};

Expected<void> Finder::add_own(int proc_fd)
{
    UniqueFd fd(::openat(proc_fd, "self/ns/net", O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
        return tl::unexpected(Error::from_errno("cannot open our own network namespace"));
    }
    std::array<char, 16> pid{};
    const ssize_t length = ::readlinkat(proc_fd, "self", pid.data(), pid.size());
    NetworkNamespace& own = list_.namespaces.emplace_back();
    own.inum = static_cast<std::uint32_t>(status.st_ino);
    own.fd = std::move(fd);
    if (length > 0) {
        own.pid = read_number({pid.data(), static_cast<std::size_t>(length)}).value_or(0);
    }
    device_ = status.st_dev;
    index_.emplace(own.inum, 0);
    return {};
}

Expected<NetworkNamespace*> Finder::open_at(int directory_fd, const char* path)
{
    UniqueFd fd(::openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid()) {
        if (is_out_of_descriptors(errno)) {
            return tl::unexpected(
                Error::from_errno("cannot open all network namespaces",
                                  "each needs a descriptor: raise the limit, ulimit -n"));
        }
        list_.denied_count += is_denied(errno) ? 1U : 0U;
        return nullptr;
    }
    struct stat status{};
    // What is left of a name whose namespace was unmounted is an ordinary file elsewhere.
    if (::fstat(fd.get(), &status) != 0 || status.st_dev != device_) {
        return nullptr;
    }
    const auto inum = static_cast<std::uint32_t>(status.st_ino);
    const auto [known, is_new] = index_.try_emplace(inum, list_.namespaces.size());
    if (is_new) {
        list_.namespaces.push_back({inum, std::move(fd), {}, 0});
    }
    return &list_.namespaces[known->second];
}

Expected<void> Finder::add_process(int proc_fd, const char* directory, std::uint32_t pid)
{
    const std::string path = std::string(directory) + "/ns/net";
    std::array<char, 64> target{};
    const ssize_t length = ::readlinkat(proc_fd, path.c_str(), target.data(), target.size());
    if (length < 0) {
        list_.denied_count += is_denied(errno) ? 1U : 0U;
        return {};
    }
    const auto inum = read_link_text({target.data(), static_cast<std::size_t>(length)});
    if (!inum || index_.contains(*inum)) {
        return {};
    }
    // The pid may have become another process since: what counts is what the descriptor says.
    const Expected<NetworkNamespace*> found = open_at(proc_fd, path.c_str());
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (*found != nullptr && (*found)->pid == 0) {
        (*found)->pid = pid;
    }
    return {};
}

Expected<void> Finder::add_processes(DIR* proc)
{
    while (const dirent* entry = ::readdir(proc)) {
        const std::optional<std::uint32_t> pid = read_number(entry->d_name);
        if (!pid) {
            continue;
        }
        if (Expected<void> added = add_process(::dirfd(proc), entry->d_name, *pid); !added) {
            return added;
        }
    }
    return {};
}

Expected<void> Finder::add_names(DIR* run_netns)
{
    while (const dirent* entry = ::readdir(run_netns)) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") {
            continue;
        }
        const Expected<NetworkNamespace*> found = open_at(::dirfd(run_netns), entry->d_name);
        if (!found) {
            return tl::unexpected(found.error());
        }
        if (*found != nullptr && (*found)->name.empty()) {
            (*found)->name = name;
        }
    }
    return {};
}

} // namespace

Expected<NamespaceList> list_namespaces(const std::filesystem::path& proc_root,
                                        const std::filesystem::path& run_netns)
{
    const Directory proc(::opendir(proc_root.c_str()));
    if (!proc) {
        return tl::unexpected(Error::from_errno("cannot read " + proc_root.string()));
    }
    Finder finder;
    const Directory names(::opendir(run_netns.c_str())); // absent where nobody used ip netns
    const bool names_denied = !names && is_denied(errno);
    const Expected<void> found =
        finder.add_own(::dirfd(proc.get()))
            .and_then([&] { return finder.add_processes(proc.get()); })
            .and_then([&] { return names ? finder.add_names(names.get()) : Expected<void>(); });
    if (!found) {
        return tl::unexpected(found.error());
    }
    NamespaceList list = finder.take();
    list.denied_count += names_denied ? 1U : 0U;
    return list;
}

Expected<void> enter_namespace(int netns_fd, const std::function<void()>& work)
{
    if (netns_fd < 0) {
        work();
        return {};
    }
    int error_number = 0;
    try {
        std::thread inside([&] {
            if (::setns(netns_fd, CLONE_NEWNET) != 0) {
                error_number = errno;
                return;
            }
            work();
        });
        inside.join();
    } catch (const std::system_error& error) {
        return tl::unexpected(Error::from_code(error.code().value(), "cannot start a thread"));
    }
    if (error_number != 0) {
        return tl::unexpected(
            Error::from_code(error_number, "cannot enter a network namespace",
                             is_denied(error_number) ? "needs CAP_SYS_ADMIN: run with sudo" : ""));
    }
    return {};
}

} // namespace tcpledger
