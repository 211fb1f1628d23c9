"""The table of planted faults fits the tree, so that each fault can be planted."""

import pytest

from tests.planted_faults import ROOT, Fault, faults

FAULTS = faults()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_can_be_planted(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.right) == 1
    assert fault.wrong != fault.right
    compile(text.replace(fault.right, fault.wrong), fault.file, "exec")
    assert (ROOT / fault.tests).exists()


def test_there_is_a_fault_for_every_package() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30
    packages = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    planted = {fault.tests.removeprefix("tests/") for fault in FAULTS}
    assert packages - {"helpers", "backends"} <= planted
