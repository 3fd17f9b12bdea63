#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lathe/config/config.h"
#include "lathe/protocol/chain_calls.h"
#include "lathe/protocol/items.h"

// What a command line says, one struct per command. Made by parse() (command_line.h), carried out by commands/.

namespace lathe::cli {

enum class JsonMode { kNone, kFrames, kCodex };
enum class Ask {
  /// A terminal: ask there. None: deny.
  kAuto,
  kDeny,
  kWait,
  kTty,
};
enum class ReplayMode { kNone, kModel, kAll };

/// Shared by the commands that run Tasks.
struct TaskOptions {
  std::string model;
  std::string backend;
  std::string cwd;
  JsonMode json = JsonMode::kNone;
  Ask ask = Ask::kAuto;
  std::optional<protocol::ApprovalPolicy> approval_policy;
  std::optional<protocol::SandboxMode> sandbox_mode;
  /// A rule file, or a preset's name, in place of the person's own rules.
  std::string policy;
  std::optional<protocol::NetworkMode> network;
  std::vector<std::string> allow_hosts;
  protocol::Budget budget;
  std::optional<std::chrono::milliseconds> timeout;
  std::string output_schema;
  std::string output_last_message;
  std::vector<std::string> images;
  std::vector<std::string> fallback_models;
  std::string record;
  std::string replay;
  ReplayMode replay_mode = ReplayMode::kNone;
  friend bool operator==(const TaskOptions&, const TaskOptions&) = default;
};

struct ExecOptions {
  /// The words of the prompt, as given.
  std::vector<std::string> prompt;
  /// Session to continue: an id, the unique start of one, or "last".
  std::string resume;
  /// Continue in a fork instead.
  bool fork = false;
  /// The Turn of that session to continue from, by its response_id; empty: the last.
  std::string from;
  TaskOptions task;
  friend bool operator==(const ExecOptions&, const ExecOptions&) = default;
};
struct ChatOptions {
  std::string resume;
  /// Compose the first message in $EDITOR.
  bool edit = false;
  TaskOptions task;
  friend bool operator==(const ChatOptions&, const ChatOptions&) = default;
};

struct AttachOptions {
  std::string session;
  /// Show the records after this one.
  std::int64_t since = 0;
  /// Show only what comes.
  bool no_replay = false;
  /// Nobody else drives it meanwhile.
  bool claim = false;
  friend bool operator==(const AttachOptions&, const AttachOptions&) = default;
};
struct WatchOptions {
  bool all = false;
  /// Only those that are unread.
  bool unread = false;
  bool json = false;
  friend bool operator==(const WatchOptions&, const WatchOptions&) = default;
};

struct SessionListOptions {
  std::int64_t limit = 20;
  bool all = false;
  std::string tag;
  bool unread = false;
  bool json = false;
  friend bool operator==(const SessionListOptions&, const SessionListOptions&) = default;
};
struct SessionShowOptions {
  std::string session;
  bool json = false;
  friend bool operator==(const SessionShowOptions&, const SessionShowOptions&) = default;
};
struct SessionForkOptions {
  std::string session;
  std::string at;
  friend bool operator==(const SessionForkOptions&, const SessionForkOptions&) = default;
};
struct SessionRollbackOptions {
  std::string session;
  /// The Turn that stays the last, by its response_id; empty: so many Tasks are taken back.
  std::string to;
  std::int64_t tasks = 0;
  bool restore_files = false;
  friend bool operator==(const SessionRollbackOptions&, const SessionRollbackOptions&) = default;
};
struct SessionSearchOptions {
  std::vector<std::string> words;
  std::int64_t limit = 20;
  bool json = false;
  friend bool operator==(const SessionSearchOptions&, const SessionSearchOptions&) = default;
};
enum class ExportFormat { kNdjson, kMarkdown };
struct SessionExportOptions {
  std::string session;
  ExportFormat format = ExportFormat::kNdjson;
  friend bool operator==(const SessionExportOptions&, const SessionExportOptions&) = default;
};
struct SessionArchiveOptions {
  std::vector<std::string> sessions;
  /// Show them in lists again.
  bool restore = false;
  friend bool operator==(const SessionArchiveOptions&, const SessionArchiveOptions&) = default;
};
struct SessionTagOptions {
  std::string session;
  std::vector<std::string> add;
  std::vector<std::string> remove;
  friend bool operator==(const SessionTagOptions&, const SessionTagOptions&) = default;
};
struct SessionMarkReadOptions {
  std::vector<std::string> sessions;
  /// All that are unread.
  bool all = false;
  /// Count as not looked at again.
  bool unread = false;
  friend bool operator==(const SessionMarkReadOptions&, const SessionMarkReadOptions&) = default;
};
struct SessionRemoveOptions {
  std::vector<std::string> sessions;
  friend bool operator==(const SessionRemoveOptions&, const SessionRemoveOptions&) = default;
};

struct UndoOptions {
  std::string session = "last";
  std::string task;
  std::string turn;
  bool dry_run = false;
  bool json = false;
  friend bool operator==(const UndoOptions&, const UndoOptions&) = default;
};

struct ApprovalListOptions {
  bool json = false;
  friend bool operator==(const ApprovalListOptions&, const ApprovalListOptions&) = default;
};
struct ApprovalAnswerOptions {
  std::string id;
  /// Absent: the question is answered with `answers`.
  std::optional<protocol::Decision> decision;
  std::string note;
  std::vector<std::string> answers;
  /// Only record the answer.
  bool no_run = false;
  TaskOptions task;
  friend bool operator==(const ApprovalAnswerOptions&, const ApprovalAnswerOptions&) = default;
};

struct BackendAddOptions {
  config::Backend backend;
  bool make_default = false;
  friend bool operator==(const BackendAddOptions&, const BackendAddOptions&) = default;
};
struct BackendListOptions {
  bool json = false;
  friend bool operator==(const BackendListOptions&, const BackendListOptions&) = default;
};
struct BackendRemoveOptions {
  std::string name;
  friend bool operator==(const BackendRemoveOptions&, const BackendRemoveOptions&) = default;
};
struct BackendTestOptions {
  std::string name;
  std::string model;
  bool ask_model = false;
  friend bool operator==(const BackendTestOptions&, const BackendTestOptions&) = default;
};
struct ModelListOptions {
  std::string backend;
  bool json = false;
  friend bool operator==(const ModelListOptions&, const ModelListOptions&) = default;
};

struct ConfigGetOptions {
  std::string key;
  friend bool operator==(const ConfigGetOptions&, const ConfigGetOptions&) = default;
};
struct ConfigSetOptions {
  std::string key;
  std::string value;
  friend bool operator==(const ConfigSetOptions&, const ConfigSetOptions&) = default;
};
struct ConfigListOptions {
  bool json = false;
  friend bool operator==(const ConfigListOptions&, const ConfigListOptions&) = default;
};
struct ConfigPathOptions {
  friend bool operator==(const ConfigPathOptions&, const ConfigPathOptions&) = default;
};

struct PolicyExplainOptions {
  std::string command;
  std::string tool;
  /// JSON.
  std::string arguments;
  std::string policy;
  std::optional<protocol::ApprovalPolicy> approval_policy;
  std::optional<protocol::SandboxMode> sandbox_mode;
  bool json = false;
  friend bool operator==(const PolicyExplainOptions&, const PolicyExplainOptions&) = default;
};
struct PolicyTestOptions {
  std::string file;
  bool json = false;
  friend bool operator==(const PolicyTestOptions&, const PolicyTestOptions&) = default;
};
struct ChainValidateOptions {
  enum class Format { kText, kJson, kSarif };
  std::vector<std::string> files;
  Format format = Format::kText;
  bool strict = false;
  std::vector<std::string> variables;
  friend bool operator==(const ChainValidateOptions&, const ChainValidateOptions&) = default;
};
/// `chain graph` and `chain show`.
struct ChainShowOptions {
  std::string file;
  std::string chain;
  protocol::ChainForm form = protocol::ChainForm::kText;
  friend bool operator==(const ChainShowOptions&, const ChainShowOptions&) = default;
};
struct ChainSchemaOptions {
  friend bool operator==(const ChainSchemaOptions&, const ChainSchemaOptions&) = default;
};
struct TrustOptions {
  std::string path = ".";
  bool yes = false;
  bool revoke = false;
  bool json = false;
  friend bool operator==(const TrustOptions&, const TrustOptions&) = default;
};

struct UsageOptions {
  std::string by = "day";
  /// A day, "2026-11-01", or so many of them, "7d".
  std::string since;
  bool json = false;
  friend bool operator==(const UsageOptions&, const UsageOptions&) = default;
};
struct IndexRebuildOptions {
  friend bool operator==(const IndexRebuildOptions&, const IndexRebuildOptions&) = default;
};
enum class SchemaFormat { kJsonSchema, kTypeScript, kOpenApi };
struct SchemaOptions {
  SchemaFormat format = SchemaFormat::kJsonSchema;
  friend bool operator==(const SchemaOptions&, const SchemaOptions&) = default;
};
struct DaemonStartOptions {
  bool foreground = false;
  /// A TCP address; empty: none.
  std::string listen = {};
  friend bool operator==(const DaemonStartOptions&, const DaemonStartOptions&) = default;
};
struct DaemonStopOptions {
  friend bool operator==(const DaemonStopOptions&, const DaemonStopOptions&) = default;
};
struct DaemonRestartOptions {
  friend bool operator==(const DaemonRestartOptions&, const DaemonRestartOptions&) = default;
};
struct DaemonInstallOptions {
  friend bool operator==(const DaemonInstallOptions&, const DaemonInstallOptions&) = default;
};
struct DaemonStatusOptions {
  bool json = false;
  friend bool operator==(const DaemonStatusOptions&, const DaemonStatusOptions&) = default;
};
struct DaemonTokenCreateOptions {
  std::string scopes = "read,prompt,approve";
  friend bool operator==(const DaemonTokenCreateOptions&, const DaemonTokenCreateOptions&) = default;
};
struct DaemonTokenListOptions {
  bool json = false;
  friend bool operator==(const DaemonTokenListOptions&, const DaemonTokenListOptions&) = default;
};
struct DaemonTokenRemoveOptions {
  std::string id;
  friend bool operator==(const DaemonTokenRemoveOptions&, const DaemonTokenRemoveOptions&) = default;
};
struct DaemonLogsOptions {
  bool follow = false;
  /// As they are written.
  bool json = false;
  friend bool operator==(const DaemonLogsOptions&, const DaemonLogsOptions&) = default;
};
struct ProtoOptions {
  friend bool operator==(const ProtoOptions&, const ProtoOptions&) = default;
};
struct SandboxRunOptions {
  std::vector<std::string> argv;
  protocol::SandboxMode mode = protocol::SandboxMode::kWorkspaceWrite;
  std::string level;
  std::vector<std::string> allow_hosts;
  friend bool operator==(const SandboxRunOptions&, const SandboxRunOptions&) = default;
};

struct SandboxTestOptions {
  std::string level;
  bool json = false;
  friend bool operator==(const SandboxTestOptions&, const SandboxTestOptions&) = default;
};

struct SandboxTaintedOptions {
  bool clear = false;
  bool json = false;
  friend bool operator==(const SandboxTaintedOptions&, const SandboxTaintedOptions&) = default;
};

struct DoctorOptions {
  /// Reads all sessions, however many there are.
  bool deep = false;
  bool json = false;
  friend bool operator==(const DoctorOptions&, const DoctorOptions&) = default;
};
struct SetupOptions {
  friend bool operator==(const SetupOptions&, const SetupOptions&) = default;
};
/// Help or the version: text that parsing itself made.
struct PrintOptions {
  std::string text;
  friend bool operator==(const PrintOptions&, const PrintOptions&) = default;
};

using Options = std::variant<
    PrintOptions, ExecOptions, ChatOptions, AttachOptions, WatchOptions, SessionListOptions, SessionShowOptions,
    SessionForkOptions, SessionRollbackOptions, SessionSearchOptions, SessionExportOptions, SessionArchiveOptions,
    SessionTagOptions, SessionMarkReadOptions, SessionRemoveOptions, UndoOptions, ApprovalListOptions,
    ApprovalAnswerOptions, BackendAddOptions, BackendListOptions, BackendRemoveOptions, BackendTestOptions,
    ModelListOptions, ConfigGetOptions, ConfigSetOptions, ConfigListOptions, ConfigPathOptions, PolicyExplainOptions,
    PolicyTestOptions, ChainValidateOptions, ChainShowOptions, ChainSchemaOptions, TrustOptions, UsageOptions,
    IndexRebuildOptions, SchemaOptions, SandboxRunOptions, SandboxTestOptions, SandboxTaintedOptions, DoctorOptions,
    SetupOptions, ProtoOptions, DaemonStartOptions, DaemonStopOptions, DaemonRestartOptions, DaemonInstallOptions,
    DaemonStatusOptions, DaemonLogsOptions, DaemonTokenCreateOptions, DaemonTokenListOptions, DaemonTokenRemoveOptions>;

}  // namespace lathe::cli
