"""What watchers of a daemon get: the page of metrics, and its vitals."""
import http.client

from support import PATIENCE, calls, says, shell


def read_metrics(address, token):
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    connection.request("GET", "/metrics", headers={"authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        return answer.status, text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return 200, {name: float(value) for name, value in lines}


def test_a_task_is_counted_and_its_words_are_not_shown(lathe, start_server, listen):
    lathe.use(start_server(calls(shell("echo moonshine")), says("Starlight.")))
    address = listen()
    lathe.ok("exec", "sunshine please")
    token = lathe.ok("daemon", "token", "create", "--scope", "read").out.strip()
    status, metrics = read_metrics(address, token)
    assert status == 200
    assert metrics["lathe_tasks_started_total"] == 1
    assert metrics['lathe_tasks_ended_total{outcome="completed"}'] == 1
    assert metrics['lathe_tool_calls_total{tool="shell",outcome="completed"}'] == 1
    assert sum(value for name, value in metrics.items() if name.startswith("lathe_turns_total")) == 2
    assert metrics['lathe_sessions{state="idle"}'] == 1
    assert metrics["lathe_events_appended_total"] > 5 and metrics["lathe_journal_bytes_total"] > 500
    assert metrics["process_resident_memory_bytes"] > 1_000_000 and metrics["lathe_disk_free_bytes"] > 0
    assert metrics['lathe_sync_seconds_bucket{le="+Inf"}'] == metrics["lathe_sync_seconds_count"] == 0
    assert not any(word in name for name in metrics for word in ("moonshine", "Starlight", "sunshine"))


def test_it_takes_a_token_that_may_read(lathe, listen):
    address = listen()
    assert read_metrics(address, None)[0] == 401
    assert read_metrics(address, lathe.ok("daemon", "token", "create", "--scope", "prompt").out.strip())[0] == 403


def test_the_status_tells_how_the_daemon_is(lathe, daemon):
    vitals = daemon()["vitals"]
    assert vitals["process"]["memory_bytes"] > 1_000_000 and vitals["process"]["open_files"] > 3
    assert 0 < vitals["process"]["disk_free_bytes"] <= vitals["process"]["disk_size_bytes"]
    assert vitals["sessions"] == {"idle": 0, "running": 0, "parked": 0, "interrupted": 0, "damaged": 0}
    assert "free for the data root" in lathe.ok("daemon", "status").out
