"""What cannot be enforced: the command must not run at all."""
import dataclasses

from attack import FULL, LANDLOCK, LINE_PROXY, LINE_PROXY_RULES, LINE_REFUSED, MOUNTS, SWITCH_OFF

# Runs a command on a kernel that lacks something: argv[1] is what.
ON_A_LESSER_KERNEL = """
import ctypes, os, sys
class Compare(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("how", ctypes.c_int), ("mask", ctypes.c_uint64), ("value", ctypes.c_uint64)]
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
kernel = ctypes.c_void_p(seccomp.seccomp_init(0x7fff0000))
def lacks(name, error, *compares):
    number = seccomp.seccomp_syscall_resolve_name(name)
    assert seccomp.seccomp_rule_add_array(kernel, 0x50000 | error, number, len(compares), (Compare * len(compares))(*compares)) == 0
if sys.argv[1] == "landlock":
    lacks(b"landlock_create_ruleset", 38)
else:
    new_user = Compare(0, 7, 0x10000000, 0x10000000)
    lacks(b"clone", 1, new_user)
    lacks(b"unshare", 1, new_user)
    lacks(b"clone3", 38)
assert seccomp.seccomp_load(kernel) == 0
os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclasses.dataclass(frozen=True)
class Refusal:
    name: str
    kinds: tuple
    # The levels that must be refused.
    levels: frozenset
    # What the person is told.
    says: str
    lacks: str = ""
    # A host that the proxy is asked to let through.
    proxy_to: str = ""
    secrets: bool = False


REFUSALS = (
    Refusal("kernel_without_landlock", (LINE_REFUSED, SWITCH_OFF), frozenset({FULL, LANDLOCK}), "the kernel has no Landlock", lacks="landlock"),
    Refusal("kernel_without_user_namespaces", (LINE_REFUSED, SWITCH_OFF), MOUNTS,
            "cannot make a user namespace", lacks="user namespaces"),
    Refusal("proxy_that_has_no_namespace", (LINE_REFUSED, LINE_PROXY, LINE_PROXY_RULES), frozenset({LANDLOCK}),
            "needs a network namespace", proxy_to="allowed.test"),
    Refusal("secrets_that_cannot_be_hidden", (LINE_REFUSED,), frozenset({LANDLOCK}), "has to stay hidden", secrets=True),
)
