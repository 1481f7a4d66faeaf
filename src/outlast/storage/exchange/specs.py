"""What runs, as it stands in a file that anybody may have written: every part has its type, or it is refused."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from outlast.core.errors import UsageError
from outlast.core.ids import check_kind
from outlast.core.job import Home, Spec
from outlast.core.policies import Backoff, Policy

_RULES = {name: hint for name, hint in get_type_hints(Policy).items() if name != "backoff"}
_MOST = 2**40
"""Bytes or seconds: more is a mistake, and times that far away cannot be written."""
_PLAIN = (bool, int, float, str, NoneType)


def read_spec(shown: Mapping[str, Any]) -> Spec:
    """Return the spec of a line. Raise UsageError naming the part that is wrong; rules of a later program are left
    out."""
    kind, target = _part(shown, "kind", str), _part(shown, "target", str)
    policy, home = _part(shown, "policy", dict), _part(shown, "home", dict)
    return Spec(kind=check_kind(kind), target=target, policy=_policy(policy), home=_home(home))


def _policy(shown: Mapping[str, Any]) -> Policy:
    rules = {name: _rule(name, shown[name]) for name in _RULES if name in shown}
    if "backoff" not in shown:
        return Policy(**rules)
    backoff = shown["backoff"]
    if not isinstance(backoff, list) or len(backoff) != 2 or not all(_fits(part, float) for part in backoff):
        raise UsageError("policy.backoff is not two numbers of seconds.")
    least, most = backoff
    if not 0 <= least <= most <= _MOST:
        raise UsageError("policy.backoff is not a shorter and a longer time.")
    return Policy(**rules, backoff=Backoff(least_seconds=least, most_seconds=most))


def _rule(name: str, value: Any) -> Any:
    if not _fits(value, _RULES[name]):
        raise UsageError(f"policy.{name} is {value!r:.40}, which is no value for it.")
    if isinstance(value, int | float) and not 0 <= value <= _MOST:
        raise UsageError(f"policy.{name} is {value:g}, which no rule is.")
    return tuple(value) if isinstance(value, list) else value


def _home(shown: Mapping[str, Any]) -> Home:
    path, env = _part(shown, "home.path", list), _part(shown, "home.env", dict)
    if not all(isinstance(text, str) for text in (*path, *env.values())):
        raise UsageError("home holds something that is not text.")
    interpreter, cwd = _part(shown, "home.interpreter", str), _part(shown, "home.cwd", str)
    return Home(interpreter=interpreter, path=tuple(path), cwd=cwd, env=env)


def _part(shown: Mapping[str, Any], name: str, kind: type) -> Any:
    value = shown.get(name.rpartition(".")[2])
    if not isinstance(value, kind):
        raise UsageError(f"{name} is missing or no {_WORDS[kind]}.")
    return value


_WORDS: dict[type, str] = {str: "text", dict: "object", list: "list"}
assert set(Policy._fields) == _RULES.keys() | {"backoff"}


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether a decoded JSON value is of a type as the fields of Policy have them."""
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin is UnionType:
        return any(_fits(value, part) for part in get_args(hint))
    if origin is tuple:
        return isinstance(value, list) and all(_fits(part, get_args(hint)[0]) for part in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return hint in _PLAIN and isinstance(value, hint)
