// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session/debug_files.hpp"

#include <gtest/gtest.h>

namespace tcpledger {
namespace {

using Paths = std::vector<std::string>;

TEST(DebugFiles, AreLookedForByBuildIdThenByLink)
{
    EXPECT_EQ(debug_file_paths("/opt/shop/bin/app", {0, "abcdef0123", "app.debug"}),
              (Paths{"/usr/lib/debug/.build-id/ab/cdef0123.debug", "/opt/shop/bin/app.debug",
                     "/opt/shop/bin/.debug/app.debug", "/usr/lib/debug/opt/shop/bin/app.debug"}));
    EXPECT_EQ(debug_file_paths("/app", {0, "abcdef0123", ""}),
              (Paths{"/usr/lib/debug/.build-id/ab/cdef0123.debug"}));
    EXPECT_EQ(debug_file_paths("/app", {0, "", "a.debug"}),
              (Paths{"/a.debug", "/.debug/a.debug", "/usr/lib/debug/a.debug"}));
}

TEST(DebugFiles, OfHostileNamesAreNowhere)
{
    for (const WantedDebugFile& wanted :
         {WantedDebugFile{0, "", ""}, WantedDebugFile{0, "ab", ""},
          WantedDebugFile{0, "../../etc/shadow", ""}, WantedDebugFile{0, "ABCDEF", ""},
          WantedDebugFile{0, "", "../../../etc/shadow"}, WantedDebugFile{0, "", "/etc/shadow"}}) {
        EXPECT_EQ(debug_file_paths("/opt/app", wanted), Paths{}) << wanted.build_id;
    }
    EXPECT_EQ(debug_file_paths("no path", {0, "", "a.debug"}), Paths{});
}

Named nameless(const std::string& module)
{
    Named named;
    named.frames.push_back({"", "", 0, module, 0x10, false});
    return named;
}

TEST(NamingHints, SayWhatIsMissing)
{
    const std::vector<MappedFile> mapped = {{0, 1, 0, 0, "/opt/app"}, {1, 2, 0, 1, "/lib/b.so"}};
    Named named = nameless("/lib/b.so");
    named.wanted = {{0, "aaaaaa", ""}, {1, "bbbbbb", ""}};
    const auto hints = naming_hints(named, mapped, 812);
    ASSERT_EQ(hints.size(), 1U); // all of /opt/app has names
    EXPECT_NE(hints[0].find("b.so"), std::string::npos);
    EXPECT_NE(hints[0].find("bbbbbb"), std::string::npos);
    EXPECT_NE(hints[0].find("find-dbgsym-packages 812"), std::string::npos);
}

TEST(NamingHints, NameTheFlagOfTheRuntime)
{
    Named named;
    named.wants_perf_map = true;
    const auto hint = [&](const std::string& program) {
        const std::vector<MappedFile> mapped = {{0, 1, 0, 0, program}};
        const auto hints = naming_hints(named, mapped, 812);
        return hints.empty() ? std::string() : hints.front();
    };
    EXPECT_NE(hint("/usr/bin/node").find("--perf-basic-prof"), std::string::npos);
    EXPECT_NE(hint("/usr/bin/nodejs").find("--perf-basic-prof"), std::string::npos);
    EXPECT_NE(hint("/usr/lib/jvm/bin/java").find("PreserveFramePointer"), std::string::npos);
    EXPECT_NE(hint("/opt/other").find("perf-812.map"), std::string::npos);
    named.wants_perf_map = false;
    EXPECT_EQ(hint("/usr/bin/node"), "");
}

} // namespace
} // namespace tcpledger
