#include "lathe/agent/task_context.h"

#include <algorithm>
#include <ranges>
#include <variant>

#include "lathe/ports/job_runner.h"

namespace lathe::agent {
namespace {

using ports::PlacedEntry;
using ports::UserEntry;

const UserEntry* context_of(const PlacedEntry& placed, protocol::ContextKind kind) {
  const auto* user = std::get_if<UserEntry>(&placed.entry);
  return user != nullptr && user->context == kind ? user : nullptr;
}

std::string text_of(const UserEntry& entry) {
  std::string text;
  for (const protocol::ContentPart& part : entry.content) {
    if (const auto* piece = std::get_if<protocol::TextPart>(&part)) text += piece->text;
  }
  return text;
}

constexpr const char* kNoDocs =
    "The project's instructions (AGENTS.md), skills and agents that were given before are gone.";

void add_line(std::string& text, const char* name, const std::string& value) {
  if (!value.empty()) text += std::string(name) + ": " + value + "\n";
}

}  // namespace

std::string environment_text(const ports::EnvironmentFacts& facts) {
  std::string text = "<environment>\n";
  add_line(text, "working folder", facts.cwd);
  add_line(text, "repository", facts.repository_root);
  add_line(text, "git branch", facts.git_branch);
  add_line(text, "system", facts.os);
  add_line(text, "shell", facts.shell);
  add_line(text, "date", facts.date);
  return text + "</environment>";
}

std::string project_docs_text(const std::vector<ports::ProjectDoc>& docs) {
  if (docs.empty()) return {};
  std::string text =
      "Instructions of this project for agents, from the repository's top folder down. A later file counts over an "
      "earlier one; what the user says counts over both.\n";
  for (const ports::ProjectDoc& doc : docs) {
    text += "\n<instructions file=\"" + doc.path + "\">\n" + doc.text;
    if (!text.ends_with('\n')) text += '\n';
    if (doc.truncated) text += "[the rest of this file is left out: it is too long]\n";
    text += "</instructions>\n";
  }
  return text;
}

std::string job_news_text(const protocol::JobEnd& end) {
  std::string text = ports::job_ended_words(end.job) + ": " + ports::describe(end) + ".";
  if (!end.refused.empty()) text += "\n" + ports::refusal_words(end);
  if (end.output_bytes == 0) return text + " It wrote nothing.";
  return text + (end.refused.empty() ? " " : "") + "The end of its output (job_log shows more):\n" + end.tail;
}

std::optional<std::string> missing_context(const ports::Conversation& conversation, protocol::ContextKind kind,
                                           const std::string& text) {
  for (const PlacedEntry& placed : conversation.entries | std::views::reverse) {
    const UserEntry* newest = context_of(placed, kind);
    if (newest == nullptr) continue;
    const std::string& wanted = text.empty() ? std::string(kNoDocs) : text;
    if (text_of(*newest) == wanted) return std::nullopt;
    return wanted;
  }
  if (text.empty()) return std::nullopt;
  return text;
}

bool has_context(const ports::Conversation& conversation, const std::string& text) {
  return std::ranges::any_of(conversation.entries, [&](const PlacedEntry& placed) {
    const auto* user = std::get_if<UserEntry>(&placed.entry);
    return user != nullptr && user->context && text_of(*user) == text;
  });
}

bool earlier_task_was_cut(const ports::SessionState& state) {
  if (!state.task) return false;
  for (const PlacedEntry& placed : state.conversation.entries | std::views::reverse) {
    if (placed.seq >= state.task->start_seq) continue;
    const auto* user = std::get_if<UserEntry>(&placed.entry);
    if (user != nullptr && user->context) continue;
    if (std::holds_alternative<ports::SummaryEntry>(placed.entry)) return false;
    const auto* agent = std::get_if<ports::AgentEntry>(&placed.entry);
    return agent == nullptr || agent->incomplete;
  }
  return false;
}

bool task_is_under_way(const ports::SessionState& state) {
  if (!state.task) return false;
  if (state.task->turns > 0 || state.task->tool_calls > 0) return true;
  for (const PlacedEntry& placed : state.conversation.entries) {
    if (placed.seq > state.task->start_seq && !std::holds_alternative<UserEntry>(placed.entry)) return true;
  }
  return false;
}

}  // namespace lathe::agent
