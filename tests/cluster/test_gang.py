"""The laws of a gang: all ranks run at once, who is lost is named soon, and nothing is left."""

import os
import signal
import time

import pytest
import ray

from cluster.gang import Gang, NoRoomError, Shape
from cluster.lost_rank import SILENT_S, LostRankError
from cluster.resources import Resources, await_room
from tests.toy_cluster import OPEN, toy_cluster
from tests.waiting import PATIENCE_S, gone, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TWO = Shape(nodes=2, per_node=1, rank=Resources(cpus=1))


@pytest.fixture(scope="module", autouse=True)
def joined():
    """Part of a cluster of two nodes with a processor each."""
    from cluster.session import session

    with pytest.MonkeyPatch.context() as patch, toy_cluster(1, 1) as cluster:
        for name, value in OPEN.items():
            patch.setenv(name, value)
        with session(cluster.address):
            yield


def meet(folder, rank):
    """Wait for all ranks, tell of it, and do as asked, or as the folder says."""
    place = rank.place
    (folder / f"{place.number}").write_text(str(os.getpid()))
    while len(list(folder.glob("[0-9]"))) < place.size:
        time.sleep(0.02)
    rank.tell(("met", place.size, place.port > 0))
    if (folder / "fail").exists() and place.number == 1:
        raise ValueError("bad luck")
    while (folder / "stay").exists() and not rank.asked():
        time.sleep(0.02)
    return place.number, rank.asked()


class Readers:
    """What can be read only by as many processes at a time; then it is `meet`."""

    def __init__(self, folder, count):
        self._words = folder, count

    def __reduce__(self):
        return read_together, self._words


def read_together(folder, count):
    (folder / str(os.getpid())).touch()
    wait_until(lambda: len(list(folder.iterdir())) == count, "the others read too")
    return meet


def test_all_ranks_get_ready_at_the_same_time(tmp_path):
    with Gang(TWO, Readers(tmp_path, 2), wait_s=PATIENCE_S) as gang:
        assert gang.is_whole()


def test_all_ranks_run_at_once_and_news_and_result_arrive_time_after_time(tmp_path):
    heard = []
    with Gang(TWO, meet, wait_s=PATIENCE_S) as gang:
        for turn in ("a", "b"):
            (tmp_path / turn).mkdir()
            result = gang.run(tmp_path / turn, hear=lambda rank, news: heard.append((rank, *news)))
            assert result == (0, 0)
    assert sorted(heard) == 2 * [(0, "met", 2, True)] + 2 * [(1, "met", 2, True)]
    pids = [{(tmp_path / turn / n).read_text() for n in "01"} for turn in ("a", "b")]
    assert pids[0] == pids[1]


def test_room_is_waited_for_no_longer_than_asked_and_left_free():
    assert not await_room(Resources(cpus=2), wait_s=0.5)  # no node has two
    for _ in range(3):
        assert await_room(Resources(cpus=1), wait_s=30)


def test_what_a_gang_is_asked_for_reaches_the_ranks(tmp_path):
    (tmp_path / "stay").touch()
    with Gang(TWO, meet, wait_s=PATIENCE_S) as gang:
        assert gang.run(tmp_path, asked=lambda: 15) == (0, 15)


def test_an_error_in_one_rank_is_raised_as_it_was(tmp_path):
    for name in ("fail", "stay"):
        (tmp_path / name).touch()
    with Gang(TWO, meet, wait_s=PATIENCE_S) as gang, pytest.raises(ValueError, match=r"^bad luck$"):
        gang.run(tmp_path)


@pytest.mark.parametrize(
    ("signum", "said"),
    [
        (signal.SIGKILL, r"^rank 1 on .* died \((?!.*common causes).*\)$"),
        (signal.SIGSTOP, r"^rank 1 on .* has been silent for 10 s$"),
    ],
)
def test_a_lost_rank_is_named_soon_and_none_is_left(tmp_path, signum, said):
    """By the clock of the gang within 10 s, by that of a busy machine a little more."""
    (tmp_path / "stay").touch()
    at = []

    def lose(rank, _):
        if rank == 1:
            at.append(time.monotonic())
            os.kill(int((tmp_path / "1").read_text()), signum)

    with Gang(TWO, meet, wait_s=PATIENCE_S) as gang, pytest.raises(LostRankError, match=said):
        gang.run(tmp_path, hear=lose)
    assert time.monotonic() - at[0] < SILENT_S + 60
    pids = [int((tmp_path / n).read_text()) for n in "01"]
    wait_until(lambda: all(map(gone, pids)), "no rank is left")
    Gang(TWO, meet, wait_s=PATIENCE_S).close()  # their room is free again


def test_a_gang_in_a_given_room_leaves_it_and_knows_whether_all_its_ranks_answer(tmp_path):
    room = ray.util.placement_group([{"CPU": 1}] * 2)
    with Gang(TWO, meet, wait_s=PATIENCE_S, room=room, imports=("json",)) as gang:
        assert gang.is_whole()
    with Gang(TWO, meet, wait_s=PATIENCE_S, room=room) as gang:  # the room is left
        assert gang.run(tmp_path) == (0, 0)
        os.kill(int((tmp_path / "1").read_text()), signal.SIGKILL)
        wait_until(lambda: not gang.is_whole(), "the loss is known")
    ray.util.remove_placement_group(room)


def test_without_room_there_is_no_gang():
    with pytest.raises(NoRoomError, match="no room within 1 s"):
        Gang(Shape(nodes=3, per_node=1, rank=Resources(cpus=1)), meet, wait_s=1)
