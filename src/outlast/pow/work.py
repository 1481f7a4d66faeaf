"""One attempt at a search: its context, what was asked, what is known so far, and where heights come from."""

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from outlast import Context
from outlast.pow import rules
from outlast.pow.chain.heights import Height, Heights, HeightUnknown
from outlast.pow.record import MOST_ERRORS, Record
from outlast.pow.request import Request, age_to_begin
from outlast.pow.rules import WrongPuzzle

DEFAULT_ZEROS_TO_START = 5


@dataclass(slots=True, kw_only=True)
class Work:
    """The state of one attempt; `record` is replaced as the work goes on."""

    ctx: Context
    request: Request
    block_start: int
    heights: Heights
    record: Record
    zeros_to_start: int = field(default_factory=lambda: zeros_to_start())

    @property
    def gauge(self) -> str:
        """The name of the gauge that all searches of this source share."""
        return f"height:{self.heights.name}"

    @property
    def age_to_begin(self) -> int:
        return age_to_begin(self.request, self.zeros_to_start)

    def age_at(self, height: Height) -> int:
        return rules.age_at(height.value, self.block_start)

    def change(self, **changes: Any) -> None:
        """Replace fields of the record; saved with the next checkpoint."""
        self.record = replace(self.record, **changes)

    def save(self, *, now: bool = False, message: str | None = None) -> None:
        """Offer the record as the checkpoint; with `now` it is durable when this returns."""
        self.ctx.checkpoint(
            self.record.as_cursor(),
            done=self.record.iterations,
            message=message,
            partial=self.record.result(self.ctx.job_id),
            now=now,
        )

    def look(self) -> Height | None:
        """Return the height now, None if no source has ever told one; errors are recorded and end nothing."""
        try:
            height = self.heights.look()
        except HeightUnknown as error:
            self.note_errors(error.message)
            return None
        self.take(height)
        return height

    def take(self, height: Height) -> None:
        """Record what was strange about a height, and let all that wait for it know."""
        self.note_errors(*height.errors, *height.notes)
        if self.request.block_height is None:
            self.ctx.read_gauge(self.gauge, height.value)
        self.show(self.age_at(height))

    def note_errors(self, *texts: str) -> None:
        """Record errors of a source; the same one again and again is recorded once."""
        known = {entry["error"] for entry in self.record.errors[-len(texts) - 1 :]}
        new = [{"error": text, "timestamp": timestamp()} for text in texts if text not in known]
        if new:
            self.change(errors=(*self.record.errors, *new)[-MOST_ERRORS:])

    def show(self, age: int) -> None:
        """Publish `difficulty_info`."""
        self.ctx.publish(
            difficulty_info={
                "current_difficulty": self.request.zeros_at(age),
                "target_difficulty": self.zeros_to_start,
                "current_age": age,
                "difficulty_range": self.request.difficulty,
                "max_iterations": self.request.max_iterations,
            }
        )


def timestamp() -> str:
    """Return the time now as the job object writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def zeros_to_start() -> int:
    """Return with how many zeros a search may begin: TARGET_DIFFICULTY_START, as it is where the job runs."""
    text = os.environ.get("TARGET_DIFFICULTY_START", "").strip() or str(DEFAULT_ZEROS_TO_START)
    if not text.isdecimal() or not 1 <= int(text) <= rules.HASH_DIGITS:
        raise WrongPuzzle(f"TARGET_DIFFICULTY_START is {text!r:.40}.", f"Use 1 to {rules.HASH_DIGITS}.")
    return int(text)
