#include "lathe/engine/user_content.h"

#include <fmt/format.h>

#include "lathe/agent/schema_faults.h"
#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {

using base::Error;
using base::Result;
using protocol::ContentPart;
using protocol::ImagePart;
using protocol::TextPart;

std::string image_type(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.size() > 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return "image/webp";
  return "";
}

namespace {

constexpr std::string_view kSmallerImage = "scale it down; a model sees no more of a larger one";

Result<ImagePart> store_image(std::string_view bytes, std::string_view name, ports::BlobStore& blobs) {
  const std::string type = image_type(bytes);
  if (type.empty()) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("{} is not an image", name),
                 .hint = "png, jpeg, gif and webp are understood"};
  }
  TRY(std::string blob, blobs.put(bytes));
  return ImagePart{.path = {}, .image_url = {}, .blob = std::move(blob), .media_type = type};
}

Result<ContentPart> settle_image(const ImagePart& image, const std::string& cwd, ports::BlobStore& blobs,
                                 const ContentLimits& limits) {
  if (!image.path.empty()) {
    const std::string path = image.path.starts_with('/') ? image.path : cwd + "/" + image.path;
    Result<std::string> read = runtime::read_file(path, limits.max_image_bytes).within("image");
    if (!read.ok() && read.error().code == base::codes::kLimit) return read.error().or_hint(kSmallerImage);
    TRY(const std::string bytes, std::move(read));
    TRY(ImagePart stored, store_image(bytes, image.path, blobs));
    return ContentPart(std::move(stored));
  }
  if (image.image_url.starts_with("data:")) {
    const std::size_t comma = image.image_url.find(";base64,");
    if (comma == std::string::npos) {
      return Error{.code = base::codes::kInvalid, .message = "image: a data: URL must be base64"};
    }
    if (image.image_url.size() > limits.max_image_bytes / 3 * 4) {
      return Error{.code = base::codes::kLimit,
                   .message = fmt::format("image: over the limit of {} bytes", limits.max_image_bytes),
                   .hint = std::string(kSmallerImage)};
    }
    TRY(const std::string bytes, base::base64_decode(std::string_view(image.image_url).substr(comma + 8)));
    TRY(ImagePart stored, store_image(bytes, "the data: URL", blobs));
    return ContentPart(std::move(stored));
  }
  if (image.image_url.starts_with("https://")) {
    return ContentPart(ImagePart{.path = {}, .image_url = image.image_url, .blob = {}, .media_type = image.media_type});
  }
  return Error{.code = base::codes::kInvalid, .message = "image: needs a path, or a data: or https: URL"};
}

}  // namespace

Result<void> check_output_schema(const base::Json& schema) {
  const std::vector<std::string> faults = agent::schema_faults(schema);
  if (faults.empty()) return {};
  return Error{.code = base::codes::kInvalid,
               .message = "the schema of the answer is no JSON Schema: " + base::join(faults, "; "),
               .hint = "mend the schema; no model was asked"};
}

Result<std::vector<ContentPart>> settle_content(const std::vector<ContentPart>& parts, const std::string& cwd,
                                                ports::BlobStore& blobs, ContentLimits limits) {
  std::vector<ContentPart> out;
  std::size_t text_bytes = 0;
  for (const ContentPart& part : parts) {
    if (const auto* text = std::get_if<TextPart>(&part)) {
      text_bytes += text->text.size();
      if (text_bytes > limits.max_text_bytes) {
        return Error{.code = base::codes::kLimit,
                     .message = fmt::format("the input is over the limit of {} bytes", limits.max_text_bytes),
                     .hint = "put the text into a file and name the file"};
      }
      out.emplace_back(TextPart{base::to_utf8(text->text)});
      continue;
    }
    TRY(ContentPart settled, settle_image(std::get<ImagePart>(part), cwd, blobs, limits));
    out.push_back(std::move(settled));
  }
  return out;
}

}  // namespace lathe::engine
