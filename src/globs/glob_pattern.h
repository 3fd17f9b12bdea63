#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lathe/base/result.h"

namespace re2 {
class RE2;
}

namespace lathe::globs {

/// A path pattern: "*" and "?" within a name, "**" across folders, "[a-z]" and "[!a-z]", "{one,two}", "\" before a
/// character that is meant as it is. Matched against whole paths with "/" between the names. Copies share one
/// immutable form.
class GlobPattern final {
 public:
  /// `invalid` when a bracket or brace is left open.
  [[nodiscard]] static base::Result<GlobPattern> parse(std::string_view pattern);
  [[nodiscard]] bool matches(std::string_view path) const;

 private:
  explicit GlobPattern(std::shared_ptr<const re2::RE2> form) : form_(std::move(form)) {}
  std::shared_ptr<const re2::RE2> form_;
};

/// What a person means by a file pattern: without a slash it is about the name in any folder.
[[nodiscard]] base::Result<GlobPattern> parse_file_pattern(std::string_view pattern);

}  // namespace lathe::globs
