"""The journal tells the next run the truth, wherever the last one was cut off."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.job import journal
from ingest.job.journal import Plan, begin, finish, past, record
from ingest.job.one_case import Built
from ingest.recipe import Recipe
from shards.errors import ManifestError
from shards.index import ShardIndex
from shards.manifest import CaseEntry, Manifest


class CutOffError(Exception):
    """The process was killed."""


class Memory:
    """A target that is a dict, and is cut off before one of its changes."""

    url = "memory"

    def __init__(self, files=(), *, changes=None):
        self.files, self.changes = dict(files), changes

    def read(self, name):
        return self.files.get(name)

    def sizes(self, folder):
        prefix = f"{folder}/" if folder else ""
        below = [name.removeprefix(prefix) for name in self.files if name.startswith(prefix)]
        return {name.split("/")[0]: 1 for name in below}

    def write(self, name, data):
        self._change()
        self.files[name] = data

    def delete(self, name):
        self._change()
        gone = [known for known in self.files if known == name or known.startswith(f"{name}/")]
        for known in gone:
            del self.files[known]

    def _change(self):
        if self.changes == 0:
            raise CutOffError
        self.changes = None if self.changes is None else self.changes - 1


COUNTS = st.integers(0, 2**31 - 1)
TEXT = st.text(max_size=5)
NUMBERS = st.floats(-1e6, 1e6)
ROWS = st.lists(
    st.tuples(*[COUNTS] * 7, st.booleans(), COUNTS, st.integers(0, 2**32 - 1)),
    min_size=1,
    max_size=3,
)
ENTRIES = st.builds(
    CaseEntry,
    shard=TEXT,
    bytes=COUNTS,
    sha256=TEXT,
    source=st.dictionaries(TEXT, COUNTS, max_size=2),
    patient=TEXT,
    shape=st.tuples(COUNTS, COUNTS, COUNTS),
    affine=st.tuples(*[st.tuples(*[NUMBERS] * 4)] * 4),
    spacing_mm=st.tuples(*[st.floats(0.1, 10)] * 3),
    orientation=TEXT,
    slices=COUNTS,
    slices_dropped=COUNTS,
    tumor_slices=COUNTS,
    tumor_voxels=COUNTS,
    tumor_voxels_dropped=COUNTS,
    measures=st.dictionaries(TEXT, NUMBERS, max_size=2),
    warnings=st.lists(TEXT, max_size=2).map(tuple),
)
NAMES = st.sampled_from("abcdef")
PLANS = st.builds(
    Plan,
    source=TEXT,
    recipe=st.builds(Recipe, size=st.integers(1, 512)).map(Recipe.to_dict),
    compressed=st.booleans(),
)


def as_built(name, entry, rows):
    return Built(entry=entry, index=ShardIndex.of_case(name, rows))


CASES = st.dictionaries(NAMES, st.tuples(ENTRIES, ROWS), max_size=3).map(
    lambda cases: {name: as_built(name, *known) for name, known in cases.items()}
)


def plain(cases):
    """Built cases as they can be compared."""
    return {name: (built.entry, built.index.rows()) for name, built in cases.items()}


def finished(plan, cases, tools):
    """The files of a whole set."""
    target = Memory()
    manifest = Manifest(
        recipe=plan.recipe,
        source=plan.source,
        compressed=plan.compressed,
        tools=tools,
        slice_shape=(1, 1),
        folds={},
        cases={name: cases[name].entry for name in sorted(cases)},
    )
    finish(target, manifest, [cases[name].index for name in sorted(cases)])
    return target.files


@settings(max_examples=20, deadline=None)
@given(plan=PLANS, cases=CASES)
def test_a_finished_set_tells_its_cases_as_they_were(plan, cases):
    target = Memory(finished(plan, cases, {"numpy": "1"}))
    known = past(target)
    assert (known.plan, known.tools, known.leaving) == (plan, {"numpy": "1"}, frozenset())
    assert known.cases == set(cases)
    assert plain(known.built(cases, target)) == plain(cases)


@settings(max_examples=20, deadline=None)
@given(plan=PLANS, kept=CASES, later=CASES, leaving=st.sets(NAMES))
def test_a_build_under_way_tells_what_it_kept_and_what_it_recorded(plan, kept, later, leaving):
    target = Memory()
    begin(target, plan, kept, leaving=leaving, tools={"cv2": "5"})
    for name, built in later.items():
        record(target, name, built)
    known = past(target)
    assert (known.plan, known.tools, known.manifest) == (plan, {"cv2": "5"}, None)
    assert known.leaving == leaving
    assert known.cases == leaving | set(kept) | set(later)
    assert plain(known.built(known.entries, target)) == plain(kept | later)


@settings(max_examples=10, deadline=None)
@given(before=PLANS, now=PLANS, cases=CASES, data=st.data())
def test_a_beginning_that_is_cut_off_anywhere_loses_sight_of_no_shard(before, now, cases, data):
    kept = {name: cases[name] for name in cases if data.draw(st.booleans())}
    leaving = set(cases) - set(kept)
    for changes in range(6):
        target = Memory(finished(before, cases, {}), changes=changes)
        try:
            begin(target, now, kept, leaving=leaving, tools={})
        except CutOffError:
            target.changes = None
        known = past(target)
        assert known.cases == set(cases)
        if known.manifest:
            assert (known.plan, set(known.entries)) == (before, set(cases))
        else:
            assert (known.plan, known.leaving) == (now, leaving)
        stays = set(known.entries) & set(kept)
        assert plain(known.built(stays, target)) == plain({name: cases[name] for name in stays})
    assert known.manifest is None  # with six changes it is not cut off


@settings(max_examples=20, deadline=None)
@given(plan=PLANS, cases=CASES)
def test_a_finish_that_is_cut_off_before_its_manifest_is_a_build_under_way(plan, cases):
    target = Memory()
    begin(target, plan, cases, leaving=(), tools={})
    files = finished(plan, cases, {})
    target.files["index.parquet"] = files["index.parquet"]
    known = past(target)
    assert known.manifest is None
    assert plain(known.built(cases, target)) == plain(cases)


def test_nothing_was_done_where_nothing_is():
    assert past(Memory()) is None


@pytest.mark.parametrize("name", [".build/plan.json", ".build/kept.json", ".build/done/a.json"])
@pytest.mark.parametrize("data", [b"{", b"[1]", b'{"a": {}}'])
def test_a_damaged_journal_is_said_to_be_so(name, data):
    target = Memory()
    begin(target, Plan(source="s", recipe={}, compressed=False), {}, leaving=(), tools={})
    target.files[name] = data
    with pytest.raises(ManifestError, match=r"memory/\.build is damaged .*: delete it and build"):
        past(target)


def test_a_recipe_of_options_that_are_unknown_is_told_as_it_is():
    plan = Plan(source="s", recipe={"sharpness": 3}, compressed=False)
    target = Memory(finished(plan, {}, {}))
    assert past(target).plan == plan
    older = dataclasses.replace(plan, recipe={"size": 9})
    assert past(Memory(finished(older, {}, {}))).plan.recipe == Recipe(size=9).to_dict()


def test_the_journal_lies_in_one_folder():
    target = Memory()
    begin(target, Plan(source="s", recipe={}, compressed=False), {}, leaving=(), tools={})
    assert {name.split("/")[0] for name in target.files} == {journal.BUILD_FOLDER}
