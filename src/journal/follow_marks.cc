#include "lathe/journal/follow_marks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "lathe/base/ids.h"

namespace lathe::journal {

using base::Result;

namespace {

constexpr std::size_t kIdBytes = 36;

}  // namespace

FollowMarks::FollowMarks(std::string folder, storage::Disk disk, std::function<bool(const std::string&)> is_held,
                         std::function<std::optional<std::uint64_t>(const std::string&)> size_of)
    : folder_(std::move(folder)), disk_(disk), is_held_(std::move(is_held)), size_of_(std::move(size_of)) {}

Result<void> FollowMarks::note(const std::string& session_id) const {
  return disk_.create_file(path_of(session_id), "mark.create");
}

Result<void> FollowMarks::mark(const std::string& session_id) {
  TRY_OK(note(session_id));
  const std::lock_guard lock(mutex_);
  open_[session_id] = 0;
  return {};
}

void FollowMarks::closed(const std::string& session_id, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto open = open_.find(session_id);
  if (open == open_.end()) return;
  // A mark that cannot be removed costs the next query one look at the stream.
  if (open->second == size) (void)disk_.remove_file(path_of(session_id), "mark.remove");
  open_.erase(open);
}

Result<std::vector<std::string>> FollowMarks::marked() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> sessions;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failed)) {
    const std::string name = entry.path().filename();
    const std::string id = name.substr(0, kIdBytes);
    if (!base::is_uuid(id)) continue;
    sessions.insert(id);
    const auto [first, last] = claimed_.equal_range(id);
    const bool mine = std::any_of(first, last, [&](const auto& claim) { return claim.second == name; });
    if (mine || is_held_(id)) continue;
    const std::string claim = fmt::format("{}~{}-{}", id, ::getpid(), next_claim_++);
    // Another process may have claimed or removed it meanwhile; then it is theirs.
    if (::rename(path_of(name).c_str(), path_of(claim).c_str()) == 0) claimed_.emplace(id, claim);
  }
  if (failed) return base::errno_error(failed.value(), folder_);
  return std::vector<std::string>(sessions.begin(), sessions.end());
}

Result<void> FollowMarks::followed(const std::string& session_id, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  if (const auto open = open_.find(session_id); open != open_.end()) open->second = offset;
  const auto [first, last] = claimed_.equal_range(session_id);
  if (first == last || is_held_(session_id)) return {};
  const auto size = size_of_(session_id);
  if (size && *size != offset) return {};
  for (auto claim = first; claim != last; ++claim) {
    TRY_OK(disk_.remove_file(path_of(claim->second), "mark.remove"));
  }
  claimed_.erase(first, last);
  return {};
}

}  // namespace lathe::journal
