#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

namespace lathe::ports {

/// What people put on a session. Kept beside its stream, so that a rebuilt index has it again.
struct SessionMarks {
  /// Hidden from lists.
  bool archived = false;
  /// In order, each once.
  std::vector<std::string> tags = {};
  /// The last record that a person has looked at.
  std::int64_t read_seq = 0;
};

inline constexpr std::size_t kMostTags = 32;

/// `invalid` when the text is no tag: one word of at most 64 bytes that can name a file, and is no option.
[[nodiscard]] base::Result<void> check_tag(std::string_view tag);

}  // namespace lathe::ports
