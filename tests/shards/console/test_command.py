"""A command line: flags over a config file, one line per failure, the result last."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
import yaml

from shards.console.command import (
    Options,
    Several,
    UsageError,
    as_lines,
    parse,
    save_config,
)

DEMO = """
import atexit, dataclasses, logging, sys, time
from shards.console.command import Options, run
from shards.console.interrupt import kept
from shards.errors import ShardError

@dataclasses.dataclass(frozen=True, kw_only=True)
class Demo(Options):
    \"\"\"Try things.\"\"\"

    end: str = "well"
    \"\"\"How to end.\"\"\"

def main(options):
    logging.getLogger(__name__).info("working")
    if options.end == "badly":
        atexit.register(logging.getLogger("library").info, "too late")
        raise ShardError("a shard is\\nodd: mend it")
    if options.end == "by surprise":
        raise RuntimeError("not known")
    if options.end == "on a file":
        open("/dev/null/x")
    if options.end == "without memory":
        raise MemoryError
    if options.end == "oddly":
        return {"ended": "\\udcff"}
    if options.end == "never":
        with kept("half is kept"):
            time.sleep(60)
    if options.end == "empty":
        return {"ended": None, "list": [], "zero": 0, "no": False}
    return {"ended": options.end, "exit_code": 1 if options.end == "half" else 0}

run(Demo, main, prog="demo", description="A command to try.")
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bake(Options):
    """Bake a cake."""

    out: Path
    """Where to."""
    eggs: int = 3
    """How many."""
    oven: Literal["gas", "wood"] | None = None
    """Which oven."""
    layers: tuple[int, ...] = ()
    """Height of each."""
    icing: bool = False
    """Whether it has icing."""
    range_cm: Annotated[tuple[tuple[float, float], ...], Several] = ()
    """Heights of a layer of cream."""
    preset: Literal["plain", "party"] = "plain"
    """What to begin with."""
    hurry: bool = False
    """Bake it now."""

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ("hurry",)

    PRESETS: ClassVar[Mapping[str, dict[str, Any]]] = {
        "party": {"eggs": 12, "layers": [1, 1], "icing": True}
    }

    def __post_init__(self):
        if self.eggs < 1:
            raise ValueError(f"--eggs must be at least 1, got {self.eggs}")


def bake(*words):
    return parse(Bake, [str(word) for word in words], prog="cake", description="")


def demo(*words, **how):
    command = [sys.executable, "-c", DEMO, *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, **how)


def ended(*words):
    process = demo(*words)
    said, errors = process.communicate(timeout=120)
    return process.returncode, said, errors


def test_flags_win_over_the_config_file_and_that_over_defaults(tmp_path):
    (tmp_path / "c.yaml").write_text("out: a\neggs: 5\noven: wood\nlayers: [1, 2]\nicing: true\n")
    found = bake("--config", tmp_path / "c.yaml", "--eggs", 7, "--no-icing")
    assert (found.out, found.eggs, found.oven) == (Path("a"), 7, "wood")
    assert (found.layers, found.icing) == ((1, 2), False)


def test_a_config_file_wins_over_a_preset_and_flags_over_both(tmp_path):
    found = bake("--out", "a", "--preset", "party", "--eggs", 7)
    assert (found.preset, found.eggs, found.layers, found.icing) == ("party", 7, (1, 1), True)
    (tmp_path / "c.yaml").write_text("out: a\npreset: party\nlayers: [4]\nicing: false\n")
    found = bake("--config", tmp_path / "c.yaml")
    assert (found.preset, found.eggs, found.layers, found.icing) == ("party", 12, (4,), False)
    found = bake("--config", tmp_path / "c.yaml", "--preset=plain")
    assert (found.preset, found.eggs, found.layers, found.icing) == ("plain", 3, (4,), False)
    with pytest.raises(UsageError, match="wedding"):
        bake("--out", "a", "--preset", "wedding")


def test_what_is_given_several_times_replaces_that_of_the_config_file(tmp_path):
    ranges = ("--range-cm", -1, 2, "--range-cm", 3, 4.5)
    options = bake("--out", "a", *ranges)
    assert options.range_cm == ((-1, 2), (3, 4.5))
    save_config(options, tmp_path / "c.yaml")
    assert bake("--config", tmp_path / "c.yaml").range_cm == options.range_cm
    assert bake("--config", tmp_path / "c.yaml", "--range-cm", 5, 6).range_cm == ((5, 6),)


def test_saved_options_give_the_same_options_back(tmp_path):
    options = bake("--out", "a b", "--eggs", 9, "--layers", 1, 2, "--icing")
    save_config(options, tmp_path / "c.yaml")
    assert bake("--config", tmp_path / "c.yaml") == dataclasses.replace(
        options, config=tmp_path / "c.yaml"
    )
    assert set(yaml.safe_load((tmp_path / "c.yaml").read_text())) >= {"out", "eggs", "layers"}


def test_what_holds_for_one_run_is_not_saved(tmp_path):
    save_config(bake("--out", "a", "--hurry"), tmp_path / "c.yaml")
    assert not bake("--config", tmp_path / "c.yaml").hurry
    (tmp_path / "c.yaml").write_text("out: a\nhurry: true\n")
    assert bake("--config", tmp_path / "c.yaml").hurry


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--out", "a", "--egs", 3), "--egs"),
        (("--eggs", 3), "--out"),
        (("--out", "a", "--eggs", "many"), "many"),
        (("--out", "a", "--oven", "coal"), "coal"),
        (("--out", "a", "--eggs", 0), "--eggs must be at least 1, got 0"),
        (("--out", "a", "--config", "absent.yaml"), "absent.yaml cannot be read"),
    ],
)
def test_bad_usage_is_told_in_one_line(words, found):
    with pytest.raises(UsageError, match=found) as caught:
        bake(*words)
    assert "\n" not in str(caught.value)


def test_help_teaches_and_is_no_failure(capsys):
    with pytest.raises(SystemExit) as caught:
        bake("--help")
    assert caught.value.code in (0, None)
    assert "How many." in capsys.readouterr().out


def test_the_result_comes_last_on_stdout_and_messages_go_to_stderr():
    assert ended() == (0, "ended: well\n", "working\n")
    code, said, errors = ended("--json")
    assert (code, errors) == (0, "working\n")
    assert json.loads(said) == {"ended": "well"}


def test_numbers_are_shown_as_people_read_them():
    found = {"a": 0.28528191845, "b": [170.15316237, 3], "c": {"lr": 0.00030000000001, "ok": True}}
    assert as_lines(found) == "a: 0.2853\nb: [170.1532, 3]\nc: {'lr': 0.0003, 'ok': True}"


def test_a_result_can_carry_the_exit_code():
    assert ended("--end", "half")[:2] == (1, "ended: half\n")
    assert ended("--end", "empty")[:2] == (0, "ended: none\nlist: none\nzero: 0\nno: False\n")


def test_a_known_failure_is_one_line_and_an_unknown_one_keeps_its_trace():
    assert ended("--end", "badly") == (1, "", "working\ndemo: a shard is odd: mend it\n")
    code, _, errors = ended("--end", "by surprise")
    assert code == 1
    assert "Traceback" in errors


def test_a_file_that_cannot_be_used_and_a_lack_of_memory_are_one_line():
    code, _, errors = ended("--end", "on a file")
    assert code == 1
    assert errors.startswith("working\ndemo: /dev/null/x cannot be used (Not a directory): check")
    code, _, errors = ended("--end", "without memory")
    assert code == 1
    assert errors == "working\ndemo: the memory of this machine does not suffice for that\n"


def test_a_name_that_is_no_text_is_shown_all_the_same():
    assert ended("--end", "oddly")[:2] == (0, "ended: \\udcff\n")


def test_an_unknown_flag_is_one_line_and_exit_code_2():
    code, said, errors = ended("--ende", "well")
    assert (code, said) == (2, "")
    assert errors.startswith("demo: ")
    assert errors.count("\n") == 1
    assert "--end" in errors
    assert "demo --help" in errors


@pytest.mark.parametrize(
    ("signum", "how", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "ended by SIGTERM", 143)],
)
def test_a_signal_ends_a_command_in_one_line_that_says_what_is_kept(signum, how, code):
    process = demo("--end", "never")
    assert process.stderr.readline() == "working\n"
    time.sleep(0.1)
    process.send_signal(signum)
    assert process.communicate(timeout=120) == ("", f"demo: {how}; half is kept\n")
    assert process.returncode == code


def test_a_reader_of_the_help_may_leave_early():
    running = subprocess.Popen(
        [sys.executable, "-m", "lungseg.fit", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdout.close()
    assert running.stderr.read() == ""
    running.stderr.close()
    assert running.wait(timeout=120) == 1
