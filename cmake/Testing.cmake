# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How tests are named, labelled and skipped. A test's name is its path with dots
# (e2e.close); its label is its first word; in a sanitized build the name, not the
# label, has a prefix. What cannot run here is reported as skipped, with its reason.

set(TCPLEDGER_TEST_PREFIX "")
if(TCPLEDGER_SANITIZE MATCHES "address")
    set(TCPLEDGER_TEST_PREFIX "asan.")
elseif(TCPLEDGER_SANITIZE MATCHES "thread")
    set(TCPLEDGER_TEST_PREFIX "tsan.")
endif()

# A leak or an error that a sanitizer finds ends the program with this status.
set(TCPLEDGER_TEST_ENVIRONMENT
    "ASAN_OPTIONS=exitcode=99:abort_on_error=0:detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99"
    "TSAN_OPTIONS=exitcode=99:halt_on_error=1")

# Before a command: skipped when not root, and when all of its tests skipped themselves.
set(TCPLEDGER_NEEDS_ROOT ${PROJECT_SOURCE_DIR}/scripts/lib/run_privileged_test.sh)

# add_unit_test(PART/NAME USES…): tests/unit/PART/NAME_test.cpp, no root, no kernel.
function(add_unit_test path)
    cmake_parse_arguments(TEST "" "" "USES" ${ARGN})
    string(REPLACE "/" "." name "unit.${path}")
    string(REPLACE "." "_" target "${name}")
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/${path}_test.cpp)
    target_link_libraries(${target} PRIVATE ${TEST_USES} GTest::gtest_main tcpledger::flags)
    set(name ${TCPLEDGER_TEST_PREFIX}${name})
    add_test(NAME ${name} COMMAND ${target} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 60
        ENVIRONMENT "${TCPLEDGER_TEST_ENVIRONMENT}")
endfunction()

# add_root_test(LABEL NAME SOURCES… USES…): a GoogleTest program that needs root and a
# kernel to itself: one after the other, because they share its tracepoints and its load.
function(add_root_test label path)
    cmake_parse_arguments(TEST "" "" "SOURCES;USES" ${ARGN})
    string(REPLACE "/" "." name "${label}.${path}")
    string(REPLACE "." "_" target "test_${name}") # bpf_… are the skeletons
    add_executable(${target} ${TEST_SOURCES})
    target_link_libraries(${target} PRIVATE ${TEST_USES} GTest::gtest_main tcpledger::flags)
    set(name ${TCPLEDGER_TEST_PREFIX}${name})
    add_test(NAME ${name} COMMAND ${TCPLEDGER_NEEDS_ROOT} $<TARGET_FILE:${target}> --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 180 RUN_SERIAL ON
        SKIP_RETURN_CODE 77 ENVIRONMENT "${TCPLEDGER_TEST_ENVIRONMENT}")
endfunction()

# add_bpf_test(NAME USES…): tests/bpf/NAME_test.cpp, which loads BPF programs.
function(add_bpf_test path)
    add_root_test(bpf ${path} SOURCES ${PROJECT_SOURCE_DIR}/tests/bpf/${path}_test.cpp ${ARGN})
endfunction()

# add_e2e_test(NAME [SERIAL]): tests/e2e/NAME_test.py beside the real binary, which it finds in
# $TCPLEDGER; the workload programs are in the directory $WORKLOADS. Most of its time such a test
# waits, in namespaces of its own: two go together, but for those that load the host (SERIAL).
function(add_e2e_test path)
    cmake_parse_arguments(TEST "SERIAL" "" "" ${ARGN})
    string(REPLACE "/" "." name "${TCPLEDGER_TEST_PREFIX}e2e.${path}")
    add_test(NAME ${name}
        COMMAND ${TCPLEDGER_NEEDS_ROOT} python3 ${PROJECT_SOURCE_DIR}/tests/e2e/${path}_test.py -v)
    set(environment ${TCPLEDGER_TEST_ENVIRONMENT} TCPLEDGER=$<TARGET_FILE:tcpledger>
        WORKLOADS=$<TARGET_FILE_DIR:tcp_actor> PYTHONDONTWRITEBYTECODE=1)
    set_tests_properties(${name} PROPERTIES LABELS e2e TIMEOUT 300
        SKIP_RETURN_CODE 77 ENVIRONMENT "${environment}")
    if(TEST_SERIAL)
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()

# add_check_test(NAME [CONFIGURATIONS C]): one of the checks of scripts/check, about the
# sources alone; with CONFIGURATIONS only when ctest is asked for them (ctest -C C).
function(add_check_test name)
    if(NOT TCPLEDGER_SANITIZE)
        add_test(NAME check.${name} ${ARGN} COMMAND ${PROJECT_SOURCE_DIR}/scripts/check ${name})
        set_tests_properties(check.${name} PROPERTIES LABELS check TIMEOUT 900 SKIP_RETURN_CODE 77
            ENVIRONMENT "BUILD_DIR=${PROJECT_BINARY_DIR}")
    endif()
endfunction()
