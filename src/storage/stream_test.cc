#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "lathe/base/hash.h"
#include "lathe/protocol/frames.h"
#include "lathe/runtime/files.h"
#include "lathe/storage/stream_reader.h"
#include "lathe/storage/stream_writer.h"

namespace lathe::storage {
namespace {

using base::codes::kCorrupt;
using base::codes::kIo;
using base::codes::kNoSpace;
using runtime::Durability;

std::string record(std::int64_t seq, std::string_view text = "x") {
  return protocol::seal(fmt::format("{{\"v\":1,\"session\":\"s\",\"seq\":{},\"text\":\"{}\"", seq, text));
}

class StreamTest : public testing::Test {
 protected:
  StreamTest() {
    char pattern[] = "/tmp/lathe-stream-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    path_ = folder_ + "/journal.ndjson";
  }
  ~StreamTest() override { std::filesystem::remove_all(folder_); }

  StreamWriter writer(FaultPoint* faults = nullptr, Durability durability = Durability::kProcess) {
    auto opened = StreamWriter::open(path_, Disk(faults), durability);
    EXPECT_TRUE(opened.ok()) << opened.error().text();
    return *std::move(opened);
  }
  void fill(std::int64_t count) {
    StreamWriter out = writer();
    for (std::int64_t seq = 1; seq <= count; ++seq) ASSERT_TRUE(out.append(record(seq) + "\n", seq).ok());
  }
  std::string bytes() { return *runtime::read_file(path_); }
  void set_bytes(std::string_view text) {
    ASSERT_TRUE(runtime::replace_file(path_, text, 0600, Durability::kProcess).ok());
  }
  std::vector<std::string> lines(std::int64_t since = 0) {
    const auto reader = StreamReader::open(path_);
    EXPECT_TRUE(reader.ok());
    const auto page = reader->read(*reader->offset_after(since), 1'000'000, 1U << 30);
    EXPECT_TRUE(page.ok()) << page.error().text();
    return page.ok() ? page->lines : std::vector<std::string>();
  }

  std::string folder_;
  std::string path_;
};

/// Fails or shortens the operations that a test names.
class Fail final : public FaultPoint {
 public:
  Fault before(std::string_view operation, std::size_t) override { return operation == name ? fault : Fault{}; }
  void after(std::string_view) override {}
  std::string name;
  Fault fault;
};

TEST_F(StreamTest, WhatIsAppendedIsReadFromAnySeq) {
  fill(500);
  EXPECT_EQ(lines().size(), 500U);
  EXPECT_EQ(lines(499), std::vector<std::string>{record(500)});
  EXPECT_EQ(lines(500), std::vector<std::string>{});
  for (const std::int64_t since : {0, 1, 7, 250, 498}) EXPECT_EQ(lines(since).front(), record(since + 1));
  const StreamWriter again = writer();
  EXPECT_EQ(again.last_seq(), 500);
  EXPECT_FALSE(again.torn());
}

TEST_F(StreamTest, ASeqIsFoundAmongRecordsOfVeryDifferentSizesWithoutReadingAll) {
  {
    StreamWriter out = writer();
    for (std::int64_t seq = 1; seq <= 300; ++seq) {
      const std::string text(seq % 50 == 0 ? 400'000 : 50, 'y');
      ASSERT_TRUE(out.append(record(seq * 10, text) + "\n", seq * 10).ok());
    }
  }
  const auto reader = StreamReader::open(path_);
  for (std::int64_t since = 0; since < 3'000; since += 35) {
    const auto page = reader->read(*reader->offset_after(since), 1, 1);
    ASSERT_EQ(page->lines.size(), 1U);
    EXPECT_EQ(record_seq(page->lines[0]), since / 10 * 10 + 10);
  }
}

TEST_F(StreamTest, FindingASeqInALongStreamReadsLittleOfIt) {
  {
    StreamWriter out = writer();
    std::string group;
    for (std::int64_t seq = 1; seq <= 100'000; ++seq) group += record(seq, std::string(200, 'z')) + "\n";
    ASSERT_TRUE(out.append(group, 100'000).ok());
  }
  const auto reader = StreamReader::open(path_);
  ASSERT_TRUE(reader->offset_after(77'777).ok());
  EXPECT_LT(reader->bytes_read(), 200U << 10);
  EXPECT_GT(*reader->size(), 20U << 20);
}

TEST_F(StreamTest, PagesKeepTheirBounds) {
  fill(100);
  const auto reader = StreamReader::open(path_);
  const auto first = reader->read(0, 10, 1U << 20);
  EXPECT_EQ(first->lines.size(), 10U);
  const auto second = reader->read(first->next_offset, 1'000, 1);
  EXPECT_EQ(second->lines, std::vector<std::string>{record(11)});
  EXPECT_EQ(reader->read(1, 10, 100).error().code, base::codes::kInvalid);
}

TEST_F(StreamTest, ATornLastRecordIsCutOffKeptAsideAndTold) {
  fill(3);
  const std::string whole = bytes();
  const std::string torn = record(4).substr(0, 20);
  set_bytes(whole + torn);
  EXPECT_EQ(lines().size(), 3U) << "a reader does not see it";

  StreamWriter out = writer();
  ASSERT_TRUE(out.torn());
  EXPECT_EQ(out.torn()->offset, whole.size());
  EXPECT_EQ(*runtime::read_file(out.torn()->kept_in), torn);
  EXPECT_EQ(bytes(), whole);
  EXPECT_EQ(out.last_seq(), 3);
  ASSERT_TRUE(out.append(record(4) + "\n", 4).ok());
  EXPECT_EQ(lines().back(), record(4));
}

TEST_F(StreamTest, PagesOfZerosThatLostPowerLeavesAreTorn) {
  fill(3);
  const std::string whole = bytes();
  set_bytes(whole + record(4).substr(0, 30) + std::string(5'000, '\0') + "\n" + std::string(100, '\0'));
  const StreamWriter out = writer();
  EXPECT_EQ(out.last_seq(), 3);
  EXPECT_EQ(bytes(), whole);
}

TEST_F(StreamTest, AStreamOfOnlyATornRecordBecomesEmpty) {
  set_bytes(record(1).substr(0, 9));
  const StreamWriter out = writer();
  EXPECT_EQ(out.last_seq(), 0);
  EXPECT_EQ(bytes(), "");
}

TEST_F(StreamTest, AFlippedBitIsReportedWithItsPlaceWhereverItIs) {
  fill(50);
  const std::string whole = bytes();
  const std::size_t place = whole.find(record(20));
  std::string damaged = whole;
  damaged[place + 35] ^= 1;
  set_bytes(damaged);
  const auto reader = StreamReader::open(path_);
  const auto whole_part = reader->read(0, 100, 1U << 20);
  ASSERT_TRUE(whole_part.ok());
  EXPECT_EQ(whole_part->lines.size(), 19U) << "what stands before the damage is whole";
  const auto page = reader->read(whole_part->next_offset, 100, 1U << 20);
  ASSERT_FALSE(page.ok());
  EXPECT_EQ(page.error().code, kCorrupt);
  EXPECT_NE(page.error().message.find(fmt::format("at byte {}", place)), std::string::npos) << page.error().message;
  EXPECT_EQ(writer().last_seq(), 50) << "appending goes on: only the tail is looked at";

  damaged = whole;
  damaged[whole.size() - 40] ^= 1;
  set_bytes(damaged);
  const auto opened = StreamWriter::open(path_, Disk(), Durability::kProcess);
  ASSERT_FALSE(opened.ok()) << "a whole record is never cut off";
  EXPECT_EQ(opened.error().code, kCorrupt);
  EXPECT_EQ(bytes(), damaged);
}

TEST_F(StreamTest, RecordsOutOfOrderAreDamage) {
  set_bytes(record(2) + "\n" + record(4) + "\n" + record(3) + "\n" + record(4) + "\n");
  const auto page = StreamReader::open(path_)->read(0, 100, 1U << 20);
  ASSERT_TRUE(page.ok()) << page.error().text();
  EXPECT_EQ(page->lines.size(), 2U) << "a page ends before damage";
}

/// Wherever the damage is and whatever is asked for: whole records are found, and none is passed over in silence.
TEST_F(StreamTest, APlaceIsFoundAroundDamage) {
  fill(1'000);
  const std::string whole = bytes();
  for (const std::int64_t bad : {1, 2, 500, 999, 1'000}) {
    std::string damaged = whole;
    const std::size_t place = whole.find(record(bad));
    damaged[place + 35] ^= 1;
    set_bytes(damaged);
    const auto reader = StreamReader::open(path_);
    for (const std::int64_t since : {0, 1, 249, 250, 498, 499, 500, 501, 750, 998, 999}) {
      const auto offset = reader->offset_after(since);
      ASSERT_TRUE(offset.ok()) << offset.error().text();
      EXPECT_EQ(*offset, since + 1 == bad ? place : whole.find(record(since + 1)))
          << since << " with damage in " << bad;
    }
  }
}

/// A long stream is searched by halves, of a short one every line is looked at.
TEST_F(StreamTest, ARecordThatIsThereTwiceIsNotPassedOver) {
  for (const std::int64_t count : {6, 1'000}) {
    set_bytes("");
    fill(count);
    const std::string twice = record(5) + "\n";
    std::string damaged = bytes();
    const std::size_t second = damaged.find(twice) + twice.size();
    damaged.insert(second, twice);
    set_bytes(damaged);
    const auto reader = StreamReader::open(path_);
    EXPECT_EQ(*reader->offset_after(5), second) << count;
    EXPECT_EQ(*reader->offset_after(4), second - twice.size()) << count;
    EXPECT_EQ(*reader->offset_after(6), damaged.find(record(6)) + record(6).size() + 1) << count;
  }
}

TEST_F(StreamTest, AFailedAppendLeavesNothingAndALaterOneWorks) {
  fill(2);
  const std::string whole = bytes();
  Fail fail;
  StreamWriter out = writer(&fail, Durability::kPower);
  for (const Fault fault : {Fault{ENOSPC, 0}, Fault{ENOSPC, 25}, Fault{EIO, 60}}) {
    for (const char* operation : {"stream.append", "stream.sync"}) {
      fail.name = operation;
      fail.fault = fault;
      const auto failed = out.append(record(3) + "\n", 3);
      ASSERT_FALSE(failed.ok());
      EXPECT_EQ(failed.error().code, fault.error == ENOSPC ? kNoSpace : kIo);
      EXPECT_EQ(bytes(), whole);
      EXPECT_EQ(out.last_seq(), 2);
    }
  }
  fail.name = "";
  ASSERT_TRUE(out.append(record(3) + "\n", 3).ok());
  EXPECT_EQ(lines(), (std::vector<std::string>{record(1), record(2), record(3)}));
}

TEST_F(StreamTest, WhatCouldNotBeTakenBackIsTakenBackBeforeTheNextAppend) {
  fill(1);
  class FailBoth final : public FaultPoint {
   public:
    Fault before(std::string_view operation, std::size_t) override {
      if (!on) return {};
      if (operation == "stream.append") return {.error = ENOSPC, .written = 30};
      return {.error = EIO};
    }
    void after(std::string_view) override {}
    bool on = true;
  } fail;
  StreamWriter out = writer();
  out = *StreamWriter::open(path_, Disk(&fail), Durability::kProcess);
  EXPECT_FALSE(out.append(record(2) + "\n", 2).ok());
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_FALSE(out.append(record(2) + "\n", 2).ok());
  fail.on = false;
  ASSERT_TRUE(out.append(record(2) + "\n", 2).ok());
  EXPECT_EQ(lines(), (std::vector<std::string>{record(1), record(2)}));
}

TEST_F(StreamTest, AFullDiskStopsAppendsAndReadsGoOn) {
  const std::string disk = folder_ + "/disk";
  ASSERT_EQ(::mkdir(disk.c_str(), 0700), 0);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) GTEST_SKIP() << "mounting a tmpfs needs root";
  path_ = disk + "/journal.ndjson";
  std::int64_t seq = 0;
  {
    StreamWriter out = writer();
    base::Result<void> last;
    while (last.ok()) {
      last = out.append(record(seq + 1, std::string(3'000, 'f')) + "\n", seq + 1);
      if (last.ok()) ++seq;
    }
    EXPECT_EQ(last.error().code, kNoSpace);
    EXPECT_FALSE(last.error().hint.empty());
    EXPECT_EQ(lines().size(), static_cast<std::size_t>(seq));
    ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=512k"), 0);
    EXPECT_TRUE(out.append(record(seq + 1) + "\n", seq + 1).ok());
  }
  EXPECT_EQ(writer().last_seq(), seq + 1);
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

/// What a process that was killed in the middle of appending had been told is there, is there.
TEST_F(StreamTest, KillNineInTheMiddleOfAppendsLosesNothingThatWasAcknowledged) {
  for (int round = 0; round < 5; ++round) {
    std::filesystem::remove(path_);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto out = StreamWriter::open(path_, Disk(), Durability::kProcess);
      for (std::int64_t seq = 1;; ++seq) {
        if (!out->append(record(seq, std::string(2'000, 'k')) + "\n", seq).ok()) ::_exit(1);
        if (::write(ends[1], &seq, sizeof seq) != sizeof seq) ::_exit(1);
      }
    }
    ::close(ends[1]);
    std::int64_t acknowledged = 0;
    std::int64_t seen = 0;
    while (seen < 200 && ::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) ++seen;
    ::kill(child, SIGKILL);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    EXPECT_GE(writer().last_seq(), acknowledged);
    const auto all = lines();
    ASSERT_GE(all.size(), static_cast<std::size_t>(acknowledged));
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(record_seq(all[i]), static_cast<std::int64_t>(i) + 1);
  }
}

TEST_F(StreamTest, TheLimitIsThatOfARecordAndNotOfWhatIsWrittenWithIt) {
  StreamWriter out = writer();
  const std::string large(30U << 20, 'x');
  ASSERT_TRUE(out.append(record(1, large) + "\n" + record(2, large) + "\n" + record(3, large) + "\n", 3).ok());
  EXPECT_EQ(lines().size(), 3U);
  const std::string small = "\n" + record(5) + "\n";
  EXPECT_EQ(out.append(record(4, std::string(65U << 20, 'x')) + small, 5).error().code, base::codes::kLimit);
  EXPECT_EQ(lines().size(), 3U);
}

/// A write that was torn by kill -9 at every possible byte.
TEST_F(StreamTest, ATearAtAnyByteIsRepaired) {
  fill(1);
  const std::string whole = bytes();
  const std::string next = record(2) + "\n";
  for (std::size_t cut = 0; cut <= next.size(); cut += 7) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto plan = FaultPlan::parse(fmt::format("tear@1:{}", cut));
      auto out = StreamWriter::open(path_, Disk(plan->get()), Durability::kProcess);
      (void)out->append(next, 2);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const StreamWriter out = writer();
    EXPECT_EQ(out.torn().has_value(), cut > 0);
    EXPECT_EQ(bytes(), whole);
  }
}

}  // namespace
}  // namespace lathe::storage
