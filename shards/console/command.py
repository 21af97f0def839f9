"""Run one command line: parse it, do the work, and turn known failures into one line."""

import contextlib
import dataclasses
import functools
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn, Union

import tyro
import yaml

from shards.console.config_file import Commands, with_config_file
from shards.console.early import begin
from shards.console.errors import KnownError, in_words
from shards.console.groups import grouped_values
from shards.console.interrupt import interruptible, last_words
from shards.console.kinds import REGISTRY
from shards.console.limits import Limited
from shards.console.usage import UsageError, refused, unknown_command
from shards.console.words import encodable

DONE, FAILED, BAD_USAGE = 0, 1, 2

Result = dict[str, Any]
Several: Any = tyro.conf.UseAppendAction
"""Marks the type of an option that may be given several times, each time a value more."""
Positional: Any = tyro.conf.Positional
"""Marks the type of a value that is given without a flag, by its place."""

_DISTRIBUTION = "lungseg"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Limited):
    """What every command takes; a command's own options derive from this class.

    Attributes:
        OF_ONE_RUN: Names of options that are no settings to be given back: `save_config` leaves
            them out.
    """

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ()

    config: Path | None = None
    """YAML file with values for the other options; flags on the command line win over it."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print the result as one line of JSON."""


def run(
    commands: Commands,
    main: Callable[[Any], Result | None],
    *,
    prog: str,
    description: str,
    show: Callable[[Result], str] | None = None,
) -> NoReturn:
    """Parse `sys.argv`, run `main` on the options and leave the process.

    A message of `logging` goes to stderr as a plain line; the result goes last to stdout.

    Args:
        commands: The options class, or one class per subcommand.
        main: Does the work. Its result is printed; an entry `exit_code` in it is taken out and
            becomes the process's own. None prints nothing (a rank other than 0).
        prog: What the user typed, for example `python -m ingest`.
        description: First lines of the help.
        show: Renders the result for people; by default one `name: value` line per entry.

    Raises:
        SystemExit: Always: 0 done, 1 a known failure (a file or a disk that cannot be used
            included), 2 bad usage, 130 Ctrl-C, 143 SIGTERM.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    begin()
    came: list[int] = []
    with _ends_in_one_line(prog, came), interruptible(came):
        options = parse(commands, sys.argv[1:], prog=prog, description=description)
        code = _say(main(options), show or as_lines, as_json=options.json)
    sys.exit(code)


@contextlib.contextmanager
def _ends_in_one_line(prog: str, came: list[int]) -> Iterator[None]:
    """Turn known failures, and signals, into a line and an exit code."""
    try:
        yield
    except UsageError as error:
        _leave(prog, str(error), BAD_USAGE)
    except KnownError as error:
        _leave(prog, str(error), FAILED)
    except KeyboardInterrupt as end:
        _leave(prog, *last_words(end, came))
    except BrokenPipeError:  # the reader of a pipe has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:
        if error.errno is None:
            raise
        _leave(prog, in_words(error), FAILED)
    except MemoryError:
        _leave(prog, "the memory of this machine does not suffice for that", FAILED)


def parse(commands: Commands, args: list[str], *, prog: str, description: str) -> Any:
    """Parse command-line arguments into one of the options classes.

    Args:
        commands: As in `run`.
        args: The arguments, without the program's name.
        prog: What the user typed.
        description: First lines of the help.

    Returns:
        An instance of the class that was asked for.

    Raises:
        UsageError: If an argument is unknown, missing or refused; the message is one line.
        SystemExit: With code 0, after printing the help or the version that was asked for.
    """
    first = args[0] if args else "-"
    if isinstance(commands, Mapping) and first not in commands and not first.startswith("-"):
        raise unknown_command(first, list(commands), prog)
    command = f"{prog} {first}" if isinstance(commands, Mapping) and first in commands else prog
    words = with_config_file(commands, args, command)
    if "--version" in args:
        sys.stdout.write(f"{_DISTRIBUTION} {version(_DISTRIBUTION)}\n")
        sys.exit(DONE)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return _cli(commands, words, prog, description)
    except SystemExit as leaving:
        if leaving.code in (None, DONE):
            raise
        manual = functools.partial(_manual, commands, words, prog)
        raise UsageError(refused(leaving, said.getvalue(), words, manual, command)) from None


def _cli(commands: Commands, words: list[str], prog: str, description: str) -> Any:
    return tyro.cli(
        _as_tyro(commands),
        prog=prog,
        description=description,
        args=words,
        config=(tyro.conf.OmitArgPrefixes,),
        registry=REGISTRY,
    )


def _manual(commands: Commands, words: list[str], prog: str) -> str:
    """The help of the command that was asked for."""
    said = io.StringIO()
    command = words[:1] if isinstance(commands, Mapping) else []
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(said):
        _cli(commands, [*command, "--help"], prog, "")
    return said.getvalue()


def save_config(options: Any, path: Path) -> None:
    """Write parsed options as a YAML file that `--config` takes.

    Args:
        options: An options dataclass; the values of each of its groups stand under its name.
        path: The file to write.
    """
    values = grouped_values(options)
    kept = {name: value for name, value in values.items() if name not in options.OF_ONE_RUN}
    path.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")


def _as_tyro(commands: Commands) -> Any:
    if isinstance(commands, type):
        return commands
    named = [Annotated[options, tyro.conf.subcommand(name)] for name, options in commands.items()]
    return named[0] if len(named) == 1 else Union[tuple(named)]  # noqa: UP007 (built at run time)


def _say(result: Result | None, show: Callable[[Result], str], *, as_json: bool) -> int:
    """Print a result as the last that is said; returns the exit code that it asks for."""
    if result is None:
        return DONE
    exit_code = int(result.pop("exit_code", DONE))
    text = json.dumps(result) if as_json else show(result)
    sys.stdout.write(encodable(text) + "\n")
    sys.stdout.flush()
    return exit_code


def as_lines(result: Result) -> str:
    """Render a result for people: one `name: value` line per entry."""
    return "\n".join(
        f"{name}: {'none' if value is None or value in ({}, [], ()) else _rounded(value)}"
        for name, value in result.items()
    )


def _rounded(value: Any) -> Any:
    """A value with its numbers as people read them; `--json` has every digit."""
    if isinstance(value, float):
        return round(value, 4) if abs(value) >= 0.1 else float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def _leave(prog: str, message: str, code: int) -> NoReturn:
    sys.stderr.write(f"{prog}: {' '.join(message.split())}\n")
    logging.disable(logging.INFO)  # what libraries say at exit would stand below it
    sys.exit(code)
