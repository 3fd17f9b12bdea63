#pragma once

#include <span>
#include <string>
#include <vector>

#include "lathe/syntax/shell.h"

// Which folders the commands of a script may run in, read from its words.

namespace lathe::policy {

struct Folders {
  /// Where the commands so far lead when all of them do what they say.
  std::string current;
  /// That, where it began, and all between, as a command may fail, or not run at all.
  std::vector<std::string> possible;
  /// It may be any other folder as well: one is computed, or a loop leads ever deeper.
  bool any = false;
  /// Patterns find names that begin with a dot too.
  bool dotted = false;
};

/// Goes through a script command by command. What changes the folder of a process of its own ends with it; in a loop
/// every command may come after every other; and with functions and traps, which run when they are called, all that
/// changes the folder anywhere counts everywhere.
class FolderWalk final {
 public:
  /// `homes` as in command_paths.h. All must outlive it.
  FolderWalk(const syntax::Script& script, const std::string& cwd, std::span<const std::string> homes);

  /// Where that command may run; the commands in their order.
  [[nodiscard]] const Folders& enter(const syntax::SimpleCommand& command);
  /// After it has run.
  void leave(const syntax::SimpleCommand& command);

 private:
  struct Entered {
    std::size_t scope = 0;
    /// Of one whose folder ends with it.
    Folders before;
  };
  void enter_scope(std::size_t scope);
  void leave_scope();
  [[nodiscard]] bool ends_with_its_folder(const syntax::Scope& scope) const;
  /// Whether what that command changes still holds in the scope, and there comes again.
  [[nodiscard]] bool changes(const syntax::SimpleCommand& command, std::size_t scope) const;
  [[nodiscard]] bool is_repeated(const syntax::SimpleCommand& command) const;
  void add(const syntax::Word& word);
  void add_change(const syntax::SimpleCommand& command);
  void add_everything();

  const syntax::Script& script_;
  const std::span<const std::string> homes_;
  bool last_part_stays_ = false;
  Folders folders_;
  std::vector<Entered> entered_;
};

/// The word with the home folder in place of "~" at its beginning or of the one $HOME in it; else the word itself.
[[nodiscard]] syntax::Word at_home(const syntax::Word& word, const std::string& home);

}  // namespace lathe::policy
