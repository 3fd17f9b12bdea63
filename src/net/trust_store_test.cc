#include "lathe/net/trust_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lathe::net {
namespace {

TEST(TrustStore, PrefersWhatWasNamedThenAFolderByHash) {
  std::string folder = testing::TempDir() + "lathe-trust-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  for (const char* other : {"ca-certificates.crt", "5ed36f9.0", "5ed36f99.pem", "5ed36f99."}) {
    std::ofstream(folder + "/" + other) << "x";
  }
  EXPECT_EQ(choose_trust_store("", folder), TrustStore{}) << "no name is a hash";
  std::ofstream(folder + "/5ed36f99.0") << "x";
  EXPECT_EQ(choose_trust_store("", folder), TrustStore{.folder = folder});
  EXPECT_EQ(choose_trust_store("/my/ca.pem", folder), TrustStore{.bundle = "/my/ca.pem"});
  EXPECT_EQ(choose_trust_store("", folder + "/missing"), TrustStore{});
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lathe::net
