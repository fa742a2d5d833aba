// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "procfs/mappings.hpp"
#include "stub_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tcpledger {
namespace {

TEST(ParseMappings, TakesWhatIsExecutableAndAFiles)
{
    const auto mappings = parse_mappings(
        "55d0c8a00000-55d0c8a01000 r--p 00000000 fe:01 12 /usr/bin/a\n"
        "55d0c8a01000-55d0c8a05000 r-xp 00001000 fe:01 12                 /usr/bin/a\n"
        "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
        "7f0000002000-7f0000003000 r-xp 00002000 fe:01 77   /opt/with blanks/b.so (deleted)\n"
        "7ffc0a5e2000-7ffc0a5e4000 r-xp 00000000 00:00 0                          [vdso]\n");
    const std::vector<ExecutableMapping> expected = {
        {0x55d0c8a01000, 0x55d0c8a05000, 0x1000, 12, "/usr/bin/a"},
        {0x7f0000002000, 0x7f0000003000, 0x2000, 77, "/opt/with blanks/b.so"}};
    EXPECT_EQ(mappings, expected);
}

TEST(ParseMappings, NonsenseIsPassedOver)
{
    EXPECT_TRUE(parse_mappings("").empty());
    EXPECT_TRUE(parse_mappings("\n\n-\n1-2\n2-1 r-xp 0 0:0 1 /a\n1-2 r-xp x 0:0 1 /a\n"
                               "1-2 r-xp 0 0:0 y /a\n1-2 r-xp 0 0:0 1 a\n1-2 rw-p 0 0:0 1 /a\n"
                               "1-10000000000000000 r-xp 0 0:0 1 /a\n")
                    .empty());
    EXPECT_EQ(parse_mappings("1-2 r-xp 0 0:0 1 /a").size(), 1U);
}

TEST(ProcessRoot, OpensWhatItHasMapped)
{
    const auto root = ProcessRoot::open(static_cast<std::uint32_t>(::getpid()));
    ASSERT_TRUE(root);
    const auto mappings = root->mappings();
    ASSERT_TRUE(mappings && !mappings->empty());
    EXPECT_TRUE(root->open_mapped(mappings->front()).valid());
    EXPECT_NE(root->program(), FileIdentity{});
    EXPECT_EQ(root->inner_pid(), static_cast<std::uint32_t>(::getpid()));
}

TEST(ProcessRoot, OpensRegularFilesAlone)
{
    const auto root = ProcessRoot::open(static_cast<std::uint32_t>(::getpid()));
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("mappings_test." + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "file") << "x";
    ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
    std::filesystem::create_symlink(folder / "file", folder / "link");
    std::filesystem::create_symlink(folder / "loop", folder / "loop");
    EXPECT_TRUE(root->open_file(folder / "file").valid());
    EXPECT_TRUE(root->open_file(folder / "link").valid());
    for (const auto& name : {folder / "fifo", folder / "loop", folder / "none", folder,
                             std::filesystem::path("/dev/null"), std::filesystem::path("")}) {
        EXPECT_FALSE(root->open_file(name).valid()) << name;
        EXPECT_FALSE(open_regular_file(name).valid()) << name;
    }
    std::filesystem::remove_all(folder);
}

TEST(ProcessRoot, OfNobodyIsAnError)
{
    EXPECT_FALSE(ProcessRoot::open(0x7fffffff));
}

} // namespace
} // namespace tcpledger
