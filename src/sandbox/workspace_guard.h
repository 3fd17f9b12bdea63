#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/name_guard.h"
#include "lathe/sandbox/session_jail.h"

namespace lathe::sandbox {

/// What a jail leaves to be looked at around its commands: the protected names of each folder that they write to
/// (name_guard.h); repositories and virtual environments within, which are left alone but told; and at level landlock
/// the modes and times of what is the person's, which any command may set there.
///
/// Blocking; one thread at a time. The jail outlives it.
class WorkspaceGuard final {
 public:
  using Finding = NameGuard::Finding;

  /// `persons`: paths of the person's own whose modes and times count, besides what lies in the home itself.
  WorkspaceGuard(SessionJail& jail, std::vector<std::string> persons);

  /// Before a command, after the jail looked for it: what is there now is what may be there.
  [[nodiscard]] base::Result<void> remember();
  /// After it; nothing when remember() was not called. Paths are relative to the first folder, else absolute.
  [[nodiscard]] base::Result<std::vector<Finding>> check(const NameGuard::Keep& keep);
  /// No command runs any more: what changes from now on is the person's doing.
  void forget();
  [[nodiscard]] bool remembers() const { return within_.has_value(); }

  /// What is remembered (remembers()), so that another process can go on with it while the commands of this one run on.
  [[nodiscard]] std::string encode() const;
  /// Instead of remember(). `corrupt`, and nothing is remembered, unless it is what encode() gave for the same folders
  /// at the same level.
  [[nodiscard]] base::Result<void> restore(std::string_view bytes);

 private:
  /// By path, what a change of it shows in.
  using Marks = std::map<std::string, std::string>;
  struct Times {
    std::uint32_t mode = 0;
    std::uint32_t owner = 0;
    std::int64_t modified_ns = 0;
  };
  using Outside = std::map<std::string, Times>;

  [[nodiscard]] Marks look_within(const std::vector<std::string>& nested) const;
  [[nodiscard]] Outside look_outside() const;
  void compare_within(const Marks& now, std::vector<Finding>& findings) const;
  void compare_outside(const Outside& now, std::vector<Finding>& findings) const;

  SessionJail& jail_;
  const std::vector<std::string> persons_;
  std::vector<std::unique_ptr<NameGuard>> guards_;
  std::optional<Marks> within_;
  Outside outside_;
};

/// "a command made .vscode, which was put aside (blob …)".
[[nodiscard]] std::string in_words(const WorkspaceGuard::Finding& finding);

}  // namespace lathe::sandbox
