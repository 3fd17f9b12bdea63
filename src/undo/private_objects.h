#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/result.h"

// The objects that undo relies on, in a folder of ours, so that it does not matter what becomes of the repository: `git
// gc --prune=now`, a command that removes `.git`.
//
// Packs, and the loose objects that are asked for, are cloned where the file system can (FICLONE: btrfs, XFS), which
// costs microseconds. Elsewhere they are copied as long as they are few and small; beyond that they get a second name
// (a hard link). What is cloned or copied stands whatever happens. What is linked stands removing and repacking, but
// not a command that overwrites the object's file in place: the bytes are then known to be wrong by their hash, never
// restored, and the file is told as one that cannot be taken back. Where nothing can be linked (another file system) an
// object that is neither cloned nor copied is not held, and undo copies the file itself.
//
// What the repository has dropped stays for a month.

namespace lathe::undo {

/// Object files that are copied at most, by one PrivateObjects; cloning is free.
struct CopyBounds {
  std::uint64_t bytes = 64ULL << 20;
  std::size_t files = 2'000;
};

/// Names of the objects in a pack, as its index lists them (gitformat-pack, version 2).
class PackIndex final {
 public:
  /// `corrupt` unless it is one; `limit_exceeded` with too many objects to be looked at.
  [[nodiscard]] static base::Result<PackIndex> read(const std::string& path);
  /// 40 hexadecimal digits.
  [[nodiscard]] bool contains(std::string_view name) const;

 private:
  /// Sorted, 20 bytes each.
  std::string names_;
};

/// Objects of one repository, kept in one folder. One thread at a time; blocks.
class PrivateObjects final {
 public:
  /// Makes `folder`, a repository for git with nothing in it but objects, and brings its packs up to those of
  /// `objects_folder` and of what that borrows from. "": there is no repository any more.
  [[nodiscard]] static base::Result<PrivateObjects> open(const std::string& folder, const std::string& objects_folder,
                                                         CopyBounds bounds = {});

  /// Whether the folder has the object from now on.
  [[nodiscard]] bool keep(const std::string& name);

 private:
  PrivateObjects(std::string folder, CopyBounds bounds) : folder_(std::move(folder)), left_(bounds) {}
  void take_packs();
  [[nodiscard]] bool take_file(const std::string& source, const std::string& relative);
  [[nodiscard]] bool may_copy(std::uint64_t size) const { return left_.files > 0 && size <= left_.bytes; }
  /// Cloned, or else copied while that is in bounds.
  [[nodiscard]] bool duplicate(const std::string& source, const std::string& target, std::uint64_t size);
  [[nodiscard]] bool clone(int from, int to);
  [[nodiscard]] bool copy(int from, int to, std::uint64_t size);
  void drop_what_is_old() const;

  /// Of ours, "…/objects".
  std::string folder_;
  CopyBounds left_;
  /// As far as is known.
  bool can_clone_ = true;
  /// The repository's, and what it borrows from.
  std::vector<std::string> sources_;
  std::vector<PackIndex> packs_;
};

/// A repository's folder of objects, and those that it borrows from; none of "".
[[nodiscard]] std::vector<std::string> object_folders(const std::string& objects_folder);

/// A repository with nothing in it.
[[nodiscard]] base::Result<void> make_empty_repository(const std::string& folder);

}  // namespace lathe::undo
