#include "lathe/engine/trust.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using protocol::TrustItem;

namespace {

constexpr std::size_t kMaxFileBytes = 4U << 20;
constexpr std::size_t kMaxItems = 2'000;
constexpr std::size_t kMaxDepth = 8;

struct Place {
  /// A file, or a folder with all that is in it.
  std::string_view path;
  std::string_view kind;
};
constexpr std::string_view kSkill = "skill";
constexpr std::array kPlaces{Place{".lathe/config.yaml", "config"},  Place{kRulesFolder, "policy"},
                             Place{".lathe/chains", "chain"},        Place{".lathe/agents", "agent"},
                             Place{".lathe/skills", kSkill},         Place{".lathe/hooks", "hook"},
                             Place{".agents/skills", kSkill},        Place{".claude/skills", kSkill},
                             Place{".lathe/mcp.json", "mcp_server"}, Place{".mcp.json", "mcp_server"}};

/// Step by step, so that nothing on the way may be a link.
Result<base::UniqueFd> open_repository_file(const std::string& root, const std::string& path) {
  TRY(base::UniqueFd at, runtime::open_file(root, O_RDONLY | O_DIRECTORY));
  const auto parts = base::split(path, '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (last ? 0 : O_DIRECTORY);
    base::UniqueFd next(openat(at.get(), std::string(parts[i]).c_str(), flags));
    if (next.get() < 0) return base::errno_error(errno, root + "/" + path);
    at = std::move(next);
  }
  struct stat status{};
  if (fstat(at.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error{.code = base::codes::kInvalid, .message = root + "/" + path + " is not a plain file"};
  }
  return at;
}

/// In pieces: what lies beside a skill may be larger than what is ever loaded.
Result<std::string> hash_of(const std::string& root, const std::string& path) {
  TRY(const base::UniqueFd file, open_repository_file(root, path));
  crypto::Sha256 hash;
  std::string piece(64U << 10, '\0');
  while (true) {
    const ssize_t count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error(errno, root + "/" + path);
    if (count == 0) return hash.finish();
    hash.update(std::string_view(piece).substr(0, static_cast<std::size_t>(count)));
  }
}

class Scan final {
 public:
  Scan(const std::string& root, std::vector<TrustItem>& items) : root_(root), items_(items) {}

  /// What is behind a link is nothing of its own: where it leads within the repository it is listed under that name.
  Result<void> add_place(const std::string& path, std::string_view kind) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      struct stat status{};
      const bool folder = lstat((root_ + "/" + path.substr(0, slash)).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
      if (!folder) return {};
    }
    return add(path, kind, 0);
  }

 private:
  Result<void> add(const std::string& path, std::string_view kind, std::size_t depth) {
    struct stat status{};
    if (lstat((root_ + "/" + path).c_str(), &status) != 0) return {};
    if (S_ISDIR(status.st_mode)) return add_folder(path, kind, depth);
    if (!S_ISREG(status.st_mode)) return {};
    if (items_.size() >= kMaxItems) {
      return Error{.code = base::codes::kLimit,
                   .message = fmt::format("{} wants more than {} files loaded", root_, kMaxItems)};
    }
    TRY(std::string sha256, hash_of(root_, path));
    items_.push_back({.path = path, .kind = std::string(kind), .sha256 = std::move(sha256)});
    return {};
  }

  Result<void> add_folder(const std::string& path, std::string_view kind, std::size_t depth) {
    if (depth >= kMaxDepth) return {};
    struct Close {
      void operator()(DIR* folder) const { closedir(folder); }
    };
    const std::unique_ptr<DIR, Close> folder(opendir((root_ + "/" + path).c_str()));
    if (!folder) return base::errno_error(errno, root_ + "/" + path);
    while (const dirent* entry = readdir(folder.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") TRY_OK(add(path + "/" + name, kind, depth + 1));
    }
    return {};
  }

  const std::string& root_;
  std::vector<TrustItem>& items_;
};

bool is_project_root(const std::string& folder) {
  return runtime::path_exists(folder + "/.git") || runtime::path_exists(folder + "/.lathe");
}

}  // namespace

std::string repository_root(const std::string& folder) {
  std::string at = folder;
  while (!at.empty() && at != "/") {
    if (is_project_root(at)) return at;
    at.resize(at.rfind('/'));
  }
  return folder;
}

bool is_rule_file(std::string_view name) {
  return !name.starts_with('.') && !name.contains('/') &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

Result<RepositoryFile> read_repository_file(const std::string& root, const std::string& path) {
  TRY(const base::UniqueFd open, open_repository_file(root, path));
  RepositoryFile file;
  TRY(file.text, runtime::read_all(open.get(), kMaxFileBytes, root + "/" + path));
  file.sha256 = crypto::sha256(file.text);
  return file;
}

Result<std::vector<TrustItem>> scan_repository(const std::string& root, const std::string& folder) {
  std::vector<TrustItem> items;
  Scan scan(root, items);
  for (const Place& place : kPlaces) TRY_OK(scan.add_place(std::string(place.path), place.kind));
  // Skills count in every folder from the working one up (facts/file_catalog.h).
  for (std::string at = folder; at.size() > root.size(); at.resize(at.rfind('/'))) {
    for (const Place& place : kPlaces) {
      if (place.kind != kSkill) continue;
      TRY_OK(scan.add_place(fmt::format("{}/{}", at.substr(root.size() + 1), place.path), place.kind));
    }
  }
  std::ranges::sort(items, {}, &TrustItem::path);
  return items;
}

Result<base::UniqueFd> lock_beside(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  TRY_OK(runtime::make_folders(file.substr(0, slash)));
  TRY(base::UniqueFd lock, runtime::open_file(file + ".lock", O_RDWR | O_CREAT));
  while (flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return base::errno_error(errno, "lock " + file);
  }
  return lock;
}

Result<TrustStore> TrustStore::read(std::string file) {
  TrustStore store(std::move(file));
  TRY_OK(store.load());
  return store;
}

Result<void> TrustStore::load() {
  entries_.clear();
  const auto text = runtime::read_file(file_, 64U << 20);
  if (!text.ok() && text.error().code == base::codes::kNotFound) return {};
  if (!text.ok()) return text.error();
  const auto parsed = base::parse_json(*text);
  const auto damaged = [&](const std::string& why) {
    return Error{.code = base::codes::kCorrupt,
                 .message = fmt::format("{}: {}", file_, why),
                 .hint = "move it away; what was trusted is asked about again"};
  };
  if (!parsed.ok()) return damaged(parsed.error().message);
  const base::Json& list = base::json_at(*parsed, "trusted");
  if (!list.is_array()) return damaged("there is no list \"trusted\"");
  for (const base::Json& entry : list) {
    Entry one{base::json_string(entry, "root"), base::json_string(entry, "path"), base::json_string(entry, "sha256")};
    if (!crypto::is_sha256(std::get<2>(one))) return damaged("an entry has no sha256");
    entries_.insert(std::move(one));
  }
  return {};
}

Result<void> TrustStore::save() const {
  base::Json list = base::Json::array();
  for (const auto& [root, path, sha256] : entries_) {
    base::Json entry;
    entry["root"] = root;
    entry["path"] = path;
    entry["sha256"] = sha256;
    list.push_back(std::move(entry));
  }
  base::Json file;
  file["trusted"] = std::move(list);
  return runtime::replace_file(file_, base::dump_json_pretty(file) + "\n", 0600, runtime::Durability::kPower);
}

bool TrustStore::trusts(const std::string& root, const std::string& path, const std::string& sha256) const {
  return entries_.contains({root, path, sha256});
}

bool TrustStore::changed(const std::string& root, const std::string& path, const std::string& sha256) const {
  return !trusts(root, path, sha256) && std::ranges::any_of(entries_, [&](const Entry& entry) {
    return std::get<0>(entry) == root && std::get<1>(entry) == path;
  });
}

std::vector<TrustItem> TrustStore::gone_rules(const std::string& root) const {
  std::vector<TrustItem> gone;
  const std::string folder = std::string(kRulesFolder) + "/";
  for (const auto& [project, path, sha256] : entries_) {
    // What stood elsewhere, or under another kind of name, never counted as rules.
    if (project != root || !path.starts_with(folder) || !is_rule_file(std::string_view(path).substr(folder.size()))) {
      continue;
    }
    struct stat status{};
    if (lstat((root + "/" + path).c_str(), &status) == 0) continue;
    if (!gone.empty() && gone.back().path == path) continue;
    gone.push_back({.path = path, .kind = "policy", .sha256 = sha256, .changed = true, .gone = true});
  }
  return gone;
}

std::string TrustStore::project_root(const std::string& folder) const {
  const std::string root = repository_root(folder);
  const bool is_project = is_project_root(root);
  for (std::string at = folder; !at.empty() && at != "/"; at.resize(at.rfind('/'))) {
    if (!gone_rules(at).empty()) return at;
    if (is_project && at == root) break;
  }
  return root;
}

void TrustStore::mark(const std::string& root, std::vector<TrustItem>& items) const {
  for (TrustItem& item : items) {
    item.trusted = trusts(root, item.path, item.sha256);
    item.changed = changed(root, item.path, item.sha256);
  }
}

Result<void> TrustStore::set(const std::string& root, const std::vector<TrustItem>& items, bool trusted) {
  TRY(const base::UniqueFd lock, lock_beside(file_));
  TRY_OK(load());
  for (const TrustItem& item : items) {
    if (trusted) {
      entries_.emplace(root, item.path, item.sha256);
    } else {  // every content of it that was ever trusted
      std::erase_if(entries_,
                    [&](const Entry& entry) { return std::get<0>(entry) == root && std::get<1>(entry) == item.path; });
    }
  }
  return save();
}

}  // namespace lathe::engine
