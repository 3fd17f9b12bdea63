#include "lathe/engine/user_content.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::engine {
namespace {

class MapBlobs final : public ports::BlobStore {
 public:
  base::Result<base::Sha256Hex> put(std::string_view bytes) override {
    const std::string name = "blob" + std::to_string(kept.size());
    kept[name] = std::string(bytes);
    return name;
  }
  base::Result<std::unique_ptr<ports::BlobWriter>> writer() override {
    return base::Error{.code = base::codes::kUnsupported, .message = "not used here"};
  }
  base::Result<std::string> get(const base::Sha256Hex& hash, std::size_t) override { return kept[hash]; }
  std::map<std::string, std::string> kept;
};

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\nrest";

TEST(UserContent, FilesAndDataUrlsBecomeBlobs) {
  MapBlobs blobs;
  const std::string folder = ::testing::TempDir();
  const std::string file = folder + "/user_content_test.png";
  ASSERT_TRUE(runtime::replace_file(file, kPng, 0600, runtime::Durability::kProcess).ok());
  const auto settled = settle_content({protocol::TextPart{"see"}, protocol::ImagePart{.path = "user_content_test.png"},
                                       protocol::ImagePart{.image_url = "data:image/png;base64," + base::base64(kPng)}},
                                      folder, blobs);
  ASSERT_TRUE(settled.ok()) << settled.error().text();
  EXPECT_EQ(std::get<protocol::ImagePart>((*settled)[1]).media_type, "image/png");
  EXPECT_EQ(blobs.kept["blob0"], kPng);
  EXPECT_EQ(blobs.kept["blob1"], kPng);
  std::filesystem::remove(file);
}

TEST(UserContent, RefusesWhatItCannotUse) {
  MapBlobs blobs;
  const auto error_of = [&](protocol::ContentPart part) {
    return settle_content({std::move(part)}, "/", blobs).error();
  };
  EXPECT_EQ(error_of(protocol::TextPart{std::string((1U << 20) + 1, 'x')}).code, base::codes::kLimit);
  const std::string large = "data:image/png;base64," + std::string(30U << 20, 'A');
  EXPECT_EQ(error_of(protocol::ImagePart{.image_url = large}).code, base::codes::kLimit);
  EXPECT_NE(error_of(protocol::ImagePart{.image_url = large}).hint.find("scale it down"), std::string::npos);
  EXPECT_EQ(error_of(protocol::ImagePart{.path = "/no/such.png"}).code, base::codes::kNotFound);
  EXPECT_EQ(error_of(protocol::ImagePart{.path = "/etc/hostname"}).code, base::codes::kInvalid);
  EXPECT_EQ(error_of(protocol::ImagePart{.image_url = "http://plain"}).code, base::codes::kInvalid);
}

}  // namespace
}  // namespace lathe::engine
