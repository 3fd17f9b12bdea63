#include <fmt/format.h>

#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/table.h"

namespace lathe::cli {

namespace p = lathe::protocol;

base::Result<void> make_default_backend(Context& context, const config::Paths& paths, const std::string& name) {
  TRY(const std::string left_out, config::make_default_backend(paths, name));
  if (left_out.empty()) return {};
  context.note(
      fmt::format("default-model {} was another backend's and is no longer set; "
                  "lathe config set default-model MODEL names one of {}",
                  base::terminal_safe(left_out), name));
  return {};
}

CommandResult execute(Context* context, BackendAddOptions options) {
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  CO_TRY_OK(config::add_backend(paths, options.backend));
  if (options.make_default) CO_TRY_OK(make_default_backend(*context, paths, options.backend.name));
  context->out.line(fmt::format("backend {} is in {}", options.backend.name, paths.config_file));
  context->note(fmt::format("try it: lathe backend test {}", base::shell_quote(options.backend.name)));
  co_return kDone;
}

CommandResult execute(Context* context, BackendRemoveOptions options) {
  CO_TRY(const config::Paths paths, config::find_paths(context->frontend.environment));
  CO_TRY_OK(config::remove_backend(paths, options.name));
  context->out.line(fmt::format("backend {} is forgotten", options.name));
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, BackendListOptions options) {
  CO_TRY(p::BackendListReply reply, co_await client::call_as(engine, p::BackendList{}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  if (reply.backends.empty()) {
    context->note("no backend is configured or found: lathe setup");
    co_return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const p::BackendInfo& backend : reply.backends) {
    rows.push_back({backend.name + (backend.is_default ? " *" : ""), backend.type, backend.url,
                    backend.key_source.empty() ? "none" : backend.key_source, backend.origin});
  }
  context->out.add(table_text({"NAME", "TYPE", "URL", "KEY", "FROM"}, rows, context->out_style));
  co_return kDone;
}

CommandResult execute(Context* context, client::Transport* engine, BackendTestOptions options) {
  CO_TRY(const p::BackendTestReply reply,
         co_await client::call_as(
             engine, p::BackendTest{.backend = options.name, .model = options.model, .ask_model = options.ask_model}));
  context->out.line(fmt::format("backend {} answers: {} model{}, first byte after {}", options.name, reply.models,
                                reply.models == 1 ? "" : "s",
                                base::format_duration(std::chrono::milliseconds(reply.latency_ms))));
  if (!reply.answer.empty()) {
    context->out.line(fmt::format("{} says: {}", base::terminal_safe(reply.model), base::terminal_safe(reply.answer)));
  }
  co_return kDone;
}

}  // namespace lathe::cli
