"""What is left to do is found out without building anything."""

import pytest

from ingest.case import Case
from ingest.job.agenda import agenda
from ingest.job.journal import Plan
from ingest.options import BuildShards
from shards.storage.target import open_target


@pytest.fixture
def build(tmp_path):
    (tmp_path / "s").mkdir()
    return BuildShards(source=tmp_path / "s", out=str(tmp_path / "out"), case_minutes=2)


def case(name, folder, *, label=True, problem=""):
    paths = folder / f"{name}.nii", folder / f"{name}-mask.nii"
    for path in paths:
        path.write_bytes(name.encode())
    return Case(
        name=name, image=paths[0], label=paths[1] if label else None, patient=name, problem=problem
    )


def test_each_case_is_left_or_rejected_with_its_reason(build):
    cases = [
        case("a", build.source),
        case("b", build.source, label=False),
        case("c", build.source, problem="two images"),
    ]
    todo = agenda(build, cases, open_target(build.out))
    assert [str(task) for task in todo.left] == ["a"]
    assert {name: why.reason for name, why in todo.rejected.items()} == {
        "b": "b has no label: add it, or take the case out",
        "c": "two images",
    }
    assert (todo.past, todo.done, todo.leaving) == (None, frozenset(), frozenset())
    assert todo.plan == Plan(source="s", recipe=build.recipe.to_dict(), compressed=False)


def test_a_file_that_does_not_even_open_is_rejected_in_time(build, monkeypatch):
    def answer_of_all_but_a(seconds, function):
        assert seconds == 120
        if function.args[0].name == "a":
            raise TimeoutError
        return function()

    monkeypatch.setattr("ingest.job.agenda.answer_within", answer_of_all_but_a)
    cases = [case("a", build.source), case("b", build.source)]
    todo = agenda(build, cases, open_target(build.out))
    assert [str(task) for task in todo.left] == ["b"]
    assert "a.nii did not open within 2 minutes: look whether" in todo.rejected["a"].reason
