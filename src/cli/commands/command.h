#pragma once

#include "lathe/base/result.h"
#include "lathe/cli/context.h"
#include "lathe/cli/options.h"
#include "lathe/runtime/async.h"

// Every command is one function `execute`, in a file of commands/ named after it: it gives the exit code, or the error
// that run() prints and turns into one. Those with a Transport get an open engine, which run() closes after them.

namespace lathe::cli {

using CommandResult = runtime::Async<base::Result<ExitCode>>;

CommandResult execute(Context* context, PrintOptions options);
CommandResult execute(Context* context, ExecOptions options);
CommandResult execute(Context* context, ChatOptions options);
CommandResult execute(Context* context, client::Transport* engine, AttachOptions options);
CommandResult execute(Context* context, client::Transport* engine, WatchOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionListOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionShowOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionForkOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionRollbackOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionSearchOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionExportOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionArchiveOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionTagOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionMarkReadOptions options);
CommandResult execute(Context* context, client::Transport* engine, SessionRemoveOptions options);
CommandResult execute(Context* context, client::Transport* engine, UndoOptions options);
CommandResult execute(Context* context, client::Transport* engine, ApprovalListOptions options);
CommandResult execute(Context* context, ApprovalAnswerOptions options);
CommandResult execute(Context* context, BackendAddOptions options);
CommandResult execute(Context* context, client::Transport* engine, BackendListOptions options);
/// Says what else had to change for it.
base::Result<void> make_default_backend(Context& context, const config::Paths& paths, const std::string& name);
CommandResult execute(Context* context, BackendRemoveOptions options);
CommandResult execute(Context* context, client::Transport* engine, BackendTestOptions options);
CommandResult execute(Context* context, client::Transport* engine, ModelListOptions options);
CommandResult execute(Context* context, ConfigGetOptions options);
CommandResult execute(Context* context, ConfigSetOptions options);
CommandResult execute(Context* context, ConfigListOptions options);
CommandResult execute(Context* context, ConfigPathOptions options);
CommandResult execute(Context* context, PolicyExplainOptions options);
CommandResult execute(Context* context, PolicyTestOptions options);
CommandResult execute(Context* context, ChainValidateOptions options);
CommandResult execute(Context* context, ChainShowOptions options);
CommandResult execute(Context* context, ChainSchemaOptions options);
CommandResult execute(Context* context, client::Transport* engine, TrustOptions options);
CommandResult execute(Context* context, client::Transport* engine, UsageOptions options);
CommandResult execute(Context* context, client::Transport* engine, IndexRebuildOptions options);
CommandResult execute(Context* context, SchemaOptions options);
CommandResult execute(Context* context, DaemonStartOptions options);
CommandResult execute(Context* context, DaemonStopOptions options);
CommandResult execute(Context* context, DaemonRestartOptions options);
CommandResult execute(Context* context, DaemonInstallOptions options);
CommandResult execute(Context* context, DaemonStatusOptions options);
CommandResult execute(Context* context, DaemonTokenCreateOptions options);
CommandResult execute(Context* context, DaemonTokenListOptions options);
CommandResult execute(Context* context, DaemonTokenRemoveOptions options);
CommandResult execute(Context* context, DaemonLogsOptions options);
CommandResult execute(Context* context, ProtoOptions options);
CommandResult execute(Context* context, SandboxRunOptions options);
CommandResult execute(Context* context, SandboxTestOptions options);
CommandResult execute(Context* context, SandboxTaintedOptions options);
CommandResult execute(Context* context, DoctorOptions options);
CommandResult execute(Context* context, SetupOptions options);

}  // namespace lathe::cli
