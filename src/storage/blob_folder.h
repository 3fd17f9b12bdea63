#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/base/hash.h"
#include "lathe/base/result.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/disk.h"

namespace lathe::crypto {
class Sha256;
}

namespace lathe::storage {

class BlobFolder;

/// Bytes on their way into a BlobFolder, which outlives it. Dropped without finish() it leaves nothing behind.
class BlobFile final {
 public:
  BlobFile(BlobFile&& other) noexcept;
  BlobFile& operator=(BlobFile&&) = delete;
  ~BlobFile();

  [[nodiscard]] base::Result<void> write(std::string_view bytes);
  /// The bytes are in the folder under the returned hash. Once only.
  [[nodiscard]] base::Result<base::Sha256Hex> finish();

 private:
  friend class BlobFolder;
  BlobFile(const BlobFolder& folder, base::UniqueFd fd, std::string path);

  const BlobFolder* folder_;
  base::UniqueFd fd_;
  std::string path_;
  std::unique_ptr<crypto::Sha256> hash_;
  std::uint64_t size_ = 0;
};

/// Bytes by their SHA-256: <folder>/<first two digits>/<the others>. A file appears whole or not at all, so any number
/// of processes may share one. Blocks; any thread.
class BlobFolder final {
 public:
  /// Creates the folder. Unfinished files that a crash left more than a day ago are removed.
  [[nodiscard]] static base::Result<BlobFolder> open(std::string folder, Disk disk, runtime::Durability durability);

  [[nodiscard]] base::Result<base::Sha256Hex> put(std::string_view bytes) const;
  [[nodiscard]] base::Result<BlobFile> writer() const;
  /// `not_found` when there is no such blob, `corrupt` when its bytes do not have that hash.
  [[nodiscard]] base::Result<std::string> get(const base::Sha256Hex& hash, std::size_t max_bytes) const;
  /// Whether there is such a blob. Its bytes are not read.
  [[nodiscard]] bool has(const base::Sha256Hex& hash) const;

 private:
  friend class BlobFile;
  BlobFolder(std::string folder, Disk disk, runtime::Durability durability)
      : folder_(std::move(folder)), disk_(disk), durability_(durability) {}
  [[nodiscard]] std::string path_of(const base::Sha256Hex& hash) const;

  std::string folder_;
  Disk disk_;
  runtime::Durability durability_;
};

}  // namespace lathe::storage
