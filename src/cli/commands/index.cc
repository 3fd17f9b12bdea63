#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/cli/commands/command.h"

namespace lathe::cli {

namespace p = lathe::protocol;

CommandResult execute(Context* context, client::Transport* engine, IndexRebuildOptions) {
  CO_TRY(const p::IndexRebuildReply reply, co_await client::call_as(engine, p::IndexRebuild{}));
  context->out.line(fmt::format("indexed {} sessions, {} records", base::with_thousands(reply.sessions),
                                base::with_thousands(reply.records)));
  for (const std::string& problem : reply.problems) context->note("damaged: " + problem);
  co_return reply.problems.empty() ? kDone : kUsage;
}

}  // namespace lathe::cli
