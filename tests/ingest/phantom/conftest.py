"""What tests of phantoms share: patients that differ from the standard one in nothing or in one."""

import numpy as np
import pytest

from ingest.phantom.patient import Patient


def standard_patient(**changes):
    standard = {
        "scale": (1.0, 1.0, 1.0), "turn": 0.0, "shift_mm": (0.0, 0.0), "fat_mm": 12.0,
        "breast_mm": 0.0, "blood_hu": 40.0, "lung_hu": -860.0, "waves": np.zeros((0, 6)),
    }  # fmt: skip
    return Patient(**(standard | changes))


@pytest.fixture(name="standard_patient")
def fixture_standard_patient():
    """Function: values to change -> a patient who is the standard chest but for them."""
    return standard_patient
