#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/error.h"
#include "lathe/base/json.h"

// What a template computes with. A Value is small and copied freely; the texts, lists and maps that it points to belong
// to the template, to the values of the Scope (which never change), or to the Heap of one rendering.

namespace lathe::templates {

struct Value;
using Items = std::vector<Value>;
using Members = std::map<std::string, Value, std::less<>>;

enum class Kind : std::uint8_t {
  /// There is no member of that name; `text` is how the template names it.
  kMissing,
  kNil,
  kBool,
  kInt,
  kFloat,
  kText,
  kTime,
  kList,
  kMap,
};

struct Value {
  Kind kind = Kind::kNil;
  /// A bool, a whole number, or seconds since 1970.
  std::int64_t whole = 0;
  double real = 0;
  std::string_view text = {};
  /// A list or a map made by the template, or else the `json` that it is.
  const Items* items = nullptr;
  Members* members = nullptr;
  const base::Json* json = nullptr;

  [[nodiscard]] bool absent() const { return kind == Kind::kMissing || kind == Kind::kNil; }
};

[[nodiscard]] Value bool_value(bool flag);
[[nodiscard]] Value int_value(std::int64_t number);
[[nodiscard]] Value float_value(double number);
/// Of a text that outlives the rendering.
[[nodiscard]] Value text_value(std::string_view text);
[[nodiscard]] Value time_value(std::int64_t seconds);
[[nodiscard]] Value missing_value(std::string_view name);
[[nodiscard]] Value json_value(const base::Json& json);

/// What one rendering makes, and how much it may: bytes that are held, and steps that are done. Who would go over a
/// limit gets nothing more; the evaluator asks exhausted() after each step.
class Heap final {
 public:
  Heap(std::size_t max_bytes, std::int64_t now_seconds) : max_bytes_(max_bytes), now_seconds_(now_seconds) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  [[nodiscard]] Value text(std::string text);
  [[nodiscard]] Value list(Items items);
  [[nodiscard]] Value map(Members members);

  /// Keeps what was taken out of a map: values may still point to its name.
  void keep(Members::node_type member) { removed_.push_back(std::move(member)); }

  /// The value of a tree that is read while rendering.
  [[nodiscard]] Value tree(base::Json json);
  /// What is made once for one rendering, by a name: compiled patterns.
  [[nodiscard]] std::shared_ptr<const void>& made(const std::string& name) { return made_[name]; }

  /// False when that is more work than a template may do.
  bool spend(std::size_t steps);
  /// Whether a text of so many bytes may be made.
  bool fits(std::size_t bytes);
  /// Whether so many bytes more may be held.
  bool hold(std::size_t bytes);
  [[nodiscard]] bool exhausted() const { return !why_.empty(); }
  [[nodiscard]] base::Error error() const;
  void too_deep();
  [[nodiscard]] std::int64_t now_seconds() const { return now_seconds_; }

 private:
  std::size_t max_bytes_;
  std::int64_t now_seconds_;
  std::size_t steps_ = 0;
  std::size_t held_ = 0;
  std::string why_;
  std::deque<std::string> texts_;
  std::deque<Items> lists_;
  std::deque<Members> maps_;
  std::deque<Members::node_type> removed_;
  std::deque<base::Json> trees_;
  std::map<std::string, std::shared_ptr<const void>, std::less<>> made_;
};

/// Of a list or a map; 0 of anything else.
[[nodiscard]] std::size_t size_of(const Value& value);
[[nodiscard]] Value item_of(const Value& list, std::size_t index);
[[nodiscard]] std::optional<Value> member_of(const Value& map, std::string_view name);
/// Sorted by name. The names live as long as the rendering.
[[nodiscard]] std::vector<std::pair<std::string_view, Value>> members_of(const Value& map);
[[nodiscard]] Items items_of(const Value& list);

/// False for nil, false, zero, and whatever is empty.
[[nodiscard]] bool truth(const Value& value);
/// The same kind and the same content, all the way down; numbers by their value.
[[nodiscard]] bool same(Heap& heap, const Value& a, const Value& b);
/// "text", "a whole number", …: for messages.
[[nodiscard]] std::string_view kind_name(const Value& value);

/// Values lie in each other at most so deep.
inline constexpr int kMaxValueDepth = 250;

}  // namespace lathe::templates
