"""Accuracy of `check_summary` on summaries judged by people.

    python tests/benchmarks/statements.py LABELS.jsonl... [--show 20]

A line of LABELS.jsonl has "article", "summary" (one or more sentences), "supported" (true or false), and optionally
"set". Prints for each set: the area under the ROC curve of a summary's minimum `support`; the same with 0 for summaries
with unsupported terms; and, at the default threshold, the shares of false summaries (found) and true ones (false
alarms) that are doubted. `checker.py --labels` prints the same after its own figures.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nutgraf_models.checks.summary_check import check_summary
from nutgraf_models.checks.support import OTHERS_THRESHOLD
from nutgraf_models.results import CheckedSummary, Verdict


@dataclass(frozen=True)
class _Judged:
    """The check's result for a summary, and the judgement."""

    checked: CheckedSummary
    is_true: bool
    summary: str

    @property
    def support(self) -> float:
        return self.checked.support

    @property
    def support_with_terms(self) -> float:
        return 0.0 if self.checked.unsupported_terms else self.support

    @property
    def is_doubted(self) -> bool:
        return self.checked.verdict is Verdict.DOUBTED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path, nargs="+")
    parser.add_argument("--show", type=int, default=0, help="number of undetected false summaries to print")
    arguments = parser.parse_args()
    measure_labels(arguments.labels, arguments.show)


def measure_labels(files: Sequence[Path], show: int) -> None:
    """Prints the figures of each set, and the first `show` false summaries that were not doubted."""
    judged: dict[str, list[_Judged]] = defaultdict(list)
    seconds = sentences = 0.0
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            checked = check_summary(row["article"], "", row["summary"])
            seconds += checked.check_seconds
            sentences += len(checked.sentences)
            judged[row.get("set", file.stem)].append(_Judged(checked, row["supported"], row["summary"]))
    print(f"doubted: support below {OTHERS_THRESHOLD}, or a term that the article lacks")
    print(f"{1000 * seconds / max(1, sentences):.1f} ms a sentence\n")
    print(f"{'set':24} {'false of n':>12} {'AUC':>6} {'and terms':>10} {'found':>7} {'false alarms':>13}")
    for name, rows in sorted(judged.items()):
        false = [row for row in rows if not row.is_true]
        true = [row for row in rows if row.is_true]
        area = auc([row.support for row in true], [row.support for row in false])
        with_terms = auc([row.support_with_terms for row in true], [row.support_with_terms for row in false])
        found, alarms = share([row.is_doubted for row in false]), share([row.is_doubted for row in true])
        count = f"{len(false)} of {len(rows)}"
        print(f"{name:24} {count:>12} {area:6.3f} {with_terms:10.3f} {found:7.1%} {alarms:13.1%}")
        for row in [row for row in false if not row.is_doubted][:show]:
            print(f"    {row.support:.2f} {row.summary}")


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """The probability that a value of `high` exceeds one of `low`; ties count half."""
    wins = sum((one > other) + 0.5 * (one == other) for one in high for other in low)
    return wins / (len(high) * len(low)) if high and low else float("nan")


def share(of: Sequence[bool]) -> float:
    return sum(of) / len(of) if of else float("nan")


if __name__ == "__main__":
    main()
