"""The one process per store and host that decides: a single loop of turns, each with one shared commit."""

import contextlib
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep

from outlast.core.errors import Busy, OutlastError, StoreDamaged, StoreError, StoreFull, StoreGone
from outlast.core.job import ProcessIdentity
from outlast.core.places import Places
from outlast.core.policies import DEFAULT_MAX_CRASHES
from outlast.core.ports import Supervision
from outlast.crashpoint import crash_point
from outlast.engine.chores import Chore, Chores
from outlast.engine.deathwatch import Deathwatch
from outlast.engine.desk import Calls, Desk
from outlast.engine.dispatch import Dispatcher, Queues
from outlast.engine.ending import Ending, Undertaker, Why
from outlast.engine.identity import identify, lives
from outlast.engine.inbox import Inbox
from outlast.engine.launch import Launch
from outlast.engine.logkeeper import LogKeeper
from outlast.engine.memory import MemoryWatch
from outlast.engine.nursery import Nursery
from outlast.engine.office import become_reaper, on_signals, take_lock
from outlast.engine.pace import PATIENCE_SECONDS
from outlast.engine.pool import HELLO_SECONDS, JobProcess, Pool, Stage, Starter
from outlast.engine.publisher import Publisher
from outlast.engine.recovery import Recovery
from outlast.engine.schedules import fire_due
from outlast.engine.turn import Turn
from outlast.engine.wire import Connection, Wire

log = logging.getLogger("outlast")

POLL_SECONDS = 1.0
"""A ring is only a hint; so often the store is looked at anyway."""
LOOK_SECONDS = 0.02
"""What nobody tells, and what the clock brings, is looked for so often, while one message comes after the other."""
WAKE_BATCH = 500
FIRE_BATCH = 50
QUIET_SECONDS = 5.0
"""So long after the last change the store is put in order."""
GATHER_SECONDS = 0.01
"""How long ends and submissions may gather, to share one commit, while nobody can be waiting for them."""
LEAVING_SECONDS = 30.0
"""How long a supervisor that leaves may take to write its last view."""
NEVER_LOOKED = -1
TROUBLE_SECONDS = 0.5
"""How long to wait before a turn whose commit failed is tried again."""
_PATIENCE = {Stage.IDLE: 60.0, Stage.STARTING: HELLO_SECONDS}
"""How long a process may wait for a job, or take to say hello."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """How a supervisor does its work. `idle_seconds`: leave after so long without work; None: never.

    `queues`: run only jobs of these; none: of all. `at_once`: so many jobs of a queue may run.
    """

    concurrency: int
    grace_seconds: float
    idle_seconds: float | None = 60.0
    queues: tuple[str, ...] = ()
    at_once: Mapping[str, int] = field(default_factory=dict)
    max_crashes: int = DEFAULT_MAX_CRASHES
    chores: tuple[Chore, ...] = ()


class Supervisor:
    """Claims, starts, watches, ends and recovers the jobs of one store."""

    def __init__(
        self,
        store: Supervision,
        places: Places,
        launch: Launch,
        duty: Duty,
        *,
        rewriting: Callable[[], Iterator[object]],
        calls: Calls,
    ) -> None:
        self._lock = take_lock(places, lambda: store.supervisor() is not None)
        self._store = store
        self._duty = duty
        self._identity: ProcessIdentity = identify(os.getpid(), f"s{os.getpid()}")  # type: ignore[assignment]
        self._wire = Wire(places.socket)
        self._nursery = Nursery(self._wire)
        self._pool = Pool(Starter(places, launch, self._nursery), duty.concurrency)
        self._undertaker = Undertaker(duty.grace_seconds, lambda who: lives(who, places.process_lock(who.id)))
        self._deathwatch = Deathwatch(self._wire, self._pool, self._nursery)
        self._publisher = Publisher(rewriting)
        self._chores = Chores(duty.chores)
        self._memory = MemoryWatch(self._pool)
        self._logs = LogKeeper(places, self._pool)
        people = (store, self._pool, self._undertaker)
        self._recovery = Recovery(*people, places, watch=self._deathwatch.watch, max_crashes=duty.max_crashes)
        self._desk = Desk(*people, calls=calls, logs=self._logs, adopt=self._recovery.adopt)
        self._dispatcher = Dispatcher(*people, self._wire, places, Queues(only=duty.queues, at_once=duty.at_once))
        self._inbox = Inbox(self._pool)
        self._seen = NEVER_LOOKED
        self._has_news = False
        self._trouble = ""
        self._idle_since = self._reads_since = monotonic()
        self._wake_at = self._gathering_since = math.inf
        self._retry_at = self._ask_wake_at = self._wishes_seen = self._looked_at = self._tidied_at = 0.0
        self._looks = True
        self._stopping = 0

    def run(self) -> None:
        """Supervise until there is nothing left to do, or SIGTERM or SIGINT says stop."""
        become_reaper()
        signals = on_signals(self._on_stop)
        self._wire.watch(signals, lambda: os.read(signals, 65_536))
        self._store.take_office(self._identity)
        crash_point("supervisor:in_office")
        self._recovery.take_over()
        self._publisher.changed()
        try:
            while not (self._looks and self._may_leave()):
                self._turn()
        except (StoreDamaged, StoreGone):
            self._wire.close()  # jobs.json stays as it is: it may hold the last good copy
            raise
        self._leave()

    def _turn(self) -> None:
        if self._gathering_since < math.inf:
            sleep(GATHER_SECONDS)  # not in the selector: to be woken by each message costs more than the messages
        messages, closed = self._wire.poll(self._seconds_to_sleep())
        self._inbox.add(messages)
        now = monotonic()
        self._looks = not self._wire.is_only_talk or now - self._looked_at > LOOK_SECONDS
        if self._looks:
            self._looked_at = now
            self._bow_to_the_dead()
            for connection in closed:
                self._hung_up(connection)
            self._watch_time()
        if now < self._retry_at:
            return
        try:
            if not self._is_called() and self._inbox.only_saves():
                self._carry_out(self._take_inbox)
                self._wire.expect_more()
                self._publisher.work(is_busy=True)
                return
            self._commit()
            self._tell_news()
            self._publisher.work(is_busy=bool(messages))
        except (StoreDamaged, StoreGone):
            raise
        except (StoreError, Busy) as error:
            self._in_trouble(error)
        if self._looks and self._chores.work():
            self._note_change()
        self._tell_news()

    def _is_called(self) -> bool:
        """Tell whether there may be more to do in this turn than to write down what jobs said."""
        return self._looks or self._wire.rung or self._wire.wished or self._gathering_since < math.inf

    def _take_inbox(self, turn: Turn) -> None:
        for connection, message in self._inbox.said:
            self._desk.take(turn, connection, message)

    def _carry_out(self, work: Callable[[Turn], object], *, flush: bool = True) -> Turn:
        """Do something in one commit, then carry out its effects."""
        turn = Turn(self._wire)
        with self._store.batch(flush=flush):
            work(turn)
        self._inbox.clear()
        self._trouble = ""
        crash_point("supervisor:committed")
        turn.finish()
        return turn

    def _commit(self) -> None:
        """Do what is to be done in one commit, then carry out its effects."""
        buried = self._undertaker.buried()
        for job in (ending.job for ending in buried if ending.job):
            self._logs.end(job.id)
        self._look()
        if self._looks:
            self._tidy_when_quiet()
        if self._wire.wished or monotonic() - self._wishes_seen > POLL_SECONDS:
            self._see_to_wishes()
        has_room = self._dispatcher.has_room() or self._dispatcher.is_rested()
        is_due = self._looks and self._wake_in() == 0
        is_urgent = is_due or bool(self._desk.astray) or any(ending.is_urgent() for ending in buried)
        if not (self._reads_are_due() or self._inbox or is_urgent or has_room) or self._may_gather(is_urgent=is_urgent):
            return
        for process_id in self._inbox.who_arrive():
            self._pool.meet(process_id)
        self._dispatcher.look_ahead(None if is_urgent else self._inbox.plain_ends())
        # What is only claimed, or noted as read, waits for no flush: after a power cut it is claimed again.
        flush = is_urgent or self._inbox.needs_flush()
        turn = self._carry_out(lambda turn: self._work(turn, buried, is_due=is_due), flush=flush)
        self._dispatcher.prepare()
        if turn.puts_off:
            self._ask_wake_at = 0.0
        if turn.changed:
            self._note_change()

    def _work(self, turn: Turn, buried: list[Ending], *, is_due: bool) -> None:
        """Do all of a turn inside its batch."""
        self._take_inbox(turn)
        if self._wire.read_jobs:
            self._store.mark_read(sorted(self._wire.read_jobs))
            turn.then(self._wire.read_jobs.clear)
        for ending in buried:
            self._recovery.settle(turn, ending)
        for job in self._desk.astray:
            self._recovery.put_back(turn, job)
            turn.then(self._desk.astray.remove, job)  # not all: the effects of this turn may find more
        if is_due and self._store.wake(WAKE_BATCH) + fire_due(self._store, FIRE_BATCH):
            turn.changed = turn.puts_off = turn.queues = True
        if not self._stopping and self._dispatcher.may_find(turn):
            self._dispatcher.dispatch(turn)

    def _tidy_when_quiet(self) -> None:
        """Once after each time of work, let the store put its files in order."""
        if self._idle_since > self._tidied_at and monotonic() - self._idle_since > QUIET_SECONDS:
            self._tidied_at = monotonic()
            self._store.tidy()

    def _may_gather(self, *, is_urgent: bool) -> bool:
        """Tell whether this turn can wait a moment, so that more changes share its commit: nobody waits for it."""
        now = monotonic()
        began = min(self._gathering_since, now)
        is_free = not is_urgent and self._inbox.only_ends()
        is_free = is_free and (self._inbox.only_early_ends() or self._wire.is_flooded())
        gathers = is_free and now - began < GATHER_SECONDS
        self._gathering_since = began if gathers else math.inf
        return gathers

    def _reads_are_due(self) -> bool:
        """Tell whether noted reads have waited for another save long enough."""
        if not self._wire.read_jobs:
            self._reads_since = monotonic()
        return monotonic() - self._reads_since > POLL_SECONDS

    def _see_to_wishes(self) -> None:
        """End the jobs that somebody wants ended."""
        self._wire.wished = False
        self._wishes_seen = monotonic()
        for job in self._store.wanted():
            process = self._pool.get(job.process_id or "")
            if process is None or job.intent is None or process.stage is not Stage.BUSY:
                continue
            self._take_back(process)
            begun = process.begun()
            if begun is not None and begun.claim == job.claim:
                self._end(process, Why.wanted(job.intent), actor=job.intent_actor or "")

    def _take_back(self, process: JobProcess) -> None:
        """Take back the jobs that were handed to a process ahead of time and have not begun."""
        self._desk.astray += [process.jobs.pop(number) for number in process.take_back()]

    def _look(self) -> None:
        """See whether there may be something new: somebody rang, or changed the store, which is asked now and then."""
        if not (self._is_called() or self._seen == NEVER_LOOKED):
            return
        rung, self._wire.rung = self._wire.rung, False
        changes = self._store.changes()
        if changes != self._seen:
            self._seen = changes
            self._ask_wake_at = 0.0
            self._note_change()
            rung = True
        self._dispatcher.backlog = self._dispatcher.backlog or rung

    def _wake_in(self) -> float | None:
        """Return how long until a waiting job is due; asked anew after a change, and each second: clocks jump."""
        now = monotonic()
        if now > self._ask_wake_at:
            seconds = self._store.next_wake_seconds()
            self._wake_at = math.inf if seconds is None else now + seconds
            self._ask_wake_at = now + POLL_SECONDS
        return None if self._wake_at == math.inf else max(0.0, self._wake_at - now)

    def _note_change(self) -> None:
        self._idle_since = monotonic()
        self._publisher.changed()
        self._has_news = True

    def _tell_news(self) -> None:
        if self._has_news:
            self._has_news = False
            self._wire.tell_watchers()

    def _seconds_to_sleep(self) -> float:
        now = monotonic()
        if now < self._retry_at:
            return min(POLL_SECONDS, self._retry_at - now)
        if self._gathering_since < math.inf or self._seen == NEVER_LOOKED:
            return 0.0
        if self._dispatcher.is_hungry() or self._desk.astray or self._nursery.has_news():
            return 0.0
        if not self._looks:
            return max(0.0, self._looked_at + LOOK_SECONDS - now)
        if now > self._ask_wake_at:
            return 0.0
        times = [POLL_SECONDS, self._wake_at - now, self._undertaker.seconds_to_next_step()]
        times += [self._publisher.seconds_to_write(), self._chores.seconds_to_next()]
        times += [self._memory.seconds_to_look(), self._logs.seconds_to_look()]
        for process in self._pool.in_stage(Stage.BUSY):
            times.append(process.seconds_left())
            times.append(process.began + PATIENCE_SECONDS - now if len(process.jobs) > 1 else None)
        return max(0.0, min(time for time in times if time is not None))

    def _watch_time(self) -> None:
        """End jobs that ran too long or use too much, and processes that nobody needs or that never spoke."""
        now = monotonic()
        self._recovery.look_around()
        self._logs.look()
        self._nursery.look()
        for process, words in self._memory.over():
            self._end(process, Why.MEMORY, words=words)
        for process in self._pool:
            left = process.seconds_left()
            if process.stage is Stage.BUSY and left is not None and left <= 0:
                self._end(process, Why.TIMEOUT)
            elif len(process.jobs) > 1 and now - process.began > PATIENCE_SECONDS:
                self._take_back(process)
            elif now - process.since > _PATIENCE.get(process.stage, math.inf):
                self._end(process, Why.RETIRE)

    def _end(self, process: JobProcess, why: Why, **more: str) -> None:
        ending = self._undertaker.of(process)
        if ending is None:
            self._take_back(process)
            self._undertaker.begin(process, why, **more)
        elif why is Why.MEMORY:
            ending.hurry()

    def _hung_up(self, connection: Connection) -> None:
        process = self._pool.get(connection.process_id or "")
        if process is not None and process.connection is connection:
            process.connection = None

    def _bow_to_the_dead(self) -> None:
        """Hear the last words of processes that died, then see to their families and jobs."""
        dead = self._deathwatch.dead(self._recovery.lives)
        for process in dead:
            if process.connection is not None:
                self._inbox.add(self._wire.last_words(process.connection))
            self._pool.note_start(process)
            ending = self._undertaker.of(process) or self._undertaker.begin(process, Why.CRASH)
            ending.hurry()
        if dead:
            self._deathwatch.kill_strangers()

    def _in_trouble(self, error: OutlastError) -> None:
        """Keep everything that was asked and try again: nobody was told that it is saved."""
        if str(error) != self._trouble:
            log.error("%s The work goes on when it is mended.", error)
            self._trouble = str(error)
        if isinstance(error, StoreFull):
            with contextlib.suppress(StoreError):
                self._store.tidy()  # what it writes in order takes less room than what it appends
        self._seen = NEVER_LOOKED  # what was seen in that turn was thrown away with it
        self._publisher.changed()
        self._retry_at = monotonic() + TROUBLE_SECONDS

    def _on_stop(self) -> None:
        self._stopping += 1

    def _may_leave(self) -> bool:
        """Tell whether to leave now; on the way out running jobs are stopped at their last checkpoint."""
        if self._stopping > 1 or not self._wire.is_reachable():
            return True
        if self._stopping:
            for process in self._pool.in_stage(Stage.BUSY, Stage.IDLE, Stage.STARTING):
                self._end(process, Why.INTERRUPT if process.job else Why.RETIRE)
            return not len(self._undertaker)
        if self._duty.idle_seconds is None or monotonic() - self._idle_since < self._duty.idle_seconds:
            return False
        is_busy = self._pool.in_stage(Stage.BUSY) or len(self._undertaker)
        if not is_busy and self._store.leave_office(if_idle=True, queues=self._duty.queues):
            return True
        self._idle_since = monotonic()
        return False

    def _leave(self) -> None:
        with contextlib.suppress(StoreError):
            self._store.leave_office(if_idle=False)
            self._publisher.finish()
            self._recovery.sweep()
        for process in self._pool.in_stage(Stage.IDLE, Stage.STARTING):  # they leave when the line is cut
            self._recovery.forget_lock(process)
        self._nursery.close()
        self._wire.close()
        os.close(self._lock)
        log.info("The supervisor leaves.")
