#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::ports {

/// A Turn that can be continued or forked from.
struct Bookmark {
  /// Ours; it has no spaces and no newlines.
  std::string response_id;
  /// Its turn_complete.
  std::int64_t seq = 0;
  friend bool operator==(const Bookmark&, const Bookmark&) = default;
};

/// The Turns of a session, oldest first. A value that is cheap to copy and to keep: a long session has hundreds of
/// thousands of them, of which most things need the last. They are text, one line `response_id seq` each: full blocks
/// of it never change and are shared by all copies, the rest is short.
class Bookmarks final {
 public:
  using Block = std::shared_ptr<const std::string>;
  /// A block is full with the line that reaches it.
  static constexpr std::size_t kBlockBytes = 64U << 10;

  Bookmarks() = default;
  Bookmarks(std::initializer_list<Bookmark> marks);
  /// Of what blocks() and rest() gave. Nothing when the text is not made of lines.
  static std::optional<Bookmarks> from_text(std::vector<Block> blocks, std::string rest);

  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
  [[nodiscard]] const std::string& rest() const { return rest_; }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// The latest.
  [[nodiscard]] std::optional<Bookmark> last() const;
  struct Found {
    Bookmark mark;
    /// seq of the Turn before it; 0: it is the first.
    std::int64_t before = 0;
  };
  [[nodiscard]] std::optional<Found> find(std::string_view response_id) const;

  /// An id that is not ours (with a space or a newline in it) cannot be found again, and is left out.
  void add(const Bookmark& mark);
  /// Drops those after the record `seq`.
  void drop_after(std::int64_t seq);

  /// Of the same Turns, however they are divided into blocks.
  friend bool operator==(const Bookmarks& left, const Bookmarks& right) { return left.text() == right.text(); }

 private:
  [[nodiscard]] std::string text() const;

  std::vector<Block> blocks_;
  std::string rest_;
  std::size_t size_ = 0;
};

}  // namespace lathe::ports
