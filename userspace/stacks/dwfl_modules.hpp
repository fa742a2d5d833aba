// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A program's files, reported to libdwfl at the addresses at which the program has them, and where
// their debug information comes from. Internal to stacks/.
#pragma once

#include "base/unique_fd.hpp"
#include "stacks/messages.hpp"

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tcpledger {

struct DwflDeleter {
    void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

class DwflModules {
public:
    DwflModules(std::vector<MappedFile> mapped, std::span<UniqueFd> files);
    DwflModules(const DwflModules&) = delete;
    DwflModules& operator=(const DwflModules&) = delete;

    /// Null: none of the files can be read.
    [[nodiscard]] Dwfl* dwfl();
    /// Changes whenever dwfl() is another one.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    void add_debug_file(std::uint32_t mapped, UniqueFd file);

    [[nodiscard]] Dwfl_Module* module_at(std::uint64_t address);
    [[nodiscard]] const MappedFile* mapped_at(std::uint64_t address) const;
    /// The same address where the module is: a program may map its own file once more, elsewhere
    /// (V8 does, to have its builtins near what it compiles).
    [[nodiscard]] std::uint64_t in_module(std::uint64_t address) const;
    /// The module's index among the mapped files.
    [[nodiscard]] static std::uint32_t index_of(Dwfl_Module* module);
    /// Whether the address lies in the first instructions of a program, before which there are
    /// none.
    [[nodiscard]] bool is_entry(std::uint64_t address);
    /// Debug files that were looked for and are not there.
    [[nodiscard]] std::vector<WantedDebugFile> wanted() const;

private:
    /// What libdwfl keeps for us with each module.
    struct Place {
        DwflModules* modules = nullptr;
        std::uint32_t mapped = 0;
        GElf_Addr shift = 0; ///< see in_module()
    };

    static int find_debuginfo(Dwfl_Module* module, void** userdata, const char* name,
                              Dwarf_Addr base, const char* file_name, const char* debug_link,
                              GElf_Word crc, char** debug_file_name);
    void report_all();
    void report(std::uint32_t index);

    std::vector<MappedFile> mapped_; ///< sorted by address
    std::vector<UniqueFd> files_;
    std::map<std::uint32_t, UniqueFd> debug_files_; ///< by index in mapped_
    std::map<std::uint32_t, WantedDebugFile> wanted_;
    std::vector<Place> places_;
    std::map<std::int32_t, GElf_Addr> reported_; ///< the bias, by file
    std::unique_ptr<Dwfl, DwflDeleter> dwfl_;
    std::uint64_t generation_ = 0;
};

} // namespace tcpledger
