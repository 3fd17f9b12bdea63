#include "lathe/policy/command_folders.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/policy/glob.h"

namespace lathe::policy {

using syntax::Scope;
using syntax::SimpleCommand;
using syntax::Word;

namespace {

constexpr std::size_t kMaxFolders = 8;
constexpr std::size_t kLongestSetting = 32;

/// Variables that say which folder a name means, to the shell or to git.
constexpr std::array<std::string_view, 4> kFolderVariables{"CDPATH", "OLDPWD", "GIT_DIR", "GIT_WORK_TREE"};
/// Options of many programs whose value is the folder to work in.
constexpr std::array<std::string_view, 8> kFolderOptions{"-C",          "--chdir", "--directory", "--working-directory",
                                                         "--work-tree", "--cwd",   "--wd",        "--prefix"};

bool is_folder_variable(std::string_view name) {
  return std::ranges::find(kFolderVariables, name) != kFolderVariables.end();
}

/// A setting by which a shell changes its folder by other commands or to other folders than it is told, as bash and zsh
/// spell them; or a repository of git's that may have its work tree anywhere.
bool moves_unseen(const Word& word) {
  const std::string_view text = word.text;
  if (text.starts_with("--git-dir") || is_folder_variable(text.substr(0, text.find('=')))) return true;
  // A word may be as long as a script.
  if (text.size() > kLongestSetting) return false;
  const std::string setting = base::replace_all(base::lower(text), "_", "");
  return setting.contains("autocd") || setting.contains("cdablevars");
}

/// The first word of a command's that is no option.
const Word* first_operand(const SimpleCommand& command) {
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    const bool options_end = command.words[i].text == "--";
    if (options_end) return i + 1 < command.words.size() ? &command.words[i + 1] : nullptr;
    if (!command.words[i].text.starts_with('-')) return &command.words[i];
  }
  return nullptr;
}

/// A file that a shell reads commands from, of which nothing is known here.
bool reads_commands(const SimpleCommand& command) { return command.name() == "source" || command.name() == "."; }

bool changes_folder(const SimpleCommand& command) {
  return command.name() == "cd" || command.name() == "pushd" || command.name() == "chdir" || reads_commands(command);
}

bool is_known(const Word& word) { return !word.dynamic && !word.pattern && !word.tilde; }

/// The folders that a command is told to work in: env -C x, make -Cx, tar --directory=x.
std::vector<Word> told_folders(const SimpleCommand& command) {
  std::vector<Word> folders;
  for (std::size_t i = 1; i < command.words.size(); ++i) {
    const Word& word = command.words[i];
    for (const std::string_view option : kFolderOptions) {
      if (!word.text.starts_with(option)) continue;
      Word folder = word;
      folder.text.erase(0, option.size());
      if (folder.text.empty()) {
        if (i + 1 < command.words.size()) folders.push_back(command.words[i + 1]);
      } else if (option == "-C" || folder.text.starts_with('=')) {
        if (option != "-C") folder.text.erase(0, 1);
        folders.push_back(std::move(folder));
      }
    }
  }
  return folders;
}

/// Where such a command leads: its operand, or home; where a file leads that is read, nobody knows.
Word target_of(const SimpleCommand& command) {
  if (reads_commands(command)) return {.text = "", .dynamic = true};
  const Word* to = first_operand(command);
  if (to != nullptr) return *to;
  const bool back = command.name() == "pushd" ||
                    std::ranges::any_of(command.words, [](const Word& word) { return word.text == "-"; });
  return back ? Word{.text = "."} : Word{.text = "~", .tilde = true};
}

}  // namespace

syntax::Word at_home(const Word& word, const std::string& home) {
  Word at = word;
  if (word.tilde) {
    if (word.text.size() > 1 && word.text[1] != '/') return word;
    at.text.replace(0, 1, home);
    at.tilde = false;
    return at;
  }
  if (!word.dynamic) return word;
  for (const std::string_view form : {"${HOME}", "$HOME"}) {
    const std::size_t place = word.text.find(form);
    if (place == std::string::npos) continue;
    // A second one, or another expansion, may be what is computed, and this one only text in quotes.
    const char next = place + form.size() < word.text.size() ? word.text[place + form.size()] : '/';
    const bool longer = form == "$HOME" && (next == '_' || (next >= '0' && next <= '9') ||
                                            (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'));
    at.text.replace(place, form.size(), home);
    const bool splits = word.splits && home.find_first_of(" \t\n*?[") != std::string::npos;
    if (longer || splits || at.text.find_first_of("$`{") != std::string::npos || at.text.contains("<(") ||
        at.text.contains(">(")) {
      return word;
    }
    at.dynamic = at.splits = false;
    return at;
  }
  return word;
}

FolderWalk::FolderWalk(const syntax::Script& script, const std::string& cwd, std::span<const std::string> homes)
    : script_(script), homes_(homes), folders_{.current = cwd, .possible = {cwd}} {
  for (const SimpleCommand& command : script.commands) {
    const std::string_view name = command.name();
    last_part_stays_ = last_part_stays_ || name == "zsh" || name == "ksh" || name == "mksh";
    folders_.dotted = folders_.dotted || name == "shopt";
    for (const syntax::Assignment& set : command.assignments) {
      folders_.any = folders_.any || is_folder_variable(set.name);
    }
    for (const Word& word : command.words) {
      folders_.any = folders_.any || moves_unseen(word);
      last_part_stays_ = last_part_stays_ || word.text.contains("lastpipe");
    }
  }
  const bool later =
      std::ranges::any_of(script.scopes, [](const Scope& scope) { return scope.kind == Scope::Kind::kLater; });
  if (later) add_everything();
}

const Folders& FolderWalk::enter(const SimpleCommand& command) {
  std::vector<std::size_t> way;
  for (std::size_t scope = command.scope; scope != 0; scope = script_.scopes[scope].outer) way.push_back(scope);
  std::ranges::reverse(way);
  std::size_t shared = 0;
  while (shared < way.size() && shared < entered_.size() && entered_[shared].scope == way[shared]) ++shared;
  while (entered_.size() > shared) leave_scope();
  for (std::size_t i = shared; i < way.size(); ++i) enter_scope(way[i]);
  for (const Word& folder : told_folders(command)) add(folder);
  return folders_;
}

void FolderWalk::leave(const SimpleCommand& command) {
  if (!changes_folder(command)) return;
  add_change(command);
  Word to = target_of(command);
  if (!homes_.empty()) to = at_home(to, homes_.front());
  if (is_known(to)) folders_.current = absolute_path(folders_.current, to.text);
}

void FolderWalk::enter_scope(std::size_t scope) {
  const bool ends = ends_with_its_folder(script_.scopes[scope]);
  entered_.push_back({.scope = scope, .before = ends ? folders_ : Folders()});
  if (script_.scopes[scope].kind == Scope::Kind::kElsewhere) folders_.any = true;
  if (script_.scopes[scope].kind != Scope::Kind::kRepeated) return;
  for (const SimpleCommand& command : script_.commands) {
    if (changes_folder(command) && changes(command, scope)) add_change(command);
  }
}

void FolderWalk::leave_scope() {
  Entered left = std::move(entered_.back());
  entered_.pop_back();
  if (ends_with_its_folder(script_.scopes[left.scope])) folders_ = std::move(left.before);
}

bool FolderWalk::ends_with_its_folder(const Scope& scope) const {
  return scope.kind == Scope::Kind::kOwn || scope.kind == Scope::Kind::kElsewhere ||
         (scope.kind == Scope::Kind::kLastPart && !last_part_stays_);
}

bool FolderWalk::changes(const SimpleCommand& command, std::size_t scope) const {
  for (std::size_t at = command.scope; at != scope; at = script_.scopes[at].outer) {
    if (at == 0 || ends_with_its_folder(script_.scopes[at])) return false;
  }
  return true;
}

bool FolderWalk::is_repeated(const SimpleCommand& command) const {
  for (std::size_t at = command.scope; at != 0; at = script_.scopes[at].outer) {
    if (ends_with_its_folder(script_.scopes[at])) return false;
    if (script_.scopes[at].kind == Scope::Kind::kRepeated) return true;
  }
  return false;
}

void FolderWalk::add(const Word& word) {
  std::vector<Word> forms;
  for (const std::string& home : homes_) forms.push_back(at_home(word, home));
  if (forms.empty()) forms.push_back(word);
  for (const Word& form : forms) {
    if (!is_known(form)) folders_.any = true;
    if (folders_.any) return;
    const std::vector<std::string> before = folders_.possible;
    for (const std::string& folder : before) {
      std::string path = absolute_path(folder, form.text);
      if (std::ranges::find(folders_.possible, path) != folders_.possible.end()) continue;
      if (folders_.possible.size() >= kMaxFolders) {
        folders_.any = true;
        return;
      }
      folders_.possible.push_back(std::move(path));
    }
  }
}

void FolderWalk::add_change(const SimpleCommand& command) {
  const Word to = target_of(command);
  add(to);
  const Word at = homes_.empty() ? to : at_home(to, homes_.front());
  // Each time around it leads one folder further.
  if (is_repeated(command) && is_known(at) && !at.text.starts_with('/') && at.text != ".") folders_.any = true;
}

void FolderWalk::add_everything() {
  for (const SimpleCommand& command : script_.commands) {
    for (const Word& folder : told_folders(command)) add(folder);
    if (changes_folder(command)) add_change(command);
  }
}

}  // namespace lathe::policy
