"""What to train next where that is known beforehand."""

from collections.abc import Sequence

from tune.options.space import Point


class Listed:
    """Suggests the points of a list that have not been suggested yet.

    Args:
        points: What to train.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._had: list[Point] = []

    def suggest(self) -> Point:
        """The next point, of which there must be one."""
        point = next(point for point in self._points if point not in self._had)
        self.add(point)
        return point

    def add(self, point: Point) -> None:
        """Take a suggestion of an earlier process."""
        self._had.append(point)

    def tell(self, number: int, score: float | None, *, of_part: int | None = None) -> None:
        """There is nothing to learn."""
