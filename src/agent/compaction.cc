#include "lathe/agent/compaction.h"

#include <algorithm>
#include <ranges>
#include <string_view>
#include <utility>
#include <variant>

#include "lathe/agent/context.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::agent {
namespace {

using base::Error;
using base::Result;
using ports::PlacedEntry;
using ports::UserEntry;
using runtime::Async;
using runtime::CancelToken;

constexpr std::size_t kQuotedBytes = 8'000;
/// Room that the summary itself needs in the window, or a tenth of a small one.
constexpr std::int64_t kSummaryTokens = 4'000;
/// Stands before the quoted messages in a summary, so that the next summary can carry them on.
constexpr std::string_view kQuoted = "\n\nWhat the user said, word for word, oldest first:\n";
constexpr std::string_view kQuoteBegin = "<message>\n";
constexpr std::string_view kQuoteEnd = "\n</message>\n";

constexpr const char* kInstructions =
    "The conversation is about to be replaced by a summary, because it is getting too long. Write that summary now, "
    "for "
    "yourself: you will go on working with nothing but it and the most recent turns. Call no tools.\n\n"
    "Include, briefly and exactly:\n"
    "- what the user wants, with every requirement and decision that still counts\n"
    "- what was done: files changed and how, commands run and how they ended\n"
    "- what was learned: facts about the code, causes found, approaches that failed and why\n"
    "- what is left to do, and the very next step\n"
    "Keep names, paths, commands, numbers and error messages as they are. Leave out what no longer matters.";

Error failed(std::string why) {
  return {.code = protocol::error_codes::kCompaction,
          .message = "the conversation could not be compacted: " + std::move(why),
          .hint = "start a new session, or choose a model with a larger window"};
}

bool is_user(const PlacedEntry& placed) { return std::holds_alternative<UserEntry>(placed.entry); }

std::string text_of(const UserEntry& entry) {
  std::string text;
  for (const protocol::ContentPart& part : entry.content) {
    if (const auto* piece = std::get_if<protocol::TextPart>(&part)) text += piece->text;
  }
  return text;
}

/// The quotes that an earlier summary ends with.
void add_earlier_quotes(std::vector<std::string>& quotes, std::string_view summary) {
  const std::size_t section = summary.rfind(kQuoted);
  if (section == std::string_view::npos) return;
  std::string_view rest = summary.substr(section + kQuoted.size());
  while (rest.starts_with(kQuoteBegin)) {
    const std::size_t end = rest.find(kQuoteEnd);
    if (end == std::string_view::npos) return;
    quotes.emplace_back(rest.substr(0, end + kQuoteEnd.size()));
    rest.remove_prefix(end + kQuoteEnd.size());
  }
}

}  // namespace

std::size_t compaction_cut(std::span<const PlacedEntry> entries, std::int64_t keep_tokens) {
  std::size_t unanswered = entries.size();
  while (unanswered > 0 && is_user(entries[unanswered - 1])) --unanswered;
  if (unanswered == 0) return 0;
  for (std::size_t cut = next_boundary(entries, 0); cut < unanswered; cut = next_boundary(entries, cut)) {
    if (estimate_tokens(entries.subspan(cut)) <= keep_tokens) return cut;
  }
  return unanswered;
}

std::size_t drop_oldest(std::span<const PlacedEntry> entries) {
  const std::int64_t quarter = estimate_tokens(entries) / 4;
  std::size_t dropped = next_boundary(entries, 0);
  while (dropped < entries.size() && estimate_tokens(entries.first(dropped)) < quarter) {
    dropped = next_boundary(entries, dropped);
  }
  return dropped;
}

std::string quoted_messages(std::span<const PlacedEntry> entries, std::size_t max_bytes) {
  std::vector<std::string> quotes;
  for (const PlacedEntry& placed : entries) {
    if (const auto* summary = std::get_if<ports::SummaryEntry>(&placed.entry))
      add_earlier_quotes(quotes, summary->text);
    const auto* user = std::get_if<UserEntry>(&placed.entry);
    if (user == nullptr || user->context) continue;
    const std::string message = text_of(*user);
    if (!message.empty()) quotes.push_back(std::string(kQuoteBegin) + message + std::string(kQuoteEnd));
  }
  std::string quoted;
  for (const std::string& quote : quotes | std::views::reverse) {
    if (quoted.size() + quote.size() > max_bytes) break;
    quoted.insert(0, quote);
  }
  return quoted;
}

Compactor::Compactor(ports::TaskHost& host, Asker& asker, BudgetMeter& budget, Images& images,
                     std::vector<ports::ToolSpec> tools)
    : host_(host), asker_(asker), budget_(budget), images_(images), tools_(std::move(tools)) {}

std::span<const PlacedEntry> Compactor::entries() const { return host_.state().conversation.entries; }

std::string Compactor::system_prompt() const {
  const auto& config = host_.state().config;
  return config ? config->system_prompt : std::string();
}

Async<Result<Compactor::Outcome>> Compactor::compact(std::int64_t keep_tokens, CancelToken cancel) {
  const std::size_t cut = compaction_cut(entries(), keep_tokens);
  if (cut == 0) co_return Outcome::kNothingToCompact;
  const std::int64_t fixed = estimate_tokens(system_prompt(), tools_);
  const std::int64_t before = fixed + estimate_tokens(entries());
  // A message may be steered in while the summary is written; it comes after everything that is here now.
  const std::size_t covered = entries().size();
  const std::int64_t keep_from =
      cut < covered ? entries()[cut].seq : std::max(host_.state().last_seq, std::int64_t{0}) + 1;

  CO_TRY(Answer answer, co_await summarise(cut, cancel));
  std::string summary(base::trim(answer.text()));
  if (summary.empty()) co_return failed("the model wrote no summary");
  const std::string quoted = quoted_messages(entries().first(cut), kQuotedBytes);
  if (!quoted.empty()) summary += std::string(kQuoted) + quoted;

  const std::int64_t after = fixed + estimate_tokens(summary) + estimate_tokens(entries().subspan(cut));
  if (after >= before) {
    co_return failed("the summary is not smaller than what it stands for (" + base::with_thousands(after) +
                     " tokens, " + base::with_thousands(before) + " before)");
  }
  protocol::Compacted compacted{.item = host_.new_id("cmp"),
                                .summary = std::move(summary),
                                .keep_from_seq = keep_from,
                                .tokens_before = before,
                                .tokens_after = after,
                                .usage = usage_of(answer, before),
                                .cost_micro_usd = ports::cost_of(usage_of(answer, before), answer.facts)};
  const Result<std::int64_t> recorded = co_await host_.record(std::move(compacted));
  if (!recorded.ok()) co_return recorded.error();
  co_return Outcome::kCompacted;
}

Async<Result<Answer>> Compactor::summarise(std::size_t cut, CancelToken cancel) {
  // What the earlier summary stands for is nowhere else: it is never what is left out to make the request fit.
  const bool carries_on = cut > 1 && std::holds_alternative<ports::SummaryEntry>(entries().front().entry);
  const std::size_t carried = carries_on ? 1 : 0;
  std::size_t start = carried;
  bool with_tools = true;
  ports::Thinking thinking = ports::Thinking::kDefault;
  const std::int64_t fixed = estimate_tokens(system_prompt(), tools_) + estimate_tokens(kInstructions);
  while (start < cut) {
    CO_TRY(const ports::ResolvedModel model, asker_.current());
    const std::span<const PlacedEntry> turns = entries().subspan(start, cut - start);
    std::vector<PlacedEntry> old(entries().begin(), entries().begin() + static_cast<std::ptrdiff_t>(carried));
    old.insert(old.end(), turns.begin(), turns.end());
    const std::size_t droppable = drop_oldest(turns);
    const std::int64_t input = fixed + estimate_tokens(old);
    const std::int64_t window = model.facts.context_window;
    if (window > 0 && input + std::min(kSummaryTokens, window / 10) > window) {
      start += droppable;
      continue;
    }
    Question question;
    question.request.system_prompt = system_prompt();
    if (with_tools) question.request.tools = tools_;
    const ImageSet images = co_await images_.of(old, model.facts);
    question.request.items = build_items(old, images);
    question.request.items.emplace_back(ports::UserInputItem{{ports::ModelText{kInstructions}}});
    question.request.thinking = thinking;
    question.request.cache_key = host_.state().session_id;
    question.input_tokens = input;
    question.showing = Showing::kHidden;
    CO_TRY_OK(budget_.take_turn());
    AskResult asked = co_await asker_.ask(std::move(question), cancel);
    if (asked.kind == AskResult::Kind::kAnswered) {
      const protocol::Usage usage = usage_of(asked.answer, input);
      budget_.spend(usage, ports::cost_of(usage, asked.answer.facts));
      const bool only_calls = base::trim(asked.answer.text()).empty() && !asked.answer.calls.empty();
      if (!only_calls || !std::exchange(with_tools, false)) co_return std::move(asked.answer);
      continue;
    }
    if (asked.kind == AskResult::Kind::kStalled) {
      if (thinking == ports::Thinking::kOff) co_return failed("the model only thought about the summary");
      thinking = ports::Thinking::kOff;
    } else if (asked.error.code == protocol::error_codes::kContextWindow) {
      start += droppable;
    } else {
      co_return asked.error;
    }
  }
  co_return failed("what is to be summarised does not fit the model's window");
}

}  // namespace lathe::agent
