#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/formats/node.h"
#include "lathe/formats/read.h"

namespace lathe::formats {

/// Grows a tree from the events of a parser, keeping its bounds. Both readers use it; nobody else does.
///
/// Once something is wrong, ok() is false, error() says what, and further events must not come.
class Builder final {
 public:
  Builder(std::string file, Limits limits) : file_(std::move(file)), limits_(limits) {}

  void scalar(Node node) { place(std::move(node)); }
  void begin_list(Position at) { open(Node{.value = Node::List{}, .at = at}); }
  void begin_map(Position at) { open(Node{.value = Node::Map{}, .at = at}); }
  /// Closes the innermost list or map and puts it into what surrounds it.
  void end();
  /// Whether the next scalar in the innermost map is a key.
  [[nodiscard]] bool wants_key() const;
  void key(std::string key, Position at);
  /// Puts a copy of a whole tree, as a YAML alias does; all its values count.
  void copy(const Node& node);
  void fail(Position at, std::string_view message, std::string hint = "");
  void too_large(std::size_t bytes);

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] const base::Error& error() const { return *error_; }
  /// A copy of the value that was placed last, to be used by copy(); its values count too.
  [[nodiscard]] Node remember();
  /// The finished tree; null when there were no events.
  [[nodiscard]] base::Result<Document> finish() &&;

 private:
  void open(Node node);
  void place(Node node);
  void limit(Position at, const std::string& what);
  /// False, with an error, when so many more values are too many.
  bool count(Position at, std::size_t values);

  std::string file_;
  Limits limits_;
  struct Open {
    Node node;
    bool has_key = false;
  };
  std::vector<Open> open_;
  Node root_;
  const Node* last_ = nullptr;
  std::size_t values_ = 0;
  std::optional<base::Error> error_;
};

}  // namespace lathe::formats
