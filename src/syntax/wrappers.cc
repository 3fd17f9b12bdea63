#include "lathe/syntax/wrappers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lathe/syntax/parser.h"

namespace lathe::syntax {
namespace {

constexpr auto kAlways = WrapperSpec::Judged::kAlways;
constexpr auto kWithOptions = WrapperSpec::Judged::kWithOptions;

constexpr std::array kWrappers{
    WrapperSpec{.name = "env", .value_letters = "uC", .value_names = "--unset --chdir", .assignments = true},
    WrapperSpec{
        .name = "sudo",
        .value_letters = "ughpCrtTUDR",
        .value_names = "--user --group --host --prompt --close-from --role --type --other-user --chdir --chroot",
        .assignments = true,
        .judged = kAlways},
    WrapperSpec{.name = "doas", .value_letters = "uC", .judged = kAlways},
    WrapperSpec{.name = "pkexec", .value_names = "--user", .judged = kAlways},
    WrapperSpec{.name = "runuser", .value_letters = "ugG", .value_names = "--user --group", .judged = kAlways},
    WrapperSpec{.name = "setpriv", .judged = kAlways},
    WrapperSpec{.name = "chroot", .operands = 1, .judged = kAlways},
    WrapperSpec{.name = "unshare", .value_letters = "wRSG", .judged = kAlways},
    WrapperSpec{.name = "nsenter", .value_letters = "tSG", .value_names = "--target", .judged = kAlways},
    WrapperSpec{.name = "systemd-run", .value_letters = "puMH", .value_names = "--unit --property", .judged = kAlways},
    WrapperSpec{.name = "nohup", .judged = kAlways},
    WrapperSpec{.name = "setsid"},
    WrapperSpec{.name = "nice", .value_letters = "n", .value_names = "--adjustment"},
    WrapperSpec{.name = "ionice", .value_letters = "cnpPu", .value_names = "--class --classdata"},
    WrapperSpec{.name = "chrt", .operands = 1},
    WrapperSpec{.name = "taskset", .operands = 1},
    WrapperSpec{.name = "prlimit"},
    WrapperSpec{.name = "timeout", .value_letters = "ks", .value_names = "--kill-after --signal", .operands = 1},
    WrapperSpec{.name = "gtimeout", .value_letters = "ks", .value_names = "--kill-after --signal", .operands = 1},
    WrapperSpec{.name = "time", .value_letters = "of", .value_names = "--output --format", .judged = kWithOptions},
    WrapperSpec{.name = "stdbuf", .value_letters = "ioe", .value_names = "--input --output --error"},
    WrapperSpec{.name = "unbuffer"},
    WrapperSpec{.name = "chronic"},
    WrapperSpec{.name = "fakeroot", .judged = kWithOptions},
    WrapperSpec{.name = "eatmydata"},
    WrapperSpec{.name = "xvfb-run", .value_letters = "efnpsw", .judged = kAlways},
    WrapperSpec{.name = "dbus-run-session", .judged = kWithOptions},
    WrapperSpec{.name = "strace", .value_letters = "abeEIoOpPsSuUX", .judged = kAlways},
    WrapperSpec{.name = "ltrace", .value_letters = "aAeFlnopsuwx", .judged = kAlways},
    WrapperSpec{.name = "command"},
    WrapperSpec{.name = "builtin"},
    WrapperSpec{.name = "exec", .value_letters = "a"},
    WrapperSpec{.name = "busybox"},
    WrapperSpec{.name = "toybox"},
    WrapperSpec{.name = "flock",
                .value_letters = "wE",
                .value_names = "--timeout --conflict-exit-code",
                .operands = 1,
                .judged = kAlways},
    WrapperSpec{.name = "xargs",
                .value_letters = "IiLnPdEesa",
                .value_names = "--replace --max-lines --max-args --max-procs --delimiter --max-chars --arg-file"},
    WrapperSpec{.name = "watch", .value_letters = "nq", .value_names = "--interval --equexit", .joins = true},
    WrapperSpec{
        .name = "parallel", .value_letters = "jIaSNnLP", .value_names = "--jobs", .judged = kAlways, .joins = true},
    WrapperSpec{.name = "eval", .joins = true},
};

constexpr std::array<std::string_view, 9> kShells{"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash", "yash"};

bool lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

bool looks_like_assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  return equals != std::string_view::npos && equals > 0 && text.find_first_of("/-. ") > equals;
}

/// Reads the words of one wrapper up to the command that it starts.
class WrapperReader final {
 public:
  WrapperReader(Budget& budget, const SimpleCommand& outer) : budget_(budget), words_(outer.words), outer_(outer) {}

  void wrapped(const WrapperSpec& spec);
  void shell();
  void find_actions();
  void trap();
  /// `-c TEXT` of su, script and flock.
  bool text_option();
  [[nodiscard]] bool had_options() const { return had_options_; }

 private:
  void skip_options(const WrapperSpec& spec);
  void add(std::vector<Word> words, std::vector<Assignment> assignments);
  void script(const Word& text);
  void joined(std::size_t from);
  void hand_on_assignments(std::size_t from);

  Budget& budget_;
  const std::vector<Word> words_;
  const SimpleCommand& outer_;
  std::size_t at_ = 1;
  bool had_options_ = false;
};

void WrapperReader::add(std::vector<Word> words, std::vector<Assignment> assignments) {
  const Nested nested(budget_);
  if (budget_.gave_up() || words.empty()) return;
  if (budget_.script.commands.size() >= Budget::kMaxCommands) return budget_.give_up("it has too many commands");
  SimpleCommand inner{.assignments = outer_.assignments, .words = std::move(words)};
  std::ranges::move(assignments, std::back_inserter(inner.assignments));
  // What a shell is fed by its wrapper's redirection it reads all the same.
  if (is_shell(inner.name())) inner.redirections = outer_.redirections;
  add_command(budget_, std::move(inner));
}

void WrapperReader::script(const Word& text) {
  if (text.dynamic) return budget_.give_up("a shell is given text that is computed");
  const std::size_t from = budget_.script.commands.size();
  parse_into(budget_, text.text);
  hand_on_assignments(from);
}

/// What is set for a shell is set for the programs that it starts.
void WrapperReader::hand_on_assignments(std::size_t from) {
  std::size_t bytes = 0;
  for (const Assignment& set : outer_.assignments) bytes += set.name.size() + set.value.text.size();
  std::vector<SimpleCommand>& commands = budget_.script.commands;
  for (std::size_t i = from; bytes > 0 && i < commands.size(); ++i) {
    if (bytes > budget_.bytes_left) return budget_.give_up("it holds too many scripts inside scripts");
    budget_.bytes_left -= bytes;
    std::vector<Assignment>& inner = commands[i].assignments;
    inner.insert(inner.begin(), outer_.assignments.begin(), outer_.assignments.end());
  }
}

void WrapperReader::joined(std::size_t from) {
  Word all;
  for (std::size_t i = from; i < words_.size(); ++i) {
    all.dynamic = all.dynamic || words_[i].dynamic || words_[i].pattern;
    all.text += (i > from ? " " : "") + words_[i].text;
  }
  if (!all.text.empty()) script(all);
}

void WrapperReader::skip_options(const WrapperSpec& spec) {
  while (at_ < words_.size()) {
    const Word& word = words_[at_];
    if (word.dynamic) return budget_.give_up("what a program starts is computed");
    if (word.text == "--") {
      ++at_;
      return;
    }
    if (!word.text.starts_with('-') || word.text == "-") return;
    ++at_;
    if (word.text.starts_with("--")) {
      if (lists(spec.value_names, word.text)) ++at_;
    } else if (spec.value_letters.contains(word.text.back()) && word.text.size() >= 2) {
      // -u X; in -uX the value is part of the word, and its last letter may mislead: then nothing is certain.
      if (word.text.size() > 2 && spec.value_letters.contains(word.text[1])) continue;
      ++at_;
    }
  }
}

void WrapperReader::wrapped(const WrapperSpec& spec) {
  for (const Word& word : words_) {
    const bool splits = word.text.starts_with("-S") || word.text.starts_with("--split-string");
    if (spec.name == "env" && splits) return budget_.give_up("env -S splits text into a command");
  }
  skip_options(spec);
  had_options_ = at_ > 1;
  if (budget_.gave_up()) return;
  std::vector<Assignment> assignments;
  for (; spec.assignments && at_ < words_.size() && looks_like_assignment(words_[at_].text); ++at_) {
    const std::string& text = words_[at_].text;
    const std::size_t equals = text.find('=');
    Word value = words_[at_];
    value.text = text.substr(equals + 1);
    assignments.push_back({.name = text.substr(0, equals), .value = std::move(value)});
  }
  at_ += spec.operands;
  if (at_ >= words_.size()) return;
  if (spec.joins) return joined(at_);
  std::vector<Word> inner(words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end());
  if (spec.name == "xargs") inner.push_back({.text = "…", .dynamic = true});
  add(std::move(inner), std::move(assignments));
}

void WrapperReader::shell() {
  bool takes_text = false;
  bool reads_input = false;
  for (; at_ < words_.size(); ++at_) {
    const Word& word = words_[at_];
    if (word.dynamic) return budget_.give_up("what a shell is to run is computed");
    const std::string& text = word.text;
    if (text == "--") {
      ++at_;
      break;
    }
    if (text.size() < 2 || (text[0] != '-' && text[0] != '+')) break;
    if (text.starts_with("--")) {
      if (text == "--rcfile" || text == "--init-file") return budget_.give_up("a shell is given a start file");
      continue;
    }
    takes_text = takes_text || (text[0] == '-' && text.contains('c'));
    reads_input = reads_input || (text[0] == '-' && text.contains('s'));
    if (text.back() == 'o' || text.back() == 'O') ++at_;
  }
  if (takes_text) {
    if (at_ < words_.size()) script(words_[at_]);
    return;
  }
  if (at_ < words_.size() && !reads_input) return;  // a file, which is not looked at
  for (const Redirection& redirection : outer_.redirections) {
    if (redirection.kind == Redirection::Kind::kHereText) return script(redirection.target);
  }
  budget_.give_up("a shell reads its commands from elsewhere");
}

void WrapperReader::find_actions() {
  while (at_ < words_.size()) {
    const std::string& text = words_[at_++].text;
    if (text != "-exec" && text != "-execdir" && text != "-ok" && text != "-okdir") continue;
    std::vector<Word> inner;
    while (at_ < words_.size() && words_[at_].text != ";" && words_[at_].text != "+") {
      Word word = words_[at_++];
      if (word.text.contains("{}")) word.dynamic = true;
      inner.push_back(std::move(word));
    }
    add(std::move(inner), {});
  }
}

void WrapperReader::trap() {
  if (at_ < words_.size() && words_[at_].text == "--") ++at_;
  if (at_ + 1 >= words_.size()) return;
  if (words_[at_].text.empty() || words_[at_].text == "-") return;
  script(words_[at_]);
}

bool WrapperReader::text_option() {
  for (std::size_t i = 1; i + 1 < words_.size(); ++i) {
    if (words_[i].text != "-c" && words_[i].text != "--command") continue;
    script(words_[i + 1]);
    return true;
  }
  return false;
}

/// Builtins that change what later names mean.
bool redefines_names(const SimpleCommand& command) {
  const std::string_view name = command.name();
  if (name == "alias" || name == "enable") return command.words.size() > 1;
  const auto has = [&](std::string_view option) {
    return std::ranges::any_of(command.words, [&](const Word& word) { return word.text == option; });
  };
  return (name == "hash" && has("-p")) || ((name == "mapfile" || name == "readarray") && has("-C"));
}

}  // namespace

std::span<const WrapperSpec> wrapper_specs() { return kWrappers; }

const WrapperSpec* find_wrapper(std::string_view name) {
  const auto* const found = std::ranges::find(kWrappers, name, &WrapperSpec::name);
  return found == kWrappers.end() ? nullptr : found;
}

bool is_shell(std::string_view name) { return std::ranges::find(kShells, name) != kShells.end(); }

void add_command(Budget& budget, SimpleCommand command) {
  const std::string_view name = command.name();
  const WrapperSpec* wrapper = find_wrapper(name);
  const bool shell = is_shell(name);
  const std::size_t place = budget.script.commands.size();
  const SimpleCommand outer = command;
  budget.script.commands.push_back(std::move(command));
  if (redefines_names(outer)) return budget.give_up("it changes what the names of commands mean");

  WrapperReader reader(budget, outer);
  if (wrapper != nullptr) {
    if (!(outer.name() == "flock" && reader.text_option())) reader.wrapped(*wrapper);
  } else if (shell) {
    reader.shell();
  } else if (outer.name() == "find") {
    reader.find_actions();
  } else if (outer.name() == "trap") {
    reader.trap();
  } else if (outer.name() == "su" || outer.name() == "script") {
    (void)reader.text_option();
  }
  const bool started_one = budget.script.commands.size() > place + 1;
  using Judged = WrapperSpec::Judged;
  const bool plain = wrapper == nullptr ? shell
                                        : wrapper->judged == Judged::kNever ||
                                              (wrapper->judged == Judged::kWithOptions && !reader.had_options());
  budget.script.commands[place].only_wraps = started_one && plain;
}

}  // namespace lathe::syntax
