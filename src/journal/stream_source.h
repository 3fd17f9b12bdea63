#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lathe/journal/follow_marks.h"
#include "lathe/journal/history.h"
#include "lathe/journal/session_folders.h"
#include "lathe/ports/session_source.h"

namespace lathe::journal {

/// The data root's sessions as an index follows them. Any thread; `folders` and `marks` outlive it.
class StreamSource final : public ports::SessionSource {
 public:
  StreamSource(const SessionFolders& folders, FollowMarks& marks) : folders_(folders), marks_(marks) {}

  [[nodiscard]] base::Result<std::vector<std::string>> sessions() const override { return folders_.list(); }
  [[nodiscard]] base::Result<std::vector<std::string>> unfollowed() override { return marks_.marked(); }
  [[nodiscard]] base::Result<void> followed(const std::string& session_id, std::uint64_t offset) override;
  [[nodiscard]] base::Result<void> check_had(const std::string& session_id, std::uint64_t bytes) override;
  [[nodiscard]] std::optional<std::uint64_t> stream_bytes(const std::string& session_id) const override {
    return folders_.stream_bytes(session_id);
  }
  [[nodiscard]] base::Result<ports::SourcePage> read_own(const std::string& session_id, std::uint64_t offset,
                                                         std::size_t max_bytes) const override;
  [[nodiscard]] base::Result<void> check(const std::string& session_id) const override;
  [[nodiscard]] base::Result<ports::SessionState> origin(const std::string& session_id) const override {
    return History(folders_).origin(session_id);
  }
  [[nodiscard]] bool archived(const std::string& session_id) const override { return folders_.archived(session_id); }
  [[nodiscard]] base::Result<void> set_archived(const std::string& session_id, bool archived) override {
    return folders_.set_archived(session_id, archived);
  }
  [[nodiscard]] bool held(const std::string& session_id) const override { return folders_.held(session_id); }

 private:
  const SessionFolders& folders_;
  FollowMarks& marks_;
};

}  // namespace lathe::journal
