// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// flame_samples DIRECTORY: writes each sample in each form, for readers that are not ours
// (flame_files_test.py, and eyes).
#include "flame_samples.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>

namespace tcpledger {
namespace {

struct Sample {
    std::string name;
    std::vector<FlameStack> stacks;
};

void write_file(const std::filesystem::path& path, std::string_view content)
{
    std::ofstream file(path, std::ios::binary);
    file << content;
    file.close();
    if (!file) {
        std::cerr << "cannot write " << path << '\n';
        std::exit(1);
    }
}

void write_sample(const std::filesystem::path& directory, const Sample& sample)
{
    const FlameTitle title{.title = "Where the leaking sockets were opened: " + sample.name,
                           .subtitle = "<script>alert('subtitle')</script> observed for 60s"};
    write_file(directory / (sample.name + ".folded"), render_folded(sample.stacks));
    write_file(directory / (sample.name + ".svg"), render_flame_svg(sample.stacks, title));
    JsonWriter json;
    write_speedscope(json, sample.stacks, title.title);
    write_file(directory / (sample.name + ".speedscope.json"), json.take_line());
}

void write_samples(const std::filesystem::path& directory)
{
    const std::vector<Sample> samples = {
        {.name = "empty", .stacks = {}},
        {.name = "single", .stacks = single_sample()},
        {.name = "typical", .stacks = typical_sample()},
        {.name = "large", .stacks = large_sample(300, 60)},
        {.name = "crowded", .stacks = large_sample(3'000, 40)},
        {.name = "hostile", .stacks = hostile_sample()},
    };
    for (const Sample& sample : samples) {
        write_sample(directory, sample);
    }
}

} // namespace
} // namespace tcpledger

int main(int argc, char** argv)
{
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    if (arguments.size() != 2) {
        std::cerr << "usage: flame_samples DIRECTORY\n";
        return 2;
    }
    tcpledger::write_samples(arguments[1]);
    return 0;
}
