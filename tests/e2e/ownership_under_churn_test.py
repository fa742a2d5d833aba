# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each case of ownership_test.py once more, under churn."""

import harness
import ownership_test
from churning import Churning


class OwnershipUnderChurn(Churning, ownership_test.Ownership):
    pass


if __name__ == "__main__":
    harness.main()
