#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"
#include "lathe/config/settings.h"

// docs/reference/config.md. The tables come from the ones that the program goes by.

namespace lathe::config {
namespace {

constexpr std::string_view kHead = R"(# Configuration

<!-- Generated from src/config (ACCEPT=1 make test); edit it there. -->

Your settings stand in `config.yaml`, in the folder `$LATHE_HOME` when that is set, else in `$XDG_CONFIG_HOME/lathe`
(`~/.config/lathe`). `lathe config list` shows every setting with its value, or with what holds while it has none, and where
that comes from, `lathe config set KEY VALUE` changes one and keeps your comments. Later layers win: defaults, `config.yaml`,
environment variables, flags. A change holds from the next task on, also in a daemon that runs (`durability` and `daemon.*`: from
its start on); of a broken one nothing does until it is mended.

A key may join its words by `-` or `_`. `budget.turns` is `turns` inside `budget:`. A key that does not exist is a
warning; a wrong value is an error that names line and column. Durations read `15s`, `5m`, `1h30m`.

```yaml
default-backend: anthropic
approval-policy: untrusted
budget:
  turns: 100
  usd: 2.50
backends:
  anthropic:
    type: anthropic
  lab:
    type: vllm
    url: https://models.example.com/v1
    api-key-command: pass show lab/models
```

## Settings

| key | value | default | meaning | variable |
|---|---|---|---|---|
)";

constexpr std::string_view kBackends = R"(
## Backends

`backends:` maps names of your choice to endpoints, in order of preference. `lathe backend add` writes them.

| key | meaning |
|---|---|
| `type` | what it is, from the table below; needed |
| `url` | base URL, http or https; the type's own when left out |
| `api-key-env` | the environment variable that holds the key; the type's own when left out |
| `api-key-command` | a command whose first line of output is the key, instead of a variable; run again, once, when the server refuses the key (401) |
| `default-model` | the model that is used when none is named |
| `context-tokens` | ollama: tokens of context asked for (32,768) |
| `keep-loaded` | ollama: how long a model stays loaded after a request (`30m`) |
| `answer-timeout` | how long it may take to begin an answer, such as `20m` for a server that loads large models; the setting of that name when left out |
| `headers` | a map of HTTP headers to send along |

| type | wire | URL | key variable | key | |
|---|---|---|---|---|---|
)";

constexpr std::string_view kRest = R"(
With nothing configured, these variables make a backend each, in this order after your own: `OPENAI_API_KEY` and
`OPENAI_BASE_URL` (`openai`), `ANTHROPIC_API_KEY` and `ANTHROPIC_BASE_URL` (`anthropic`), `LLMX_API_KEY` and
`LLMX_BASE_URL` (`llmx`, of type litellm). A URL alone is enough for a server on this machine. A backend of the same name
in `config.yaml` takes their place, and then takes its URL from the file only. Last come an Ollama or llama.cpp server
found on its usual port of this machine.

## Models and prices

Windows, prices and default models come from a data file that is compiled in
([models.yaml](../../src/config/data/models.yaml)). Your own `models.yaml` beside `config.yaml` has the same form, and
its fields win one by one:

```yaml
default-models:
  openai: gpt-5
models:
  "my-model*":           # a name, or the start of names; lab/my-model is that of backend lab, and wins
    window: 128000       # tokens
    max-output: 16000
    input: 0.5           # US dollars per million tokens
    cached-input: 0.05   # as input when left out
    cache-write: 0.5     # as input when left out
    output: 1.5
    images: false
```

Built-in prices hold at the vendor's own URL only. A model that an `ollama`, `vllm` or `llamacpp` backend serves on this
machine is free, unless its name ends in `-cloud`. Every other price is unknown, which is not free: a run with a limit
in US dollars refuses such a model by name.

## Folders

| what | with `LATHE_HOME` | else |
|---|---|---|
| configuration | `$LATHE_HOME` | `$XDG_CONFIG_HOME/lathe` or `~/.config/lathe` |
| your rules ([policy.md](policy.md)) | `$LATHE_HOME/policies` | `$XDG_CONFIG_HOME/lathe/policies` |
| sessions, blobs, index, what is trusted | `$LATHE_HOME/state` | `$XDG_STATE_HOME/lathe` or `~/.local/state/lathe` |
| cache | `$LATHE_HOME/cache` | `$XDG_CACHE_HOME/lathe` or `~/.cache/lathe` |
| sockets | `$LATHE_HOME/run` | `$XDG_RUNTIME_DIR/lathe`, or `run` in the state folder |
)";

std::string_view kind_words(const SettingSpec& spec) {
  switch (spec.kind) {
    case SettingKind::kText:
      return "text";
    case SettingKind::kList:
      return "list";
    case SettingKind::kPaths:
      return "list of paths";
    case SettingKind::kChoice:
      return "";
    case SettingKind::kCount:
      return "whole number";
    case SettingKind::kUsd:
      return "US dollars";
    case SettingKind::kDuration:
      return "duration";
  }
  return "";
}

std::string value_words(const SettingSpec& spec) {
  if (spec.may_be_never) return std::string(kind_words(spec)) + ", `never`";
  if (spec.choices.empty()) return std::string(kind_words(spec));
  std::vector<std::string> choices;
  for (const std::string& choice : spec.choices) choices.push_back("`" + choice + "`");
  return base::join(choices, ", ");
}

std::string_view key_words(KeyNeed need) {
  switch (need) {
    case KeyNeed::kRequired:
      return "needed";
    case KeyNeed::kOptional:
      return "if the server asks for one";
  }
  return "";
}

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

}  // namespace

std::string reference_markdown() {
  std::string out(kHead);
  for (const SettingSpec& spec : setting_specs()) {
    const std::string shown = shown_value(spec, Config{});
    out += fmt::format("| `{}` | {} | {} | {} | `{}` |\n", spec.key, value_words(spec),
                       shown.empty() ? std::string(spec.unset) : code(shown), spec.doc, variable_of(spec));
  }
  out += kBackends;
  for (const BackendType& type : backend_types()) {
    out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", type.name, type.wire, code(type.default_url),
                       code(type.default_key_env), key_words(type.key), type.note);
  }
  out += kRest;
  return out;
}

}  // namespace lathe::config
