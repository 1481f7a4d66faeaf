"""The commands of `outlast state`."""
