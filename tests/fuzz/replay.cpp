// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs a fuzz target over the files of the directories named on the command line, without a
// fuzzer: the corpus as an ordinary test. Each input is also tried cut short at every length
// and with single bytes changed. It knows nothing of any target.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// NOLINTNEXTLINE(readability-identifier-naming): the fuzzer's name for it
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kVariedBytes = 200; ///< longer inputs are run as they are

void run(const std::string& input)
{
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

void run_with_variations(std::string input)
{
    run(input);
    if (input.size() > kVariedBytes) {
        return;
    }
    for (std::size_t at = 0; at < input.size(); ++at) {
        run(input.substr(0, at));
        const char original = input[at];
        for (const char replacement : {'(', ')', '"', ' ', '\xff'}) {
            input[at] = replacement;
            run(input);
        }
        input[at] = original;
    }
}

} // namespace

int main(int argc, char** argv)
{
    std::size_t inputs = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
            if (!entry.is_regular_file()) {
                continue;
            }
            std::ifstream file(entry.path(), std::ios::binary);
            std::printf("%s\n", entry.path().filename().c_str()); // the last one is to blame
            std::fflush(stdout);
            run_with_variations({std::istreambuf_iterator<char>(file), {}});
            ++inputs;
        }
    }
    std::printf("%zu inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
