"""Codex CLI and Claude Code on the same streams, for orientation; their rows have no budget.

Both come from npm into build/peers, at the versions that peers/package-lock.json pins.
"""
import os
import pathlib
import shutil
import subprocess
import sys

from measure import CannotRun, Case, ModelServer, interleave

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build/peers"
CODEX_CONFIG = """model = "mock"
model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "{url}/v1"
env_key = "MOCK_KEY"
wire_api = "responses"
"""


def install():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "peers" / name, FOLDER / name)
    if not (FOLDER / "node_modules/.bin/codex").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, check=True,
                       stdin=subprocess.DEVNULL)


def case(peer, bench, server):
    home = bench.work / f"peer-{peer}-{server.port}"
    (home / ".codex").mkdir(parents=True)
    (home / ".codex/config.toml").write_text(CODEX_CONFIG.format(url=server.url))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home / ".codex"), "MOCK_KEY": "x",
                   "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "sk-x", "IS_SANDBOX": "1",
                   "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
    words = {"codex": ["codex", "exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "go"],
             "claude": ["claude", "-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages",
                        "--dangerously-skip-permissions", "--model", "mock", "go"]}[peer]
    return Case(peer, [FOLDER / "node_modules/.bin" / words[0], *words[1:]], environment, bench.repository)


def add_rows(bench, turns, deltas):
    install()
    program = ROOT / "build/release/bin/lathe-model-server"
    with ModelServer(program, 0, 1) as none, ModelServer(program, turns, 1) as with_turns, \
         ModelServer(program, 0, deltas) as streamed:
        for peer, name in (("codex", "Codex CLI"), ("claude", "Claude Code")):
            once, tools, stream = (case(peer, bench, server) for server in (none, with_turns, streamed))
            try:
                interleave([once, tools, stream], 3)
            except CannotRun as problem:
                print(f"bench: {problem}", file=sys.stderr)
                continue
            bench.row(f"{name}: one-shot", once.ms, "ms", None)
            bench.row(f"{name}: one-shot, peak memory", once.peak_mb(), "MB", None)
            bench.row(f"{name}: one tool turn", (tools.ms - once.ms) / turns, "ms", None)
            bench.row(f"{name}: {deltas:,} deltas", stream.ms - once.ms, "ms", None)
