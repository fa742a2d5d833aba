# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# add_bpf_object(NAME): bpf/NAME.bpf.c → NAME.bpf.o → NAME.skel.h, offered as the
# INTERFACE target bpf::NAME. The compiler's depfile tracks every header.
find_program(BPF_CLANG NAMES clang REQUIRED)

# Ubuntu's bpftool may be a script that refuses to run when there is no build of it
# for the running kernel; any build will do for a skeleton.
file(GLOB ubuntu_bpftool_dirs /usr/lib/linux-tools/* /usr/lib/linux-tools-*)
list(SORT ubuntu_bpftool_dirs COMPARE NATURAL ORDER DESCENDING)
function(find_working_bpftool)
    foreach(dir IN LISTS ARGN)
        execute_process(COMMAND ${dir}/bpftool version
            RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
        if(status EQUAL 0 AND text MATCHES "bpftool v")
            set(BPFTOOL ${dir}/bpftool CACHE FILEPATH "bpftool")
            return()
        endif()
    endforeach()
    message(FATAL_ERROR "no bpftool that runs (scripts/setup installs one)")
endfunction()
if(NOT BPFTOOL)
    string(REPLACE ":" ";" path "$ENV{PATH}")
    find_working_bpftool(${path} /usr/local/sbin /usr/sbin /sbin ${ubuntu_bpftool_dirs})
endif()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(TCPLEDGER_BPF_ARCH arm64)
    set(TCPLEDGER_VMLINUX_ARCH arm64)
else()
    set(TCPLEDGER_BPF_ARCH x86)
    set(TCPLEDGER_VMLINUX_ARCH x86_64)
endif()

function(add_bpf_object name)
    set(source ${CMAKE_CURRENT_SOURCE_DIR}/${name}.bpf.c)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
    set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)

    add_custom_command(
        OUTPUT ${object}
        COMMAND ${BPF_CLANG} -g -O2 -Wall -Werror -target bpf -mcpu=v3
            -D__TARGET_ARCH_${TCPLEDGER_BPF_ARCH}
            -I${PROJECT_SOURCE_DIR}/vmlinux/${TCPLEDGER_VMLINUX_ARCH}
            "$<$<BOOL:${LIBBPF_INCLUDE_DIRS}>:-I$<JOIN:${LIBBPF_INCLUDE_DIRS},;-I>>"
            -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
        DEPENDS ${source}
        DEPFILE ${object}.d
        COMMENT "BPF ${name}.bpf.o"
        COMMAND_EXPAND_LISTS
        VERBATIM)
    add_custom_command(
        OUTPUT ${skeleton}
        COMMAND ${BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}
        DEPENDS ${object}
        COMMENT "skeleton ${name}.skel.h"
        VERBATIM)
    add_custom_target(bpf_${name}_skeleton DEPENDS ${skeleton})

    add_library(bpf_${name} INTERFACE)
    add_library(bpf::${name} ALIAS bpf_${name})
    add_dependencies(bpf_${name} bpf_${name}_skeleton)
    target_include_directories(bpf_${name} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(bpf_${name} INTERFACE PkgConfig::LIBBPF)
endfunction()
