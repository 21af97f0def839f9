"""A training by several ranks, which stay for the next trial of this process."""

import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import ray

from cluster.gang import Gang, Shape
from cluster.lost_rank import LostRankError
from tune.history.fault import Fault
from tune.trials.blame import FaultError, is_memory
from tune.trials.rank import EPOCH_DONE, IMPORTS, Word, Work, train_rank

_END_S = 20.0
_WAIT_S = 60.0


class Together:
    """Ranks that stay from one training to the next, as long as all goes well.

    They stand in the room that Tune has given to the trial; with it they go, whatever happens.
    """

    def __init__(self) -> None:
        self._gang: Gang | None = None

    def train(self, work: Work, shape: Shape, tell: Callable[[], None]) -> None:
        """Train to the end.

        Args:
            work: The training.
            shape: The ranks.
            tell: Called after each epoch; if it raises, the training ends with a checkpoint.

        Raises:
            FaultError: If the training cannot go on.
        """
        # which Tune waits for a trial that it ended; then its process, and the ranks, are not kept
        os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = f"{_END_S + 2:.0f}"
        try:
            running = _Running(self._whole_gang(shape), work)
            self._follow(running, tell)
        except LostRankError as error:
            self._dissolve()
            raise FaultError(_of_loss(error)) from error
        except FaultError:
            self._dissolve()  # others of them may wait for one that has failed
            raise

    def _follow(self, running: "_Running", tell: Callable[[], None]) -> None:
        try:
            for _ in running.epochs():
                tell()
        except (LostRankError, FaultError):
            raise
        except BaseException:
            if not running.ends_in_peace():
                self._dissolve()
            raise

    def _whole_gang(self, shape: Shape) -> Gang:
        if self._gang is not None and not self._gang.is_whole():
            self._dissolve()
        if self._gang is None:
            room = ray.util.get_current_placement_group()
            self._gang = Gang(shape, train_rank, wait_s=_WAIT_S, room=room, imports=IMPORTS)
        return self._gang

    def _dissolve(self) -> None:
        if self._gang is not None:
            self._gang.close()
        self._gang = None


class _Running:
    """One training, followed from beside it: who waits for Tune still hears the ranks."""

    def __init__(self, gang: Gang, work: Work) -> None:
        self._word = Word()
        self._news: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._ended: Future[None] = Future()
        threading.Thread(target=self._run, args=(gang, work), daemon=True, name="gang").start()

    def epochs(self) -> Iterator[None]:
        """Yield after each epoch; the next one is trained when asked for.

        Raises:
            LostRankError: If a rank is lost.
            FaultError: If the training cannot go on.
        """
        num_epochs = 0
        while self._news.get() is not None:
            yield
            num_epochs += 1
            self._word = Word(epochs=num_epochs)
        self._ended.result()

    def ends_in_peace(self) -> bool:
        """End the training; whether all ranks are ready for another one."""
        self._word = Word(end=True)
        try:
            return self._ended.exception(timeout=_END_S) is None
        except TimeoutError:
            return False

    def _run(self, gang: Gang, work: Work) -> None:
        try:
            self._ended.set_result(gang.run(work, hear=self._hear, asked=lambda: self._word))
        except BaseException as error:  # noqa: BLE001 (who follows the training raises it)
            self._ended.set_exception(error)
        self._news.put(None)

    def _hear(self, _: int, news: str) -> None:
        if news == EPOCH_DONE:
            self._news.put(news)


def _of_loss(error: LostRankError) -> Fault:
    return Fault(cause="memory" if is_memory(error) else "process", reason=str(error))
