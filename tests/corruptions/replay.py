"""Draws of one entry point fed to the other."""

from typing import Any

import numpy as np

from robustbench_seg.corruptions.seeds import SeededDraws

__all__ = ["Calls", "Recorder", "Replay", "widened"]

Calls = list[tuple[str, Any]]  # the method, and what it returned


class Recorder(SeededDraws):
    """Seeded draws that keep each call and what came of it."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self.calls: Calls = []

    def uniform(self, *args: Any, **options: Any) -> Any:
        return self._keep("uniform", super().uniform(*args, **options))

    def normal(self, *args: Any, **options: Any) -> Any:
        return self._keep("normal", super().normal(*args, **options))

    def randint(self, *args: Any, **options: Any) -> Any:
        return self._keep("randint", super().randint(*args, **options))

    def _keep(self, method: str, drawn: Any) -> Any:
        self.calls.append((method, drawn.copy() if isinstance(drawn, np.ndarray) else drawn))
        return drawn


class Replay(np.random.RandomState):
    """A RandomState that draws what was recorded, whatever it is asked for, but method by method."""

    def __init__(self, calls: Calls) -> None:
        super().__init__(0)
        self.calls = list(calls)

    def uniform(self, *args: Any, **options: Any) -> Any:
        return self._next("uniform")

    def normal(self, *args: Any, **options: Any) -> Any:
        return self._next("normal")

    def randint(self, *args: Any, **options: Any) -> Any:
        return self._next("randint")

    def _next(self, method: str) -> Any:
        recorded, drawn = self.calls.pop(0)
        assert recorded == method
        return drawn.copy() if isinstance(drawn, np.ndarray) else drawn


def widened(calls: Calls) -> Calls:
    """The same draws in the types that a RandomState has."""
    wide = {"f": np.float64, "i": np.int64}
    return [(method, np.asarray(drawn, wide[np.asarray(drawn).dtype.kind])) for method, drawn in calls]
