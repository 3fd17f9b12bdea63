#include "lathe/policy/command_class.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lathe/policy/glob.h"

namespace lathe::policy {

using syntax::Redirection;
using syntax::SimpleCommand;
using syntax::Word;

namespace {

using Words = std::vector<Word>;

constexpr std::array<std::string_view, 26> kSafeWithAnyArguments{
    "cat", "cd",  "cut",  "echo", "expr", "false", "grep",  "head", "id",    "ls",     "nl",     "paste", "pwd",
    "rev", "seq", "stat", "tail", "tr",   "true",  "uname", "wc",   "which", "whoami", "numfmt", "tac",   ":"};
constexpr std::array<std::string_view, 8> kFindActions{"-exec",   "-execdir", "-ok",     "-okdir",
                                                       "-delete", "-fls",     "-fprint", "-fprintf"};
constexpr std::array<std::string_view, 5> kGitReads{"status", "log", "diff", "show", "branch"};
constexpr std::array<std::string_view, 11> kBranchReads{
    "-a", "-r", "-v", "-vv", "--all", "--remotes", "--list", "--verbose", "-av", "-avv", "--show-current"};
constexpr std::array<std::string_view, 14> kDestroyers{"mkfs",   "mke2fs", "mkdosfs", "mkntfs",    "wipefs",
                                                       "shred",  "fdisk",  "sfdisk",  "gdisk",     "sgdisk",
                                                       "cfdisk", "parted", "mkswap",  "blkdiscard"};
/// Variables that only say how to print.
constexpr std::array<std::string_view, 14> kHarmlessVariables{
    "LANG", "LC_ALL",   "LC_CTYPE",    "LC_MESSAGES", "LC_NUMERIC", "LC_COLLATE",      "TZ",
    "CI",   "NO_COLOR", "FORCE_COLOR", "TERM",        "COLUMNS",    "DEBIAN_FRONTEND", "RUST_BACKTRACE"};
constexpr std::array<std::string_view, 5> kSystemFolders{"/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/",
                                                         "/usr/local/bin/"};

bool contains(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

/// A name in a list also stands for its dotted variants: mkfs for mkfs.ext4.
bool is_or_dotted(std::string_view listed, std::string_view name) {
  return name.starts_with(listed) && (name.size() == listed.size() || name[listed.size()] == '.');
}

/// A pattern that may turn into an option.
bool may_be_option(const Word& word) {
  return word.text.starts_with('-') || (word.pattern && word.text.find_first_of("*?[") == 0);
}

bool has_option(const Words& words, std::string_view letters, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(words.begin() + 1, words.end(), [&](const Word& word) {
    if (word.pattern && may_be_option(word)) return true;
    const std::string_view text = word.text;
    if (text.starts_with("--")) {
      return std::ranges::any_of(names, [&](std::string_view name) { return text.starts_with(name); });
    }
    return text.starts_with('-') && text.find_first_of(letters, 1) != std::string_view::npos;
  });
}

bool safe_git(const Words& words) {
  if (words.size() < 2 || !contains(kGitReads, words[1].text)) return false;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string_view text = words[i].text;
    if (words[i].pattern && may_be_option(words[i])) return false;
    if (words[1].text == "branch" && !contains(kBranchReads, text)) return false;
    if (text == "-p" && words[1].text == "status") return false;
    for (const std::string_view bad : {"--output", "--ext-diff", "--textconv", "--exec", "--git-dir", "--work-tree",
                                       "--paginate", "--upload-pack", "--open-files-in-pager"}) {
      if (text.starts_with(bad)) return false;
    }
  }
  return true;
}

/// sed -n 5p, sed -n 1,20p, with at most one file.
bool safe_sed(const Words& words) {
  if (words.size() < 3 || words.size() > 4 || words[1].text != "-n") return false;
  const std::string_view script = words[2].text;
  if (script.size() < 2 || script.back() != 'p') return false;
  const std::string_view range = script.substr(0, script.size() - 1);
  const bool digits = std::ranges::all_of(range, [](char c) { return (c >= '0' && c <= '9') || c == ','; });
  return digits && std::ranges::count(range, ',') <= 1 && range.front() != ',' && range.back() != ',' &&
         !(words.size() == 4 && may_be_option(words[3]));
}

bool safe_arguments(std::string_view name, const Words& words) {
  // bash evaluates the index of a variable that -v and -R ask about, and a substitution in it.
  if (name == "[" || name == "test") return !has_option(words, "vR", {});
  if (contains(kSafeWithAnyArguments, name)) return true;
  if (name == "base64") return !has_option(words, "o", {"--output"});
  // A second file is written.
  if (name == "uniq") return words.size() <= 2 && std::ranges::none_of(words, &Word::pattern);
  if (name == "rg") return !has_option(words, "z", {"--pre", "--hostname-bin", "--search-zip"});
  if (name == "git") return safe_git(words);
  if (name == "sed") return safe_sed(words);
  if (name == "find") {
    return std::ranges::none_of(words, [](const Word& word) {
      return contains(kFindActions, word.text) || word.text.starts_with("-fprint") ||
             (word.pattern && may_be_option(word));
    });
  }
  return false;
}

bool dangerous(std::string_view name, const Words& words) {
  if (std::ranges::any_of(kDestroyers, [&](std::string_view listed) { return is_or_dotted(listed, name); }))
    return true;
  if (name == "rm") {
    const bool unknown = std::ranges::any_of(words, &Word::dynamic);
    return unknown || has_option(words, "f", {"--f"});
  }
  if (name == "dd") {
    return std::ranges::any_of(words, [](const Word& word) {
      constexpr std::string_view kOutput = "of=";
      const bool writes = word.text.starts_with(kOutput);
      return word.dynamic || (writes && clean_path(word.text.substr(kOutput.size())).starts_with("/dev/"));
    });
  }
  return false;
}

}  // namespace

bool changes_programs(const syntax::Assignment& set) { return !contains(kHarmlessVariables, set.name); }

bool writes_by_redirection(const SimpleCommand& command) {
  return std::ranges::any_of(command.redirections, [](const Redirection& redirection) {
    const bool writes =
        redirection.kind == Redirection::Kind::kWrite || redirection.kind == Redirection::Kind::kReadWrite;
    return writes && (redirection.target.dynamic || redirection.target.text != "/dev/null");
  });
}

bool may_connect(const SimpleCommand& command) {
  return std::ranges::any_of(command.redirections, [](const Redirection& redirection) {
    const Word& from = redirection.target;
    return redirection.kind == Redirection::Kind::kRead &&
           (from.dynamic || from.text.starts_with("/dev/tcp/") || from.text.starts_with("/dev/udp/"));
  });
}

bool is_system_program(const SimpleCommand& command) {
  if (command.words.empty() || command.words.front().dynamic || command.words.front().pattern) return false;
  if (command.calls_function) return false;
  const std::string& path = command.words.front().text;
  if (!path.contains('/')) return true;
  return std::ranges::any_of(kSystemFolders, [&](std::string_view folder) {
    return path.starts_with(folder) && !std::string_view(path).substr(folder.size()).contains('/');
  });
}

CommandClass classify(const SimpleCommand& command) {
  const std::string_view name = command.name();
  if (!name.empty() && dangerous(name, command.words)) return CommandClass::kDangerous;
  if (std::ranges::any_of(command.assignments, changes_programs) || writes_by_redirection(command) ||
      may_connect(command)) {
    return CommandClass::kOrdinary;
  }
  if (command.words.empty()) return CommandClass::kSafe;
  if (!command.literal() || !is_system_program(command) || !safe_arguments(name, command.words)) {
    return CommandClass::kOrdinary;
  }
  return CommandClass::kSafe;
}

}  // namespace lathe::policy
