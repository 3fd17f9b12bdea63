#include "lathe/agent/images.h"

#include <set>
#include <string>
#include <utility>

#include "lathe/base/strings.h"

namespace lathe::agent {
namespace {

using Loaded = std::variant<ports::ModelImage, std::string>;

Loaded load(ports::BlobStore& blobs, const std::string& hash, std::size_t max_bytes) {
  base::Result<std::string> bytes = blobs.get(hash, max_bytes);
  if (!bytes.ok()) return bytes.error().message;
  return ports::ModelImage{{}, base::base64(*bytes), {}};
}

}  // namespace

runtime::Async<ImageSet> Images::of(std::span<const ports::PlacedEntry> entries, ports::ModelFacts facts) {
  ImageSet images;
  const std::set<std::string> wanted = image_blobs(entries);
  for (const std::string& hash : wanted) {
    if (!facts.images) {
      images.emplace(hash, "this model takes no images");
      continue;
    }
    auto found = loaded_.find(hash);
    if (found == loaded_.end()) {
      Loaded image = co_await pool_.run([this, &hash] { return load(blobs_, hash, max_bytes_); });
      found = loaded_.emplace(hash, std::move(image)).first;
    }
    images.insert(*found);
  }
  co_return images;
}

}  // namespace lathe::agent
