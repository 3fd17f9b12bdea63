"""The box itself: rights, mounts, devices, and interfaces that kernels were broken with."""
from attack import (CONTAINER, LINE_DEVICES, LINE_PRIVILEGES, LINE_SPACES, LINE_SYSCALLS, LINE_WRITES, MOUNTS, SYSCALL,
                    Attack, printed, python, wrote)


def made(expression):
    """Whether the system call gives something."""
    return python(SYSCALL + f"words = ctypes.create_string_buffer(256)\nprint('made' if {expression} >= 0 else 'no')")


ATTACKS = (
    Attack("io_uring", (CONTAINER, LINE_SYSCALLS), made("call('io_uring_setup', 4, words)"), printed("made")),
    Attack("kernel_keys", (CONTAINER, LINE_SYSCALLS), made("call('keyctl', 1, 0)"), printed("made")),
    Attack("kernel_key_added", (CONTAINER, LINE_SYSCALLS), made("call('add_key', b'user', b'@TOKEN@', b'x', 1, -2)"), printed("made")),
    Attack("memory_faults", (CONTAINER, LINE_SYSCALLS), made("call('userfaultfd', 1)"), printed("made")),
    # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, of itself and without the kernel's part.
    Attack("performance_counters", (CONTAINER, LINE_SYSCALLS), python(SYSCALL + """
import struct
words = ctypes.create_string_buffer(struct.pack("IIQQQQQ", 1, 112, 1, 0, 0, 0, 0b1100001), 112)
print("made" if call("perf_event_open", words, 0, -1, -1, 0) >= 0 else "no")
"""), printed("made")),
    Attack("programs_for_the_kernel", (CONTAINER, LINE_SYSCALLS), python(SYSCALL + """
import struct
words = ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1), 128)
print("made" if call("bpf", 0, words, 128) >= 0 else "no")
"""), printed("made"), users=("root",)),
    Attack("calls_of_the_older_machine", (CONTAINER, LINE_SYSCALLS), python("""
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("53" "b814000000" "cd80" "5b" "c3"))  # getpid by int 0x80
run = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print("made" if run() > 0 else "no", flush=True)
"""), printed("made"), machines=("x86_64",)),
    Attack("program_with_roots_rights", (CONTAINER, LINE_PRIVILEGES), "@SUID@ -u", printed("0"), users=("ordinary",)),
    Attack("privileges_gained", (CONTAINER, LINE_PRIVILEGES), "grep -q 'NoNewPrivs:.*0' /proc/self/status && echo open", printed("open")),
    Attack("capabilities_kept", (CONTAINER, LINE_PRIVILEGES), "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status && echo capable", printed("capable"), users=("root",)),
    Attack("device_made", (CONTAINER, LINE_DEVICES), "mknod zero c 1 5 && echo made", printed("made"), users=("root",)),
    Attack("disk_and_memory_devices", (CONTAINER, LINE_DEVICES), "for d in /dev/kmsg /dev/fuse /dev/mem /dev/vda /dev/port /dev/loop-control; do [ -e $d ] && echo there; done", printed("there"), levels=MOUNTS),
    Attack("kernel_log", (CONTAINER, LINE_DEVICES), "[ -c /dev/kmsg ] || exit; (echo @TOKEN@ > /dev/kmsg) && echo put; (timeout 1 head -c 1 /dev/kmsg | grep -q .) && echo put", printed("put"), users=("root",)),
    Attack("folder_mounted", (CONTAINER, LINE_WRITES), "mkdir m; unshare -Urm sh -c 'mount --bind @OUT@ m && echo @TOKEN@ > m/victim.txt'", wrote("@OUT@/victim.txt")),
    Attack("mount_by_handle", (CONTAINER, LINE_SYSCALLS), made("call('open_tree', -100, b'/', 1)"), printed("made"), users=("root",)),
    Attack("file_system_made", (CONTAINER, LINE_SYSCALLS), made("call('fsopen', b'tmpfs', 0)"), printed("made"), users=("root",)),
    Attack("root_changed", (CONTAINER, LINE_SPACES), "mkdir m; unshare -Urm sh -c 'mount -t tmpfs t m && mkdir m/old && pivot_root m m/old && echo pivoted'", printed("pivoted")),
    Attack("namespaces_of_another_process", (CONTAINER, LINE_SPACES), "nsenter -t @VICTIM@ -m -- sh -c 'echo @TOKEN@ > @OUT@/ran'", wrote("@OUT@/ran"), users=("root",)),
    Attack("file_by_its_number", (CONTAINER, LINE_SYSCALLS), python(SYSCALL + """
handle = ctypes.create_string_buffer(136); handle[0] = 128
mount = ctypes.c_int()
print("made" if call("name_to_handle_at", -100, b"/etc/passwd", handle, ctypes.byref(mount), 0) >= 0 else "no")
"""), printed("made")),
    Attack("kernel_setting", (CONTAINER, LINE_DEVICES), "p=$(cat /proc/sys/kernel/core_pattern); (echo \"$p\" > /proc/sys/kernel/core_pattern) && echo set", printed("set"), users=("root",)),
    Attack("kernel_switch", (CONTAINER, LINE_DEVICES), "s=$(cat /proc/sys/vm/overcommit_ratio); (echo $s > /proc/sys/vm/overcommit_ratio) && echo set", printed("set"), users=("root",)),
    Attack("control_group", (CONTAINER, LINE_DEVICES), "d=/sys/fs/cgroup/lathe-escape-@TOKEN@; mkdir $d && { echo made; rmdir $d; }", printed("made"), users=("root",)),
)
