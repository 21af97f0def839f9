"""Options in groups have one name each: there and back between flat and grouped is identity."""

import dataclasses
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shards.console.command import Options, UsageError, parse, save_config
from shards.console.groups import flat_values, flattened, from_flat, grouped_values, replaced


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dough:
    """What it is made of."""

    eggs: int = 3
    """How many."""
    sweet: bool = False
    """Whether it has sugar."""

    def __post_init__(self):
        if self.eggs < 1:
            raise ValueError(f"--eggs must be at least 1, got {self.eggs}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Oven:
    """Where it is baked."""

    heat: float = 180.0
    """Degrees."""
    book: Path | None = None
    """The recipe."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cake(Options):
    """Bake a cake."""

    RENAMED = {"temperature": "heat"}  # noqa: RUF012

    dough: Dough
    oven: Oven = dataclasses.field(default_factory=Oven)
    layers: tuple[int, ...] = ()
    """Height of each."""


values = st.fixed_dictionaries(
    {},
    optional={
        "eggs": st.integers(1, 99),
        "sweet": st.booleans(),
        "heat": st.floats(0, 500),
        "layers": st.lists(st.integers(), max_size=3).map(tuple),
    },
)


@given(values)
def test_flat_values_make_the_same_options_again(chosen):
    options = from_flat(Cake, chosen)
    assert from_flat(Cake, flat_values(options) | {"layers": options.layers}) == options
    assert flattened(grouped_values(options)) == flat_values(options)
    assert flat_values(options).items() >= {**chosen, "layers": [*options.layers]}.items()


@given(values, values)
def test_replaced_values_are_those_that_were_given(first, second):
    assert replaced(from_flat(Cake, first), **second) == from_flat(Cake, first | second)


@pytest.mark.parametrize("group", [True, False])
def test_grouped_and_flat_files_say_the_same(tmp_path, group):
    options = from_flat(Cake, {"eggs": 5, "book": "family.txt", "layers": (1, 2), "sweet": True})
    path = tmp_path / "cake.yaml"
    if group:
        save_config(options, path)
        assert yaml.safe_load(path.read_text())["dough"] == {"eggs": 5, "sweet": True}
    else:
        path.write_text(yaml.safe_dump(flat_values(options)))
    read = parse(Cake, ["--config", str(path), "--heat", "200"], prog="x", description="")
    assert read == dataclasses.replace(replaced(options, heat=200.0), config=path)


def test_texts_become_paths():
    assert from_flat(Cake, {"book": "a/b"}).oven.book == Path("a/b")


def test_a_name_that_is_none_of_the_options_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="Cake has no option eggz, perhaps you meant eggs"):
        from_flat(Cake, {"eggz": 3})


def test_a_group_refuses_what_it_refuses_alone():
    with pytest.raises(ValueError, match="--eggs must be at least 1, got 0"):
        replaced(from_flat(Cake, {}), eggs=0)


@pytest.mark.parametrize("text", ["temperature: 3", "oven:\n  temperature: 3"])
def test_an_old_name_in_a_file_is_refused_with_the_new_one(tmp_path, text):
    (tmp_path / "old.yaml").write_text(text)
    with pytest.raises(UsageError, match="temperature is called heat now, rename it there"):
        parse(Cake, ["--config", str(tmp_path / "old.yaml")], prog="x", description="")


@given(values)
def test_lists_of_a_file_are_the_tuples_of_a_command_line(given):
    from_file = yaml.safe_load(yaml.safe_dump({**given, "layers": list(given.get("layers", ()))}))
    assert from_flat(Cake, from_file) == from_flat(Cake, given)
