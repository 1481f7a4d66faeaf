"""A clock that stands until a test moves it: both its hands, or only the one that people can set."""

from dataclasses import replace

from outlast.pow.chain.clock import Moment


class Ticking:
    """A clock, as `Clock` wants it: called, it tells the moment."""

    def __init__(self) -> None:
        self.moment = Moment(wall=1_750_000_000.0, since_boot=5_000.0, boot="first")

    def __call__(self) -> Moment:
        return self.moment

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.moment = replace(self.moment, wall=self.moment.wall + seconds, since_boot=self.moment.since_boot + seconds)

    def set_wall(self, seconds: float) -> None:
        """Set the wall clock forth, or back."""
        self.moment = replace(self.moment, wall=self.moment.wall + seconds)

    def reboot(self, seconds: float) -> None:
        """Be off for so long."""
        self.moment = Moment(wall=self.moment.wall + seconds, since_boot=1.0, boot=f"after {self.moment.boot}")
