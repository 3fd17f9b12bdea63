#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/templates/value.h"

// The functions that a template may call. Each states what it takes, so that its code gets what it expects and a call
// with too few arguments is found before anything is rendered.

namespace lathe::templates {

using Arguments = std::span<const Value>;
using FunctionCall = base::Result<Value> (*)(Heap&, Arguments);

struct Function {
  std::string_view name;
  /// A letter for each argument: s text, i a whole number, l a list, m a map, a anything. "?" behind the last one: it
  /// may be left out; "*": any number of those, or none.
  std::string_view takes;
  FunctionCall call = nullptr;
  /// It asks whether there is a value: one that is missing is no error.
  enum class Missing { kIsAnError, kIsAnAnswer } missing = Missing::kIsAnError;

  struct Count {
    std::size_t least = 0;
    std::size_t most = std::numeric_limits<std::size_t>::max();
  };
  [[nodiscard]] Count arguments() const;
  /// An error for an argument that is not of the kind that it must be.
  [[nodiscard]] base::Result<void> check(Arguments arguments) const;
};

/// Null where there is none.
[[nodiscard]] const Function* find_function(std::string_view name);

// The tables, one per file.
[[nodiscard]] std::span<const Function> builtin_functions();
[[nodiscard]] std::span<const Function> text_functions();
[[nodiscard]] std::span<const Function> shape_functions();
[[nodiscard]] std::span<const Function> number_functions();
[[nodiscard]] std::span<const Function> list_functions();
[[nodiscard]] std::span<const Function> map_functions();
[[nodiscard]] std::span<const Function> encoding_functions();
[[nodiscard]] std::span<const Function> regex_functions();

/// `and` and `or` look at no more arguments than they need: the evaluator knows them by these.
inline constexpr std::string_view kAnd = "and";
inline constexpr std::string_view kOr = "or";

/// What Go's printf writes; what does not fit the format is written in the text, as Go does.
[[nodiscard]] base::Result<Value> format_call(Heap& heap, Arguments arguments);

/// Text as it is, everything else as print writes it.
[[nodiscard]] std::string text_of(Heap& heap, const Value& value);
/// The texts of a list, without its nils; anything else is a list of one.
[[nodiscard]] std::vector<std::string> texts_of(Heap& heap, const Value& value);
/// Numbers are cut to whole ones, text is read as a number; 0 where it is none.
[[nodiscard]] std::int64_t to_int(const Value& value);
[[nodiscard]] double to_float(const Value& value);
[[nodiscard]] base::Error wrong(std::string_view message);

}  // namespace lathe::templates
