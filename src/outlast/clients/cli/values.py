"""Values as they are typed on a command line."""

import click

from outlast.core.durations import parse_duration
from outlast.core.errors import UsageError
from outlast.core.sizes import parse_size


class DurationType(click.ParamType[float]):
    """A duration such as 30s or 1h30m; its value is seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return parse_duration(value if isinstance(value, int | float) else str(value))
        except UsageError as error:
            self.fail(f"{error.message} {error.fix}", param, ctx)


class SizeType(click.ParamType[int]):
    """A size of memory such as 512MB; its value is bytes."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_size(value if isinstance(value, int) else str(value))
        except UsageError as error:
            self.fail(f"{error.message} {error.fix}", param, ctx)


DURATION = DurationType()
SIZE = SizeType()
