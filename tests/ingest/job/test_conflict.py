"""What may take the place of what."""

from types import SimpleNamespace

import pytest

from ingest.job.conflict import refuse_conflict
from ingest.job.journal import Past, Plan
from ingest.recipe import Recipe
from shards.errors import ShardError

TARGET = SimpleNamespace(url="there")


def plan(source="s", *, compressed=False, **recipe):
    return Plan(source=source, recipe=Recipe(**recipe).to_dict(), compressed=compressed)


def left(before, *cases):
    return Past(plan=before, tools={}, entries=dict.fromkeys(cases))


@pytest.mark.parametrize("replace", [False, True])
def test_equal_plans_and_empty_targets_are_no_conflict(replace, caplog):
    refuse_conflict(None, plan(), TARGET, replace=replace)
    refuse_conflict(left(plan(), "a"), plan(), TARGET, replace=replace)
    assert caplog.messages == []


def test_another_recipe_names_each_option_that_differs_and_only_those():
    now = plan(drop_mm=4.0, roi=("GTV", "T*"), compressed=True)
    with pytest.raises(ShardError) as told:
        refuse_conflict(left(plan(drop_slices=3), "a", "b"), now, TARGET, replace=False)
    assert str(told.value) == (
        "there holds 2 shards of another recipe (--compress was False, is True; --drop-mm was not "
        "given, is 4.0; --drop-slices was 3, is not given; --roi was not given, is GTV T*): repeat "
        "the options that it was built by, choose another --out, or replace them with --replace"
    )


def test_what_is_replaced_is_said(caplog):
    refuse_conflict(left(plan(), "a"), plan(size=9), TARGET, replace=True)
    assert caplog.messages == ["there: 1 shard of another recipe replaced: --size was 256, is 9"]


def test_where_no_case_is_finished_nothing_can_be_lost():
    refuse_conflict(left(plan()), plan(size=9), TARGET, replace=False)


@pytest.mark.parametrize("replace", [False, True])
def test_another_source_is_refused_whatever_is_said(replace):
    with pytest.raises(ShardError, match="there holds shards of 's', this source is 't': choose"):
        refuse_conflict(left(plan(), "a"), plan("t"), TARGET, replace=replace)
