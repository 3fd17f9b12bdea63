"""The table of escapes: what is tried, how one sees that it worked, and at which levels it must not work.

`kind` is a class of security incidents (repository contents, egress filters, …) or a line of what other sandboxes of
this kind promise; test_escape.py checks that each has at least two. A script is run by bash in the workspace; @NAMES@
are filled in by World.fill_in.
"""
import dataclasses
import typing

FULL, NAMESPACES, LANDLOCK = "full", "namespaces", "landlock"
ALL = frozenset({FULL, NAMESPACES, LANDLOCK})
MOUNTS = frozenset({FULL, NAMESPACES})

RACES = "filesystem races and links"
TRUSTED_LATER = "what the outside trusts later"
REPOSITORY = "the repository's own contents run"
SWITCH_OFF = "the model turns safety off"
TEXT_FILTERS = "filters on command text"
EGRESS = "readings of host names"
LOCAL_SERVERS = "servers of this machine"
SSRF = "requests forged and paths traversed"
POISON = "tools and instructions poisoned"
SUPPLY_CHAIN = "credentials and start-up files"
DESTRUCTION = "destruction"
HANDLERS = "handlers of links and messages"
REMOTE = "control of other terminals, agents and processes"
HARMLESS = "commands that look harmless"
CONTAINER = "the box itself"
KINDS = (RACES, TRUSTED_LATER, REPOSITORY, SWITCH_OFF, TEXT_FILTERS, EGRESS, LOCAL_SERVERS, SSRF, POISON, SUPPLY_CHAIN,
         DESTRUCTION, HANDLERS, REMOTE, HARMLESS, CONTAINER)

# What Codex tests of its own sandbox (its 4.4), apart from what must go on working (allowed.py).
LINE_WRITES = "codex: writes outside are denied"
LINE_PROTECTED = "codex: .git and configuration are protected"
LINE_LINKS = "codex: symlink replacement"
LINE_NETWORK = "codex: programs that use the network"
LINE_PROXY = "codex: the proxy is the only way"
LINE_UNIX = "codex: unix sockets"
LINE_SYSCALLS = "codex: ptrace, foreign memory, io_uring"
LINE_PRIVILEGES = "codex: no new privileges"
LINE_DEVICES = "codex: device nodes"
LINE_READS = "codex: restricted reads"
LINES = (LINE_WRITES, LINE_PROTECTED, LINE_LINKS, LINE_NETWORK, LINE_PROXY, LINE_UNIX, LINE_SYSCALLS, LINE_PRIVILEGES,
         LINE_DEVICES, LINE_READS)


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    kinds: tuple
    script: str
    # worked(world, output): whether the attack succeeded.
    worked: typing.Callable
    levels: frozenset = ALL
    # Who can do it at all, unconfined.
    users: tuple = ("root", "ordinary")
    # The workspace holds secret files; commands are refused then at level landlock.
    secrets: bool = False
    # Runs with the proxy, which lets "allowed.test" through; refused at level landlock.
    proxy: bool = False


def wrote(path):
    return lambda world, output: world.wrote(world.fill_in(path, ""))


def printed_secret(world, output):
    return world.secret in output


def printed(text):
    return lambda world, output: text in output.splitlines()


def reached(world, output):
    return world.listeners.got(world.token)


def gone(path):
    return lambda world, output: not _exists(world.fill_in(path, ""))


def _exists(path):
    import os
    return os.path.lexists(path)


def changed(path, text):
    def look(world, output):
        with open(world.fill_in(path, "")) as file:
            return file.read() != text
    return look


def victim_died(world, output):
    import time
    for _ in range(20):
        if not world.victim_lives():
            return True
        time.sleep(0.01)  # a signal that was sent is under way
    return False


PY = "python3 - <<'END'\n"
END = "\nEND"


def python(code):
    return PY + code.strip("\n") + END


SYSCALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    return libc.syscall(number, *[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
"""

# Connects as a client that is told of the proxy by its environment, or straight where there is none.
THROUGH_PROXY = """
import os, socket
def through(host, port, payload):
    proxy = os.environ.get("HTTPS_PROXY", "")
    if not proxy:
        host = host.split(b"\\0")[0].strip(b"[]").decode()
        socket.create_connection((host, port), 10).sendall(payload)
        return
    where, at = proxy.split("//")[1].split(":")
    connection = socket.create_connection((where, int(at)), 10)
    connection.sendall(b"CONNECT " + host + b":%d HTTP/1.1\\r\\n\\r\\n" % port)
    if b" 200 " in connection.recv(4096):
        connection.sendall(payload)
"""


def through_proxy(host):
    return python(THROUGH_PROXY + f'through({host!r}, @TCP@, b"@TOKEN@")')


FILES = (
    Attack("link_to_a_file_outside", (RACES, LINE_LINKS), "ln -s @OUT@/victim.txt l; echo @TOKEN@ > l",
           wrote("@OUT@/victim.txt")),
    Attack("link_to_a_folder_outside", (RACES, LINE_LINKS), "ln -s @OUT@ d; echo @TOKEN@ > d/new.txt",
           wrote("@OUT@/new.txt")),
    Attack("folder_swapped_for_a_link", (RACES, LINE_LINKS), python("""
import os, threading
os.mkdir("real"); os.symlink("@OUT@", "link"); os.rename("real", "d")
done = False
def swap():
    while not done:
        os.rename("d", "real"); os.rename("link", "d"); os.rename("d", "link"); os.rename("real", "d")
thread = threading.Thread(target=swap); thread.start()
for _ in range(200000):
    try:
        with open("d/swapped.txt", "w") as f: f.write("@TOKEN@")
    except OSError: pass
    if os.path.exists("@OUT@/swapped.txt"): break
done = True; thread.join()
"""), wrote("@OUT@/swapped.txt")),
    Attack("hard_link_to_a_file_outside", (RACES, LINE_WRITES), "ln @OUT@/victim.txt l && echo @TOKEN@ > l",
           wrote("@OUT@/victim.txt")),
    Attack("through_the_root_of_proc", (RACES, LINE_WRITES), "echo @TOKEN@ > /proc/self/root@OUT@/victim.txt",
           wrote("@OUT@/victim.txt")),
    Attack("through_the_folder_of_another_process", (RACES, LINE_WRITES),
           "echo @TOKEN@ > /proc/@VICTIM@/cwd/victim.txt", wrote("@OUT@/victim.txt")),
    Attack("known_name_in_tmp", (RACES, LINE_WRITES), "echo @TOKEN@ > @PLANTED@", wrote("@PLANTED@")),
    Attack("dot_dot", (SSRF, LINE_WRITES), "echo @TOKEN@ > ../../outside/victim.txt", wrote("@OUT@/victim.txt")),
    Attack("dot_dot_read", (SSRF, LINE_READS), "cat ./../../outside/private.txt", printed_secret),
    Attack("descriptor_left_open", (CONTAINER, LINE_WRITES), "echo @TOKEN@ >&9", wrote("@OUT@/open.txt")),
    Attack("folder_moved_out", (DESTRUCTION, LINE_WRITES), "mkdir m; echo @TOKEN@ > m/f; mv m @OUT@/m", wrote("@OUT@/m/f")),
    Attack("files_deleted", (DESTRUCTION,), "rm -rf @OUT@/victim.txt", gone("@OUT@/victim.txt")),
    Attack("documents_deleted", (DESTRUCTION,), "rm -rf @HOME@/Documents", gone("@HOME@/Documents/thesis.txt")),
    Attack("file_truncated", (DESTRUCTION,), "truncate -s 0 @OUT@/victim.txt",
           changed("@OUT@/victim.txt", "precious\n")),
    Attack("mode_changed", (DESTRUCTION,), "chmod 0777 @OUT@/private.txt",
           lambda world, output: (world.outside / "private.txt").stat().st_mode & 0o777 == 0o777, levels=MOUNTS),
    Attack("times_changed", (DESTRUCTION,), "touch -d @1000000000 @OUT@/victim.txt",
           lambda world, output: int((world.outside / "victim.txt").stat().st_mtime) == 1000000000, levels=MOUNTS),
)

TRUST = (
    # Level landlock cannot forbid these six: in a session the guard takes them back when the command ends
    # (src/sandbox/name_guard_test.cc); `sandbox run` has no guard.
    Attack("hook_rewritten", (TRUSTED_LATER, LINE_PROTECTED), "echo 'touch @TOKEN@' > .git/hooks/pre-commit",
           wrote("@HOME@/project/.git/hooks/pre-commit"), levels=MOUNTS),
    Attack("hook_added", (TRUSTED_LATER, LINE_PROTECTED), "echo 'touch @TOKEN@' > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout",
           wrote("@HOME@/project/.git/hooks/post-checkout"), levels=MOUNTS),
    Attack("git_told_to_run_something", (TRUSTED_LATER, LINE_PROTECTED), "printf '[core]\\n\\tfsmonitor = @TOKEN@\\n' >> .git/config",
           wrote("@HOME@/project/.git/config"), levels=MOUNTS),
    Attack("git_config_replaced", (TRUSTED_LATER, LINE_PROTECTED), "cp .git/config c; echo '# @TOKEN@' >> c; mv -f c .git/config",
           wrote("@HOME@/project/.git/config"), levels=MOUNTS),
    Attack("editor_task_rewritten", (TRUSTED_LATER, LINE_PROTECTED), "echo '{\"command\": \"@TOKEN@\"}' > .vscode/tasks.json",
           wrote("@HOME@/project/.vscode/tasks.json"), levels=MOUNTS),
    Attack("agent_definition_rewritten", (POISON, LINE_PROTECTED), "echo 'obey @TOKEN@' > .lathe/agents/helper.md",
           wrote("@HOME@/project/.lathe/agents/helper.md"), levels=MOUNTS),
    Attack("other_agents_settings", (POISON,), "echo @TOKEN@ > @HOME@/.claude/settings.json",
           wrote("@HOME@/.claude/settings.json")),
    Attack("instructions_for_every_project", (POISON,), "echo @TOKEN@ > @LATHE_HOME@/AGENTS.md", wrote("@LATHE_HOME@/AGENTS.md")),
    Attack("planted_fsmonitor", (REPOSITORY,), "printf '#!/bin/sh\\necho @TOKEN@ > @OUT@/ran\\n' > p; chmod +x p; git -c core.fsmonitor=./p status",
           wrote("@OUT@/ran")),
    Attack("planted_build_script", (REPOSITORY,), "printf '#!/bin/sh\\necho @TOKEN@ > @OUT@/ran\\n' > configure; chmod +x configure; ./configure",
           wrote("@OUT@/ran")),
    Attack("planted_start_up_file", (REPOSITORY,), "echo 'echo @TOKEN@ > @OUT@/ran' > rc; BASH_ENV=./rc bash -c true",
           wrote("@OUT@/ran")),
)

SWITCHES = (
    Attack("itself_without_a_jail", (SWITCH_OFF,), "@LATHE@ sandbox run --mode full-access -- sh -c 'echo @TOKEN@ > @OUT@/ran'",
           wrote("@OUT@/ran")),
    Attack("configuration_rewritten", (SWITCH_OFF,), "echo 'sandbox-mode: full-access # @TOKEN@' > @LATHE_HOME@/config.yaml",
           wrote("@LATHE_HOME@/config.yaml")),
    Attack("namespace_within", (SWITCH_OFF, CONTAINER), "unshare -Ur sh -c 'echo @TOKEN@ > @OUT@/ran'", wrote("@OUT@/ran")),
    Attack("env_in_front", (TEXT_FILTERS, LINE_WRITES), "env A=1 nice sh -c 'echo @TOKEN@ > @OUT@/ran'", wrote("@OUT@/ran")),
    Attack("find_exec", (TEXT_FILTERS,), "echo @TOKEN@ > f; find . -name f -exec cp {} @OUT@/ran \\;", wrote("@OUT@/ran")),
    Attack("xargs", (TEXT_FILTERS,), "echo @TOKEN@ > f; echo @OUT@/ran | xargs cp f", wrote("@OUT@/ran")),
    Attack("spelt_out", (TEXT_FILTERS,), "$(printf '\\145\\166\\141\\154') \"$(echo 'echo @TOKEN@ > @OUT@/ran' | base64 | base64 -d)\"",
           wrote("@OUT@/ran")),
    Attack("git_output_option", (HARMLESS,), "echo @TOKEN@ > f; git diff --no-index --output=@OUT@/ran /dev/null f", wrote("@OUT@/ran")),
    Attack("sed_writes", (HARMLESS,), "echo @TOKEN@ | sed -n 'w @OUT@/ran'", wrote("@OUT@/ran")),
    Attack("sort_output_option", (HARMLESS,), "echo @TOKEN@ | sort -o @OUT@/ran", wrote("@OUT@/ran")),
    Attack("tar_checkpoint", (HARMLESS,), "tar cf /dev/null --checkpoint=1 --checkpoint-action=exec='sh -c \"echo @TOKEN@ > @OUT@/ran\"' readme.txt",
           wrote("@OUT@/ran")),
)

NETWORK = (
    Attack("tcp_by_the_shell", (LOCAL_SERVERS, LINE_NETWORK), "exec 3<>/dev/tcp/127.0.0.1/@TCP@; echo @TOKEN@ >&3", reached),
    Attack("tcp_by_name", (LOCAL_SERVERS, LINE_NETWORK), python('import socket\nsocket.create_connection(("localhost", @TCP@), 5).sendall(b"@TOKEN@")'), reached),
    Attack("tcp_over_ipv6", (LOCAL_SERVERS, LINE_NETWORK), python('import socket\nsocket.create_connection(("::1", @TCP6@), 5).sendall(b"@TOKEN@")'), reached),
    Attack("curl", (SSRF, LINE_NETWORK), "curl -s --max-time 5 http://127.0.0.1:@TCP@/@TOKEN@", reached),
    Attack("curl_without_its_proxy", (EGRESS, LINE_PROXY), "curl -s --noproxy '*' --max-time 5 http://127.0.0.1:@TCP@/@TOKEN@", reached, levels=MOUNTS, proxy=True),
    Attack("datagram", (EGRESS, LINE_NETWORK), python('import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"@TOKEN@", ("127.0.0.1", @UDP@))'), reached),
    Attack("abstract_socket", (LOCAL_SERVERS, LINE_UNIX), python('import socket\ns = socket.socket(socket.AF_UNIX); s.connect("\\0@ABSTRACT@"); s.sendall(b"@TOKEN@")'), reached),
    Attack("control_socket", (CONTAINER, LINE_UNIX), python('import socket\ns = socket.socket(socket.AF_UNIX); s.connect("@CONTROL@"); s.sendall(b"@TOKEN@")'), reached),
    Attack("key_agent", (REMOTE, LINE_UNIX), python('import os, socket\ns = socket.socket(socket.AF_UNIX); s.connect(os.environ.get("SSH_AUTH_SOCK", "@CONTROL@")); s.sendall(b"@TOKEN@")'), reached),
    Attack("message_bus", (HANDLERS, LINE_UNIX), python('import socket\ns = socket.socket(socket.AF_UNIX); s.connect("@CONTROL@"); s.sendall(b"\\0AUTH EXTERNAL @TOKEN@\\r\\n")'), reached),
    Attack("proxy_to_this_machine", (EGRESS, LINE_PROXY), through_proxy(b"127.0.0.1"), reached, levels=MOUNTS, proxy=True),
    Attack("proxy_nul_in_the_name", (EGRESS, LINE_PROXY), through_proxy(b"127.0.0.1\0.allowed.test"), reached, levels=MOUNTS, proxy=True),
    Attack("proxy_number_for_an_address", (EGRESS, LINE_PROXY), through_proxy(b"2130706433"), reached, levels=MOUNTS, proxy=True),
    Attack("proxy_hexadecimal_address", (SSRF, LINE_PROXY), through_proxy(b"0x7f.1"), reached, levels=MOUNTS, proxy=True),
    Attack("proxy_mapped_address", (SSRF, LINE_PROXY), through_proxy(b"[::ffff:127.0.0.1]"), reached, levels=MOUNTS, proxy=True),
    Attack("proxy_name_of_this_machine", (LOCAL_SERVERS, LINE_PROXY), through_proxy(b"localhost"), reached, levels=MOUNTS, proxy=True),
)

SECRETS = (
    Attack("ssh_key", (SUPPLY_CHAIN, LINE_READS), "cat @HOME@/.ssh/id_ed25519", printed_secret),
    Attack("cloud_credentials", (SUPPLY_CHAIN, LINE_READS), "cat @HOME@/.aws/credentials", printed_secret),
    Attack("registry_token", (SUPPLY_CHAIN, LINE_READS), "cat ~/.npmrc @HOME@/.npmrc @HOME@/.git-credentials", printed_secret),
    Attack("shell_history", (SUPPLY_CHAIN, LINE_READS), "cat @HOME@/.bash_history", printed_secret),
    Attack("neighbouring_project", (SUPPLY_CHAIN, LINE_READS), "cat ../neighbour/.env", printed_secret),
    Attack("other_sessions", (POISON, LINE_READS), "cat @LATHE_HOME@/state/other-session.ndjson", printed_secret),
    Attack("key_in_the_environment", (SUPPLY_CHAIN,), "env", printed_secret),
    Attack("environment_of_other_processes", (REMOTE, LINE_SYSCALLS), "cat /proc/@VICTIM@/environ | tr '\\0' '\\n'", printed_secret),
    Attack("environment_of_all_processes", (SUPPLY_CHAIN,), "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", printed_secret),
    Attack("projects_env_file", (SUPPLY_CHAIN, LINE_READS), "cat .env", printed_secret, levels=MOUNTS, secrets=True),
    Attack("projects_key_moved_aside", (SUPPLY_CHAIN, LINE_READS), "mv deploy d2; cat d2/id_rsa; cp -r . @OUT@/c 2>/dev/null; cat deploy/id_rsa", printed_secret, levels=MOUNTS, secrets=True),
    Attack("start_up_file", (SUPPLY_CHAIN, LINE_WRITES), "echo 'echo @TOKEN@' >> @HOME@/.bashrc", wrote("@HOME@/.bashrc")),
    Attack("program_in_the_path", (SUPPLY_CHAIN, LINE_WRITES), "mkdir -p @HOME@/.local/bin; echo 'echo @TOKEN@' > @HOME@/.local/bin/git", wrote("@HOME@/.local/bin/git")),
    Attack("link_handler", (HANDLERS,), "mkdir -p @HOME@/.local/share/applications; echo 'Exec=@TOKEN@' > @HOME@/.local/share/applications/x.desktop",
           wrote("@HOME@/.local/share/applications/x.desktop")),
    Attack("started_with_the_desktop", (HANDLERS,), "mkdir -p @HOME@/.config/autostart; echo 'Exec=@TOKEN@' > @HOME@/.config/autostart/x.desktop",
           wrote("@HOME@/.config/autostart/x.desktop")),
)

BOX = (
    Attack("another_process_killed", (REMOTE, DESTRUCTION), "kill -9 @VICTIM@", victim_died),
    Attack("all_processes_signalled", (REMOTE,), python("""
import os, signal
for name in os.listdir("/proc"):
    if name.isdigit() and name == "@VICTIM@": os.kill(int(name), signal.SIGKILL)
"""), victim_died),
    Attack("ptrace", (REMOTE, LINE_SYSCALLS), python(SYSCALL + "print('attached' if call(101, 16, @VICTIM@, 0, 0) == 0 else 'no')"), printed("attached")),
    Attack("foreign_memory", (REMOTE, LINE_SYSCALLS), python(SYSCALL + """
base = int(open("/proc/@VICTIM@/maps").readline().split("-")[0], 16)
buffer = ctypes.create_string_buffer(4)
class Vec(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
mine, theirs = Vec(ctypes.addressof(buffer), 4), Vec(base, 4)
got = call(310, @VICTIM@, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
print("read" if got == 4 else "no")
"""), printed("read")),
    Attack("io_uring", (CONTAINER, LINE_SYSCALLS), python(SYSCALL + "p = ctypes.create_string_buffer(120)\nprint('made' if call(425, 4, p) >= 0 else 'no')"), printed("made")),
    Attack("kernel_keys", (CONTAINER, LINE_SYSCALLS), python(SYSCALL + "print('made' if call(250, 1, 0) >= 0 else 'no')"), printed("made")),
    Attack("memory_faults", (CONTAINER, LINE_SYSCALLS), python(SYSCALL + "print('made' if call(323, 1) >= 0 else 'no')"), printed("made")),
    Attack("program_with_roots_rights", (CONTAINER, LINE_PRIVILEGES), "@SUID@ -u", printed("0"), users=("ordinary",)),
    Attack("privileges_gained", (CONTAINER, LINE_PRIVILEGES), "grep -q 'NoNewPrivs:.*0' /proc/self/status && echo open", printed("open")),
    Attack("capabilities_kept", (CONTAINER, LINE_PRIVILEGES), "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status && echo capable", printed("capable"), users=("root",)),
    Attack("device_made", (CONTAINER, LINE_DEVICES), "mknod zero c 1 5 && echo made", printed("made"), users=("root",)),
    Attack("disk_and_memory_devices", (CONTAINER, LINE_DEVICES), "for d in /dev/kmsg /dev/fuse /dev/mem /dev/vda /dev/port /dev/loop-control; do [ -e $d ] && echo there; done", printed("there"), levels=MOUNTS),
    Attack("folder_mounted", (CONTAINER, LINE_WRITES), "mkdir m; unshare -Urm sh -c 'mount --bind @OUT@ m && echo @TOKEN@ > m/victim.txt'", wrote("@OUT@/victim.txt")),
    Attack("kernel_setting", (CONTAINER, LINE_DEVICES), "p=$(cat /proc/sys/kernel/core_pattern); (echo \"$p\" > /proc/sys/kernel/core_pattern) && echo set", printed("set"), users=("root",)),
    Attack("control_group", (CONTAINER, LINE_DEVICES), "d=/sys/fs/cgroup/lathe-escape-@TOKEN@; mkdir $d && { echo made; rmdir $d; }", printed("made"), users=("root",)),
)

ATTACKS = (*FILES, *TRUST, *SWITCHES, *NETWORK, *SECRETS, *BOX)
