#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/globs/glob_pattern.h"

namespace lathe::globs {

/// Which files of a project hold secrets, by their names: they are masked for commands, refused by file tools and left
/// out of snapshots. A value; copies share their patterns.
class SecretFiles final {
 public:
  /// Nothing is secret.
  SecretFiles() = default;
  /// Patterns as people write them: without a slash about the name in any folder, with one about the path from the
  /// working folder on. "!" in front takes back what patterns before it said. `invalid` names the pattern.
  [[nodiscard]] static base::Result<SecretFiles> create(const std::vector<std::string>& patterns);

  /// `path`: from the working folder on, or absolute.
  [[nodiscard]] bool matches(std::string_view path) const;
  [[nodiscard]] const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  struct Rule {
    GlobPattern pattern;
    bool secret = true;
  };
  std::vector<std::string> patterns_;
  std::vector<Rule> rules_;
};

/// What the config key `secret-files` holds unless a person sets it.
[[nodiscard]] const std::vector<std::string>& default_secret_patterns();

/// Files and folders of a home that no model has business with: keys, tokens, browsers, histories, other agents.
/// Relative to the home; a folder stands for all that is in it.
[[nodiscard]] const std::vector<std::string>& home_secret_paths();

}  // namespace lathe::globs
