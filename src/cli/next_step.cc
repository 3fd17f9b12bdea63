#include "lathe/cli/next_step.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lathe::cli {

namespace {

using Step = std::pair<std::string_view, std::string_view>;

constexpr std::array kSteps{
    Step{"timeout", "try again; lathe config list shows the times that can be set"},
    Step{"not_found", "check how it is written; lathe COMMAND --help says what is to be named"},
    Step{"exists", "take another name; lathe backend list and lathe session list show those in use"},
    Step{"invalid", "lathe --help shows the commands, lathe COMMAND --help their options"},
    Step{"permission_denied", "ls -ld shows whose it is; lathe doctor checks what Lathe needs"},
    Step{"io_error", "lathe doctor"},
    Step{"no_space", "df -h shows which disk is full; lathe session rm ID frees some"},
    Step{"locked", "wait for the process that holds it, or end it; lathe session list shows what runs"},
    Step{"claimed",
         "lathe attach ID watches it until whoever claimed it leaves; lathe session fork ID works beside it "
         "once a Turn of it is over"},
    Step{"settled", "lathe approvals list shows the questions that wait"},
    Step{"handing_over", "try again in a moment; lathe daemon status"},
    Step{"corrupt", "lathe doctor"},
    Step{"limit_exceeded", "make it smaller, or do it in parts; lathe config list shows what can be set"},
    Step{"unavailable", "try again; lathe doctor"},
    Step{"unsupported", "lathe backend list shows the others"},
    Step{"internal", "lathe session export ID > report.ndjson, and report it"},
    Step{"model_not_found", "lathe model list"},
    Step{"auth_error", "lathe doctor"},
    Step{"rate_limit", "try again later, or lathe exec --last --fallback MODEL \"…\""},
    Step{"upstream_api_error", "try again later, or lathe exec --last --fallback MODEL \"…\""},
    Step{"unreachable", "lathe doctor"},
    Step{"stream_error", "try again; lathe backend test NAME --ask"},
    Step{"context_window_exceeded", "/compact in lathe chat --last, or a model with a larger window: lathe model list"},
    Step{"bad_request", "lathe backend test NAME --ask"},
    Step{"quota_exceeded", "add credit at the provider, or lathe exec --last --backend NAME \"…\""},
    Step{"content_refused", "lathe exec --last \"…\" says it in other words, with --model MODEL to another model"},
    Step{"budget_exceeded",
         "lathe exec --last \"…\" goes on; --max-turns, --max-tool-calls, --max-tokens and --max-usd give it more"},
    Step{"repeated_call", "lathe exec --last \"…\" goes on with other words"},
    Step{"compaction_failed", "lathe session fork ID --at TURN continues from where it was shorter"},
    Step{"approval_aborted", "lathe exec --last \"…\" goes on"},
    Step{"parked", "lathe approvals list, then lathe approvals answer ID"},
    Step{"not_configured", "lathe exec \"…\" makes a session"},
    Step{"unknown_op", "lathe schema"},
    Step{"unknown_call", "lathe schema"},
    Step{"no_backend", "lathe setup"},
    Step{"no_api_key", "lathe doctor"},
    Step{"cassette_mismatch", "lathe exec --record FILE \"…\" records it again"},
    Step{"price_unknown", "add the price to models.yaml, in the folder of the file that lathe config path shows"},
    Step{"trust_changed", "lathe trust, once you have looked at what changed"},
    Step{"output_schema", "lathe exec --last \"…\" asks again"},
    Step{"startup_crash", "run the agent by hand to see why: lathe sandbox run AGENT"},
    Step{"duplicate_session", "end the other agent, or work in a fork: lathe session fork ID"},
};

}  // namespace

std::string_view next_step(std::string_view code) {
  const auto found = std::ranges::find(kSteps, code, &Step::first);
  return found == kSteps.end() ? "" : found->second;
}

std::string hint_of(std::string_view code, std::string_view hint) {
  return std::string(hint.empty() ? next_step(code) : hint);
}

std::string told(const base::Error& error) {
  base::Error whole = error;
  whole.hint = hint_of(error.code, error.hint);
  return whole.text();
}

}  // namespace lathe::cli
