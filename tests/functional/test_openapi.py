"""Every route of the OpenAPI document, asked of a real daemon: status, media type and body are what the document says."""
import base64
import http.client
import json
import os

import jsonschema

from support import PATIENCE, calls, says, shell, wait_until
from test_daemon_tcp import token_of

NO_QUESTION = {"id": "q-0", "decision": "approved"}

CHAIN = "id: a\ntasks: [{id: b, handler: noop}]\n"


def calls_of(repository, session, doomed):
    """For each call a body, in an order in which each finds what it needs."""
    return {
        "hello": {"client": "test"}, "session_list": {"limit": 5}, "session_get": {"session": session},
        "session_subscribe": {"session": session}, "session_unsubscribe": {"session": session},
        "session_fork": {"session": session}, "session_search": {"query": "go"}, "session_export": {"session": session},
        "approval_list": {}, "approval_answer": NO_QUESTION | {"resume": False}, "model_list": {}, "backend_list": {},
        "backend_test": {"backend": "mock"}, "usage": {"by": "model"}, "undo": {"session": session, "dry_run": True},
        "policy_explain": {"command": "ls", "cwd": str(repository)}, "policy_test": {"policy_file": "/nowhere.yaml"},
        "chain_check": {"file": "a.yaml", "text": "id: a\ntasks: []\n"},
        "chain_show": {"file": "a.yaml", "text": CHAIN, "form": "dot"}, "chain_schema": {},
        "trust_list": {"path": str(repository)}, "trust_set": {"path": str(repository), "sha256": [], "trusted": False},
        "daemon_status": {}, "vitals": {}, "watch": {}, "daemon_reload": {}, "session_claim": {"session": session}, "session_archive": {"session": session, "archived": False},
        "session_tag": {"session": session, "add": ["todo"]}, "session_mark_read": {"session": session, "seq": 1},
        "session_remove": {"session": doomed}, "index_rebuild": {},
    }


OPS = {
    "configure_session": {"title": "asked"}, "interrupt": {}, "approval": NO_QUESTION, "exec_approval": NO_QUESTION,
    "patch_approval": NO_QUESTION, "user_answer": {"id": "q-0", "answers": ["x"]}, "context": {"text": "some"},
    "mention": {"path": "greeting.txt"}, "terminal_input": {"job": "job-0", "text": "x"},
    "terminal_resize": {"job": "job-0", "columns": 80, "rows": 24}, "set_model": {"model": "mock"}, "compact": {},
    "rollback": {"to": {"tasks": 1}}, "user_input": {"items": [{"type": "text", "text": "again"}]}, "shutdown": {},
}
# What needs something that a test of routes does not make; its refusal is held to the document as well.
MAY_BE_REFUSED = {"approval_answer", "policy_test", "undo", "trust_set", "approval", "exec_approval", "patch_approval",
                  "user_answer", "terminal_input", "terminal_resize", "compact", "rollback", "backend_test"}


class Api:
    """Asks what the document describes, and holds the answer to it."""

    def __init__(self, document, address, token):
        self.document, self.address = document, address
        self.headers = {"authorization": f"Bearer {token}"}
        self.asked = set()

    def operation(self, method, template):
        self.asked.add((method, template))
        return self.document["paths"][template][method.lower()]

    def validate(self, schema, value, name):
        validator = jsonschema.Draft202012Validator({**schema, "components": self.document["components"]})
        wrong = [f"{list(error.path)}: {error.message[:300]}" for error in validator.iter_errors(value)]
        assert not wrong, (name, wrong, value)

    def check(self, operation, status, headers, body):
        responses = operation["responses"]
        described = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        assert described, (operation["operationId"], status, body)
        content = described.get("content")
        if content is None:
            assert body == b"", (operation["operationId"], body)
            return
        (media_type, content), = content.items()
        assert headers["content-type"] == media_type, (operation["operationId"], status, headers["content-type"])
        if media_type == "application/json":
            self.validate(content["schema"], json.loads(body), operation["operationId"])

    def connect(self, method, template, body=None, headers=None, query="", **values):
        """The open answer of a route."""
        operation = self.operation(method, template)
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        text = None if body is None else json.dumps(body)
        if body is not None:
            self.validate(operation["requestBody"]["content"]["application/json"]["schema"], body, operation["operationId"])
        more = {"content-type": "application/json"} if text else {}
        connection.request(method, template.format(**values) + query, text, {**self.headers, **more, **(headers or {})})
        return operation, connection, connection.getresponse()

    def ask(self, method, template, body=None, expect=200, **how):
        """Asks and checks; gives the body."""
        operation, connection, answer = self.connect(method, template, body, **how)
        data = answer.read()
        connection.close()
        self.check(operation, answer.status, answer.headers, data)
        assert expect is None or answer.status == expect, (operation["operationId"], answer.status, data)
        return json.loads(data) if answer.headers.get_content_type() == "application/json" and data else data

    def upgrade(self, template, **values):
        operation, connection, answer = self.connect("GET", template, headers={
            "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
            "sec-websocket-key": base64.b64encode(os.urandom(16)).decode()}, **values)
        self.check(operation, answer.status, answer.headers, b"")
        assert answer.status == 101
        connection.close()


def routes_of(document):
    return {(method.upper(), template) for template, methods in document["paths"].items() for method in methods}


def ask_for_sessions(api, repository, session):
    """The routes that are neither calls nor ops."""
    operation, connection, answer = api.connect("GET", "/v1/sessions/{session}/events", session=session, query="?since=0")
    api.check(operation, answer.status, answer.headers, None)
    assert answer.readline().startswith(b"id: ")
    connection.close()
    operation, connection, answer = api.connect("GET", "/v1/watch")
    api.check(operation, answer.status, answer.headers, None)
    connection.close()
    api.upgrade("/v1/connect")
    made = api.ask("POST", "/sessions", {"agent": "native", "work_dir": str(repository), "interactive": True}, expect=201)["session_id"]
    api.ask("GET", "/sessions")
    api.ask("GET", "/sessions/history")
    for part in ("", "/info", "/logs", "/log"):
        api.ask("GET", "/sessions/{session}" + part, session=made)
    api.ask("GET", "/sessions/{session}", session="nowhere", expect=404)
    for part in ("", "/events"):
        api.upgrade("/ws/sessions/{session}" + part, session=made)
    api.ask("DELETE", "/sessions/{session}", session=made)


def ask_for_blob(api, session):
    records = api.ask("POST", "/v1/calls/session_export", {"session": session, "limit": 1000})["records"]
    (blob,) = [record["msg"]["outcome"]["output_blob"] for record in map(json.loads, records) if record["msg"]["type"] == "exec_command_end"]
    api.ask("GET", "/v1/blobs/{hash}", hash=blob)
    api.ask("GET", "/v1/blobs/{hash}", hash=blob, headers={"range": "bytes=0-9"}, expect=206)
    api.ask("GET", "/v1/blobs/{hash}", hash=blob, headers={"if-none-match": f'"{blob}"'}, expect=304)
    api.ask("GET", "/v1/blobs/{hash}", hash="0" * 64, expect=404)
    api.ask("HEAD", "/v1/blobs/{hash}", hash=blob)


def test_each_route_answers_as_the_document_says(lathe, start_server, repository, listen):
    lathe.use(start_server(calls(shell("seq 1 100000")), says("One."), says("Two."), says("Three.")))
    document = lathe.ok("schema", "--openapi").document
    api = Api(document, listen(), token_of(lathe))
    api.ask("GET", "/health")
    api.ask("GET", "/metrics")
    session, doomed = (api.ask("POST", "/v1/sessions", {"cwd": str(repository)}, expect=201)["session"] for _ in range(2))
    op = "/v1/sessions/{session}/ops/"
    api.ask("POST", op + "user_input", {"items": [{"type": "text", "text": "go"}]}, session=session)

    def idle():
        return api.ask("POST", "/v1/calls/session_get", {"session": session})["session"]["state"] == "idle"

    wait_until(idle, "the Task's end")
    ask_for_sessions(api, repository, session)
    ask_for_blob(api, session)
    api.ask("POST", "/v1/sessions/{session}/ops/shutdown", {}, session=doomed)
    for name, body in calls_of(repository, session, doomed).items():
        api.ask("POST", f"/v1/calls/{name}", body, expect=None if name in MAY_BE_REFUSED else 200)
    for name, body in OPS.items():
        api.ask("POST", op + name, body, expect=None if name in MAY_BE_REFUSED else 200, session=session)
    api.ask("POST", "/v1/calls/daemon_hand_over", {}, expect=403)
    api.ask("POST", "/v1/calls/daemon_stop", {"if_unused": True}, expect=None)
    assert api.asked == routes_of(document)


def test_each_route_wants_a_token_with_its_scopes(lathe, listen):
    document = lathe.ok("schema", "--openapi").document
    address = listen()
    stranger = Api(document, address, "lathe_no-token-of-this-daemon")
    # A token that may do whatever the route does not name.
    others = {scope: Api(document, address, token_of(lathe, ",".join({"read", "prompt", "approve"} - {scope})))
              for scope in ("read", "prompt", "approve", "admin")}
    for method, template in sorted(routes_of(document)):
        operation = document["paths"][template][method.lower()]
        names = {"session": "00000000-0000-7000-8000-000000000000", "hash": "0" * 64}
        wanted = operation["security"]
        if {} in wanted:  # or the first frame shows it
            continue
        stranger.ask(method, template, expect=401 if wanted else 200, **names)
        for scope in wanted[0]["token"][:1] if wanted else []:
            operation, connection, answer = others[scope].connect(method, template, **names)
            data = answer.read()
            connection.close()
            stranger.check(operation, answer.status, answer.headers, data)
            # What cannot be read as a frame is refused before its scopes are known.
            assert answer.status in (400, 403), (template, scope, data)
