"""Signalling, tracing, reading and steering other processes: those of the machine, and those that keep the jail."""
from attack import (CONTAINER, DESTRUCTION, LINE_DEVICES, LINE_SESSION, LINE_SPACES, LINE_SYSCALLS, LINE_TIMEOUT, REMOTE,
                    SYSCALL, Attack, printed, printed_secret, python, victim_died, wrote)

ATTACKS = (
    Attack("another_process_killed", (REMOTE, DESTRUCTION, LINE_SPACES), "kill -9 @VICTIM@", victim_died, since_abi=6),
    Attack("another_process_stopped", (REMOTE, DESTRUCTION), "kill -STOP @VICTIM@", lambda world, output: world.victim_state() == "T", since_abi=6),
    Attack("another_process_killed_by_handle", (REMOTE, LINE_SPACES), python("""
import os, signal
signal.pidfd_send_signal(os.pidfd_open(@VICTIM@), signal.SIGKILL)
"""), victim_died, since_abi=6),
    Attack("all_processes_signalled", (REMOTE,), python("""
import os, signal
for name in os.listdir("/proc"):
    if name.isdigit() and name == "@VICTIM@": os.kill(int(name), signal.SIGKILL)
"""), victim_died, since_abi=6),
    Attack("ptrace", (REMOTE, LINE_SYSCALLS), python(SYSCALL + "print('attached' if call('ptrace', 16, @VICTIM@, 0, 0) == 0 else 'no')"), printed("attached")),
    Attack("ptrace_of_the_parent", (REMOTE, LINE_SYSCALLS),
           "export WATCHER=$PPID\n" + python(SYSCALL + "print('attached' if call('ptrace', 0x4206, int(os.environ['WATCHER']), 0, 0) == 0 else 'no')"),
           printed("attached")),
    Attack("foreign_memory", (REMOTE, LINE_SYSCALLS), python(SYSCALL + """
base = int(open("/proc/@VICTIM@/maps").readline().split("-")[0], 16)
buffer = ctypes.create_string_buffer(4)
class Vec(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
mine, theirs = Vec(ctypes.addressof(buffer), 4), Vec(base, 4)
got = call("process_vm_readv", @VICTIM@, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
print("read" if got == 4 else "no")
"""), printed("read")),
    Attack("foreign_memory_written", (REMOTE, LINE_SYSCALLS), python(SYSCALL + """
stack = next(line for line in open("/proc/@VICTIM@/maps") if "[stack]" in line)
end = int(stack.split()[0].split("-")[1], 16)
buffer = ctypes.create_string_buffer(8)
class Vec(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
mine, theirs = Vec(ctypes.addressof(buffer), 8), Vec(end - 8, 8)
put = call("process_vm_writev", @VICTIM@, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
print("written" if put == 8 else "no")
"""), printed("written")),
    Attack("foreign_memory_as_a_file", (REMOTE, LINE_SYSCALLS), python("""
stack = next(line for line in open("/proc/@VICTIM@/maps") if "[stack]" in line)
begin, end = (int(word, 16) for word in stack.split()[0].split("-"))
with open("/proc/@VICTIM@/mem", "rb") as memory:
    memory.seek(begin); print(memory.read(end - begin))
"""), printed_secret),
    Attack("memory_of_the_parent", (REMOTE, LINE_SYSCALLS), "export WATCHER=$PPID\n" + python("""
import os
for pid in {os.environ["WATCHER"], "1"}:
    try:
        with open(f"/proc/{pid}/mem", "r+b", 0) as memory:
            base = int(open(f"/proc/{pid}/maps").readline().split("-")[0], 16)
            memory.seek(base); print("read" if memory.read(4) else "no")
    except OSError: pass
"""), printed("read")),
    Attack("descriptor_of_another_process", (REMOTE, LINE_SYSCALLS), python(SYSCALL + """
fd = call("pidfd_getfd", call("pidfd_open", @VICTIM@, 0), 0, 0)
if fd >= 0: print(os.pread(fd, 100, 0))
"""), printed_secret),
    Attack("program_of_another_process_overwritten", (CONTAINER, REMOTE),
           "exec 8</proc/@VICTIM@/exe; kill -9 @VICTIM@; sleep 0.3; echo @TOKEN@ > /proc/self/fd/8", wrote("@BASE@/bin/victim")),
    Attack("terminal_typed_into", (REMOTE, LINE_SESSION), python("""
import fcntl, termios
terminal = open("/dev/tty", "rb", 0)
for letter in b"@TOKEN@\\n": fcntl.ioctl(terminal, termios.TIOCSTI, bytes([letter]))
"""), lambda world, output: world.typed(world.token), users=("root",), terminal=True),
    # A quarter of it is allowed.
    Attack("memory_taken", (DESTRUCTION, LINE_TIMEOUT), python("""
import time
taken = b"x" * (1 << 30)
time.sleep(1)
print("SURVIVED")
"""), printed("SURVIVED"), settings=(("LATHE_MEMORY_BYTES", str(1 << 28)),)),
    Attack("memory_taken_by_many", (DESTRUCTION, LINE_TIMEOUT), python("""
import os, time
for _ in range(7):
    if os.fork() == 0: break
taken = b"x" * (1 << 26)
time.sleep(1)
print("SURVIVED", flush=True)
os._exit(0)
"""), printed("SURVIVED"), settings=(("LATHE_MEMORY_BYTES", str(1 << 28)),)),
    Attack("another_terminal_written_to", (REMOTE, LINE_DEVICES), "echo @TOKEN@ > @TTY@", lambda world, output: world.shown(world.token)),
)
