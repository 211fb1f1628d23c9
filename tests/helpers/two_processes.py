"""Which tests share a process, where pytest-xdist runs the suite in two."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# Beginnings of test names, in the order in which they run: what starts other processes is done
# when the largest networks have their turn. One server forks all that is forked.
TOGETHER = {
    "large networks": ("tests/test_zoo", "tests/models/", "tests/parity/", "tests/weights/"),
    "other processes": (
        "tests/backends/",
        "tests/bench/",
        "tests/helpers/",
        "tests/legacy_tf1/test_programs",
        "tests/test_adding_a_model",
        "tests/training/",
    ),
}


class Scheduling(LoadScopeScheduling):
    """Give a process whole files, or all of the files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        for scope, beginnings in TOGETHER.items():
            if nodeid.startswith(beginnings):
                return scope
        return nodeid.split("::")[0]
