#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/render/table.h"

namespace lathe::cli {

namespace p = lathe::protocol;

CommandResult execute(Context* context, client::Transport* engine, UsageOptions options) {
  CO_TRY(p::UsageReply reply, co_await client::call_as(engine, p::UsageCall{.by = options.by}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  if (reply.rows.empty()) {
    context->note("nothing was used yet");
    co_return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const p::UsageRow& row : reply.rows) {
    rows.push_back({row.key, std::to_string(row.tasks), base::with_thousands(row.usage.input_tokens),
                    base::with_thousands(row.usage.cached_input_tokens), base::with_thousands(row.usage.output_tokens),
                    cost_label(row.cost_micro_usd)});
  }
  std::string first = options.by;
  for (char& letter : first) letter = static_cast<char>(letter - 'a' + 'A');
  context->out.add(table_text({first, "TASKS", "TOKENS IN", "CACHED", "TOKENS OUT", "COST"}, rows, context->out_style));
  co_return kDone;
}

}  // namespace lathe::cli
