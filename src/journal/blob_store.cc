#include "lathe/journal/blob_store.h"

#include <utility>

namespace lathe::journal {
namespace {

class FileWriter final : public ports::BlobWriter {
 public:
  explicit FileWriter(storage::BlobFile file) : file_(std::move(file)) {}
  [[nodiscard]] base::Result<void> write(std::string_view bytes) override { return file_.write(bytes); }
  [[nodiscard]] base::Result<base::Sha256Hex> finish() override { return file_.finish(); }

 private:
  storage::BlobFile file_;
};

}  // namespace

base::Result<std::unique_ptr<ports::BlobWriter>> FolderBlobStore::writer() {
  TRY(storage::BlobFile file, folder_.writer());
  return std::unique_ptr<ports::BlobWriter>(std::make_unique<FileWriter>(std::move(file)));
}

}  // namespace lathe::journal
