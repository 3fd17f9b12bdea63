#include "lathe/fakes/memory_blob_store.h"

#include "lathe/crypto/sha256.h"

namespace lathe::fakes {

using base::Error;
using base::Result;

namespace {

Error no_space() { return {.code = base::codes::kNoSpace, .message = "no space left on device"}; }

}  // namespace

class MemoryBlobStore::Writer final : public ports::BlobWriter {
 public:
  explicit Writer(MemoryBlobStore& store) : store_(store) {}
  Result<void> write(std::string_view bytes) override {
    if (store_.full_) return no_space();
    bytes_ += bytes;
    return {};
  }
  Result<base::Sha256Hex> finish() override { return store_.put(bytes_); }

 private:
  MemoryBlobStore& store_;
  std::string bytes_;
};

Result<base::Sha256Hex> MemoryBlobStore::put(std::string_view bytes) {
  if (full_) return no_space();
  const std::lock_guard lock(mutex_);
  base::Sha256Hex hash = crypto::sha256(bytes);
  blobs_[hash] = std::string(bytes);
  return hash;
}

Result<std::unique_ptr<ports::BlobWriter>> MemoryBlobStore::writer() {
  if (full_) return no_space();
  return std::unique_ptr<ports::BlobWriter>(std::make_unique<Writer>(*this));
}

Result<std::string> MemoryBlobStore::get(const base::Sha256Hex& hash, std::size_t max_bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(hash);
  if (found == blobs_.end()) return Error{.code = base::codes::kNotFound, .message = "no blob " + hash};
  if (found->second.size() > max_bytes) {
    return Error{.code = base::codes::kLimit, .message = "it is larger than " + std::to_string(max_bytes) + " bytes"};
  }
  return found->second;
}

std::size_t MemoryBlobStore::count() const {
  const std::lock_guard lock(mutex_);
  return blobs_.size();
}

}  // namespace lathe::fakes
