"""Starting programs and timing them, with as little of Python around them as possible."""
import json
import os
import select
import signal
import statistics
import subprocess
import tempfile
import time


class Run:
    def __init__(self, code, seconds, output):
        self.code, self.seconds, self.output = code, seconds, output


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
    _, status = os.waitpid(pid, 0)
    return Run(os.waitstatus_to_exitcode(status), time.perf_counter() - started, output)


def bytes_written(argv, env, cwd):
    """Bytes that a program caused to be written to disk (all of its process, as the kernel counts them)."""
    process = subprocess.Popen([str(word) for word in argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with open(f"/proc/{process.pid}/io") as report:
        counts = dict(line.split(": ") for line in report.read().splitlines())
    if process.wait() != 0:
        raise CannotRun(f"{argv[0]} ended with exit code {process.returncode}")
    return int(counts["write_bytes"])


def below(pid):
    """All descendants."""
    children = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children += [int(word) for word in file.read().split()]
    return children + [each for child in children for each in below(child)]


def comm(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


def pss_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


class CannotRun(Exception):
    """A command that is measured did not end with 0."""


class Case:
    """One command that is run again and again; all must end with 0."""

    def __init__(self, name, argv, env, cwd, capture=False):
        self.name, self.argv, self.env, self.cwd, self.capture = name, [str(word) for word in argv], env, str(cwd), capture
        self.runs = []

    def once(self):
        done = run(self.argv, self.env, self.cwd, self.capture)
        if done.code != 0:
            again = subprocess.run(self.argv, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL, capture_output=True)
            said = (again.stderr or again.stdout).decode(errors="replace")
            raise CannotRun(f"{self.name} ended with exit code {done.code}: {said[-2000:]}")
        self.runs.append(done)

    def until(self, started):
        """Starts the command and waits for it to make the file `started`, which is taken away again."""
        process = subprocess.Popen(self.argv, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(started):
            if process.poll() is not None:
                raise CannotRun(f"{self.name} ended with exit code {process.returncode} by itself")
            time.sleep(0.001)
        os.unlink(started)
        return process

    def interrupted(self, started):
        """Milliseconds from SIGINT, sent once the file `started` is there, to the end of the program."""
        process = self.until(started)
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        code = process.wait()
        took = (time.perf_counter() - began) * 1000
        if code != 130:
            raise CannotRun(f"{self.name} ended with exit code {code} after an interrupt")
        return took

    def memory_of(self, program, started, go):
        """Megabytes (Pss) of all processes of that name below the run, once the file `started` is there; ends it by
        making the file `go`."""
        process = self.until(started)
        sizes = [pss_kb(pid) for pid in below(process.pid) if comm(pid) == program[:15]]
        with open(go, "w"):
            pass
        code = process.wait()
        os.unlink(go)
        if code != 0 or not sizes:
            raise CannotRun(f"{self.name} ended with exit code {code}, {len(sizes)} processes named {program}")
        return sum(sizes) * 1024 / 1e6

    @property
    def ms(self):
        return statistics.median(done.seconds for done in self.runs) * 1000

    def peak_mb(self, times=5):
        """Median peak memory of further runs below time(1): started from here, a program would begin with this
        interpreter's own high-water mark."""
        peaks = []
        for _ in range(times):
            with tempfile.NamedTemporaryFile("r") as report:
                run(["/usr/bin/time", "-f", "%M", "-o", report.name, *self.argv], self.env, self.cwd)
                peaks.append(int(report.read().split()[-1]) * 1024 / 1e6)
        return statistics.median(peaks)

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
    """`lathe-model-server` that makes `turns` tool turns and then says `deltas` words, or plays a script."""

    def __init__(self, program, turns=0, deltas=1, script=None):
        words = ["--script", script] if script else ["--turns", str(turns), "--deltas", str(deltas)]
        self.process = subprocess.Popen([program, *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        select.select([self.process.stdout], [], [], 30)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
