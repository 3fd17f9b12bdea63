"""Many sessions at once: the journal of one is copied under new ids, as if it had been run that often."""
import json
import pathlib
import shutil
import uuid

_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = (_byte >> 1) ^ (0x82F63B78 if _byte & 1 else 0)
    _TABLE.append(_byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def seal(record):
    """The line of a record: everything, then the CRC of what stands before it (src/protocol/frames.cc)."""
    record = {key: value for key, value in record.items() if key != "crc"}
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":"))[:-1]
    return f'{body},"crc":"{crc32c(body.encode()):08x}"}}\n'


def journal_of(state, session):
    return next(path for path in pathlib.Path(state).rglob("journal.ndjson") if path.parent.name == session)


def multiply(state, session, copies):
    """Adds `copies` sessions with the records of `session`. Returns the bytes of all records."""
    original = journal_of(state, session)
    records = [json.loads(line) for line in original.read_text().splitlines()]
    written = 0
    for number in range(copies):
        identity = str(uuid.UUID(int=(uuid.UUID(session).int & ~((1 << 62) - 1)) | (1 << 61) | number))
        folder = original.parent.parent / identity
        folder.mkdir()
        text = "".join(seal({**record, "session": identity,
                             "msg": {**record["msg"], **({"session_id": identity} if "session_id" in record["msg"] else {})}})
                       for record in records)
        (folder / "journal.ndjson").write_text(text)
        written += len(text.encode())
        if (original.parent / "lock").exists():
            shutil.copy(original.parent / "lock", folder / "lock")
    return written


def bytes_below(folder, pick):
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file() and pick(path))
