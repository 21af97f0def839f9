"""What tests of several rooms share: the real scans, where they are present."""

import os
from pathlib import Path

import pytest

# The nets of tests are tiny: threads that wait for each other cost more than they compute, most of
# all where tests run beside each other. Child processes inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REAL_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data():
    """Folder of real CT scans; the test is skipped with a notice where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real scans are absent: no folder {REAL_DATA}")
    return REAL_DATA
