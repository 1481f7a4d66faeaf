"""The no-op job for Outlast, with a process of its own."""

from bench.peers import ticking
from outlast import job

noop = job("noop", isolation="process")(ticking.noop)
