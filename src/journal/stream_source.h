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
  [[nodiscard]] ports::SessionMarks marks(const std::string& session_id) const override {
    return folders_.marks(session_id);
  }
  [[nodiscard]] base::Result<void> set_archived(const std::string& session_id, bool archived) override {
    return folders_.set_archived(session_id, archived);
  }
  [[nodiscard]] base::Result<void> set_tag(const std::string& session_id, const std::string& tag, bool there) override {
    return folders_.set_tag(session_id, tag, there);
  }
  [[nodiscard]] base::Result<void> set_read(const std::string& session_id, std::int64_t read_seq) override {
    return folders_.set_read(session_id, read_seq);
  }
  [[nodiscard]] bool held(const std::string& session_id) const override { return folders_.held(session_id); }

 private:
  const SessionFolders& folders_;
  FollowMarks& marks_;
};

}  // namespace lathe::journal
