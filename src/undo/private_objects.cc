#include "lathe/undo/private_objects.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>
#include <filesystem>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/files.h"
#include "lathe/undo/file_state.h"

namespace lathe::undo {

using base::Error;
using base::Result;
using base::UniqueFd;

namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kObjectNameBytes = 20;
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kFanOutBytes = 256 * 4;
constexpr std::size_t kMostNames = 3'000'000;
constexpr std::size_t kMostAlternates = 20;
constexpr std::time_t kDay = 24L * 60 * 60;
constexpr std::time_t kKeptFor = 30 * kDay;

std::optional<struct stat> status_of(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

/// Changed at that time, which nobody but the kernel sets.
bool is_older(const struct stat& status, std::time_t age) { return status.st_ctim.tv_sec + age < std::time(nullptr); }

std::string loose_path(const std::string& name) { return name.substr(0, 2) + "/" + name.substr(2); }

bool is_name(std::string_view name) {
  return name.size() == 2 * kObjectNameBytes && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string bytes_of(std::string_view name) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < name.size(); i += 2) {
    bytes += static_cast<char>(digit(name[i]) * 16 + digit(name[i + 1]));
  }
  return bytes;
}

}  // namespace

Result<void> make_empty_repository(const std::string& folder) {
  if (runtime::path_exists(folder + "/HEAD")) return {};
  TRY_OK(runtime::make_folders(folder + "/objects/pack"));
  TRY_OK(runtime::make_folders(folder + "/refs"));
  constexpr auto kDurability = runtime::Durability::kProcess;
  TRY_OK(runtime::replace_file(folder + "/config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n", 0600,
                               kDurability));
  return runtime::replace_file(folder + "/HEAD", "ref: refs/heads/none\n", 0600, kDurability);
}

std::vector<std::string> object_folders(const std::string& objects_folder) {
  std::vector<std::string> folders;
  if (!objects_folder.empty()) folders.push_back(objects_folder);
  for (std::size_t at = 0; at < folders.size(); ++at) {
    const std::string text = read_regular_file(folders[at] + "/info/alternates", 1U << 20).value_or("");
    for (const std::string_view line : base::split_lines(text)) {
      if (line.empty() || line.starts_with('#') || folders.size() >= kMostAlternates) continue;
      std::string folder = line.starts_with('/') ? std::string(line) : folders[at] + "/" + std::string(line);
      if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
    }
  }
  return folders;
}

Result<PackIndex> PackIndex::read(const std::string& path) {
  const Error damaged{.code = base::codes::kCorrupt, .message = path + " is not the index of a pack"};
  TRY(const UniqueFd file, runtime::open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  std::string head(kHeaderBytes + kFanOutBytes, '\0');
  if (pread(file.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) return damaged;
  if (!head.starts_with(std::string_view("\377tOc\0\0\0\2", kHeaderBytes))) return damaged;
  std::size_t count = 0;
  for (const char byte : head.substr(head.size() - 4)) count = count << 8U | static_cast<unsigned char>(byte);
  if (count > kMostNames) return Error{.code = base::codes::kLimit, .message = path + " lists too many objects"};
  PackIndex index;
  index.names_.resize(count * kObjectNameBytes);
  const ssize_t got = pread(file.get(), index.names_.data(), index.names_.size(), static_cast<off_t>(head.size()));
  if (got != static_cast<ssize_t>(index.names_.size())) return damaged;
  return index;
}

bool PackIndex::contains(std::string_view name) const {
  if (!is_name(name)) return false;
  const std::string wanted = bytes_of(name);
  std::size_t from = 0;
  std::size_t to = names_.size() / kObjectNameBytes;
  while (from < to) {
    const std::size_t middle = (from + to) / 2;
    const int order = names_.compare(middle * kObjectNameBytes, kObjectNameBytes, wanted);
    if (order == 0) return true;
    (order < 0 ? from : to) = order < 0 ? middle + 1 : middle;
  }
  return false;
}

Result<PrivateObjects> PrivateObjects::open(const std::string& folder, const std::string& objects_folder,
                                            CopyBounds bounds) {
  TRY_OK(make_empty_repository(folder));
  PrivateObjects objects(folder + "/objects", bounds);
  objects.sources_ = object_folders(objects_folder);
  objects.take_packs();
  objects.drop_what_is_old();
  return objects;
}

void PrivateObjects::take_packs() {
  std::error_code ignored;
  for (const std::string& source : sources_) {
    for (const auto& entry : stdfs::directory_iterator(source + "/pack", ignored)) {
      if (entry.path().extension() != ".idx") continue;
      const std::string stem = "pack/" + entry.path().stem().string();
      // The index last: it says that the pack is there.
      if (take_file(source + "/" + stem + ".pack", stem + ".pack")) {
        (void)take_file(source + "/" + stem + ".idx", stem + ".idx");
      }
    }
  }
  for (const auto& entry : stdfs::directory_iterator(folder_ + "/pack", ignored)) {
    if (entry.path().extension() != ".idx") continue;
    if (auto index = PackIndex::read(entry.path().string()); index.ok()) packs_.push_back(*std::move(index));
  }
}

bool PrivateObjects::take_file(const std::string& source, const std::string& relative) {
  const std::string target = folder_ + "/" + relative;
  if (const auto there = status_of(target)) {
    // Of a copy this is the time at which it was last wanted.
    if (there->st_nlink == 1 && is_older(*there, kDay)) (void)utimensat(AT_FDCWD, target.c_str(), nullptr, 0);
    return true;
  }
  const auto status = status_of(source);
  if (!status || !S_ISREG(status->st_mode)) return false;
  if (!runtime::make_folders(target.substr(0, target.rfind('/'))).ok()) return false;
  const auto size = static_cast<std::uint64_t>(status->st_size);
  if ((can_clone_ || may_copy(size)) && duplicate(source, target, size)) return true;
  return link(source.c_str(), target.c_str()) == 0 || errno == EEXIST;
}

bool PrivateObjects::duplicate(const std::string& source, const std::string& target, std::uint64_t size) {
  const auto from = runtime::open_file(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!from.ok()) return false;
  static std::atomic<unsigned> count{0};
  const std::string unfinished = fmt::format("{}.{}-{}.tmp", target, getpid(), count.fetch_add(1));
  bool done = false;
  if (const auto to = runtime::open_file(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0400); to.ok()) {
    done = clone(from->get(), to->get()) || copy(from->get(), to->get(), size);
    done = done && rename(unfinished.c_str(), target.c_str()) == 0;
  }
  if (!done) unlink(unfinished.c_str());
  return done;
}

bool PrivateObjects::clone(int from, int to) {
  if (!can_clone_) return false;
  if (ioctl(to, FICLONE, from) == 0) return true;
  // Another source may lie on the same file system as we do.
  can_clone_ = errno == EXDEV;
  return false;
}

bool PrivateObjects::copy(int from, int to, std::uint64_t size) {
  if (!may_copy(size)) return false;
  ssize_t moved = 0;
  while ((moved = copy_file_range(from, nullptr, to, nullptr, 1U << 30, 0)) > 0) {
  }
  if (moved < 0 && (errno == EXDEV || errno == ENOSYS || errno == EINVAL)) {
    const auto bytes = runtime::read_all(from, left_.bytes, "an object of git's");
    moved = bytes.ok() && runtime::write_all(to, *bytes, "an object of ours").ok() ? 0 : -1;
  }
  if (moved != 0) return false;
  left_.bytes -= size;
  --left_.files;
  return true;
}

bool PrivateObjects::keep(const std::string& name) {
  if (!is_name(name)) return false;
  if (std::ranges::any_of(packs_, [&](const PackIndex& pack) { return pack.contains(name); })) return true;
  const std::string relative = loose_path(name);
  if (sources_.empty()) return status_of(folder_ + "/" + relative).has_value();
  return std::ranges::any_of(sources_,
                             [&](const std::string& source) { return take_file(source + "/" + relative, relative); });
}

void PrivateObjects::drop_what_is_old() const {
  // Looked through once a day.
  const std::string marker = folder_ + "/looked-through";
  if (const auto looked = status_of(marker); looked && !is_older(*looked, kDay)) return;
  if (!runtime::replace_file(marker, "", 0600, runtime::Durability::kProcess).ok()) return;
  std::error_code error;
  stdfs::recursive_directory_iterator at(folder_, error);
  for (; !error && at != stdfs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path().string();
    const auto status = status_of(path);
    if (!status || !S_ISREG(status->st_mode) || !is_older(*status, kKeptFor)) continue;
    const std::string relative = path.substr(folder_.size() + 1);
    const auto has = [&](const std::string& source) { return status_of(source + "/" + relative).has_value(); };
    if (std::ranges::none_of(sources_, has)) unlink(path.c_str());
  }
}

}  // namespace lathe::undo
