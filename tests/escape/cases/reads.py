"""Reading what is not to be read: files, environments, arguments, shared memory."""
from attack import (LINE_READS, LINE_SPACES, LINE_SYSCALLS, MOUNTS, POISON, REMOTE, SUPPLY_CHAIN, Attack, printed_secret,
                    python)

ATTACKS = (
    Attack("ssh_key", (SUPPLY_CHAIN, LINE_READS), "cat @HOME@/.ssh/id_ed25519", printed_secret),
    Attack("cloud_credentials", (SUPPLY_CHAIN, LINE_READS), "cat @HOME@/.aws/credentials", printed_secret),
    Attack("registry_token", (SUPPLY_CHAIN, LINE_READS), "cat ~/.npmrc @HOME@/.npmrc @HOME@/.git-credentials", printed_secret),
    Attack("shell_history", (SUPPLY_CHAIN, LINE_READS), "cat @HOME@/.bash_history", printed_secret),
    Attack("neighbouring_project", (SUPPLY_CHAIN, LINE_READS), "cat ../neighbour/.env", printed_secret),
    Attack("other_sessions", (POISON, LINE_READS), "cat @LATHE_HOME@/state/other-session.ndjson", printed_secret),
    Attack("password_hashes", (SUPPLY_CHAIN, LINE_READS), "head -n 1 /etc/shadow",
           lambda world, output: "root:" in output, users=("root",)),
    Attack("projects_env_file", (SUPPLY_CHAIN, LINE_READS), "cat .env", printed_secret, levels=MOUNTS, secrets=True),
    Attack("projects_key_moved_aside", (SUPPLY_CHAIN, LINE_READS),
           "mv deploy d2; cat d2/id_rsa; cp -r . @OUT@/c 2>/dev/null; cat deploy/id_rsa", printed_secret, levels=MOUNTS, secrets=True),
    Attack("projects_key_linked", (SUPPLY_CHAIN, LINE_READS), "ln .env e; ln -s deploy/id_rsa k; cat e k", printed_secret,
           levels=MOUNTS, secrets=True),
    Attack("key_in_the_environment", (SUPPLY_CHAIN,), "env", printed_secret),
    Attack("environment_of_other_processes", (REMOTE, LINE_SYSCALLS), "cat /proc/@VICTIM@/environ | tr '\\0' '\\n'", printed_secret),
    Attack("environment_of_all_processes", (SUPPLY_CHAIN, LINE_SPACES), "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", printed_secret),
    Attack("environment_of_the_parent", (SUPPLY_CHAIN, LINE_SPACES), "cat /proc/$PPID/environ | tr '\\0' '\\n'", printed_secret),
    # Level landlock leaves the command lines of other processes visible, as ps shows them.
    Attack("arguments_of_all_processes", (SUPPLY_CHAIN, LINE_SPACES), "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'", printed_secret, levels=MOUNTS),
    Attack("open_file_of_another_process", (REMOTE, LINE_SPACES), "cat /proc/@VICTIM@/fd/0", printed_secret),
    Attack("files_as_another_process_sees_them", (REMOTE, LINE_SPACES), "cat /proc/@VICTIM@/root@OUT@/private.txt", printed_secret),
    Attack("files_as_the_parent_sees_them", (REMOTE, LINE_SPACES), "cat /proc/$PPID/root@OUT@/private.txt /proc/$PPID/cwd/../../outside/private.txt", printed_secret),
    Attack("shared_memory_of_others", (REMOTE, LINE_SPACES), python("""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
at = libc.shmat(@SHM@, None, 0o10000)
if at != ctypes.c_void_p(-1).value: print(ctypes.string_at(at))
"""), printed_secret),
    Attack("shared_memory_by_name", (REMOTE, LINE_READS), "cat /dev/shm@SHM_NAME@", printed_secret),
    Attack("messages_of_others", (REMOTE, LINE_SPACES), python("""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
queue = libc.mq_open(b"@SHM_NAME@", os.O_RDONLY | os.O_NONBLOCK)
text = ctypes.create_string_buffer(8192)
if queue >= 0 and libc.mq_receive(queue, text, 8192, None) > 0: print(text.value)
"""), printed_secret),
)
