"""Numbers with their nouns."""

from lungseg.report.words import counted


def test_only_one_is_singular():
    assert [counted(n, "scan") for n in (0, 1, 2)] == ["0 scans", "1 scan", "2 scans"]
