#include "lathe/chain/reference.h"

#include <fmt/format.h>

#include <span>
#include <type_traits>
#include <vector>

#include "lathe/chain/chain.h"
#include "lathe/chain/fields.h"
#include "lathe/chain/finding.h"

namespace lathe::chain {
namespace {

template <class T>
std::string_view words_for() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::int64_t>) return "whole number";
  if constexpr (std::is_same_v<T, double>) return "number";
  if constexpr (std::is_same_v<T, std::chrono::milliseconds>) return "duration";
  if constexpr (std::is_same_v<T, base::Json>) return "anything";
  return "text";
}

/// A visitor of fields.h that writes a row for each.
class TableWriter final {
 public:
  std::string rows = "| field | value | meaning |\n|---|---|---|\n";

  void row(std::string_view name, std::string_view kind, std::string_view meaning) {
    rows += fmt::format("| `{}` | {} | {} |\n", name, kind, meaning);
  }
  template <class T>
  void value(std::string_view name, const Given<T>&, std::string_view meaning) {
    row(name, words_for<T>(), meaning);
  }
  void loose(std::string_view name, const Text&, std::string_view meaning) { row(name, "text or number", meaning); }
  template <class T>
  void choice(std::string_view name, const Given<T>&, std::span<const std::string_view> words,
              std::string_view meaning) {
    std::string all;
    for (const std::string_view word : words) all += fmt::format("{}`{}`", all.empty() ? "" : " ", word);
    row(name, all, meaning);
  }
  void special(std::string_view name, const Given<Session>&, std::string_view meaning) { row(name, "text", meaning); }
  void special(std::string_view name, const Given<Join>&, std::string_view meaning) {
    row(name, "text or number", meaning);
  }
  template <class T>
  void object(std::string_view name, const T&, std::string_view meaning) {
    row(name, "map", meaning);
  }
  template <class T>
  void list(std::string_view name, const T&, std::string_view meaning) {
    row(name, "list", meaning);
  }
  template <class T>
  void listed(std::string_view name, const T&, std::string_view meaning) {
    row(name, "list", meaning);
  }
  template <class T>
  void named(std::string_view name, const T&, std::string_view meaning) {
    row(name, "map", meaning);
  }
};

template <class T>
std::string table_of(std::string_view title) {
  TableWriter writer;
  const T described{};
  fields(writer, described);
  return fmt::format("\n### {}\n\n{}", title, writer.rows);
}

std::string handler_table(const std::string& handler) {
  TableWriter writer;
  const Does does = *make_handler(handler);
  std::visit([&](const auto& own) { fields(writer, own); }, does);
  return fmt::format("\n### The handler `{}`\n\nEvals: {}.\n\n{}", handler, evals_in_words(handler), writer.rows);
}

}  // namespace

std::string reference_tables() {
  std::string out = "## Fields\n";
  out += table_of<Chain>("The chain");
  out += table_of<Input>("An input");
  out += table_of<Defaults>("`defaults`");
  out += table_of<Budget>("`budget`");
  out += table_of<Task>("Every task");
  out += table_of<Transition>("`transition`");
  out += table_of<Branch>("A branch");
  out += table_of<ModelUse>("`execute_config`");
  out += table_of<RetryPolicy>("`retry_policy`");
  for (const std::string& handler : handler_names()) out += handler_table(handler);
  out += table_of<ToolRef>("`tools` of a call");
  out += table_of<Choice>("A choice");
  out += "\n## Findings\n\n| class | here | in other dialects | meaning |\n|---|---|---|---|\n";
  const auto word = [](Severity severity) { return severity == Severity::kError ? "error" : "warning"; };
  for (const FindingClass& known : finding_classes()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", known.id, word(known.severity), word(known.foreign), known.meaning);
  }
  return out;
}

}  // namespace lathe::chain
