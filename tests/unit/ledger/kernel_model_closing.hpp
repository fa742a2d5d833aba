// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The second half of KernelModel: how its sockets close, reset, linger and expire.
#pragma once

#include "kernel_model.hpp"

namespace tcpledger::test {

} // namespace tcpledger::test
