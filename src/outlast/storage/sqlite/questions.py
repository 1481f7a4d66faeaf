"""What jobs ask and are told, and until when they were promised to be there."""

import json
from collections.abc import Sequence

from outlast.core.job import Claim, Job, StepKind
from outlast.core.questions import Question, step_name
from outlast.storage.sqlite.jobs import SqliteJobs
from outlast.storage.sqlite.rows import to_json
from outlast.storage.sqlite.swaps import lost

_FENCE = "SELECT seq FROM jobs WHERE id = ? AND status = 'running' AND attempt = ?"
_OPEN = "seq = ? AND json_extract(question, '$.name') = ? AND answered_at IS NULL"
_ASK_AGAIN = f"UPDATE questions SET question = ? WHERE {_OPEN}"
_ASK = (
    "INSERT INTO questions (seq, n, asked_at, question)"
    " SELECT ?1, (SELECT coalesce(max(n), 0) + 1 FROM questions WHERE seq = ?1), ?2, ?3"
)
_ANSWER = f"UPDATE questions SET answered_at = ?, answer = ?, actor = ? WHERE {_OPEN}"
_WAITS = "SELECT 1 FROM jobs WHERE seq = ? AND id = ? AND status = 'waiting' AND attempt = ?"
_KEEP = (
    "INSERT INTO steps (seq, n, name, kind, attempt, saved_at, duration_ms, result)"
    " SELECT ?1, (SELECT coalesce(max(n), 0) + 1 FROM steps WHERE seq = ?1), ?2, ?3, ?4, ?5, 0, ?6"
)
_KEPT = "SELECT 1 FROM steps WHERE seq = ? AND name = ?"
_HOLD = "UPDATE jobs SET hold_until = max(coalesce(hold_until, 0), ?) WHERE id IN (SELECT value FROM json_each(?))"


class SqliteQuestions(SqliteJobs):
    """The store as those see it who ask, and those who answer; see `core.ports`."""

    def put_questions(self, claim: Claim, questions: Sequence[Question]) -> None:
        with self._database.write("put_questions"):
            found = self._database.execute(_FENCE, (claim.job_id, claim.attempt))
            if not found:
                raise lost(claim)
            seq = found[0][0]
            for question in questions:
                text = to_json(question.as_json())
                if not self._database.change(_ASK_AGAIN, (text, seq, question.name)):
                    self._database.execute(_ASK, (seq, self.now(), text))

    def keep_answer(self, job: Job, name: str, answer: str, actor: str) -> bool:
        now = self.now()
        with self._database.write("keep_answer"):
            if not self._database.execute(_WAITS, (job.seq, job.id, job.attempt)):
                return False
            if not self._database.change(_ANSWER, (now, answer, actor, job.seq, name)) and self._is_kept(job, name):
                return False
            self._database.execute(_KEEP, (job.seq, step_name(name), StepKind.ANSWER, job.attempt, now, answer))
            return True

    def _is_kept(self, job: Job, name: str) -> bool:
        return bool(self._database.execute(_KEPT, (job.seq, step_name(name))))

    def hold(self, job_ids: Sequence[str], seconds: float) -> None:
        until = self.now() + round(seconds * 1000)
        with self._database.write("hold"):
            self._database.execute(_HOLD, (until, json.dumps(list(job_ids))))
