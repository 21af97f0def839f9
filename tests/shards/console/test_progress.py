"""A long job says how far it is, and never too often."""

import contextlib
import logging
import os
import pty
import subprocess
import sys
import termios
from types import SimpleNamespace

from shards.console.progress import progress


def test_without_a_terminal_lines_come_seldom_and_at_the_end(caplog):
    caplog.set_level(logging.INFO)
    with progress(1000, done=10, unit="shard") as bar:
        for _ in range(990):
            bar.step()
    (line,) = caplog.messages
    assert line.startswith("1000 of 1000 shards, ")
    assert line.endswith(" shards/s, 0 s to go")


def test_lines_come_while_work_goes_on(caplog, monkeypatch):
    ticks = iter(range(0, 1000, 6))
    clock = SimpleNamespace(monotonic=lambda: next(ticks))
    monkeypatch.setattr("shards.console.progress.time", clock)
    caplog.set_level(logging.INFO)
    with progress(4) as bar:
        for _ in range(4):
            bar.step()
    assert caplog.messages == [
        "2 of 4 cases, 0.17 cases/s, 12 s to go",
        "4 of 4 cases, 0.17 cases/s, 0 s to go",
    ]


def test_a_total_may_be_corrected_meanwhile(caplog):
    caplog.set_level(logging.INFO)
    with progress(None, unit="slice", every_s=0) as bar:
        bar.expect(3)
        bar.step()
        bar.expect(2)
        bar.step()
    assert caplog.messages[0].startswith("1 of 3 slices, ")
    assert caplog.messages[1].startswith("2 of 2 slices, ")
    assert caplog.messages[1].endswith(" 0 s to go")


def test_a_note_says_what_is_at_hand_and_no_total_is_no_time_to_go(caplog):
    caplog.set_level(logging.INFO)
    with progress(None, unit="slice", every_s=0) as bar:
        bar.step("lung_001")
        bar.step()
    one, two = caplog.messages
    assert one.startswith("1 slice, ")
    assert one.endswith(" slices/s, lung_001")
    assert two.startswith("2 slices, ")
    with progress(1) as bar:
        bar.step()
    assert caplog.messages[-1].startswith("1 of 1 case, ")


def test_a_terminal_shows_a_bar():
    code = (
        "from shards.console.progress import progress\n"
        "with progress(3, unit='shard') as bar: [bar.step('n') for _ in range(3)]"
    )
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    subprocess.run([sys.executable, "-c", code], stderr=theirs, timeout=200, check=True)
    os.close(theirs)
    shown = all_of(ours).decode()
    os.close(ours)
    assert "3/3" in shown
    assert "shard/s" in shown
    assert ", n]" in shown


def all_of(terminal):
    """What was written to a terminal, which hands it over in pieces and ends with an error."""
    pieces = []
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 100_000):
            pieces.append(piece)
    return b"".join(pieces)
