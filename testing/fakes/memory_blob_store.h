#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "lathe/ports/blob_store.h"

namespace lathe::fakes {

/// Blobs in a map. Any thread.
class MemoryBlobStore final : public ports::BlobStore {
 public:
  base::Result<base::Sha256Hex> put(std::string_view bytes) override;
  base::Result<std::unique_ptr<ports::BlobWriter>> writer() override;
  base::Result<std::string> get(const base::Sha256Hex& hash, std::size_t max_bytes) override;

  [[nodiscard]] std::size_t count() const;
  /// From now on nothing can be written.
  void fill_disk() { full_ = true; }

 private:
  class Writer;
  mutable std::mutex mutex_;
  std::map<base::Sha256Hex, std::string> blobs_;  // under mutex_
  bool full_ = false;
};

}  // namespace lathe::fakes
