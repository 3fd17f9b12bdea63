#pragma once

#include <memory>
#include <string>

#include "lathe/ports/blob_store.h"
#include "lathe/storage/blob_folder.h"

namespace lathe::journal {

/// A storage::BlobFolder as the port that tools and sessions use. Any thread; outlives its writers.
class FolderBlobStore final : public ports::BlobStore {
 public:
  explicit FolderBlobStore(storage::BlobFolder folder) : folder_(std::move(folder)) {}

  [[nodiscard]] base::Result<base::Sha256Hex> put(std::string_view bytes) override { return folder_.put(bytes); }
  [[nodiscard]] base::Result<std::unique_ptr<ports::BlobWriter>> writer() override;
  [[nodiscard]] base::Result<std::string> get(const base::Sha256Hex& hash, std::size_t max_bytes) override {
    return folder_.get(hash, max_bytes);
  }

 private:
  storage::BlobFolder folder_;
};

}  // namespace lathe::journal
