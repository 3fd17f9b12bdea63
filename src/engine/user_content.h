#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/ports/blob_store.h"
#include "lathe/protocol/items.h"

namespace lathe::engine {

struct ContentLimits {
  std::size_t max_text_bytes = 1U << 20;
  std::size_t max_image_bytes = 20U << 20;
};

/// Turns what a client submitted into what a record may hold: local files and data: URLs become blobs. Relative paths
/// are below `cwd`. Errors: `limit_exceeded` for text over 1 MiB, `invalid` for a file that is no image. Blocks.
[[nodiscard]] base::Result<std::vector<protocol::ContentPart>> settle_content(
    const std::vector<protocol::ContentPart>& parts, const std::string& cwd, ports::BlobStore& blobs,
    ContentLimits limits = {});

/// Refuses a schema of answers that is none, before any model is asked for an answer that follows it.
[[nodiscard]] base::Result<void> check_output_schema(const base::Json& schema);

/// image/png, image/jpeg, image/gif, image/webp by the first bytes; "" otherwise.
[[nodiscard]] std::string image_type(std::string_view bytes);

}  // namespace lathe::engine
