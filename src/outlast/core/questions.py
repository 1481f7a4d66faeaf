"""What a running job asks: questions, the schema an answer must fit, and how both are kept."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from outlast.core.codec import canonical, check_storable, decode, encode
from outlast.core.errors import UsageError
from outlast.core.job import Job
from outlast.core.status import Reason, Status

QUESTIONS = "questions"
"""The key of waiting_info that holds the open questions of a waiting job."""
TEXT: Mapping[str, Any] = {"type": "string"}
"""The schema of a question that was asked without one."""
LONGEST_QUESTION = 4_000
LONGEST_SCHEMA = 16_000
LONGEST_ANSWER = 100_000
"""Characters of JSON."""
DECLINED = '{"declined":true}'
"""What the step of a declined question keeps."""
_STEP = "ask:"


class Question(NamedTuple):
    """One question of a job: its name is unique in the job; `schema` is the JSON schema of the answer."""

    name: str
    text: str
    schema: Mapping[str, Any]

    @property
    def step_name(self) -> str:
        """The name of the step that keeps the answer."""
        return step_name(self.name)

    def as_json(self) -> dict[str, Any]:
        """Return the question as it stands in waiting_info and in the store."""
        return {"name": self.name, "question": self.text, "schema": dict(self.schema)}


def make_question(name: str, text: str, schema: Mapping[str, Any] | None) -> Question:
    """Return a question, checked: a schema that is none could never be answered. Raise UsageError."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_QUESTION:
        raise UsageError(f"{text!r:.60} is no question.", f"Ask in 1 to {LONGEST_QUESTION} characters.")
    schema = TEXT if schema is None else schema
    if not isinstance(schema, Mapping):
        raise UsageError(f"{schema!r:.60} is no JSON schema.", 'Use an object such as {"type": "boolean"}.')
    check_storable(dict(schema), f"the schema of {name!r:.60}")
    encode([name, text], "a question")
    if len(canonical(dict(schema))) > LONGEST_SCHEMA:
        raise UsageError(f"The schema of {name!r:.60} is too long.", f"The most is {LONGEST_SCHEMA} characters.")
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        raise UsageError(
            f"The schema of {name!r:.60} is no JSON schema: {error.message:.200}.", "Correct it where it is asked."
        ) from None
    return Question(name=name, text=text, schema=schema)


def answer_text(question: Question, value: Any) -> str:
    """Return what the step of an answered question keeps. Raise UsageError, naming the place, for one that misfits."""
    text = encode(value, "the answer")
    if len(text) > LONGEST_ANSWER:
        raise UsageError(f"The answer has {len(text):,} characters.", f"The most is {LONGEST_ANSWER:,}.")
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # An empty registry: a $ref that leads elsewhere must not make this process open files or addresses.
    validator = Draft202012Validator(dict(question.schema), registry=Registry())
    try:
        fault = best_match(validator.iter_errors(decode(text)))
    except Unresolvable as error:
        raise UsageError(f"The schema of {question.name!r} refers to {error.ref!r:.80}.", "Write it out.") from None
    if fault is not None:
        place = "" if fault.json_path == "$" else f" at {fault.json_path.removeprefix('$.')}"
        raise UsageError(
            f"The answer does not fit the question{place}: {fault.message:.200}.",
            f"It must fit {canonical(dict(question.schema)):.400}",
        )
    return f'{{"answer":{text}}}'


def step_name(name: str) -> str:
    """Return the name of the step that keeps the answer to the question of this name."""
    return f"{_STEP}{name}"


def waiting_object(questions: Sequence[Question]) -> dict[str, Any]:
    """Return the waiting_info of a job with these open questions."""
    return {QUESTIONS: [question.as_json() for question in questions]}


def open_questions(job: Job) -> list[Question]:
    """Return what the job waits to be told, also while it is paused; nothing for a job that asks nothing."""
    if job.status is not Status.WAITING or job.reason not in (Reason.INPUT, Reason.PAUSED):
        return []
    found = (job.waiting_info or {}).get(QUESTIONS)
    if not isinstance(found, list):
        return []
    return [question_of(each) for each in found]


def question_of(found: Mapping[str, Any]) -> Question:
    """Return the question of its JSON object."""
    return Question(name=found["name"], text=found["question"], schema=found["schema"])


def fitting_value(question: Question, text: str) -> Any:
    """Return what a person means who typed `text`: the JSON value of it if that fits the question, else the text."""
    try:
        value = decode(text)
        answer_text(question, value)
    except UsageError:
        return text
    return value
