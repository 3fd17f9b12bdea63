#pragma once

#include <string>
#include <vector>

#include "lathe/cli/context.h"
#include "lathe/cli/term/style.h"
#include "lathe/runtime/async.h"

namespace lathe::cli {

/// One thing that `doctor` looked at.
struct Finding {
  enum class State { kGood, kWarning, kBroken };
  State state = State::kGood;
  /// What was looked at.
  std::string what;
  /// What was found.
  std::string found;
  /// The command that mends it; "" when nothing is to be done.
  std::string mend;
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// The daemon and what it stands on: whether it answers, whether it goes by the person's files, who can reach its
/// socket, its metrics, its log, the collector of its spans, room on the disk.
runtime::Async<void> check_daemon(Context* context, std::vector<Finding>* findings);
/// Only whether a daemon that runs goes by the person's files: what else there is to say of it hangs on them.
runtime::Async<void> check_daemon_settings(Context* context, std::vector<Finding>* findings);

/// What mends a file of the person's that `problem` begins with, or else the settings.
[[nodiscard]] std::string mend_of_problem(const Context& context, const std::string& problem);

[[nodiscard]] std::string findings_text(const std::vector<Finding>& findings, const Style& style);
/// {"findings": […], "broken": n}
[[nodiscard]] std::string findings_document(const std::vector<Finding>& findings);
[[nodiscard]] bool any_broken(const std::vector<Finding>& findings);

}  // namespace lathe::cli
