#!/usr/bin/env python3
"""Writes the corpus: one message for each evasion and each look-alike, the table of what is expected, and signatures.

Usage: make_corpus.py FOLDER [--big] [--group PREFIX]...
FOLDER/messages/GROUP/NAME.eml  exact octets; FOLDER/table.json: an object for each: group, name, file, verdict (refuse, malformed,
                                not_scanned, accept), named (what the report must name), test, finding, reason;
FOLDER/signatures/              of libclamav 1.4: test.ndb (octets anywhere), test.hsb (SHA-256, size)
The same octets at each run, but for what 7z encrypts. --big: also what takes minutes and gigabytes.
"""
import argparse
import hashlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from corpus import archives, benign, big, headers, names, structure  # noqa: E402
from corpus.mail import EICAR, HASHED, MARKER  # noqa: E402


def write_signatures(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.ndb").write_text(f"Postern.Test.Eicar:0:*:{EICAR.hex()}\nPostern.Test.Marker:0:*:{MARKER.hex()}\n", encoding="ascii")
    (folder / "test.hsb").write_text(f"{hashlib.sha256(HASHED).hexdigest()}:{len(HASHED)}:Postern.Test.Hash\n", encoding="ascii")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--big", action="store_true")
    options.add_argument("--group", action="append", default=[], help="only groups that begin so")
    asked = options.parse_args()
    sources = [names, structure, archives, headers, benign] + ([big] if asked.big else [])
    rows, seen = [], set()
    for one in (case for source in sources for case in source.cases()):
        if asked.group and not one.group.startswith(tuple(asked.group)):
            continue
        file = pathlib.Path("messages") / one.group / f"{one.name}.eml"
        if file in seen:
            sys.exit(f"make_corpus: two messages are called {file}")
        seen.add(file)
        (asked.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (asked.folder / file).write_bytes(one.octets)
        rows.append({"group": one.group, "name": one.name, "file": str(file), "verdict": one.verdict, "named": one.named, "test": one.test,
                     "finding": one.finding, "reason": one.reason})
    write_signatures(asked.folder / "signatures")
    (asked.folder / "table.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"make_corpus: {len(rows)} messages in {asked.folder}")


if __name__ == "__main__":
    main()
