#include "lathe/chain/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/chain/fields.h"
#include "lathe/formats/edit.h"

namespace lathe::chain {
namespace {

std::string quoted(const std::string& text) {
  std::string out;
  base::append_json_string(out, text);
  return out;
}

std::string one_line(const std::string& text) {
  if (text.find('\n') != std::string::npos) return quoted(text);
  return formats::yaml_text({.value = text});
}

/// A visitor of fields.h that writes what is given.
class YamlWriter final {
 public:
  YamlWriter(const ShowOptions& options, std::string& out, std::optional<base::Error>& error, std::size_t indent)
      : options_(options), out_(out), error_(error), indent_(indent) {}

  template <class T>
  void value(std::string_view name, const Given<T>& given, std::string_view) {
    if (!given) return;
    if constexpr (std::is_same_v<T, templates::Template>) {
      text(name, given);
    } else {
      line(name, plain(given.value), origin(given));
    }
  }
  void loose(std::string_view name, const Text& given, std::string_view) {
    if (given) text(name, given);
  }
  template <class T>
  void choice(std::string_view name, const Given<T>& given, std::span<const std::string_view> words, std::string_view) {
    if (given) line(name, std::string(words[static_cast<std::size_t>(given.value)]), origin(given));
  }
  void special(std::string_view name, const Given<Session>& given, std::string_view) {
    if (!given) return;
    switch (given->kind) {
      case Session::Kind::kShared:
        return line(name, "shared", "");
      case Session::Kind::kNew:
        return line(name, "new", "");
      case Session::Kind::kFork:
        return line(name, one_line("fork_from:" + given->task), "");
    }
  }
  void special(std::string_view name, const Given<Join>& given, std::string_view) {
    if (!given) return;
    switch (given->kind) {
      case Join::Kind::kAll:
        return line(name, "all", "");
      case Join::Kind::kAny:
        return line(name, "any", "");
      case Join::Kind::kCount:
        return line(name, std::to_string(given->count), "");
    }
  }
  template <class T>
  void object(std::string_view name, const Given<T>& given, std::string_view) {
    if (!given) return;
    std::string inside;
    YamlWriter writer = deeper(inside);
    fields(writer, given.value);
    map(name, inside, origin(given));
  }
  void object(std::string_view name, const Transition& transition, std::string_view) {
    std::string inside;
    YamlWriter writer = deeper(inside);
    fields(writer, transition);
    if (!inside.empty()) map(name, inside, "");
  }
  template <class T>
  void list(std::string_view name, const std::vector<Given<T>>& items, std::string_view) {
    if (!items.empty()) elements(name, items, "");
  }
  template <class T>
  void list(std::string_view name, const std::vector<T>& items, std::string_view) {
    if (items.empty()) return;
    out_ += pad() + std::string(name) + ":\n";
    for (const T& item : items) {
      std::string inside;
      YamlWriter writer(options_, inside, error_, indent_ + 4);
      writer.item(item);
      if (inside.empty()) inside = std::string(indent_ + 4, ' ') + "{}\n";
      inside.replace(indent_ + 2, 1, "-");
      out_ += inside;
    }
  }
  void listed(std::string_view name, const Given<Texts>& given, std::string_view) {
    if (!given) return;
    if (given->empty()) return line(name, "[]", origin(given));
    elements(name, given.value, origin(given));
  }
  void named(std::string_view name, const std::vector<NamedText>& texts, std::string_view) {
    if (texts.empty()) return;
    std::string inside;
    YamlWriter writer = deeper(inside);
    for (const NamedText& given : texts) writer.loose(one_line(given.name), given.value, "");
    map(name, inside, "");
  }
  void named(std::string_view name, const std::vector<ToolPolicy>& policies, std::string_view) {
    if (policies.empty()) return;
    std::string inside;
    YamlWriter writer = deeper(inside);
    for (const ToolPolicy& policy : policies) writer.named(one_line(policy.toolset), policy.keys, "");
    map(name, inside, "");
  }
  void named(std::string_view name, const std::vector<Input>& inputs, std::string_view) {
    if (inputs.empty()) return;
    std::string inside;
    YamlWriter writer = deeper(inside);
    for (const Input& input : inputs) {
      std::string about;
      YamlWriter inner = writer.deeper(about);
      fields(inner, input);
      writer.map(one_line(input.name), about, "");
    }
    map(name, inside, "");
  }

  /// The handler stands behind the id.
  void item(const Task& task) {
    value("id", task.id, "");
    line("handler", std::string(task.handler()), "");
    std::string rest;
    YamlWriter writer(options_, rest, error_, indent_);
    writer.skip_id_ = true;
    std::visit([&](const auto& does) { fields(writer, does); }, task.does);
    fields(writer, task);
    out_ += rest;
  }
  template <class T>
  void item(const T& other) {
    fields(*this, other);
  }

 private:
  [[nodiscard]] std::string pad() const { return std::string(indent_, ' '); }
  YamlWriter deeper(std::string& out) const { return {options_, out, error_, indent_ + 2}; }

  static std::string plain(const std::string& value) { return one_line(value); }
  static std::string plain(bool value) { return value ? "true" : "false"; }
  static std::string plain(std::int64_t value) { return std::to_string(value); }
  static std::string plain(double value) { return formats::yaml_text({.value = value}); }
  static std::string plain(std::chrono::milliseconds value) { return std::to_string(value.count()) + "ms"; }
  /// JSON is YAML.
  static std::string plain(const base::Json& value) { return base::dump_json(value); }

  template <class T>
  static std::string origin(const Given<T>& given) {
    if (given.from != Given<T>::From::kDefaults) return "";
    return fmt::format("from the defaults, line {}", given.at.line);
  }

  void line(std::string_view name, const std::string& value, const std::string& comment) {
    if (skip_id_ && name == "id") return;
    out_ += fmt::format("{}{}: {}{}\n", pad(), name, value, comment.empty() ? "" : "  # " + comment);
  }
  void map(std::string_view name, const std::string& inside, const std::string& comment) {
    const std::string behind = comment.empty() ? "" : "  # " + comment;
    out_ += inside.empty() ? fmt::format("{}{}: {{}}{}\n", pad(), name, behind)
                           : fmt::format("{}{}:{}\n{}", pad(), name, behind, inside);
  }
  template <class T>
  void elements(std::string_view name, const std::vector<Given<T>>& items, const std::string& whole) {
    out_ += pad() + std::string(name) + ":" + (whole.empty() ? "" : "  # " + whole) + "\n";
    for (const Given<T>& item : items) {
      std::string comment = origin(item);
      std::string word;
      if constexpr (std::is_same_v<T, templates::Template>) {
        word = one_line(expanded(item.value, comment));
      } else {
        word = one_line(item.value);
      }
      out_ += fmt::format("{}  - {}{}\n", pad(), word, comment.empty() ? "" : "  # " + comment);
    }
  }

  /// With its known macros in it; says in the comment what it was.
  std::string expanded(const templates::Template& given, std::string& comment) {
    if (!options_.macro || given.macros().empty()) return given.text();
    auto with = given.with_macros(options_.macro);
    if (!with.ok()) {
      if (!error_) error_ = std::move(with).error();
      return given.text();
    }
    if (*with == given) return given.text();
    comment += (comment.empty() ? "" : "; ") + std::string("was ") + quoted(given.text());
    return with->text();
  }

  void text(std::string_view name, const Text& given) {
    std::string comment = origin(given);
    const std::string body = expanded(given.value, comment);
    // A block keeps what it holds byte for byte only where its lines are plain.
    const bool block = body.find('\n') != std::string::npos && body.ends_with('\n') && !body.ends_with("\n\n") &&
                       body.front() != ' ' && body.front() != '\n' && body.find_first_of("\r\t") == std::string::npos;
    if (!block) return line(name, one_line(body), comment);
    if (comment.find('\n') != std::string::npos) comment.clear();
    out_ += fmt::format("{}{}: |{}\n", pad(), name, comment.empty() ? "" : "  # " + comment);
    for (const std::string_view row : base::split_lines(body)) {
      out_ += row.empty() ? "\n" : fmt::format("{}  {}\n", pad(), row);
    }
  }

  const ShowOptions& options_;
  std::string& out_;
  std::optional<base::Error>& error_;
  std::size_t indent_;
  bool skip_id_ = false;
};

}  // namespace

base::Result<std::string> show(const Chain& chain, const ShowOptions& options) {
  std::string out = fmt::format("# {}, as it is run\n", one_line(chain.file));
  std::optional<base::Error> error;
  YamlWriter writer(options, out, error, /*indent=*/0);
  Chain ours = chain;
  // Its tasks have them already.
  ours.defaults = {};
  // The first task is where it starts.
  if (ours.entry != 0 && ours.entry < ours.tasks.size()) {
    std::rotate(ours.tasks.begin(), ours.tasks.begin() + static_cast<std::ptrdiff_t>(ours.entry),
                ours.tasks.begin() + static_cast<std::ptrdiff_t>(ours.entry) + 1);
    ours.entry = 0;
  }
  fields(writer, std::as_const(ours));
  if (error) return *std::move(error);
  return out;
}

}  // namespace lathe::chain
