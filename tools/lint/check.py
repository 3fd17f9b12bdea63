#!/usr/bin/python3
"""Prints what the rules of this folder find in the tree; exit code 1 when they find anything.

usage: tools/lint/check.py [ROOT]
"""
import pathlib
import sys

sys.dont_write_bytecode = True
import room_rules  # noqa: E402
import text_rules  # noqa: E402
from tree import Tree  # noqa: E402


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    tree = Tree(root)
    findings = [finding for check in text_rules.CHECKS + room_rules.CHECKS for finding in check(tree)]
    for finding in sorted(findings, key=lambda f: (f.path, f.line)):
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
