#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/formats/node.h"
#include "lathe/templates/template.h"

// A workflow file as it is checked, shown and run: one form for the three dialects that load.h reads (contenox's
// chains, vix's workflows, our own superset). Everything in it knows where it stands in its file.

namespace lathe::chain {

using formats::Position;

/// A value of the file, where it stands, and where it came from. As a condition it says whether there is one at all,
/// also for Given<bool>; `value` then is what was given, and else what the field starts with.
template <class T>
struct Given {
  enum class From : std::uint8_t { kNowhere, kFile, kDefaults };
  T value{};
  Position at = {};
  From from = From::kNowhere;

  explicit operator bool() const { return from != From::kNowhere; }
  const T& operator*() const { return value; }
  const T* operator->() const { return &value; }
  T* operator->() { return &value; }
};

using Text = Given<templates::Template>;
using Texts = std::vector<Text>;
using Name = Given<std::string>;
using Names = std::vector<Name>;
using Whole = Given<std::int64_t>;
using Flag = Given<bool>;
using Span = Given<std::chrono::milliseconds>;

enum class Dialect : std::uint8_t { kLathe, kContenox, kVix };

/// A member of a map from names to texts.
struct NamedText {
  std::string name;
  Position at = {};
  Text value;
};

/// How often and how a model is asked again. Of one candidate; each has its own attempts.
struct RetryPolicy {
  Whole max_attempts;
  Span initial_backoff;
  Span max_backoff;
  Given<double> jitter;
  Span rate_limit_min_wait;
  Text fallback_model_id;
  Whole fallback_after;
};

/// What narrows one toolset: ports/tool_policies.h knows the keys.
struct ToolPolicy {
  std::string toolset;
  Position at = {};
  Given<std::uint8_t>::From from = Given<std::uint8_t>::From::kFile;
  std::vector<NamedText> keys;
};

/// `execute_config`: which models are asked in which order, and what they may call.
struct ModelUse {
  Text model;
  Texts models;
  Text provider;
  Texts providers;
  Given<double> temperature;
  Given<Texts> tools;
  Given<Texts> hide_tools;
  std::vector<ToolPolicy> tools_policies;
  Flag pass_clients_tools;
  Text think;
  Text max_tokens;
  Flag shift;
  Given<RetryPolicy> retry_policy;
};

/// What may be spent, by the whole run or by one task. Absent: no limit of this file's.
struct Budget {
  Whole tokens;
  Given<double> usd;
  Whole seconds;
  Whole turns;
  Whole tool_calls;
  Whole steps;
  /// The task that goes on once, or `end`. Absent: the run stops there with what it has.
  Name on_exceeded;

  [[nodiscard]] bool limits_anything() const { return tokens || usd || seconds || turns || tool_calls || steps; }
};

enum class InputType : std::uint8_t { kString, kInt, kNumber, kBool, kJson };
enum class InputSource : std::uint8_t { kVar, kStdin, kFile };

struct Input {
  std::string name;
  Position at = {};
  Given<InputType> type;
  Name description;
  Given<base::Json> fallback;
  Given<InputSource> from;
  Flag required;
  Given<base::Json> choices;
};

enum class Operator : std::uint8_t {
  kEquals,
  kContains,
  kStartsWith,
  kEndsWith,
  kDefault,
  kEdgeTraversedAtLeast,
  /// `when` is a command; it matches when that exits with 0.
  kCommandSucceeds,
  /// At its place in the list, unlike the default; vix's step without execute_if.
  kAlways,
};

struct Branch {
  Position at = {};
  Given<Operator> op;
  Text when;
  Name edge;
  /// A task, or "end".
  Name go_to;
  std::vector<NamedText> params;
};

enum class Take : std::uint8_t { kFirst, kAll };
enum class NoMatch : std::uint8_t { kError, kEnd };

struct Transition {
  Position at = {};
  Name on_failure;
  /// At most once per run (vix).
  bool on_failure_once = false;
  /// kAll: one match is a jump, several run side by side and are joined.
  Given<Take> take;
  Given<NoMatch> no_match;
  std::vector<Branch> branches;
};

/// Whose conversation a model task sees.
struct Session {
  enum class Kind : std::uint8_t { kShared, kNew, kFork };
  Kind kind = Kind::kShared;
  /// The task whose conversation is forked.
  std::string task;
};

struct ChatCompletion {
  Text system_instruction;
  Text prompt_template;
  Given<ModelUse> use;
  Given<base::Json> output_schema;
};
struct ExecuteToolCalls {
  Given<ModelUse> use;
};
struct ToolRef {
  Name name;
  Name tool_name;
  std::vector<NamedText> args;
};
struct ToolCall {
  Given<ToolRef> tool;
  Text output_template;
  Given<ModelUse> use;
};
struct Route {
  Text system_instruction;
  Text prompt_template;
  Given<ModelUse> use;
};
struct Noop {
  Text prompt_template;
};
struct RaiseError {
  Text prompt_template;
};
/// A whole native Task, until it is done.
struct Agent {
  Name agent;
  Text system_instruction;
  Text prompt_template;
  Given<ModelUse> use;
  Given<base::Json> output_schema;
  /// The answer is one JSON object, perhaps in a fence; its members become variables.
  Flag json_output;
  /// The agent may say `complete` or `blocked`.
  Flag signal;
};
/// An outside agent.
struct Driver {
  Name driver;
  Text prompt_template;
  Text model;
  Given<base::Json> output_schema;
};
enum class Parse : std::uint8_t { kText, kJson, kLines };
enum class Nonzero : std::uint8_t { kVerdict, kError };
struct Shell {
  Text command;
  Text stdin_text;
  Text cwd;
  std::vector<NamedText> env;
  Given<Parse> parse;
  /// kVerdict: an exit code other than 0 is the eval `failed`; kError: it is a failure of the task.
  Given<Nonzero> nonzero;
  Text output_template;
};
enum class AskKind : std::uint8_t { kApprove, kChoose, kForm };
struct Choice {
  Position at = {};
  Name id;
  Text description;
  Flag has_user_input;
};
struct Human {
  Given<AskKind> ask;
  Text question;
  std::vector<Choice> choices;
  std::vector<Input> form;
  Span deadline;
  /// The eval when the deadline passes. Absent: `timed_out`.
  Name default_answer;
  Whole quorum;
  Names who;
};
struct SubChain {
  Name chain;
  std::vector<NamedText> with;
};
/// How many of the branches must be done.
struct Join {
  enum class Kind : std::uint8_t { kAll, kAny, kCount };
  Kind kind = Kind::kAll;
  std::int64_t count = 0;
};
enum class BranchError : std::uint8_t { kAbort, kCollect };
/// Each branch runs from its first task until one goes to the end.
struct Parallel {
  Names start;
  Whole max_parallel;
  Given<Join> join;
  Given<BranchError> on_branch_error;
};
struct Map {
  Text over;
  Name as;
  Name start;
  Whole max_parallel;
  Whole max_items;
  Given<Join> join;
  Given<BranchError> on_branch_error;
};
struct Wait {
  Span duration;
  Text until;
  Name event;
};

/// What a task does; the order of handler_names().
using Does = std::variant<ChatCompletion, ExecuteToolCalls, ToolCall, Route, Noop, RaiseError, Agent, Driver, Shell,
                          Human, SubChain, Parallel, Map, Wait>;

struct Task {
  Position at = {};
  Name id;
  Name description;
  Position handler_at = {};
  Does does;
  /// `input`, `previous_output`, or the id of an earlier task. Absent: previous_output.
  Name input_var;
  Whole input_max_bytes;
  /// Written beside the output once the task is done.
  Text print;
  Transition transition;
  Span timeout;
  Whole retry_on_failure;
  Given<Session> session;
  Given<Budget> budget;
  /// The file that gets the task's text.
  Text output_file;
  Name display_key;
  Flag silent;
  Flag stream;

  [[nodiscard]] std::string_view handler() const;
  /// Its execute_config, or nullptr when its handler has none or none is given.
  [[nodiscard]] const ModelUse* use() const;
};

struct Defaults {
  Given<ModelUse> execute_config;
  std::vector<ToolPolicy> tools_policies;
};

struct Chain {
  std::string file;
  /// The bytes that it was read from: a run keeps its own copy. Shared because it never changes.
  std::shared_ptr<const std::string> source;
  Dialect dialect = Dialect::kLathe;
  Position at = {};

  Name id;
  Name description;
  Whole version;
  Flag debug;
  /// Tokens of one request, its answer included. 0: not limited here.
  Whole token_limit;
  /// Nobody is there to answer.
  Flag unattended;
  std::vector<Input> inputs;
  Given<Defaults> defaults;
  Given<Budget> budget;
  std::vector<Task> tasks;
  /// Index of the first task in `tasks`.
  std::size_t entry = 0;
  std::vector<NamedText> entry_params;
  /// What is shown of a finished run (vix).
  Text summary;
  Flag display;

  [[nodiscard]] const Task* find(std::string_view id) const;
  /// Where a byte of a text stands in the file.
  [[nodiscard]] Position place(const Text& text, templates::Offset offset) const;
};

inline constexpr std::string_view kEnd = "end";

[[nodiscard]] const std::vector<std::string>& handler_names();
/// The variant's alternative of that name, empty; nothing for an unknown one.
[[nodiscard]] std::optional<Does> make_handler(std::string_view name);
[[nodiscard]] const std::vector<std::string>& operator_names();
[[nodiscard]] std::string_view name_of(Operator op);
[[nodiscard]] std::string_view name_of(Dialect dialect);

/// The evals that a task may end with, for its branches to match.
struct Evals {
  std::vector<std::string> names;
  /// Any other text may come too.
  bool open = false;
};
[[nodiscard]] Evals evals_of(const Task& task);
/// For the reference page: each handler's evals in words.
[[nodiscard]] std::string_view evals_in_words(std::string_view handler);

}  // namespace lathe::chain
