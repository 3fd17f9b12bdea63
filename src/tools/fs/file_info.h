#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/ports/tool.h"
#include "lathe/tools/common/workspace.h"
#include "lathe/tools/fs/fs_tools.h"

namespace lathe::tools::fs {

/// stat: kind, size, permissions, time of the last change.
[[nodiscard]] std::unique_ptr<ports::Tool> make_file_info(FsOptions options);
/// view_image: an image, and nothing else.
[[nodiscard]] std::unique_ptr<ports::Tool> make_view_image(FsOptions options);

/// What one read gives: text, or an image.
struct FileContent {
  std::string text;
  std::optional<protocol::ImagePart> image;
};
/// By the first bytes, whatever the name says; empty when it is none that models see.
[[nodiscard]] std::string_view image_type(std::string_view bytes);
/// `limit_exceeded` when it is too large. Blocks.
[[nodiscard]] base::Result<FileContent> read_image(const common::OpenFile& file, std::string_view type,
                                                   const common::Place& place, const FsOptions& options,
                                                   ports::BlobStore* blobs);

}  // namespace lathe::tools::fs
