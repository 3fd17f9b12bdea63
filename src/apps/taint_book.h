#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lathe/base/result.h"

namespace lathe::apps {

/// What commands left in workspaces that is not to be trusted outside of a sandbox, until a person has looked at it and
/// says so. A file per workspace in a folder of ours; any number of processes may add. Everything blocks.
class TaintBook final {
 public:
  struct Note {
    /// Unix milliseconds of when it was first found.
    std::int64_t at = 0;
    std::string text;
    friend bool operator==(const Note&, const Note&) = default;
  };

  explicit TaintBook(std::string folder) : folder_(std::move(folder)) {}

  /// `workspace`: absolute, without links. What is noted already is not noted again.
  [[nodiscard]] base::Result<void> add(const std::string& workspace, const Note& note) const;
  /// Empty: the workspace is not tainted. What cannot be read, or is damaged, is a note that says so.
  [[nodiscard]] std::vector<Note> of(const std::string& workspace) const;
  [[nodiscard]] base::Result<void> clear(const std::string& workspace) const;

 private:
  [[nodiscard]] std::string file_of(const std::string& workspace) const;

  std::string folder_;
};

/// "This workspace is tainted: …" for a person; "" when it is not.
[[nodiscard]] std::string taint_in_words(const std::vector<TaintBook::Note>& notes);

}  // namespace lathe::apps
