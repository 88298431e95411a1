"""A model of prescribing: processes that act and prescribe on one provider's row, and whatever can come between.

A transaction takes two steps: it takes the row's lock, reads and judges; it commits. Between any two steps another
process may take one, time may pass, the register may withdraw the NPI, and a process may die, which forgets all that
it had not committed. An approval begins earlier: with the page that showed what is proposed.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from rxauth.policy.authority import ASKS, TRANSITIONS, Act, State
from tests.model import facts, promises
from tests.model.facts import (
    ADMINISTRATION,
    LIMITED,
    LONG,
    MACHINE,
    NOTHING,
    PROVIDER,
    SHORT,
    Clinic,
    Proposal,
    Row,
)
from tests.model.search import Step


class Planted(StrEnum):
    """What is taken out, so that a promise breaks."""

    NOTHING = "nothing"
    LOCK_OF_PRESCRIBING = "the lock under which a prescription is written"
    READ_OF_PRESCRIBING = "the read with which a prescription is judged: what the process remembers is believed"
    LOCK_OF_ACTS = "the lock under which an act is judged"
    LOCK_OF_ROLES = "the lock of whoever takes a role"
    NUMBER_OF_PROPOSAL = "the number of the proposal that an approval means"
    READ_OF_APPROVAL = "the read with which an approval is judged: what its page had read is believed"
    AUDIT_WITH_ACT = "the one transaction of an act and its audit entry"
    END_OF_PROPOSALS = "the end that a suspension or a limit puts to what was proposed before it"
    COMMIT_BEFORE_ANSWER = "the wait for the commit before the answer"


class Job(StrEnum):
    """What a process may do besides the acts of policy."""

    PRESCRIBE = "prescribe"
    TAKE_ROLE = "take the role"


class Stage(StrEnum):
    """Where a process is."""

    IDLE = "idle"
    LOOKED = "looked"
    JUDGED = "judged"
    UNRECORDED = "unrecorded"


class Task(NamedTuple):
    """What a process does, for whom, and with which facts where the act names some."""

    act: Act | Job
    who: str
    facts: int = NOTHING


class Process(NamedTuple):
    """A server process. now: the moment of its task; seen: the number of the proposal that its page showed.

    believed: what the guard knew of the provider; was_listed: what was read of the register; each only where it is
    judged later. read: the row as it was judged.
    """

    stage: Stage = Stage.IDLE
    task: Task | None = None
    now: int = 0
    seen: int = 0
    believed: Row | None = None
    was_listed: bool = True
    read: Row | None = None


_IDLE = Process()


class World(NamedTuple):
    """Everything. is_listed: whether the register has the NPI; has_token: a token says write:prescription."""

    row: Row
    moment: int
    is_listed: bool
    has_token: bool
    processes: tuple[Process, ...]


_LOOKING = (Act.APPROVE, Act.REJECT)
_GIVEN = dict.fromkeys(ASKS, (LONG, SHORT))
# What a step is: its label, the row and the process after it, and the promise that it breaks.
_Step = tuple[tuple[object, ...], Row, Process, str | None]


class Model:
    """What can happen next in a clinic; processes, moments and proposals are at most so many."""

    def __init__(
        self,
        clinic: Clinic,
        planted: Planted = Planted.NOTHING,
        *,
        processes: int = 2,
        moments: int = 4,
        proposals: int = 2,
    ) -> None:
        self.start = World(Row(), 0, True, False, (Process(),) * processes)
        self._clinic = clinic
        self._planted = planted
        self._last_moment = moments - 1
        self._proposals = proposals
        self._acts = [
            Task(act, who, given) for act in Act for who in clinic.doers for given in _GIVEN.get(act, (NOTHING,))
        ]

    def steps(self, world: World) -> Iterator[Step[World]]:
        """Yields everything that can happen next."""
        if world.moment < self._last_moment:
            yield ("time passes",), world._replace(moment=world.moment + 1), None
        if world.is_listed:
            yield ("the register withdraws the NPI",), world._replace(is_listed=False), None
        if not world.has_token and facts.may_prescribe(PROVIDER, world.row, world.moment):
            yield ("the provider gets a token",), world._replace(has_token=True), None
        for place, process in enumerate(world.processes):
            others = world.processes[:place] + world.processes[place + 1 :]
            for label, row, after, broken in self._steps_of(world, process, others):
                processes = (*world.processes[:place], after, *world.processes[place + 1 :])
                yield (f"process {place + 1}", *label), world._replace(row=row, processes=processes), broken

    def _steps_of(self, world: World, process: Process, others: tuple[Process, ...]) -> Iterator[_Step]:
        task = process.task
        if task is None:
            yield from self._begin(world, others)
            return
        yield ("is killed",), world.row, _IDLE, self._lost(process)
        if process.stage is Stage.LOOKED:
            yield from self._judge(world, process, task, others)
        elif process.stage is Stage.JUDGED:
            yield self._commit(world, process, task)
        else:
            yield ("records",), world.row, _IDLE, None

    def _lost(self, process: Process) -> str | None:
        if process.stage is Stage.UNRECORDED:
            return "4: an act is kept and its audit entry is not"
        if process.stage is Stage.JUDGED and self._planted is Planted.COMMIT_BEFORE_ANSWER:
            return "what was acknowledged is lost"
        return None

    def _begin(self, world: World, others: tuple[Process, ...]) -> Iterator[_Step]:
        """Yields what an idle process can turn to. A guard that lets too much pass is no promise, so it does."""
        row = world.row
        if world.has_token:
            believed = row if self._planted is Planted.READ_OF_PRESCRIBING else None
            task = Task(Job.PRESCRIBE, PROVIDER)
            yield ("guards", *_told(task)), row, Process(Stage.LOOKED, task, world.moment, believed=believed), None
        yield from self._judge(world, _IDLE, Task(Job.PRESCRIBE, MACHINE), others)
        for task in self._acts:
            if task.act not in _LOOKING:
                if task.act not in _GIVEN or row.made < self._proposals:
                    yield from self._judge(world, _IDLE, task, others)
            elif row.proposal is not None:
                was_listed = world.is_listed or self._planted is not Planted.READ_OF_APPROVAL
                looked = Process(Stage.LOOKED, task, seen=row.proposal.number, was_listed=was_listed)
                yield ("looks, to", *_told(task)), row, looked, None
        if row.has_role:
            yield from self._judge(world, _IDLE, Task(Job.TAKE_ROLE, ADMINISTRATION), others)

    def _judge(self, world: World, process: Process, task: Task, others: tuple[Process, ...]) -> Iterator[_Step]:
        """Takes the lock, reads and judges; nothing while somebody else has the lock."""
        if any(one.stage is Stage.JUDGED and one.task is not None and self._excludes(one.task, task) for one in others):
            return
        now = process.now if task.act is Job.PRESCRIBE else world.moment
        if self._allows(world, process, task, now):
            is_listed = world.is_listed or task.act is not Act.APPROVE
            judged = Process(Stage.JUDGED, task, now, process.seen, was_listed=is_listed, read=world.row)
            yield ("locks and judges, to", *_told(task)), world.row, judged, None
        elif process.stage is Stage.LOOKED:
            yield ("refuses to", *_told(task)), world.row, _IDLE, None

    def _excludes(self, one: Task, other: Task) -> bool:
        """Tells whether a transaction keeps another from the row."""
        pair = {one.act, other.act}
        if pair == {Job.PRESCRIBE}:
            return False
        if Job.PRESCRIBE in pair:
            unlocked = Planted.LOCK_OF_ROLES if Job.TAKE_ROLE in pair else Planted.LOCK_OF_PRESCRIBING
        else:
            unlocked = Planted.LOCK_OF_ACTS
        return self._planted is not unlocked

    def _allows(self, world: World, process: Process, task: Task, now: int) -> bool:
        row = world.row
        if task.act is Job.TAKE_ROLE:
            return True
        if task.act is Job.PRESCRIBE:
            return facts.may_prescribe(task.who, process.believed or row, now)
        if not facts.may_act(task.act, task.who, row, now, self._clinic):
            return False
        if task.act not in _LOOKING or row.proposal is None:
            return True
        if self._planted is not Planted.NUMBER_OF_PROPOSAL and row.proposal.number != process.seen:
            return False
        is_listed = process.was_listed if self._planted is Planted.READ_OF_APPROVAL else world.is_listed
        return task.act is Act.REJECT or (is_listed and facts.would_hold(row.proposal.facts, now))

    def _commit(self, world: World, process: Process, task: Task) -> _Step:
        label, row = ("commits, to", *_told(task)), world.row
        if isinstance(task.act, Job) or process.read is None:
            if task.act is Job.PRESCRIBE:
                return label, row, _IDLE, promises.of_prescription(task.who, row, process.now)
            return label, row._replace(has_role=False), _IDLE, None
        broken = promises.of_act(task.act, task.who, process.read, row)
        if broken is None and task.act is Act.APPROVE:
            broken = promises.of_approval(
                row, process.seen, task.who, process.now, self._clinic, is_listed=process.was_listed
            )
        after = Process(Stage.UNRECORDED, task) if self._planted is Planted.AUDIT_WITH_ACT else _IDLE
        return label, _changed(process.read, task.act, task, process.now, self._planted), after, broken


def _told(task: Task) -> tuple[object, ...]:
    """Returns the words for a task."""
    given = () if task.facts == NOTHING else ("with the", facts.NAMES[task.facts], "licence")
    return task.act, "by", task.who, *given


def _changed(row: Row, act: Act, task: Task, now: int, planted: Planted) -> Row:
    """Returns what an act makes of the row."""
    state = facts.state_at(row, now)
    following = TRANSITIONS[state, act]
    if act in _GIVEN:
        proposal = Proposal(act, task.who, now, task.facts, row.made + 1)
        kept = row.facts if following is not State.PROPOSED else NOTHING
        return row._replace(state=following, facts=kept, proposal=proposal, made=row.made + 1)
    if act is Act.APPROVE and row.proposal is not None:
        return row._replace(state=following, facts=row.proposal.facts, proposal=None, has_role=True)
    if act is Act.REJECT:
        return row._replace(state=following, proposal=None)
    limited = LIMITED if act is Act.LIMIT else row.facts
    pending = row.proposal if planted is Planted.END_OF_PROPOSALS else None
    return row._replace(state=following, facts=limited, proposal=pending, stopped=row.made)
