#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/formats/node.h"

// Strict reading of a tree into structs. Everything that is wrong is collected with its place, so that a person sees
// all of it at once:
//
//   Problems problems(document.file);
//   MapReader map(document.root, problems);
//   map.required("name", chain.name);
//   map.optional("tasks", chain.tasks);          // decode(const Node&, Task&, Problems&) is found by its argument
//   map.finish();                                // keys that nobody asked for
//   TRY_OK(problems.result());

namespace lathe::formats {

/// What is wrong with one file. Errors forbid its use, warnings do not.
class Problems final {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void error(Position at, std::string_view message, std::string hint = "");
  void warning(Position at, std::string_view message, std::string hint = "");

  [[nodiscard]] bool ok() const { return errors_.empty(); }
  /// In the order of the file.
  [[nodiscard]] const std::vector<base::Error>& errors() const { return errors_; }
  [[nodiscard]] const std::vector<base::Error>& warnings() const { return warnings_; }
  /// All errors as one, a line each; its hint is the first one's.
  [[nodiscard]] base::Result<void> result() const;

 private:
  std::string file_;
  std::vector<base::Error> errors_;
  std::vector<Position> error_places_;
  std::vector<base::Error> warnings_;
};

/// Each returns false, with an error in `problems`, when the value is of another kind; `out` then keeps its value.
bool decode(const Node& node, std::string& out, Problems& problems);
bool decode(const Node& node, bool& out, Problems& problems);
bool decode(const Node& node, std::int64_t& out, Problems& problems);
/// Whole numbers too.
bool decode(const Node& node, double& out, Problems& problems);
/// "15s", "5m", "1h30m".
bool decode(const Node& node, std::chrono::milliseconds& out, Problems& problems);
bool decode(const Node& node, std::map<std::string, std::string>& out, Problems& problems);

template <class T>
bool decode(const Node& node, std::vector<T>& out, Problems& problems);
template <class T>
bool decode(const Node& node, std::optional<T>& out, Problems& problems) {
  T value{};
  if (!decode(node, value, problems)) return false;
  out = std::move(value);
  return true;
}

/// Reports that `node` is not `expected` ("expected a list, not text").
void wrong_kind(const Node& node, std::string_view expected, Problems& problems);

template <class T>
bool decode(const Node& node, std::vector<T>& out, Problems& problems) {
  if (node.list() == nullptr) {
    wrong_kind(node, "a list", problems);
    return false;
  }
  std::vector<T> values;
  bool good = true;
  for (const Node& element : *node.list()) good = decode(element, values.emplace_back(), problems) && good;
  if (good) out = std::move(values);
  return good;
}

/// Keys are the same whether their words are joined by "-" or "_".
[[nodiscard]] bool same_key(std::string_view a, std::string_view b);

/// Reads one map, key by key. A null value is an empty map. Lives no longer than `node` and `problems`.
class MapReader final {
 public:
  MapReader(const Node& node, Problems& problems);

  /// False when the key is missing (an error) or its value is wrong.
  template <class T>
  bool required(std::string_view key, T& out) {
    const Node* value = take(key);
    if (value == nullptr) missing(key);
    return value != nullptr && decode(*value, out, problems_);
  }
  /// False when the key is missing or its value is wrong; `out` then keeps its value.
  template <class T>
  bool optional(std::string_view key, T& out) {
    const Node* value = take(key);
    return value != nullptr && decode(*value, out, problems_);
  }
  /// Text that must be one of `choices`.
  bool optional_choice(std::string_view key, const std::vector<std::string>& choices, std::string& out);
  /// The value as it is, or nullptr; the key counts as known.
  const Node* take(std::string_view key);

  enum class Unknown { kError, kWarning };
  /// Reports the keys that no call named, each with the nearest known one.
  void finish(Unknown unknown = Unknown::kError);

 private:
  void missing(std::string_view key);
  /// The members that no call has named so far.
  [[nodiscard]] std::vector<const Member*> unnamed() const;

  const Node& node_;
  Problems& problems_;
  std::vector<std::string> known_;
};

/// Reports that `found` is none of `choices`, with the nearest.
void not_a_choice(Position at, std::string_view found, const std::vector<std::string>& choices, Problems& problems);

}  // namespace lathe::formats
