#include "lathe/storage/blob_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/crypto/sha256.h"

namespace lathe::storage {

using base::Error;
using base::Result;
using base::Sha256Hex;

namespace {

constexpr const char* kUnfinished = "/unfinished";

void remove_abandoned(const std::string& folder) {
  constexpr std::time_t kDay = 24 * 60 * 60;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    struct stat status{};
    if (::stat(entry.path().c_str(), &status) == 0 && status.st_mtime + kDay < std::time(nullptr)) {
      ::unlink(entry.path().c_str());
    }
  }
}

}  // namespace

BlobFile::BlobFile(const BlobFolder& folder, base::UniqueFd fd, std::string path)
    : folder_(&folder), fd_(std::move(fd)), path_(std::move(path)), hash_(std::make_unique<crypto::Sha256>()) {}
BlobFile::BlobFile(BlobFile&& other) noexcept
    : folder_(other.folder_),
      fd_(std::move(other.fd_)),
      path_(std::exchange(other.path_, {})),
      hash_(std::move(other.hash_)),
      size_(other.size_) {}
BlobFile::~BlobFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> BlobFile::write(std::string_view bytes) {
  TRY_OK(folder_->disk_.write_at(fd_.get(), size_, bytes, "blob.write", path_));
  hash_->update(bytes);
  size_ += bytes.size();
  return {};
}

Result<Sha256Hex> BlobFile::finish() {
  CHECK_REQUEST(!path_.empty());
  const Sha256Hex hash = hash_->finish();
  const std::string path = folder_->path_of(hash);
  struct stat there{};
  if (::stat(path.c_str(), &there) == 0 && static_cast<std::uint64_t>(there.st_size) == size_) {
    ::unlink(std::exchange(path_, {}).c_str());
    return hash;
  }
  const std::string parent = path.substr(0, path.find_last_of('/'));
  if (folder_->durability_ == runtime::Durability::kPower) {
    TRY_OK(folder_->disk_.sync(fd_.get(), "blob.sync", path_));
  }
  TRY_OK(runtime::make_folders(parent));
  TRY_OK(folder_->disk_.rename(path_, path, "blob.rename"));
  path_.clear();
  TRY_OK(folder_->disk_.sync_folder(parent, "blob.sync_folder", folder_->durability_));
  return hash;
}

Result<BlobFolder> BlobFolder::open(std::string folder, Disk disk, runtime::Durability durability) {
  TRY_OK(runtime::make_folders(folder + kUnfinished));
  remove_abandoned(folder + kUnfinished);
  return BlobFolder(std::move(folder), disk, durability);
}

std::string BlobFolder::path_of(const Sha256Hex& hash) const {
  return folder_ + "/" + hash.substr(0, 2) + "/" + hash.substr(2);
}

Result<BlobFile> BlobFolder::writer() const {
  std::string path = folder_ + kUnfinished + "/XXXXXX";
  base::UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd) return base::errno_error(errno, path);
  return BlobFile(*this, std::move(fd), std::move(path));
}

Result<Sha256Hex> BlobFolder::put(std::string_view bytes) const {
  TRY(BlobFile file, writer());
  TRY_OK(file.write(bytes));
  return file.finish();
}

Result<std::string> BlobFolder::get(const Sha256Hex& hash, std::size_t max_bytes) const {
  if (!crypto::is_sha256(hash)) {
    return Error{.code = base::codes::kInvalid, .message = "\"" + hash.substr(0, 80) + "\" is not a blob's hash"};
  }
  const std::string path = path_of(hash);
  auto bytes = runtime::read_file(path, max_bytes);
  if (!bytes.ok()) {
    if (bytes.error().code != base::codes::kNotFound) return bytes;
    return Error{.code = base::codes::kNotFound, .message = "there is no blob " + hash};
  }
  if (crypto::sha256(*bytes) != hash) {
    return Error{.code = base::codes::kCorrupt, .message = path + ": the bytes do not have the hash they are named by"};
  }
  return bytes;
}

bool BlobFolder::has(const Sha256Hex& hash) const {
  return crypto::is_sha256(hash) && runtime::path_exists(path_of(hash));
}

}  // namespace lathe::storage
