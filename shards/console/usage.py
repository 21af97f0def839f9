"""What is wrong with a command line, in one line, from what tyro says of it."""

import difflib
import re
import traceback
from collections.abc import Callable, Sequence

_RULE = re.compile(r"[─-]{3,}[╯╮]?")
_FLAG = re.compile(r"--[a-z][\w-]*")
_BAD_VALUE = re.compile(
    r"(?:Error parsing|Missing value for argument|invalid choice .* for argument) '?(--[\w-]+)"
)


class UsageError(Exception):
    """The command line is wrong; the message says how, in one line."""


def unknown_command(word: str, commands: Sequence[str], prog: str) -> UsageError:
    """The error for a first word that is no command."""
    there = f"there are {', '.join(commands)}"
    return UsageError(f"no command is called {word}{_hint(word, commands)}; {there}{_more(prog)}")


def unknown_in_file(name: str, known: Sequence[str], path: str, prog: str) -> UsageError:
    """The error for an option in the file of --config that the command does not have."""
    what = f"--config {path}: the file has {name}, which is no option here{_hint(name, known)}"
    return UsageError(what + _more(prog))


def refused(
    leaving: SystemExit, box: str, args: Sequence[str], read_manual: Callable[[], str], prog: str
) -> str:
    """Say why tyro ended the program.

    Args:
        leaving: How it ended it.
        box: What it wrote: paragraphs between rules, in a frame.
        args: The words it was given.
        read_manual: Gives the help of the command, which names all its options.
        prog: What the user typed.

    Returns:
        One line.
    """
    own = _own_error(leaving)
    if own is not None:
        return own + _more(prog)
    manual = read_manual()
    flags = sorted(set(_FLAG.findall(manual)))
    for word in args:
        name = word.partition("=")[0].replace("_", "-")
        if _FLAG.fullmatch(name) and name not in flags:
            return f"there is no option {name}{_hint(name, flags)}{_more(prog)}"
    first = _paragraph(box)
    value = _BAD_VALUE.match(first)
    wanted = value and re.search(rf"^ *{value[1]} +(\S+(?: [A-Z]+}}?)*)", manual, re.MULTILINE)
    if not value or not wanted:
        return first.rstrip(".") + _more(prog)
    got = " ".join(_words_of(value[1], args)) or "nothing"
    return f"{value[1]} takes {_as_words(wanted[1])}, got {got}{_more(prog)}"


def _own_error(leaving: SystemExit) -> str | None:
    """The message of an options class that refused its values, which tyro reports as its own."""
    error: BaseException | None = leaving
    while error is not None:
        frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, ValueError) and "__post_init__" in frames:
            return " ".join(str(error).split())
        error = error.__cause__ or error.__context__
    return None


def _paragraph(box: str) -> str:
    """The first paragraph, behind the title and its rule."""
    parts = _RULE.split("\n".join(line.strip("│╭╰ ") for line in box.splitlines()))
    texts = [" ".join(part.split()).replace(" (required)", "") for part in parts]
    return next((text for text in texts[1:] if text), "the command line is wrong")


def _words_of(flag: str, args: Sequence[str]) -> list[str]:
    """The words behind the last appearance of a flag."""
    last = max((k for k, word in enumerate(args) if word.partition("=")[0] == flag), default=-1)
    found = args[last].partition("=")[2:] if "=" in args[last] else ()
    words = [word for word in found if word]
    for word in args[last + 1 :]:
        if _FLAG.match(word):
            break
        words.append(word)
    return words


def _as_words(metavar: str) -> str:
    """`{a,b}|INT` as people say it: a, b or INT."""
    words = [word for word in re.split(r"[{}|,]+", metavar) if word]
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _hint(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    inside = [name for name in known if len(word) > 4 and name.startswith(word)]
    best = (inside or near)[:1]
    return f", perhaps you meant {best[0]}" if best else ""


def _more(prog: str) -> str:
    return f"; {prog} --help lists the options"
