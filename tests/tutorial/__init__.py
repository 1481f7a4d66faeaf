"""A tutorial of the Python API: read the files in the order of their numbers. Everything in it is run."""
