#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

// What a shell would run, read from the text of a script without running it: every simple command in it, wherever it
// stands (lists, pipes, substitutions, here-documents, functions, loops), and those inside programs that run programs
// (`bash -c`, `env`, `sudo`, `xargs`, `find -exec`, …; wrappers.h).
//
// The grammar is bash's. Where a script computes what it runs, `understood` is false and says why; what can be read of
// it and all that follows is still listed. Where the grammar itself is lost, the commands found until then are.
// A filter on the text of a command is advice (ARCHITECTURE 7.3): a script in a file, an alias or a name that is
// computed hides what it likes.
//
// Pure and bounded: text longer than an argument of execve may be, or with a NUL byte, is an error; nesting, commands
// and wrappers have bounds, past which a script is not understood.

namespace lathe::syntax {

/// One word after quotes are removed.
struct Word {
  /// The literal text; expansions stand in it as they were written.
  std::string text;
  /// It has an expansion ($x, $(…), `…`, {a,b}), so what the program gets is not known here.
  bool dynamic = false;
  /// Such an expansion stands outside of quotes, so that it may be no word or several.
  bool splits = false;
  /// It has an unquoted *, ? or [.
  bool pattern = false;
  /// It begins with an unquoted ~.
  bool tilde = false;
  friend bool operator==(const Word&, const Word&) = default;
};

struct Assignment {
  std::string name;
  Word value;
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

struct Redirection {
  enum class Kind { kRead, kWrite, kReadWrite, kDuplicate, kHereText };
  Kind kind = Kind::kRead;
  /// File name; the descriptor of a kDuplicate; the body of a here-document or here-string.
  Word target;
  /// Of a descriptor named by its number, which is not the one that such a redirection has by itself.
  bool other_descriptor = false;
  friend bool operator==(const Redirection&, const Redirection&) = default;
};

/// A part of a script in which what a command changes of the shell itself, such as its folder, has another reach than
/// outside of it.
struct Scope {
  enum class Kind {
    /// Nothing is special: a list in the shell that is around it.
    kSame,
    /// A process of its own: ( … ), $( … ), a part of a pipe, what runs in the background, bash -c.
    kOwn,
    /// Such a process in a folder that is not known here: git rebase --exec, sudo -i.
    kElsewhere,
    /// The last part of a pipe, a process of its own unless the shell was told otherwise.
    kLastPart,
    /// A loop: what stands late in it may come before what stands early.
    kRepeated,
    /// A function or a trap: it runs when it is called.
    kLater,
  };
  Kind kind = Kind::kSame;
  /// The scope around it; that of the whole script is its own.
  std::size_t outer = 0;
  friend bool operator==(const Scope&, const Scope&) = default;
};

struct SimpleCommand {
  std::vector<Assignment> assignments;
  /// The program's name first; empty when there are only assignments or redirections.
  std::vector<Word> words;
  std::vector<Redirection> redirections;
  /// It only starts another command, which is listed too, and adds no right of its own (env, timeout, bash -c). What
  /// its redirections write and its assignments change is its own all the same.
  bool only_wraps = false;
  /// The script defines a function of this name, so that it need not be the program of that name.
  bool calls_function = false;
  /// Of Script::scopes.
  std::size_t scope = 0;

  /// Last part of the program's path; empty when there is none or it is dynamic.
  [[nodiscard]] std::string_view name() const;
  /// Neither a word nor an assignment is dynamic.
  [[nodiscard]] bool literal() const;
  friend bool operator==(const SimpleCommand&, const SimpleCommand&) = default;
};

struct Script {
  /// In the order of the text; a command comes before those that it starts.
  std::vector<SimpleCommand> commands;
  /// The first is the whole script; one comes after the one around it.
  std::vector<Scope> scopes{Scope()};
  bool understood = true;
  /// The first thing that was not understood, for people.
  std::string why;
};

/// The longest argument that Linux hands to a program, and so the longest script of a `-c`.
inline constexpr std::size_t kMaxScriptBytes = 131'071;

/// `invalid` for an empty text or a NUL byte, `limit_exceeded` for one that is too long. Blanks and comments alone are
/// a script without commands.
[[nodiscard]] base::Result<Script> parse_script(std::string_view text);
/// The same for a program with its arguments, which no shell touches.
[[nodiscard]] base::Result<Script> parse_argv(const std::vector<std::string>& argv);

/// The command on one line, quoted where needed: "FOO=1 git push 'a b' > log".
[[nodiscard]] std::string command_text(const SimpleCommand& command);

}  // namespace lathe::syntax
