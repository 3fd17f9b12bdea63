#!/bin/sh
# Points the official client libraries (npm: openai, @anthropic-ai/sdk, ollama) at the ScriptedModelServer, and our own
# client (clients/typescript, checked and compiled here) at the `lathe` beside it.
# They want Node.js 20, Debian 12 has 18: it comes from npm too.
# usage: tests/agents/run.sh PATH/TO/lathe-model-server
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:?path of lathe-model-server}
LATHE_MODEL_SERVER=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
export LATHE_MODEL_SERVER
cd "$here"
if grep -q '"resolved"' package-lock.json; then
  echo "tests/agents/package-lock.json names download addresses; see .npmrc" >&2
  exit 1
fi
# Installed once per lock file.
if ! cmp -s package-lock.json node_modules/.installed-lock; then
  npm ci --no-audit --no-fund
  cp package-lock.json node_modules/.installed-lock
fi
node=$(echo "$here"/node_modules/node-linux-*/bin/node)
client=$here/../../build/typescript-client
"$node" node_modules/typescript/bin/tsc -p ../../clients/typescript --outDir "$client"
cp ../../clients/typescript/package.json "$client/package.json"
LATHE_CLIENT=$client/client.js
export LATHE_CLIENT
# Node.js 20 has a WebSocket, but not yet by itself.
exec "$node" --experimental-websocket --test openai.test.mjs anthropic.test.mjs ollama.test.mjs client.test.mjs
