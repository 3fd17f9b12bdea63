"""Spans of what happens, as a collector gets them."""
import http.server
import json
import threading

import pytest

from support import calls, says, shell, tool, wait_until


class Collector(http.server.BaseHTTPRequestHandler):
    """As much of an OTLP/HTTP collector as keeps what it was sent."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.batches.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.batches = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def spans_of(body):
    return [span for resource in body["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]


def attributes(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_a_task_is_a_trace_without_its_words(lathe, start_server, collector):
    lathe.use(start_server(calls(shell("echo moonshine"), usage={"input": 100, "output": 10}), says("Starlight.")))
    lathe.variables |= {"LATHE_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
                        "LATHE_OTLP_HEADERS_VARIABLE": "COLLECTOR_HEADERS", "COLLECTOR_HEADERS": "x-team=a%20b",
                        "LATHE_OTLP_FILE": str(lathe.home / "spans.jsonl")}
    started = lathe.ok("exec", "--json", "sunshine please").of_type("task_started")[0]
    spans = [span for _, _, body in collector.batches for span in spans_of(body)]
    assert sorted(span["name"].split()[0] for span in spans) == ["chat", "chat", "execute_tool", "invoke_agent"]
    assert {span["traceId"] for span in spans} == {started["task"].replace("-", "")}
    (task,) = [span for span in spans if span["name"].startswith("invoke_agent")]
    assert {span.get("parentSpanId") for span in spans if span is not task} == {task["spanId"]}
    first = min((span for span in spans if span["name"].startswith("chat")), key=lambda span: int(span["startTimeUnixNano"]))
    told = attributes(first)
    assert told["gen_ai.operation.name"] == "chat" and told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "mock" and told["gen_ai.usage.input_tokens"] == "100"
    path, headers, _ = collector.batches[0]
    assert path == "/v1/traces" and {name.lower(): value for name, value in headers.items()}["x-team"] == "a b"
    text = json.dumps([body for _, _, body in collector.batches]) + (lathe.home / "spans.jsonl").read_text()
    assert task["spanId"] in (lathe.home / "spans.jsonl").read_text()
    assert not any(word in text for word in ("moonshine", "Starlight", "sunshine", "key-of-the-test"))


def test_the_task_of_a_sub_agent_is_below_the_call_that_spawned_it(lathe, start_server, collector):
    lathe.use(start_server(calls(tool("spawn_agent", prompt="look around")), says("The child looked."), says("Done.")))
    lathe.variables["LATHE_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.server_port}"
    ran = lathe.ok("exec", "--json", "go")
    spans = [span for _, _, body in collector.batches for span in spans_of(body)]
    assert {span["traceId"] for span in spans} == {ran.of_type("task_started")[0]["task"].replace("-", "")}
    (task,) = [span for span in spans if "parentSpanId" not in span]
    (call,) = [span for span in spans if span["name"] == "execute_tool spawn_agent"]
    (child,) = [span for span in spans if span["name"].startswith("invoke_agent") and span is not task]
    assert call["parentSpanId"] == task["spanId"] and child["parentSpanId"] == call["spanId"]
    assert attributes(child)["lathe.parent_session"] == ran.session
    chats = [span["parentSpanId"] for span in spans if span["name"].startswith("chat")]
    assert sorted(chats) == sorted([task["spanId"], task["spanId"], child["spanId"]])


def test_a_dead_collector_is_told_of_once(lathe, start_server, daemon):
    lathe.use(start_server({"text": "fine", "repeat": -1}))
    lathe.variables["LATHE_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    daemon()

    def warnings():
        return [line for line in lathe.ok("daemon", "logs").out.splitlines() if "spans cannot be exported" in line]

    lathe.ok("exec", "one")
    wait_until(warnings, "the warning")
    lathe.ok("exec", "two")
    lathe.ok("daemon", "stop")
    assert len(warnings()) == 1
    finding = next(one for one in lathe.run("doctor", "--json").document["findings"] if one["what"] == "collector")
    assert finding["state"] == "warning"
