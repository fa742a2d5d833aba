// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stacks/dwfl_modules.hpp"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace tcpledger {
namespace {

#if defined(__x86_64__)
constexpr GElf_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr GElf_Half kMachine = EM_AARCH64;
#else
#error "no unwinding for this architecture"
#endif

struct ElfDeleter {
    void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfPtr = std::unique_ptr<Elf, ElfDeleter>;

ElfPtr open_elf(int fd)
{
    return ElfPtr(elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, nullptr));
}

/// What is added to the file's addresses where the program has mapped it; nothing: no program of
/// this machine, or this part of it is not to be mapped.
std::optional<GElf_Addr> load_bias(Elf* elf, const MappedFile& mapped)
{
    GElf_Ehdr header;
    if (elf == nullptr || gelf_getehdr(elf, &header) == nullptr || header.e_machine != kMachine ||
        header.e_ident[EI_CLASS] != ELFCLASS64) {
        return std::nullopt;
    }
    std::size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) {
        return std::nullopt;
    }
    constexpr std::size_t kMostSegments = 1024;
    for (std::size_t at = 0; at < std::min(count, kMostSegments); ++at) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, static_cast<int>(at), &segment) != nullptr &&
            segment.p_type == PT_LOAD && mapped.offset < segment.p_offset + segment.p_filesz &&
            mapped.offset + (mapped.end - mapped.start) > segment.p_offset) {
            return mapped.start - mapped.offset + segment.p_offset - segment.p_vaddr;
        }
    }
    return std::nullopt;
}

std::string hexadecimal(std::span<const unsigned char> bytes)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

std::string build_id_of(Elf* elf)
{
    const void* id = nullptr;
    const ssize_t size = elf != nullptr ? dwelf_elf_gnu_build_id(elf, &id) : -1;
    return size > 0 ? hexadecimal({static_cast<const unsigned char*>(id),
                                   std::min(static_cast<std::size_t>(size), std::size_t{64})})
                    : std::string();
}

std::string build_id_of(Dwfl_Module* module)
{
    GElf_Addr bias = 0;
    return build_id_of(dwfl_module_getelf(module, &bias));
}

int find_no_elf(Dwfl_Module* /*module*/, void** /*userdata*/, const char* /*name*/,
                Dwarf_Addr /*base*/, char** /*file_name*/, Elf** /*elf*/)
{
    return -1; // each was reported with its file
}

} // namespace

DwflModules::DwflModules(std::vector<MappedFile> mapped, std::span<UniqueFd> files)
    : mapped_(std::move(mapped)), places_(mapped_.size())
{
    elf_version(EV_CURRENT);
    for (UniqueFd& file : files) {
        files_.push_back(std::move(file));
    }
    for (std::uint32_t index = 0; index < places_.size(); ++index) {
        places_[index] = {this, index, 0};
    }
}

void DwflModules::add_debug_file(std::uint32_t mapped, UniqueFd file)
{
    const auto looked_for = wanted_.find(mapped);
    if (looked_for == wanted_.end() || !file.valid()) {
        return;
    }
    const std::string& build_id = looked_for->second.build_id;
    if (!build_id.empty() && build_id_of(open_elf(file.get()).get()) != build_id) {
        return; // of another build
    }
    debug_files_.insert_or_assign(mapped, std::move(file));
    wanted_.erase(mapped);
    dwfl_.reset(); // it does not look for one twice
}

Dwfl* DwflModules::dwfl()
{
    if (!dwfl_) {
        report_all();
    }
    return dwfl_.get();
}

void DwflModules::report_all()
{
    static constexpr Dwfl_Callbacks kCallbacks = {.find_elf = find_no_elf,
                                                  .find_debuginfo = find_debuginfo,
                                                  .section_address = dwfl_offline_section_address,
                                                  .debuginfo_path = nullptr};
    ++generation_;
    dwfl_.reset(dwfl_begin(&kCallbacks));
    if (!dwfl_) {
        return;
    }
    dwfl_report_begin(dwfl_.get());
    reported_.clear();
    for (std::uint32_t index = 0; index < mapped_.size(); ++index) {
        report(index);
    }
    dwfl_report_end(dwfl_.get(), nullptr, nullptr);
}

void DwflModules::report(std::uint32_t index)
{
    const MappedFile& mapped = mapped_[index];
    if (mapped.file < 0 || static_cast<std::size_t>(mapped.file) >= files_.size()) {
        return;
    }
    const int fd = files_[static_cast<std::size_t>(mapped.file)].get();
    const auto bias = load_bias(open_elf(fd).get(), mapped);
    if (!bias) {
        return;
    }
    // A file is one module, whatever parts of it are mapped; reported twice it would be none.
    const auto [reported, is_new] = reported_.try_emplace(mapped.file, *bias);
    places_[index].shift = *bias - reported->second;
    const int own = is_new ? ::fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (own < 0) {
        return;
    }
    // The module keeps the descriptor, unless there is no module.
    Dwfl_Module* module =
        dwfl_report_elf(dwfl_.get(), mapped.path.c_str(), mapped.path.c_str(), own, *bias, true);
    if (module == nullptr) {
        ::close(own);
        return;
    }
    void** userdata = nullptr;
    dwfl_module_info(module, &userdata, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    if (userdata != nullptr) {
        *userdata = &places_[index];
    }
}

int DwflModules::find_debuginfo(Dwfl_Module* module, void** userdata, const char* /*name*/,
                                Dwarf_Addr /*base*/, const char* /*file_name*/,
                                const char* debug_link, GElf_Word /*crc*/,
                                char** /*debug_file_name*/)
{
    const auto* place = static_cast<const Place*>(*userdata);
    if (place == nullptr) {
        return -1;
    }
    DwflModules& self = *place->modules;
    if (const auto found = self.debug_files_.find(place->mapped);
        found != self.debug_files_.end()) {
        return ::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0);
    }
    self.wanted_.insert_or_assign(
        place->mapped, WantedDebugFile{place->mapped, build_id_of(module),
                                       debug_link != nullptr ? debug_link : std::string()});
    return -1;
}

Dwfl_Module* DwflModules::module_at(std::uint64_t address)
{
    return dwfl() != nullptr ? dwfl_addrmodule(dwfl(), address) : nullptr;
}

const MappedFile* DwflModules::mapped_at(std::uint64_t address) const
{
    const auto found = std::ranges::find_if(mapped_, [&](const MappedFile& mapped) {
        return address >= mapped.start && address < mapped.end;
    });
    return found != mapped_.end() ? &*found : nullptr;
}

std::uint64_t DwflModules::in_module(std::uint64_t address) const
{
    const MappedFile* mapped = mapped_at(address);
    return mapped != nullptr
               ? address - places_[static_cast<std::size_t>(mapped - mapped_.data())].shift
               : address;
}

std::uint32_t DwflModules::index_of(Dwfl_Module* module)
{
    void** userdata = nullptr;
    dwfl_module_info(module, &userdata, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    const auto* place = userdata != nullptr ? static_cast<const Place*>(*userdata) : nullptr;
    return place != nullptr ? place->mapped : 0;
}

bool DwflModules::is_entry(std::uint64_t address)
{
    constexpr std::uint64_t kStartBytes = 64; // of _start()
    Dwfl_Module* module = module_at(address);
    GElf_Addr bias = 0;
    Elf* elf = module != nullptr ? dwfl_module_getelf(module, &bias) : nullptr;
    GElf_Ehdr header;
    return elf != nullptr && gelf_getehdr(elf, &header) != nullptr && header.e_entry != 0 &&
           address - bias - header.e_entry < kStartBytes;
}

std::vector<WantedDebugFile> DwflModules::wanted() const
{
    std::vector<WantedDebugFile> all;
    for (const auto& [mapped, wanted] : wanted_) {
        all.push_back(wanted);
    }
    return all;
}

} // namespace tcpledger
