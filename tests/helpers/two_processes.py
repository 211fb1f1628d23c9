"""Which tests share a process, where pytest-xdist runs the suite in two."""

from xdist.scheduler import LoadScopeScheduling

# Beginnings of test ids. The two groups start side by side, so that the tests which start other
# processes are done when the largest networks have their turn.
TOGETHER = {
    "large networks": ("tests/models/", "tests/parity/", "tests/test_zoo", "tests/weights/"),
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
