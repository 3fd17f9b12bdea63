"""Many clients of one daemon, well behaved or not: one truth for all of them, and none harms another."""
import os
import random
import secrets

from followers import Crowd, Driver, Follower
from frames import configure, connect
from support import calls, says, shell

SEED = os.environ.get("LATHE_CRASH_SEED") or secrets.token_hex(4)


def test_a_hundred_that_come_and_go_have_the_same_events(lathe, start_server, repository, daemon):
    talk = [step for word in range(10) for step in (f"word{word} ", {"delay_ms": 2})]
    lathe.use(start_server(*[calls(shell("seq 1 500"), text=talk) if turn % 2 else says(*talk) for turn in range(30)]))
    status = daemon()
    print(f"LATHE_CRASH_SEED={SEED}")
    chance = random.Random(SEED)
    maker = connect(status)
    session = maker.ask("1", configure(repository))["ack"]["session"]
    driver = Driver("driver", session, inputs=10)
    with Crowd([driver, *[Follower(f"watcher-{number}", session) for number in range(100)]], status["socket"]) as crowd:
        crowd.connect_all()

        def come_and_go(follower):
            if follower is not driver and chance.random() < 0.05:
                crowd.drop(follower)
                crowd.connect(follower)

        crowd.read_until(lambda: driver.done, "the driver's Tasks", come_and_go)
        crowd.read_until(lambda: all(len(one.records) == len(driver.records) for one in crowd.followers), "the others")
        assert all(one.records == driver.records for one in crowd.followers)
        assert driver.records == lathe.ok("session", "export", session).out.splitlines()[:len(driver.records)]


def code_of(frame):
    return frame["error"]["code"]


def test_each_wrong_line_gets_its_own_error_and_the_next_one_its_answer(lathe, daemon):
    frames = connect(daemon())
    elsewhere = "018f2a3b-4c5d-7e6f-8a9b-0c1d2e3f4a5b"  # as another data root would have it
    rows = [
        (b"not json", "", "invalid"),
        (b"[1,2,3]", "", "invalid"),
        (b'{"id":"a","op":{"type":"user_input","items":"text"}}', "a", "invalid"),
        (b'{"id":"b","op":{"type":"user_imput","items":[]}}', "b", "unknown_op"),
        (b'{"id":"c","op":{"type":"user_input","items":[{"type":"text","text":"hi"}]}}', "c", "not_configured"),
        (f'{{"id":"d","session":"{elsewhere}","op":{{"type":"interrupt"}}}}'.encode(), "d", "not_found"),
        (f'{{"id":"e","call":{{"type":"session_subscribe","session":"{elsewhere}"}}}}'.encode(), "e", "not_found"),
        (b'{"id":"f","call":{"type":"session_get","session":"../../etc"}}', "f", "not_found"),
    ]
    for line, id, code in rows:
        frames.send_bytes(line + b"\n")
        assert code_of(frames.answer(id)) == code, line
        assert "reply" in frames.ask("next", call={"type": "session_list"})


def test_a_cursor_from_the_future_is_refused(lathe, start_server, repository, daemon):
    lathe.use(start_server())
    frames = connect(daemon())
    session = frames.ask("1", configure(repository))["ack"]["session"]
    assert code_of(frames.ask("2", call={"type": "session_subscribe", "session": session, "since": 1_000_000})) == "invalid"
    assert "reply" in frames.ask("3", call={"type": "session_subscribe", "session": session, "since": 1})
