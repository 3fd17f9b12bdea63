#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"

// Text with holes, as workflow files have it: {{…}} as in Go's text/template with the functions of Sprig that such
// files use, macros {{namespace:argument}}, and $(name). A template is parsed once into a tree, and rendering walks the
// tree over values: what a value says is only ever text, never a template and never a command.

namespace lathe::templates {

/// Where something stands in the text that was parsed, in bytes from its start.
using Offset = std::size_t;

enum class Syntax {
  /// {{.name}}, {{if …}}, {{var:name|fallback}}.
  kBraces,
  /// $(name), $(file:path), $(call:name), $(bash:command).
  kDollar,
};

/// A macro as it stands in the text: {{var:model|gpt}} is {"var", "model", {"gpt"}}, $(file:a.md) is {"file", "a.md"}.
struct Macro {
  std::string space;
  std::string argument;
  /// What takes its place when it has no value, in order: other macros ("var:b") or plain text. Only the space `var`.
  std::vector<std::string> fallbacks;
  Offset at = 0;
  friend bool operator==(const Macro&, const Macro&) = default;
};

/// A value that the text takes from what is around it: {{.review.verdict}} is {"review", "verdict"}.
struct Variable {
  std::vector<std::string> path;
  Offset at = 0;
  friend bool operator==(const Variable&, const Variable&) = default;
};

/// Something that is wrong with a template, and where.
struct Fault {
  Offset at = 0;
  std::string message;
  std::string hint;
};

/// What a template is rendered over. The functions are called in the order of the text; an error of theirs ends the
/// rendering.
struct Scope {
  /// The value of "." : an object whose members are the variables.
  base::Json values = base::Json::object();
  /// Macros whose value is known. Absent: a macro is an error.
  std::function<base::Result<std::string>(const Macro&)> macro = {};
  /// What the function `now` and the macros {{now}} and {{date}} mean, in seconds since 1970, UTC. The two macros are
  /// not asked for.
  std::int64_t now_seconds = 0;
  enum class Missing {
    /// A variable that has no value is an error that names it, where it is written or given to a function; not where a
    /// template asks whether it has one: {{if}}, {{with}}, and, or, not, default, empty, coalesce, ternary, all, any,
    /// kindOf, kindIs, typeOf.
    kError,
    /// It is the text "<no value>", as Go prints it (kBraces), or stays as it stands (kDollar).
    kAsWritten,
  };
  Missing missing = Missing::kError;
  /// No text is longer; a longer one is an error.
  std::size_t max_bytes = 16U << 20;
};

/// A value: copies share one tree, which never changes. Any thread.
class Template final {
 public:
  Template() = default;
  /// All that is wrong with it, not only the first, goes into `faults`; it then renders as nothing.
  static Template parse(std::string_view text, Syntax syntax, std::vector<Fault>& faults);

  /// As it was written, with the macros that with_macros() gave a value. With braces it reads as the same template: a
  /// value that looks like an action stands in it as the constant {{"…"}}. With kDollar values stand there as they are,
  /// so that only this Template tells them from what was written.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool empty() const { return text().empty(); }
  /// It is the same text whatever it is rendered over.
  [[nodiscard]] bool constant() const;
  /// In the order of the text; those inside of {{if}} and its like too. What {{range}} and {{with}} make of "." is
  /// none.
  [[nodiscard]] const std::vector<Variable>& variables() const;
  [[nodiscard]] const std::vector<Macro>& macros() const;

  /// `invalid` with what could not be rendered and why, `limit_exceeded` when it becomes too long or too much work.
  [[nodiscard]] base::Result<std::string> render(const Scope& scope) const;
  /// The same with those macros already in the text for which `expand` gives a value: they become plain text.
  /// `expand` gives nothing for one that stays.
  [[nodiscard]] base::Result<Template> with_macros(
      const std::function<base::Result<std::optional<std::string>>(const Macro&)>& expand) const;

  friend bool operator==(const Template& a, const Template& b) { return a.text() == b.text(); }

  struct Tree;

 private:
  std::shared_ptr<const Tree> tree_;
};

/// The names of all functions that a template with braces may call; sorted. For checks and the reference page.
[[nodiscard]] std::vector<std::string_view> function_names();

}  // namespace lathe::templates
