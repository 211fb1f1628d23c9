"""Which tests share a process, where pytest-xdist runs the suite in two."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# Beginnings of test names. In turn, large networks need no more memory than one of them does; and
# tests that fork processes need one server to fork them.
TOGETHER = {
    "large networks": ("tests/test_zoo", "tests/models/", "tests/parity/", "tests/weights/"),
    "forked": ("tests/training/", "tests/helpers/", "tests/test_adding_a_model"),
}


class Scheduling(LoadScopeScheduling):
    """Give a process whole files, or all of the files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        for scope, beginnings in TOGETHER.items():
            if nodeid.startswith(beginnings):
                return scope
        return nodeid.split("::")[0]
