"""Network of a session's commands: with `--network proxy` the egress proxy is the only way out, and tells what it did."""
import json
import shutil
import socket
import threading

import pytest

from support import Terminal, calls, says, shell, wait_until

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
CURL = "curl -s --noproxy '' --max-time 20"
BEHIND = ["--network", "proxy", "--allow-host", "127.0.0.1"]


@pytest.fixture
def page():
    """The address of an HTTP server that answers "hello"."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def exec_curl(lathe, start_server, command, *words):
    lathe.use(start_server(calls(shell(command)), says("Done.")))
    ran = lathe.ok("exec", "--json", *words, "fetch it")
    (end,) = ran.of_type("exec_command_end")
    return ran, end["outcome"]["output"]


def end_of_job(lathe, session):
    def ends():
        lines = lathe.ok("session", "export", session).out.splitlines()
        return [record for record in (json.loads(line)["msg"] for line in lines) if record["type"] == "job_end"]

    return wait_until(ends, "the end of the job")[0]


@pytest.mark.parametrize("curl", [CURL, "curl -s --max-time 20"], ids=["told to use the proxy", "as the environment says"])
def test_named(lathe, start_server, page, curl):
    ran, output = exec_curl(lathe, start_server, f"{curl} http://{page}/; echo; echo $HTTP_PROXY", "--network", "proxy",
                            "--allow-host", "127.0.0.1")
    assert "hello" in output and "http://127.0.0.1:" in output
    (decision,) = ran.of_type("network_decision")
    assert (decision["host"], decision["port"], decision["allowed"]) == ("127.0.0.1", int(page.split(":")[1]), True)
    assert decision["address"] and decision["rule"] == "127.0.0.1"


def test_private(lathe, start_server, page):
    """An address that is not public is refused, and nobody is asked."""
    ran, output = exec_curl(lathe, start_server, f"{CURL} http://{page}/ || echo failed", "--network", "proxy")
    assert "hello" not in output
    (decision,) = ran.of_type("network_decision")
    assert decision["host"] == "127.0.0.1" and not decision["allowed"]
    assert ran.of_type("exec_approval_request", "approval_request") == []


def test_asks(lathe, start_server):
    """A host that no rule names is asked about; without a person the answer is no."""
    ran, output = exec_curl(lathe, start_server, f"{CURL} -w '%{{http_code}}' http://other.example/", "--allow-host",
                            "pypi.org")
    assert "403" in output
    (decision,) = ran.of_type("network_decision")
    assert (decision["host"], decision["allowed"]) == ("other.example", False)
    assert any("other.example" in str(message) for message in ran.messages if "approval" in message["type"])


def test_what_a_person_allows_goes_on(lathe, start_server):
    """The connection waits for the answer; here the name leads nowhere, which only a forwarded one finds out."""
    lathe.use(start_server(calls(shell(f"{CURL} -w 'code %{{http_code}}' http://other.invalid/")), says("All done.")))
    terminal = Terminal(lathe, "exec", "--network", "proxy", "fetch it")
    terminal.expect("other.invalid:80")
    terminal.type("y")
    terminal.expect("All done.")
    assert terminal.wait() == 0
    session = lathe.ok("session", "list", "--json").document["sessions"][0]["session_id"]
    records = [json.loads(line)["msg"] for line in lathe.ok("session", "export", session).out.splitlines()]
    (end,) = [record for record in records if record["type"] == "exec_command_end"]
    assert "code 502" in end["outcome"]["output"]
    assert [record["decision"] for record in records if record["type"] == "approval_resolved"] == ["approved"]
    (decision,) = [record for record in records if record["type"] == "network_decision"]
    assert decision["host"] == "other.invalid" and decision["allowed"] and not decision.get("address")


def test_two_tasks(lathe, start_server, page):
    """The next Task of a session goes through a proxy again."""
    command = f"{CURL} http://{page}/"
    lathe.use(start_server(calls(shell(command)), says("Done."), calls(shell(command)), says("Done.")))
    first = lathe.ok("exec", "--json", "--allow-host", "127.0.0.1", "one")
    second = lathe.ok("exec", "--json", "--resume", first.session, "two")
    assert [ran.of_type("exec_command_end")[0]["outcome"]["output"].strip().endswith("hello")
            for ran in (first, second)] == [True, True]
    assert len(second.of_type("network_decision")) == 1


def test_a_job_has_the_network_while_daemons_change(lathe, start_server, repository, page, daemon):
    """The proxy of the daemon that took the job over serves it before anything else runs in the session."""
    job = f"for i in 1 2; do until test -e go$i; do sleep 0.01; done; {CURL} http://{page}/; echo; touch done$i; done"
    lathe.use(start_server(calls(shell(job, background=True)), says("Begun.")))
    old = daemon()
    ran = lathe.ok("exec", "--json", *BEHIND, "fetch it")
    (repository / "go1").touch()
    wait_until((repository / "done1").exists, "the job to fetch")
    lathe.ok("daemon", "restart")
    assert lathe.ok("daemon", "status", "--json").document["pid"] != old["pid"]
    (repository / "go2").touch()
    end = end_of_job(lathe, ran.session)
    assert (end["state"], end["exit_code"], end["tail"]) == ("exited", 0, "hello\nhello\n")


def test_rules_about_hosts_hold_for_a_job_between_tasks(lathe, start_server, repository, page, daemon):
    """A name that leads nowhere is a 502 once it is let through. A rule that asks finds nobody."""
    (lathe.home / "policies").mkdir(parents=True)
    (lathe.home / "policies/mine.yaml").write_text(
        'rules:\n  - {host: "127.0.0.1", decision: deny}\n  - {host: localhost, decision: ask}\n'
        '  - {host: "*.invalid", decision: allow}\n')
    hosts = f"{page} localhost:{page.split(':')[1]} a.invalid other.test"
    job = f"until test -e go; do sleep 0.01; done; for host in {hosts}; do {CURL} -o out -w '%{{http_code}} ' http://$host/; done"
    lathe.use(start_server(calls(shell(job, background=True)), says("Begun.")))
    daemon()
    ran = lathe.ok("exec", "--json", *BEHIND, "--allow-host", "localhost", "fetch it")
    (repository / "go").touch()
    assert end_of_job(lathe, ran.session)["tail"] == "403 403 502 403 "


def test_none(lathe, start_server, page):
    ran, output = exec_curl(lathe, start_server, f"{CURL} http://{page}/ || echo failed")
    assert "hello" not in output and ran.of_type("network_decision") == []


def test_rules_about_hosts_hold_where_a_question_would_park_the_task(lathe, start_server):
    """A name that leads nowhere is a 502 once it is let through. Of what rules leave open nobody can be asked in time."""
    (lathe.home / "policies").mkdir(parents=True)
    (lathe.home / "policies/mine.yaml").write_text('rules:\n  - {host: "*.invalid", decision: allow}\n  - {host: refused.test, decision: deny}\n')
    command = f"for host in a.invalid refused.test other.test; do {CURL} -o out -w '%{{http_code}} ' http://$host/; done"
    ran, output = exec_curl(lathe, start_server, command, "--network", "proxy", "--ask", "wait")
    assert output.endswith("502 403 403 ")
    assert [(decision["host"], decision["allowed"]) for decision in ran.of_type("network_decision")] == \
        [("a.invalid", True), ("refused.test", False), ("other.test", False)]
    assert lathe.ok("approvals", "list", "--json").document["questions"] == []


def test_a_rule_that_denies_a_host_is_stricter_than_its_being_allowed_by_name(lathe, start_server, page):
    (lathe.home / "policies").mkdir(parents=True)
    (lathe.home / "policies/mine.yaml").write_text('rules: [{host: "127.0.0.1", decision: deny}]\n')
    ran, output = exec_curl(lathe, start_server, f"{CURL} http://{page}/ || echo failed", "--network", "proxy",
                            "--allow-host", "127.0.0.1")
    assert "hello" not in output
    (decision,) = ran.of_type("network_decision")
    assert decision["host"] == "127.0.0.1" and not decision["allowed"]
