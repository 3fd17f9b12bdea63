#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/ports/conversation.h"
#include "lathe/ports/project_facts.h"
#include "lathe/ports/session_state.h"
#include "lathe/protocol/events.h"

// What Lathe itself tells the model, as recorded context after the stable prefix. Pure: from facts to words, and from
// the conversation to which of them are missing.

namespace lathe::agent {

/// The text of the environment's context.
[[nodiscard]] std::string environment_text(const ports::EnvironmentFacts& facts);
/// The text of the project's instructions; empty when there are none.
[[nodiscard]] std::string project_docs_text(const std::vector<ports::ProjectDoc>& docs);

/// What the model is told of a job that ended.
[[nodiscard]] std::string job_news_text(const protocol::JobEnd& end);

/// The context to record so that the model has `text` of that kind: nothing when the newest of its kind in the
/// conversation says the same. Instructions that are gone are taken back.
[[nodiscard]] std::optional<std::string> missing_context(const ports::Conversation& conversation,
                                                         protocol::ContextKind kind, const std::string& text);

/// Whether the model was given this very text as context already.
[[nodiscard]] bool has_context(const ports::Conversation& conversation, const std::string& text);

/// Whether the Task before this one ended before the model was done, by what its part of the conversation ends with.
[[nodiscard]] bool earlier_task_was_cut(const ports::SessionState& state);
/// Whether the model has done anything in this Task yet: else run() starts it, rather than going on with it.
[[nodiscard]] bool task_is_under_way(const ports::SessionState& state);

/// What the model is told after a Task that was cut short.
inline constexpr const char* kInterruptionText =
    "The task before this message was ended early: it was interrupted, ran out of its budget, or its process died. "
    "Text may be cut off, or its last two seconds missing though the user saw them, and a command or edit that was "
    "under way may have taken effect in part. Look at the state of the files before you rely on it, and do what the "
    "newest message asks.";
/// What the model is told when a message arrived while it was answering.
inline constexpr const char* kSteeredText =
    "The newest message before your last answer arrived while you were giving that answer, which did not take it into "
    "account. Take it into account now.";
inline constexpr const char* kStallText =
    "You have been thinking for a long time without acting. Decide now: call a tool or give your answer.";

}  // namespace lathe::agent
