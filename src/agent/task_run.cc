#include "lathe/agent/task_run.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <variant>

#include "lathe/agent/call_events.h"
#include "lathe/agent/catalog_context.h"
#include "lathe/agent/context.h"
#include "lathe/agent/json_schema.h"
#include "lathe/agent/task_context.h"
#include "lathe/agent/turn_rules.h"
#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using base::Error;
using base::Result;
using ports::DraftKind;
using protocol::CallStatus;
using protocol::ContextKind;
using protocol::EventMsg;
using protocol::ItemStatus;
using runtime::Async;
using runtime::CancelToken;

/// The smallest result that is still of use.
constexpr std::int64_t kLeastResultTokens = 500;

protocol::Budget with_defaults(protocol::Budget budget, const AgentOptions& options) {
  if (!budget.turns) budget.turns = options.default_turns;
  if (!budget.tool_calls) budget.tool_calls = options.default_tool_calls;
  return budget;
}

/// By name, so that requests begin with the same bytes whatever order the tools were made in.
std::vector<ports::ToolSpec> specs_of(const std::vector<ports::Tool*>& tools) {
  std::vector<ports::ToolSpec> specs;
  specs.reserve(tools.size());
  for (const ports::Tool* tool : tools) specs.push_back(tool->spec());
  std::ranges::sort(specs, {}, &ports::ToolSpec::name);
  return specs;
}

/// What the Task would end with at its next request as well.
bool ends_with_compaction(const Error& error) {
  return error.code == protocol::error_codes::kBudget || error.code == protocol::error_codes::kCassette;
}

/// The next process begins where this one ends: all that the model said is done, and it is asked again.
Error handed_over() {
  return {.code = protocol::error_codes::kParked, .message = "another process goes on with the Task"};
}

/// How a Task ends whose conversation does not fit: by that, when it could not be made smaller; else by what came in
/// between.
Error still_too_long(Error why) {
  if (why.code != protocol::error_codes::kCompaction) return why;
  return {.code = protocol::error_codes::kContextWindow,
          .message = "the conversation does not fit the model's window, and " + why.message,
          .hint = "start a new session, or choose a model with a larger window"};
}

}  // namespace

TaskRun::TaskRun(const AgentParts& parts, const AgentOptions& options, ports::TaskRequest request,
                 ports::TaskHost& host, std::set<std::string>& told_problems)
    : parts_(parts),
      options_(options),
      request_(std::move(request)),
      host_(host),
      tools_(specs_of(parts.tools)),
      budget_(with_defaults(request_.budget, options), host.state().task, [&host] { return host.room(); }),
      asker_(parts.loop, host, parts.candidates, options, budget_),
      dispatcher_(parts.loop, host, parts.tools, options, parts.translate, parts.history),
      images_(parts.pool, host.blobs(), options.image_bytes),
      compactor_(host, asker_, budget_, images_, tools_),
      told_problems_(told_problems) {}

Async<Result<std::string>> TaskRun::run(CancelToken cancel) {
  cancel_ = std::move(cancel);
  CO_TRY_OK(co_await begin());
  if (request_.compact_only) {
    Error nothing{.code = protocol::error_codes::kCompaction, .message = "there is nothing to compact yet"};
    CO_TRY_OK(co_await compact(keep_tokens(), std::move(nothing)));
    co_return std::string();
  }
  while (true) {
    if (cancel_.cancelled()) co_return cancel_.reason();
    if (host_.hands_over()) co_return handed_over();
    CO_TRY(Done done, co_await turn());
    if (!done || host_.take_steered()) continue;
    if (!request_.output_schema) co_return *std::move(done);
    CO_TRY(const bool follows, co_await follows_schema(*done));
    if (follows) co_return *std::move(done);
  }
}

Async<Result<void>> TaskRun::record(EventMsg msg) {
  const Result<std::int64_t> recorded = co_await host_.record(std::move(msg));
  if (!recorded.ok()) co_return recorded.error();
  co_return Result<void>();
}

Async<Result<void>> TaskRun::warn(std::string code, std::string message) {
  co_return co_await record(protocol::Warning{.code = std::move(code), .message = std::move(message)});
}

void TaskRun::show_news() {
  for (protocol::BudgetStatus& status : budget_.news()) host_.show(std::move(status));
}

std::int64_t TaskRun::window() const {
  const Result<ports::ResolvedModel> model = asker_.current();
  return model.ok() ? model->facts.context_window : 0;
}

std::int64_t TaskRun::fixed_tokens() const {
  const auto& config = host_.state().config;
  return estimate_tokens(config ? std::string_view(config->system_prompt) : std::string_view(), tools_);
}

std::int64_t TaskRun::output_tokens() const {
  // One result must not fill a small window.
  if (window() <= 0) return options_.tool_output_tokens;
  return std::min(options_.tool_output_tokens, std::max(window() / 5, kLeastResultTokens));
}

// ---- before the first Turn

Async<Result<void>> TaskRun::begin() {
  CO_TRY(const ports::ResolvedModel model, asker_.current());
  CO_TRY_OK(budget_.check_price(model));
  const bool under_way = task_is_under_way(host_.state());
  const bool after_cut = !under_way && earlier_task_was_cut(host_.state());
  CO_TRY_OK(co_await finish_open_calls());
  if (under_way) co_return Result<void>();
  if (after_cut) CO_TRY_OK(co_await add_context(ContextKind::kInterruption, kInterruptionText));
  co_return co_await refresh_context();
}

Async<Result<void>> TaskRun::finish_open_calls() {
  const ports::SessionState& state = host_.state();
  std::vector<PendingCall> open;
  std::vector<EventMsg> ends;
  for (const ports::PlacedEntry& placed : state.conversation.entries) {
    const auto* entry = std::get_if<ports::CallEntry>(&placed.entry);
    if (entry == nullptr || entry->outcome) continue;
    const std::string& id = entry->call.call_id;
    const auto is_this = [&](const auto& other) { return other.call_id == id; };
    const bool waits = state.answers.contains(id) || std::ranges::any_of(state.questions, is_this) ||
                       std::ranges::any_of(state.agents, is_this);
    if (state.task && placed.seq < state.task->start_seq) {
      ends.push_back(end_event(entry->call, CallStatus::kCancelled, "not run: its task ended before"));
    } else if (entry->started && !waits) {
      ends.push_back(end_event(entry->call, CallStatus::kInterrupted,
                               "interrupted while it ran; its outcome is unknown, and it was not run again"));
    } else {
      open.push_back({.call = entry->call, .begun = entry->started});
    }
  }
  std::optional<protocol::ToolCalls> told;
  if (state.task) told = state.task->answer;
  for (EventMsg& end : ends) CO_TRY_OK(co_await record(std::move(end)));
  if (!open.empty()) {
    const Result<void> ran = co_await dispatcher_.run(std::move(open), output_tokens(), cancel_);
    if (!ran.ok() && ran.error().code == protocol::error_codes::kParked) co_return ran.error();
    if (told) CO_TRY_OK(co_await complete_turn(*std::move(told)));
    co_return ran;
  }
  if (told) CO_TRY_OK(co_await complete_turn(*std::move(told)));
  co_return Result<void>();
}

Async<Result<void>> TaskRun::add_context(ContextKind kind, std::string text) {
  protocol::ContextAdded added{.item = host_.new_id("ctx"), .kind = kind, .text = std::move(text)};
  co_return co_await record(std::move(added));
}

Async<Result<void>> TaskRun::refresh_context() {
  const auto& config = host_.state().config;
  const std::string cwd = config ? config->cwd : std::string();
  Result<ports::EnvironmentFacts> environment = co_await parts_.facts.environment(cwd);
  if (environment.ok()) {
    auto text = missing_context(host_.state().conversation, ContextKind::kEnvironment, environment_text(*environment));
    if (text) CO_TRY_OK(co_await add_context(ContextKind::kEnvironment, *std::move(text)));
  }
  const Result<ports::ProjectDocs> docs = co_await parts_.facts.docs(cwd, options_.project_docs_bytes);
  // What is not known is not gone: the model keeps what it was told.
  if (!docs.ok()) co_return co_await warn("project_docs", docs.error().message);
  for (const std::string& problem : docs->problems) {
    if (told_problems_.insert(problem).second) CO_TRY_OK(co_await warn("project_docs", problem));
  }
  CO_TRY(const std::string catalog, co_await catalog_words());
  std::string wanted = project_docs_text(docs->files);
  if (!wanted.empty() && !catalog.empty()) wanted += '\n';
  auto text = missing_context(host_.state().conversation, ContextKind::kProjectDocs, wanted + catalog);
  if (text) CO_TRY_OK(co_await add_context(ContextKind::kProjectDocs, *std::move(text)));
  co_return Result<void>();
}

Async<Result<void>> TaskRun::tell_job_news() {
  CO_TRY(const std::vector<protocol::JobEnd> news, host_.job_news());
  for (const protocol::JobEnd& end : news) {
    protocol::ContextAdded added{.item = end.job, .kind = ContextKind::kNudge, .text = job_news_text(end)};
    CO_TRY_OK(co_await record(std::move(added)));
  }
  co_return Result<void>();
}

Async<Result<std::string>> TaskRun::catalog_words() {
  const auto& config = host_.state().config;
  const Result<ports::CatalogView> view = co_await parts_.catalog.look(config ? config->cwd : std::string());
  if (!view.ok()) {
    CO_TRY_OK(co_await warn("catalog", view.error().message));
    co_return std::string();
  }
  for (const std::string& problem : view->problems) {
    if (told_problems_.insert(problem).second) CO_TRY_OK(co_await warn("catalog", problem));
  }
  const auto has = [this](std::string_view name) {
    return std::ranges::find(tools_, name, &ports::ToolSpec::name) != tools_.end();
  };
  const std::size_t room = window() > 0 ? static_cast<std::size_t>(window()) * 4 / 50 : options_.catalog_bytes;
  co_return catalog_text(*view, {.skills = has("read_skill"), .agents = has("spawn_agent")}, room);
}

Async<Result<void>> TaskRun::add_mentioned_skills() {
  std::string words;
  for (const ports::PlacedEntry& placed : host_.state().conversation.entries | std::views::reverse) {
    if (placed.seq <= looked_at_seq_ || (host_.state().task && placed.seq < host_.state().task->start_seq)) break;
    const auto* user = std::get_if<ports::UserEntry>(&placed.entry);
    if (user == nullptr || user->context) continue;
    for (const protocol::ContentPart& part : user->content) {
      if (const auto* text = std::get_if<protocol::TextPart>(&part)) words = text->text + "\n" + words;
    }
  }
  looked_at_seq_ = host_.state().last_seq;
  if (words.find('$') == std::string::npos) co_return Result<void>();
  const std::string cwd = host_.state().config ? host_.state().config->cwd : std::string();
  const Result<ports::CatalogView> view = co_await parts_.catalog.look(cwd);
  if (!view.ok()) co_return Result<void>();
  for (const std::string& name : mentioned_skills(words, *view)) {
    const Result<ports::SkillText> skill = co_await parts_.catalog.read_skill(cwd, name);
    if (!skill.ok()) {
      CO_TRY_OK(co_await warn("catalog", skill.error().message));
      continue;
    }
    std::string text = mentioned_skill_text(*skill, static_cast<std::size_t>(output_tokens()) * 4);
    if (has_context(host_.state().conversation, text)) continue;
    CO_TRY_OK(co_await add_context(ContextKind::kUserContext, std::move(text)));
  }
  co_return Result<void>();
}

// ---- a Turn

Async<Result<TaskRun::Done>> TaskRun::turn() {
  CO_TRY_OK(co_await add_mentioned_skills());
  if (host_.state().task) budget_.note_agents(host_.state().task->agents);
  CO_TRY_OK(co_await compact_if_due());
  CO_TRY_OK(co_await tell_job_news());
  if (std::exchange(steered_behind_answer_, false)) {
    CO_TRY_OK(co_await add_context(ContextKind::kNudge, kSteeredText));
  }
  const Result<void> taken = budget_.take_turn();
  show_news();
  if (!taken.ok()) co_return taken.error();
  CO_TRY(Answer answer, co_await ask());

  protocol::ToolCalls told;
  told.provider_response_id = answer.provider_response_id;
  told.model = answer.model_name;
  told.usage = usage_of(answer, context_tokens(host_.state().conversation, fixed_tokens()));
  told.cost_micro_usd = ports::cost_of(told.usage, answer.facts);
  told.finish_reason = ports::name_of(answer.reason);
  budget_.spend(told.usage, told.cost_micro_usd);
  if (!answer.usage && !std::exchange(usage_warned_, true)) {
    CO_TRY_OK(
        co_await warn("usage_estimated", answer.model_name + " reports no usage; tokens are estimated by length"));
  }
  std::string text = answer.text();
  CO_TRY_OK(co_await record_parts(&answer));
  if (!answer.calls.empty()) {
    CO_TRY_OK(co_await run_calls(std::move(answer), std::move(told)));
    co_return Done();
  }
  CO_TRY_OK(co_await complete_turn(std::move(told)));
  if (answer.reason == ports::FinishReason::kContentFilter && text.empty()) {
    co_return Error{.code = protocol::error_codes::kRefused,
                    .message = answer.model_name + " refused to answer this content"};
  }
  if (answer.reason == ports::FinishReason::kLength) {
    CO_TRY_OK(co_await warn("answer_cut", "the answer was cut at the model's limit of output tokens"));
  } else if (answer.reason == ports::FinishReason::kContentFilter) {
    CO_TRY_OK(co_await warn("answer_cut", "the answer was cut by the provider's content filter"));
  } else if (base::trim(text).empty()) {
    CO_TRY_OK(co_await warn("answer_empty", answer.model_name + " answered nothing"));
  }
  co_return Done(std::move(text));
}

Async<Result<Answer>> TaskRun::ask() {
  ports::Thinking thinking = ports::Thinking::kDefault;
  int stalls = 0;
  std::int64_t keep = keep_tokens();
  for (int compactions = 0;;) {
    CO_TRY(Question question, co_await build_question(thinking));
    AskResult asked = co_await asker_.ask(std::move(question), cancel_);
    if (asked.kind == AskResult::Kind::kAnswered) co_return std::move(asked.answer);
    if (asked.kind == AskResult::Kind::kStalled) {
      if (thinking == ports::Thinking::kOff) {
        co_return Error{.code = protocol::error_codes::kStream,
                        .message = "the model only thinks and never answers, even with thinking turned off",
                        .retryable = true};
      }
      const bool first = ++stalls == 1;
      CO_TRY_OK(co_await warn("thinking_stall", first ? "the model thinks without end; it is told to act"
                                                      : "the model thinks without end; it is asked without thinking"));
      if (first) {
        CO_TRY_OK(co_await add_context(ContextKind::kNudge, kStallText));
      } else {
        thinking = ports::Thinking::kOff;
      }
      continue;
    }
    const bool too_long = asked.error.code == protocol::error_codes::kContextWindow && !cancel_.cancelled();
    if (!too_long || ++compactions > 3) {
      Error why = asked.error;
      CO_TRY_OK(co_await record_parts(&asked.answer));
      co_return why;
    }
    const Result<void> compacted = co_await compact(keep, asked.error);
    if (!compacted.ok()) co_return still_too_long(compacted.error());
    keep /= 4;
  }
}

Async<Result<Question>> TaskRun::build_question(ports::Thinking thinking) {
  const Result<ports::ResolvedModel> model = asker_.current();
  if (!model.ok()) co_return model.error();
  const ports::SessionState& state = host_.state();
  Question question;
  // Input that comes while images are loaded is not in the request, and makes one more Turn due.
  (void)host_.take_steered();
  asked_at_seq_ = state.last_seq;
  const std::vector<ports::PlacedEntry> entries = state.conversation.entries;
  question.input_tokens = context_tokens(state.conversation, fixed_tokens());
  if (state.config) question.request.system_prompt = state.config->system_prompt;
  question.request.cache_key = state.session_id;
  const ImageSet images = co_await images_.of(entries, model->facts);
  question.request.items = build_items(entries, images);
  question.request.tools = tools_;
  question.request.output_schema = request_.output_schema;
  question.request.thinking = thinking;
  co_return std::move(question);
}

Async<Result<void>> TaskRun::record_parts(Answer* answer) {
  for (AnswerPart& part : answer->parts) {
    EventMsg msg;
    if (part.kind == DraftKind::kMessage) {
      msg = protocol::AgentMessage{.item = part.item,
                                   .text = std::move(part.text),
                                   .status = part.whole ? ItemStatus::kComplete : ItemStatus::kIncomplete};
    } else {
      // Reasoning of an answer that was cut off led to nothing.
      msg = protocol::AgentReasoning{.item = part.item,
                                     .text = std::move(part.text),
                                     .provider = answer->provider,
                                     .opaque = std::move(part.opaque),
                                     .status = answer->finished ? ItemStatus::kComplete : ItemStatus::kIncomplete};
    }
    CO_TRY_OK(co_await record(std::move(msg)));
    host_.drop_draft(part.item);
  }
  co_return Result<void>();
}

Async<Result<void>> TaskRun::run_calls(Answer answer, protocol::ToolCalls told) {
  make_call_ids_unique(answer.calls, host_.state().conversation, [this] { return host_.new_id("call"); });
  const std::vector<protocol::ToolCall> calls = answer.calls;
  protocol::ToolCalls msg = told;
  msg.calls = std::move(answer.calls);
  CO_TRY_OK(co_await record(std::move(msg)));

  const Result<void> taken = budget_.take_calls(static_cast<std::int64_t>(calls.size()));
  show_news();
  Result<void> ran;
  if (taken.ok()) {
    std::vector<PendingCall> pending;
    for (const protocol::ToolCall& call : calls) pending.push_back({.call = call});
    ran = co_await dispatcher_.run(std::move(pending), output_tokens(), cancel_);
  } else {
    for (const protocol::ToolCall& call : calls) {
      CO_TRY_OK(co_await record(end_event(call, CallStatus::kCancelled, "not run: " + taken.error().message)));
    }
    ran = taken.error();
  }
  if (!ran.ok() && ran.error().code == protocol::error_codes::kParked) co_return ran;
  CO_TRY_OK(co_await complete_turn(std::move(told)));
  if (!ran.ok()) co_return ran;
  const ports::SessionState& state = host_.state();
  const auto repeated =
      repeated_call(state.conversation, state.task ? state.task->start_seq : 0, options_.repeated_call_limit);
  if (repeated) {
    co_return Error{.code = protocol::error_codes::kLoop,
                    .message = "the model called " + repeated->tool + " " +
                               std::to_string(options_.repeated_call_limit) +
                               " times in a row with the same arguments and the same result: " + repeated->arguments,
                    .hint = "say what to do differently"};
  }
  co_return Result<void>();
}

Async<Result<void>> TaskRun::complete_turn(protocol::ToolCalls told) {
  steered_behind_answer_ = asked_at_seq_ > 0 && message_behind_answer(host_.state().conversation, asked_at_seq_);
  protocol::TurnComplete complete{.response_id = host_.new_id("resp"),
                                  .provider_response_id = std::move(told.provider_response_id),
                                  .model = std::move(told.model),
                                  .usage = told.usage,
                                  .cost_micro_usd = told.cost_micro_usd,
                                  .finish_reason = std::move(told.finish_reason)};
  CO_TRY_OK(co_await record(std::move(complete)));
  host_.show(protocol::TokenCount{.total = budget_.usage(),
                                  .last = told.usage,
                                  .context_tokens = context_tokens(host_.state().conversation, fixed_tokens()),
                                  .context_window = window()});
  show_news();
  co_return Result<void>();
}

// ---- after the last Turn

Async<Result<bool>> TaskRun::follows_schema(std::string text) {
  // An answer may be megabytes.
  const std::vector<std::string> problems = co_await parts_.pool.run([this, &text]() -> std::vector<std::string> {
    const Result<base::Json> value = base::parse_json(text);
    if (!value.ok()) return {value.error().message};
    return schema_problems(*request_.output_schema, *value);
  });
  if (problems.empty()) co_return true;
  const std::string list = base::join(problems, "; ");
  if (std::exchange(schema_repaired_, true)) {
    co_return Error{.code = protocol::error_codes::kOutputSchema,
                    .message = "the final answer does not follow the schema: " + list};
  }
  CO_TRY_OK(co_await add_context(ContextKind::kNudge,
                                 "Your final answer must be one JSON value that follows the schema asked for, and "
                                 "nothing else. It does not: " +
                                     list + ". Give the whole answer again, as JSON only."));
  co_return false;
}

// ---- compaction

std::int64_t TaskRun::keep_tokens() const {
  std::int64_t keep = context_tokens(host_.state().conversation, 0) / 4;
  if (window() > 0) keep = std::min(keep, window() / 5);
  return std::min(keep, options_.compact_keep_tokens);
}

Async<Result<void>> TaskRun::compact_if_due() {
  const std::int64_t limit = window() * options_.compact_at_percent / 100;
  const std::int64_t now = context_tokens(host_.state().conversation, fixed_tokens());
  if (limit <= 0 || now < limit || now < next_compaction_at_) co_return Result<void>();
  const Result<void> compacted = co_await compact(keep_tokens(), std::nullopt);
  if (compacted.ok() || cancel_.cancelled() || ends_with_compaction(compacted.error())) co_return compacted;
  if (now >= window()) co_return still_too_long(compacted.error());
  next_compaction_at_ = now + window() / 25;
  co_return co_await warn("compaction_failed",
                          compacted.error().message + "; going on, as the conversation still fits the model");
}

Async<Result<void>> TaskRun::compact(std::int64_t keep_tokens, std::optional<Error> nothing) {
  CO_TRY(const Compactor::Outcome outcome, co_await compactor_.compact(keep_tokens, cancel_));
  show_news();
  if (outcome == Compactor::Outcome::kNothingToCompact) {
    if (nothing) co_return *std::move(nothing);
    co_return Result<void>();
  }
  CO_TRY_OK(co_await refresh_context());
  // A conversation that is still large is left alone until it has grown.
  next_compaction_at_ = context_tokens(host_.state().conversation, fixed_tokens()) + window() / 10;
  co_return Result<void>();
}

}  // namespace lathe::agent
