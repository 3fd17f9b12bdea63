#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "lathe/undo/session_history_rig.h"

// Undo in a process that is killed between two files, at every point.

namespace lathe::undo {
namespace {

/// Dies at the n-th use, as by kill -9.
class DyingBlobs final : public ports::BlobStore {
 public:
  DyingBlobs(ports::BlobStore& inner, int uses) : inner_(inner), uses_(uses) {}
  base::Result<base::Sha256Hex> put(std::string_view bytes) override {
    use();
    return inner_.put(bytes);
  }
  base::Result<std::unique_ptr<ports::BlobWriter>> writer() override { return inner_.writer(); }
  base::Result<std::string> get(const base::Sha256Hex& hash, std::size_t max_bytes) override {
    use();
    return inner_.get(hash, max_bytes);
  }

 private:
  void use() {
    if (uses_-- == 0) raise(SIGKILL);
  }
  ports::BlobStore& inner_;
  int uses_;
};

TEST_F(SessionHistoryTest, AnUndoThatIsKilledBetweenFilesCanBeRunAgain) {
  constexpr int kFiles = 4;
  bool whole = false;
  for (int uses = 0; !whole; ++uses) {
    ASSERT_LT(uses, 100);
    history_.reset();
    stdfs::remove_all(base_ + "/tree");
    stdfs::remove_all(base_ + "/session");
    stdfs::create_directory(base_ + "/tree");
    start();
    for (int i = 0; i < kFiles; ++i) put("f" + std::to_string(i), "before");
    command(10, [&] {
      stdfs::remove(at("f0"));
      stdfs::create_directory(at("f0"));
      put("f0/made", "x");
      for (int i = 1; i < kFiles; ++i) put("f" + std::to_string(i), "after");
    });
    history_.reset();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      runtime::Loop loop;
      runtime::Pool pool(loop, "fs", 1);
      DyingBlobs blobs(*blobs_, uses);
      SessionHistory history(pool, blobs,
                             {.folder = base_ + "/session/undo",
                              .cache_folder = base_ + "/cache",
                              .root = base_ + "/tree",
                              .left_out = {},
                              .secrets = *globs::SecretFiles::create(globs::default_secret_patterns()),
                              .keys = {},
                              .disk = storage::Disk(),
                              .run_git = {}});
      history.mark(1'000);
      const bool done = loop.block_on(history.restore(5, ports::RestoreMode::kRestore)).ok();
      _exit(done ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    whole = WIFEXITED(status);
    ASSERT_TRUE(whole ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL) << uses;
    start();
    EXPECT_THAT(restore(5).conflicts, testing::IsEmpty()) << uses;
    for (int i = 0; i < kFiles; ++i) EXPECT_EQ(get("f" + std::to_string(i)), "before") << uses;
    EXPECT_EQ(std::distance(stdfs::directory_iterator(base_ + "/tree"), {}), kFiles) << uses;
  }
}

}  // namespace
}  // namespace lathe::undo
