"""The command `python -m lungseg.view`."""

import re
import signal
import subprocess
import sys
import urllib.request

import pytest


@pytest.mark.slow
def test_it_serves_until_ctrl_c(tmp_path, scans):
    scan = scans.write_scan(tmp_path / "a.nii.gz", scans.ball())
    command = [sys.executable, "-m", "lungseg.view", scan, "--json"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        address = re.match(r"(http://127\.0\.0\.1:\d+/[\w-]+/) ", process.stderr.readline())[1]
        with urllib.request.urlopen(address) as answer:
            assert b"Not for clinical use" in answer.read()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert '"masks": 0' in said
