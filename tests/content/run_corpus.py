#!/usr/bin/env python3
"""Gives every message of the corpus to the inspection, and compares what it says with what is expected.

Usage: run_corpus.py [CORPUS] [--build FOLDER] [--group PREFIX]... [--no-comparison] [--verbose]
CORPUS is what make_corpus.py wrote; without it, it is made in a folder of its own that is removed. Prints a table of counts by
group; then what differs, and "N passed, N failed"; exit 1 if anything does, or if no message was looked at.
What a report leads to is the default of the policy: forbidden names, viruses and limits refuse; contradictions are malformed;
what is encrypted or can't be read is accepted.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The first kind that a report has decides.
CONSEQUENCES = [("extension", "refuse"), ("virus", "refuse"), ("limit", "refuse"), ("malformed", "malformed"), ("not_scanned", "not_scanned")]
BLOCKED = {"refuse", "malformed", "not_scanned"}
FORBIDDEN = re.compile(r"\.(bat|chm|cmd|com|cpl|dll|exe|hlp|hta|jar|js|pif|reg|scr|shs|vbe|vbs|vxd|wsf|wsh)[. ]*$", re.I)


def verdict_of(findings):
    kinds = {one["kind"] for one in findings}
    return next((verdict for kind, verdict in CONSEQUENCES if kind in kinds), "accept")


def problem(row, findings):
    """What is not as expected, or nothing."""
    verdict = verdict_of(findings)
    if verdict != row["verdict"]:
        return f"is {verdict}, not {row['verdict']}"
    kinds = {"attachments": ("extension", "limit"), "antivirus": ("virus",)}.get(row["test"])
    said = [one for one in findings if kinds is None or one["kind"] in kinds]
    if kinds and not said:
        return f"test {row['test']} says nothing"
    if row["named"] and not any(names(one["where"], row["named"]) for one in said):
        return f"{row['named']} is not named"
    if row["finding"] and all(one["kind"] != row["finding"] for one in findings):
        return f"no finding {row['finding']}"
    return None


def names(where, wanted):
    """Parts without a name may stand before it; "a.rar" is named by "a.rar/run.exe"."""
    return f"/{wanted}/" in f"/{where}/" or (wanted.endswith("/") and f"/{wanted}" in f"/{where}")


def lines_of(program, arguments, paths):
    """One line of output for each path. A program that ends before its time is begun again behind the message that ended it."""
    lines = []
    while len(lines) < len(paths):
        rest = "".join(f"{one}\n" for one in paths[len(lines):])
        run = subprocess.run([program, *arguments], input=rest, capture_output=True, text=True, errors="replace", check=False)
        lines += run.stdout.splitlines()
        if len(lines) < len(paths):
            if run.returncode > 0:
                sys.exit(f"{program}: {run.stderr.strip()}")
            lines.append(None) # a signal ended it
    return lines


def compared(asked, corpus, paths):
    """For each message: whether GMime shows a forbidden name, and what ClamAV finds alone."""
    if asked.no_comparison:
        return [(False, False)] * len(paths)
    shown = lines_of(asked.build / "gmime_names", [], paths)
    found = lines_of(asked.build / "clamav_alone", [corpus / "signatures"], paths)
    return [(one is not None and any(FORBIDDEN.search(name) for name in json.loads(one)), two not in (None, "clean")) for one, two in zip(shown, found)]


def table(counts):
    heads = ["group", "messages", "as expected", "blocked else", "missed", "refused wrongly", "GMime shows", "ClamAV alone"]
    rows = [[group, *(str(count[head]) for head in heads[1:])] for group, count in sorted(counts.items())]
    rows.append(["all", *(str(sum(count[head] for count in counts.values())) for head in heads[1:])])
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    for row in [heads, *rows]:
        print("  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))))


def run(asked, corpus, scratch):
    rows = [one for one in json.loads((corpus / "table.json").read_text(encoding="utf-8")) if one["group"].startswith(tuple(asked.group) or "")]
    paths = [str(corpus / one["file"]) for one in rows]
    reports = lines_of(asked.build / "inspect_file", [corpus / "signatures", scratch], paths)
    others = compared(asked, corpus, paths)
    counts, problems, slowest = collections.defaultdict(collections.Counter), [], (0, "")
    for row, line, (shown, found) in zip(rows, reports, others):
        report = json.loads(line) if line else {"milliseconds": 0, "findings": [{"kind": "not_scanned", "where": "", "what": "it crashed"}]}
        wrong = problem(row, report["findings"])
        verdict = verdict_of(report["findings"])
        count = counts[row["group"]]
        count["messages"] += 1
        kind = "as expected" if not wrong else "refused wrongly" if row["verdict"] == "accept" and verdict in BLOCKED else "blocked else" if \
            verdict in BLOCKED else "missed"
        count[kind] += 1
        count["GMime shows"] += shown
        count["ClamAV alone"] += found
        slowest = max(slowest, (report["milliseconds"], row["file"]))
        if wrong or asked.verbose:
            said = "; ".join(f"{one['kind']} {one['where']}: {one['what']}" for one in report["findings"][:6])
            problems.append(f"{kind}: {row['file']}: {wrong or 'yes'} [{said}] {row['reason']!r}")
    table(counts)
    print(f"slowest: {slowest[0]} ms, {slowest[1]}; peak {max((json.loads(line)['peak_kib'] for line in reports if line), default=0) // 1024} MiB")
    print("\n".join(problems))
    good = sum(count["as expected"] for count in counts.values())
    print(f"{good} passed, {len(rows) - good} failed")
    return bool(rows) and good == len(rows)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("corpus", nargs="?", type=pathlib.Path)
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    options.add_argument("--group", action="append", default=[])
    options.add_argument("--no-comparison", action="store_true")
    options.add_argument("--verbose", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="postern-corpus-") as folder:
        corpus = asked.corpus or pathlib.Path(folder) / "corpus"
        if asked.corpus is None:
            subprocess.run([HERE / "make_corpus.py", corpus], check=True)
        scratch = pathlib.Path(folder) / "scratch"
        scratch.mkdir()
        good = run(asked, corpus.resolve(), scratch)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
