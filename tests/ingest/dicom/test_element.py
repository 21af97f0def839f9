"""An element of a file is known by the standard's keyword."""

import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.dicom.element import element_of


def test_an_element_is_text_or_absent(tmp_path, write_series):
    write_series(tmp_path, np.zeros((4, 4, 3)), np.eye(4), patient=" P 7")
    path = next(tmp_path.iterdir())
    assert element_of(path, "PatientID") == "P 7"
    assert element_of(path, "AccessionNumber") == element_of(path, "EthnicGroup") == ""
    with pytest.raises(BadCaseError, match=r"as the standard calls it.* got 'patient id'"):
        element_of(path, "patient id")
