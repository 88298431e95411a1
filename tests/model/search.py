"""Exhaustive search: every state that can be reached, breadth first, so that a counterexample is a shortest one."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Label = tuple[object, ...]
Step = tuple[Label, State, str | None]  # what happens, what is so afterwards, and which promise that breaks


@dataclass(frozen=True, slots=True)
class Counterexample(Generic[State]):
    """How a promise is broken: the steps that lead there, from the beginning."""

    broken: str
    steps: tuple[Label, ...]

    def text(self) -> str:
        """Returns it for people, a line for each step."""
        lines = [f"{number:>3}  {' '.join(map(str, step))}" for number, step in enumerate(self.steps, 1)]
        return "\n".join([*lines, f"     broken: {self.broken}"])


@dataclass(frozen=True, slots=True)
class Searched(Generic[State]):
    """What a search saw. counterexample None: no promise was broken in any state."""

    states: int
    steps: int
    depth: int
    counterexample: Counterexample[State] | None


def search(start: State, steps_of: Callable[[State], Iterable[Step[State]]]) -> Searched[State]:
    """Visits every state that can be reached from `start`, until a step breaks a promise."""
    came_from: dict[State, tuple[State, Label] | None] = {start: None}
    waiting, depth_of_last, taken = deque([(start, 0)]), 0, 0
    while waiting:
        state, depth_of_last = waiting.popleft()
        for label, following, broken in steps_of(state):
            taken += 1
            if broken is not None:
                path = (*_path(came_from, state), label)
                return Searched(len(came_from), taken, depth_of_last, Counterexample(broken, path))
            if following not in came_from:
                came_from[following] = (state, label)
                waiting.append((following, depth_of_last + 1))
    return Searched(len(came_from), taken, depth_of_last, None)


def _path(came_from: dict[State, tuple[State, Label] | None], state: State) -> list[Label]:
    labels = []
    step = came_from[state]
    while step is not None:
        labels.append(step[1])
        step = came_from[step[0]]
    return labels[::-1]
