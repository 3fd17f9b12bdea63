#include "lathe/storage/filesystem.h"

#include <gtest/gtest.h>

namespace lathe::storage {
namespace {

TEST(Filesystem, NetworkOnesAreKnownByTheirType) {
  EXPECT_TRUE(is_network_filesystem(0x6969));                                 // NFS
  EXPECT_TRUE(is_network_filesystem(0xff534d42));                             // CIFS, as an unsigned word
  EXPECT_TRUE(is_network_filesystem(static_cast<std::int32_t>(0xfe534d42)));  // SMB2, sign-extended
  EXPECT_FALSE(is_network_filesystem(0xef53));                                // ext4
  EXPECT_FALSE(is_network_filesystem(0x01021994));                            // tmpfs
}

TEST(Filesystem, TheTemporaryFolderIsLocalAndAMissingOneIsAnError) {
  EXPECT_TRUE(refuse_network_filesystem("/tmp").ok());
  EXPECT_EQ(refuse_network_filesystem("/tmp/lathe-there-is-no-such-folder").error().code, base::codes::kNotFound);
}

}  // namespace
}  // namespace lathe::storage
