# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each case of owners_test.py once more, under churn."""

import harness
import owners_test
from churning import Churning


class OwnersUnderChurn(Churning, owners_test.Owners):
    pass


if __name__ == "__main__":
    harness.main()
