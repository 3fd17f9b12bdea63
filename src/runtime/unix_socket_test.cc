#include "lathe/runtime/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace lathe::runtime {
namespace {

TEST(UnixListener, IsPrivateAndReachedByALongPath) {
  Loop loop;
  std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "unix_listener";
  std::filesystem::remove_all(folder);
  const std::filesystem::path root = folder;
  folder /= std::string(120, 'd');
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "socket").string();
  EXPECT_EQ(connect_to(path).error().code, base::codes::kNotFound);
  {
    auto listener = UnixListener::create(loop, path);
    ASSERT_TRUE(listener.ok()) << listener.error().text();
    struct stat there{};
    ASSERT_EQ(::stat(path.c_str(), &there), 0);
    EXPECT_EQ(there.st_mode & 0777U, 0600U);
    const auto client = connect_to(path);
    ASSERT_TRUE(client.ok()) << client.error().text();
    const auto accepted = loop.block_on((*listener)->accept(CancelToken()));
    ASSERT_TRUE(accepted.ok());
    const auto peer = peer_of(accepted->get());
    ASSERT_TRUE(peer.ok());
    EXPECT_EQ(peer->pid, ::getpid());
    EXPECT_EQ(peer->uid, ::geteuid());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace lathe::runtime
