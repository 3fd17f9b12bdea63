#include "lathe/undo/read_set.h"

#include <fcntl.h>

#include "lathe/base/strings.h"
#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"

namespace lathe::undo {

namespace {

constexpr std::size_t kHashDigits = 64;
/// With more lines than this to each path, the file is written anew.
constexpr std::size_t kWorn = 8;

/// "<hash> <path>"; a path with a line break is not kept.
std::string line_of(const std::string& path, const std::string& hash) { return hash + " " + path + "\n"; }

}  // namespace

std::unique_ptr<FileReadSet> FileReadSet::open(std::string path) {
  std::unique_ptr<FileReadSet> set(new FileReadSet(std::move(path)));
  const auto text = runtime::read_file(set->path_);
  if (!text.ok()) return set;
  const auto lines = base::split_lines(*text);
  for (const std::string_view line : lines) {
    if (line.size() < kHashDigits + 2 || !crypto::is_sha256(line.substr(0, kHashDigits))) continue;
    set->seen_.insert_or_assign(std::string(line.substr(kHashDigits + 1)), std::string(line.substr(0, kHashDigits)));
  }
  if (lines.size() > kWorn * (set->seen_.size() + 1)) {
    std::string fresh;
    for (const auto& [file, hash] : set->seen_) fresh += line_of(file, hash);
    (void)runtime::replace_file(set->path_, fresh, 0600, runtime::Durability::kProcess).ok();
  }
  return set;
}

void FileReadSet::saw(const std::string& absolute_path, const base::Sha256Hex& content) {
  const std::scoped_lock lock(mutex_);
  const auto [found, added] = seen_.try_emplace(absolute_path, content);
  if (!added && found->second == content) return;
  found->second = content;
  if (absolute_path.find('\n') != std::string::npos) return;
  const auto file = runtime::open_file(path_, O_WRONLY | O_CREAT | O_APPEND);
  // Not kept: known until the process ends.
  if (file.ok()) (void)runtime::write_all(file->get(), line_of(absolute_path, content), path_).ok();
}

std::optional<base::Sha256Hex> FileReadSet::last_seen(const std::string& absolute_path) const {
  const std::scoped_lock lock(mutex_);
  const auto found = seen_.find(absolute_path);
  if (found == seen_.end()) return std::nullopt;
  return found->second;
}

}  // namespace lathe::undo
