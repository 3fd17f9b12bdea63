#pragma once

#include <span>

#include "lathe/agent/context.h"
#include "lathe/ports/blob_store.h"
#include "lathe/ports/conversation.h"
#include "lathe/ports/model_directory.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/pool.h"

namespace lathe::agent {

/// Loads images of a conversation from the blob store, each once. One per Task, on the loop; reads on the pool.
class Images final {
 public:
  Images(runtime::Pool& pool, ports::BlobStore& blobs, std::size_t max_bytes)
      : pool_(pool), blobs_(blobs), max_bytes_(max_bytes) {}

  /// All images that `entries` show, as a model with these facts gets them. `entries` stays as it is meanwhile.
  runtime::Async<ImageSet> of(std::span<const ports::PlacedEntry> entries, ports::ModelFacts facts);

 private:
  runtime::Pool& pool_;
  ports::BlobStore& blobs_;
  const std::size_t max_bytes_;
  ImageSet loaded_;
};

}  // namespace lathe::agent
