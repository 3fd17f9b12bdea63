#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/base/hash.h"
#include "lathe/base/result.h"

namespace lathe::ports {

/// Receives bytes whose hash is not known yet. Dropping it without finish() leaves nothing behind.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  [[nodiscard]] virtual base::Result<void> write(std::string_view bytes) = 0;
  /// The bytes are in the store under the returned hash.
  [[nodiscard]] virtual base::Result<base::Sha256Hex> finish() = 0;
};

/// Bytes by their SHA-256. Blocks (local disk, page cache); safe from any thread.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  [[nodiscard]] virtual base::Result<base::Sha256Hex> put(std::string_view bytes) = 0;
  [[nodiscard]] virtual base::Result<std::unique_ptr<BlobWriter>> writer() = 0;
  /// `not_found` when there is no such blob, `corrupt` when its bytes do not have that hash.
  [[nodiscard]] virtual base::Result<std::string> get(const base::Sha256Hex& hash, std::size_t max_bytes) = 0;
};

}  // namespace lathe::ports
