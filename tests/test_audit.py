"""The summary that `make audit` prints of pip-audit's reports."""

import json
import subprocess
import sys
from pathlib import Path

AUDIT = Path(__file__).parents[1] / ".ci" / "audit"
SOUND = {"name": "one", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "two", "skip_reason": "Dependency not found"}
VULNERABLE = {
    "name": "three",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": [], "description": ""}],
}


def audit(report: str) -> tuple[int, str]:
    run = subprocess.run([sys.executable, AUDIT], input=report, capture_output=True, text=True, check=False, timeout=60)
    assert not run.stderr
    return run.returncode, run.stdout


def of(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_vulnerable_package_fails_and_is_named():
    status, said = audit(of(SOUND, UNKNOWN, VULNERABLE))
    assert status == 1
    assert "three 2.10: PYSEC-2019-217; fixed in 2.10.1" in said
    assert "1 of 2 packages vulnerable, 1 unknown" in said


def test_sound_packages_pass():
    assert audit(of(SOUND, UNKNOWN)) == (0, "audit: 0 of 1 packages vulnerable, 1 unknown\n")


def test_incomplete_report_passes_with_a_note():
    for report in (of(UNKNOWN), of(), ""):
        status, said = audit(report)
        assert status == 0
        assert "nothing was audited" in said
