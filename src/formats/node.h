#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lathe::formats {

/// Where a value starts in its file. Both count from 1; columns count bytes.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Member;

/// One value of a YAML or JSON file, and where it stands. A value type: copyable, comparable.
struct Node {
  using List = std::vector<Node>;
  /// In the order of the file; no key occurs twice.
  using Map = std::vector<Member>;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> value;
  Position at = {};

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&value); }
  [[nodiscard]] const List* list() const { return std::get_if<List>(&value); }
  [[nodiscard]] const Map* map() const { return std::get_if<Map>(&value); }
  /// The member's value, or nullptr when this is no map or has no such member.
  [[nodiscard]] const Node* find(std::string_view key) const;
  /// "text", "a number", "a list", …: what a message calls it.
  [[nodiscard]] std::string_view kind_name() const;

  /// Compares what the file says, not where it says it.
  friend bool operator==(const Node& a, const Node& b);
};

struct Member {
  std::string key;
  Position key_at;
  Node value;
  friend bool operator==(const Member& a, const Member& b);
};

/// A whole file. `file` is the name that messages use.
struct Document {
  std::string file;
  Node root;
};

}  // namespace lathe::formats
