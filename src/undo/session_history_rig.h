#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lathe/journal/blob_store.h"
#include "lathe/storage/blob_folder.h"
#include "lathe/undo/git_for_test.h"
#include "lathe/undo/session_history.h"

namespace lathe::undo {

namespace stdfs = std::filesystem;

/// A workspace with real files; each test plays the tools, the commands and the person.
class SessionHistoryTest : public testing::Test {
 protected:
  SessionHistoryTest() {
    std::string pattern = (stdfs::temp_directory_path() / "lathe-undo-XXXXXX").string();
    base_ = mkdtemp(pattern.data());
    stdfs::create_directory(base_ + "/tree");
    blobs_.emplace(*storage::BlobFolder::open(base_ + "/blobs", storage::Disk(), runtime::Durability::kProcess));
    start();
  }
  ~SessionHistoryTest() override { stdfs::remove_all(base_); }

  /// A new process with the same session.
  void start() {
    history_ = std::make_unique<SessionHistory>(
        pool_, *blobs_,
        HistoryOptions{.folder = base_ + "/session/undo",
                       .cache_folder = base_ + "/cache",
                       .root = base_ + "/tree",
                       .left_out = base_ + "/tree/state",
                       .secrets = *globs::SecretFiles::create(globs::default_secret_patterns()),
                       .keys = [] { return std::vector<std::string>{"sk-very-secret"}; },
                       .disk = storage::Disk(),
                       .run_git = unjailed_git(loop_)});
  }
  [[nodiscard]] std::string at(const std::string& path) const { return base_ + "/tree/" + path; }
  void put(const std::string& path, std::string_view bytes) {
    stdfs::create_directories(stdfs::path(at(path)).parent_path());
    std::ofstream(at(path), std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] std::optional<std::string> get(const std::string& path) const {
    std::ifstream file(at(path), std::ios::binary);
    if (!file) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>(file), {}};
  }
  void tool_writes(std::int64_t seq, const std::string& path, std::optional<std::string> bytes) {
    history_->mark(seq);
    const auto before = get(path);
    ports::FileWrite write{.path = at(path)};
    if (before) write.before = *before;
    if (bytes) write.after = *bytes;
    const auto kept = loop_.block_on(pool_.run([&] { return history_->will_write({write}); }));
    ASSERT_TRUE(kept.ok()) << kept.error().text();
    if (bytes) {
      put(path, *bytes);
    } else {
      stdfs::remove(at(path));
    }
  }
  template <class Command>
  ports::SnapshotSummary command(std::int64_t seq, Command run) {
    history_->mark(seq);
    const auto snapshot = loop_.block_on(history_->before_command());
    EXPECT_TRUE(snapshot.ok()) << snapshot.error().text();
    run();
    const auto kept = loop_.block_on(history_->after_command());
    EXPECT_TRUE(kept.ok()) << kept.error().text();
    return *snapshot;
  }
  ports::RestoreReport restore(std::int64_t seq, ports::RestoreMode mode = ports::RestoreMode::kRestore) {
    history_->mark(1'000);
    const auto report = loop_.block_on(history_->restore(seq, mode));
    EXPECT_TRUE(report.ok()) << report.error().text();
    return report.ok() ? *report : ports::RestoreReport{};
  }
  [[nodiscard]] mode_t mode_of(const std::string& path) const {
    struct stat status{};
    return lstat(at(path).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  void git(const std::string& words) const {
    const std::string line = "cd '" + base_ + "/tree' && HOME='" + base_ +
                             "' GIT_CONFIG_NOSYSTEM=1 git -c user.name=t -c user.email=t@e " + words + " >/dev/null";
    ASSERT_EQ(std::system(line.c_str()), 0) << line;  // NOLINT(*): words of this test
  }

  std::string base_;
  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 2};
  std::optional<journal::FolderBlobStore> blobs_;
  std::unique_ptr<SessionHistory> history_;
};

}  // namespace lathe::undo
