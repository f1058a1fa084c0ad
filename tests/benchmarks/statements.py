"""What the check of sentences is worth on summaries that people judged.

    python tests/benchmarks/statements.py LABELS.jsonl... [--show 20]

A line of LABELS.jsonl has "article", "summary" (a sentence or several), "supported" (true or false), and maybe "set".
For each set: the area under the ROC curve of the lowest `support` of a summary's sentences, and at the working
threshold the share of false summaries that are doubted and the share of true ones that are.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from nutgraf_models.checking import ArticleCheck
from nutgraf_models.checks.support import THRESHOLD
from nutgraf_models.normalize import normalize
from nutgraf_models.sentences import split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path, nargs="+")
    parser.add_argument("--show", type=int, default=0, help="print so many false summaries that were not doubted")
    arguments = parser.parse_args()
    judged: dict[str, list[tuple[float, bool, bool, str]]] = defaultdict(list)
    seconds = sentences = 0.0
    for file in arguments.labels:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text = normalize(row["article"]).text
            check = ArticleCheck(text, split(text))
            parts = [one.text for one in split(row["summary"])]
            started = time.perf_counter()
            checked = [check.check(part) for part in parts]
            seconds += time.perf_counter() - started
            sentences += len(parts)
            support = min((one.support for one in checked), default=0.0)
            doubted = not all(one.is_supported for one in checked)
            judged[row.get("set", file.stem)].append((support, doubted, row["supported"], row["summary"]))
    print(f"doubted: support below {THRESHOLD}, or a term that the article lacks")
    print(f"{1000 * seconds / sentences:.1f} ms a sentence\n")
    print(f"{'set':24} {'false of n':>12} {'AUC':>6} {'found':>7} {'false alarms':>13}")
    for name, rows in sorted(judged.items()):
        false = [row for row in rows if not row[2]]
        true = [row for row in rows if row[2]]
        area = auc([row[0] for row in true], [row[0] for row in false])
        found, alarms = share([row[1] for row in false]), share([row[1] for row in true])
        print(f"{name:24} {f'{len(false)} of {len(rows)}':>12} {area:6.3f} {found:7.1%} {alarms:13.1%}")
        for support, _, _, summary in [row for row in false if not row[1]][: arguments.show]:
            print(f"    {support:.2f} {summary}")


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """The probability that one of `high` is above one of `low`; ties count half."""
    wins = sum((one > other) + 0.5 * (one == other) for one in high for other in low)
    return wins / (len(high) * len(low)) if high and low else float("nan")


def share(of: Sequence[bool]) -> float:
    return sum(of) / len(of) if of else float("nan")


if __name__ == "__main__":
    main()
