#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/protocol/change_targets.h"
#include "lathe/protocol/events.h"
#include "lathe/protocol/session_calls.h"

// Short texts for people that several commands share. All are cleaned for a terminal.

namespace lathe::cli {

/// The command as a person would type it: the script itself for `bash -lc SCRIPT`.
[[nodiscard]] std::string command_label(const std::vector<std::string>& argv);
/// "edit src/a.cc", "move a.cc → b.cc".
[[nodiscard]] std::string change_label(const protocol::FileChange& change);
/// "exit 0 in 1.2s", "timed out after 2m", "refused".
[[nodiscard]] std::string outcome_label(const protocol::CallOutcome& outcome, std::optional<std::int64_t> exit_code);
/// What the model was told of a command's end, without the exit code, which outcome_label() says. Not cleaned.
[[nodiscard]] std::string told_of_command(const protocol::ExecCommandEnd& end);
/// "12,345 tokens in (8,000 cached), 1,234 out".
[[nodiscard]] std::string tokens_label(const protocol::Usage& usage);
/// The same with what they cost.
[[nodiscard]] std::string usage_label(const protocol::Usage& usage, std::optional<std::int64_t> cost_micro_usd);
/// "$0.0123", or "price unknown".
[[nodiscard]] std::string cost_label(std::optional<std::int64_t> cost_micro_usd);
/// "budget of time: 8.0s of 10.0s used".
[[nodiscard]] std::string budget_label(const protocol::BudgetStatus& budget);
/// "config.yaml leads to /home/ada/calc/prod.yaml".
[[nodiscard]] std::string detour_label(const protocol::Detour& detour);
/// "rolled back to turn resp_…", "the last 2 tasks were taken back".
[[nodiscard]] std::string rollback_label(const protocol::RolledBack& rolled);
/// One line for each file that was brought back or left alone.
[[nodiscard]] std::string restored_files_text(const protocol::FilesRestored& files);
/// Where answers come from a recording, wherever that is told.
inline constexpr std::string_view kRecording = "answers come from a recording, not from a model";
/// Where a damaged session is forked without a word about the Turn.
inline constexpr std::string_view kForkBeforeDamage =
    "the session is damaged: its fork goes on from the last Turn before the damage";
/// "running", "parked, recording"; "" of one that is idle.
[[nodiscard]] std::string session_state_label(const protocol::SessionInfo& session);
/// A session's title in one short line.
[[nodiscard]] std::string short_title(const std::string& title);
/// The same in a list: "• " before that of an unread session, its tags behind it as "#tag".
[[nodiscard]] std::string title_label(const protocol::SessionInfo& session);
/// The last `count` lines of `text`, each with `indent` before it; says how many are left out.
[[nodiscard]] std::string last_lines(std::string_view text, std::size_t count, std::string_view indent);
/// The text parts of a message, images named.
[[nodiscard]] std::string content_text(const std::vector<protocol::ContentPart>& content);

}  // namespace lathe::cli
