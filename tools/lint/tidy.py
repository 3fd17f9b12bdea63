#!/usr/bin/python3
"""Runs clang-tidy over the sources that changed since it last found nothing in them.

usage: tools/lint/tidy.py [FILE...]      FILE: only these, whatever was found before

The sources are read one by one, as preset lint would compile them, with the precompiled headers of build/dev. What a source
depends on is what the compiler said when build/dev compiled it, alone or with others of its room (ninja's record); without
that the source is checked.
Tests are left to the compiler and the sanitizers: GoogleTest's macros cost more time than they ever showed bugs.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "dev"
OUT = ROOT / "build" / "lint"


def configure():
    """Writes OUT/compile_commands.json: the command of each source alone, with what build/dev holds."""
    for preset, folder in (("dev", BUILD), ("lint", OUT / "one-by-one")):
        if preset == "lint" or not (folder / "build.ninja").exists():
            subprocess.run(["cmake", "--preset", preset], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    commands = (OUT / "one-by-one" / "compile_commands.json").read_text()
    (OUT / "compile_commands.json").write_text(commands.replace(str(OUT / "one-by-one"), str(BUILD)))


def sources():
    found = []
    for command in json.loads((OUT / "compile_commands.json").read_text()):
        path = pathlib.Path(command["file"])
        if path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "testing"):
            if not path.name.endswith("_test.cc"):
                found.append(path)
    return found


def recorded_dependencies():
    """Source of ours -> files that the object was built from that it went into, as ninja remembers them."""
    text = subprocess.run(["ninja", "-C", str(BUILD), "-t", "deps"], capture_output=True, text=True).stdout
    dependencies = {}
    for entry in text.split("\n\n"):
        inputs = [line.strip() for line in entry.splitlines()[1:]]
        for name in inputs:
            if name.endswith(".cc"):
                dependencies[(BUILD / name).resolve()] = inputs
    return dependencies


def fingerprint(path, inputs):
    """Of everything of ours that clang-tidy's answer for `path` rests on; None when that is not known."""
    if not inputs:
        return None
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + pathlib.Path(__file__).read_bytes())
    for name in sorted({str(path), *inputs}):
        file = (BUILD / name).resolve()
        if file.is_relative_to(ROOT):
            if not file.exists():
                return None
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def plugin(folder):
    """Builds own_code_only.cc when it changed. Returns the library."""
    source, library = ROOT / "tools/lint/own_code_only.cc", folder / "own_code_only.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        include = subprocess.run(["llvm-config-19", "--includedir"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["clang++-19", "-shared", "-fPIC", "-O1", "-fno-rtti", "-std=c++17", "-isystem", include,
                        str(source), "-o", str(library)], check=True)
    return library


def made_headers():
    """Builds the precompiled headers that the sources are compiled with, and those that are generated."""
    commands = (OUT / "compile_commands.json").read_text()
    headers = sorted({str(pathlib.Path(name).relative_to(BUILD)) for name in re.findall(r"-include-pch -Xclang (\S+)", commands)})
    subprocess.run(["ninja", "--quiet", "-C", str(BUILD), *headers, "generated_code"], check=True)


def tidy(commands, library, path):
    done = subprocess.run(["clang-tidy-19", "-load", str(library), "-p", str(commands), "--quiet",
                           "--extra-arg=-Wno-unknown-warning-option", str(path)], capture_output=True, text=True)
    return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    only = {pathlib.Path(name).resolve() for name in sys.argv[1:]}
    configure()
    library = plugin(OUT)
    made_headers()
    dependencies = recorded_dependencies()
    work = []
    for path in sources():
        if only and path not in only:
            continue
        key = fingerprint(path, dependencies.get(path))
        stamp = OUT / (str(path.relative_to(ROOT)).replace("/", "_") + ".tidy")
        if not only and key and stamp.exists() and stamp.read_text() == key:
            continue
        work.append((path, key, stamp))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 2)) as pool:
        for (path, key, stamp), (code, output) in zip(work, pool.map(lambda item: tidy(OUT, library, item[0]), work)):
            if code == 0:
                if key:
                    stamp.write_text(key)
                continue
            failed += 1
            print(output.replace(str(ROOT) + "/", ""), flush=True)
    print(f"tidy: {len(work)} files checked, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
