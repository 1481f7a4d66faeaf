"""The same work given to Outlast and to what else there is: one file for each, each written as its documents advise.

A peer runs in the environment that `./run bench` makes of requirements.txt; nothing here imports Outlast but its own
file.
"""
