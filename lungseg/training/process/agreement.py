"""What all ranks shall do after the same step, though only one of them knows why."""

import torch
import torch.distributed as dist


class Agreement:
    """The highest number that any rank has proposed, known to all ranks after the same step.

    The ranks talk by way of their processors, so no device is waited for, and each exchange has a
    whole step to arrive: what is proposed in one step is known to all after the next.
    """

    def __init__(self) -> None:
        self._proposed = 0
        self._several = dist.is_initialized() and dist.get_world_size() > 1
        self._group = dist.new_group(backend="gloo") if self._several else None
        self._sent: tuple[torch.Tensor, dist.Work] | None = None

    def propose(self, number: int) -> None:
        """Say what shall be done; 0 is nothing. A signal handler may call it."""
        self._proposed = max(self._proposed, number)

    @property
    def proposed(self) -> int:
        """What this rank proposes."""
        return self._proposed

    def known(self) -> int:
        """What all ranks know by now; each must call it after each step."""
        if not self._several:
            return self._proposed
        arrived = self.settled()
        number = torch.tensor([self._proposed])
        work = dist.all_reduce(number, dist.ReduceOp.MAX, group=self._group, async_op=True)
        assert work is not None  # noqa: S101  # as it is asynchronous
        self._sent = (number, work)
        return arrived

    def settled(self) -> int:
        """What was said in the last exchange, which none is begun after."""
        if self._sent is None:
            return 0 if self._several else self._proposed
        number, work = self._sent
        self._sent = None
        work.wait()
        return int(number)

    def withdraw(self) -> None:
        """Begin anew, with nothing proposed; each rank must call it after the same step."""
        self.settled()
        self._proposed = 0
