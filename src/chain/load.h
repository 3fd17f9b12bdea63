#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lathe/chain/chain.h"
#include "lathe/chain/finding.h"

// Text of a workflow file -> chains. Three dialects make one form:
//
//   contenox   JSON with `id` and `tasks`, unchanged
//   vix        JSON with `workflows`: several chains in one file, with $(…) templates
//   lathe      our superset of contenox's, in YAML or JSON
//
// A YAML file, or one that has a key or a handler of ours, is ours; a JSON file with neither is contenox's. Pure: no
// file is opened, no template is rendered. Nothing throws, and everything that is wrong comes at once, as far as the
// file can be understood.

namespace lathe::chain {

struct LoadOptions {
  enum class UnknownFields : std::uint8_t { kWarning, kError };
  /// kError is --strict.
  UnknownFields unknown_fields = UnknownFields::kWarning;
};

struct Loaded {
  /// As much as could be understood. With an error in `findings` for looking at only, never to be run.
  std::vector<Chain> chains;
  /// Sorted by place.
  std::vector<Finding> findings;
};

/// `file` is the name for messages; ".json" makes it JSON, everything else is YAML.
[[nodiscard]] Loaded load(std::string_view text, const std::string& file, LoadOptions options = {});

}  // namespace lathe::chain
