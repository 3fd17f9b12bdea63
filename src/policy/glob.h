#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

namespace lathe::policy {

/// What a path may be, where it is not known: its parts as those of a Glob, "**" and the other wildcards included.
struct PathPattern {
  std::vector<std::string> parts;
  /// As in a shell: a part that begins with * or ? is no name that begins with a dot.
  bool hides_dots = false;
};

/// A path pattern: `*` and `?` within a part of a path, `**` over any number of parts, {a,b} alternatives. Matching
/// takes time in proportion to pattern times path.
class Glob final {
 public:
  /// `limit_exceeded` when its alternatives are more than 4,096.
  static base::Result<Glob> parse(std::string_view pattern);
  /// `path` is cleaned first: no ".", "..", "//" or final "/".
  [[nodiscard]] bool matches(std::string_view path) const;
  /// Whether some path is of both patterns.
  [[nodiscard]] bool may_match(const PathPattern& path) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  friend bool operator==(const Glob& a, const Glob& b) { return a.text_ == b.text_; }

 private:
  std::string text_;
  /// One list of parts for each alternative.
  std::vector<std::vector<std::string>> alternatives_;
};

/// The first "{" or "[" that is not closed behind it. A pattern takes such a one for itself, which nobody means.
[[nodiscard]] std::optional<char> unclosed_bracket(std::string_view pattern);

/// Lexically: no ".", "..", "//" or final "/"; "" is ".".
[[nodiscard]] std::string clean_path(std::string_view path);
/// `path` from `folder` on when it is relative; cleaned.
[[nodiscard]] std::string absolute_path(std::string_view folder, std::string_view path);

/// The host that a URL names, in lower case and without a final dot; "" when it is not a plain http(s) URL.
[[nodiscard]] std::string host_of_url(std::string_view url);
/// In lower case and without a final dot; "" for what no host name may hold.
[[nodiscard]] std::string canonical_host(std::string_view host);
/// An exact name, or "*.suffix".
[[nodiscard]] bool host_matches(std::string_view pattern, std::string_view host);

}  // namespace lathe::policy
