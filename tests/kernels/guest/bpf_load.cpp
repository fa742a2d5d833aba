// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// Loads each BPF object given on the command line, attaches every program in
// it, makes each hook happen once and says, a JSON line a program, whether it
// loaded, attached and ran. Statically linked, for guests that have nothing
// else; it knows nothing of what the programs do with what they see. The last
// words of the verifier go to stderr. Status: 0 all ran, 1 some did not.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

struct Outcome {
    std::string program;
    bool loaded = false;
    bool attached = false;
    unsigned long long hits = 0;
    int error = 0;
};

// One listening socket opened and closed, and a child that runs and exits.
void make_events()
{
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    listen(listener, 1);
    close(listener);
    const pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "bpf_load", nullptr);
        _exit(0);
    }
    waitpid(child, nullptr, 0);
}

void drain_iterator(const bpf_link* link)
{
    const int reader = bpf_iter_create(bpf_link__fd(link));
    if (reader < 0) {
        return;
    }
    char buffer[4096];
    for (int step = 0; step < 1000 && read(reader, buffer, sizeof(buffer)) > 0; ++step) {
    }
    close(reader);
}

unsigned long long run_count(const bpf_program* program)
{
    bpf_prog_info info{};
    unsigned size = sizeof(info);
    return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0 ? info.run_cnt : 0;
}

// Attaches what loaded, makes the events and fills in attached, hits and error.
void attach_and_count(bpf_object* object, std::vector<Outcome>& outcomes)
{
    std::vector<bpf_link*> links;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); // for the iterator to find
    std::size_t at = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object)
    {
        Outcome& outcome = outcomes[at++];
        bpf_link* link = bpf_program__attach(program);
        outcome.attached = link != nullptr;
        outcome.error = link != nullptr ? 0 : errno;
        if (link == nullptr) {
            continue;
        }
        links.push_back(link);
        if (std::string(bpf_program__section_name(program)).starts_with("iter/")) {
            drain_iterator(link);
        }
    }
    make_events();
    at = 0;
    bpf_object__for_each_program(program, object)
    {
        outcomes[at++].hits = run_count(program);
    }
    std::for_each(links.begin(), links.end(), bpf_link__destroy);
    close(listener);
}

std::vector<Outcome> try_object(const char* path)
{
    std::vector<Outcome> outcomes;
    bpf_object* object = bpf_object__open_file(path, nullptr);
    if (object == nullptr) {
        outcomes.push_back({path, false, false, 0, errno});
        return outcomes;
    }
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object)
    {
        outcomes.push_back({bpf_program__name(program)});
    }
    const int failed = bpf_object__load(object);
    for (Outcome& outcome : outcomes) {
        outcome.loaded = failed == 0;
        outcome.error = -failed;
    }
    if (failed == 0) {
        attach_and_count(object, outcomes);
    }
    bpf_object__close(object);
    return outcomes;
}

// The verifier's log and libbpf's complaints; its chatter is left out.
int print_warnings(libbpf_print_level level, const char* format, va_list arguments)
{
    return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        return 0; // the child of make_events()
    }
    libbpf_set_print(print_warnings);
    const int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
    bool all_ran = statistics >= 0;
    for (int i = 1; i < argc; ++i) {
        for (const Outcome& outcome : try_object(argv[i])) {
            printf("{\"object\":\"%s\",\"program\":\"%s\",\"loaded\":%s,\"attached\":%s,\"hits\":%"
                   "llu,\"error\":\"%s\"}\n",
                   argv[i], outcome.program.c_str(), outcome.loaded ? "true" : "false",
                   outcome.attached ? "true" : "false", outcome.hits,
                   outcome.error != 0 ? strerror(outcome.error) : "");
            all_ran = all_ran && outcome.loaded && outcome.attached && outcome.hits > 0;
        }
    }
    return all_ran ? 0 : 1;
}
