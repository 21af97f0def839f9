"""Every attempt has its bar, as long as it took, and says how it ended."""

import dataclasses
import re

import pytest

from tests.toy_trials import outcome
from tune.history.memory import Stint
from tune.results.timeline import story, timeline_plot


def bars(plot):
    return [
        (float(x), float(width))
        for x, width in re.findall(r'<rect [^>]*x="([\d.]+)"[^>]*width="([\d.]+)"', plot)
    ]


def with_stints(trial, *spans, fault=""):
    stints = tuple(
        Stint(node="host", cpus=1, gpus=0, begun=a, until=b, fault=fault) for a, b in spans
    )
    return dataclasses.replace(trial, stints=stints)


def test_bars_are_as_long_as_the_attempts_took(tmp_path):
    one = with_stints(outcome(tmp_path, 0, 0.5), (1000, 1100), (1200, 1250))
    two = with_stints(outcome(tmp_path, 1, 0.4), (1100, 1400))
    (a, wide), (b, narrow), (c, wider) = bars(timeline_plot([two, one]))
    assert (narrow, wider) == pytest.approx((wide / 2, wide * 3), abs=0.2)
    assert a + wide == pytest.approx(c, abs=0.2)
    assert a < c < b


def test_an_attempt_that_failed_is_red_with_its_reason(tmp_path):
    plot = timeline_plot([with_stints(outcome(tmp_path, 0, 0.5), (0, 9), fault="<full disk>")])
    assert "stint bad" in plot
    assert "host: &lt;full disk&gt;" in plot


def test_trials_without_times_make_an_empty_picture(tmp_path):
    assert bars(timeline_plot([with_stints(outcome(tmp_path, 0, 0.5))])) == []


def test_how_a_trial_ended_is_said_with_why(tmp_path):
    trial = outcome(tmp_path, 0, 0.5)
    assert story(trial) == "finished"
    early = dataclasses.replace(trial, status="ended early", reason="behind")
    assert story(early) == "ended early at epoch 2: behind"
    assert story(outcome(tmp_path, 1, None, reason="no memory")) == "failed: no memory"
