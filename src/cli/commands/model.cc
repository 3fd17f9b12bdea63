#include <fmt/format.h>

#include <utility>

#include "lathe/base/strings.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/table.h"

namespace lathe::cli {

namespace p = lathe::protocol;

namespace {

/// "$1.25 / $10.00" for a million tokens in and out.
std::string price_label(const p::ModelInfo& model) {
  if (!model.input_micro_usd_per_mtok || !model.output_micro_usd_per_mtok) return "unknown";
  return fmt::format("${:.2f} / ${:.2f}", static_cast<double>(*model.input_micro_usd_per_mtok) / 1e6,
                     static_cast<double>(*model.output_micro_usd_per_mtok) / 1e6);
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, ModelListOptions options) {
  CO_TRY(p::ModelListReply reply, co_await client::call_as(engine, p::ModelList{.backend = options.backend}));
  for (const std::string& problem : reply.problems) context->note("warning: " + problem);
  const bool nothing = reply.models.empty();
  const bool failed = nothing && !reply.problems.empty();
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return failed ? kBroken : kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const p::ModelInfo& model : reply.models) {
    rows.push_back({fmt::format("{}/{}{}", model.backend, model.model, model.is_default ? " *" : ""),
                    model.context_window == 0 ? "unknown" : base::with_thousands(model.context_window),
                    price_label(model)});
  }
  if (nothing && !failed)
    context->note("no models: lathe setup configures a backend, lathe backend list shows those there are");
  if (!nothing)
    context->out.add(table_text({"MODEL", "WINDOW", "PRICE PER MILLION IN / OUT"}, rows, context->out_style));
  co_return failed ? kBroken : kDone;
}

}  // namespace lathe::cli
