#include "lathe/journal/snapshot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace lathe::journal {
namespace {

namespace fs = std::filesystem;

TEST(Snapshot, FullBlocksOfTurnsAreWrittenOnceAndADamagedOneIsWrittenAnew) {
  char pattern[] = "/tmp/lathe-snapshot-XXXXXX";
  const std::string folder = ::mkdtemp(pattern);
  const auto blocks = [&] {
    std::map<std::string, fs::file_time_type> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().filename().string().starts_with("turns-")) found[entry.path()] = entry.last_write_time();
    }
    return found;
  };
  Snapshot snapshot{.offset = 1, .record_crc = "00000000", .state = {.session_id = "s", .last_seq = 1}};
  const auto grow_to = [&](std::int64_t turns) {
    for (std::int64_t i = snapshot.state.last_seq; i <= turns; ++i) {
      snapshot.state.bookmarks.add({.response_id = "resp_" + std::to_string(i), .seq = i});
    }
    snapshot.state.last_seq = turns;
    ASSERT_TRUE(write_snapshot(folder, snapshot, storage::Disk(), runtime::Durability::kProcess).ok());
  };
  const auto newest = [&] { return read_snapshot(list_snapshots(folder).at(0).path); };
  grow_to(10'000);
  const auto first = blocks();
  ASSERT_GT(first.size(), 1U);
  EXPECT_EQ(newest()->state, snapshot.state);
  grow_to(20'000);
  EXPECT_GT(blocks().size(), first.size());
  for (const auto& [path, time] : first) EXPECT_EQ(blocks()[path], time) << path;
  EXPECT_EQ(newest()->state, snapshot.state);

  const std::string damaged = first.begin()->first;
  std::string text = *runtime::read_file(damaged, 1U << 20);
  text[text.size() / 2] ^= 1;
  std::ofstream(damaged) << text;
  EXPECT_FALSE(newest().ok());
  grow_to(20'001);
  EXPECT_EQ(newest()->state, snapshot.state);

  snapshot.state.bookmarks.drop_after(100);
  ASSERT_TRUE(write_snapshot(folder, snapshot, storage::Disk(), runtime::Durability::kProcess).ok());
  EXPECT_TRUE(blocks().empty()) << "nothing needs them any more";
  EXPECT_EQ(newest()->state.bookmarks.size(), 100U);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace lathe::journal
