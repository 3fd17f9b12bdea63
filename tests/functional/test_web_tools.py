"""web_fetch, web_get and their kin against a server on this machine: which hosts a person lets them reach, and what comes back."""
import http.server
import json
import threading

import pytest

from support import calls, says, tool

PAGE = (b"<html><head><title>Manual</title><script>steal()</script></head><body><nav>menu</nav>"
        b"<main><h1>Usage</h1><p>salt &amp; pepper</p></main></body></html>")


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/page")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.answer(PAGE)

    def do_POST(self):
        self.answer(self.command.encode() + b" " + self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_PATCH = do_DELETE = do_POST

    def do_HEAD(self):
        self.answer(b"")

    def answer(self, body):
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def pages():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def outcomes(lathe, start_server, *web_calls, options=()):
    lathe.use(start_server(calls(*web_calls), says("End.")))
    return [end["outcome"] for end in lathe.ok("exec", "--json", *options, "go").of_type("tool_call_end")]


def test_a_named_host_is_reached_unasked_by_every_tool(lathe, start_server, pages):
    sending = ("web_post", "web_put", "web_patch", "web_delete")
    lathe.ok("config", "set", "allow-hosts", "127.0.0.1")
    told = outcomes(lathe, start_server, tool("web_fetch", url=f"{pages.url}/moved"), tool("web_get", url=f"{pages.url}/a"),
                    tool("web_head", url=f"{pages.url}/a"), *(tool(name, url=f"{pages.url}/b", body="x=1") for name in sending))
    assert [outcome["status"] for outcome in told] == ["completed"] * 7, told
    page = told[0]["output"]
    assert "Manual" in page and "salt & pepper" in page and "steal" not in page and "menu" not in page
    assert "<title>Manual</title>" in told[1]["output"]
    assert [outcome["output"].rstrip().splitlines()[-1] for outcome in told[3:]] == \
        [f"{name.removeprefix('web_').upper()} x=1" for name in sending]


@pytest.mark.parametrize("policy", ["untrusted", "on-request", "never"])
def test_no_other_host_is(lathe, start_server, pages, policy):
    lathe.ok("config", "set", "allow-hosts", "127.0.0.2,*.example.com")
    fetch = tool("web_fetch", url=f"{pages.url}/page")
    assert [outcome["status"] for outcome in outcomes(lathe, start_server, fetch, options=["--approval", policy])] == ["declined"]
    assert pages.asked == []


def test_what_explain_says_is_what_happens(lathe, start_server, pages):
    url = f"{pages.url}/page"
    args = ["policy", "explain", "--json", "--tool", "web_fetch", "--args", json.dumps({"url": url})]
    assert lathe.ok(*args).document["decision"] == "ask"
    lathe.ok("config", "set", "allow-hosts", "127.0.0.1")
    allowed = lathe.ok(*args).document
    assert allowed["decision"] == "allow" and "allow-hosts" in allowed["rule"]
    (lathe.home / "policies").mkdir()
    (lathe.home / "policies/mine.yaml").write_text('rules: [{host: "127.0.0.1", decision: deny}]\n')
    assert lathe.ok(*args).document["decision"] == "deny"
    assert [outcome["status"] for outcome in outcomes(lathe, start_server, tool("web_fetch", url=url))] == ["declined"]
    assert pages.asked == []
