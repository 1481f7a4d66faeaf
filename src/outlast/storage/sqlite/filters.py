"""A Query as SQL over `jobs`, with bound parameters.

A page must not look at a million finished jobs to find fifty of one status or kind. So a query becomes branches,
each of which reads an index in descending `seq`, and SQLite merges them: one branch for each kind and status that
may match among the finished jobs, one for the unfinished ones. Other conditions filter what a branch finds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from outlast.core.moments import Moment
from outlast.core.query import Field, Query, Term
from outlast.core.status import ENDS, REASONS, Status
from outlast.storage.sqlite.submission import SEQ_PER_MS

MOST_BRANCHES = 90
"""With more kinds than that a plain walk over the table, newest first, serves as well."""

MOST_LOOKED_AT, LEAST_LOOKED_AT = 3_000, 100
"""At how many jobs one page looks, in all its branches, and in each of them."""

_COLUMN = {
    Field.STATUS: "status",
    Field.KIND: "kind",
    Field.KEY: "key",
    Field.ACCOUNT: "account",
    Field.REASON: "reason",
    Field.QUEUE: "queue",
}
_WORD_COLUMNS = ("id", "kind", "key", "account", "error")
_UNFINISHED = "jobs_unfinished"
_SEEK: dict[str, str] = {"key": "jobs_key", "account": "jobs_account"}


@dataclass(slots=True, kw_only=True)
class Conditions:
    """Parts of a WHERE that must all hold, and their parameters in order."""

    parts: list[str] = field(default_factory=list)
    parameters: list[object] = field(default_factory=list)

    def add(self, sql: str, *parameters: object) -> None:
        self.parts.append(sql)
        self.parameters.extend(parameters)

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts) or "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One source of candidates: an index to read (None: the table), and what bounds the reading."""

    index: str | None
    bounds: Conditions

    @property
    def is_ordered(self) -> bool:
        """Whether it is read in the order of `seq`."""
        return self.index != _UNFINISHED

    def select(self, condition: str) -> str:
        """Return SQL for the `seq` of the jobs of this branch that fit."""
        source = "jobs NOT INDEXED" if self.index is None else f"jobs INDEXED BY {self.index}"
        return f"SELECT seq FROM {source} WHERE {self.bounds.sql} AND {condition}"


class Search:
    """A query at a moment, for the jobs whose `seq` is below `before`.

    `kinds` names the kinds of finished jobs; it is asked only if a branch for each is needed.
    """

    def __init__(
        self, query: Query, *, now: Moment, before: int | None = None, kinds: Callable[[], Sequence[str]]
    ) -> None:
        self._conditions = _conditions(query, now)
        self._is_narrow = bool(query.terms)
        self._branches = _branches(query, now, kinds)
        if before is not None:
            for branch in self._branches:
                branch.bounds.add("seq < ?", before)

    def floor(self) -> tuple[str, list[object]] | None:
        """Return SQL for the `seq` down to which one page looks, NULL if to the end; None if that is sure.

        A word that no job has must not make one page read a million of them.
        """
        ordered = [branch for branch in self._branches if branch.is_ordered]
        if not (self._is_narrow and ordered):
            return None
        skipped = max(LEAST_LOOKED_AT, MOST_LOOKED_AT // len(ordered))
        selects = [
            f"SELECT ({branch.select('1')} ORDER BY seq DESC LIMIT 1 OFFSET {skipped}) AS seq" for branch in ordered
        ]
        return f"SELECT max(seq) FROM ({' UNION ALL '.join(selects)})", _parameters(ordered)

    def seqs(self, limit: int, floor: int | None) -> tuple[str, list[object]]:
        """Return SQL, and its parameters, for the `seq` of at most `limit` matching jobs, newest first."""
        if floor is not None:
            self._conditions.add("seq >= ?", floor)
        sql, parameters = self._union()
        return f"{sql} ORDER BY seq DESC LIMIT ?", [*parameters, limit]

    def count(self) -> tuple[str, list[object]]:
        """Return SQL, and its parameters, for the number of matching jobs."""
        sql, parameters = self._union()
        return f"SELECT count(*) FROM ({sql})", parameters

    def _union(self) -> tuple[str, list[object]]:
        """Return SQL for the `seq` of every matching job, each once: no job fits two branches."""
        sql = " UNION ALL ".join(branch.select(self._conditions.sql) for branch in self._branches)
        return sql, _parameters(self._branches, self._conditions)


def _parameters(branches: Sequence[Branch], also: Conditions | None = None) -> list[object]:
    more = [] if also is None else also.parameters
    return [value for branch in branches for value in (*branch.bounds.parameters, *more)]


def _branches(query: Query, now: Moment, kinds: Callable[[], Sequence[str]]) -> list[Branch]:
    for name in ("key", "account"):
        wanted = _wanted(query, Field(name))
        if wanted and len(wanted) <= MOST_BRANCHES:
            return [_branch(_SEEK[name], (f"{name} = ?", value)) for value in sorted(wanted)]
    if query.unfinished_or_since_seconds is not None:
        since = _seq_of(now, query.unfinished_or_since_seconds)
        return [_unfinished(), _branch(None, ("completed_at IS NOT NULL",), ("seq >= ?", since))]
    return _finished_branches(query, kinds) or [_branch(None)]


def _finished_branches(query: Query, kinds: Callable[[], Sequence[str]]) -> list[Branch]:
    statuses = _possible_statuses(query)
    wanted_kinds = _wanted(query, Field.KIND)
    if not wanted_kinds and Status.COMPLETED in statuses:
        # Most jobs complete: the newest of the table are soon enough to match.
        return []
    ends = sorted(statuses & ENDS)
    branches = [_unfinished()] if statuses - ENDS else []
    if ends:
        names = sorted(wanted_kinds or kinds())
        branches += [
            _branch("jobs_finished", ("completed_at IS NOT NULL",), ("kind = ?", kind), ("status = ?", end))
            for kind in names
            for end in ends
        ]
    if len(branches) > MOST_BRANCHES:
        return []
    return branches or [_branch(None, ("0",))]


def _unfinished() -> Branch:
    return _branch(_UNFINISHED, ("completed_at IS NULL",))


def _branch(index: str | None, *bounds: tuple[object, ...]) -> Branch:
    conditions = Conditions()
    for sql, *parameters in bounds:
        conditions.add(str(sql), *parameters)
    return Branch(index=index, bounds=conditions)


def _wanted(query: Query, name: Field) -> set[str]:
    return {term.value for term in query.terms if term.field is name and not term.negated}


def _possible_statuses(query: Query) -> set[Status]:
    possible = {Status(value) for value in _wanted(query, Field.STATUS)} or set(Status)
    possible -= {Status(term.value) for term in query.terms if term.field is Field.STATUS and term.negated}
    if reasons := _wanted(query, Field.REASON):
        possible &= {status for status in Status if not reasons.isdisjoint(REASONS[status])}
    if _wanted(query, Field.ERROR):
        possible.discard(Status.COMPLETED)
    return possible


def _conditions(query: Query, now: Moment) -> Conditions:
    conditions = Conditions()
    for alternatives in _groups(query):
        made = [_condition(term, now) for term in alternatives]
        text = " OR ".join(sql for sql, _ in made)
        conditions.add(f"({text})", *(value for _, values in made for value in values))
    for term in query.terms:
        if term.negated:
            sql, values = _condition(term, now)
            # IS NOT TRUE, because a job without an account is not of account x.
            conditions.add(f"({sql}) IS NOT TRUE", *values)
    if query.unfinished_or_since_seconds is not None:
        conditions.add(
            "(completed_at IS NULL OR created_at >= ?)", now - round(query.unfinished_or_since_seconds * 1000)
        )
    for bound in _youngest(query):
        conditions.add("seq >= ?", _seq_of(now, bound))
    return conditions


def _groups(query: Query) -> list[list[Term]]:
    """Return the terms of which one must hold: the same field twice means either, each bare word must be found."""
    groups: dict[tuple[object, ...], list[Term]] = {}
    for place, term in enumerate(query.terms):
        if not term.negated:
            apart: object = place if term.field is Field.WORD else term.age and term.age.older
            groups.setdefault((term.field, term.label, apart), []).append(term)
    return list(groups.values())


def _condition(term: Term, now: Moment) -> tuple[str, list[object]]:
    if term.age is not None:
        moment = now - round(term.age.seconds * 1000)
        return ("created_at < ?" if term.age.older else "created_at > ?"), [moment]
    if term.field is Field.LABEL:
        return "EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ? AND value = ?)", [term.label, term.value]
    if term.field is Field.ERROR:
        return _contains("error", term.value)
    if term.field is Field.WORD:
        made = [_contains(column, term.value) for column in _WORD_COLUMNS]
        return " OR ".join(sql for sql, _ in made), [value for _, values in made for value in values]
    return f"{_COLUMN[term.field]} = ?", [term.value]


def _contains(column: str, value: str) -> tuple[str, list[object]]:
    if not value.isascii():
        # LIKE knows the cases of ASCII only.
        return f"instr(casefold({column}), ?) > 0", [value.casefold()]
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{column} LIKE ? ESCAPE '\\'", [f"%{escaped}%"]


def _youngest(query: Query) -> list[float]:
    """Return the age that no matching job exceeds, if the query has one."""
    bounds = [term.age.seconds for term in query.terms if term.age and not term.age.older and not term.negated]
    return [max(bounds)] if bounds else []


def _seq_of(now: Moment, seconds: float) -> int:
    return (now - round(seconds * 1000)) * SEQ_PER_MS
