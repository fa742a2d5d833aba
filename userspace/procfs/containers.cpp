// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/containers.hpp"

#include <algorithm>
#include <cstddef>

namespace tcpledger {
namespace {

constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kShownIdDigits = 12;
constexpr std::size_t kShownPodDigits = 8;
constexpr std::size_t kShownNameBytes = 64;

using Name = std::optional<std::string>;

bool is_hex(std::string_view text)
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Removes `prefix` if it is there and something follows it.
bool strip_prefix(std::string_view& text, std::string_view prefix)
{
    const bool stripped = text.starts_with(prefix) && text.size() > prefix.size();
    text.remove_prefix(stripped ? prefix.size() : 0);
    return stripped;
}

bool strip_suffix(std::string_view& text, std::string_view suffix)
{
    const bool stripped = text.ends_with(suffix) && text.size() > suffix.size();
    text.remove_suffix(stripped ? suffix.size() : 0);
    return stripped;
}

int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/// Undoes systemd's escapes (\x2d) of printable ASCII; others stay as they are.
std::string unescape(std::string_view text)
{
    std::string plain;
    while (!text.empty()) {
        if (text.starts_with("\\x") && text.size() >= 4 && is_hex(text.substr(2, 2))) {
            const int code = hex_value(text[2]) * 16 + hex_value(text[3]);
            if (code > ' ' && code < 0x7f) {
                plain += static_cast<char>(code);
                text.remove_prefix(4);
                continue;
            }
        }
        plain += text.front();
        text.remove_prefix(1);
    }
    return plain;
}

Name shown_name(std::string_view name)
{
    return unescape(name).substr(0, kShownNameBytes);
}

/// ID, docker-ID.scope, cri-containerd-ID.scope, libpod-ID, ….slice:cri-containerd:ID; the
/// monitor of a container (libpod-conmon-ID) is on the host.
Name by_id(std::string_view segment)
{
    strip_suffix(segment, ".scope");
    if (segment.size() < kIdDigits) {
        return std::nullopt;
    }
    const std::string_view prefix = segment.substr(0, segment.size() - kIdDigits);
    const std::string_view id = segment.substr(prefix.size());
    constexpr std::string_view kSeparators = "-:._";
    const bool separated =
        prefix.empty() || kSeparators.find(prefix.back()) != std::string_view::npos;
    if (!separated || prefix.ends_with("conmon-") || !is_hex(id)) {
        return std::nullopt;
    }
    return std::string(id.substr(0, kShownIdDigits));
}

/// lxc.payload.NAME, lxc.payload/NAME, lxc/NAME; not lxc.monitor.NAME.
Name by_lxc(std::string_view segment, std::string_view parent)
{
    if (strip_prefix(segment, "lxc.payload.") || parent == "lxc" || parent == "lxc.payload") {
        return shown_name(segment);
    }
    return std::nullopt;
}

/// machine-NAME.scope and systemd-nspawn@NAME.service; but what is in their supervisor/ runs on
/// the host, and machine-qemu… is libvirt's virtual machine.
Name by_machine(std::string_view segment, std::string_view child)
{
    if (child == "supervisor") {
        return std::nullopt;
    }
    if (strip_suffix(segment, ".scope")) {
        const bool machine = strip_prefix(segment, "machine-") && !segment.starts_with("qemu\\x2d");
        return machine ? shown_name(segment) : std::nullopt;
    }
    if (strip_suffix(segment, ".service") && strip_prefix(segment, "systemd-nspawn@")) {
        return shown_name(segment);
    }
    return std::nullopt;
}

/// kubepods/…/podUID and kubepods-…-podUID.slice.
Name by_pod(std::string_view segment, bool below_kubepods)
{
    if (segment.starts_with("kubepods")) {
        const std::size_t pod = segment.rfind("-pod");
        if (pod == std::string_view::npos) {
            return std::nullopt;
        }
        segment.remove_prefix(pod + 1);
    } else if (!below_kubepods) {
        return std::nullopt;
    }
    if (!strip_prefix(segment, "pod")) {
        return std::nullopt;
    }
    const std::string_view uid = segment.substr(0, kShownPodDigits);
    if (uid.size() < kShownPodDigits || !is_hex(uid)) {
        return std::nullopt;
    }
    return "pod-" + std::string(uid);
}

/// Takes the part after the last '/' of `path`, and the '/'.
std::string_view take_last_segment(std::string_view& path)
{
    const std::size_t slash = path.rfind('/');
    const std::string_view segment =
        slash == std::string_view::npos ? path : path.substr(slash + 1);
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
    return segment;
}

} // namespace

std::optional<std::string> container_of_cgroup(std::string_view cgroup_path)
{
    const bool below_kubepods = cgroup_path.find("/kubepods") != std::string_view::npos;
    std::string_view rest = cgroup_path;
    std::string_view child;
    std::string_view segment = take_last_segment(rest);
    while (!segment.empty() || !rest.empty()) {
        const std::string_view parent = take_last_segment(rest);
        for (Name name : {by_id(segment), by_lxc(segment, parent), by_machine(segment, child),
                          by_pod(segment, below_kubepods)}) {
            if (name && !name->empty()) {
                return name;
            }
        }
        child = segment;
        segment = parent;
    }
    return std::nullopt;
}

} // namespace tcpledger
