"""The story of one job in plain words: what happened, how it stands, what to do next. Pure functions of values."""

from outlast.clients.render.story.advice import advice_for
from outlast.clients.render.story.folding import folded
from outlast.clients.render.story.past import past_of
from outlast.clients.render.story.present import present_of
from outlast.clients.render.story.values import Advice, Entry, Story, story_object
from outlast.core.job import Details, Job
from outlast.core.prospects import Prospects

__all__ = ["Advice", "Entry", "Story", "story_object", "story_of"]


def story_of(job: Job, details: Details, facts: Prospects) -> Story:
    """Return the story of a job; what repeats itself is told once."""
    return Story(
        job_id=job.id,
        status=str(job.status),
        past=folded(past_of(job, details)),
        now=present_of(job, details, facts),
        next=advice_for(job, details, facts),
    )
