"""What work needs, and what must go on working inside: (name, script, what it prints on its last line)."""

ALLOWED = (
    ("workspace_is_written", "echo x > new.txt; cat new.txt", "x"),
    ("null_device", "echo x > /dev/null && echo ok", "ok"),
    ("random_and_zero", "head -c 4 /dev/urandom | wc -c; head -c 3 /dev/zero | wc -c", "3"),
    ("system_is_read", "test -r /etc/passwd && test -x /bin/sh && echo ok", "ok"),
    ("temporary_files", "f=$(mktemp) && echo y > $f && cat $f", "y"),
    ("home_is_writable", "mkdir -p ~/.cache/x && echo z > ~/.cache/x/f && cat ~/.cache/x/f", "z"),
    ("socket_pairs", "python3 -c \"import socket; a, b = socket.socketpair(); a.send(b'ok'); print(b.recv(2).decode())\"", "ok"),
    ("pipes_and_children", "seq 3 | while read n; do echo $n; done | tail -n 1", "3"),
    ("repository_is_found_from_below", "mkdir -p a/b; cd a/b; git rev-parse --show-prefix", "a/b/"),
    ("git_reads_and_writes", "git add . && git -c user.name=t -c user.email=t@e.invalid commit -q -m c && git log --oneline | wc -l", "2"),
    ("python_threads", "python3 -c \"import threading; t = threading.Thread(target=print, args=('ok',)); t.start(); t.join()\"", "ok"),
    ("exit_code_is_kept", "(exit 7); echo $?", "7"),
)
