"""Starting programs and timing them, with as little of Python around them as possible.

The peak memory that the kernel reports for a program started from here is at least what this interpreter itself uses
(about 10 MB): a child begins with its parent's high-water mark.
"""
import json
import os
import select
import statistics
import subprocess
import time


class Run:
    def __init__(self, code, seconds, peak_bytes, output):
        self.code, self.seconds, self.peak_bytes, self.output = code, seconds, peak_bytes, output


def run(argv, env, cwd, capture=False):
    """Runs a program to its end. stdout goes to /dev/null, or is read while it runs."""
    read_end, write_end = os.pipe() if capture else (None, os.open(os.devnull, os.O_WRONLY))
    null = os.open(os.devnull, os.O_RDWR)
    here = os.getcwd()
    os.chdir(cwd)
    try:
        started = time.perf_counter()
        pid = os.posix_spawnp(argv[0], argv, env, file_actions=[
            (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, write_end, 1), (os.POSIX_SPAWN_DUP2, null, 2)])
    finally:
        os.chdir(here)
        os.close(write_end)
        os.close(null)
    output = b""
    if capture:
        while data := os.read(read_end, 1 << 16):
            output += data
        os.close(read_end)
    _, status, usage = os.wait4(pid, 0)
    return Run(os.waitstatus_to_exitcode(status), time.perf_counter() - started, usage.ru_maxrss * 1024, output)


class Case:
    """One command that is run again and again; all must end with 0."""

    def __init__(self, name, argv, env, cwd, capture=False):
        self.name, self.argv, self.env, self.cwd, self.capture = name, [str(word) for word in argv], env, str(cwd), capture
        self.runs = []

    def once(self):
        done = run(self.argv, self.env, self.cwd, self.capture)
        if done.code != 0:
            again = subprocess.run(self.argv, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL, capture_output=True)
            raise SystemExit(f"bench: {self.name}: exit code {done.code}: {again.stderr.decode()[-2000:]}")
        self.runs.append(done)

    @property
    def ms(self):
        return statistics.median(done.seconds for done in self.runs) * 1000

    @property
    def peak_mb(self):
        return statistics.median(done.peak_bytes for done in self.runs) / 1e6

    def output_median(self):
        """Median of what a program printed about itself, in ms (curl's own total time)."""
        return statistics.median(float(done.output.split()[-1]) for done in self.runs) * 1000


def interleave(cases, times):
    """Runs the cases in turn, so that what disturbs the machine disturbs all of them."""
    for case in cases:
        case.once()  # not counted: caches
        case.runs.clear()
    for _ in range(times):
        for case in cases:
            case.once()


class ModelServer:
    """`lathe-model-server` that makes TURNS tool turns and then says DELTAS words."""

    def __init__(self, program, turns, deltas):
        self.process = subprocess.Popen([program, "--turns", str(turns), "--deltas", str(deltas)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        select.select([self.process.stdout], [], [], 30)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
