#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/fields.h"
#include "lathe/sandbox/git_steps.h"
#include "lathe/sandbox/protected_names.h"

namespace lathe::sandbox {

/// Watches over the protected names of a workspace (protected_names.h) as far as the kernel does not: looked at before
/// and after a command, what changed gets its previous bytes back, and what is new is put aside, so that nothing
/// outside of the jail executes or follows it. What git still has to do (git_steps.h) may change, but order nothing
/// new.
///
/// Works by descriptor below the workspace and follows no link: a process of an earlier command may be swapping folders
/// meanwhile. Blocking; one thread at a time.
class NameGuard final {
 public:
  enum class Scope {
    /// Existing names are read-only by mounts; only new ones can come, and links, which take no mount, be replaced.
    kNewNames,
    /// Nothing but this guard protects them.
    kAllNames,
  };
  /// Keeps bytes somewhere and gives the name under which they are found.
  using Keep = std::function<base::Result<std::string>(std::string_view)>;

  struct Finding {
    enum class Kind {
      /// Has its previous content again.
      kRestored,
      /// Moved out of the workspace; `kept` names its bytes, or where a link led.
      kQuarantined,
      /// New, or changed (`kept` says so), and left alone: a virtual environment, a repository within.
      kTainted,
      /// Could not be undone; `kept` says why.
      kFailed,
      /// Holds more than is looked at, so that what a command did in it is not known.
      kUnchecked,
      /// Mode, owner or time of something outside of the workspace; `kept` says what. Left as it is.
      kOutside,
    };
    Kind kind = Kind::kRestored;
    /// From the workspace's root on.
    std::string path;
    std::string kept;
    friend bool operator==(const Finding&, const Finding&) = default;
  };

  NameGuard(std::string root, Scope scope) : root_(std::move(root)), scope_(scope), names_(protected_names(root_)) {
    set_stores({});
  }

  [[nodiscard]] const std::string& root() const { return root_; }

  /// Before a command: what is there now is what may be there, but for what the last check could not undo; nothing new
  /// is learnt until forget(), as a command that runs may have changed something since the last check. As check(),
  /// an error when something cannot be looked at; a folder of ours that lacks the rights gets them back.
  [[nodiscard]] base::Result<void> remember();
  /// After it. Nothing when remember() was not called.
  [[nodiscard]] base::Result<std::vector<Finding>> check(const Keep& keep);
  /// No command runs any more: what changes from now on is the person's doing.
  void forget() {
    before_.reset();
    tainted_.clear();
  }

  /// What remember() took, until forget(), for a guard in another process that goes on with it by load().
  void save(FieldWriter& out) const;
  /// Instead of remember(). False, and nothing is remembered, when it is damaged, or of another root or scope.
  [[nodiscard]] bool load(FieldReader& in);

 private:
  /// One file, link or folder as it was.
  struct Entry {
    std::uint32_t mode = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed_ns = 0;
    /// Of a file that is not too large, or where a link leads.
    std::optional<std::string> bytes;

    /// orders_in() a file of that path; that it is a link, or cannot be looked at, is one as well.
    [[nodiscard]] std::set<std::string> orders(const std::string& path) const;

    void become(const struct stat& status);
    void save(FieldWriter& out) const;
    static Entry load(FieldReader& in);
  };
  using Entries = std::map<std::string, Entry>;

  /// What one look at the workspace gives.
  struct Look {
    bool with_bytes = false;
    Entries entries;
    /// Folders that were given their rights back.
    std::vector<std::string> opened;
    /// The protected name that is being looked at, and the entries of those before it.
    std::string name;
    std::size_t entries_before = 0;
    /// Protected names that hold more than is looked at.
    std::set<std::string> cut;
  };

  void set_stores(std::vector<std::string> stores);
  /// `names_`, and those in `stores_`.
  [[nodiscard]] std::vector<std::string> all_names() const;
  /// Where protected names that are links lead to, from the root on.
  [[nodiscard]] std::vector<std::string> targets_of_links() const;
  base::Result<Look> look(bool with_bytes) const;
  base::Result<void> add(int folder, const std::string& name, const std::string& path, Look& into) const;
  /// One of `steps_` that, with what is new in it, orders no more than it did before. What is gone was done.
  [[nodiscard]] bool orders_nothing_new(const std::string& path, const Entries& now) const;
  /// What made the workspace itself a bare repository, whose hooks and configuration git would obey, is put aside.
  void undo_bare_repository(int root, const Keep& keep, std::vector<Finding>& findings);
  [[nodiscard]] Finding put_back(int root, const std::string& path, Entry& before) const;
  [[nodiscard]] Finding put_aside(int root, const std::string& path, const Keep& keep) const;

  const std::string root_;
  const Scope scope_;
  const std::vector<std::string_view> names_;
  /// git_step_paths(), those of `stores_` included.
  std::set<std::string> steps_;
  /// git_stores() and targets_of_links() as of remember(): a link or a `.git` that comes later says nothing about what
  /// is to be protected.
  std::vector<std::string> stores_;
  std::vector<std::string> led_to_;
  /// bare_repository_parts() as of remember().
  std::set<std::string> bare_parts_;
  std::optional<Entries> before_;
  std::set<std::string> cut_before_;
  /// What was reported as such since remember().
  std::set<std::string> tainted_;
  /// What the last check could not undo, as it was; nothing: it was not there.
  std::map<std::string, std::optional<Entry>> failed_;
};

}  // namespace lathe::sandbox
