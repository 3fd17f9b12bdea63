#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "lathe/index/index_rig.h"
#include "lathe/storage/fault.h"

// Lists where the index's file takes nothing more.

namespace lathe::index {
namespace {

class IndexOnAFullDisk : public IndexRig {};

/// A disk that takes no commit.
class NoCommits final : public storage::FaultPoint {
 public:
  explicit NoCommits(int error) : error_(error) {}
  storage::Fault before(std::string_view operation, std::size_t) override {
    return operation == "index.commit" ? storage::Fault{.error = error_} : storage::Fault{};
  }
  void after(std::string_view) override {}

 private:
  const int error_;
};

TEST_F(IndexOnAFullDisk, WhateverFailsWhereTheFileIsWrittenListsAreMadeInMemory) {
  const Stream stream = configured("mend the parser");
  const std::string id = stream->state().session_id;
  for (const int error : {ENOSPC, EIO, EACCES}) {
    NoCommits faults(error);
    warnings_.clear();
    index_ =
        *SqliteIndex::create(loop_, pool_, store_->source(),
                             {.state_dir = root_, .faults = &faults, .on_warning = [this](const std::string& text) {
                                warnings_.push_back(text);
                              }});
    EXPECT_EQ(list().size(), 1U) << error;
    EXPECT_EQ(get(id).title, "mend the parser");
    ASSERT_FALSE(warnings_.empty());
    EXPECT_NE(warnings_.back().find("lists are made in memory"), std::string::npos) << warnings_.back();
    index_.reset();
  }
}

/// On a disk that is nearly full SQLite speaks of reading and writing in general.
TEST_F(IndexOnAFullDisk, OnADiskThatIsNearlyFullTheFileIsLeftAndListsAreMadeInMemory) {
  const std::string disk = root_ + "/disk";
  ASSERT_EQ(::mkdir(disk.c_str(), 0700), 0);
  const Stream stream = configured();
  for (const char* size : {"size=4k", "size=8k", "size=16k", "size=24k", "size=32k", "size=48k", "size=64k"}) {
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, size) != 0) GTEST_SKIP() << "mounting a tmpfs needs root";
    warnings_.clear();
    index_ = *SqliteIndex::create(
        loop_, pool_, store_->source(),
        {.state_dir = disk, .on_warning = [this](const std::string& text) { warnings_.push_back(text); }});
    EXPECT_EQ(list().size(), 1U) << size;
    ASSERT_FALSE(warnings_.empty()) << size;
    EXPECT_NE(warnings_[0].find(disk), std::string::npos) << warnings_[0];
    for (const std::string& told : warnings_) EXPECT_NE(told.find("made in memory"), std::string::npos) << told;
    index_.reset();
    ASSERT_EQ(::umount(disk.c_str()), 0);
  }
}

}  // namespace
}  // namespace lathe::index
