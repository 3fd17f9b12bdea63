#include "lathe/cli/commands/command.h"

namespace lathe::cli {

CommandResult execute(Context* context, ProtoOptions) { return context->frontend.serve_stdio(); }

}  // namespace lathe::cli
