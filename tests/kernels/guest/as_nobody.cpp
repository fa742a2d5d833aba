// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
//   as_nobody CAPABILITIES COMMAND [ARGUMENT]...
//
// Runs COMMAND as user and group 65534 with exactly the capabilities named (by
// number, separated by commas; "none" for none), as `setcap` on the program would give them.

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr unsigned kNobody = 65534;

std::vector<unsigned> read_numbers(const char* text)
{
    std::vector<unsigned> numbers;
    if (std::string_view(text) == "none") {
        return numbers;
    }
    std::istringstream in(text);
    for (std::string word; std::getline(in, word, ',');) {
        numbers.push_back(static_cast<unsigned>(std::strtoul(word.c_str(), nullptr, 10)));
    }
    return numbers;
}

bool hold_only(const std::vector<unsigned>& capabilities)
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    for (const unsigned capability : capabilities) {
        __user_cap_data_struct& word = sets.at(capability / 32);
        word.effective = word.permitted = word.inheritable |= 1U << (capability % 32);
    }
    return syscall(SYS_capset, &header, sets.data()) == 0;
}

bool become_nobody(const std::vector<unsigned>& capabilities)
{
    bool good = prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, nullptr) == 0;
    good = good && setresgid(kNobody, kNobody, kNobody) == 0 &&
           setresuid(kNobody, kNobody, kNobody) == 0;
    good = good && hold_only(capabilities);
    for (const unsigned capability : capabilities) {
        good = good && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0;
    }
    return good;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: as_nobody CAPABILITIES COMMAND [ARGUMENT]...\n");
        return 2;
    }
    if (!become_nobody(read_numbers(argv[1]))) {
        std::perror("as_nobody");
        return 1;
    }
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    return 127;
}
