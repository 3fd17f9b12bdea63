"""What the kernel under the tests gives, asked without Lathe."""
import ctypes
import errno
import os

from attack import FULL, LANDLOCK, NAMESPACES

CREATE_RULESET = 444  # on every architecture
VERSION = 1
GET_SECCOMP = 21

libc = ctypes.CDLL(None, use_errno=True)


def landlock_abi():
    """0: none; then errno says why."""
    return max(0, libc.syscall(CREATE_RULESET, None, 0, VERSION))


def lacking(level):
    """Why the kernel cannot give the level, with the probe that shows it; empty when it can."""
    if libc.prctl(GET_SECCOMP, 0, 0, 0, 0) < 0:
        return f"prctl(PR_GET_SECCOMP): {errno.errorcode[ctypes.get_errno()]}"
    if level in (FULL, LANDLOCK) and landlock_abi() == 0:
        return f"landlock_create_ruleset: {errno.errorcode[ctypes.get_errno()]}"
    if level in (FULL, NAMESPACES) and not os.path.exists("/proc/self/ns/user"):
        return "/proc/self/ns/user is not there"
    return ""


def older_landlock(needed):
    abi = landlock_abi()
    return f"landlock_create_ruleset: version {abi}, and {needed} is needed" if abi < needed else ""
