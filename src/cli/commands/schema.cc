#include "lathe/cli/commands/command.h"
#include "lathe/protocol/export.h"

namespace lathe::cli {

CommandResult execute(Context* context, SchemaOptions options) {
  switch (options.format) {
    case SchemaFormat::kJsonSchema:
      context->out.line(base::dump_json_pretty(protocol::json_schema()));
      break;
    case SchemaFormat::kTypeScript:
      context->out.add(protocol::typescript());
      break;
    case SchemaFormat::kOpenApi:
      context->out.line(base::dump_json_pretty(protocol::openapi()));
      break;
  }
  co_return kDone;
}

}  // namespace lathe::cli
