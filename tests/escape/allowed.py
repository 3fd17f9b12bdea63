"""What work needs, and what must go on working inside."""
import dataclasses

from attack import (ALL, LINE_CARVED, LINE_MISSING_ROOT, LINE_NULL, LINE_PARENT, LINE_PROXY, LINE_ROOT_READ, LINE_ROOTS,
                    LINE_SPACES, LINE_TIMEOUT, LINE_UNIX, MOUNTS, python)


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    kinds: tuple
    script: str
    # What it prints on its last line.
    last: str
    levels: frozenset = ALL
    # A host that the proxy lets through.
    proxy_to: str = ""
    # The folder below the workspace's repository that is the workspace.
    below: str = ""
    # What the person did in the workspace.
    before: str = ""


# With a conflict that is resolved.
REBASES = """
export GIT_EDITOR=true; git config --global user.name t; git config --global user.email t@e.invalid
git checkout -q -b other; echo a > readme.txt; git commit -qam a
git checkout -q main; echo b > readme.txt; git commit -qam b
git rebase -q other; echo b > readme.txt; git add readme.txt; git rebase --continue >/dev/null
git log -1 --format=%s
"""

ALLOWED = (
    Work("workspace_is_written", (LINE_ROOTS,), "echo x > new.txt; cat new.txt", "x"),
    Work("temporary_files", (LINE_ROOTS,), "f=$(mktemp) && echo y > $f && cat $f", "y"),
    Work("home_is_writable", (LINE_ROOTS,), "mkdir -p ~/.cache/x && echo z > ~/.cache/x/f && cat ~/.cache/x/f", "z"),
    Work("null_device", (LINE_NULL,), "echo x > /dev/null && echo ok", "ok"),
    Work("null_device_is_empty", (LINE_NULL,), "wc -c < /dev/null", "0"),
    Work("random_and_zero", (LINE_NULL,), "head -c 4 /dev/urandom | wc -c; head -c 3 /dev/zero | wc -c", "3"),
    Work("system_is_read", (LINE_ROOT_READ,), "test -r /etc/passwd && echo ok", "ok"),
    Work("programs_of_the_system_run", (LINE_ROOT_READ,), "/bin/echo ok", "ok"),
    # World puts a folder into PATH that is not there.
    Work("missing_folder_of_the_path", (LINE_MISSING_ROOT,), "test ! -e @HOME@/missing && echo ok", "ok"),
    Work("socket_pairs", (LINE_UNIX,),
         "python3 -c \"import socket; a, b = socket.socketpair(); a.send(b'ok'); print(b.recv(2).decode())\"", "ok"),
    Work("unix_server_of_its_own", (LINE_UNIX,), python("""
import socket
listener = socket.socket(socket.AF_UNIX); listener.bind("own.sock"); listener.listen()
client = socket.socket(socket.AF_UNIX); client.connect("own.sock"); client.sendall(b"ok")
print(listener.accept()[0].recv(2).decode())
"""), "ok", levels=MOUNTS),
    Work("server_of_its_own", (LINE_SPACES,), python("""
import socket
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname()).sendall(b"ok")
print(listener.accept()[0].recv(2).decode())
"""), "ok", levels=MOUNTS),
    Work("named_host_through_the_proxy", (LINE_PROXY,), "curl -s --noproxy '' http://127.0.0.1:@TCP@/", "ok",
         levels=MOUNTS, proxy_to="127.0.0.1"),
    Work("pipes_and_children", (LINE_SPACES,), "seq 3 | while read n; do echo $n; done | tail -n 1", "3"),
    Work("signals_to_its_own", (LINE_SPACES,), "sleep 100 & kill $!; wait $!; echo $?", "143"),
    Work("time_limit_of_its_own", (LINE_TIMEOUT,), "timeout 0.1 sleep 100; echo $?", "124"),
    Work("repository_is_found_from_below", (LINE_PARENT,), "mkdir -p a/b; cd a/b; git rev-parse --show-prefix", "a/b/"),
    Work("repository_above_the_workspace", (LINE_PARENT,), "git log -1 --format=%s", "start", below="part/of/it"),
    Work("git_reads_and_writes", (LINE_CARVED,),
         "git add . && git -c user.name=t -c user.email=t@e.invalid commit -q -m c && git log --oneline | wc -l", "2"),
    # Its folders have the set-group-ID bit from the one above; with another umask git would have to set modes with it.
    Work("repository_of_a_group", (LINE_CARVED,),
         "umask 002; git add . && git -c user.name=t -c user.email=t@e.invalid commit -q -m c && git log -1 --format=%s", "c",
         before="rm -rf .git; git init -q -b main --shared"),
    Work("rebase_begins_and_ends", (LINE_CARVED,), REBASES, "b"),
    Work("work_beside_the_persons_rebase", (LINE_CARVED,), "git status -s >/dev/null && git add . && git -c user.name=t -c user.email=t@e.invalid commit -q --allow-empty -m c && git log -1 --format=%s", "c",
         before="GIT_SEQUENCE_EDITOR='echo break >' git rebase -q -i --root"),
    Work("workspace_within_the_private_home", (LINE_CARVED,), "ls -A @HOME@ | grep -c -e project -e Documents; cat readme.txt", "hello"),
    Work("python_threads", (LINE_SPACES,),
         "python3 -c \"import threading; t = threading.Thread(target=print, args=('ok',)); t.start(); t.join()\"", "ok"),
    Work("exit_code_is_kept", (LINE_SPACES,), "(exit 7); echo $?", "7"),
)
