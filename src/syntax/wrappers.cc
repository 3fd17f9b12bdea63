#include "lathe/syntax/wrappers.h"

#include <optional>
#include <string>

#include "lathe/syntax/starter.h"

namespace lathe::syntax {
namespace {

constexpr std::string_view kComputed = "what a program starts is computed";

/// Reads the words of one wrapper up to the command that it starts.
class WrapperReader final {
 public:
  WrapperReader(Starter& starter, const WrapperSpec& spec)
      : starter_(starter), spec_(spec), options_(starter.words(), spec.options) {
    if (spec.elsewhere_options == "*") where_ = Starter::Where::kElsewhere;
  }

  void read();
  [[nodiscard]] bool had_options() const { return had_options_; }

 private:
  void read_options();
  void text_option(const Word& text);
  void permuted();
  std::vector<Assignment> read_assignments();
  void command(std::size_t from, std::vector<Assignment> set);

  Starter& starter_;
  const WrapperSpec& spec_;
  OptionReader options_;
  bool had_options_ = false;
  bool ran_text_ = false;
  bool starts_shell_ = false;
  bool words_are_command_ = false;
  Starter::Where where_ = Starter::Where::kHere;
  /// What xargs replaces in the words of its command.
  std::optional<std::string> replaced_;
};

void WrapperReader::read_options() {
  while (const std::optional<Option> option = options_.next()) {
    had_options_ = true;
    if (!option->known) starter_.not_known("a program that starts another has an option that is not known here");
    if (option->value && (option->value->splits || option->value->pattern)) starter_.not_known(kComputed);
    starts_shell_ = starts_shell_ || lists(spec_.shell_options, option->name);
    if (lists(spec_.elsewhere_options, option->name)) where_ = Starter::Where::kElsewhere;
    words_are_command_ = words_are_command_ || lists(spec_.command_options, option->name);
    if (spec_.name == "xargs" && lists("I i replace", option->name)) {
      replaced_ = option->value ? option->value->text : "{}";
    }
    if (lists(spec_.text_options, option->name) && option->value) text_option(*option->value);
  }
}

void WrapperReader::text_option(const Word& text) {
  ran_text_ = true;
  if (!spec_.assignments) return starter_.script(text, where_);
  starter_.not_known("env -S splits text into a command");
  Word all = text;
  for (const Word& word : words_from(starter_.words(), options_.at())) all.text += " " + word.text;
  starter_.script(all, where_);
}

void WrapperReader::permuted() {
  std::vector<Word> operands;
  while (options_.at() < starter_.words().size()) {
    operands.push_back(starter_.words()[options_.at()]);
    options_.skip();
    read_options();
  }
  if (ran_text_) return;
  if (words_are_command_) return starter_.command(std::move(operands), {}, where_);
  starter_.input(where_);
}

std::vector<Assignment> WrapperReader::read_assignments() {
  std::vector<Assignment> set;
  const std::vector<Word>& words = starter_.words();
  while (spec_.assignments && options_.at() < words.size()) {
    const Word& word = words[options_.at()];
    const std::size_t equals = word.text.find('=');
    if (equals == std::string::npos || equals == 0 || (spec_.name == "sudo" && word.text.starts_with('/'))) break;
    const bool computes_name = word.dynamic && word.text.find_first_of("$`<{") < equals;
    if (computes_name || word.splits || word.pattern) starter_.not_known(kComputed);
    Word value = word;
    value.text.erase(0, equals + 1);
    set.push_back({.name = word.text.substr(0, equals), .value = std::move(value)});
    options_.skip();
    // sudo takes options behind them too.
    if (spec_.name == "sudo") read_options();
  }
  return set;
}

void WrapperReader::command(std::size_t from, std::vector<Assignment> set) {
  std::vector<Word> inner = words_from(starter_.words(), from);
  if (replaced_) {
    for (Word& word : inner) {
      if (word.text.contains(*replaced_)) word.dynamic = word.splits = true;
    }
  } else if (spec_.name == "xargs") {
    inner.push_back({.text = "…", .dynamic = true, .splits = true});
  }
  starter_.command(std::move(inner), std::move(set), where_);
}

void WrapperReader::read() {
  const std::vector<Word>& words = starter_.words();
  starts_shell_ = spec_.shell_options == "*";
  read_options();
  if (spec_.permutes) return permuted();
  if (ran_text_) return;
  // env takes it for -i; no program has that name.
  if (options_.at() < words.size() && words[options_.at()].text == "-") options_.skip();
  std::vector<Assignment> set = read_assignments();
  const std::size_t operands = options_.at();
  const std::size_t at = operands + spec_.operands;
  for (std::size_t i = operands; i <= at && i < words.size(); ++i) {
    if (words[i].dynamic || words[i].pattern) starter_.not_known(kComputed);
  }
  if (at >= words.size()) {
    if (starts_shell_) starter_.input(where_);
    return;
  }
  // Behind the file that it locks.
  if (spec_.name == "flock" && (words[at].text == "-c" || words[at].text == "--command")) {
    if (at + 1 < words.size()) starter_.script(words[at + 1], where_);
    return;
  }
  if (spec_.name == "parallel") starter_.not_known("parallel computes what it starts");
  if (spec_.joins) return starter_.joined(at, where_);
  command(at, std::move(set));
}

}  // namespace

bool start_wrapped(Starter& starter, const WrapperSpec& spec) {
  WrapperReader reader(starter, spec);
  reader.read();
  using Judged = WrapperSpec::Judged;
  return spec.judged == Judged::kNever || (spec.judged == Judged::kWithOptions && !reader.had_options());
}

void start_found(Starter& starter) {
  const std::vector<Word>& words = starter.words();
  std::size_t at = 1;
  while (at < words.size()) {
    const Word& word = words[at++];
    if (!lists("-exec -execdir -ok -okdir", word.text)) {
      // It may be "-exec": several words, or one where a test or an action could stand.
      const bool is_value = at >= 2 && words[at - 2].text.starts_with('-');
      const bool is_folder = at == 2 && (at >= words.size() || words[at].text.starts_with('-'));
      const bool is_end = word.text == ";" || word.text == "+";
      if (is_end || word.splits || (word.dynamic && !is_value && !is_folder)) {
        starter.not_known("what find runs is computed");
      }
      continue;
    }
    const bool in_the_folder_found = word.text.ends_with("dir");
    std::vector<Word> inner;
    while (at < words.size() && words[at].text != ";") {
      if (words[at].text == "+" && !inner.empty() && inner.back().text == "{}") break;
      Word part = words[at++];
      if (part.text.contains("{}")) part.dynamic = true;
      inner.push_back(std::move(part));
    }
    ++at;
    starter.command(std::move(inner), {}, in_the_folder_found ? Starter::Where::kElsewhere : Starter::Where::kHere);
  }
}

}  // namespace lathe::syntax
