#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/formats/node.h"

namespace lathe::facts {

/// A Markdown file that begins with YAML between two lines of "---".
struct Frontmatter {
  /// A map; its places are those of the file.
  formats::Document head;
  /// What follows, without blank lines at its start.
  std::string body;
};

/// Plain values that YAML would not take as text ("description: Use it when: …") are taken as text all the same,
/// because people and tools write them. Errors: `invalid` with "file:line:column" when there is no frontmatter or it is
/// no map.
[[nodiscard]] base::Result<Frontmatter> read_frontmatter(std::string_view text, const std::string& file);

}  // namespace lathe::facts
