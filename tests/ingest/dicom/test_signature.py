"""The law of signatures: DICOM is known by its first bytes, whatever its name."""

import pytest

from ingest.dicom.signature import is_dicom

PREAMBLE = b"\0" * 128


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PREAMBLE + b"DICM", True),
        (b"x" * 128 + b"DICM" + b"rest", True),
        (PREAMBLE + b"DICN", False),
        (b"\x08\0\x05\0CS\x0a\0", True),  # group 8, explicit
        (b"\x08\0\x16\0\x1a\0\0\0", True),  # group 8, implicit
        (b"\x02\0\0\0UL\4\0", True),
        (b"\x10\0\x10\0PN\4\0", False),
        (b"DICM", False),
        (b"", False),
    ],
)
def test_the_first_bytes_decide(tmp_path, content, found):
    (tmp_path / "file").write_bytes(content)
    assert is_dicom(tmp_path / "file") is found


def test_what_is_no_file_is_no_dicom(tmp_path):
    assert not is_dicom(tmp_path)
    assert not is_dicom(tmp_path / "absent")
