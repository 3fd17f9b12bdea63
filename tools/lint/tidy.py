#!/usr/bin/python3
"""Runs clang-tidy over the sources that changed since it last found nothing in them.

usage: tools/lint/tidy.py BUILD_FOLDER [FILE...]      FILE: only these, whatever was found before

What a source depends on is what the compiler said when it built it (ninja's record); without that the source is checked.
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


def sources(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    found = {}
    for command in commands:
        path = pathlib.Path(command["file"])
        if path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "testing"):
            if not path.name.endswith("_test.cc"):
                words = command["command"].split()
                found[path] = words[words.index("-o") + 1]
    return found


def recorded_dependencies(build):
    """Object file -> files that it was built from, as ninja remembers them."""
    text = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], capture_output=True, text=True).stdout
    dependencies, current = {}, None
    for line in text.splitlines():
        if line.startswith("    ") and current is not None:
            dependencies[current].append(line.strip())
        elif ": #deps" in line:
            current = line.split(":")[0]
            dependencies[current] = []
    return dependencies


def fingerprint(build, path, inputs):
    """Of everything of ours that clang-tidy's answer for `path` rests on; None when that is not known."""
    if not inputs:
        return None
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + pathlib.Path(__file__).read_bytes())
    for name in sorted({str(path), *inputs}):
        file = (build / name).resolve()
        if file.is_relative_to(ROOT):
            if not file.exists():
                return None
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def plugin(folder):
    """Builds own_code_only.cc when it changed. Returns the library."""
    source, library = ROOT / "tools/lint/own_code_only.cc", folder / "own_code_only.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        include = subprocess.run(["llvm-config-19", "--includedir"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["clang++-19", "-shared", "-fPIC", "-O1", "-fno-rtti", "-std=c++17", "-isystem", include,
                        str(source), "-o", str(library)], check=True)
    return library


def precompiled_headers(build):
    """Builds those that the sources are compiled with."""
    commands = (build / "compile_commands.json").read_text()
    headers = sorted({str(pathlib.Path(name).relative_to(build)) for name in re.findall(r"-include-pch -Xclang (\S+)", commands)})
    subprocess.run(["ninja", "--quiet", "-C", str(build), *headers], check=True)


def tidy(build, library, path):
    done = subprocess.run(["clang-tidy-19", "-load", str(library), "-p", str(build), "--quiet",
                           "--extra-arg=-Wno-unknown-warning-option", str(path)], capture_output=True, text=True)
    return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    only = {pathlib.Path(name).resolve() for name in sys.argv[2:]}
    clean = ROOT / "build" / "lint"
    library = plugin(clean)
    precompiled_headers(build)
    dependencies = recorded_dependencies(build)
    work = []
    for path, output in sources(build).items():
        if only and path not in only:
            continue
        key = fingerprint(build, path, dependencies.get(output))
        stamp = clean / (str(path.relative_to(ROOT)).replace("/", "_") + ".tidy")
        if not only and key and stamp.exists() and stamp.read_text() == key:
            continue
        work.append((path, key, stamp))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 2)) as pool:
        for (path, key, stamp), (code, output) in zip(work, pool.map(lambda item: tidy(build, library, item[0]), work)):
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
