"""What can be started here: proof of work, and the jobs of an app."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outlast.core.job import Home, Spec
from outlast.core.policies import Backoff, Policy
from outlast.functions import home_of_this_process
from outlast.settings import Settings

_TELLER = "outlast.clients.mcp.signatures"
_POW_SETTINGS = (
    "TARGET_DIFFICULTY_START",
    "DANGER",
    "CONSENSUS_API_URL",
    "OUTLAST_BROADCAST",
    "OUTLAST_POW_SEARCH",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A kind of job that a client may start. `schema` is that of its arguments by name, None if it needs positions."""

    spec: Spec
    summary: str
    schema: Mapping[str, Any] | None
    queue: str = "default"
    priority: int = 0

    @property
    def kind(self) -> str:
        return self.spec.kind


def offers_of(settings: Settings, app: str | None) -> dict[str, Offer]:
    """Return what can be started, by kind. Raise UsageError for an app that cannot be imported."""
    offers = {} if app is None else {offer.kind: offer for offer in _of_app(app)}
    return {**offers, "pow": _proof_of_work(settings)}


def _proof_of_work(settings: Settings) -> Offer:
    from outlast.clients.mcp.signatures import schema_of
    from outlast.pow.job import proof_of_work

    home = home_of_this_process()
    # The settings may stand in a file, which the job's process does not read.
    home = home._replace(env={**home.env, **{name: settings.texts[name] for name in _POW_SETTINGS}})
    return Offer(
        spec=proof_of_work.spec(home),
        summary="Search a nonce that proves an action.",
        schema=schema_of(proof_of_work.fn),
    )


def _of_app(app: str) -> list[Offer]:
    from outlast.apps import told_of

    told = told_of(app, _TELLER)
    home = home_of_this_process()
    home = home._replace(path=tuple(dict.fromkeys([*told["path"], *home.path])))
    return [offer_of(job, home) for job in told["jobs"]]


def offer_of(job: Mapping[str, Any], home: Home) -> Offer:
    """Return the offer of a job as its app tells of it."""
    policy = {**job["policy"], "backoff": Backoff(**job["policy"]["backoff"])}
    policy["retry_on"] = tuple(policy["retry_on"])
    return Offer(
        spec=Spec(kind=job["kind"], target=job["target"], policy=Policy(**policy), home=home),
        summary=job["summary"],
        schema=job["schema"],
        queue=job["queue"],
        priority=job["priority"],
    )
