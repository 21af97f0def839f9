"""The values of `--preset` and of `--config FILE` as words of a command line, before its flags."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from shards.console.groups import flattened, names_of, undisplaced
from shards.console.usage import UsageError, unknown_in_file

Commands = Mapping[str, type[Any]] | type[Any]
Values = dict[str, Any]


def with_config_file(commands: Commands, args: list[str], prog: str) -> list[str]:
    """Put the values of `--preset` and `--config FILE`, that win over it, before the flags.

    Args:
        commands: The options class, or one class per subcommand.
        args: The arguments, without the program's name.
        prog: What the user typed, for messages.

    Returns:
        The arguments, in which flags that were given stand for themselves.

    Raises:
        UsageError: If the file cannot be read, or has what is no option of the command.
    """
    values = _values_of_file(commands, args, prog)
    preset = _value_of("--preset", args) or str(values.get("preset"))
    given = {word.partition("=")[0] for word in args}
    displaced_by = _declared(commands, "DISPLACED_BY")
    named = {word.removeprefix("--").replace("-", "_") for word in given}
    of_preset = _declared(commands, "PRESETS").get(preset, {})
    values = undisplaced(of_preset, displaced_by, values) | values
    values = undisplaced(values, displaced_by, named)
    words: list[str] = []
    for name, value in values.items():
        value = _declared(commands, "SWITCHES").get(name, value) if value is False else value
        if not {_flag(name), _flag("no-" + name)} & given:  # those that add up would add to these
            words += _as_flag(name, value)
    num_commands = 0 if isinstance(commands, type) else 1
    return args[:num_commands] + words + args[num_commands:]


def _values_of_file(commands: Commands, args: list[str], prog: str) -> Values:
    path = _value_of("--config", args)
    if path is None:
        return {}
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise UsageError(f"--config {path} cannot be read as a YAML file: {what}") from None
    if not isinstance(values, dict):
        raise UsageError(f"--config {path} must hold `name: value` lines, found {values!r}")
    named = {str(name): value for name, value in flattened(values).items()}
    _refuse_renamed(commands, named, path)
    options = commands if isinstance(commands, type) else commands.get(args[0])
    known = names_of(options) if options else list(named)
    for name in named:
        if name.replace("-", "_") not in known:
            raise unknown_in_file(name, known, path, prog)
    return named


def _declared(commands: Commands, name: str) -> Values:
    """What the options classes say under a name, all together."""
    classes = [commands] if isinstance(commands, type) else commands.values()
    found: Values = {}
    for options in classes:
        found |= getattr(options, name, {})
    return found


def _refuse_renamed(commands: Commands, values: Mapping[str, Any], path: str) -> None:
    """Say the new name of an option that an older version knew under another one."""
    for old, new in _declared(commands, "RENAMED").items():
        if old in values:
            raise UsageError(f"--config {path}: {old} is called {new} now, rename it there")


def _value_of(flag: str, args: list[str]) -> str | None:
    for position, word in enumerate(args):
        if word == flag and position + 1 < len(args):
            return args[position + 1]
        if word.startswith(flag + "="):
            return word.removeprefix(flag + "=")
    return None


def _as_flag(name: str, value: Any) -> list[str]:
    flag = _flag(name)
    if isinstance(value, bool):
        return [flag if value else _flag("no-" + name)]
    if not isinstance(value, list):
        return [flag, str(value)]
    if any(isinstance(item, list) for item in value):  # one that is given several times
        return [word for item in value for word in _as_flag(name, item)]
    return [flag, *map(str, value)] if value else []


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
