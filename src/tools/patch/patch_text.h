#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lathe/base/result.h"

// The patch format that models know as apply_patch:
//
//   *** Begin Patch
//   *** Add File: path          then lines that begin with "+"
//   *** Delete File: path
//   *** Update File: path       then, when it moves, "*** Move to: path", then chunks
//   @@ a line to look for       opens a chunk; "@@" alone, and nothing before the first chunk, do too
//    kept
//   -removed
//   +added
//   *** End of File             the chunk stands at the end of the file
//   *** End Patch
//
// Read leniently where models are careless: blanks around the text and its marker lines, "\r" at line ends, a
// here-document around everything, an empty line for an empty kept line, blank lines between the parts.

namespace lathe::tools::patch {

struct ChunkLine {
  enum class Kind { kKept, kRemoved, kAdded };
  Kind kind = Kind::kKept;
  std::string text;
  friend bool operator==(const ChunkLine&, const ChunkLine&) = default;
};

struct Chunk {
  /// A line that stands somewhere before the chunk.
  std::optional<std::string> context;
  std::vector<ChunkLine> lines;
  bool at_end_of_file = false;
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

struct AddFile {
  std::string path;
  std::string content;
  friend bool operator==(const AddFile&, const AddFile&) = default;
};
struct DeleteFile {
  std::string path;
  friend bool operator==(const DeleteFile&, const DeleteFile&) = default;
};
struct UpdateFile {
  std::string path;
  /// Empty: it stays where it is.
  std::string move_to;
  std::vector<Chunk> chunks;
  friend bool operator==(const UpdateFile&, const UpdateFile&) = default;
};
using Hunk = std::variant<AddFile, DeleteFile, UpdateFile>;

/// `invalid` with the line of the patch that is wrong. A patch without hunks is none.
[[nodiscard]] base::Result<std::vector<Hunk>> parse_patch(std::string_view text);

}  // namespace lathe::tools::patch
