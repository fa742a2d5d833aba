// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
//   hook_hits FILE COMMAND [ARGUMENT]...
//
// Runs COMMAND with the kernel's run counts of BPF programs switched on. At
// SIGTERM it writes to FILE, a JSON line each, how often every program that
// COMMAND has attached has run, then ends COMMAND by SIGINT and returns its
// status. It knows programs by the descriptors in /proc/PID/fdinfo and nothing
// of what they do.

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace {

// Of the programs that are attached: a link's fdinfo names both the link and its program.
std::set<unsigned> attached_program_ids(pid_t pid)
{
    std::set<unsigned> ids;
    std::error_code ignored;
    const std::filesystem::path directory = "/proc/" + std::to_string(pid) + "/fdinfo";
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        std::ifstream in(entry.path());
        std::string word;
        unsigned program = 0;
        bool is_link = false;
        while (in >> word) {
            is_link = is_link || word == "link_id:";
            if (word == "prog_id:") {
                in >> program;
            }
        }
        if (is_link && program != 0) {
            ids.insert(program);
        }
    }
    return ids;
}

// The whole name, from the program's BTF: the kernel's own keeps 15 characters.
std::string full_name(int fd, const bpf_prog_info& brief)
{
    bpf_func_info function{};
    bpf_prog_info info{};
    info.nr_func_info = 1;
    info.func_info_rec_size = sizeof(function);
    info.func_info = reinterpret_cast<std::uint64_t>(&function);
    unsigned size = sizeof(info);
    if (brief.btf_id == 0 || bpf_obj_get_info_by_fd(fd, &info, &size) != 0) {
        return brief.name;
    }
    btf* types = btf__load_from_kernel_by_id(brief.btf_id);
    const btf_type* type = btf__type_by_id(types, function.type_id);
    const char* name = type != nullptr ? btf__name_by_offset(types, type->name_off) : nullptr;
    std::string result = name != nullptr ? name : brief.name;
    btf__free(types);
    return result;
}

void write_hits(const char* path, pid_t pid)
{
    FILE* out = std::fopen(path, "w");
    if (out == nullptr) {
        std::perror(path);
        return;
    }
    for (const unsigned id : attached_program_ids(pid)) {
        const int fd = bpf_prog_get_fd_by_id(id);
        bpf_prog_info info{};
        unsigned size = sizeof(info);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
            std::fprintf(out, "{\"program\":\"%s\",\"hits\":%llu}\n", full_name(fd, info).c_str(),
                         static_cast<unsigned long long>(info.run_cnt));
        }
        close(fd);
    }
    std::fclose(out);
}

int status_of(pid_t pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: hook_hits FILE COMMAND [ARGUMENT]...\n");
        return 2;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME); // until it is closed, by exit
    if (statistics < 0) {
        std::perror("run counts of BPF programs");
    }
    const pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_UNBLOCK, &signals, nullptr);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[2], argv + 2);
        std::perror(argv[2]);
        _exit(127);
    }
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGTERM) {
        write_hits(argv[1], child);
        kill(child, SIGINT);
    }
    return status_of(child);
}
